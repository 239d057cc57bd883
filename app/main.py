"""The entry: `streamlit run app/main.py`. The lab's script, and beside it the feed of live runs."""

import sys
from importlib import import_module
from pathlib import Path

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from app.navigation import live_path  # noqa: E402  (the root has to be on the path first)

FEED = "app.live_feed"


async def live(request: Request) -> Response:
    """Answer a browser that watches runs; the first time, load what this needs."""
    if FEED not in sys.modules:
        await run_in_threadpool(import_module, FEED)
    answer: Response = await sys.modules[FEED].answer(request)
    return answer


app = st.App(ROOT / "app" / "lab.py", routes=[Route(live_path(), live)])

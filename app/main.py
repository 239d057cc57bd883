"""The app that `python -m app` serves: the lab's script, its gate, and the feed of live runs."""

import asyncio
import sys
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from threading import Thread

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from app.abandoned import sweep_for_ever  # noqa: E402  (the root has to be on the path)
from app.gate import Identified, SecureAnswers  # noqa: E402
from app.limits import Limited  # noqa: E402
from app.navigation import live_path, operator_address  # noqa: E402
from app.serving import hand_over  # noqa: E402

FEED = "app.live_feed"


async def live(request: Request) -> Response:
    """Answer a browser that watches runs; the first time, load what this needs."""
    if FEED not in sys.modules:
        await run_in_threadpool(import_module, FEED)
    answer: Response = await sys.modules[FEED].answer(request)
    return answer


@asynccontextmanager
async def served(_: st.App) -> AsyncIterator[None]:
    """Open the app in the browser of who starts it, as Streamlit does with a script alone.

    While it is served, what closed tabs left behind is swept away.
    """
    if not st.get_option("server.headless"):
        Thread(target=webbrowser.open, args=(operator_address(),), daemon=True).start()
    sweeping = asyncio.create_task(sweep_for_ever())
    yield
    sweeping.cancel()


hand_over()
app = st.App(
    ROOT / "app" / "lab.py",
    routes=[Route(live_path(), live)],
    middleware=[Middleware(SecureAnswers), Middleware(Identified), Middleware(Limited)],
    lifespan=served,
)

"""The entry: `streamlit run app/main.py`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from app.navigation import run_app  # noqa: E402  (the root has to be on the path first)

run_app()

"""What runs for every browser: the frame and the chosen page."""

from app.navigation import run_app

run_app()

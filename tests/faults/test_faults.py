"""The faults that are quick to do; `python -m tests.faults` does them all."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_quick_faults_are_seen_as_expected() -> None:
    command = (sys.executable, "-m", "tests.faults", "--quick")
    environment = {name: text for name, text in os.environ.items() if name != "PARAMIXER_LOAD_PORT"}
    finished = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "1 of 1 as expected" in finished.stdout

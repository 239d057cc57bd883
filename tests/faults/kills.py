"""Workers and servers that are killed at random moments, twenty times and more."""

import os
import subprocess
import sys

from tests.faults.fault import Fault
from tests.load.server import ROOT


def killed(test: str) -> str:
    """What the test of kills finds when it makes many."""
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    finished = subprocess.run(
        [*command, "tests/runs/test_kills.py", "-k", test],
        cwd=ROOT,
        env={**os.environ, "PARAMIXER_KILLS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode == 0:
        return "every step bit for bit, no worker left"
    return finished.stdout.strip().splitlines()[-1]


FAULTS = (
    Fault(
        "worker killed",
        "kill -9 of the worker, 20 times, every third in the middle of a snapshot",
        "every step bit for bit, no worker left",
        lambda: killed("killed_worker"),
    ),
    Fault(
        "server killed",
        "kill -9 of the server, 20 times, and the run continued by the next one",
        "every step bit for bit, no worker left",
        lambda: killed("killed_server"),
    ),
)

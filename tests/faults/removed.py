"""A store that is deleted under a running server."""

import shutil
import urllib.request

from tests.faults.fault import Fault
from tests.faults.served import LONG, OPENER, app_on, home_of, seen
from tests.load.server import ADDRESS


def removed() -> str:
    """Delete the folder, look at the feed, and ask whether the server still lives."""
    with home_of(LONG) as (home, ids), app_on(home):
        seen(ids, lambda status, text: status == 200, 10)
        shutil.rmtree(home)
        said = seen(ids, lambda status, text: status == 503, 10)
        health = urllib.request.Request(f"{ADDRESS}/_stcore/health")
        with OPENER.open(health, timeout=10) as answer:
            alive = answer.status == 200
        if "deleted or replaced while this server ran" not in said or home.exists():
            return said
        return "said within 10 s, the server lives" if alive else "the server is gone"


FAULTS = (
    Fault(
        "store removed",
        "the run folder deleted under a running server",
        "said within 10 s, the server lives",
        removed,
        quick=True,
    ),
)

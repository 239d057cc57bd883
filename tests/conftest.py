"""What holds for every test: its own run store, one compute thread, repeatable examples."""

import os
import shutil
import tempfile
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

from tests import compiler, nginx, shape_checks

BROWSER_RERUNS = 2
STORE = tempfile.mkdtemp(prefix="paramixer-tests-")
"""A run store for this test process and the worker processes and servers that it starts."""

# Set while this file is imported, so that it holds before any test file imports torch or the core.
os.environ["PARAMIXER_HOME"] = STORE
os.environ["STREAMLIT_SERVER_HEADLESS"] = "true"  # no browser window of the person who tests
os.environ["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] = "false"
os.environ.setdefault("TRITON_CACHE_DIR", STORE)  # a home may be somebody else's to write to
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the suite runs one process per core

# From here on, importing the core turns its shape annotations into checks.
install_import_hook("paramixer_core", f"{shape_checks.__name__}.check_shapes")

settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", parent=settings.get_profile("default"), deadline=None)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each browser test file on one worker, where its server and its browser are shared.

    A browser waits for what it sees, at most so long; on a machine that is busy with other things
    a test of it is tried again, up to twice, and the run says how many were. Others never are.
    """
    for item in items:
        if "browser" in item.path.relative_to(item.config.rootpath).parts:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group(item.path.name))
            item.add_marker(pytest.mark.flaky(reruns=BROWSER_RERUNS))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run."""
    compiler.skip_without_compiler(item)
    nginx.skip_without_nginx(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests this machine could not run, one line for each reason."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
    for reason, count in reasons.most_common():
        noun = "test was" if count == 1 else "tests were"
        terminalreporter.write_line(f"{count} {noun} skipped: {reason}")


def pytest_unconfigure() -> None:
    """Remove this session's run store."""
    shutil.rmtree(STORE, ignore_errors=True)

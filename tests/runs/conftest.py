"""A store of its own for each test, and runs small enough to make hundreds of steps a second."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from paramixer_core.config import RunConfig
from paramixer_core.mixing import prepare
from paramixer_core.mixing.table import VARIABLE
from paramixer_core.runs import RunStore

TINY = RunConfig(
    seq_len=7, channels=4, hidden=4, batch=4, steps=60, learning_rate=1e-2, device="cpu"
)


@pytest.fixture(scope="session", autouse=True)
def one_path() -> Iterator[None]:
    """The same mixing code here and in the workers, the best that this machine has: losses that
    are compared bit for bit must not come from two.
    """
    patch = pytest.MonkeyPatch()
    patch.setenv(VARIABLE, prepare().value)
    yield
    patch.undo()


@pytest.fixture
def tiny() -> RunConfig:
    """Sixty steps that take well under a second."""
    return TINY


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    """An empty store."""
    made = RunStore(tmp_path / "home")
    yield made
    made.close()

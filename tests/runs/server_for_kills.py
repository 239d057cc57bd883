"""A server to be killed: trains one run of a store, from wherever it is, until it ends."""

import sys
import time
from pathlib import Path

from paramixer_core.runs import RunState, RunStore
from paramixer_core.runs.local import LocalExecutor


def main(folder: Path) -> None:
    """Continue the store's only run, and end once it is finished."""
    store = RunStore(folder)
    executor = LocalExecutor(store, workers=1, spares=1, threads=1)
    run = executor.store.runs()[0]
    if run.state is not RunState.FINISHED:
        executor.resume(run.id)
    while executor.store.run(run.id).state is not RunState.FINISHED:
        time.sleep(0.01)
    executor.close()
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

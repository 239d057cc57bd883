"""`python -m paramixer_core.gallery [run ids]`: train the gallery's runs anew, seeds fixed.

All nine take about half an hour on two cores.
"""

import argparse
from pathlib import Path

import torch

from paramixer_core.gallery.making import make_run
from paramixer_core.gallery.recipes import GALLERY_FOLDER, RECIPES
from paramixer_core.training import Evaluation


def main() -> None:
    """Make the runs named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m paramixer_core.gallery", description=__doc__)
    parser.add_argument("runs", nargs="*", default=list(RECIPES), help=", ".join(RECIPES))
    parser.add_argument("--into", type=Path, default=GALLERY_FOLDER, help="the folder to fill")
    parser.add_argument("--threads", type=int, default=1, help="threads per run (1 is repeatable)")
    given = parser.parse_args()
    if unknown := sorted(set(given.runs) - set(RECIPES)):
        parser.error(f"no such run: {', '.join(unknown)}; choose among {', '.join(RECIPES)}")
    torch.set_num_threads(given.threads)
    given.into.mkdir(parents=True, exist_ok=True)
    for run_id in given.runs:

        def tell(test: Evaluation, run_id: str = run_id) -> None:
            if test.step % 500 == 0:
                print(
                    f"{run_id}: step {test.step:,}, test loss {test.loss:.5f}, "
                    f"accuracy {test.accuracy:.1%}",
                    flush=True,
                )

        make_run(given.into / f"{run_id}.safetensors", RECIPES[run_id], tell)


if __name__ == "__main__":
    main()

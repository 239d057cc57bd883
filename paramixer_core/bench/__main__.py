"""Command line of the benchmark: `python -m paramixer_core.bench [--quick] [--json FILE]`.

`python -m paramixer_core.bench sweep FILE` measures over N what the Cost page shows.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

import torch

from paramixer_core.bench import report, runner
from paramixer_core.bench.cases import groups
from paramixer_core.device import choose_device
from paramixer_core.measure import command
from paramixer_core.mixing import prepare


def main(arguments: list[str] | None = None) -> None:
    """Measure, print each group as it comes, and write JSON if asked."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["sweep"]:
        command.run(arguments[1:], lambda line: print(line, flush=True))
        return
    parser = argparse.ArgumentParser(prog="python -m paramixer_core.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sizes, under 90 seconds")
    parser.add_argument("--only", default="", help="groups whose name contains this")
    parser.add_argument("--json", type=Path, help="write all results to this file")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, help="CPU threads; PyTorch's choice by default")
    chosen = parser.parse_args(arguments)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    device = choose_device(chosen.device)
    prepare()
    header, limits = runner.header(device), runner.measure_limits(device)
    print(*report.heading(header, limits), sep="\n")
    everything = []
    for group in groups(device):
        if chosen.only not in group.name or (chosen.quick and not group.quick):
            continue
        found = list(runner.measure(group, limits, device, budget=1 if chosen.quick else 8))
        if group.memory and not chosen.quick:
            found = [
                dataclasses.replace(
                    each, extra_memory=runner.extra_memory(each.group, each.row, device)
                )
                for each in found
            ]
        everything += found
        print(*report.table(found), sep="\n", flush=True)
    if chosen.json:
        chosen.json.write_text(report.as_json(header, limits, everything) + "\n")


if __name__ == "__main__":
    main()

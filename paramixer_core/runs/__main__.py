"""Runs without a browser, on the same store: python -m paramixer_core.runs --help"""

import argparse
import dataclasses
import os
import sys
import time
import types
import typing
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import export, races
from paramixer_core.runs.executor import Executor, open_executor
from paramixer_core.runs.memory import readable_size
from paramixer_core.runs.private import PRIVATE_MASK
from paramixer_core.runs.run import Run, RunState
from paramixer_core.runs.store import RunStore

BAR = 24


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = parser().parse_args(arguments)
    os.umask(PRIVATE_MASK)
    try:
        store = RunStore(options.store)
        status: int = options.command(store, options)
    except ParamixerError as error:
        print(error, file=sys.stderr)
        return 2
    return status


def parser() -> argparse.ArgumentParser:
    """Everything that the command line takes."""
    top = argparse.ArgumentParser(prog="python -m paramixer_core.runs", description=__doc__)
    top.add_argument("--store", type=Path, help="folder (default: PARAMIXER_HOME or the user's)")
    commands = top.add_subparsers(required=True, metavar="command")

    train = commands.add_parser("train", help="train a run or a race to its end")
    train.set_defaults(command=train_command)
    train.add_argument("--mixer", nargs="+", default=[RunConfig().mixer], help="one or more")
    train.add_argument("--seed", nargs="+", type=int, default=[0], help="one or more")
    train.add_argument("--match-parameters", action="store_true", help="equal sizes within 5 %%")
    train.add_argument("--continue", dest="resume", metavar="RUN", help="go on with this run")
    kinds = typing.get_type_hints(RunConfig)
    for field in dataclasses.fields(RunConfig):
        if field.name not in ("mixer", "seed"):
            option = "--" + field.name.replace("_", "-")
            kind = read_switch if kinds[field.name] == bool | None else plain(kinds[field.name])
            train.add_argument(option, type=kind, default=field.default, help=f"{field.default}")

    listing = commands.add_parser("list", help="runs, newest first")
    listing.set_defaults(command=list_command)
    listing.add_argument("--limit", type=int, default=30)

    show = commands.add_parser("show", help="everything about a run, or a race's result")
    show.set_defaults(command=show_command)
    show.add_argument("id")

    out = commands.add_parser("export", help="write a run or a race for other programs")
    out.set_defaults(command=export_command)
    out.add_argument("id")
    out.add_argument("--csv", type=Path, metavar="FILE")
    out.add_argument("--json", type=Path, metavar="FILE")
    out.add_argument("--weights", type=Path, metavar="FILE", help="safetensors, runs only")
    out.add_argument("--step", type=int, help="of the weights (default: the last snapshot)")
    out.add_argument("--tensorboard", type=Path, metavar="FOLDER", help="event files")

    delete = commands.add_parser(
        "delete", help="remove runs that have ended or wait, with all that they left"
    )
    delete.set_defaults(command=delete_command)
    delete.add_argument("id", nargs="+")
    return top


def plain(kind: type) -> type:
    """The type to read a field with: the first of a union such as float | None."""
    union = isinstance(kind, types.UnionType)
    chosen: type = typing.get_args(kind)[0] if union else kind
    return chosen


def read_switch(text: str) -> bool | None:
    """yes, no, or auto for the task's own default."""
    try:
        return {"yes": True, "no": False, "auto": None}[text]
    except KeyError:
        raise argparse.ArgumentTypeError("expected yes, no or auto") from None


def train_command(store: RunStore, options: argparse.Namespace) -> int:
    """Train to the end, with a progress bar; Ctrl-C keeps what is there."""
    names = [field.name for field in dataclasses.fields(RunConfig)]
    values = {name: getattr(options, name) for name in names if name not in ("mixer", "seed")}
    base = RunConfig(**values, mixer=options.mixer[0], seed=options.seed[0])
    configs = races.race_configs(
        base, options.mixer, options.seed, match_parameters=options.match_parameters
    )
    executor = open_executor(store)
    try:
        if options.resume:
            executor.resume(options.resume)
            ids = [options.resume]
        elif len(configs) == 1:
            ids = [executor.submit(configs[0]).id]
        else:
            race = races.submit_race(
                executor,
                base,
                options.mixer,
                options.seed,
                match_parameters=options.match_parameters,
            )
            ids = [run.id for run in races.race_runs(store, race)]
            print(f"race {race}", file=sys.stderr)
        return watch(executor, ids)
    except KeyboardInterrupt:
        print("\nKeeping what is there ...", file=sys.stderr)
        return 130
    finally:
        executor.close()


def watch(executor: Executor, ids: Sequence[str]) -> int:
    """Show each run's progress until it has ended; 0 if all finished.

    A bar that moves is for a terminal; a log gets one line per run.
    """
    finished, live = True, sys.stderr.isatty()
    for run_id in ids:
        while (run := executor.status(run_id)).state.active:
            if live:
                print(f"\r{bar(run)}\x1b[K", end="", file=sys.stderr, flush=True)
            time.sleep(0.2)
        print(f"\r{bar(run)}\x1b[K" if live else bar(run), file=sys.stderr)
        tests = executor.store.evaluations(run_id)
        if run.reason:
            print(run.reason, file=sys.stderr)
        if len(tests):
            print(f"{run_id} test loss {tests.loss[-1]:.4g} accuracy {tests.accuracy[-1]:.1%}")
        finished = finished and run.state is RunState.FINISHED
    return 0 if finished else 1


def bar(run: Run) -> str:
    """One line: id, mixer, state, bar, steps, speed and the time that is left."""
    filled = "#" * round(BAR * run.progress)
    left = "" if run.eta is None else f" {run.eta:.0f} s left"
    speed = f" {run.steps_per_second:.1f} steps/s" if run.steps_per_second else ""
    name = f"{run.id} {run.config.mixer} seed {run.config.seed} {run.state}"
    return f"{name} [{filled:<{BAR}}] {run.step}/{run.config.steps}{speed}{left}"


def list_command(store: RunStore, options: argparse.Namespace) -> int:
    """A line per run."""
    for run in store.runs(limit=options.limit):
        when = datetime.fromtimestamp(run.created).isoformat(" ", "minutes")
        shape = f"{run.config.task} N={run.config.seq_len} {run.config.mixer}"
        race = f" race {run.race}" if run.race else ""
        print(f"{run.id}  {when}  {run.state:<11}  {run.step}/{run.config.steps}  {shape}{race}")
    return 0


def show_command(store: RunStore, options: argparse.Namespace) -> int:
    """A run's configuration and figures, or a race's table and verdicts."""
    if store.runs(race=options.id, limit=1):
        table = races.race_table(store, options.id)
        print(export.race_csv(table), end="")
        for verdict in table.verdicts:
            margin = "" if verdict.clear else " (within the spread of another)"
            print(f"best {verdict.quantity}: {verdict.winner}{margin}")
        return 0
    run = store.run(options.id)
    print(bar(run))
    if run.reason:
        print(run.reason)
    for name, value in run.config.as_dict().items():
        print(f"  {name} = {value}")
    print(f"  parameters {run.parameters:,}, peak memory {readable_size(run.memory)}, {run.device}")
    print(f"  snapshots {[held.step for held in store.snapshots(run.id)]}")
    return 0


def export_command(store: RunStore, options: argparse.Namespace) -> int:
    """Write what was asked for and name each file."""
    race = bool(store.runs(race=options.id, limit=1))
    table = races.race_table(store, options.id) if race else None
    written: list[Path] = []
    if options.csv:
        text = export.race_csv(table) if table else export.run_csv(store, options.id)
        written.append(export.write(options.csv, text.encode()))
    if options.json:
        text = export.race_json(table) if table else export.run_json(store, options.id)
        written.append(export.write(options.json, text.encode()))
    if options.weights:
        content = export.run_weights(store, options.id, options.step)
        written.append(export.write(options.weights, content))
    if options.tensorboard:
        runs = [run for row in table.rows for run in row.runs] if table else [store.run(options.id)]
        written += [export.write_tensorboard(store, run.id, options.tensorboard) for run in runs]
    if not written:
        raise ParamixerError(
            "--csv, --json, --weights or --tensorboard", "none", "say what to write"
        )
    print("\n".join(map(str, written)))
    return 0


def delete_command(store: RunStore, options: argparse.Namespace) -> int:
    """Delete runs that have ended, or that wait and have no worker."""
    store.withdraw(options.id)
    for run_id in options.id:
        store.delete(run_id)
        print(f"deleted {run_id}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

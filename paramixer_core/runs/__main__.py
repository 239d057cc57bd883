"""Runs without a browser, on the same store: python -m paramixer_core.runs --help"""

import argparse
import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs.commands import backups, keeping, training
from paramixer_core.runs.commands.settings import add_settings
from paramixer_core.runs.forks import CHANGEABLE
from paramixer_core.runs.private import PRIVATE_MASK
from paramixer_core.runs.recovery import settle_crashed
from paramixer_core.runs.store import RunStore

EXAMPLES = """\
examples:
  train --task digits --seq-len 64 --steps 1000              one run
  train --mixer chord attention --seed 0 1 2                 a race over three seeds
  train --learning-rate 1e-3 3e-3 --mixer chord cdil         a sweep: every combination
  train --learning-rate 1e-2 --rate-at 500=1e-3              a planned change of the rate
  train --continue RUN                                       go on where it was interrupted
  train --continue RUN --steps 500                           500 more steps, as a fork
  train --from card.json                                     the same training again
  fork RUN --step 200 --learning-rate 1e-4                   go on differently from a snapshot
"""

Handler = Callable[..., int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. A reader that has enough ends it quietly."""
    try:
        options = parser().parse_args(arguments)
        os.umask(PRIVATE_MASK)
        if options.command is backups.restore_command:  # it makes the store
            restored: int = options.command(options)
            return restored
        with RunStore(options.store) as store:
            settle_crashed(store)
            status: int = options.command(store, options)
            sys.stdout.flush()
    except ParamixerError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:
        # What Python still holds for the pipe must not be tried again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def parser() -> argparse.ArgumentParser:
    """Everything that the command line takes."""
    top = argparse.ArgumentParser(
        prog="python -m paramixer_core.runs",
        description="Train, steer and keep runs without a browser, in the store that the app uses.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--store", type=Path, help="folder (default: PARAMIXER_HOME or the user's)")
    commands = top.add_subparsers(required=True, metavar="command", title="commands")

    def command(
        name: str, handler: Handler, summary: str, usage: str = ""
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            usage=f"%(prog)s {usage} [options]".replace("  ", " "),
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=38),
        )
        made.set_defaults(command=handler)
        return made

    everything = [field.name for field in dataclasses.fields(RunConfig)]
    train = command(
        "train",
        training.train_command,
        "train a run, a race or a sweep to its end; settings with several values are combined",
    )
    train.add_argument("--paper-sizes", action="store_true", help="rivals as the papers have them")
    train.add_argument("--match-parameters", action="store_true", help="equal sizes within 5 %%")
    how = train.add_mutually_exclusive_group()
    how.add_argument(
        "--continue",
        dest="resume",
        metavar="RUN",
        help="go on with this run; with --steps MORE so many steps longer, as a fork",
    )
    how.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="FILE",
        help="train again what a card or an exported run (JSON) describes, steering and forks too",
    )
    add_settings(train, everything, lists=True)

    fork = command(
        "fork", training.fork_command, "train a new run from a snapshot on", "RUN --step N"
    )
    fork.add_argument("id", metavar="RUN")
    fork.add_argument("--step", type=int, required=True, help="of the snapshot, see `show RUN`")
    add_settings(fork, CHANGEABLE, lists=False)

    listing = command("list", keeping.list_command, "list runs, newest first")
    listing.add_argument("--limit", type=int, default=30, help="at most so many (30)")

    show = command("show", keeping.show_command, "tell all about a run, or a race's result", "RUN")
    show.add_argument("id", metavar="RUN")

    out = command(
        "export", keeping.export_command, "write a run or a race for other programs", "RUN"
    )
    out.add_argument("id", metavar="RUN")
    out.add_argument("--csv", type=Path, metavar="FILE", help="curves, or a race's table")
    out.add_argument("--json", type=Path, metavar="FILE", help="all of it; `train --from` reads it")
    out.add_argument("--answers", type=Path, metavar="FILE", help="CSV of the test set's answers")
    out.add_argument("--script", type=Path, metavar="FILE", help="Python that trains it again")
    out.add_argument("--weights", type=Path, metavar="FILE", help="safetensors, runs only")
    out.add_argument("--step", type=int, help="of the weights (default: the last snapshot)")
    out.add_argument("--tensorboard", type=Path, metavar="FOLDER", help="event files")

    into = command(
        "import", keeping.import_command, "make an exported file of weights a run", "FILE"
    )
    into.add_argument("file", type=Path, metavar="FILE", help="safetensors")

    back = command(
        "backup", backups.backup_command, "keep all runs and uploads in one file", "FILE"
    )
    back.add_argument("file", type=Path, metavar="FILE", help="a new one; runs may train meanwhile")
    again = command("restore", backups.restore_command, "have all back in an empty store", "FILE")
    again.add_argument("file", type=Path, metavar="FILE", help="what `backup` wrote")

    for name, handler, summary in (
        ("stop", keeping.stop_command, "stop runs and keep their last step, whoever trains them"),
        ("pin", keeping.pin_command, "keep runs when old ones make room for new ones"),
        ("unpin", keeping.pin_command, "let runs make room for new ones again"),
        (
            "delete",
            keeping.delete_command,
            "remove runs that have ended or wait, and all they left",
        ),
    ):
        several = command(name, handler, summary, "RUN ...")
        several.add_argument("id", nargs="+", metavar="RUN")
        several.set_defaults(pinned=name == "pin")
    return top


if __name__ == "__main__":
    sys.exit(main())

"""Training from a command line: a run, a race, a sweep, a continuation or a fork, to its end."""

import argparse
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import races
from paramixer_core.runs.commands.attending import attended
from paramixer_core.runs.commands.output import say, table, tell
from paramixer_core.runs.commands.settings import given, grid, require_among, varied
from paramixer_core.runs.executor import Executor
from paramixer_core.runs.forks import CHANGEABLE
from paramixer_core.runs.memory import require_fits
from paramixer_core.runs.races import RaceRow, Spread
from paramixer_core.runs.run import RunState
from paramixer_core.runs.store import RunStore


def train_command(store: RunStore, options: argparse.Namespace) -> int:
    """Train to the end, with a progress bar; Ctrl-C keeps what is there."""
    settings = given(options)
    if options.resume:
        return continue_command(store, options.resume, settings)
    if options.source:
        require_among(settings, (), "leave them out: the file says what to train")
        return again_command(store, options.source)
    mixers = settings.get("mixer", [RunConfig().mixer])
    seeds = settings.get("seed", [RunConfig().seed])
    combinations = grid(settings)
    raced = [
        races.race_configs(
            RunConfig(**values, mixer=mixers[0], seed=seeds[0]),
            mixers,
            seeds,
            match_parameters=options.match_parameters,
            paper_sizes=options.paper_sizes,
        )
        for values in combinations
    ]
    for config in (config for configs in raced for config in configs):
        require_fits(config)
    if len(raced) == 1 and len(raced[0]) == 1:
        return attended(store, lambda executor: [executor.submit(raced[0][0]).id])
    names = varied(settings)
    total = sum(map(len, raced))
    words = [f"{name.replace('_', ' ')} {', '.join(map(str, settings[name]))}" for name in names]
    words += [f"mixer {', '.join(mixers)}", f"seed {', '.join(map(str, seeds))}"]
    tell(f"{total} runs: {'; '.join(words)}.")
    ids = [secrets.token_hex(5) for _ in raced]

    def begin(executor: Executor) -> list[str]:
        # All settings on the first seed, then on the second: an early end has compared them all.
        per_seed = len(raced[0]) // len(dict.fromkeys(seeds))
        order = [
            (race, config)
            for start in range(0, len(raced[0]), per_seed)
            for race, configs in zip(ids, raced, strict=True)
            for config in configs[start : start + per_seed]
        ]
        runs = [executor.submit(config, race=race).id for race, config in order]
        for race, values in zip(ids, combinations, strict=True):
            told = ", ".join(f"{name} {values[name]}" for name in names)
            tell(f"race {race}{': ' * bool(told)}{told}")
        return runs

    return attended(store, begin, lambda: say(results(store, ids, combinations, names)))


def results(
    store: RunStore,
    ids: Sequence[str],
    combinations: Sequence[dict[str, Any]],
    names: Sequence[str],
) -> str:
    """A row per setting and mixer: what was reached, mean and deviation over seeds."""
    rows = [
        [*(str(values[name]) for name in names), *figures(row)]
        for race, values in zip(ids, combinations, strict=True)
        for row in races.race_table(store, race).rows
    ]
    header = ["mixer", "test accuracy", "test loss", "steps/s", "parameters", "seeds"]
    return table([*names, *header], rows)


def figures(row: RaceRow) -> list[str]:
    """One mixer's row."""
    accuracy = "-" if row.test_accuracy is None else percent(row.test_accuracy)
    others = [number(row.test_loss), number(row.steps_per_second)]
    return [row.mixer, accuracy, *others, f"{row.parameters:,}", str(len(row.runs))]


def percent(found: Spread) -> str:
    """A share in percent, with its deviation over seeds where there are several."""
    spread = f" ± {100 * found.deviation:.1f}" if found.count > 1 else ""
    return f"{found.mean:.1%}{spread}"


def number(found: Spread | None) -> str:
    """A number with its deviation over seeds where there are several."""
    if found is None:
        return "-"
    return f"{found.mean:.4g}" + (f" ± {found.deviation:.2g}" if found.count > 1 else "")


def continue_command(store: RunStore, run_id: str, settings: dict[str, Any]) -> int:
    """Go on with a run; with more steps, or other settings, as a fork of its last step."""
    run = store.run(run_id)
    remedy = "start a new run for these"
    require_among(settings, CHANGEABLE, remedy)
    changes = {
        name: value if name == "rate_changes" else value[0] for name, value in settings.items()
    }
    if not changes:
        if run.state is RunState.FINISHED:
            raise ParamixerError(
                "a run with steps left", "a finished one", "say how many more: --steps MORE"
            )

        def resume(executor: Executor) -> list[str]:
            executor.resume(run_id)
            return [run_id]

        return attended(store, resume)
    step = store.resume_step(run_id)
    if step is None:
        raise ParamixerError("a run with a snapshot", "one that left none", "train it first")
    more = changes.pop("steps", max(1, run.config.steps - step))
    changes = {"target_accuracy": None} | changes | {"steps": step + more}

    def branch(executor: Executor) -> list[str]:
        child = executor.fork(run_id, step, **changes)
        tell(
            f"{run_id} is {run.state} at step {run.step:,} and stays as it is; its fork {child.id} "
            f"goes on from step {step:,} to {step + more:,}."
        )
        return [child.id]

    return attended(store, branch)


def fork_command(store: RunStore, options: argparse.Namespace) -> int:
    """Train a new run that goes on from a snapshot."""
    changes = given(options)

    def branch(executor: Executor) -> list[str]:
        child = executor.fork(options.id, options.step, **changes)
        tell(f"{child.id} is a fork of {options.id} at step {options.step:,}.")
        return [child.id]

    return attended(store, branch)


def again_command(store: RunStore, source: Path) -> int:
    """Train a run again from its card or its exported JSON, through every fork."""
    from paramixer_core.runs.retraining import plan, segments_of

    try:
        held = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ParamixerError(f"a JSON file at {source}", error, "name a card's file") from error
    first, *forks = plan(segments_of(held if isinstance(held, dict) else {}))
    trained: list[str] = []

    def begin(executor: Executor) -> list[str]:
        trained.append(executor.submit(first.config).id)
        return trained[-1:]

    def go_on(executor: Executor) -> list[str]:
        at, config = forks.pop(0)
        changes = {name: getattr(config, name) for name in CHANGEABLE}
        trained.append(executor.fork(trained[-1], at, **changes).id)
        return trained[-1:]

    status = attended(store, begin)
    while forks and not status:
        status = attended(store, go_on)
    return status

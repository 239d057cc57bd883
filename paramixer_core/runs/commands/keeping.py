"""What a command line does with runs that are there: list, show, export, stop, pin, import, delete.

None of it starts a run or takes one from the server that trains it.
"""

import argparse
import time
from datetime import datetime
from pathlib import Path

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.commands.attending import bar
from paramixer_core.runs.commands.output import say, tell
from paramixer_core.runs.memory import readable_size
from paramixer_core.runs.run import Command, Run, RunState
from paramixer_core.runs.segments import conditions_of, differences
from paramixer_core.runs.store import RunStore

STOP_PATIENCE = 20.0
"""Seconds that a worker gets to make its last step and write its snapshot."""


def list_command(store: RunStore, options: argparse.Namespace) -> int:
    """A line per run."""
    for run in store.runs(limit=options.limit):
        when = datetime.fromtimestamp(run.created).isoformat(" ", "minutes")
        shape = f"{run.config.task} N={run.config.seq_len} {run.config.mixer}"
        more = f" race {run.race}" if run.race else ""
        more += f" fork of {run.parent} at {run.parent_step}" if run.parent else ""
        more += " pinned" if run.pinned else ""
        say(f"{run.id}  {when}  {run.state:<11}  {run.step}/{run.config.steps}  {shape}{more}")
    return 0


def show_command(store: RunStore, options: argparse.Namespace) -> int:
    """A run's configuration, history and figures, or a race's table and verdicts."""
    from paramixer_core.runs import export, races

    if store.runs(race=options.id, limit=1):
        found = races.race_table(store, options.id)
        say(export.race_csv(found).rstrip("\n"))
        for verdict in found.verdicts:
            margin = "" if verdict.clear else " (within the spread of another)"
            say(f"best {verdict.quantity}: {verdict.winner}{margin}")
        return 0
    run = store.run(options.id)
    say(bar(run))
    if run.reason:
        say(run.reason)
    for name, value in run.config.as_dict().items():
        say(f"  {name} = {value}")
    say(f"  parameters {run.parameters:,}, peak memory {readable_size(run.memory)}, {run.device}")
    say(f"  snapshots {[held.step for held in store.snapshots(run.id)]}")
    history(store, run)
    return 0


def history(store: RunStore, run: Run) -> None:
    """How a run was steered, and how it did on the test set."""
    from paramixer_core.cards import told
    from paramixer_core.evaluation import ClassificationReport
    from paramixer_core.runs.lineage import lineage
    from paramixer_core.runs.reports import run_report

    segments = lineage(store, run.id)
    for segment in segments:
        say(f"  {told(segment)}")
    for sentence in differences(conditions_of(segments)):
        say(f"  {sentence}")
    try:
        found = run_report(store, run.id)
    except ParamixerError as error:
        say(f"  no answers to report: {error}")
        return
    if found is None:
        return
    report = found.report
    if isinstance(report, ClassificationReport):
        auc = "" if report.roc_auc is None else f", ROC-AUC {report.roc_auc:.3f}"
        say(
            f"  test set at step {found.step}: {report.accuracy:.1%} right{auc}; always answering "
            f"{report.majority_class}: {report.majority_share:.1%}"
        )
        for name, share in zip(report.classes, report.class_accuracy, strict=True):
            say(f"    {name}: {share:.1%} right")
        return
    say(
        f"  test set at step {found.step}: {report.accuracy:.1%} within {report.tolerance:g}, "
        f"{report.mean_absolute_error:.4g} off on average; always answering the mean: "
        f"{report.mean_accuracy:.1%}, {report.mean_baseline_error:.4g} off"
    )


def export_command(store: RunStore, options: argparse.Namespace) -> int:
    """Write what was asked for and name each file."""
    from paramixer_core.runs import export, races
    from paramixer_core.runs.reports import report_csv

    race = bool(store.runs(race=options.id, limit=1))
    table = races.race_table(store, options.id) if race else None
    runs = [run for row in table.rows for run in row.runs] if table else [store.run(options.id)]
    written: list[Path] = []
    if options.csv:
        text = export.race_csv(table) if table else export.run_csv(store, options.id)
        written.append(export.write(options.csv, text.encode()))
    if options.json:
        text = export.race_json(store, table) if table else export.run_json(store, options.id)
        written.append(export.write(options.json, text.encode()))
    if options.answers:
        text = report_csv(store, [run.id for run in runs])
        written.append(export.write(options.answers, text.encode()))
    if options.script:
        written.append(export.write(options.script, export.run_script(store, options.id).encode()))
    if options.weights:
        content = export.run_weights(store, options.id, options.step)
        written.append(export.write(options.weights, content))
    if options.tensorboard:
        written += [export.write_tensorboard(store, run.id, options.tensorboard) for run in runs]
    if not written:
        raise ParamixerError(
            "--csv, --json, --answers, --script, --weights or --tensorboard",
            "none",
            "say what to write",
        )
    say("\n".join(map(str, written)))
    return 0


def delete_command(store: RunStore, options: argparse.Namespace) -> int:
    """Delete runs that have ended, or that wait and have no worker."""
    store.withdraw(options.id)
    for run_id in options.id:
        store.delete(run_id)
        say(f"deleted {run_id}")
    return 0


def stop_command(store: RunStore, options: argparse.Namespace) -> int:
    """Stop runs, whoever trains them, and wait until their last step is kept."""
    for run_id in options.id:
        store.run(run_id)
    store.withdraw(options.id)
    asked = [run_id for run_id in options.id if store.run(run_id).state.active]
    for run_id in asked:
        store.command(run_id, Command.STOP)
    deadline = time.monotonic() + STOP_PATIENCE
    while time.monotonic() < deadline and any(store.run(run).state.active for run in asked):
        time.sleep(0.1)
    status = 0
    for run_id in options.id:
        run = store.run(run_id)
        if run.state.active:
            status = 1
            tell(f"{run_id} was told to stop, and its worker has not answered yet.")
        else:
            say(f"{run_id} {run.state} at step {run.step}")
    return status


def pin_command(store: RunStore, options: argparse.Namespace) -> int:
    """Keep runs when old ones make room for new ones, or no longer."""
    for run_id in options.id:
        store.pin(run_id, options.pinned)
        say(f"{'pinned' if options.pinned else 'unpinned'} {run_id}")
    return 0


def import_command(store: RunStore, options: argparse.Namespace) -> int:
    """Make weights of a file a finished run, to be looked at and forked."""
    from paramixer_core.uploads.importing import import_weights
    from paramixer_core.uploads.recognise import read_weights_file

    try:
        content = options.file.read_bytes()
    except OSError as error:
        raise ParamixerError(f"a file at {options.file}", error.strerror, "name another") from error
    if content.lstrip()[:1] == b"{":
        raise ParamixerError(
            "weights, a safetensors file",
            "JSON, which holds none",
            f"train the run again: train --from {options.file}",
        )
    found = read_weights_file(content, options.file.name)
    for sentence in (*found.notes, *found.warnings):
        tell(sentence)
    for question in found.questions:
        if not question.answered:
            tell(f"{question.title}: taken as {question.answer}.")
    run = import_weights(store, found).run
    assert run.state is RunState.FINISHED
    say(f"{run.id} {run.config.mixer} {run.config.task} N={run.config.seq_len} step {run.step}")
    return 0

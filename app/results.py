"""Who won on what, and everything that one may take home from a race."""

import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app import answers, engine, say
from app.names import mixer_titles, run_title
from paramixer_core.models import mixer_kind
from paramixer_core.runs import export
from paramixer_core.runs.races import RaceTable, race_table
from paramixer_core.runs.reports import report_csv
from paramixer_core.runs.run import Run


def results(runs: list[Run]) -> None:
    """The result table of the shown race, the answers on the test set, and the files."""
    store = engine.store()
    races = {run.race for run in runs if run.race}  # a fork beside them is in none
    if len(races) == 1:
        race = races.pop()
        table = race_table(store, race)
        st.dataframe(rows_of(table), hide_index=True)
        origins(table)
        for verdict in table.verdicts:
            st.markdown(f"- {say.verdict(verdict, mixer_titles()[verdict.winner])}")
        with st.container(horizontal=True, gap="small"):
            offer("Results, CSV", f"race-{race}.csv", lambda: export.race_csv(table))
            offer("Everything, JSON", f"race-{race}.json", lambda: export.race_json(store, table))
    answers.of_runs(runs)
    by_title = {f"{run_title(run)} · seed {run.config.seed} · {run.id}": run for run in runs}
    run = by_title[st.selectbox("Files of one run", list(by_title), key="export-run")]
    name = f"{run.config.mixer}-{run.id}"
    with st.container(horizontal=True, gap="small"):
        offer("Curves, CSV", f"{name}.csv", lambda: export.run_csv(store, run.id))
        offer("Run, JSON", f"{name}.json", lambda: export.run_json(store, run.id))
        if store.resume_step(run.id) is not None:
            offer("Weights", f"{name}.safetensors", lambda: export.run_weights(store, run.id))
            offer("Test answers, CSV", f"{name}-test.csv", lambda: report_csv(store, [run.id]))
            if run.ancestry or not run.parent_step:
                offer("Script", f"{name}.py", lambda: export.run_script(store, run.id))
        offer("TensorBoard", f"{name}-tensorboard.zip", lambda: tensorboard_zip(run))
    if st.button("Refresh", key="results-refresh", icon=":material/refresh:"):
        st.rerun(scope="fragment")


def rows_of(table: RaceTable) -> list[dict[str, object]]:
    """The table for people: mean ± deviation over seeds."""
    titles = mixer_titles()
    return [
        {
            "Mixer": titles[row.mixer],
            "Test accuracy": say.share(row.test_accuracy),
            "Test loss": say.figure(row.test_loss),
            "Steps/s": say.figure(row.steps_per_second),
            "Seconds": say.figure(row.seconds),
            "Multiply-adds": say.short(row.multiply_adds),
            "Parameters": row.parameters,
            "Seeds": len(row.runs),
        }
        for row in table.rows
    ]


def origins(table: RaceTable) -> None:
    """Whose code each entrant ran, at which size, and what it lacks against its paper."""
    titles = mixer_titles()
    lines = [
        f"**{titles[row.mixer]}**: {mixer_kind(row.mixer).origin_of(row.runs[0].config)}"
        for row in table.rows
    ]
    st.caption("  \n".join(lines))


def offer(label: str, file: str, make: Callable[[], str | bytes]) -> None:
    """A download whose file is made when it is asked for."""
    st.download_button(label, make, file_name=file, key=f"save-{label}", on_click="ignore")


def tensorboard_zip(run: Run) -> bytes:
    """The run's TensorBoard event file in its folder, zipped."""
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as scratch:
        written = export.write_tensorboard(engine.store(), run.id, Path(scratch))
        with zipfile.ZipFile(packed, "w") as archive:
            archive.write(written, str(written.relative_to(scratch)))
    return packed.getvalue()

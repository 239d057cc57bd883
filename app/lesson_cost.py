"""What the chosen runs will cost, said under the Start button, and how well earlier ones were."""

from collections.abc import Sequence
from statistics import mean

import streamlit as st

from app import cost_sets, engine, names, say
from app.escape import plain
from app.training_settings import Entry
from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.measure.calibration import Calibration, calibrate, samples_of
from paramixer_core.measure.lesson import (
    Notebook,
    Outcome,
    RunEstimate,
    estimate_lesson,
    estimate_run,
    learned,
    outcomes,
    typical_error,
)
from paramixer_core.runs import capacity
from paramixer_core.runs.memory import readable_size, total_memory
from paramixer_core.runs.races import race_configs
from paramixer_core.runs.run import Run, RunState

ENDED = (RunState.FINISHED, RunState.STOPPED)


def start(entry: Entry) -> None:
    """Start the race, and write down what was said of it."""
    engine.race(
        entry.base,
        entry.mixers,
        entry.seeds,
        match=entry.match,
        paper_sizes=entry.paper_sizes,
    )
    factor = learned(past())
    for run in engine.shown():
        try:
            notebook().note(run.id, estimate(run.config), factor)
        except ParamixerError:  # a mixer that nobody measured: nothing was said of it
            continue


def line(entry: Entry) -> None:
    """Time, memory and energy class of the runs as chosen, in one line."""
    try:
        configs = race_configs(
            entry.base,
            entry.mixers,
            entry.seeds,
            match_parameters=entry.match,
            paper_sizes=entry.paper_sizes,
        )
        runs = [estimate(config) for config in configs]
    except ParamixerError as error:
        st.caption(f"No estimate: {plain(error)}")
        return
    known = past()
    whole = estimate_lesson(runs, workers(), learned(known))
    words = (
        f"About **{say.roughly(whole.seconds)}**, {readable_size(whole.memory)}, energy class "
        f"**{whole.energy_class}** ({say.energy(whole.watt_hours)})"
    )
    if whole.memory > total_memory():
        words += f"; this machine has {readable_size(total_memory())}"
    st.caption(f"{words}.", help=explained(known))


def explained(known: Sequence[Outcome]) -> str:
    """Where the estimate comes from, and how far off earlier ones were."""
    error = typical_error(known)
    after = (
        "No run of this server has been held against its estimate yet."
        if error is None
        else f"A step of the last {len(known)} runs was off by {error:.0%} in the median; the time "
        f"is multiplied by {learned(known).time:.2f} for that."
    )
    return (
        f"From the closed forms and measurements on {plain(cost_sets.shipped().machine.name)} "
        f"(see Cost). {after} Energy: 10 W for a busy core, a rough guess. A: under 0.1 Wh, "
        "B: under 1, C: under 10, D: under 100."
    )


def verdict(runs: Sequence[Run]) -> None:
    """Of runs that have ended: what was said of them and what they took."""
    titles = names.mixer_titles()
    by_mixer: dict[str, list[Outcome]] = {}
    for found in outcomes(notebook().noted(), [run for run in runs if run.state in ENDED]):
        by_mixer.setdefault(found.mixer, []).append(found)
    for mixer, group in by_mixer.items():
        st.caption(f"{titles[mixer]}: {told(group)}")


def told(group: Sequence[Outcome]) -> str:
    """What was estimated of the runs of one mixer beside what they took; means of several."""
    said = mean(one.noted.said for one in group)
    took = mean(one.seconds for one in group)
    words = [f"estimated {say.short_time(said)} a step, took {say.short_time(took)}"]
    wholes = [(one.noted.whole, one.whole) for one in group if one.whole and one.noted.whole]
    if wholes:
        foretold, real = (mean(times) for times in zip(*wholes, strict=True))
        words.append(f"{say.roughly(foretold)} in all, took {say.roughly(real)}")
    memory = (mean(one.noted.memory for one in group), mean(one.memory for one in group))
    words.append("{}, took {}".format(*(readable_size(int(size)) for size in memory)))
    runs = f" (means of {len(group)} runs)" if len(group) > 1 else ""
    return "; ".join(words) + f"{runs}."


def past() -> list[Outcome]:
    """The latest runs of this server that were estimated and then trained."""
    noted = notebook().noted()
    if not noted:
        return []
    return outcomes(noted, engine.store().runs(states=list(ENDED)))


def notebook() -> Notebook:
    """Where this server's estimates are kept."""
    return Notebook(engine.store().folder)


def workers() -> int:
    """How many runs train at once."""
    return capacity.setting("PARAMIXER_WORKERS", capacity.cores(), 1)


@st.cache_data(max_entries=256, show_spinner=False)
def estimate(config: RunConfig) -> RunEstimate:
    """One run, as the model has it."""
    return estimate_run(config.replace(device="auto"), machine_model())


@st.cache_resource(max_entries=1, show_spinner=False)
def machine_model() -> Calibration:
    """The shipped set as a model of a CPU, at its number of threads; real runs correct it."""
    return calibrate(samples_of(cost_sets.shipped()))

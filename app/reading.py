"""Files are read in a job process: its progress, its stop button, its sentence, what it found."""

import hashlib
import time

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import engine, jobs
from app.escape import plain
from app.guarded import fragment
from paramixer_core.jobs import Job
from paramixer_core.uploads.at_work import (
    Arrays,
    Progress,
    Stage,
    keep_job,
    make_ready,
    read_job,
)
from paramixer_core.uploads.door import UploadChoices
from paramixer_core.uploads.keeping import Kept
from paramixer_core.uploads.what_was_read import Read

AT_ONCE_SECONDS = 1.0
"""A small file is read within this time, so that the page is drawn once, with what was found."""
TICK_SECONDS = 0.5
ICON = ":material/upload_file:"


def ready() -> None:
    """Have a process wait for the file that is about to come."""
    make_ready()


def digest_of(file: UploadedFile) -> str:
    """What stands for the file's content; computed once for each file of the tab."""
    key = f"digest-{file.file_id}"
    if key not in st.session_state:
        st.session_state[key] = hashlib.sha256(file.getbuffer()).hexdigest()[:16]
    return str(st.session_state[key])


def job(file: UploadedFile, choices: UploadChoices, place: str) -> Job[Progress]:
    """The job that reads a file so; the same file and choices are read once."""
    request = (digest_of(file), file.name, choices)
    work = jobs.held(
        place, request, lambda: read_job(file.getvalue(), file.name, choices, engine.owner())
    )
    work.wait(AT_ONCE_SECONDS)
    return work


def read(file: UploadedFile, choices: UploadChoices, place: str) -> Read | None:
    """What the file holds; None while it is read, was stopped, or cannot be read, which is said."""
    work = job(file, choices, place)
    draw(work, place)
    return found(work)


def failed(place: str) -> bool:
    """Whether the last file of this place could not be read."""
    return bool(st.session_state[place][1].failure)


def found(work: Job[Progress]) -> Read | None:
    """What a job has read, once it is done."""
    last = work.results[-1] if work.finished else None
    return None if isinstance(last, Stage | Kept | Arrays) else last


def arrays(work: Job[Progress]) -> tuple[str, ...]:
    """The names of an archive's matrices, where one must be chosen."""
    return next((one.names for one in work.results if isinstance(one, Arrays)), ())


def keep(file: UploadedFile, choices: UploadChoices, place: str) -> Kept | None:
    """What became of the file in the store; None while it is at work, or had to be refused."""
    request = (digest_of(file), file.name, choices)
    home, owner = engine.store().folder, engine.owner()
    work = jobs.held(
        place,
        request,
        lambda: keep_job(file.getvalue(), file.name, choices, home, owner),
        shared=False,
    )
    work.wait(AT_ONCE_SECONDS)
    draw(work, place)
    last = work.results[-1] if work.finished else None
    return last if isinstance(last, Kept) else None


def draw(work: Job[Progress], place: str) -> None:
    """How far the job is, with a button to end it; why it failed; nothing once it is done."""
    ticking = work.running

    def tick() -> None:
        progress(work, place)
        if ticking and not work.running:
            st.rerun()

    fragment(tick, run_every=TICK_SECONDS if ticking else None, key=f"{place}-progress")()


def progress(work: Job[Progress], place: str) -> None:
    """The bar counts what is done; where nothing can be counted, the time that may be taken."""
    if work.failure:
        st.error(plain(work.failure), icon=ICON)
    elif work.cancelled:
        told, button = st.columns([4, 1], vertical_alignment="center")
        told.caption("Stopped.")
        if button.button("Again", key=f"again-{place}", icon=":material/replay:"):
            st.session_state.pop(place)
            st.rerun()
    elif work.running:
        bar, button = st.columns([4, 1], vertical_alignment="center")
        share, words = pace(work)
        bar.progress(share, text=words)
        if button.button("Stop", key=f"stop-{place}", icon=":material/stop:"):
            work.cancel()
            st.rerun()


def pace(work: Job[Progress]) -> tuple[float, str]:
    """How much is done (0..1), and what is being done."""
    if not work.started:
        return 0.0, "Waits for another file of this server"
    last = work.results[-1] if work.results else None
    stage = last if isinstance(last, Stage) else Stage("Reading it")
    if stage.total:
        return min(1.0, stage.done / stage.total), (
            f"{stage.words}: {stage.done:,} of {stage.total:,} batches"
        )
    taken, most = time.monotonic() - work.started, work.limits.seconds
    of = f" of at most {most:,.0f} s" if most else " s"
    return min(1.0, taken / most) if most else 0.0, f"{stage.words}: {taken:,.0f}{of}"

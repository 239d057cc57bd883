import os
import signal
import time

import numpy as np
import pytest

from paramixer_core.analysis.contest import contest, entrants
from paramixer_core.jobs import IDLE, Job
from paramixer_core.protocols import Protocol

TARGET = np.eye(16)


@pytest.fixture(scope="module", autouse=True)
def _no_process_left():
    yield
    IDLE.close()


def wait(job, until, seconds=60):
    deadline = time.monotonic() + seconds
    while not until(job):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def fit(steps, side=16, rank=7):
    return Job(contest, (TARGET, entrants(side, rank), steps)).start()


def done(job):
    return not job.running


def test_a_job_gives_what_its_generator_gives_and_the_process_serves_again():
    expected = [report.error for report in contest(TARGET, entrants(16, 7), 40)]
    processes = []
    for _ in range(2):
        job = fit(40)
        wait(job, lambda job: job._worker is not None or not job.running)
        processes.append(job._worker)
        wait(job, done)
        assert job.finished
        assert [report.error for report in job.results] == pytest.approx(expected, rel=1e-4)
    assert processes[0] is processes[1]


def test_an_error_of_the_core_becomes_the_jobs_sentence():
    job = fit(40, side=24, rank=6)
    wait(job, done)
    assert "a target of side 24" in job.failure


def test_a_cancelled_job_keeps_what_came_and_its_process_ends():
    job = fit(100_000)
    wait(job, lambda job: job.results)
    process = job._worker._process
    job.cancel()
    assert not job.running
    assert process.wait(20) == -signal.SIGKILL
    assert job.results[0].protocol is Protocol.CHORD
    assert not job.failure


def test_a_process_that_is_killed_is_said():
    job = fit(100_000)
    wait(job, lambda job: job.results)
    os.kill(job._worker._process.pid, signal.SIGKILL)
    wait(job, done)
    assert "ended by itself" in job.failure

"""What leaves the store is what is in it."""

import csv
import io
import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import Run, RunStore, export
from paramixer_core.runs.journal import Entry, StoreJournal
from paramixer_core.runs.tensorboard import masked_crc, write_events
from paramixer_core.training import Trainer
from tests.runs.trained import train_here


@pytest.fixture
def run(store: RunStore, tiny: RunConfig) -> Run:
    """A trained run."""
    return train_here(store, store.create(tiny.replace(steps=20)).id)


def test_csv_holds_every_record_and_test_figure(store: RunStore, run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(export.run_csv(store, run.id))))
    assert [int(row["step"]) for row in rows] == list(range(1, 21))
    assert [float(row["loss"]) for row in rows] == store.records(run.id).loss.tolist()
    tested = {int(row["step"]): float(row["test_loss"]) for row in rows if row["test_loss"]}
    tests = store.evaluations(run.id)
    assert tested == dict(zip(tests.step.tolist(), tests.loss.tolist(), strict=True))


def test_json_reads_back_as_the_configuration_and_the_figures(store: RunStore, run: Run) -> None:
    held = json.loads(export.run_json(store, run.id))
    assert RunConfig.from_dict(held["config"]) == run.config
    assert held["state"] == "finished"
    assert held["records"]["loss"] == store.records(run.id).loss.tolist()


def test_json_has_null_where_there_is_no_number(store: RunStore, tiny: RunConfig) -> None:
    run = store.create(tiny)
    store.grant(run.id, "lease", "host")
    entry = Entry(records=[(1, math.inf, 0.5, math.nan, 1.0, 1.0)])
    StoreJournal(store, run.id, "lease").write(entry)
    held = json.loads(export.run_json(store, run.id))
    assert (held["records"]["loss"], held["records"]["grad_norm"]) == ([None], [None])


def test_weights_load_into_a_network_and_carry_their_configuration(
    store: RunStore, run: Run, tmp_path: Path
) -> None:
    content = export.run_weights(store, run.id)
    trainer = Trainer(run.config)
    trainer.network.load_state_dict(load(content))
    expected = store.state(run.id, 20)
    for name, weight in trainer.network.state_dict().items():
        assert torch.equal(weight, expected[f"network.{name}"])
    path = export.write(tmp_path / "w.safetensors", export.run_weights(store, run.id, 5))
    with safe_open(path, framework="np") as file:
        note = file.metadata()
    assert RunConfig.from_dict(json.loads(note["config"])) == run.config
    assert note["step"] == "5"


def test_weights_of_a_run_without_snapshots_are_refused(store: RunStore, tiny: RunConfig) -> None:
    with pytest.raises(ParamixerError, match="a run with a snapshot"):
        export.run_weights(store, store.create(tiny).id)


def read_events(content: bytes) -> list[tuple[float, int, str, float]]:
    """Scalars of an event file, read by the format's own rules; checks every checksum."""
    found = []
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        assert content[8:12] == masked_crc(content[:8])
        data, content = content[12 : 12 + length], content[12 + length :]
        assert content[:4] == masked_crc(data)
        content = content[4:]
        if b"brain.Event:2" in data or b"_hparams_" in data:
            continue
        assert (data[0], data[9]) == (0x09, 0x10)
        step = place = 0
        for place, byte in enumerate(data[10:]):
            step |= (byte & 127) << 7 * place
            if byte < 128:
                break
        value = data[10 + place + 1 :]
        assert (value[0], value[2], value[4]) == (0x2A, 0x0A, 0x0A)
        tag = value[6 : 6 + value[5]]
        assert value[6 + value[5]] == 0x15
        (number,) = struct.unpack("<f", value[-4:])
        found.append((struct.unpack("<d", data[1:9])[0], step, tag.decode(), number))
    return found


def test_tensorboard_frames_are_those_that_tensorboard_reads(tmp_path: Path) -> None:
    path = tmp_path / "events"
    write_events(path, [(1.5, 300, "loss", 0.25), (2.5, 70_000, "loss", 0.5)])
    content = path.read_bytes()
    # How every event file that TensorFlow writes begins: a length of 24 and its masked checksum.
    assert content.startswith(b"\x18\0\0\0\0\0\0\0\xa3\x7fK\x22")
    assert read_events(content) == [(1.5, 300, "loss", 0.25), (2.5, 70_000, "loss", 0.5)]


def test_tensorboard_files_hold_every_curve(store: RunStore, run: Run, tmp_path: Path) -> None:
    path = export.write_tensorboard(store, run.id, tmp_path)
    assert "tfevents" in path.name
    events = read_events(path.read_bytes())
    curve, tests = store.records(run.id), store.evaluations(run.id)
    loss = {step: value for _, step, tag, value in events if tag == "train/loss"}
    assert loss == dict(zip(curve.step.tolist(), np.float32(curve.loss).tolist(), strict=True))
    accuracy = [value for _, _, tag, value in events if tag == "test/accuracy"]
    assert accuracy == np.float32(tests.accuracy).tolist()
    times = [when for when, _, tag, _ in events if tag == "train/loss"]
    assert times == ((run.started or 0) + curve.seconds).tolist()


def test_a_file_that_cannot_be_written_is_named(store: RunStore, run: Run) -> None:
    with pytest.raises(ParamixerError, match=r"/proc/nowhere/run\.csv"):
        export.write(Path("/proc/nowhere/run.csv"), b"")

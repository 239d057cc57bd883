"""A snapshot is whole or not there."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from paramixer_core.config import RunConfig
from paramixer_core.runs import RunStore, StoreError, snapshots
from paramixer_core.runs.journal import StoreJournal

STATE = {"network.w": torch.arange(6.0).reshape(2, 3), "step": torch.tensor(4)}
PROBE = {"block.0.product": torch.eye(3), "loss": torch.tensor(0.5)}


def test_state_and_probe_come_back_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "run" / "a.safetensors"
    size = snapshots.write(path, STATE, PROBE, {"run": "x"})
    assert size == path.stat().st_size
    state = snapshots.read_state(path)
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[name], STATE[name]) for name in STATE)
    assert snapshots.read_probe(path).keys() == PROBE.keys()
    only = snapshots.read_probe(path, {"block.0.product"})
    assert only["block.0.product"].tolist() == torch.eye(3).tolist()
    assert only.keys() == {"block.0.product"}


def test_a_transposed_view_is_kept_by_value(tmp_path: Path) -> None:
    view = torch.arange(6.0).reshape(2, 3).T
    snapshots.write(tmp_path / "a.safetensors", {"w": view}, {}, {})
    assert torch.equal(snapshots.read_state(tmp_path / "a.safetensors")["w"], view)


def test_a_failed_write_leaves_the_old_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    snapshots.write(path, STATE, PROBE, {})
    before = path.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        snapshots.write(path, {"network.w": torch.zeros(5)}, {}, {})
    assert path.read_bytes() == before
    assert list(tmp_path.glob("*.part")) == []


def test_cut_files_are_recognised_at_every_length(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    snapshots.write(path, STATE, PROBE, {})
    content = path.read_bytes()
    assert snapshots.is_whole(path)
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert not snapshots.is_whole(path)
    with pytest.raises(StoreError, match=r"a\.safetensors.*choose another step"):
        snapshots.read_state(path)


def test_a_snapshot_with_a_damaged_byte_is_refused_or_holds_what_was_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.safetensors"
    snapshots.write(path, STATE, PROBE, {"run": "x"})
    content = path.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        try:
            read = snapshots.read_state(path)
        except StoreError as error:
            assert "choose another step" in str(error)  # noqa: PT017 either is right in the header
        else:
            assert place < header
            assert all(torch.equal(read[name], STATE[name]) for name in STATE)
        if place >= header:
            with pytest.raises(StoreError, match="damaged after it was written"):
                snapshots.read_arrays(path)


def test_snapshots_of_versions_without_a_checksum_are_still_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(save({"state.w": STATE["network.w"]}, {"format": "pt"}))
    assert torch.equal(snapshots.read_state(path)["w"], STATE["network.w"])
    assert snapshots.read_arrays(path).keys() == {"state.w"}


def test_a_run_goes_on_from_the_newest_snapshot_that_is_whole(
    store: RunStore, tiny: RunConfig
) -> None:
    run = store.create(tiny)
    store.grant(run.id, "lease", "host")
    journal = StoreJournal(store, run.id, "lease")
    for step in (0, 1, 2):
        journal.snapshot(step, STATE, PROBE, scheduled=True)
    assert store.resume_step(run.id) == 2
    newest = store.snapshots(run.id)[-1].file
    newest.write_bytes(newest.read_bytes()[:-1])
    assert store.resume_step(run.id) == 1
    store.snapshots(run.id)[1].file.unlink()
    assert store.resume_step(run.id) == 0


def test_what_a_crash_left_of_a_write_is_cleared_at_the_next_start(
    store: RunStore, tiny: RunConfig
) -> None:
    run = store.create(tiny)
    store.grant(run.id, "lease", "host")
    part = store.run_folder(run.id) / "00000005.part"
    part.parent.mkdir()
    part.write_bytes(b"half")
    StoreJournal(store, run.id, "lease").start(pid=1)
    assert not part.exists()


def test_only_the_last_unscheduled_snapshot_is_kept(store: RunStore, tiny: RunConfig) -> None:
    run = store.create(tiny)
    store.grant(run.id, "lease", "host")
    journal = StoreJournal(store, run.id, "lease")
    journal.snapshot(2, STATE, PROBE, scheduled=True)
    journal.snapshot(31, STATE, {}, scheduled=False)
    journal.snapshot(47, STATE, {}, scheduled=False)
    assert [held.step for held in store.snapshots(run.id)] == [2]
    assert [held.step for held in store.snapshots(run.id, scheduled=False)] == [2, 47]
    assert len(list(store.run_folder(run.id).glob("*.safetensors"))) == 2

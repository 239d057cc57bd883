import json

import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.measure.files import FORMAT, VERSION, Measurements, digest
from paramixer_core.measure.record import Machine, Outcome, Plan, Point, Sweep
from paramixer_core.measure.shelf import Shelf

MACHINE = Machine(
    date="2026-01-02T03:04:05+00:00",
    processor="A processor",
    cores=2,
    threads=1,
    device="cpu",
    system="Linux",
    python="3.11.2",
    torch="2.13.0",
    copy_bytes=1e10,
    matmul_flops=1e11,
)
POINTS = (
    Point(mixer="chord", seq_len=32, times=(0.001, 0.002, 0.004), memory=1000, needed=2000),
    Point(mixer="attention", seq_len=32, outcome=Outcome.OUT_OF_MEMORY, needed=10**12),
)
MEASURED = Measurements(MACHINE, (Sweep(Plan(lengths=(32,)), POINTS),))


def changed(**changes):
    """The file with fields of its top level changed, its digest as it was."""
    return json.dumps(json.loads(MEASURED.to_json()) | changes)


def resealed(change):
    """The file with its content changed by `change`, and a digest that fits."""
    found = json.loads(MEASURED.to_json())
    change(found)
    content = {"machine": found["machine"], "sweeps": found["sweeps"]}
    return json.dumps(found | {"digest": digest(content)})


def test_a_file_gives_back_what_was_measured():
    assert Measurements.from_json(MEASURED.to_json()) == MEASURED
    assert Measurements.from_json(MEASURED.to_json().encode()) == MEASURED


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "a JSON file of measurements"),
        ("[" * 100_000, "a JSON file of measurements"),
        ("[1]", "a file of the format"),
        ('{"format": "other"}', "a file of the format"),
        (changed(version=VERSION + 1), f"measurements of version {VERSION}, got version"),
        (changed(digest="0" * 16), "changed by hand"),
        (changed(machine={}), "changed by hand"),
        ("x" * 5_000_000, "at most 4,000,000 bytes"),
    ],
    ids=["empty", "deep", "list", "format", "version", "digest", "edited", "large"],
)
def test_a_file_that_is_not_ours_is_refused_in_a_sentence(text, sentence):
    with pytest.raises(ParamixerError, match=sentence):
        Measurements.from_json(text)


def set_time(found):
    found["sweeps"][0]["points"][0]["times"] = [-1.0]


def set_mixer(found):
    found["sweeps"][0]["plan"]["mixers"] = ["perceiver"]


def drop_machine(found):
    del found["machine"]["torch"]


def drop_points(found):
    found["sweeps"][0]["points"] = []


def set_none(found):
    found["sweeps"] = None


@pytest.mark.parametrize("change", [set_time, set_mixer, drop_machine, drop_points, set_none])
def test_values_that_cannot_be_are_refused_even_under_a_right_digest(change):
    with pytest.raises(ParamixerError, match="Expected"):
        Measurements.from_json(resealed(change))


def test_the_table_holds_every_point_with_its_median():
    header, first, second = MEASURED.to_csv().splitlines()
    assert header.endswith("seconds,first quartile,third quartile,calls,peak bytes")
    assert first.endswith("chord,32,measured,0.002,0.0015,0.003,3,1000")
    assert second.endswith("attention,32,out_of_memory,,,,0,")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"mixers": ()}, "mixers among"),
        ({"mixers": ("perceiver",)}, "mixers among"),
        ({"lengths": ()}, "lengths N, each once"),
        ({"lengths": (64, 32)}, "lengths N, each once"),
        ({"lengths": (2**18,)}, "a length N"),
        ({"seconds": 0.0}, "a time budget"),
        ({"seconds": float("nan")}, "a time budget"),
        ({"memory": -1}, "a memory budget"),
        ({"batch": 0}, "batch as a whole number"),
        ({"clock": "cpu", "device": "auto"}, "the device cpu"),
        ({"clock": "cpu", "device": "cpu", "threads": 2}, "one thread, for a clock"),
        ({"threads": -1}, "a number of threads"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(change, sentence):
    with pytest.raises(ParamixerError, match=sentence):
        Plan(**change)


def test_a_shelf_keeps_one_copy_newest_first_and_drops_nobodys(tmp_path):
    shelf = Shelf(tmp_path / "sets")
    assert shelf.names() == []
    name = shelf.keep(MEASURED)
    assert shelf.keep(MEASURED) == name
    assert shelf.names() == [name]
    assert shelf.read(name) == MEASURED
    for place in range(45):
        later = Sweep(Plan(lengths=(32,), batch=place + 1), POINTS)
        date = f"2026-02-01T00:{place:02}:00"
        machine = Machine(**{**MEASURED.content()["machine"], "date": date})
        shelf.keep(Measurements(machine, (later,)))
    assert len(shelf.names()) == 46
    assert shelf.names()[-1] == name
    shelf.delete(name)
    with pytest.raises(ParamixerError, match="measurements that are kept here"):
        shelf.read(name)
    with pytest.raises(ParamixerError, match="a set's name"):
        shelf.read("../secrets")


def test_the_format_has_a_name():
    assert json.loads(MEASURED.to_json())["format"] == FORMAT

"""What a file says about itself: read first, checked against the tensors, never trusted."""

import json

import pytest

from paramixer_core.config import Residual
from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.exported import BY_SHAPES
from paramixer_core.uploads.recognise import read_weights_file
from paramixer_core.uploads.weight_questions import WeightChoices
from tests.small_runs import SMALL
from tests.uploads.mutations import is_sentence
from tests.uploads.weight_files import packed, weights_of

HOSTILE = {
    "no-json": "{",
    "no-object": "[1]",
    "text": '"chord"',
    "nested": "[" * 60_000,
    "nested-object": '{"seq_len":' * 20_000,
    "nan": '{"learning_rate": NaN}',
    "infinite": '{"learning_rate": 1e999}',
    "huge-number": '{"seq_len": 1' + "0" * 4000 + "}",
    "longer-number": '{"seq_len": 1' + "0" * 100_000 + "}",
    "long-n": '{"seq_len": 131073}',
    "float-n": '{"seq_len": 12.0}',
    "bool": '{"channels": true}',
    "list": '{"residual": ["none"]}',
    "object": '{"device": {"a": 1}}',
    "none": '{"task": null}',
    "number-as-name": '{"mixer": 7}',
    "unknown-mixer": '{"mixer": "mamba", "seq_len": 12}',
    "unknown-task": '{"task": "chess", "seq_len": 12}',
    "path-as-task": '{"task": "uploaded-../../etc/passwd", "seq_len": 12}',
    "unknown-residual": '{"residual": "sometimes"}',
    "wiring": '{"mixer": "wiring", "wiring": "n99999999_f0", "seq_len": 12}',
    "wiring-of-megabytes": json.dumps({"mixer": "wiring", "wiring": "n12_f" + "0." * 50_000}),
    "too-much": json.dumps({"channels": 1024, "hidden": 1024, "blocks": 16, "seq_len": 131_072}),
    "shape-task": '{"task": "shape-symbols-99999999999-2", "seq_len": 12}',
}


@pytest.mark.parametrize("config", HOSTILE.values(), ids=HOSTILE)
def test_a_configuration_that_cannot_be_gets_one_sentence(config: str) -> None:
    content = packed(weights_of(SMALL), config=config)
    with pytest.raises(ParamixerError) as caught:
        read_weights_file(content)
    assert is_sentence(str(caught.value))


def claiming(**changes: object) -> bytes:
    return packed(weights_of(SMALL), config=json.dumps(SMALL.as_dict() | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seq_len": 16}, r"head.weight of shape \(1, 128\)"),
        ({"channels": 16}, "of shape"),
        ({"hidden": 7}, "of shape"),
        ({"blocks": 2}, "missing"),
        ({"mixer": "attention"}, "missing"),
        ({"mixer": "cdil", "num_links": 7}, "of shape"),
        ({"task": "temporal_order"}, "missing, embedding.positions.weight"),
        ({"positions": True}, "embedding.positions.weight"),
    ],
    ids=str,
)
def test_a_configuration_that_contradicts_the_tensors_is_said(
    changes: dict[str, object], said: str
) -> None:
    with pytest.raises(ParamixerError, match=said) as caught:
        read_weights_file(claiming(**changes))
    assert caught.value.remedy == BY_SHAPES
    assert "that the file says it holds" in str(caught.value)
    found = read_weights_file(claiming(**changes), choices=WeightChoices(by_metadata=False))
    assert (found.config.mixer, found.certain) == ("chord", False)


def test_what_a_person_says_goes_before_the_file_and_is_not_certain() -> None:
    choices = WeightChoices(residual=Residual.NONE)
    found = read_weights_file(claiming(), choices=choices)
    assert (found.config.residual, found.certain) == (Residual.NONE, False)
    assert found.warnings == ["The file says residual = per_factor; you chose none."]
    same = read_weights_file(claiming(), choices=WeightChoices(residual=Residual.PER_FACTOR))
    assert (same.certain, same.warnings) == (True, [])


def test_settings_of_another_version_are_said() -> None:
    found = read_weights_file(claiming(gating="soft"))
    assert (found.config, found.certain) == (SMALL, False)
    assert "does not know: gating" in found.warnings[0]


def test_an_old_export_has_the_defaults_that_it_was_made_with() -> None:
    old = {
        name: value
        for name, value in SMALL.as_dict().items()
        if name not in ("num_factors", "pooling", "head_hidden", "mask_padding", "precision")
    }
    found = read_weights_file(packed(weights_of(SMALL), config=json.dumps(old)))
    assert (found.config, found.certain) == (SMALL, True)


def test_a_device_that_is_not_here_is_replaced() -> None:
    assert read_weights_file(claiming(device="mps")).config.device == "auto"


@pytest.mark.parametrize("text", ["nan", "-1", "2", "inf", "", "9" * 50, "ninety"])
def test_a_stated_accuracy_that_is_none_is_left_out(text: str) -> None:
    content = packed(
        weights_of(SMALL), config=json.dumps(SMALL.as_dict()), accuracy=text, step=text
    )
    stated = read_weights_file(content).stated
    assert stated.accuracy is None
    assert 0 <= stated.step <= 2

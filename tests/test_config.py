"""A configuration cannot be wrong, and what is wrong with one is said in one sentence."""

import dataclasses
import json
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paramixer_core.config import (
    MAX_SEQ_LEN,
    WHOLE_NUMBER_RANGES,
    DeviceChoice,
    LinkSource,
    Residual,
    RunConfig,
)
from paramixer_core.errors import LONGEST_SHOWN, ParamixerError
from paramixer_core.training import Diverged

IN_RANGE = "choose one in that range"
HUGE = 10**400

WRONG: list[tuple[str, object, str]] = [
    ("seq_len", 1, "Expected a sequence length N of at least 2, got 1: use a longer sequence."),
    (
        "seq_len",
        MAX_SEQ_LEN + 1,
        f"Expected seq_len as a whole number from 2 to 131072, got 131073: {IN_RANGE}.",
    ),
    (
        "num_links",
        4,
        "Expected an odd number of links K of at least 3 for CDIL, got 4: use 3, 5, 7 or 9.",
    ),
    (
        "num_links",
        999_999_999,
        f"Expected num_links as a whole number from 3 to 129, got 999999999: {IN_RANGE}.",
    ),
    ("hash_rounds", 0, f"Expected hash_rounds as a whole number from 1 to 16, got 0: {IN_RANGE}."),
    (
        "head_hidden",
        -1,
        f"Expected head_hidden as a whole number from 0 to 4096, got -1: {IN_RANGE}.",
    ),
    ("mask_padding", 1, "Expected mask_padding as true or false, got 1: choose one."),
    (
        "pooling",
        "mean",
        "Expected a pooling among flatten, class_token, got mean: choose one of them.",
    ),
    (
        "num_factors",
        0,
        f"Expected num_factors as a whole number from 1 to 20, got 0: {IN_RANGE}.",
    ),
    ("channels", 0, f"Expected channels as a whole number from 1 to 1024, got 0: {IN_RANGE}."),
    ("hidden", 32.0, f"Expected hidden as a whole number from 1 to 1024, got 32.0: {IN_RANGE}."),
    ("blocks", True, f"Expected blocks as a whole number from 1 to 16, got True: {IN_RANGE}."),
    ("batch", "40", f"Expected batch as a whole number from 1 to 4096, got 40: {IN_RANGE}."),
    ("steps", None, f"Expected steps as a whole number from 1 to 10000000, got None: {IN_RANGE}."),
    ("seed", -1, f"Expected seed as a whole number from 0 to 2147483647, got -1: {IN_RANGE}."),
    ("rival_size", 1, f"Expected rival_size as a whole number from 2 to 1024, got 1: {IN_RANGE}."),
    (
        "heads",
        3,
        "Expected channels that 3 heads divide evenly, got 32: change channels or heads.",
    ),
    ("learning_rate", 0.0, f"Expected learning_rate above 0 and up to 10, got 0.0: {IN_RANGE}."),
    (
        "learning_rate",
        float("nan"),
        f"Expected learning_rate above 0 and up to 10, got nan: {IN_RANGE}.",
    ),
    (
        "learning_rate",
        float("inf"),
        f"Expected learning_rate above 0 and up to 10, got inf: {IN_RANGE}.",
    ),
    ("learning_rate", "1", f"Expected learning_rate above 0 and up to 10, got 1: {IN_RANGE}."),
    ("clip_norm", -1, f"Expected clip_norm above 0 and up to 1e+06, got -1: {IN_RANGE}."),
    ("target_accuracy", 1.5, f"Expected target_accuracy above 0 and up to 1, got 1.5: {IN_RANGE}."),
    ("target_accuracy", "x", f"Expected target_accuracy above 0 and up to 1, got x: {IN_RANGE}."),
    (
        "residual",
        "sometimes",
        "Expected a residual among per_factor, first, around_block, none, got sometimes: "
        "choose one of them.",
    ),
    (
        "link_source",
        "",
        "Expected a link source among input, current, got nothing: choose one of them.",
    ),
    (
        "device",
        "gpu",
        "Expected a device choice among auto, cpu, cuda, mps, got gpu: choose one of them.",
    ),
    (
        "precision",
        "half",
        "Expected a precision among float32, bfloat16, got half: choose one of them.",
    ),
    (
        "execution",
        "fast",
        "Expected an execution among plain, compiled, got fast: choose one of them.",
    ),
    (
        "rate_changes",
        ((20, 0.1), (10, 0.2)),
        "Expected one change of the learning rate a step, in ascending order, got [20, 10]: "
        "sort them.",
    ),
    (
        "rate_changes",
        ((20, 0.0),),
        f"Expected learning_rate above 0 and up to 10, got 0.0: {IN_RANGE}.",
    ),
    (
        "rate_changes",
        (20, 0.1),
        "Expected changes of the learning rate as pairs of a step and a rate, got (20, 0.1): "
        "write them as ((500, 1e-4), (800, 1e-5)).",
    ),
    ("positions", "no", "Expected positions as true, false or none, got no: choose one."),
    ("task", 3, "Expected the name of a task, got 3: choose a task by its name."),
    ("wiring", 7, "Expected a wiring as text, got 7: pass wiring.as_text()."),
    ("mixer", "", "Expected the name of a mixer, got nothing: choose a mixer by its name."),
]


@pytest.mark.parametrize(
    ("field", "value", "sentence"), WRONG, ids=[f"{field}={value}" for field, value, _ in WRONG]
)
def test_a_wrong_value_is_refused_in_one_sentence(field: str, value: object, sentence: str) -> None:
    with pytest.raises(ParamixerError) as caught:
        RunConfig(**{field: value})  # type: ignore[arg-type]
    assert str(caught.value) == sentence


def test_every_field_has_a_wrong_value_above() -> None:
    fields = {field.name for field in dataclasses.fields(RunConfig)}
    assert {field for field, _, _ in WRONG} == fields


@pytest.mark.parametrize(("field", "low", "high"), WHOLE_NUMBER_RANGES)
def test_whole_numbers_are_taken_up_to_their_bounds_and_no_further(
    field: str, low: int, high: int
) -> None:
    fit: dict[str, Any] = {"channels": 64} if field == "heads" else {}
    for bound in (low, high):
        assert getattr(RunConfig(**{**fit, field: bound}), field) == bound
    for beyond in (low - 1, high + 1, HUGE):
        with pytest.raises(ParamixerError):
            RunConfig(**{**fit, field: beyond})


@given(
    st.sampled_from([field.name for field in dataclasses.fields(RunConfig)]),
    st.one_of(
        st.none(), st.text(), st.integers(), st.floats(), st.booleans(), st.lists(st.integers())
    ),
)
def test_any_value_gives_a_valid_run_or_a_paramixer_error(field: str, value: object) -> None:
    try:
        config = RunConfig(**{field: value})  # type: ignore[arg-type]
    except ParamixerError as error:
        assert str(error).startswith("Expected ")  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert getattr(config, field) == value
        assert RunConfig.from_dict(json.loads(json.dumps(config.as_dict()))) == config


valid = st.builds(
    RunConfig,
    task=st.sampled_from(["adding", "digits", "not installed here"]),
    seq_len=st.integers(2, MAX_SEQ_LEN),
    channels=st.sampled_from([8, 32]),
    num_links=st.sampled_from([3, 5, 129]),
    heads=st.sampled_from([1, 2, 8]),
    residual=st.sampled_from([*Residual, *(str(residual) for residual in Residual)]),
    link_source=st.sampled_from(LinkSource),
    positions=st.sampled_from([None, True, False]),
    learning_rate=st.floats(1e-12, 10) | st.integers(1, 10),
    device=st.sampled_from(DeviceChoice),
    target_accuracy=st.none() | st.floats(1e-6, 1),
)


@given(valid)
def test_a_run_survives_json_unchanged(config: RunConfig) -> None:
    restored = RunConfig.from_dict(json.loads(json.dumps(config.as_dict())))
    assert restored == config
    assert hash(restored) == hash(config)
    assert isinstance(restored.residual, Residual)
    assert isinstance(restored.link_source, LinkSource)


def test_fields_that_are_not_named_take_the_papers_settings() -> None:
    config = RunConfig.from_dict({"seq_len": 16})
    assert (config.channels, config.hidden, config.blocks, config.batch) == (32, 32, 1, 40)
    assert (config.learning_rate, config.clip_norm) == (1e-3, 1.0)
    assert (config.residual, config.link_source) == ("per_factor", "input")


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(ParamixerError, match=r"got \['dropout'\]: remove them or update"):
        RunConfig.from_dict({"seq_len": 16, "dropout": 0.1})


def test_a_changed_copy_is_checked_anew_and_leaves_the_original() -> None:
    config = RunConfig(seq_len=16)
    assert config.replace(seq_len=32) == RunConfig(seq_len=32)
    assert config.seq_len == 16
    with pytest.raises(ParamixerError, match="at least 2"):
        config.replace(seq_len=1)


def test_a_run_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RunConfig().seq_len = 7  # type: ignore[misc]


def test_an_error_shows_a_long_text_in_part_and_on_one_line() -> None:
    with pytest.raises(ParamixerError) as caught:
        RunConfig(residual="two\nlines " + "x" * 10_000)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "got two lines xxx" in message
    assert "...: choose one of them." in message
    assert len(message) < LONGEST_SHOWN + 150


@pytest.mark.parametrize(
    "error",
    [ParamixerError("an odd K", 4, "use 3"), Diverged(7, "loss", float("nan"))],
    ids=["base", "subclass"],
)
def test_an_error_arrives_whole_from_another_process(error: ParamixerError) -> None:
    arrived = ForkingPickler.loads(ForkingPickler.dumps(error))
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert arrived.remedy == error.remedy
    assert getattr(arrived, "step", None) == getattr(error, "step", None)

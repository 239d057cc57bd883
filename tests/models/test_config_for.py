"""What a mixer reads of a run, and the sizes of its paper."""

import dataclasses

import pytest

from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import LinkSource, Residual, RunConfig
from paramixer_core.models import MIXERS, OWN_FIELDS, WIRED, config_for, mixer_kind
from paramixer_core.protocols import Protocol
from paramixer_core.runs.races import race_configs
from paramixer_core.training import Trainer

NAMES = [*MIXERS, WIRED.name]
BASE = RunConfig(
    seq_len=16, channels=12, hidden=5, num_links=5, heads=2, rival_size=7, hash_rounds=4,
    residual=Residual.FIRST, link_source=LinkSource.CURRENT, num_factors=3, device="cpu", batch=3,
    wiring=Wiring.of_protocol(Protocol.CHORD, 16).as_text(),
)  # fmt: skip


@pytest.mark.parametrize("mixer", NAMES)
def test_a_configuration_holds_only_what_its_mixer_reads(mixer: str) -> None:
    config = config_for(BASE, mixer)
    reads = mixer_kind(mixer).reads
    for field in OWN_FIELDS:
        expected = BASE if field in reads else RunConfig()
        assert getattr(config, field) == getattr(expected, field), field
    others = {field.name for field in dataclasses.fields(RunConfig)} - {*OWN_FIELDS, "mixer"}
    assert all(getattr(config, name) == getattr(BASE, name) for name in others)


@pytest.mark.parametrize("mixer", NAMES)
def test_what_a_mixer_does_not_read_changes_none_of_its_losses(mixer: str) -> None:
    whole, lean = Trainer(BASE.replace(mixer=mixer)), Trainer(config_for(BASE, mixer))
    assert [whole.step().loss for _ in range(2)] == [lean.step().loss for _ in range(2)]


def test_a_chord_run_raced_beside_a_wiring_does_not_carry_it() -> None:
    chord, wired, attention = race_configs(BASE, ["chord", "wiring", "attention"], [0])
    assert (chord.wiring, wired.wiring, attention.wiring) == ("", BASE.wiring, "")
    assert (chord.heads, attention.heads) == (1, 2)
    assert (chord.residual, attention.residual) == (Residual.FIRST, Residual.PER_FACTOR)


def test_the_papers_sizes_are_256_d_ln_d_and_8_rounds() -> None:
    names = ["chord", "attention", "linformer", "nystromformer", "performer", "reformer"]
    base = RunConfig(seq_len=512, channels=64, heads=2)
    found = {one.mixer: one for one in race_configs(base, names, [0], paper_sizes=True)}
    assert found["linformer"].rival_size == found["nystromformer"].rival_size == 256
    assert found["performer"].rival_size == 110, "32 ln 32, for heads of width 32"
    assert (found["reformer"].rival_size, found["reformer"].hash_rounds) == (64, 8)
    for name in ("chord", "attention"):
        assert found[name] == config_for(base, name)


@pytest.mark.parametrize("mixer", NAMES)
def test_every_mixer_says_whose_code_runs_and_at_which_size(mixer: str) -> None:
    config = config_for(BASE.replace(rival_size=77, num_links=9), mixer)
    text = mixer_kind(mixer).origin_of(config)
    assert text.startswith(("Our own code after ", "PyTorch's own attention kernel"))
    assert "{" not in text
    assert len(text) < 260
    if "rival_size" in mixer_kind(mixer).reads:
        assert " 77" in text

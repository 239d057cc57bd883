"""Weights without a configuration: what shapes tell is read, what they leave open is asked."""

import pytest
import torch
from torch import Tensor

from paramixer_core.config import LinkSource, Residual, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.inspection import load_network
from paramixer_core.models import MIXERS, WIRED, MixerKind, mixer_kind
from paramixer_core.models.paramixer import ParamixerBlock
from paramixer_core.training import Trainer
from paramixer_core.uploads.block_shapes import block_shapes, fit_block
from tests.small_runs import SMALL
from tests.uploads.weight_files import asked, every_mixer, packed, read, weights_of

ALIKE = {"attention", "plain_attention", "nystromformer", "linear_attention", "local_window"}
LINKED = {"chord", "cdil", "wiring"}


def options(found, field: str) -> tuple[object, ...]:
    return next(q.options for q in found.questions if q.field == field)


@pytest.mark.parametrize("name", every_mixer())
def test_answers_to_all_questions_give_back_every_mixer(name: str) -> None:
    config = every_mixer()[name].replace(
        blocks=2, heads=2, rival_size=7, residual=Residual.NONE, link_source=LinkSource.CURRENT
    )
    weights = weights_of(config)
    first = read(weights, mixer=name, wiring=config.wiring or None)
    assert not first.certain
    told = {"mixer": name, "wiring": config.wiring or None}
    told |= {field: getattr(config, field) for field in asked(first)}
    found = read(weights, **told)
    assert found.certain
    assert asked(found).keys() >= asked(first).keys()
    trainer = Trainer(config)
    inputs = trainer.task.test_set().inputs[:3]
    with torch.no_grad():
        answers = load_network(found.config, found.state)(inputs)
        assert torch.equal(answers, trainer.network(inputs))


@pytest.mark.parametrize("name", every_mixer())
def test_nothing_that_shapes_leave_open_is_recognised_silently(name: str) -> None:
    found = read(weights_of(every_mixer()[name].replace(blocks=2, num_links=5)))
    questions = asked(found)
    if name in LINKED:
        assert {"residual", "link_source", "mixer"} <= set(questions)
    else:
        assert name in ("performer", "reformer") or "heads" in questions
    if name in ALIKE:
        assert set(options(found, "mixer")) == ALIKE
    assert not found.certain
    for question in found.questions:
        assert "assumed" in question.sentence


def test_where_k_fits_both_protocols_both_are_offered() -> None:
    found = read(weights_of(SMALL.replace(mixer="cdil", num_links=5)))
    assert options(found, "mixer") == ("chord", "cdil", "wiring")
    assert found.config.mixer == "chord"
    again = read(weights_of(SMALL.replace(mixer="cdil", num_links=5)), mixer="cdil")
    assert (again.config.mixer, again.config.num_links) == ("cdil", 5)


def test_a_single_block_does_not_ask_what_its_link_mlps_read() -> None:
    assert "link_source" not in asked(read(weights_of(SMALL)))


def test_heads_are_asked_among_those_that_divide_the_channels() -> None:
    found = read(weights_of(SMALL.replace(mixer="attention", heads=4)))
    assert options(found, "heads") == (1, 2, 4, 8)
    assert found.config.heads == 1


def test_a_performers_heads_and_size_are_in_its_shapes() -> None:
    found = read(weights_of(SMALL.replace(mixer="performer", heads=4, rival_size=9)))
    assert (found.config.mixer, found.config.heads, found.config.rival_size) == ("performer", 4, 9)
    assert set(asked(found)) == {"task"}


@pytest.mark.parametrize("chunk", [2, 3, 5, 11])
def test_a_reformers_chunk_is_asked_and_what_is_assumed_fits(chunk: int) -> None:
    config = SMALL.replace(mixer="reformer", rival_size=chunk)
    found = read(weights_of(config))
    assert "rival_size" in asked(found)
    assert block_shapes(MIXERS["reformer"], found.config) == block_shapes(
        MIXERS["reformer"], config
    )


@pytest.mark.parametrize("prefix", ["", "network.", "state.network.", "module._orig_mod.net."])
def test_prefixes_are_taken_off_and_said(prefix: str) -> None:
    weights = weights_of(SMALL)
    found = read({f"{prefix}{name}": held for name, held in weights.items()})
    assert (len(found.matched), found.unused) == (len(weights), [])
    assert found.matched[0][0].startswith(prefix)
    assert any("Taken off the names" in note for note in found.notes) == bool(prefix)


def test_wrappers_inside_of_names_are_taken_off() -> None:
    weights = weights_of(SMALL.replace(blocks=2))
    inside = {
        name.replace("blocks.0.", "blocks.0._orig_mod.").replace("blocks.1.", "blocks.1.module."): t
        for name, t in weights.items()
    }
    found = read(inside)
    assert (found.config.blocks, found.unused) == (2, [])
    assert any("_orig_mod., module." in n or "module., _orig_mod." in n for n in found.notes)


def test_of_several_copies_one_is_read_and_which_is_asked() -> None:
    weights, other = weights_of(SMALL), weights_of(SMALL.replace(seed=1))
    both = {f"model.{n}": t for n, t in weights.items()}
    both |= {f"ema_model.{n}": t for n, t in other.items()}
    found = read(both)
    assert options(found, "copy") == ("model.", "ema_model.")
    assert torch.equal(found.state["network.head.weight"], weights["head.weight"])
    chosen = read(both, copy="ema_model.")
    assert torch.equal(chosen.state["network.head.weight"], other["head.weight"])
    assert len(chosen.unused) == len(weights)


def test_a_snapshot_with_its_optimiser_says_what_was_not_used() -> None:
    trainer = Trainer(SMALL)
    trainer.step()
    state = {f"state.{name}": held for name, held in trainer.state().items()}
    found = read(state)
    assert torch.equal(found.state["network.head.bias"], state["state.network.head.bias"])
    assert {name for name in state if ".optimizer." in name} <= set(found.unused)


def test_a_task_is_assumed_by_its_sizes_and_asked() -> None:
    found = read(weights_of(SMALL))
    assert options(found, "task") == ("adding", "none")
    assert read(weights_of(SMALL), task="none").config.task == "shape-real-2-1"


def changed(**changes: Tensor | None) -> dict[str, Tensor]:
    weights = weights_of(SMALL) | {name.replace("__", "."): t for name, t in changes.items()}
    return {name: held for name, held in weights.items() if held is not None}


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        pytest.param(changed(head__bias=None), "1 missing, head.bias", id="missing"),
        pytest.param(changed(head__bias=torch.zeros(2)), "head.bias of shape", id="shape"),
        pytest.param(changed(head__weight=torch.zeros(1, 95)), "a head over N x 8", id="head"),
        pytest.param(changed(head__weight=torch.zeros(96)), "a matrix head.weight", id="flat"),
        pytest.param(
            changed(**{"blocks.0.link_mlps.0.2.weight": torch.zeros(6, 6)}),
            "5 links a row",
            id="links",
        ),
        pytest.param({"classifier.weight": torch.zeros(2, 2)}, "weights named as ours", id="names"),
    ],
)
def test_what_does_not_fit_is_named(weights: dict[str, Tensor], said: str) -> None:
    with pytest.raises(ParamixerError, match=said):
        read(weights)


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"mixer": "mamba"}, "a mixer among"),
        ({"mixer": "attention"}, "all weights of Dot-product attention"),
        ({"mixer": "wiring"}, "a wiring to train"),
        ({"mixer": "wiring", "wiring": "n9_f0"}, "as long as the wiring"),
        ({"task": "uploaded-0123456789abcdef"}, "a data set that was uploaded"),
        ({"task": "digits"}, "N of 64"),
    ],
    ids=str,
)
def test_an_answer_that_does_not_fit_gets_a_sentence(choices: dict[str, str], said: str) -> None:
    with pytest.raises(ParamixerError, match=said):
        read(weights_of(SMALL), **choices)


def test_a_new_mixer_is_recognised_without_a_change_here(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gated(ParamixerBlock):
        """A block with a weight that no other has."""

        def __init__(self, size: int, **arguments: object) -> None:
            super().__init__(**arguments)
            self.gate = torch.nn.Parameter(torch.zeros(size))

    def build(config: RunConfig, generator: torch.Generator) -> Gated:
        return Gated(
            config.rival_size,
            channels=config.channels,
            hidden=config.hidden,
            offsets=((0, 1),) * 3,
            residual=config.residual,
            link_source=config.link_source,
            generator=generator,
        )

    reads = ("residual", "rival_size")
    kind = MixerKind("gated", "Gated", "A test.", build, reads=reads, origin="")
    monkeypatch.setitem(MIXERS, "gated", kind)
    found = read(weights_of(SMALL.replace(mixer="gated", rival_size=13)))
    assert (found.config.mixer, found.config.rival_size) == ("gated", 13)
    assert {"residual", "task"} == set(asked(found))


@pytest.mark.parametrize("name", every_mixer())
def test_a_mixer_says_what_it_reads(name: str) -> None:
    config, seen = every_mixer()[name], set()

    class Watched(RunConfig):
        __slots__ = ()

        def __getattribute__(self, field: str) -> object:
            seen.add(field)
            return super().__getattribute__(field)

    watched = Watched(**config.as_dict())
    seen.clear()
    mixer_kind(name).build(watched, torch.Generator())
    own = {field for kind in (*MIXERS.values(), WIRED) for field in kind.reads}
    assert seen & own == set(mixer_kind(name).reads)


def test_a_block_that_no_sizes_give_does_not_fit() -> None:
    held = block_shapes(MIXERS["chord"], SMALL) | {"value_mlp.0.weight": (99, 1)}
    assert all(fit_block(kind, SMALL, {}, held) is None for kind in MIXERS.values())


def test_packed_weights_are_read_whatever_their_order() -> None:
    weights = weights_of(SMALL)
    turned = dict(reversed(weights.items()))
    assert read(turned).config == read(weights).config
    assert packed(weights)[:1] != b""

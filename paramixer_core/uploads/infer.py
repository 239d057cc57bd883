"""A configuration from shapes alone: what they tell is read, what they leave open is asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from paramixer_core.config import WIRING, LinkSource, Residual, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.models import MIXERS, MixerKind, mixer_kind
from paramixer_core.protocols import num_factors
from paramixer_core.uploads.authors import Theirs
from paramixer_core.uploads.block_shapes import SIZES, Fit, Shapes, fit_block, settings_read
from paramixer_core.uploads.formats import REMEDY
from paramixer_core.uploads.frame_shapes import Frame, guessed_length, of_block, read_frame
from paramixer_core.uploads.weight_questions import SHAPE_ONLY, Question, WeightChoices, ask

LIGHT_TOKENS = 2**18
"""Tokens of a batch that is assumed for long sequences: a file does not say how it was trained."""


@dataclass(frozen=True)
class Inferred:
    """The configuration that fits, its task's name, and the questions that remain."""

    config: RunConfig
    questions: list[Question]


def infer(shapes: Shapes, choices: WeightChoices, theirs: Theirs | None) -> Inferred:
    """The configuration of a network with these weights (our names).

    Raises ParamixerError, in one sentence, where no mixer has such a block.
    """
    frame = read_frame(shapes)
    questions: list[Question] = []
    seq_len = frame.seq_len
    if seq_len is None and theirs is not None and theirs.seq_len is not None:
        seq_len = theirs.seq_len - 1  # without the class token
    if seq_len is None:
        why = "nothing in the file tells; so many tokens and a class token need its factors"
        length = ask(choices, "seq_len", (), guessed_length(shapes), why)
        questions.append(length)
        seq_len = int(length.answer)
    base = RunConfig(
        seq_len=seq_len,
        channels=frame.channels,
        blocks=frame.blocks,
        pooling=frame.pooling,
        head_hidden=frame.head_hidden,
        positions=frame.positions,
        batch=min(40, max(1, LIGHT_TOKENS // seq_len)),
        device="auto",
    )
    fit, mixer = choose_fit(base, shapes, choices)
    questions += mixer
    config = fit.config
    for asked in block_questions(fit, choices, theirs):
        config = config.replace(**{asked.field: asked.answer})
        questions.append(asked)
    asked = task_question(frame, seq_len, choices)
    questions.append(asked)
    task = frame.shape_task if asked.answer == SHAPE_ONLY else str(asked.answer)
    return Inferred(config.replace(task=task), questions)


def choose_fit(
    base: RunConfig, shapes: Shapes, choices: WeightChoices
) -> tuple[Fit, list[Question]]:
    """The mixer whose block has these shapes, and the question which, where several have."""
    held = of_block(shapes, 0)
    settings = choices.settings()
    given = {field: settings[field] for field in SIZES if field in settings}
    if choices.mixer == WIRING:
        wired = base.replace(mixer=WIRING, wiring=choices.wiring or "")
        kinds: list[MixerKind] = [mixer_kind(WIRING)]
        fits = [fit for kind in kinds if (fit := fit_block(kind, wired, given, held))]
    else:
        kinds = [mixer_kind(choices.mixer)] if choices.mixer else list(MIXERS.values())
        fits = [fit for kind in kinds if (fit := fit_block(kind, base, given, held))]
    if not fits:
        raise misfit(base, held, choices)
    most = max(fit.matched for fit in fits)
    best = [fit for fit in fits if fit.matched == most]
    if choices.mixer is None and len(best) == 1 and not may_be_wired(best[0], base):
        return best[0], []
    options = tuple(fit.kind.name for fit in best)
    if choices.mixer is not None:
        others = infer_options(base, held)
        options = others if choices.mixer in others else (*others, choices.mixer)
    elif may_be_wired(best[0], base):
        options = (*options, WIRING)
    if len(options) == 1:
        return best[0], []
    why = "names and shapes are the same for " + ", ".join(
        mixer_kind(option).title for option in options
    )
    return best[0], [ask(choices, "mixer", options, best[0].kind.name, why)]


def infer_options(base: RunConfig, held: Shapes) -> tuple[str, ...]:
    """Every mixer whose block has these shapes, whatever a person chose."""
    fits = [fit for kind in MIXERS.values() if (fit := fit_block(kind, base, {}, held))]
    most = max((fit.matched for fit in fits), default=0)
    best = [fit for fit in fits if fit.matched == most]
    wired = (WIRING,) if best and may_be_wired(best[0], base) else ()
    return (*(fit.kind.name for fit in best), *wired)


def may_be_wired(fit: Fit, base: RunConfig) -> bool:
    """Whether a wiring of one's own has weights of the same names: it is read with links alone."""
    return "link_source" in settings_read(fit.kind, base.replace(mixer=fit.kind.name))


def misfit(base: RunConfig, held: Shapes, choices: WeightChoices) -> ParamixerError:
    """Why no mixer fits, as precisely as the names tell."""
    links = held.get("link_mlps.0.2.weight", ())
    if len(links) == 2 and choices.mixer in (None, "chord", "cdil"):
        factors = len({name.split(".")[1] for name in held if name.startswith("link_mlps.")})
        return ParamixerError(
            f"{factors + 1} links a row (CHORD with {factors} factors), an odd number (CDIL), or "
            "the text of a wiring",
            links[0],
            REMEDY,
        )
    who = mixer_kind(choices.mixer).title if choices.mixer else "one of this lab's mixers"
    return ParamixerError(
        f"all weights of {who} in each block, of shapes that agree",
        ", ".join(f"{name} {list(shape)}" for name, shape in list(held.items())[:3]),
        REMEDY,
    )


def block_questions(fit: Fit, choices: WeightChoices, theirs: Theirs | None) -> list[Question]:
    """What a block's shapes leave open of the settings that its mixer reads."""
    config, found = fit.config, []
    read = settings_read(fit.kind, config)
    if "residual" in read:
        assumed, why = Residual.PER_FACTOR, "the paper's; no weight tells where it is"
        if theirs is not None:
            assumed = theirs.residual(config.seq_len)
            why = "no weight tells where it is, and their copies differ"
        found.append(ask(choices, "residual", tuple(Residual), assumed, why))
    if "link_source" in read and config.blocks > 1:
        why = "as the authors' do; no weight tells"
        found.append(ask(choices, "link_source", tuple(LinkSource), LinkSource.INPUT, why))
    for field, values in fit.free.items():
        assumed_size = getattr(config, field)
        why = "the shapes fit several" if values else "no shape tells"
        found.append(ask(choices, field, size_options(field, config, values), assumed_size, why))
    return found


def size_options(field: str, config: RunConfig, values: tuple[int, ...]) -> tuple[int, ...]:
    """The answers to offer: for heads those that divide D, else what was found, or any."""
    if field == "heads" and not values:
        return tuple(n for n in range(1, 65) if config.channels % n == 0)
    return () if field == "rival_size" else values


def task_question(frame: Frame, seq_len: int, choices: WeightChoices) -> Question:
    """Which task: its sizes fit one of this lab's, or only the sizes are known."""
    fitting = tuple(frame.tasks(seq_len))
    why = "its sizes fit" if fitting else "none of this lab's tasks has these sizes"
    options = (*fitting, SHAPE_ONLY)
    chosen = choices.task
    if chosen is not None and chosen not in options:
        options = (chosen, *options)
    return ask(choices, "task", options, options[0] if chosen is None else chosen, why)


def factors_of(config: RunConfig, shapes: Mapping[str, tuple[int, ...]]) -> int | None:
    """M, where it is not ceil(log2 N); None where it is, or where there are no factors."""
    if config.num_factors is None or "blocks.0.link_mlps.0.0.weight" not in shapes:
        return None
    return None if config.num_factors == num_factors(config.mixed_len) else config.num_factors

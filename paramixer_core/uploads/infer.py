"""A configuration from shapes alone: what they tell is read, what they leave open is asked."""

from dataclasses import dataclass

from paramixer_core.analysis.supports import MAX_DENSE_TOKENS
from paramixer_core.config import WIRING, LinkSource, Residual, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.models import MIXERS, WIRED, mixer_kind
from paramixer_core.tasks import make_task
from paramixer_core.uploads.authors import Theirs
from paramixer_core.uploads.block_shapes import Fit, Shapes, fit_block, sizes_read
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
    wired = theirs is None and base.mixed_len <= MAX_DENSE_TOKENS
    fit, mixer = choose_fit(base, shapes, choices, wired=wired)
    questions += mixer
    config = fit.config
    for asked in block_questions(fit, choices, theirs):
        config = config.replace(**{asked.field: asked.answer})
        questions.append(asked)
    asked = task_question(frame, seq_len, choices)
    questions.append(asked)
    task = frame.shape_task if asked.answer == SHAPE_ONLY else str(asked.answer)
    config = config.replace(task=task)
    if make_task(task, seq_len).padded:
        why = "as in the authors' code; no weight tells"
        padding = ask(choices, "mask_padding", (False, True), False, why)
        questions.append(padding)
        config = config.replace(mask_padding=padding.answer)
    return Inferred(config, questions)


def choose_fit(
    base: RunConfig, shapes: Shapes, choices: WeightChoices, *, wired: bool
) -> tuple[Fit, list[Question]]:
    """The mixer whose block has these shapes, and the question which, where several have.

    `wired` says whether it may be a wiring of one's own, whose weights have the names of CHORD's.
    """
    held = of_block(shapes, 0)
    settings = choices.settings()
    numbers = {name for kind in (*MIXERS.values(), WIRED) for name in sizes_read(kind)}
    given = {field: settings[field] for field in numbers if field in settings}
    if choices.mixer == WIRING:
        base = base.replace(mixer=WIRING, wiring=choices.wiring or "")
    kinds = [mixer_kind(choices.mixer)] if choices.mixer else list(MIXERS.values())
    fits = [fit for kind in kinds if (fit := fit_block(kind, base, given, held))]
    if not fits:
        raise misfit(base, held, choices)
    best = closest(fits)
    others = best if choices.mixer is None else closest(all_fits(base, held))
    options = tuple(dict.fromkeys([*(fit.kind.name for fit in others), best[0].kind.name]))
    if wired and any(is_linked(fit) for fit in others) and WIRING not in options:
        options = (*options, WIRING)
    if len(options) == 1:
        return best[0], []
    titles = [f'"{mixer_kind(option).title}"' for option in options]
    why = f"names and shapes are the same for {', '.join(titles[:-1])} and {titles[-1]}"
    return best[0], [ask(choices, "mixer", options, best[0].kind.name, why)]


def all_fits(base: RunConfig, held: Shapes) -> list[Fit]:
    """Every mixer of the registry whose block has these shapes."""
    plain = base.replace(mixer=next(iter(MIXERS)), wiring="")
    return [fit for kind in MIXERS.values() if (fit := fit_block(kind, plain, {}, held))]


def closest(fits: list[Fit]) -> list[Fit]:
    """Those with the most of the file's tensors: one that reads all before one that leaves some."""
    most = max((fit.matched for fit in fits), default=0)
    return [fit for fit in fits if fit.matched == most]


def is_linked(fit: Fit) -> bool:
    """Whether its block has link MLPs, so that a wiring of one's own has weights of these names."""
    return "link_source" in fit.kind.reads


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
    read = fit.kind.reads
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

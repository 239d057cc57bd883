"""What a file of weights leaves open, what may be answered, and what was read with the answers."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from paramixer_core.config import LinkSource, Residual, RunConfig

SHAPE_ONLY = "none"
"""The answer to "which task" where the file's data are not here: only its sizes are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightChoices:
    """What a person says about a file of weights; None: read it, or assume it and say so.

    All but the last three are settings of RunConfig; `task` may be "none" too, for weights of data
    that are not here. `copy` is the prefix of the network to read where
    the file holds several. `by_metadata` False reads a file by its shapes alone, whatever it says
    about itself.
    """

    mixer: str | None = None
    residual: Residual | None = None
    link_source: LinkSource | None = None
    heads: int | None = None
    rival_size: int | None = None
    hash_rounds: int | None = None
    hidden: int | None = None
    num_links: int | None = None
    num_factors: int | None = None
    positions: bool | None = None
    mask_padding: bool | None = None
    seq_len: int | None = None
    wiring: str | None = None
    task: str | None = None
    copy: str | None = None
    by_metadata: bool | None = None

    def settings(self) -> dict[str, Any]:
        """The chosen settings of RunConfig, without the task."""
        names = set(self.__dataclass_fields__) - {"task", "copy", "by_metadata"}
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that names and shapes leave open.

    `field` is its name in WeightChoices, `options` the answers that fit (none listed: any number
    from 1), `assumed` the one that holds unless a person says otherwise, `answer` the one that
    holds now, and `answered` whether a person gave it.
    """

    field: str
    title: str
    options: tuple[Any, ...]
    assumed: Any
    answer: Any
    answered: bool
    why: str

    @property
    def sentence(self) -> str:
        """What was assumed, or said, in words."""
        who = "as you say" if self.answered else f"assumed: {self.why}"
        return f"{self.title}: {answer_words(self.field, self.answer)} ({who})."


TITLES = {
    "mixer": "Mixer",
    "residual": "Residual",
    "link_source": "Link MLPs read",
    "heads": "Heads",
    "rival_size": "The rival's size",
    "hash_rounds": "Hash rounds",
    "hidden": "Hidden width H",
    "num_links": "Links a row K",
    "num_factors": "Factors M",
    "positions": "Learned positions",
    "mask_padding": "Padding",
    "seq_len": "Tokens N",
    "task": "Task",
    "copy": "Copy of the network",
}
"""What each question is called where it is asked."""


def ask(
    choices: WeightChoices, field: str, options: tuple[Any, ...], assumed: Any, why: str
) -> Question:
    """A question; its answer is the person's, or what is assumed and why."""
    said = getattr(choices, field)
    return Question(
        field=field,
        title=TITLES.get(field, field.replace("_", " ").capitalize()),
        options=options,
        assumed=assumed,
        answer=assumed if said is None else said,
        answered=said is not None,
        why=why,
    )


WORDS: dict[str, dict[Any, str]] = {
    "residual": {
        Residual.PER_FACTOR: "after every factor",
        Residual.FIRST: "V₀ at every factor",
        Residual.AROUND_BLOCK: "around the block",
        Residual.NONE: "none",
    },
    "link_source": {
        LinkSource.INPUT: "the first embedding",
        LinkSource.CURRENT: "what reaches their block",
    },
    "positions": {True: "learned ones are added", False: "none"},
    "mask_padding": {True: "inert", False: "tokens like any other"},
    "task": {SHAPE_ONLY: "none of this server's: its sizes alone"},
}


def answer_words(field: str, answer: Any) -> str:
    """An answer for people: a mixer's or a task's title, a number, or the words above."""
    from paramixer_core.models import mixer_kind
    from paramixer_core.tasks import known_task

    if answer in WORDS.get(field, {}):
        return WORDS[field][answer]
    match field:
        case "mixer":
            return mixer_kind(answer).title
        case "task":
            return known_task(answer).title
        case "copy":
            return f"the one named {answer}..." if answer else "the one without a prefix"
        case _:
            return f"{answer:,}" if isinstance(answer, int) else str(answer)


@dataclass(frozen=True)
class Stated:
    """What a file says about how it came to be: its run, step, test accuracy (0..1) and loss."""

    run: str = ""
    step: int = 0
    accuracy: float | None = None
    loss: float | None = None
    task_title: str = ""


@dataclass(frozen=True)
class RecognisedWeights:
    """The network in a file of weights.

    `state` holds our names (`network.*`) with step and learning rate, as `Trainer.state`; `matched`
    pairs the file's names with ours; `unused` are tensors that the network does not read. `certain`
    is true where the file itself says everything, or a person answered every question.
    """

    source: str
    config: RunConfig
    certain: bool
    questions: list[Question]
    notes: list[str]
    warnings: list[str]
    state: dict[str, Tensor]
    matched: list[tuple[str, str]]
    unused: list[str]
    num_links: int | None
    stated: Stated = field(default_factory=Stated)
    task_missing: str = ""
    from_metadata: bool = False

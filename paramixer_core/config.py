"""What one run is: a frozen configuration that cannot be wrong."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

from paramixer_core.choices import Choice
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import require_num_links, require_seq_len

MAX_SEQ_LEN = 2**17
MAX_NUM_LINKS = 129
MAX_NUM_FACTORS = 20
WIRING = "wiring"
"""The mixer whose links are a wiring of one's own."""


class Residual(Choice):
    """Where a Paramixer block adds its input back, with the block's operator A."""

    PER_FACTOR = "per_factor"  # A = (I + W_M) ... (I + W_1), the paper's default
    FIRST = "first"  # V_m = W_m V_{m-1} + V_0: A = W_M (... (W_2 (W_1 + I) + I) ...) + I
    AROUND_BLOCK = "around_block"  # A = W_M ... W_1 + I
    NONE = "none"  # A = W_M ... W_1


class Pooling(Choice):
    """What the head reads of the last block: all N tokens, or a class token put before them."""

    FLATTEN = "flatten"
    CLASS_TOKEN = "class_token"


class LinkSource(Choice):
    """What a block's link MLPs read: the first embedding X, or the values that reach the block."""

    INPUT = "input"
    CURRENT = "current"


class DeviceChoice(Choice):
    """What a run may ask to compute on; "auto" takes the best that the machine has."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class Precision(Choice):
    """What matrix products are computed in; weights, loss and optimiser are float32 always."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class Execution(Choice):
    """Whether the network trains as it is written or compiled (on CUDA, as captured graphs)."""

    PLAIN = "plain"
    COMPILED = "compiled"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """One training run. Defaults are the paper's settings for the Adding task (Paramixer, 4.1).

    `mixer` and `task` are names in their registries, looked up when the network is built, so
    that a run with a mixer that is not installed here can still be read. Some fields are read by
    some mixers alone (`MixerKind.reads` says which): `num_links` (K) by CDIL, `num_factors` (M) by
    CHORD and CDIL (None: ceil(log2 N), from which on every token reads every token), `heads` by
    attention and its rivals, `hash_rounds` by Reformer, `wiring`, a text that `Wiring.parse` reads,
    by the mixer "wiring"; `models.config_for` sets those that a mixer does not read to their
    defaults. `positions` None means what the task's own
    default says. `target_accuracy` (0..1), when set, ends the run once the test accuracy reaches
    it. `rate_changes` are planned: pairs (step, rate), steps ascending, of a learning rate that
    holds after that step. `head_hidden` is the width of a hidden layer in the head, 0 for none.
    With `mask_padding` the tokens that `Task.padding` names are inert; without, they are tokens
    like any other, as in the authors' code. Every other field is checked on construction; a bad one
    raises ParamixerError.
    """

    task: str = "adding"
    seq_len: int = 128
    mixer: str = "chord"
    channels: int = 32
    hidden: int = 32
    blocks: int = 1
    num_links: int = 9
    num_factors: int | None = None
    heads: int = 1
    rival_size: int = 32
    residual: Residual = Residual.PER_FACTOR
    link_source: LinkSource = LinkSource.INPUT
    positions: bool | None = None
    batch: int = 40
    learning_rate: float = 1e-3
    clip_norm: float = 1.0
    steps: int = 2000
    seed: int = 0
    device: str = "auto"
    target_accuracy: float | None = None
    wiring: str = ""
    precision: Precision = Precision.FLOAT32
    execution: Execution = Execution.PLAIN
    pooling: Pooling = Pooling.FLATTEN
    head_hidden: int = 0
    mask_padding: bool = False
    hash_rounds: int = 1
    rate_changes: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "residual", Residual(self.residual))
        object.__setattr__(self, "link_source", LinkSource(self.link_source))
        object.__setattr__(self, "precision", Precision(self.precision))
        object.__setattr__(self, "execution", Execution(self.execution))
        object.__setattr__(self, "pooling", Pooling(self.pooling))
        DeviceChoice(self.device)
        for name in ("task", "mixer"):
            require_name(name, getattr(self, name))
        if not isinstance(self.positions, bool | None):
            raise ParamixerError("positions as true, false or none", self.positions, "choose one")
        if not isinstance(self.mask_padding, bool):
            raise ParamixerError("mask_padding as true or false", self.mask_padding, "choose one")
        require_seq_len(self.seq_len)
        require_num_links(self.num_links)
        if self.num_factors is not None:
            require_whole("num_factors", self.num_factors, 1, MAX_NUM_FACTORS)
        for name, low, high in WHOLE_NUMBER_RANGES:
            require_whole(name, getattr(self, name), low, high)
        if self.channels % self.heads:
            raise ParamixerError(
                f"channels that {self.heads} heads divide evenly",
                self.channels,
                "change channels or heads",
            )
        require_positive("learning_rate", self.learning_rate, 10.0)
        require_positive("clip_norm", self.clip_norm, 1e6)
        if self.target_accuracy is not None:
            require_positive("target_accuracy", self.target_accuracy, 1.0)
        require_wiring(self.mixer, self.wiring, self.mixed_len)
        changes = require_rate_changes(self.rate_changes)
        object.__setattr__(self, "rate_changes", changes)

    @property
    def mixed_len(self) -> int:
        """How many tokens the blocks mix: N, and the class token before them where there is one."""
        return self.seq_len + (self.pooling is Pooling.CLASS_TOKEN)

    def replace(self, **changes: Any) -> Self:
        """The same configuration with some fields changed, checked anew."""
        return dataclasses.replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; `from_dict` reads them back."""
        values = dataclasses.asdict(self)
        values["rate_changes"] = [list(change) for change in self.rate_changes]
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read `as_dict`'s output; a field that this version does not know raises."""
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ParamixerError(
                f"fields among {sorted(known)}", unknown, "remove them or update the library"
            )
        return cls(**values)


WHOLE_NUMBER_RANGES = (
    ("seq_len", 2, MAX_SEQ_LEN),
    ("channels", 1, 1024),
    ("hidden", 1, 1024),
    ("blocks", 1, 16),
    ("num_links", 3, MAX_NUM_LINKS),
    ("heads", 1, 64),
    ("rival_size", 2, 1024),
    ("hash_rounds", 1, 16),
    ("head_hidden", 0, 4096),
    ("batch", 1, 4096),
    ("steps", 1, 10_000_000),
    ("seed", 0, 2**31 - 1),
)


def require_name(field: str, value: object) -> None:
    """Raise ParamixerError unless `value` is a text with something in it."""
    if not isinstance(value, str) or not value:
        raise ParamixerError(f"the name of a {field}", value, f"choose a {field} by its name")


def require_wiring(mixer: str, wiring: object, seq_len: int) -> None:
    """Raise ParamixerError unless it is a text and, for the mixer "wiring", that of N tokens."""
    if not isinstance(wiring, str):
        raise ParamixerError("a wiring as text", wiring, "pass wiring.as_text()")
    if mixer != WIRING:
        return
    from paramixer_core.analysis.wiring import Wiring  # it imports this file

    if not wiring:
        raise ParamixerError("a wiring to train", wiring, "draw one or name another mixer")
    if Wiring.parse(wiring).seq_len != seq_len:
        raise ParamixerError(
            f"sequences as long as the wiring, N = {Wiring.parse(wiring).seq_len}",
            f"N = {seq_len}",
            "choose that N, or lay the wiring out anew",
        )


def require_rate_changes(changes: Any) -> tuple[tuple[int, float], ...]:
    """Pairs (step, learning rate) as a tuple; raises ParamixerError unless steps ascend."""
    try:
        pairs = tuple((step, rate) for step, rate in changes)
    except (TypeError, ValueError) as error:
        raise ParamixerError(
            "changes of the learning rate as pairs of a step and a rate",
            repr(changes),
            "write them as ((500, 1e-4), (800, 1e-5))",
        ) from error
    for step, rate in pairs:
        require_whole("the step of a change of the learning rate", step, 0, 10_000_000)
        require_positive("learning_rate", rate, 10.0)
    steps = [step for step, _ in pairs]
    if steps != sorted(set(steps)):
        raise ParamixerError(
            "one change of the learning rate a step, in ascending order", steps, "sort them"
        )
    return tuple((step, float(rate)) for step, rate in pairs)


def require_whole(name: str, value: object, low: int, high: int) -> None:
    """Raise ParamixerError unless `value` is an int with low <= value <= high."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ParamixerError(
            f"{name} as a whole number from {low} to {high}", value, "choose one in that range"
        )


def require_positive(name: str, value: object, high: float) -> None:
    """Raise ParamixerError unless `value` is a finite number with 0 < value <= high."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= high:
        raise ParamixerError(
            f"{name} above 0 and up to {high:g}", value, "choose one in that range"
        )

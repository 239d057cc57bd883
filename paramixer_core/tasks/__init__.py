"""The tasks that models learn, and their registry: a new task is one file and one line here."""

from paramixer_core.errors import ParamixerError
from paramixer_core.tasks.adding import Adding
from paramixer_core.tasks.digits import Digits
from paramixer_core.tasks.shaped import PREFIX, ShapedSequences
from paramixer_core.tasks.task import Batch, InputKind, Task, TaskShape
from paramixer_core.tasks.temporal_order import TemporalOrder

__all__ = ["TASKS", "Batch", "InputKind", "Task", "TaskShape", "known_task", "make_task"]

TASKS: dict[str, type[Task]] = {task.name: task for task in (Adding, TemporalOrder, Digits)}


def make_task(name: str, seq_len: int) -> Task:
    """The named task at length N; raises ParamixerError for an unknown name or an unfit N."""
    if is_uploaded(name):
        from paramixer_core.uploads.dataset import UploadedSequences

        return UploadedSequences(name, seq_len)
    if is_shape(name):
        return ShapedSequences(name, seq_len)
    return registered(name)(seq_len)


def known_task(name: str) -> type[Task] | Task:
    """What there is to know of a task without its length: title, inputs, classes, lengths."""
    if is_uploaded(name):
        from paramixer_core.uploads.dataset import uploaded_task

        return uploaded_task(name)
    if is_shape(name):
        return ShapedSequences(name, 2)
    return registered(name)


def is_shape(name: str) -> bool:
    """Whether this names the sizes of data that are not here."""
    return name.startswith(PREFIX)


def is_uploaded(name: str) -> bool:
    """Whether this is the name of sequences that somebody uploaded."""
    return name.startswith("uploaded-")


def registered(name: str) -> type[Task]:
    """A task of the registry; raises ParamixerError for an unknown name."""
    if name not in TASKS:
        raise ParamixerError(f"a task among {list(TASKS)}", name, "choose one of them")
    return TASKS[name]

"""The tasks that models learn, and their registry: a new task is one file and one line here."""

from paramixer_core.errors import ParamixerError
from paramixer_core.tasks.adding import Adding
from paramixer_core.tasks.digits import Digits
from paramixer_core.tasks.task import Batch, InputKind, Task
from paramixer_core.tasks.temporal_order import TemporalOrder

__all__ = ["TASKS", "Batch", "InputKind", "Task", "make_task"]

TASKS: dict[str, type[Task]] = {task.name: task for task in (Adding, TemporalOrder, Digits)}


def make_task(name: str, seq_len: int) -> Task:
    """The named task at length N; raises ParamixerError for an unknown name or an unfit N."""
    if name not in TASKS:
        raise ParamixerError(f"a task among {list(TASKS)}", name, "choose one of them")
    return TASKS[name](seq_len)

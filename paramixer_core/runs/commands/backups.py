"""Keeping a whole store in one file, and having it back: what an operator does before an update."""

import argparse
from pathlib import Path

from paramixer_core.runs.backup import Content, back_up, restore
from paramixer_core.runs.commands.output import say, tell
from paramixer_core.runs.database import default_home
from paramixer_core.runs.memory import readable_size
from paramixer_core.runs.store import RunStore


def backup_command(store: RunStore, options: argparse.Namespace) -> int:
    """Write the store into a new file; runs may train meanwhile."""
    say(f"{options.file}: {told(back_up(store, options.file))}")
    return 0


def restore_command(options: argparse.Namespace) -> int:
    """Put a backup into a folder that holds no store."""
    folder: Path = options.store or default_home()
    content = restore(options.file, folder)
    say(f"{folder}: {told(content)}")
    if content.missing:
        tell(f"{content.missing} snapshots were not in the backup: their files were lost before.")
    return 0


def told(content: Content) -> str:
    """What a backup holds, in words."""
    return f"{content.runs:,} runs in {content.files:,} files, {readable_size(content.size)}"

"""Many damaged uploads one after the other: sentences, and no growth of memory."""

import subprocess
import sys


def test_a_thousand_damaged_files_leave_sentences_and_no_memory_behind() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.uploads.fuzz", "1000"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "1,000 files in" in done.stdout

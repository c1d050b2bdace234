"""A stranger finds a file by its folder: no folder grows into a heap."""

import subprocess
from collections import Counter
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parent.parent
MOST = 17
"""Files directly in one folder, its `__init__.py` included; beyond that it gets sub-folders."""
EXCEPTED = {".", "tests/mutants", "optimizer"}
"""The checkout's root, one file per mutant, and the optimizer, whose files are the steps of one method."""


def test_no_folder_holds_more_files_than_one_can_take_in_at_a_glance() -> None:
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    folders = Counter(str(PurePosixPath(name).parent) for name in tracked)
    heaps = {folder: count for folder, count in folders.items() if count > MOST and folder not in EXCEPTED}
    assert heaps == {}

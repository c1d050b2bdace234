"""What import-linter cannot see: it knows packages, and the composition root is a module."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ABOVE = {"application", "console", "demo", "embedded", "simulator", "benchmarks", "tools", "ops", "tests"}


def imported_by(module: str) -> set[str]:
    """The top-level packages that a module of the checkout's root imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / module).read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("module", ["worker.py", "worker_environment.py"])
def test_a_worker_knows_no_use_case_no_face_and_no_simulator(module: str) -> None:
    assert imported_by(module) & ABOVE == set()


def test_what_processes_read_of_their_environment_is_below_what_they_run() -> None:
    assert imported_by("worker_environment.py") & {"activities", "workflows", "optimizer", "worker"} == set()

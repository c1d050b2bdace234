"""The document on edge cases names tests that are there, and mutants name scenarios that are there."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def has_test(path: str, name: str) -> bool:
    """Whether the file defines a test of that name."""
    file = ROOT / path
    if not file.is_file():
        return False
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(node, functions) and node.name == name for node in ast.walk(ast.parse(file.read_text())))


def test_every_test_that_the_document_names_exists() -> None:
    named = NAMED.findall((ROOT / "docs" / "edge-cases.md").read_text())
    assert len(named) > 60
    assert [f"{path}::{name}" for path, name in named if not has_test(path, name)] == []


def test_every_row_says_which_test_shows_it_or_that_nothing_does_yet() -> None:
    text = (ROOT / "docs" / "edge-cases.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "shown by" not in line]
    assert len(rows) > 50
    assert [row for row in rows if not NAMED.search(row) and "*Not yet*" not in row] == []


MUTANTS = sorted((ROOT / "tests" / "mutants").rglob("*.patch"))


def test_every_rule_has_a_mutant() -> None:
    assert len(MUTANTS) >= 12


@pytest.mark.parametrize("patch", MUTANTS, ids=lambda patch: patch.stem)
def test_a_mutant_names_a_scenario_that_exists_and_fits_the_code(patch: Path) -> None:
    first = patch.read_text().partition("\n")[0]
    path, _, name = first.removeprefix("scenario: ").strip().partition("::")
    assert has_test(path, name), first
    fits = subprocess.run(
        ["git", "apply", "--check", str(patch)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert fits.returncode == 0, fits.stderr

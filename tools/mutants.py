"""Breaks one rule at a time in a copy of the project, and shows that the scenario named for that rule fails.

    python tools/mutants.py [--json] [--jobs N] [--only NAME ...]

A mutant is a patch below `tests/mutants/`; its first line names the scenario that must fail. A scenario that still
passes under its mutant proves nothing, and the exit code is 1; so it is for a patch that no longer applies.

Protects: the checkout itself is never touched.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
MUTANTS = ROOT / "tests" / "mutants"
LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", "var", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"
)
LONGEST_S = 900
RED = 1
"""What pytest ends with when a test failed; any other end says nothing of the rule."""


@dataclass(frozen=True)
class Mutant:
    """One broken rule."""

    name: str
    scenario: str
    patch: Path


@dataclass(frozen=True)
class Verdict:
    """Whether the scenario noticed."""

    mutant: str
    scenario: str
    killed: bool
    why: str = ""


def mutants() -> list[Mutant]:
    """Every committed mutant, by name."""
    found = []
    for patch in sorted(MUTANTS.rglob("*.patch")):
        first = patch.read_text().partition("\n")[0]
        if not first.startswith("scenario: "):
            raise SystemExit(f"{patch.name}: its first line must be `scenario: PATH::TEST`")
        found.append(Mutant(patch.stem, first.removeprefix("scenario: ").strip(), patch))
    return found


def judge(mutant: Mutant, folder: Path, jobs: int) -> Verdict:
    """Break the rule in a copy and run its scenario there, beside `jobs` - 1 others."""
    copy = folder / mutant.name
    shutil.copytree(ROOT, copy, ignore=LEFT_BEHIND, symlinks=True)
    applied = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", str(mutant.patch)],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    if applied.returncode:
        return Verdict(mutant.name, mutant.scenario, False, f"the patch does not apply: {applied.stderr.strip()[:200]}")
    try:
        code, said = run_scenarios([mutant.scenario], copy, jobs)
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    return Verdict(mutant.name, mutant.scenario, code == RED, "" if code == RED else said)


def run_scenarios(scenarios: Sequence[str], folder: Path, jobs: int) -> tuple[int, str]:
    """pytest's exit code in a copy of the project, and what it says in the end: who failed, and its last line.

    `jobs`: how many worlds there are at once, here or in other such runs; each runs slower for it.
    """
    environment = os.environ | {
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_XDIST_WORKER_COUNT": str(jobs),
    }
    processes = ["-n", str(jobs), "--dist", "loadfile"] if len(scenarios) > 1 else ["-n", "0"]
    command = [sys.executable, "-m", "pytest", "-q", *processes, "-p", "no:cacheprovider", "-p", "no:randomly"]
    try:
        run = subprocess.run(
            [*command, *scenarios],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"no end within {LONGEST_S} s"
    said = (run.stdout + run.stderr).strip().splitlines()
    failed = [line[:200] for line in said if line.startswith("FAILED ")]
    return run.returncode, "\n".join([*failed, said[-1][:200]]) if said else f"pytest ended with {run.returncode}"


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 0 where every mutant was noticed."""
    parser = argparse.ArgumentParser(prog="mutants", description="Break one rule at a time; its scenario must notice.")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--jobs", type=int, default=3, metavar="N", help="mutants tried at once (default: 3)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these mutants only")
    given = parser.parse_args(argv)
    chosen = [m for m in mutants() if not given.only or m.name in given.only]
    if not chosen:
        print("mutants: no mutant of that name", file=sys.stderr)
        return 2
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="heatsteer-mutants-") as place:
        Path(place).chmod(0o711)  # the database's own user must be able to enter when we are root
        scenarios = sorted({m.scenario for m in chosen})
        print(f"{len(scenarios)} scenarios without any mutant ...", file=sys.stderr, end=" ", flush=True)
        code, said = run_scenarios(scenarios, ROOT, given.jobs)
        print(said, file=sys.stderr)
        if code:
            print("mutants: a scenario is red by itself, so no verdict means anything: run make test", file=sys.stderr)
            return 1
        with ThreadPoolExecutor(max(given.jobs, 1)) as pool:
            for verdict in pool.map(lambda mutant: judge(mutant, Path(place), given.jobs), chosen):
                verdicts.append(verdict)
                said = "noticed" if verdict.killed else f"NOT NOTICED: {verdict.why}"
                print(f"{verdict.mutant} ... {said}", file=sys.stderr, flush=True)
    noticed = sum(v.killed for v in verdicts)
    if given.json:
        print(json.dumps({"mutants": [asdict(v) for v in verdicts]}))
    else:
        print(f"{noticed} of {len(verdicts)} broken rules were noticed by the scenario named for them")
    return 0 if noticed == len(verdicts) else 1


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        print("\nmutants: interrupted", file=sys.stderr)
        raise SystemExit(130) from None

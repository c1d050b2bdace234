"""Years of a fleet in minutes: `python -m benchmarks.simulated_years --pump-days 100000 --seed 1 --json`.

The real decisions and the real verification run against a seeded world of faults, people and operators, and the rules
of `tests.simulation.judging.rules` are checked after every step. `--replay SEED:PUMP` repeats one run; a failing one is
shortened to a script that a person can read. Exit code 1 if a rule was broken.
"""

import argparse
import gc
import json
import logging
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import repeat

import structlog

from tests.simulation.judging.rules import INVARIANTS, Violation
from tests.simulation.mutants import MUTANTS
from tests.simulation.script_writer import write_script
from tests.simulation.shrinking import Mutation, broken_by, shortened, timeline
from tests.simulation.simulation import Simulation

RUN_DAYS = 30
BATCH = 8
MOST_SCRIPTS = 5
"""Failing runs that are shortened and printed; the others are counted."""
PROGRESS_EVERY_S = 20.0
"""Between two lines of progress on stderr."""


@dataclass
class Totals:
    """The outcome of some runs."""

    days: float = 0.0
    steps: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, str, str]] = field(default_factory=list)
    """Pump, rule and sentence."""

    def add(self, other: "Totals") -> None:
        """Add the outcome of more runs."""
        self.days += other.days
        self.steps += other.steps
        self.kinds += other.kinds
        self.broken += other.broken


def run_some(seed: int, numbers: Iterable[int], days: int, mutant: str | None) -> Totals:
    """Run these pumps, each to its end or its first broken rule."""
    _without_logs()
    totals = Totals()
    with _mutation(mutant)():
        for number in numbers:
            simulation = Simulation(write_script(seed, number, days))
            try:
                simulation.run()
            except Violation as violation:
                totals.broken.append((number, violation.rule, str(violation)))
            totals.days += simulation.days
            totals.steps += simulation.steps
            totals.kinds += simulation.counts
    return totals


def _without_logs() -> None:
    """Attempts log as they do in a worker, which by default is to stdout."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _run_batch(seed: int, numbers: Iterable[int], days: int, mutant: str | None) -> Totals:
    totals = run_some(seed, numbers, days, mutant)
    gc.collect()
    return totals


def run_all(
    seed: int, pump_days: int, processes: int, mutant: str | None = None, say: Callable[[Totals], None] = lambda _: None
) -> Totals:
    """As many runs as fit into the pump-days, over some processes; the result does not depend on how many."""
    days = min(RUN_DAYS, max(3, pump_days))
    pumps = math.ceil(pump_days / days)
    batches = [range(first, min(first + BATCH, pumps)) for first in range(0, pumps, BATCH)]
    totals = Totals()
    if processes == 1:
        for batch in batches:
            totals.add(run_some(seed, batch, days, mutant))
            say(totals)
        return totals
    # Runs consist of small frozen values with few cycles: the garbage collector would only rescan them.
    with ProcessPoolExecutor(processes, initializer=gc.disable) as pool:
        for part in pool.map(_run_batch, repeat(seed), batches, repeat(days), repeat(mutant)):
            totals.add(part)
            say(totals)
    return totals


def _mutation(mutant: str | None) -> Mutation:
    return nullcontext if mutant is None else MUTANTS[mutant]


def timeline_of(seed: int, number: int, days: int, mutant: str | None = None, *, whole: bool = False) -> list[str]:
    """One run as a timeline: shortened if it breaks a rule, complete if `whole`."""
    _without_logs()
    script = write_script(seed, number, days)
    mutation = _mutation(mutant)
    violation = broken_by(script, mutation)
    if violation is None or whole:
        return timeline(script, mutation, last=4000 if whole else 40)
    return timeline(shortened(script, violation, mutation), mutation)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pump-days", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--replay", metavar="SEED:PUMP", help="repeat one run and print its timeline")
    parser.add_argument("--days", type=int, default=RUN_DAYS, help="length of a replayed run")
    parser.add_argument("--whole", action="store_true", help="print a replayed run unshortened")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="break a rule of the code on purpose")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    if given.pump_days < 1 or given.processes < 1 or given.days < 3:
        parser.error("--pump-days and --processes must be at least 1, --days at least 3")
    if given.replay:
        return _replay(parser, given)
    begun = time.perf_counter()
    totals = run_all(given.seed, given.pump_days, given.processes, given.mutant, _progress(given.pump_days))
    seconds = time.perf_counter() - begun
    violations = [
        {"replay": f"{given.seed}:{number}", "rule": rule, "what": what} for number, rule, what in sorted(totals.broken)
    ]
    days = min(RUN_DAYS, max(3, given.pump_days))
    for failing in violations[:MOST_SCRIPTS]:
        failing["story"] = "\n".join(
            timeline_of(given.seed, int(failing["replay"].partition(":")[2]), days, given.mutant)
        )
    figures = {
        "pump_days": round(totals.days),
        "steps": totals.steps,
        "events_by_kind": dict(sorted(totals.kinds.items())),
        "invariants": list(INVARIANTS),
        "violations": violations,
        "seconds": round(seconds, 1),
    }
    if given.json:
        print(json.dumps(figures))
    else:
        _print(figures, totals)
    return 1 if violations else 0


def _progress(pump_days: int) -> Callable[[Totals], None]:
    """Reports on stderr, every so often, how far it is and how many rules were broken."""
    reported_at = time.monotonic()

    def say(totals: Totals) -> None:
        nonlocal reported_at
        if time.monotonic() - reported_at >= PROGRESS_EVERY_S:
            reported_at = time.monotonic()
            print(f"{totals.days:.0f} of {pump_days} pump-days, {len(totals.broken)} broken rules", file=sys.stderr)

    return say


def _replay(parser: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    seed, _, number = given.replay.partition(":")
    if not (seed.lstrip("-").isdigit() and number.isdigit()):
        parser.error("--replay takes SEED:PUMP, as printed with a violation")
    lines = timeline_of(int(seed), int(number), given.days, given.mutant, whole=given.whole)
    is_broken = lines[-1].startswith("BROKEN")
    print(json.dumps({"story": lines, "broken": is_broken}) if given.json else "\n".join(lines))
    return 1 if is_broken else 0


def _print(figures: dict[str, object], totals: Totals) -> None:
    print(f"{figures['pump_days']} pump-days, {totals.steps} steps, {figures['seconds']} s")
    print(", ".join(f"{kind} {count}" for kind, count in sorted(totals.kinds.items())))
    for number, _, what in sorted(totals.broken):
        print(f"pump {number}: {what}")
    violations = figures["violations"]
    assert isinstance(violations, list)
    for failing in violations:
        if "story" in failing:
            print(f"\n--replay {failing['replay']}\n{failing['story']}")
    print(f"{len(totals.broken)} broken rules", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())

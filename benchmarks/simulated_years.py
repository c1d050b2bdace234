"""Years of a fleet in minutes: `python -m benchmarks.simulated_years --pump-days 100000 --seed 1 --json`.

The real decisions and the real verification run against a seeded world of faults, people and operators, and after every
step the rules of `tests.simulation.rules` are looked at. `--replay SEED:PUMP` lives one life again; a failing one is
shortened to a script that a person can read. Exit code 1 where a rule was broken.
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

from tests.simulation.mutants import MUTANTS
from tests.simulation.rules import INVARIANTS, Violation
from tests.simulation.script_writer import write_script
from tests.simulation.shrinking import Mutation, broken_by, shortened, timeline
from tests.simulation.simulation import Simulation

LIFE_DAYS = 30
BATCH = 8
MOST_STORIES = 5
"""Failing lives that are shortened and told; the others are counted."""
TOLD_EVERY_S = 20.0
"""Of progress, on stderr."""


@dataclass
class Lived:
    """What became of some lives."""

    days: float = 0.0
    steps: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[int, str, str]] = field(default_factory=list)
    """Pump, rule and sentence."""

    def add(self, other: "Lived") -> None:
        """Both together."""
        self.days += other.days
        self.steps += other.steps
        self.kinds += other.kinds
        self.broken += other.broken


def live_some(seed: int, numbers: Iterable[int], days: int, mutant: str | None) -> Lived:
    """Live the lives of these pumps, each until its end or its first broken rule."""
    _without_logs()
    lived = Lived()
    with _mutation(mutant)():
        for number in numbers:
            simulation = Simulation(write_script(seed, number, days))
            try:
                simulation.run()
            except Violation as violation:
                lived.broken.append((number, violation.rule, str(violation)))
            lived.days += simulation.days
            lived.steps += simulation.steps
            lived.kinds += simulation.counts
    return lived


def _without_logs() -> None:
    """Attempts log as they do in a worker, to stdout where nobody says otherwise."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _live_batch(seed: int, numbers: Iterable[int], days: int, mutant: str | None) -> Lived:
    lived = live_some(seed, numbers, days, mutant)
    gc.collect()
    return lived


def live_all(
    seed: int, pump_days: int, processes: int, mutant: str | None = None, say: Callable[[Lived], None] = lambda _: None
) -> Lived:
    """As many lives as the pump-days hold, over some processes; the result does not depend on how many."""
    days = min(LIFE_DAYS, max(3, pump_days))
    pumps = math.ceil(pump_days / days)
    batches = [range(first, min(first + BATCH, pumps)) for first in range(0, pumps, BATCH)]
    whole = Lived()
    if processes == 1:
        for batch in batches:
            whole.add(live_some(seed, batch, days, mutant))
            say(whole)
        return whole
    # Lives are full of small frozen values and of few cycles: the collector would only look at them again and again.
    with ProcessPoolExecutor(processes, initializer=gc.disable) as pool:
        for part in pool.map(_live_batch, repeat(seed), batches, repeat(days), repeat(mutant)):
            whole.add(part)
            say(whole)
    return whole


def _mutation(mutant: str | None) -> Mutation:
    return nullcontext if mutant is None else MUTANTS[mutant]


def tell(seed: int, number: int, days: int, mutant: str | None = None, *, whole: bool = False) -> list[str]:
    """One life as lines: shortened where it breaks a rule, in full where `whole`."""
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
    parser.add_argument("--replay", metavar="SEED:PUMP", help="live one life again and tell it")
    parser.add_argument("--days", type=int, default=LIFE_DAYS, help="length of a replayed life")
    parser.add_argument("--whole", action="store_true", help="tell a replayed life unshortened")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="break a rule of the code on purpose")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    if given.pump_days < 1 or given.processes < 1 or given.days < 3:
        parser.error("--pump-days and --processes must be at least 1, --days at least 3")
    if given.replay:
        return _replay(parser, given)
    begun = time.perf_counter()
    lived = live_all(given.seed, given.pump_days, given.processes, given.mutant, _progress(given.pump_days))
    seconds = time.perf_counter() - begun
    scripts = [
        {"replay": f"{given.seed}:{number}", "rule": rule, "what": what} for number, rule, what in sorted(lived.broken)
    ]
    days = min(LIFE_DAYS, max(3, given.pump_days))
    for told in scripts[:MOST_STORIES]:
        told["script"] = "\n".join(tell(given.seed, int(told["replay"].partition(":")[2]), days, given.mutant))
    figures = {
        "pump_days": round(lived.days),
        "steps": lived.steps,
        "events_by_kind": dict(sorted(lived.kinds.items())),
        "invariants": list(INVARIANTS),
        "violations": scripts,
        "seconds": round(seconds, 1),
    }
    if given.json:
        print(json.dumps(figures))
    else:
        _print(figures, lived)
    return 1 if scripts else 0


def _progress(pump_days: int) -> Callable[[Lived], None]:
    """Tells on stderr, every so often, how far it is and what broke so far."""
    told_at = time.monotonic()

    def say(lived: Lived) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= TOLD_EVERY_S:
            told_at = time.monotonic()
            print(f"{lived.days:.0f} of {pump_days} pump-days, {len(lived.broken)} broken rules", file=sys.stderr)

    return say


def _replay(parser: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    seed, _, number = given.replay.partition(":")
    if not (seed.lstrip("-").isdigit() and number.isdigit()):
        parser.error("--replay takes SEED:PUMP, as printed with a violation")
    lines = tell(int(seed), int(number), given.days, given.mutant, whole=given.whole)
    is_broken = lines[-1].startswith("BROKEN")
    print(json.dumps({"script": lines, "broken": is_broken}) if given.json else "\n".join(lines))
    return 1 if is_broken else 0


def _print(figures: dict[str, object], lived: Lived) -> None:
    print(f"{figures['pump_days']} pump-days, {lived.steps} steps, {figures['seconds']} s")
    print(", ".join(f"{kind} {count}" for kind, count in sorted(lived.kinds.items())))
    for number, _, what in sorted(lived.broken):
        print(f"pump {number}: {what}")
    scripts = figures["violations"]
    assert isinstance(scripts, list)
    for told in scripts:
        if "script" in told:
            print(f"\n--replay {told['replay']}\n{told['script']}")
    print(f"{len(lived.broken)} broken rules", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())

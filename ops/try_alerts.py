"""Breaks one thing after the other in a small sped-up fleet and sees which alerts call whom, and whether they clear.

    python -m ops.try_alerts [--only NAME ...] [--again] [--json]
    python -m ops.try_alerts --hidden [--rounds N] [--seed N] [--again] [--json]

A real Prometheus scrapes the fleet, with the rules of ops/prometheus whose durations are divided by the fleet's speed.
From what fires, the inhibitions of ops/alertmanager are taken away; what is left would reach a person, and is to be the
one alert that names the fault. With --hidden the faults are drawn, and what the alerts name is said before what was
drawn. Once all faults were tried, every panel of every board must have data, and every rule must have been evaluated.
With --again what was not named or did not clear is tried once more in a world of its own: a busy machine lets commands
expire, and then two alerts are right. What is red by itself stays red.
Needs the program `prometheus` (Debian: apt-get install prometheus); all faults take some eight minutes.
Exit codes: 0 every fault was named and cleared and every panel had data, 1 one was or had not, 2 something is missing.

Protects: whoever observes knows Prometheus only; what was broken is compared with it afterwards.
"""

import argparse
import asyncio
import contextlib
import json
import random
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from ops.alert_trial import FAULTS, TZ, Fault, Trial, a_trial
from ops.hurried_rules import RULES, hurried, reaching
from ops.try_dashboards import OPS, Prometheus, problems, prometheus, queries, wait_until_scraped
from worker_environment import configure_logging, leave

SPEED = 480.0
WORLD_SEED = 1
"""In this world a share of 0.07 unplugged is one unit of twelve; in some worlds it is none."""
SCRAPE_S = 1
LOOK_EVERY_S = 1.0
RETRY_EVERY = 8
"""Looks between two retries of dead letters."""
WITHIN = timedelta(hours=24)
"""Steered time in which a fault must call somebody."""
SEEN_FOR = timedelta(minutes=40)
"""Steered time for which a fault goes on once somebody was called: what else would call?"""
LATE = timedelta(minutes=30)
"""So long after its time of day a fault still does what it should."""
NEAR = timedelta(hours=2)
"""A fault whose time of day is so near is waited for."""
CLEARS_WITHIN = timedelta(hours=12)
FORGOTTEN_WITHIN = timedelta(hours=4)
FAILED = "oem:heatsteer_commands_failed:ratio2h"
NOBODY: dict[str, Any] = {"resultType": "vector", "result": []}
FAULT_OF = {fault.alert: fault.name for fault in FAULTS}
"""What an alert says is broken."""


@dataclass(frozen=True)
class Observed:
    """What Prometheus said while something was broken; whoever observed did not know what."""

    fired_after_min: float | None
    """Steered time until the first alert reached a person; None where none did."""
    reached: tuple[str, ...]
    """Alerts that would have reached a person."""
    explained: tuple[str, ...]
    """Alerts that fired as well, which an inhibition explains."""

    @property
    def named(self) -> str | None:
        """The fault that the alerts name; None where they name none, or more than one."""
        return FAULT_OF[self.reached[0]] if len(self.reached) == 1 else None


@dataclass(frozen=True)
class Verdict:
    """What became of one fault."""

    fault: str
    alert: str
    """The one that names it."""
    observed: Observed
    cleared_after_min: float | None
    """Steered time from the mending until nothing fired."""

    @property
    def is_named(self) -> bool:
        """By the right alert, and by no other."""
        return self.observed.named == self.fault

    @property
    def is_good(self) -> bool:
        """Whether it was named, and all was quiet once it was mended."""
        return self.is_named and self.cleared_after_min is not None


@dataclass(frozen=True)
class Outcome:
    """What a whole trial came to."""

    verdicts: list[Verdict]
    panels: int
    """Queries of boards that were asked; 0 where not all faults were tried, for some panels count what they do."""
    problems: list[str]
    """Queries without data, and rules that could not be evaluated."""

    @property
    def named(self) -> int:
        """Faults named by the right alert alone."""
        return sum(verdict.is_named for verdict in self.verdicts)

    @property
    def cleared(self) -> int:
        """Faults after whose mending everything went quiet."""
        return sum(verdict.cleared_after_min is not None for verdict in self.verdicts)

    @property
    def is_good(self) -> bool:
        """Whether nothing is left to mend."""
        return all(verdict.is_good for verdict in self.verdicts) and not self.problems


@dataclass
class Watch:
    """Prometheus, and who is called by what fires."""

    asked: Prometheus
    inhibitions: Sequence[Mapping[str, Any]]
    now: Callable[[], datetime]
    """Steered time."""
    heard: frozenset[str] = frozenset()

    async def firing(self) -> list[dict[str, str]]:
        """Labels of the alerts that fire."""
        alerts = (await asyncio.to_thread(self.asked.get, "alerts"))["alerts"]
        firing = [alert["labels"] for alert in alerts if alert["state"] == "firing"]
        heard = frozenset(alert["alertname"] for alert in firing)
        if heard != self.heard:
            _progress(f"  {self.now().astimezone(TZ):%a %H:%M} fires: {', '.join(sorted(heard)) or 'nothing'}")
        self.heard = heard
        return firing

    async def observe(self, within: timedelta) -> Observed:
        """Wait for the first alert that reaches a person, and for a while longer for others."""
        begun, first = self.now(), None
        reached: set[str] = set()
        fired: set[str] = set()
        while self.now() - (first or begun) < (within if first is None else SEEN_FOR):
            firing = await self.firing()
            fired |= {alert["alertname"] for alert in firing}
            reached |= reaching(firing, self.inhibitions)
            if first is None and reached:
                first = self.now()
            await asyncio.sleep(LOOK_EVERY_S)
        after = None if first is None else _minutes(first - begun)
        return Observed(after, tuple(sorted(reached)), tuple(sorted(fired - reached)))

    async def quiet(self, trial: Trial, within: timedelta) -> float | None:
        """Wait until nothing fires; steered minutes that it took, None where something still did."""
        begun, looks = self.now(), 0
        while await self.firing():
            if self.now() - begun > within:
                return None
            if looks % RETRY_EVERY == 0:
                await trial.retry_letters()
            looks += 1
            await asyncio.sleep(LOOK_EVERY_S)
        return _minutes(self.now() - begun)

    async def forgotten(self, within: timedelta) -> None:
        """Wait until no failed command of the last hours is left to be taken for the next fault's."""
        begun = self.now()
        while await asyncio.to_thread(self.asked.get, "query", query=f"{FAILED} > 0.05") != NOBODY:
            if self.now() - begun > within:
                return
            await asyncio.sleep(LOOK_EVERY_S)


async def judge(trial: Trial, watch: Watch, fault: Fault) -> Verdict:
    """Break, watch without knowing what was broken, mend, and wait for quiet."""
    await trial.until(due(fault, trial.now()))
    await fault.strike(trial)
    observed = await watch.observe(WITHIN)
    _progress(f"  the alerts name: {observed.named or 'nothing, or more than one thing'}")
    await fault.mend(trial)
    cleared = await watch.quiet(trial, CLEARS_WITHIN)
    await watch.forgotten(FORGOTTEN_WITHIN)
    return Verdict(fault.name, fault.alert, observed, cleared)


def due(fault: Fault, now: datetime) -> datetime:
    """When a fault can begin to do what it should: now, or at its time of day."""
    if fault.not_before is None:
        return now
    today = datetime.combine(now.astimezone(TZ).date(), fault.not_before, TZ)
    if now <= today:
        return today
    return now if now <= today + LATE else today + timedelta(days=1)


def quickest(left: Sequence[Fault], now: datetime) -> Fault:
    """The next one to try: one whose time of day is near, then one that needs none."""
    timed = [fault for fault in left if fault.not_before is not None and due(fault, now) - now <= NEAR]
    return (timed or [fault for fault in left if fault.not_before is None] or [*left])[0]


def in_turn(left: Sequence[Fault], now: datetime) -> Fault:  # noqa: ARG001 -- one way to choose of two
    """The next one as drawn."""
    return left[0]


async def run(
    faults: Sequence[Fault], program: str, speed: float, choose: Callable[[Sequence[Fault], datetime], Fault]
) -> Outcome:
    """One verdict for each fault, in one world; `choose` says which of those that are left is next."""
    inhibitions = yaml.safe_load((OPS / "alertmanager" / "alertmanager.yml").read_text())["inhibit_rules"]
    with tempfile.TemporaryDirectory(prefix="heatsteer-alerts-") as folder, contextlib.ExitStack() as opened:
        async with a_trial(Path(folder) / "stack", speed, WORLD_SEED) as trial:
            rules = Path(folder) / RULES
            rules.write_text(hurried((OPS / "prometheus" / RULES).read_text(), speed))
            asked = opened.enter_context(prometheus(program, trial.metrics(), SCRAPE_S, rules))
            trial.aim = asked.aim
            watch = Watch(asked, inhibitions, trial.now)
            if not await asyncio.to_thread(wait_until_scraped, asked, 0):
                raise RuntimeError("Prometheus could not scrape every address of the fleet")
            if await watch.quiet(trial, timedelta(hours=4)) is None:
                raise RuntimeError(f"alerts fire although nothing is broken: {await watch.firing()}")
            left, verdicts = list(faults), list[Verdict]()
            while left:
                fault = choose(left, trial.now())
                left.remove(fault)
                verdicts.append(await judge(trial, watch, fault))
                _progress(_line(verdicts[-1]))
            if len(verdicts) < len(FAULTS):
                return Outcome(verdicts, 0, [])
            return Outcome(verdicts, len(list(queries())), await asyncio.to_thread(problems, asked))


async def run_again(outcome: Outcome, program: str, speed: float) -> Outcome:
    """The same with new verdicts on what was not good, from a world of its own."""
    again = [fault for fault in FAULTS if any(one.fault == fault.name and not one.is_good for one in outcome.verdicts)]
    if not again:
        return outcome
    _progress(f"once more by themselves: {', '.join(fault.name for fault in again)}")
    newest = {verdict.fault: verdict for verdict in (await run(again, program, speed, quickest)).verdicts}
    return replace(outcome, verdicts=[newest.get(verdict.fault, verdict) for verdict in outcome.verdicts])


def _minutes(time: timedelta) -> float:
    return round(time / timedelta(minutes=1), 1)


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def _line(verdict: Verdict) -> str:
    mark, observed = "named  " if verdict.is_named else "NOT    ", verdict.observed
    others = f"; explained: {', '.join(observed.explained)}" if observed.explained else ""
    after = "" if observed.fired_after_min is None else f" after {observed.fired_after_min:.0f} min"
    clears = "never" if verdict.cleared_after_min is None else f"in {verdict.cleared_after_min:.0f} min"
    called = ", ".join(observed.reached) or "nobody was called"
    return f"{mark}{verdict.fault:16} called{after}: {called} (meant: {verdict.alert}); cleared {clears}{others}"


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.try_alerts", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[fault.name for fault in FAULTS], metavar="NAME")
    parser.add_argument("--hidden", action="store_true", help="draw the faults instead, without replacement")
    parser.add_argument("--rounds", type=int, default=1, choices=range(1, len(FAULTS) + 1), metavar="N")
    parser.add_argument("--again", action="store_true", help="try what was not named or did not clear once more")
    parser.add_argument("--speed", type=float, default=SPEED)
    parser.add_argument("--seed", type=int, help="of the draw; drawn too unless given")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    program = shutil.which("prometheus")
    if program is None:
        print("the program prometheus is not installed (Debian: apt-get install prometheus)", file=sys.stderr)  # noqa: T201
        return 2
    configure_logging("ERROR")
    begun = time.monotonic()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    if given.hidden:
        faults, choose = random.Random(seed).sample(FAULTS, given.rounds), in_turn  # noqa: S311 -- a draw, no secret
    else:
        faults, choose = [fault for fault in FAULTS if given.only is None or fault.name in given.only], quickest
    outcome = asyncio.run(run(faults, program, given.speed, choose))
    if given.again:
        outcome = asyncio.run(run_again(outcome, program, given.speed))
    if given.json:
        drawn = {"seed": seed} if given.hidden else {}
        print(json.dumps(_document(outcome) | {"seconds": round(time.monotonic() - begun)} | drawn))  # noqa: T201
    else:
        drawn_by = f"; drawn by seed {seed}" if given.hidden else ""
        counts = f"{outcome.named} of {len(outcome.verdicts)} faults named by the right alert alone"
        boards = (
            f"; {outcome.panels - len(outcome.problems)} of {outcome.panels} panels had data" if outcome.panels else ""
        )
        print("\n".join([*outcome.problems, f"{counts}, {outcome.cleared} cleared{boards}{drawn_by}"]))  # noqa: T201
    return 0 if outcome.is_good else 1


def _document(outcome: Outcome) -> dict[str, Any]:
    listed = [asdict(one) | {"named": one.observed.named, "is_named": one.is_named} for one in outcome.verdicts]
    boards = {"panels": outcome.panels, "problems": outcome.problems}
    return {"faults": listed, "named": outcome.named, "cleared": outcome.cleared, "boards": boards}


if __name__ == "__main__":
    leave(main())

"""Breaks one thing after the other in a small sped-up fleet and sees which alerts call whom, and whether they clear.

    python -m ops.try_alerts [--only NAME ...] [--json]

A real Prometheus scrapes the fleet, with the rules of ops/prometheus whose durations are divided by the fleet's speed.
From what fires, the inhibitions of ops/alertmanager are taken away; what is left would reach a person, and is to be the
one alert that names the fault. Needs the program `prometheus` (Debian: apt-get install prometheus); some ten minutes.
Exit codes: 0 every fault was named and cleared, 1 one was not, 2 something is missing.

Protects: the verdict rests on what Prometheus answers, never on what the trial knows of the world.
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from ops.alert_trial import FAULTS, TZ, Fault, Trial, a_trial
from ops.hurried_rules import RULES, hurried, reaching
from ops.try_dashboards import OPS, Prometheus, prometheus, wait_until_scraped
from worker_environment import configure_logging, leave

SPEED = 480.0
SCRAPE_S = 1
LOOK_EVERY_S = 1.0
RETRY_EVERY = 8
"""Looks between two retries of dead letters."""
SEEN_FOR = timedelta(minutes=40)
"""Steered time for which a fault goes on once its alert fired: what else would call a person?"""
LATE = timedelta(minutes=30)
"""So long after its time of day a fault still does what it should."""
CLEARS_WITHIN = timedelta(hours=27)
"""Steered time: a share over a day needs a day to recover."""


@dataclass(frozen=True)
class Verdict:
    """What became of one fault."""

    fault: str
    alert: str
    """The one that names it."""
    by_switch: bool
    fired_after_min: float | None
    """Steered; None where it never fired."""
    reached: tuple[str, ...]
    """Alerts that would have reached a person while the fault lasted."""
    explained: tuple[str, ...]
    """Alerts that fired as well, which an inhibition explains."""
    cleared_after_min: float | None
    """Steered time from the mending until nothing fired."""

    @property
    def is_named(self) -> bool:
        """By the right alert, and by no other."""
        return self.reached == (self.alert,)


@dataclass
class Watch:
    """Prometheus, and who is called by what fires."""

    asked: Prometheus
    inhibitions: Sequence[Mapping[str, Any]]

    async def firing(self) -> list[dict[str, str]]:
        """Labels of the alerts that fire."""
        alerts = (await asyncio.to_thread(self.asked.get, "alerts"))["alerts"]
        return [alert["labels"] for alert in alerts if alert["state"] == "firing"]

    async def quiet(self, trial: Trial, within: timedelta) -> float | None:
        """Wait until nothing fires; steered minutes that it took, None where something still did."""
        begun, looks = trial.now(), 0
        while await self.firing():
            if trial.now() - begun > within:
                return None
            if looks % RETRY_EVERY == 0:
                await trial.retry_letters()
            looks += 1
            await asyncio.sleep(LOOK_EVERY_S)
        return _minutes(begun, trial)


async def judge(trial: Trial, watch: Watch, fault: Fault) -> Verdict:
    """Break, watch, mend, and wait for quiet."""
    if fault.not_before is not None:
        now = trial.now().astimezone(TZ)
        due = datetime.combine(now.date(), fault.not_before, TZ)
        await trial.until(due if now <= due + LATE else due + timedelta(days=1))
    await fault.strike(trial)
    watch.asked.aim(trial.metrics())
    begun, fired_at = trial.now(), None
    reached: set[str] = set()
    fired: set[str] = set()
    while trial.now() - (fired_at or begun) < (fault.within if fired_at is None else SEEN_FOR):
        firing = await watch.firing()
        fired |= {alert["alertname"] for alert in firing}
        reached |= reaching(firing, watch.inhibitions)
        if fired_at is None and fault.alert in fired:
            fired_at = trial.now()
        await asyncio.sleep(LOOK_EVERY_S)
    await fault.mend(trial)
    watch.asked.aim(trial.metrics())
    return Verdict(
        fault=fault.name,
        alert=fault.alert,
        by_switch=fault.by_switch,
        fired_after_min=None if fired_at is None else round((fired_at - begun) / timedelta(minutes=1), 1),
        reached=tuple(sorted(reached)),
        explained=tuple(sorted(fired - reached)),
        cleared_after_min=await watch.quiet(trial, CLEARS_WITHIN),
    )


async def run(faults: Sequence[Fault], program: str, speed: float, seed: int) -> list[Verdict]:
    """One verdict for each fault, in one world."""
    inhibitions = yaml.safe_load((OPS / "alertmanager" / "alertmanager.yml").read_text())["inhibit_rules"]
    with tempfile.TemporaryDirectory(prefix="heatsteer-alerts-") as folder, contextlib.ExitStack() as opened:
        async with a_trial(Path(folder) / "stack", speed, seed) as trial:
            rules = Path(folder) / RULES
            rules.write_text(hurried((OPS / "prometheus" / RULES).read_text(), speed))
            asked = opened.enter_context(prometheus(program, trial.metrics(), SCRAPE_S, rules))
            watch = Watch(asked, inhibitions)
            if not await asyncio.to_thread(wait_until_scraped, asked, 0):
                raise RuntimeError("Prometheus could not scrape every address of the fleet")
            if await watch.quiet(trial, timedelta(hours=4)) is None:
                raise RuntimeError(f"alerts fire although nothing is broken: {await watch.firing()}")
            verdicts = []
            for fault in faults:
                verdict = await judge(trial, watch, fault)
                print(_line(verdict), file=sys.stderr, flush=True)  # noqa: T201 -- progress
                verdicts.append(verdict)
            return verdicts


def _minutes(begun: datetime, trial: Trial) -> float:
    return round((trial.now() - begun) / timedelta(minutes=1), 1)


def _line(verdict: Verdict) -> str:
    mark = "named  " if verdict.is_named else "NOT    "
    others = f"; explained: {', '.join(verdict.explained)}" if verdict.explained else ""
    after = "never" if verdict.fired_after_min is None else f"after {verdict.fired_after_min:.0f} min"
    clears = "never" if verdict.cleared_after_min is None else f"in {verdict.cleared_after_min:.0f} min"
    called = ", ".join(verdict.reached) or "nobody was called"
    return f"{mark}{verdict.fault:16} {verdict.alert} fired {after}, cleared {clears}; called: {called}{others}"


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.try_alerts", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[fault.name for fault in FAULTS], metavar="NAME")
    parser.add_argument("--speed", type=float, default=SPEED)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    program = shutil.which("prometheus")
    if program is None:
        print("the program prometheus is not installed (Debian: apt-get install prometheus)", file=sys.stderr)  # noqa: T201
        return 2
    configure_logging("ERROR")
    begun = time.monotonic()
    faults = [fault for fault in FAULTS if given.only is None or fault.name in given.only]
    verdicts = asyncio.run(run(faults, program, given.speed, given.seed))
    named = sum(verdict.is_named for verdict in verdicts)
    cleared = sum(verdict.cleared_after_min is not None for verdict in verdicts)
    if given.json:
        faults_json = [asdict(verdict) | {"named": verdict.is_named} for verdict in verdicts]
        seconds = round(time.monotonic() - begun)
        print(json.dumps({"faults": faults_json, "named": named, "cleared": cleared, "seconds": seconds}))  # noqa: T201
    else:
        print(f"{named} of {len(verdicts)} faults named by the right alert alone, {cleared} cleared")  # noqa: T201
    return 0 if named == cleared == len(verdicts) else 1


if __name__ == "__main__":
    leave(main())

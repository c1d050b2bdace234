"""A simulator in a process of its own, as a stack runs it, with its fault switches and its truth.

Protects: adapters meet a cloud written by an independent reading of the vendors' documents.
"""

import contextlib
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from domain.clock import SteeringClock
from domain.oem.readings import Condition
from domain.oem.units import PumpAddress

EPOCH = datetime(2026, 1, 20, 23, 0, tzinfo=UTC)
CONSENTED = "a-refresh-token-by-consent"
TOKEN_LIFE_S = 1800.0
GRANT, GRANT_OF_A_DAY = 5000, 1_000_000
MOST_CONSENTS = 300


def a_consent(number: int) -> str:
    """One of the refresh tokens that fake clouds know from the start."""
    return f"{CONSENTED}-{number}"


@dataclass(frozen=True)
class World:
    url: str
    clock: SteeringClock
    client_id: str
    client_secret: str
    granted: frozenset[int] = frozenset()
    """The numbers of calls that its answers name as quotas."""
    consents: Iterator[int] = field(default_factory=itertools.count)

    def new_consent(self) -> str:
        """A refresh token that nobody has used yet."""
        return a_consent(next(self.consents))

    def now(self) -> datetime:
        return self.clock.steered(datetime.now(UTC))

    def wall_s(self, steered: timedelta) -> float:
        return self.clock.wall_duration(steered).total_seconds()

    def pumps(self, oem: str) -> list[PumpAddress]:
        sheets = httpx.get(f"{self.url}/_world/enrolment").json()
        return [
            PumpAddress(**{name: sheet[name] for name in PumpAddress.model_fields})
            for sheet in sheets
            if sheet["oem"] == oem
        ]

    def truth(self, pump_id: str) -> dict[str, Any]:
        states: list[dict[str, Any]] = httpx.get(f"{self.url}/_world/now").json()["pumps"]
        return next(state for state in states if state["pump"] == pump_id)

    @contextlib.contextmanager
    def faulty(self, **rates: float) -> Iterator[None]:
        """Switch faults on for a while, by names with underscores."""
        named = {name.replace("_", "-"): rate for name, rate in rates.items()}
        httpx.post(f"{self.url}/_world/faults", json=named).raise_for_status()
        try:
            yield
        finally:
            httpx.post(f"{self.url}/_world/faults", json=dict.fromkeys(named, 0.0)).raise_for_status()

    @contextlib.contextmanager
    def standing(self, condition: Condition, *pump_ids: str) -> Iterator[None]:
        """Bring a condition about at some units for a while."""
        self._bring_about(condition, pump_ids)
        try:
            yield
        finally:
            self._bring_about(Condition.NORMAL, pump_ids)

    def _bring_about(self, condition: Condition, pump_ids: Iterable[str]) -> None:
        for pump_id in pump_ids:
            target = {"pump": pump_id, "condition": condition.value}
            httpx.post(f"{self.url}/_world/condition", json=target).raise_for_status()

    def fail_from_now_on(self, oem: str, kind: str) -> None:
        """Begin an outage of a vendor's whole cloud that outlives every test."""
        now = self.now()
        span = {"starts": now.isoformat(), "ends": (now + timedelta(days=1)).isoformat()}
        httpx.post(f"{self.url}/_world/outage", json={"oem": oem, "kind": kind, **span}).raise_for_status()


@contextlib.contextmanager
def running_world(folder: Path, pumps: int, speed: float, oem: str) -> Iterator[World]:
    """All homes with units of one vendor."""
    clock = SteeringClock(epoch=EPOCH, start_wall=datetime.now(UTC) + timedelta(seconds=1), speed=speed)
    ready, config = folder / "ready.json", folder / "simulator.json"
    told = {
        "clock": clock.model_dump(mode="json"),
        "pumps": pumps,
        "seed": 7,
        "vendors": [oem],
        "units_per_account": pumps,
        "day": "2026-01-21",
        "truth_file": str(folder / "truth.jsonl"),
        "ready_file": str(ready),
        "client_id": "contract",
        "client_secret": "contract-secret",
        "refresh_tokens": [CONSENTED, *(a_consent(number) for number in range(MOST_CONSENTS))],
        "token_life_s": TOKEN_LIFE_S,
        "timeout_hold_s": 1.5,
        "rate_limit_per_min": GRANT,
        "quotas": {oem: {"calls_per_min": GRANT, "calls_per_day": GRANT_OF_A_DAY}},
    }
    config.write_text(json.dumps(told))
    command = [sys.executable, "-m", "simulator", "--config", str(config)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
        try:
            url = _ready(process, ready)
            while datetime.now(UTC) < clock.start_wall:  # before the epoch no fault strikes
                time.sleep(0.05)
            yield World(url, clock, "contract", "contract-secret", granted=frozenset({GRANT, GRANT_OF_A_DAY}))
        finally:
            process.terminate()


def _ready(process: subprocess.Popen[bytes], ready: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if ready.exists():
            return str(json.loads(ready.read_text())["url"])
        if process.poll() is not None:
            raise RuntimeError(f"the simulator ended with {process.returncode} before it was ready")
        time.sleep(0.05)
    raise RuntimeError("the simulator was not ready within a minute")

"""The fake cloud of Aurora: units whose vetoes are taken up a while later, published once a minute, and expire.

Protects: what a veto truly did is known minute by minute, and how many calls arrived on which day.
"""

import asyncio
import contextlib
import random
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from domain.clock import SteeringClock
from domain.oem.readings import Condition
from domain.oem.units import PumpAddress
from tests.oem_adapters.loopback import CUT, Answer, Reply, Request, running_cloud
from tests.oem_adapters.world import EPOCH, World
from tests.vendors.aurora.adapter import CONDITIONS
from tests.vendors.aurora.manifest import QUICK_VETO

TOKEN = "a-token-from-the-portal"
ACCOUNT = "aurora-main"
MINUTE = timedelta(minutes=1)
PROGRAMS = {condition: program for program, condition in CONDITIONS.items()}
NAMED = {"X-RateLimit-Limit-minute": "20", "X-RateLimit-Limit-day": "200"}


@dataclass
class FakeUnit:
    """One unit; `course` holds its setting from each moment on, the expiry of the newest veto included."""

    number: int
    own_c: float
    began: datetime
    course: list[tuple[datetime, float]] = field(default_factory=list)
    condition: Condition = Condition.NORMAL
    silent_since: datetime | None = None

    @property
    def unit_id(self) -> str:
        return f"a/{self.number}"

    def setting_at(self, moment: datetime) -> float:
        return next((value for at, value in reversed(self.course) if at <= moment), self.own_c)

    def take(self, value: float, hours: float, at: datetime) -> None:
        """A veto from then on; asking for the household's own setting ends it."""
        kept = [step for step in self.course if step[0] < at]
        expiry = [] if value == self.own_c else [(at + timedelta(hours=hours), self.own_c)]
        self.course = [*kept, (at, value), *expiry]

    def published(self, now: datetime, *, online: bool) -> dict[str, Any]:
        """As the cloud shows it: the state of the last full minute, or of when it fell silent."""
        if online and self.condition is not Condition.UPDATING:
            self.silent_since = None
        else:
            self.silent_since = self.silent_since or now
        shown = (self.silent_since or now).replace(second=0, microsecond=0)
        return {
            "unitId": self.unit_id,
            "model": "Aurora 8",
            "online": online,
            "updating": self.condition is Condition.UPDATING,
            "program": PROGRAMS.get(self.condition, "auto"),
            "asOf": max(shown, self.began).isoformat(),
            "room": 21.0,
            "supply": 34.0,
            "setpoint": {"value": self.setting_at(shown), "min": 5.0, "max": 30.0, "step": 0.5},
        }


class FakeAurora:
    """The cloud; faults are rates by name as on the simulator's switchboard."""

    def __init__(self, clock: SteeringClock, units: int) -> None:
        self.clock = clock
        own = [20.0 + 0.5 * (number % 4) for number in range(units)]
        self.units = {f"a/{n}": FakeUnit(n, own_c, clock.epoch) for n, own_c in enumerate(own, 1)}
        self.faults: dict[str, float] = {}
        self.down = ""
        self.calls: Counter[str] = Counter()
        """By day and method."""
        self._draw = random.Random(7)

    def now(self) -> datetime:
        return self.clock.steered(datetime.now(UTC))

    async def answer(self, request: Request) -> Reply:
        now = self.now()
        self.calls[f"{now:%F} {request.method}"] += 1
        trouble = await self._trouble(request)
        if trouble is not None:
            return trouble
        if request.path == "/cloud/v1/units":
            return Answer([self._show(unit, now) for unit in self.units.values()], headers=NAMED)
        unit = self.units.get(unquote(request.path.split("/")[4]))
        if unit is None:
            return Answer({"error": "no such unit"}, 404, NAMED)
        if request.method == "GET":
            return Answer(self._show(unit, now), headers=NAMED)
        if unit.condition is Condition.REMOTE_DISABLED:
            return Answer({"error": "remote control is off"}, 403, NAMED)
        if not self._strikes("silent-ignore"):
            delay = 5 * MINUTE if self._strikes("slow-apply") else MINUTE
            unit.take(request.json["value"], request.json["hours"], now + delay)
        return Answer(None, 202, NAMED)

    async def _trouble(self, request: Request) -> Reply | None:
        if self.down:
            return CUT if self.down == "refuse" else Answer({"error": "down"}, 500)
        if request.bearer != TOKEN or self._strikes("expired-token"):
            return Answer({"error": "unknown token"}, 401)
        if self._strikes("rate-limit"):
            return Answer({"error": "too many"}, 429)
        if self._strikes("http-500"):
            return Answer({"error": "failed"}, 500)
        if self._strikes("timeout"):
            await asyncio.sleep(1.5)
            return CUT
        return None

    def _show(self, unit: FakeUnit, now: datetime) -> dict[str, Any]:
        return unit.published(now, online=not self._strikes("offline"))

    def _strikes(self, fault: str) -> bool:
        return self._draw.random() < self.faults.get(fault, 0.0)


@contextlib.contextmanager
def serving(fake: FakeAurora) -> Iterator[str]:
    """Serve from a thread of its own; gives the address."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    address: list[str] = []
    stop = asyncio.Event()

    async def serve() -> None:
        async with running_cloud() as cloud:
            cloud.otherwise(fake.answer)
            address.append(cloud.base_url)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()


@dataclass(frozen=True)
class AuroraWorld(World):
    """What the contract's tests ask of a fake cloud."""

    fake: FakeAurora | None = None

    def pumps(self, oem: str) -> list[PumpAddress]:
        assert self.fake is not None
        return [
            PumpAddress(pump_id=f"p-{u.number:04d}", oem=oem, account_id=ACCOUNT, vendor_ref=u.unit_id)
            for u in self.fake.units.values()
        ]

    def truth(self, pump_id: str) -> dict[str, Any]:
        return {"levers": {QUICK_VETO.name: self._unit(pump_id).setting_at(self.now())}, "room_c": 21.0}

    @contextlib.contextmanager
    def faulty(self, **rates: float) -> Iterator[None]:
        assert self.fake is not None
        self.fake.faults = {name.replace("_", "-"): rate for name, rate in rates.items()}
        try:
            yield
        finally:
            self.fake.faults = {}

    def _bring_about(self, condition: Condition, pump_ids: Any) -> None:
        for pump_id in pump_ids:
            self._unit(pump_id).condition = condition

    def fail_from_now_on(self, oem: str, kind: str) -> None:
        assert self.fake is not None
        self.fake.down = kind

    def _unit(self, pump_id: str) -> FakeUnit:
        assert self.fake is not None
        return self.fake.units[f"a/{int(pump_id[2:])}"]


@contextlib.contextmanager
def running(folder: Path, pumps: int, speed: float) -> Iterator[AuroraWorld]:
    """A fake cloud with so many units whose clock runs now."""
    clock = SteeringClock(epoch=EPOCH, start_wall=datetime.now(UTC), speed=speed)
    fake = FakeAurora(clock, pumps)
    with serving(fake) as url:
        yield AuroraWorld(url, clock, "nobody", TOKEN, granted=frozenset({20, 200}), fake=fake)

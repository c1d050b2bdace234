"""Ports in memory for the activities' tests; the real ones are tested against their real far ends elsewhere."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from temporalio.testing import ActivityEnvironment

from domain.clock import SteeringClock
from domain.commands.command import Command, CommandEvent
from domain.commands.verification import Progress
from domain.homes.enrolment import Enrolment, PumpProfile
from domain.modes import Mode
from domain.oem.breaker import Breaker
from domain.oem.errors import OemError
from domain.oem.lever import LeverName
from domain.oem.readings import Reading
from domain.oem.timing import VendorTiming
from domain.oem.units import Capability, PumpAddress
from domain.planning.fleet_plan import PlanFigures, PlanOutline, Refusal, merged
from domain.planning.intraday import LaterPrices, overlaid
from domain.planning.price_plan import ModeSegment, PricePlan
from domain.planning.scope import EnrolledArea
from domain.planning.series import WeatherSeries, WholesalePrices
from domain.planning.shards import Shard, SolvedPart
from domain.ports import Recorder
from domain.slots import SLOT
from domain.steering.journal import JournalEntry
from domain.submission import SubmittedPlan
from tests.builders import MIDNIGHT, TIMING, a_plan, a_profile

WALL = datetime(2026, 11, 2, 9, tzinfo=UTC)
"""Wall time at which every attempt in these tests begins."""
SPEED = 60.0
CLOCK = SteeringClock(epoch=MIDNIGHT, start_wall=WALL - timedelta(minutes=6), speed=SPEED)
"""Steered time is 06:00 when an attempt begins, and a steered minute lasts a second."""


def an_attempt(*heartbeat: object) -> ActivityEnvironment:
    """An attempt that begins at `WALL`, with what the attempt before it last said in a heartbeat."""
    env = ActivityEnvironment()
    env.info = replace(env.info, started_time=WALL, heartbeat_details=heartbeat)
    return env


def heartbeats_of(env: ActivityEnvironment) -> list[tuple[Any, ...]]:
    """What the attempt says in heartbeats, as it says it."""
    beats: list[tuple[Any, ...]] = []
    env.on_heartbeat = lambda *details: beats.append(details)
    return beats


class Series:
    """`domain.ports.SeriesStore` in memory."""

    def __init__(self) -> None:
        self.price_versions: list[tuple[WholesalePrices, datetime]] = []
        self.weather_versions: list[tuple[WeatherSeries, datetime]] = []
        self.quarantined: list[tuple[str, str, str, datetime]] = []
        self.released: int | None = None
        """The version that a person released of whatever is refused."""

    async def store_prices(self, series: WholesalePrices, at: datetime) -> int:
        self.price_versions.append((series, at))
        return len(self.price_versions)

    async def store_later(self, later: LaterPrices, at: datetime) -> list[int]:
        end = later.start + SLOT
        version = await self.newest_prices(later.price_area, later.start, end)
        assert version is not None
        auction = await self.prices(version)
        return [await self.store_prices(overlaid(auction, auction.later_eur_per_mwh, later), at)]

    async def store_weather(self, series: WeatherSeries, at: datetime) -> int:
        self.weather_versions.append((series, at))
        return len(self.weather_versions)

    async def prices(self, version: int) -> WholesalePrices:
        return self.price_versions[version - 1][0]

    async def weather(self, version: int) -> WeatherSeries:
        return self.weather_versions[version - 1][0]

    async def newest_prices(self, price_area: str, start: datetime, end: datetime) -> int | None:
        covering = [n for n, (one, _) in enumerate(self.price_versions, 1) if _covers(one, start, end)]
        return covering[-1] if covering else None

    async def published_days(self, price_area: str, start: datetime, end: datetime) -> Sequence[WholesalePrices]:
        return [one for one, _ in self.price_versions if start <= one.start < end]

    async def newest_weather(self, cell: str, start: datetime, end: datetime) -> WeatherSeries | None:
        covering = (
            one
            for one, _ in reversed(self.weather_versions)
            if one.cell == cell and one.start <= start and one.start + len(one.outdoor_c) * SLOT >= end
        )
        return next(covering, None)

    async def quarantine(
        self, kind: str, origin: str, reason: str, at: datetime, series: WholesalePrices | None = None
    ) -> int | None:
        self.quarantined.append((kind, origin, reason, at))
        return self.released


def _covers(series: WholesalePrices, start: datetime, end: datetime) -> bool:
    return series.start <= start and series.start + len(series.price_eur_per_mwh) * SLOT >= end


class Market:
    """`domain.ports.PriceSource` and `WeatherSource`: answers as it is told, or fails."""

    def __init__(self, answer: WholesalePrices | WeatherSeries | Exception) -> None:
        self._answer = answer

    async def prices(self, price_area: str, day: date, tz: ZoneInfo) -> WholesalePrices:
        assert not isinstance(self._answer, WeatherSeries)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    async def weather(self, price_area: str, cell: str, first_slot: datetime, slots: int) -> WeatherSeries:
        assert not isinstance(self._answer, WholesalePrices)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class Desk:
    """`activities.attempt.VendorStatus` in memory."""

    def __init__(self, breaker: Breaker | None = None) -> None:
        self._breaker = breaker
        self.asked: list[tuple[str, str]] = []

    async def ask(self, account_id: str, reason: str, at: datetime) -> None:
        self.asked.append((account_id, reason))

    async def newest_breaker(self, oem: str, now: datetime) -> Breaker | None:
        return self._breaker


class Directory:
    """`domain.ports.PumpDirectory` of these pumps."""

    def __init__(self, *pump_ids: str, oem: str = "nibe") -> None:
        self.pumps = [self._profile(pump_id, oem) for pump_id in pump_ids]

    def _profile(self, pump_id: str, oem: str) -> PumpProfile:
        profile = a_profile()
        enrolment = profile.enrolment.model_copy(update={"pump_id": pump_id, "oem": oem})
        return profile.model_copy(update={"enrolment": enrolment})

    async def profile(self, pump_id: str) -> PumpProfile:
        for profile in self.pumps:
            if profile.enrolment.pump_id == pump_id:
                return profile
        raise LookupError(f"pump {pump_id} is not enrolled")

    async def active(self) -> Sequence[PumpProfile]:
        return self.pumps

    async def enrolments(self, price_area: str) -> Sequence[Enrolment]:
        return [p.enrolment for p in self.pumps if p.enrolment.price_area == price_area]

    async def price_areas(self) -> Sequence[EnrolledArea]:
        enrolments = [p.enrolment for p in self.pumps]
        return [
            EnrolledArea(
                price_area=name,
                weather_cells=tuple(sorted({e.weather_cell for e in enrolments if e.price_area == name})),
                oems=tuple(sorted({e.oem for e in enrolments if e.price_area == name})),
                pumps=sum(e.price_area == name for e in enrolments),
            )
            for name in sorted({e.price_area for e in enrolments})
        ]

    async def profiles(self, pump_ids: Sequence[str]) -> Sequence[PumpProfile]:
        return [p for p in self.pumps if p.enrolment.pump_id in pump_ids]

    async def mark_retired(self, pump_id: str, at: datetime) -> None:
        raise AssertionError("nobody is retired here")


class Observations:
    """`domain.ports.ObservationLog` in memory."""

    def __init__(self, newest: Mapping[str, Reading] | None = None) -> None:
        self._newest = dict(newest or {})
        self.stored: list[str] = []

    async def store(self, observations: Sequence[tuple[str, Reading]], seen_at: datetime) -> None:
        self.stored += [pump_id for pump_id, _ in observations]

    async def newest(self, pump_ids: Sequence[str]) -> dict[str, Reading]:
        return {pump_id: self._newest[pump_id] for pump_id in pump_ids if pump_id in self._newest}


class InForce:
    """`domain.ports.SteeringLog` of these pumps."""

    def __init__(self, modes: Mapping[str, tuple[Mode, datetime]] | None = None) -> None:
        self._modes = modes or {}

    async def heating_in_force(self, pump_ids: Sequence[str]) -> Mapping[str, tuple[Mode, datetime]]:
        return self._modes


class Commands:
    """`domain.ports.CommandLog` of one command: what was written before is given, what is recorded is kept."""

    def __init__(self, progress: Progress | None = None, newest: bool = True) -> None:
        self._progress = progress or Progress()
        self._newest = newest
        self.events: list[CommandEvent] = []

    async def begin(self, command: Command, outbox: Sequence[CommandEvent]) -> None:
        self.events += outbox

    async def record(self, events: Sequence[CommandEvent]) -> None:
        self.events += events

    async def progress(self, command: Command) -> Progress:
        return self._progress

    @contextlib.asynccontextmanager
    async def fence(self, command: Command) -> AsyncIterator[Recorder | None]:
        yield self.record if self._newest else None


class Journal:
    """`domain.ports.Journal` in memory."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []

    async def append(self, entries: Sequence[JournalEntry]) -> None:
        self.entries += entries


class Cloud:
    """`domain.oem.ports.OemAdapter` that reads as it is told, takes every write, and fails for the pumps it is told."""

    oem = "nibe"
    timing: VendorTiming = TIMING

    def __init__(self, reading: Reading, failing: Mapping[str, OemError] | None = None) -> None:
        self._reading = reading
        self._failing = failing or {}
        self.asked: list[str] = []
        self.written: list[float] = []

    async def capability(self, pump: PumpAddress, now: datetime) -> Capability:
        raise AssertionError("nothing is enrolled here")

    async def connections(self, account_id: str, now: datetime) -> Mapping[str, bool]:
        return {}

    async def observe(self, pump: PumpAddress, lever: LeverName, now: datetime) -> Reading:
        return await self.read(pump, lever, now)

    async def read(self, pump: PumpAddress, lever: LeverName, now: datetime, *, urgent: bool = False) -> Reading:
        self.asked.append(pump.pump_id)
        if pump.pump_id in self._failing:
            raise self._failing[pump.pump_id]
        return self._reading

    async def write(
        self, pump: PumpAddress, lever: LeverName, setting: float, now: datetime, *, urgent: bool = False
    ) -> None:
        if pump.pump_id in self._failing:
            raise self._failing[pump.pump_id]
        self.written.append(setting)


class Plans:
    """`domain.ports.PlanStore` in memory that gives price plans out in small pages.

    With pumps it begins with one stored shard of them, which every revision has.
    """

    def __init__(self, *pump_ids: str, page: int = 2) -> None:
        self._page = page
        self.opened: list[tuple[str, PlanOutline, tuple[Shard, ...]]] = []
        self.opened_at: list[datetime] = []
        self.parts: dict[tuple[int, int, int], tuple[SolvedPart, dict[str, PricePlan]]] = {}
        self.delivered: dict[tuple[int, int], int] = {}
        self.failed: dict[int, Mapping[int, str]] = {}
        self.refused: list[Refusal] = []
        """At opening."""
        self.submissions: dict[str, SubmittedPlan] = {}
        self.standing: dict[str, PricePlan] = {}
        self._pump_ids = sorted(pump_ids)

    async def open_plan(
        self, key: str, outline: PlanOutline, shards: Sequence[Shard], at: datetime, refused: Sequence[Refusal] = ()
    ) -> int:
        for revision, (known, _, _) in enumerate(self.opened, 1):
            if known == key:
                return revision
        self.opened.append((key, outline, tuple(shards)))
        self.opened_at.append(at)
        self.refused += refused
        return len(self.opened)

    async def outline(self, revision: int) -> PlanOutline:
        return self.opened[revision - 1][1]

    async def newest_outlines(self, after: datetime) -> Sequence[tuple[PlanOutline, datetime]]:
        of_day = {(outline.price_area, outline.end): (outline, at) for at, (_, outline, _) in self._stamped()}
        return [found for (_, end), found in of_day.items() if end > after]

    def _stamped(self) -> list[tuple[datetime, tuple[str, PlanOutline, tuple[Shard, ...]]]]:
        return list(zip(self.opened_at, self.opened, strict=True))

    async def shard(self, revision: int, number: int) -> Shard:
        return self.opened[revision - 1][2][number]

    async def shard_count(self, revision: int) -> int:
        return len(self.opened[revision - 1][2])

    async def stored_parts(self, revision: int, shard: int) -> Mapping[int, int]:
        return {place: s.pumps for (r, n, place), (s, _) in self.parts.items() if (r, n) == (revision, shard)}

    async def store_part(
        self,
        revision: int,
        shard: int,
        place: int,
        solved: SolvedPart,
        plans: Mapping[str, PricePlan],
        at: datetime,
    ) -> bool:
        if (revision, shard, place) in self.parts:
            return False
        self.parts[revision, shard, place] = (solved, dict(plans))
        return True

    async def price_plans(
        self, revision: int, shard: int, after: str, limit: int, among: Sequence[str] | None = None
    ) -> Sequence[tuple[str, PricePlan]]:
        left = [pump_id for pump_id in self._pump_ids if pump_id > after and (among is None or pump_id in among)]
        return [(pump_id, a_plan(revision)) for pump_id in left[: min(limit, self._page)]]

    async def note_delivered(self, revision: int, shard: int, pumps: int) -> None:
        self.delivered[revision, shard] = pumps

    async def close_plan(self, revision: int, failed: Mapping[int, str], at: datetime) -> None:
        self.failed[revision] = failed

    async def figures(self, revision: int) -> PlanFigures:
        solved = [s for (r, _, _), (s, _) in self.parts.items() if r == revision]
        return PlanFigures(
            pumps=sum(s.pumps for s in solved),
            cold_snap_pumps=sum(s.cold_snap_pumps for s in solved),
            certificate=merged([s.certificate for s in solved]) if solved else None,
        )

    async def submitted(self, submission: str) -> Sequence[str]:
        return sorted(self.submissions[submission].pumps)

    async def submitted_schedules(
        self, submission: str, pump_ids: Sequence[str]
    ) -> Mapping[str, tuple[ModeSegment, ...]]:
        wanted = self.submissions[submission].pumps
        return {pump_id: wanted[pump_id] for pump_id in pump_ids if pump_id in wanted}

    async def standing_plans(self, pump_ids: Sequence[str], start: datetime, end: datetime) -> Mapping[str, PricePlan]:
        return {pump_id: self.standing[pump_id] for pump_id in pump_ids if pump_id in self.standing}

    async def take_submission(self, revision: int, *, despite_refusals: bool) -> bool:
        raise AssertionError("the ledger's own tests take submissions")


class WorkerDied(BaseException):
    """What no activity can catch."""


class Deliveries:
    """A `domain.ports.PlanDelivery`: reaches all but the retired and the unreachable, and dies when it is told."""

    def __init__(
        self, retired: Sequence[str] = (), unreachable: Sequence[str] = (), dies_at: str | None = None, fails: int = 0
    ) -> None:
        """`fails`: after so many tries the unreachable can be reached; 0 for never."""
        self._fails = fails
        self._retired = retired
        self._unreachable = unreachable
        self._dies_at = dies_at
        self.reached: list[str] = []

    async def __call__(self, pump_id: str, plan: PricePlan) -> bool:
        if pump_id == self._dies_at:
            raise WorkerDied
        if pump_id in self._unreachable:
            self._fails -= 1
            if not self._fails:
                self._unreachable = ()
            raise RuntimeError("the server does not answer for this pump")
        self.reached.append(pump_id)
        return pump_id not in self._retired

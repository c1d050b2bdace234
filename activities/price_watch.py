"""The activity that watches prices: returns as soon as some area's plan rests on prices that are no longer the newest.

Protects: late prices are noticed within minutes whoever brought them (a source, a file, a person's release); a source
is asked often only while a plan waits for it; an area whose market fails keeps no other one from being renewed.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from temporalio import activity

from activities.market import brought_in
from activities.planning import AreaToPlan
from activities.steered import not_yet, steered_now
from domain.base import Value
from domain.clock import SteeringClock
from domain.planning.fleet_plan import PlanOutline
from domain.planning.renewal import LEAST_BETWEEN, Tried, may_wait, what_changed
from domain.planning.scope import EnrolledArea
from domain.planning.series import Basis
from domain.ports import DocumentRefused, LaterPriceSource, NotPublished, PlanStore, PriceSource, SeriesStore
from domain.slots import SLOT, bounds_of, slot_start

log = structlog.get_logger(__name__)

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 15.0
"""Wall seconds between two reads of the ledger: a new series must be in a plan within a minute, and in a sped-up run
the ledger has more to do than to be asked for prices."""
ASK_WAITING = timedelta(minutes=3)
"""Steered, between questions to a source while a plan rests on an estimate."""
ASK_CORRECTED = timedelta(hours=1)
"""Steered, between questions for corrections of what was published."""


ASK_LATER = timedelta(seconds=45)
"""Steered, between questions for intraday prices: a new series is to be in a plan within a minute."""
FindAreas = Callable[[], Awaitable[Sequence[AreaToPlan]]]
"""The price areas with steered pumps; reads every one of them."""


class WatchPrices(Value):
    """Watch until there is something to renew, or for so long."""

    clock: SteeringClock
    check_every: timedelta
    """Steered."""
    watch_for: timedelta
    """Steered."""
    tried: tuple[Tried, ...] = ()


class Renewal(Value):
    """A market day of an area that is to be planned again, and with which prices."""

    area: EnrolledArea
    tz: str
    day: date
    version: int
    reason: str


class PriceWatchActivities:
    """Watch prices."""

    def __init__(
        self,
        prices: PriceSource,
        series: SeriesStore,
        plans: PlanStore,
        find_areas: FindAreas,
        later: LaterPriceSource | None = None,
    ) -> None:
        """`later` is asked every minute for intraday prices; None where there is no such source."""
        self._later = later
        self._prices = prices
        self._series = series
        self._plans = plans
        self._find_areas = find_areas

    @activity.defn
    async def watch_prices(self, given: WatchPrices) -> tuple[Renewal, ...]:
        """What is to be planned again; empty where the watch's time is over."""
        now = steered_now(given.clock)
        until = now() + given.watch_for
        watch = _Watch(given.tried, self._prices, self._series, self._plans, self._find_areas, self._later)
        pause_s = given.clock.wall_duration(given.check_every).total_seconds()
        pause_s = min(max(pause_s, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)
        while True:
            if (found := await watch.check(now)) or now() >= until:
                return found
            activity.heartbeat()
            # A worker that leaves must not wait for a watch of hours; another one takes it over at once.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(activity.wait_for_worker_shutdown(), pause_s)
                raise not_yet("this worker leaves", timedelta(), given.clock)


class _Watch:
    """One attempt at watching."""

    def __init__(
        self,
        tried: Sequence[Tried],
        prices: PriceSource,
        series: SeriesStore,
        plans: PlanStore,
        find_areas: FindAreas,
        later: LaterPriceSource | None,
    ) -> None:
        self._later = later
        self._later_at: dict[str, datetime] = {}
        self._tried = {(one.price_area, one.day): one for one in tried}
        self._prices = prices
        self._series = series
        self._plans = plans
        self._find_areas = find_areas
        self._areas: dict[str, AreaToPlan] = {}
        self._areas_at: datetime | None = None
        self._ask_at: dict[tuple[str, date], datetime] = {}

    async def check(self, now: Callable[[], datetime]) -> tuple[Renewal, ...]:
        """Every plan that still has something ahead of it, against the newest prices of its day."""
        if not (found := await self._check(now)):
            return ()
        # Who lives in an area is read for all pumps at once, which is too dear for every check: only now it matters.
        await self._read_areas(now)
        known = self._areas
        return tuple(
            one.model_copy(update={"area": known[one.area.price_area].area})
            for one in found
            if one.area.price_area in known
        )

    async def _read_areas(self, now: Callable[[], datetime]) -> None:
        self._areas_at = now()
        self._areas = {one.area.price_area: one for one in await self._find_areas()}

    async def _check(self, now: Callable[[], datetime]) -> tuple[Renewal, ...]:
        found = []
        for outline, made_at in await self._plans.newest_outlines(now()):
            if outline.price_area not in self._areas and (self._areas_at is None or made_at >= self._areas_at):
                await self._read_areas(now)
            one = self._areas.get(outline.price_area)
            if one is None or one.tz is None:
                continue
            try:
                found.append(await self._of(one.area, one.tz, outline, made_at, now))
            except Exception as error:  # noqa: BLE001 -- one area's trouble must not blind the watch for the others
                log.warning("prices not watched", price_area=one.area.price_area, reason=str(error)[:200])
        return tuple(renewal for renewal in found if renewal is not None)

    async def _of(
        self, area: EnrolledArea, tz: str, outline: PlanOutline, made_at: datetime, now: Callable[[], datetime]
    ) -> Renewal | None:
        day = (outline.end - SLOT).astimezone(ZoneInfo(tz)).date()
        start, end = bounds_of(day, tz)
        planned = await self._series.prices(outline.price_version)
        is_waiting = planned.basis is not Basis.PUBLISHED
        await self._ask(area.price_area, tz, day, ASK_WAITING if is_waiting else ASK_CORRECTED, now)
        await self._ask_later(area.price_area, now)
        version, moment = await self._series.newest_prices(area.price_area, start, end), now()
        if version is None or version == outline.price_version:
            return None
        newest = await self._series.prices(version)
        if may_wait(planned, newest) and moment - made_at < LEAST_BETWEEN:
            return None
        begin = max(start, slot_start(moment) + SLOT)
        reason = what_changed(planned, newest, begin, end)
        if reason is None or self._was_tried(area.price_area, day, version, moment):
            return None
        log.info("plan to be renewed", price_area=area.price_area, day=str(day), version=version, reason=reason)
        return Renewal(area=area, tz=tz, day=day, version=version, reason=reason)

    async def _ask(self, price_area: str, tz: str, day: date, every: timedelta, now: Callable[[], datetime]) -> None:
        """Ask the source where it is time; what it has to say is stored."""
        key, moment = (price_area, day), now()
        # First seen with published prices: just planned, so that corrections are an hour away.
        due = self._ask_at.setdefault(key, moment if every is ASK_WAITING else moment + every)
        if moment < min(due, moment + every):
            return
        self._ask_at[key] = moment + every
        with contextlib.suppress(NotPublished, DocumentRefused):
            await brought_in(self._prices, self._series, price_area, day, ZoneInfo(tz), now)

    async def _ask_later(self, price_area: str, now: Callable[[], datetime]) -> None:
        moment = now()
        if self._later is None or moment < self._later_at.get(price_area, moment):
            return
        self._later_at[price_area] = moment + ASK_LATER
        try:
            await self._series.store_later(await self._later.newest(price_area), moment)
        except NotPublished:
            return
        except DocumentRefused as error:
            await self._series.quarantine("intraday", error.origin, str(error), moment)

    def _was_tried(self, price_area: str, day: date, version: int, now: datetime) -> bool:
        """Whether the same plan was tried a moment ago and came to nothing: for want of weather, say."""
        last = self._tried.get((price_area, day))
        return last is not None and last.version == version and now - last.at < LEAST_BETWEEN

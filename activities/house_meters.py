"""Whole-house meters, read before a settlement.

Protects: a service that is down is named and stalls nothing; what it delivers later is read within the days that are
settled again, and a reading that says nothing new changes nothing.
"""

from collections.abc import Callable
from datetime import date
from zoneinfo import ZoneInfo

import structlog
from temporalio import activity

from activities.planning import with_heartbeat
from activities.steered import steered_now
from domain.base import Value
from domain.clock import SteeringClock
from domain.planning.house_load import MeterLog, MeterSource
from domain.ports import PumpDirectory
from domain.slots import market_day_bounds

log = structlog.get_logger(__name__)


class ReadMeters(Value):
    """Read what the houses of a price area drew on some market days, both included."""

    clock: SteeringClock
    price_area: str
    first_day: date
    last_day: date


class MetersRead(Value):
    """What became of it."""

    houses: int = 0
    """Of which something was delivered."""
    new: int = 0
    """Stretches that were not known, or otherwise."""
    problems: tuple[str, ...] = ()


class MeterActivities:
    """Read meters."""

    def __init__(
        self,
        loads: MeterLog,
        pumps: PumpDirectory,
        source: MeterSource | None,
        tz_of: Callable[[str], str],
    ) -> None:
        """`source` None: no service is known, and nothing is read. `tz_of` names the time zone of a price area."""
        self._loads = loads
        self._pumps = pumps
        self._source = source
        self._tz_of = tz_of

    @activity.defn
    async def read_meters(self, given: ReadMeters) -> MetersRead:
        """Ask the services of an area's meters, and keep what they say as versions."""
        return MetersRead() if self._source is None else await with_heartbeat(self._read(given, self._source))

    async def _read(self, given: ReadMeters, source: MeterSource) -> MetersRead:
        tz = ZoneInfo(self._tz_of(given.price_area))
        start, end = market_day_bounds(given.first_day, tz)[0], market_day_bounds(given.last_day, tz)[1]
        pumps = [enrolment.pump_id for enrolment in await self._pumps.enrolments(given.price_area)]
        said = await source.readings(given.price_area, pumps, start, end)
        for problem in said.problems:
            log.warning("meters not read", price_area=given.price_area, reason=problem)
        new = await self._loads.store(said.readings, steered_now(given.clock)())
        return MetersRead(houses=len({one.pump_id for one in said.readings}), new=new, problems=said.problems)

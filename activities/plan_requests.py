"""One planning request from what the ledger knows: pumps, their rooms, prices, weather and their share of a limit.

Protects: a stale room temperature is no room temperature, and a cold snap's floor is decided before anything is solved.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.homes.enrolment import PumpProfile
from domain.homes.learned import LearnedHouses
from domain.homes.settlement import Benefit, earns_by_moving, most_extra_kwh
from domain.modes import Mode
from domain.planning.extremes import COLD_SNAP_SLOTS, is_cold_snap
from domain.planning.fleet_plan import (
    MOST_CHANGES_A_DAY,
    MOST_TANK_CHANGES_A_DAY,
    PlanningRequest,
    PlanOutline,
    PumpForPlanning,
)
from domain.planning.house_load import HouseLoads, MonthPeaks, household_kw
from domain.planning.own_sun import own_sun_of
from domain.planning.peaks import HousePeaks, PeakHours, house_peaks, peak_hours
from domain.planning.series import WeatherSeries
from domain.planning.shards import Part
from domain.planning.tariff import Tariff, Tariffs, home_prices
from domain.ports import CallGrants, ObservationLog, PumpDirectory, SeriesStore, SteeringLog
from domain.savings.experiment import Arm
from domain.savings.ports import ExperimentLog
from domain.slots import SLOT, slots_between
from domain.steering.call_budget import changes_carried, shared_out

BEFORE = timedelta(hours=24)
"""Of outdoor temperatures before a plan: a unit's filter has forgotten what was earlier."""
MOST_DAYS_BEFORE = 256
"""Kept in memory, for as many weather cells."""
HOUR = timedelta(hours=1)
MOST_HELD_SLOTS = 96
"""Longer ago than any dwell."""
_FREE: tuple[Mode, datetime | None] = (Mode.LOW, None)


class DaysBefore:
    """The outdoor air of the day before a forecast, asked for once and not by every part of a plan: units follow what
    it was."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, datetime], WeatherSeries | None] = {}
        self._asking = asyncio.Lock()

    async def added(self, series: SeriesStore, version: int, forecast: WeatherSeries) -> WeatherSeries:
        """The forecast with the day before it, where one is known; `version` is the whole forecast's."""
        start, slots, key = forecast.start - BEFORE, BEFORE // SLOT, (version, forecast.start)
        async with self._asking:
            if key not in self._known:
                while len(self._known) >= MOST_DAYS_BEFORE:
                    del self._known[next(iter(self._known))]
                self._known[key] = await series.newest_weather(forecast.cell, start, forecast.start)
            known = self._known[key]
        return forecast if known is None else forecast.after(known.cut(start, slots))


@dataclass(frozen=True)
class RequestSources:
    """Where a request's numbers come from."""

    series: SeriesStore
    pumps: PumpDirectory
    commands: SteeringLog
    observations: ObservationLog
    tariffs: Tariffs
    experiments: ExperimentLog | None = None
    """None where nobody is ever left neutral to be compared with."""
    tz_of: Callable[[str], str] = lambda _: "UTC"
    """The time zone of a price area's market day, by which homes are drawn."""
    houses: LearnedHouses | None = None
    """None where houses are known by their class alone."""
    loads: HouseLoads | None = None
    """None where no house is metered and no month's peaks are known."""
    grants: CallGrants | None = None
    """None where calls are not counted."""
    before: DaysBefore = field(default_factory=DaysBefore)

    async def request(self, outline: PlanOutline, part: Part, budget_s: float, now: datetime) -> PlanningRequest:
        """The request for one part; raises LookupError for a version or a tariff that is not known."""
        first_slot, slots, scope = outline.first_slot, outline.slots, part.scope
        forecast = await self.series.weather(part.weather_version)
        wholesale = await self.series.prices(outline.price_version)
        profiles = await self.pumps.profiles(part.pump_ids)
        drawn_neutral = await self._drawn_neutral(profiles, scope.price_area, first_slot)
        pumps = await self._pumps(profiles, outline, forecast, now)
        tariff = self.tariffs(scope.tariff)
        # A supplier neither pays nor saves what the grid charges its customers for power.
        pays = scope.benefit is Benefit.HOUSEHOLD
        hours = peak_hours(tariff, first_slot, outline.end) if pays else None
        peaks = {} if hours is None else await self._peaks(tariff, hours, part.pump_ids, outline)
        return PlanningRequest(
            first_slot=first_slot,
            slots=slots,
            prices=home_prices(wholesale, tariff, scope.settlement, scope.benefit).cut(first_slot, slots),
            weather=await self.before.added(self.series, part.weather_version, forecast.cut(first_slot, slots)),
            pumps=tuple(
                pump.model_copy(
                    update={
                        "may_move": pump.may_move and pump.profile.enrolment.pump_id not in drawn_neutral,
                        "peaks": peaks.get(pump.profile.enrolment.pump_id),
                        "most_extra_kwh": most_extra_kwh(scope.benefit),
                    }
                )
                for pump in pumps
            ),
            peaks=hours,
            cap_kw=part.cap_kw,
            nominated=part.nominated,
            budget_s=budget_s,
        )

    async def _peaks(
        self, tariff: Tariff, hours: PeakHours, pump_ids: Sequence[str], outline: PlanOutline
    ) -> dict[str, HousePeaks]:
        """What each home is charged for peaks on the plan's days."""
        known, base = dict[str, MonthPeaks](), dict[str, Mapping[int, float]]()
        if self.loads is not None:
            first, last = hours.days[0].replace(day=1), hours.days[-1] - timedelta(days=1)
            known = dict(await self.loads.month_peaks(pump_ids, first, last))
            base = dict(await self.loads.base_kw(pump_ids, outline.first_slot))
        slots, tz = slots_between(outline.first_slot, outline.end), ZoneInfo(tariff.tz)
        found = {}
        for pump_id in pump_ids:
            so_far = known.get(pump_id)
            is_metered = pump_id in base and (so_far is None or so_far.is_metered)
            load_kw = household_kw(slots, tz, base.get(pump_id))
            peaks = () if so_far is None else so_far.peaks
            found[pump_id] = house_peaks(tariff, hours, load_kw, peaks, is_metered=is_metered)
        return found

    async def _drawn_neutral(
        self, profiles: Sequence[PumpProfile], price_area: str, first_slot: datetime
    ) -> frozenset[str]:
        """The pumps that the experiment leaves to their own control on the day of the first slot."""
        if self.experiments is None:
            return frozenset()
        day = first_slot.astimezone(ZoneInfo(self.tz_of(price_area))).date()
        experiment = await self.experiments.experiment_on(day)
        if experiment is None:
            return frozenset()
        ids = (profile.enrolment.pump_id for profile in profiles)
        return frozenset(pump_id for pump_id in ids if experiment.arm(pump_id, day) is Arm.NEUTRAL)

    async def _pumps(
        self, profiles: Sequence[PumpProfile], outline: PlanOutline, forecast: WeatherSeries, now: datetime
    ) -> tuple[PumpForPlanning, ...]:
        first_slot, starts = outline.first_slot, slots_between(outline.first_slot, outline.end)
        ahead_c = forecast.cut(first_slot, COLD_SNAP_SLOTS).outdoor_c
        planned_for = forecast.cut(first_slot, outline.slots)
        ids = [profile.enrolment.pump_id for profile in profiles]
        readings = await self.observations.newest(ids)
        in_force = await self.commands.heating_in_force(ids)
        learned = await self.houses.newest(ids) if self.houses else {}
        changes = await self._changes(profiles, outline)
        # What holds now says nothing of a horizon that begins much later: today's plan still runs until then.
        begins_now = first_slot - now < 2 * SLOT
        pumps = []
        for profile in profiles:
            pump_id = profile.enrolment.pump_id
            reading = readings.get(pump_id)
            is_fresh = reading is not None and now - reading.as_of < 4 * SLOT
            most_changes, may_move_tank = shared_out(
                changes.get(profile.enrolment.account_id), MOST_CHANGES_A_DAY, MOST_TANK_CHANGES_A_DAY
            )
            mode, since = in_force.get(pump_id, _FREE) if begins_now else _FREE
            pumps.append(
                PumpForPlanning(
                    profile=profile,
                    room_c=reading.room_c if reading and is_fresh else None,
                    mode=mode,
                    held_slots=MOST_HELD_SLOTS if since is None else _held_slots(since, first_slot),
                    floor=floor_of(profile, ahead_c),
                    learned=learned.get(pump_id),
                    lead_h=max(0.0, (first_slot - reading.as_of) / HOUR) if reading and is_fresh else 0.0,
                    accepts=profile.enrolment.band.over(starts),
                    most_changes=most_changes,
                    may_move_tank=may_move_tank,
                    may_move=earns_by_moving(profile.enrolment.settlement, profile.enrolment.benefit),
                    own_sun=own_sun_of(profile.enrolment, planned_for),
                )
            )
        return tuple(pumps)

    async def _changes(self, profiles: Sequence[PumpProfile], outline: PlanOutline) -> Mapping[str, int | None]:
        """How many changes the calls carry that are left to each pump until the plan's end, by account."""
        if self.grants is None:
            return {}
        accounts = sorted({profile.enrolment.account_id for profile in profiles})
        standings = await self.grants.standings(accounts, outline.end)
        lasts = outline.slots * SLOT
        return {account_id: changes_carried(standing, lasts) for account_id, standing in standings.items()}


def cold_snap_pumps(pumps: Iterable[PumpForPlanning]) -> int:
    """Pumps kept at neutral or above because of the forecast alone."""
    return sum(pump.floor is not Mode.MIN and pump.profile.site.may_set_back for pump in pumps)


def floor_of(profile: PumpProfile, ahead_c: Sequence[float]) -> Mode:
    """The lowest mode a pump may be planned at."""
    is_safe = profile.site.may_set_back and not is_cold_snap(ahead_c, profile.enrolment.design_outdoor_c)
    return Mode.MIN if is_safe else Mode.LOW


def _held_slots(since: datetime, first_slot: datetime) -> int:
    """Whole slots from a change to the start of the horizon."""
    return min(MOST_HELD_SLOTS, max(0, (first_slot - since) // SLOT))

"""Regret of a settled market day, scope by scope: the day is planned again as one that is known.

Protects: homes that a person, another controller or a limit held for part of the day are counted and not compared; a
scope that cannot be planned again costs settlement nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

import structlog

from activities.plan_requests import MOST_HELD_SLOTS, floor_of
from domain.homes.enrolment import PumpProfile
from domain.homes.learned import LearnedHouse
from domain.homes.settlement import earns_by_moving
from domain.modes import Mode
from domain.planning.fleet_plan import PlanningRequest, PumpForPlanning
from domain.planning.own_sun import own_sun_of
from domain.planning.scope import Scope, scope_of
from domain.planning.series import HomePrices, WeatherSeries
from domain.planning.shards import SHARD_PUMPS
from domain.ports import SeriesStore
from domain.savings.energy import Evidence
from domain.savings.experiment import Arm
from domain.savings.home_day import HomeDay
from domain.savings.ports import DayEvidence
from domain.savings.regret import Foresee, Hindsight, Outcome, PlannedDay, Regret, RegretStore, sum_of
from domain.slots import SLOT

log = structlog.get_logger(__name__)

READING_HOLDS = timedelta(hours=1)
"""A unit's outdoor temperature, or a room at the start of the day, speaks for so long."""
DAY_BEFORE = timedelta(days=1)
BUDGET_S = 300.0
"""Wall seconds for a request: nobody waits for it."""


@dataclass(frozen=True)
class LivedHome:
    """A home's day as far as regret asks."""

    profile: PumpProfile
    day: HomeDay
    modes: Sequence[Mode]
    """By slot, as decided."""
    mode_before: Mode
    held_slots: int
    room_c: float | None
    """With which the day began."""
    is_ours: bool
    """Whether nothing but plan and own control held its heating."""
    outdoor: Sequence[tuple[datetime, float]]
    learned: LearnedHouse | None = None
    """What is known of the house by now."""


def lived_home(
    profile: PumpProfile,
    day: HomeDay,
    known: DayEvidence,
    modes: Sequence[Mode],
    start: datetime,
    learned: LearnedHouse | None,
) -> LivedHome:
    """What regret keeps of a home whose day was just settled."""
    before = [(at, mode) for at, mode in known.modes if at <= start]
    since, mode = before[-1] if before else (None, Mode.LOW)
    held = MOST_HELD_SLOTS if since is None else min(MOST_HELD_SLOTS, (start - since) // SLOT)
    at_start = next((room for at, room in known.rooms if start <= at < start + READING_HOLDS), None)
    return LivedHome(profile, day, modes, mode, held, at_start, known.is_ours, known.outdoor, learned)


@dataclass(frozen=True)
class KnownDay:
    """What all scopes of a price area share."""

    day: date
    slots: Sequence[datetime]
    price_version: int
    now: datetime


@dataclass
class Regrets:
    """Works out regrets and stores them."""

    store: RegretStore
    series: SeriesStore
    foresee: Foresee

    async def settle(
        self,
        known: KnownDay,
        homes: Iterable[LivedHome],
        prices: Mapping[Scope, HomePrices],
        weather: Mapping[str, WeatherSeries],
    ) -> int:
        """Store the regret of every scope that can be compared; returns of how many. `prices` and `weather` cover
        the day.
        """
        by_scope: dict[Scope, list[LivedHome]] = {}
        for home in homes:
            by_scope.setdefault(scope_of(home.profile.enrolment), []).append(home)
        found = []
        for scope, members in by_scope.items():
            try:
                regret = await self._regret(known, scope, members, prices[scope], weather[scope.weather_cell])
            except Exception as error:  # noqa: BLE001 -- what could have been must not cost anybody what was
                reason = str(error).partition("\n")[0][:240]
                log.warning("regret not worked out", grid_area=scope.grid_area, day=str(known.day), reason=reason)
                continue
            if regret is not None:
                found.append(regret)
        await self.store.keep_regrets(found, known.now)
        return len(found)

    async def _regret(
        self, known: KnownDay, scope: Scope, homes: Sequence[LivedHome], prices: HomePrices, forecast: WeatherSeries
    ) -> Regret | None:
        plans = await self.store.planned_days([home.day.pump_id for home in homes], known.slots)
        compared = [home for home in homes if home.is_ours and _is_planned(plans.get(home.day.pump_id), known)]
        if not compared:
            return None
        came, measured = outdoor_that_came(forecast, known.slots, [one for home in homes for one in home.outdoor])
        weather = await self._with_the_day_before(came)
        seen: list[Hindsight] = []
        for members in _portions(compared):
            request = _request(known, members, prices, weather, _cap_kw(plans, members, len(compared)))
            seen.append(await self.foresee(request, {home.day.pump_id: home.modes for home in members}))
        of_plans = [plans[home.day.pump_id] for home in compared]
        kwh = sum(home.day.kwh for home in compared)
        modelled = sum(home.day.evidence.get(Evidence.MODEL, 0.0) for home in compared)
        return Regret(
            day=known.day,
            scope=scope,
            homes=len(compared),
            left_out=len(homes) - len(compared),
            planned=sum_of([Outcome(kwh=one.kwh, cost_eur=one.cost_eur) for one in of_plans]),
            hindsight=Hindsight(
                done=sum_of([one.done for one in seen]),
                foresight=sum_of([one.foresight for one in seen]),
                neutral=sum_of([one.neutral for one in seen]),
            ),
            settled=Outcome(kwh=kwh, cost_eur=sum(home.day.cost_eur for home in compared)),
            modelled_kwh=modelled,
            price_version=known.price_version,
            outdoor_measured=measured,
        )

    async def _with_the_day_before(self, came: WeatherSeries) -> WeatherSeries:
        """Units follow what the outdoor air was."""
        start = came.start - DAY_BEFORE
        before = await self.series.newest_weather(came.cell, start, came.start)
        return came if before is None else came.after(before.cut(start, DAY_BEFORE // SLOT))


def outdoor_that_came(
    forecast: WeatherSeries, slots: Sequence[datetime], readings: Iterable[tuple[datetime, float]]
) -> tuple[WeatherSeries, float]:
    """The day's weather with the median of what units measured outdoors; and the share of slots with such a median."""
    seen: dict[int, list[float]] = {}
    for at, outdoor_c in readings:
        first = (at - slots[0]) // SLOT
        for n in range(max(0, first), min(len(slots), first + READING_HOLDS // SLOT)):
            seen.setdefault(n, []).append(outdoor_c)
    day = forecast.cut(slots[0], len(slots))
    outdoor = tuple(median(seen[n]) if n in seen else day.outdoor_c[n] for n in range(len(slots)))
    return day.model_copy(update={"source": "as it came", "outdoor_c": outdoor}), len(seen) / len(slots)


def _is_planned(plan: PlannedDay | None, known: KnownDay) -> bool:
    return plan is not None and plan.slots == len(known.slots)


def _portions(homes: Sequence[LivedHome]) -> Iterator[Sequence[LivedHome]]:
    """As planning does: no request holds more pumps than a shard, and each is a like sample of them."""
    count = -(-len(homes) // SHARD_PUMPS)
    return (homes[first::count] for first in range(count))


def _cap_kw(plans: Mapping[str, PlannedDay], members: Sequence[LivedHome], compared: int) -> float | None:
    """These pumps' share of the limits they were planned under; None where one of them had none."""
    caps = {plan.part: plan.cap_kw for plan in plans.values()}
    limits = [cap for cap in caps.values() if cap is not None]
    return None if len(limits) < len(caps) else sum(limits) * len(members) / max(compared, len(plans))


def _request(
    known: KnownDay, homes: Sequence[LivedHome], prices: HomePrices, weather: WeatherSeries, cap_kw: float | None
) -> PlanningRequest:
    ahead = weather.cut(known.slots[0], len(known.slots))
    return PlanningRequest(
        first_slot=known.slots[0],
        slots=len(known.slots),
        prices=prices,
        weather=weather,
        pumps=tuple(_pump(home, known.slots, ahead) for home in homes),
        cap_kw=cap_kw,
        budget_s=BUDGET_S,
    )


def _pump(home: LivedHome, slots: Sequence[datetime], ahead: WeatherSeries) -> PumpForPlanning:
    e = home.profile.enrolment
    return PumpForPlanning(
        profile=home.profile,
        room_c=home.room_c,
        mode=home.mode_before,
        held_slots=home.held_slots,
        floor=floor_of(home.profile, ahead.outdoor_c),
        accepts=e.band.over(slots),
        may_move=earns_by_moving(e.settlement, e.benefit) and home.day.arm is not Arm.NEUTRAL,
        own_sun=own_sun_of(e, ahead),
        learned=home.learned,
    )

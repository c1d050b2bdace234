"""The controllers that are compared; each says before a day begins what every unit's levers do in it.

- `curve`: the unit's own control on the household's settings.
- `flat`: the same, set lower once by a step of the lever: what a colder room saves without a plan.
- `threshold`: raised in the cheapest quarter of the day, set back in the dearest, unless the room says no.
- `plan`: what is shipped, as it is shipped: planned at 13:15 the day before, from the room shown then and a forecast
  that is wrong by 1.5 K after 24 h; houses by class for a fortnight, then as learned from what clouds showed.
- `perfect`: the same planner, told at midnight the weather that comes and the room as it is. It follows the planner's
  own model, so it is what better forecasts are worth, and no bound on what a better model could earn.

Invariant: only `perfect` sees what has not happened yet.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from domain.homes.enrolment import PumpProfile
from domain.homes.learned import LearnedHouse
from domain.modes import HotWaterMode, Mode
from domain.planning.extremes import is_cold_snap
from domain.planning.fleet_plan import PlannedPump, PlanningRequest, PumpForPlanning
from domain.planning.series import HomePrices, WeatherSeries
from optimizer.planner import plan_fleet

PLANNED_BEFORE_H = 10.75
"""Day-ahead plans are made at 13:15."""
CHEAPEST, DEAREST = 25, 75
"""Percentiles of the day's prices."""
LEAST_SPREAD_EUR_PER_MWH = 20.0
NEAR_K = 0.3
"""The threshold controller leaves so much of the band unused."""


@dataclass(frozen=True)
class Day:
    """What is known before a market day begins."""

    prices: HomePrices
    forecast: WeatherSeries
    """From the day before on."""
    truth: WeatherSeries
    room_c: Sequence[float | None] = ()
    """What every unit's room sensor shows at midnight; None where there is none."""
    room_when_planned_c: Sequence[float | None] = ()
    """The same at 13:15 of the day before."""

    learned: Sequence[LearnedHouse | None] = ()
    """What was learned of every house by midnight; None where nothing was."""

    @property
    def slots(self) -> int:
        return len(self.prices.price_eur_per_mwh)


@dataclass(frozen=True)
class Asked:
    """What one unit is asked for in a day."""

    modes: tuple[Mode, ...]
    hot_water: tuple[HotWaterMode, ...] = ()
    lower_by_steps: int = 0
    looks_at_room: bool = False
    expected_room_c: tuple[float, ...] = ()
    expected_kw: tuple[float, ...] = field(default=())
    """Of the heating."""

    def mode_in(self, slot: int, room_c: float | None, profile: PumpProfile) -> Mode:
        """The mode of a slot, given what the room sensor shows as it begins."""
        mode, band = self.modes[slot], profile.enrolment.band
        if not self.looks_at_room or room_c is None:
            return mode
        too_cold = mode is Mode.MIN and room_c < band.room_min_c + NEAR_K
        too_warm = mode in (Mode.MID, Mode.MAX) and room_c > band.room_max_c - NEAR_K
        return Mode.LOW if too_cold or too_warm else mode


Controller = Callable[[Day, Sequence[PumpProfile]], list[Asked]]


def curve(day: Day, profiles: Sequence[PumpProfile]) -> list[Asked]:
    """Nothing is asked."""
    return [Asked((Mode.LOW,) * day.slots) for _ in profiles]


def flat(day: Day, profiles: Sequence[PumpProfile]) -> list[Asked]:
    """One step lower, always."""
    return [Asked((Mode.LOW,) * day.slots, lower_by_steps=1) for _ in profiles]


def threshold(day: Day, profiles: Sequence[PumpProfile]) -> list[Asked]:
    """By the price's place among the day's, hour by hour."""
    price = np.array(day.prices.price_eur_per_mwh)
    low, high = np.percentile(price, (CHEAPEST, DEAREST))
    modes = np.full(day.slots, Mode.LOW, dtype=object)
    if high - low >= LEAST_SPREAD_EUR_PER_MWH:
        hourly = _by_the_hour(price)
        modes[hourly <= low], modes[hourly >= high] = Mode.MID, Mode.MIN
    return [Asked(tuple(modes.tolist()), looks_at_room=True) for _ in profiles]


def plan(day: Day, profiles: Sequence[PumpProfile]) -> list[Asked]:
    """What is shipped."""
    return _planned(day, profiles, day.forecast, day.room_when_planned_c, PLANNED_BEFORE_H)


def perfect(day: Day, profiles: Sequence[PumpProfile]) -> list[Asked]:
    """The planner with perfect forecasts."""
    return _planned(day, profiles, day.truth, day.room_c, 0.0)


CONTROLLERS: dict[str, Controller] = {
    "curve": curve, "flat": flat, "threshold": threshold, "plan": plan, "perfect": perfect,
}  # fmt: skip
LEARNING = frozenset({"plan", "perfect"})


def _planned(
    day: Day,
    profiles: Sequence[PumpProfile],
    weather: WeatherSeries,
    room_c: Sequence[float | None],
    lead_h: float,
) -> list[Asked]:
    request = PlanningRequest(
        first_slot=day.prices.start,
        slots=day.slots,
        prices=day.prices,
        weather=weather,
        pumps=tuple(
            PumpForPlanning(
                profile=profile,
                room_c=room,
                floor=_floor(profile, weather.outdoor_c[-day.slots :]),
                learned=learned,
                lead_h=lead_h,
            )
            for profile, room, learned in zip(profiles, room_c, day.learned, strict=True)
        ),
    )
    return [_asked(pump) for pump in plan_fleet(request).pumps]


def _floor(profile: PumpProfile, outdoor_c: Sequence[float]) -> Mode:
    is_safe = profile.site.may_set_back and not is_cold_snap(outdoor_c, profile.enrolment.design_outdoor_c)
    return Mode.MIN if is_safe else Mode.LOW


def _asked(pump: PlannedPump) -> Asked:
    return Asked(
        pump.modes, pump.hot_water, expected_room_c=pump.expected_room_c, expected_kw=pump.expected_power_kw
    )  # fmt: skip


def _by_the_hour(price: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.repeat(price.reshape(-1, 4).mean(axis=1), 4)

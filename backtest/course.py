"""Days of a season as pictures show them: the plan's houses beside the same houses under their own control.

Invariant: which days are shown is settled by their gain alone: the middle one and the best.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from backtest.life import MODES, Array, Played
from backtest.run import Season
from backtest.season import days_from
from domain.modes import Mode
from domain.savings.fleet_course import FleetCourse, PumpCourse
from domain.slots import SLOT, SLOT_HOURS

NEUTRAL = MODES.index(Mode.LOW)


def daily_gains_eur(season: Season) -> Array:
    """Own control's cost less the plan's, by market day, (D,); not settled for colder or warmer rooms."""
    curve, plan = season.played["curve"], season.played["plan"]
    by_slot = ((curve.kwh - plan.kwh) * plan.price_eur_per_mwh / 1000).sum(axis=0)
    return np.array([by_slot[first:last].sum() for first, last in _edges(season)])


def shown_days(season: Season) -> dict[str, tuple[date, FleetCourse]]:
    """The day of the middle gain, and the best."""
    order = np.argsort(daily_gains_eur(season), kind="stable")
    chosen = {"A usual day": int(order[(len(order) - 1) // 2])}
    if len(order) > 1:
        chosen["The day that earned most"] = int(order[-1])
    return {name: (season.order.first + timedelta(days=n), _course(season, n)) for name, n in chosen.items()}


def _edges(season: Season) -> list[tuple[int, int]]:
    """First slot of every day and the slot after its last, from the season's first on."""
    bounds = days_from(season.order.first, season.order.days)
    start = bounds[0][0]
    return [((begin - start) // SLOT, (end - start) // SLOT) for begin, end in bounds]


def _course(season: Season, number: int) -> FleetCourse:
    curve, plan = season.played["curve"], season.played["plan"]
    first, last = _edges(season)[number]
    day = slice(first, last)
    room, modes = plan.room_c[:, day], plan.modes[:, day]
    return FleetCourse(
        start=days_from(season.order.first, number + 1)[number][0],
        price_eur_per_mwh=_values(plan.price_eur_per_mwh[day]),
        load_kw=_values(plan.kwh[:, day].sum(axis=0) / SLOT_HOURS),
        own_load_kw=_values(curve.kwh[:, day].sum(axis=0) / SLOT_HOURS),
        room_c=tuple(zip(*map(_values, (room.min(axis=0), room.mean(axis=0), room.max(axis=0))), strict=True)),
        own_room_c=_values(curve.room_c[:, day].mean(axis=0)),
        modes={mode: tuple((modes == place).sum(axis=0).tolist()) for place, mode in enumerate(MODES)},
        one=_one(curve, plan, day, modes),
    )


def _one(curve: Played, plan: Played, day: slice, modes: npt.NDArray[np.int8]) -> PumpCourse:
    """The house that was moved most of the day."""
    i = int((modes != NEUTRAL).sum(axis=1).argmax())
    low, high = plan.band_c[i]
    return PumpCourse(
        pump=f"house {i + 1}",
        modes=tuple(MODES[place] for place in modes[i]),
        kw=_values(plan.kwh[i, day] / SLOT_HOURS),
        own_kw=_values(curve.kwh[i, day] / SLOT_HOURS),
        room_c=_values(plan.room_c[i, day]),
        own_room_c=_values(curve.room_c[i, day]),
        band_c=((float(low), float(high)),) * modes.shape[1],
    )


def _values(series: npt.NDArray[np.floating]) -> Sequence[float]:
    return tuple(series.tolist())

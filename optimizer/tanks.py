"""Tanks of a plan: charged by the rule on prices, and beside a charge for peak power only where that is worth it.

A tank draws while the house heats, so what a plan expects of it is load that a charge for peak power sees. It is
decided before the heating, against own control's heating: of a charge wherever it is cheapest, one that keeps out of
the day's peaks, and none, the one that saves most by price less what it adds to the charge. The heating is planned
beside it.

Protects: no tank is charged ahead for less than its peak costs.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from domain.modes import HotWaterMode
from domain.planning.fleet_plan import PlanningRequest
from optimizer.fleet import Fleet
from optimizer.hot_water import BOOST_SLOTS, HOLD_SLOTS, hot_water_modes
from optimizer.house import Array
from optimizer.peaks import Peaks, peaks_of
from optimizer.reserve import CHARGE_KWH, TANK_KW

BOOSTED_KW = TANK_KW[HotWaterMode.BOOST] - TANK_KW[HotWaterMode.NORMAL]


def tanks_of(request: PlanningRequest, fleet: Fleet) -> list[tuple[HotWaterMode, ...]]:
    """Hot-water modes of every pump of a request; none where it has no lever for them.

    Of the fleet only prices and own control's heating are looked at.
    """
    prices, peaks, own_kw = fleet.horizon.price_eur_per_mwh.tolist(), peaks_of(request), fleet.neutral.power_kw
    found: list[tuple[HotWaterMode, ...]] = []
    for n, pump in enumerate(request.pumps):
        if not (pump.profile.hot_water and pump.may_move and pump.may_move_tank):
            found.append(())
            continue
        pump_id = pump.profile.enrolment.pump_id
        cheapest = hot_water_modes(pump_id, prices)
        if peaks is not None and peaks.charged[n] and HotWaterMode.BOOST in cheapest:
            mine = peaks.part(np.array([n]))
            cheapest = _worth_most(pump_id, prices, cheapest, mine, own_kw[[n]])
        found.append(cheapest)
    return found


def tank_loads_kw(tanks: Sequence[Sequence[HotWaterMode]], slots: int) -> Array:
    """Expected power of each pump's tank, (B, N)."""
    return np.array([[TANK_KW[mode] for mode in modes] or [0.0] * slots for modes in tanks])


def _worth_most(
    pump_id: str,
    prices: Sequence[float],
    cheapest: tuple[HotWaterMode, ...],
    peaks: Peaks,
    own_kw: npt.NDArray[np.floating],
) -> tuple[HotWaterMode, ...]:
    slots = len(prices)
    nothing = (HotWaterMode.NORMAL,) * slots
    beside = peaks.beside(tank_loads_kw([nothing], slots))
    quiet = hot_water_modes(pump_id, prices, beside.quiet(own_kw, BOOSTED_KW)[0].tolist())

    def worth_eur(modes: tuple[HotWaterMode, ...]) -> float:
        charge_eur = float(peaks.beside(tank_loads_kw([modes], slots)).charge(own_kw)[0])
        return saved_eur(modes, prices) - charge_eur

    return max((cheapest, quiet, nothing), key=worth_eur)


def saved_eur(modes: Sequence[HotWaterMode], prices: Sequence[float]) -> float:
    """A charge taken at the mean price of its boost in place of its hold's, for all of them."""
    held = sum(price for mode, price in zip(modes, prices, strict=True) if mode is HotWaterMode.HOLD)
    boosted = sum(price for mode, price in zip(modes, prices, strict=True) if mode is HotWaterMode.BOOST)
    return CHARGE_KWH * (held / HOLD_SLOTS - boosted / BOOST_SLOTS) / 1000

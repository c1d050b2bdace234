"""Published storage cases, re-stated for the planner's own programme and master, reach their published optimum.

A lossless battery is a lossless thermal store: its charge is the "room" (1 kWh a kelvin), charging is a mode. What the
published model does with continuous power, a fleet of such stores does by mixing schedules, which is what the relaxed
master finds. None of the cases discharges (`d_max` is 0), which a heat pump cannot do either. A flattened peak, which
the cases ask for beside the least cost, is the lowest limit that can be kept.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from optimizer.dwell import MAX_CHANGES_PER_DAY, dwell_of
from optimizer.fleet import LEAST_NU_EUR, NOTHING, NU_STEPS
from optimizer.house import LOW, MAX, MID, MODES
from optimizer.house_bound import automaton
from optimizer.kernels import CHANGE_EUR, Model, simulate
from optimizer.master import Column, Master
from optimizer.programme import best_schedules

HOUR = 4
NEVER = 1e7
"""EUR/MWh."""
ROUNDS = 40


@dataclass(frozen=True)
class Store:
    """One battery of a case: `level_kw` by mode, a goal that is worth reaching, a value of what is stored."""

    level_kw: npt.NDArray[np.float64]
    efficiency: float
    goal_kwh: float
    value_eur_per_kwh: float
    price_eur_per_mwh: npt.NDArray[np.float64]

    @property
    def slots(self) -> int:
        return len(self.price_eur_per_mwh)

    def model(self) -> Model:
        n, m = self.slots, len(MODES)
        zero, nothing = np.zeros((1, n)), np.zeros((1, n, m))
        power = np.broadcast_to(self.level_kw, (1, n, m)).copy()
        corner, below, above = np.zeros((1, n, 4)), np.zeros((1, n, 4)), np.zeros((1, n, 4))
        corner[0, -1, 1], below[0, -1, 1] = self.goal_kwh, NEVER / 1000
        above[0, -1, 2] = -self.value_eur_per_kwh
        return Model(
            keep_on=np.ones(1), keep_off=np.ones(1), drift_on=power * self.efficiency / HOUR, drift_off=zero,
            power_at_zero=power, power_slope=nothing, power_limit=power, heat_at_zero=nothing,
            heat_slope=np.zeros(1), heat_limit=zero + 1e6, rod=zero, standby=np.zeros(1), start=np.zeros(1),
            corner=corner, below=below, above=above, coldest_set_back=np.full(1, -1.0),
            sun=zero, sun_saving=zero,
        )  # fmt: skip

    def column(self, mu: npt.NDArray[np.float64]) -> Column:
        """The programme's schedule at price + mu, at its own cost, without wear: the cases know none."""
        model, dwell, block = self.model(), dwell_of(sensed=True), np.zeros(self.slots, dtype=np.int64)
        modes, cell = np.empty((1, self.slots), dtype=np.int8), 0.05
        points = np.full(1, int(max(self.level_kw) * self.slots / HOUR / cell) + 16)
        best_schedules(
            model, (self.price_eur_per_mwh + mu)[None, :], np.zeros((1, 1)), NOTHING, automaton(dwell),
            np.array([dwell.start(LOW, 96)]), np.zeros(1), np.full(1, cell), points, block, MAX_CHANGES_PER_DAY,
            NU_STEPS, LEAST_NU_EUR, modes, np.empty(1, dtype=bool),
        )  # fmt: skip
        room, power = np.empty((1, self.slots), np.float32), np.empty((1, self.slots), np.float32)
        energy, cost, changes = np.empty(1), np.empty(1), np.empty((1, 1), dtype=np.int64)
        simulate(
            model, self.price_eur_per_mwh, np.array([LOW]), block, modes, room, power, energy, cost, changes
        )  # fmt: skip
        wear = CHANGE_EUR * float(changes.sum())
        return Column(0, modes[0].astype(np.intp), power[0].astype(float), float(cost[0]) - wear)


def least_eur(
    store: Store, limit_kw: Sequence[float] | npt.NDArray[np.float64], overflow_eur_per_mwh: float = NEVER
) -> float:
    """Least cost of a fleet that is one battery together under hourly limits, by columns of the programme."""
    limit = np.repeat(np.array(limit_kw), HOUR)
    most, none = np.full(store.slots, overflow_eur_per_mwh), np.zeros(store.slots)
    columns, best, mu = [store.column(none)], np.inf, none
    master = Master([1], limit)
    for _ in range(ROUNDS):
        relaxed = master.relax(columns, none, most)
        best, mu = min(best, relaxed.value_eur), (mu + relaxed.dual_eur_per_mwh) / 2
        found = store.column(relaxed.dual_eur_per_mwh), store.column(mu)
        new = [one for one in found if not any((one.modes == column.modes).all() for column in columns)]
        if not new:
            break
        columns += new
    return best


def the_case(folder: Path, name: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    case = json.loads((folder / "peers" / name).read_text())
    (battery,) = case["request"]["batteries"]
    assert battery["d_max"] == 0
    assert battery["s_initial"] == 0
    return case["request"], battery, case["expected_response"]


def a_store(request: dict[str, Any], battery: dict[str, Any], price_by_hour: Sequence[float]) -> Store:
    """A case's prices count as EUR per Wh; the levels fill the goal, where there is one, in a whole hour."""
    goal_kwh = max(battery.get("s_goal", [0])) / 1000
    efficiency = request["eta_c"]
    top = goal_kwh / efficiency if goal_kwh else battery["c_max"] / 1000
    assert top <= battery["c_max"] / 1000
    levels = np.zeros(len(MODES))
    levels[MID], levels[MAX] = top / 2, top
    return Store(
        levels, efficiency, goal_kwh, 1000 * battery["p_a"], np.repeat(np.array(price_by_hour) * 1e6, HOUR)
    )  # fmt: skip


def test_a_goal_is_reached_at_the_published_cost_with_the_flattest_published_demand(real_data: Path) -> None:
    request, battery, published = the_case(real_data, "024-attenuate-demand-peaks.json")
    store = a_store(request, battery, request["time_series"]["p_N"])
    peak_kw = max(published["grid_import"]) / 1000
    cost = least_eur(store, [peak_kw + 1e-6] * 4)
    assert cost == pytest.approx(-published["objective_value"], rel=1e-4)
    assert least_eur(store, [0.97 * peak_kw] * 4) > 1.02 * cost, "no flatter demand reaches the goal"


def test_own_power_is_stored_at_the_published_value_with_the_flattest_published_feed_in(real_data: Path) -> None:
    request, battery, published = the_case(real_data, "025-attenuate-feedin-peaks.json")
    series = request["time_series"]
    store = a_store(request, battery, series["p_E"])  # what is stored is not sold
    made_kw, peak_kw = np.array(series["ft"]) / 1000, max(published["grid_export"]) / 1000
    sold_wh = float(sum(price * watts for price, watts in zip(series["p_E"], series["ft"], strict=True)))
    assert sold_wh - least_eur(store, made_kw) == pytest.approx(published["objective_value"], rel=1e-4)
    # All that is stored comes from the hours above the peak, so each of them has its excess over the peak stored.
    excess_kw = np.maximum(made_kw - peak_kw, 0.0)
    assert sold_wh - least_eur(store, excess_kw + 1e-6) == pytest.approx(published["objective_value"], rel=1e-4)
    assert excess_kw.sum() * store.efficiency == pytest.approx(store.goal_kwh, rel=1e-4)


def test_what_may_not_be_fed_in_is_stored_to_the_published_value(real_data: Path) -> None:
    request, battery, published = the_case(real_data, "022-feed-in-cap-recovery.json")
    series, most_wh = request["time_series"], request["grid"]["p_max_exp"]
    spare_wh = [max(made - most_wh, 0) for made in series["ft"]]
    price = [0.0 if made else NEVER / 1e6 for made in series["ft"]]  # it may not charge from the grid
    store = a_store(request, battery, price)
    (p_e,) = set(series["p_E"])
    fed_in = sum(p_e * min(made, most_wh) for made in series["ft"])
    cost = least_eur(store, [wh / 1000 for wh in spare_wh], overflow_eur_per_mwh=p_e * 1e6)
    assert fed_in - cost == pytest.approx(published["objective_value"], rel=1e-5)
    assert -cost == pytest.approx(battery["p_a"] * published["batteries"][0]["state_of_charge"][-1], rel=1e-3)

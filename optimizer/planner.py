"""Plans a fleet: from a request to own schedules for every pump, with the certificate of the whole.

The way through: houses from enrolment and observation; pumps whose modes hardly move room or meter are left neutral;
without a cap every pump's programme stands alone; under a cap, prices of the cap are found first, every pump plans at
price + dual, one schedule is chosen for each, and the bound of the individual pumps says what could be missing.

`solve` works on arrays and takes fleets of any size; `plan_fleet` is the same for one request.

Invariant: there is always an answer within the budget. The deadline is shared out (prices, choice, bound); whatever is
cut short falls back to the best known, at worst neutral with a crude but valid bound, and the status says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

import numpy as np

from domain.modes import HotWaterMode, at_least
from domain.planning.fleet_plan import Certificate, FleetPlanResult, PlannedPump, PlanningRequest
from domain.planning.series import HomePrices, WeatherSeries
from domain.slots import SLOT
from optimizer.certificate import Effort, Ledger, certify
from optimizer.coordination import Caps, Coordinated, coordinate
from optimizer.fleet import Fleet
from optimizer.house import MODES, Houses, house_of
from optimizer.load_cost import Nominated
from optimizer.peaks import peaks_of
from optimizer.proposal import Proposal
from optimizer.reserve import cap_for_heating, tanks_kw
from optimizer.response import Horizon
from optimizer.shaving import shave
from optimizer.tanks import tank_loads_kw, tanks_of
from optimizer.warm_up import compile_all

PRICES_SHARE, CHOICE_SHARE, BOUND_SHARE = 0.4, 0.6, 0.95


@dataclass(frozen=True)
class Solved:
    """Schedules and what can be claimed of them."""

    found: Coordinated
    cost_eur: float
    """With overflow priced, as the two below."""
    bound_eur: float
    neutral_eur: float
    seconds: dict[str, float]
    finished: bool


def solve(fleet: Fleet, caps: Caps, began: float, budget_s: float, seed: int = 0, *, is_guarded: bool = True) -> Solved:
    """Schedules for all pumps under the caps of their areas, and the bound over the individual pumps.

    Without `is_guarded` the bound also holds for schedules that move a pump for less than the least gain (see `guard`).
    """
    start = monotonic()
    prices_by, choice_by, bound_by = (began + share * budget_s for share in (PRICES_SHARE, CHOICE_SHARE, BOUND_SHARE))
    shaved = shave(fleet, prices_by)
    found = coordinate(fleet, caps, prices_by, choice_by, seed, shaved)
    planned = monotonic()
    # where calm breaks a cap, pumps are moved for the cap and the rule on gains binds nobody
    kept = is_guarded & (caps.loads_kw(fleet.calm.power_kw) <= caps.cap_kw).all(axis=1) & ~found.mu_an.any(axis=1)
    kept &= ~caps.is_nominated  # nor where they are moved for a nomination
    least = fleet.least_cost(found.mu_an[caps.area], found.near, bound_by, kept[caps.area])
    bounded = monotonic()
    over, over_neutral = (
        sum(caps.of_area(a).eur(load_kw) for a, load_kw in enumerate(caps.loads_kw(power_kw)))
        for power_kw in (found.plan.power_kw, fleet.neutral.power_kw)
    )
    return Solved(
        found=found,
        cost_eur=float(found.plan.cost_eur.sum()) + over,
        bound_eur=float(least.sum() + caps.least_eur(found.mu_an).sum()),
        neutral_eur=float(fleet.neutral.cost_eur.sum()) + over_neutral,
        seconds={"plan": planned - start, "bound": bounded - planned},
        finished=found.finished and bounded < bound_by,
    )


def plan_fleet(request: PlanningRequest, seed: int = 0) -> FleetPlanResult:
    """Plan every pump of a request; `seed` breaks ties between equal houses.

    Raises ValueError where a series does not cover the horizon.
    """
    compile_all()
    began = monotonic()
    horizon = horizon_of(request)
    if not request.pumps:
        return nothing_to_plan(request, monotonic() - began)
    fleet = fleet_of(request, seed)
    tanks = tanks_of(request, fleet)
    neutral_kw = fleet.neutral.power_kw.sum(axis=0, dtype=float)
    cap = cap_for_heating(request.cap_kw, tanks_kw(tanks, horizon.slots), neutral_kw)
    caps = Caps(np.zeros(fleet.size, dtype=np.intp), cap[None, :], (nominated_of(request),))
    solved = solve(fleet, caps, began, request.budget_s, seed)
    return certified(request, fleet, caps, solved, solved.found.plan, monotonic() - began)


def certified(
    request: PlanningRequest, fleet: Fleet, caps: Caps, solved: Solved, plan: Proposal, seconds: float
) -> FleetPlanResult:
    """Schedules of a request's fleet, of whoever made them, with their cost beside the bound of what was solved."""
    horizon, together, neutral_kw = fleet.horizon, caps.of_area(0), fleet.neutral.power_kw.sum(axis=0, dtype=float)
    ledger = Ledger(
        cost_eur=float(plan.cost_eur.sum()) + together.eur(plan.power_kw.sum(axis=0, dtype=float)),
        bound_eur=solved.bound_eur,
        neutral_eur=solved.neutral_eur,
        energy_eur=float(plan.energy_eur.sum()),
        room_c=plan.room_c,
        power_kw=plan.power_kw,
        charge_eur=float(plan.charge_eur.sum()),
        neutral_charge_eur=float(fleet.neutral.charge_eur.sum()),
        houses=fleet.houses,
        neutral_load_kw=neutral_kw,
        cap_kw=request.cap_kw,
        together=together,
    )
    effort = Effort(solved.found.segments, solved.found.iterations, seconds, solved.finished)
    return FleetPlanResult(
        pumps=_planned(request, fleet, plan, tanks_of(request, fleet)),
        certificate=certify(ledger, horizon, effort),
        cap_price_eur_per_mwh=tuple(float(x) for x in solved.found.mu_an[0]),
        neutral_load_kw=tuple(float(x) for x in neutral_kw),
    )


def fleet_of(request: PlanningRequest, seed: int = 0) -> Fleet:
    """The houses of a request, which has some; raises ValueError where a series does not cover the horizon."""
    houses = [house_of(pump) for pump in request.pumps]
    start = [(MODES.index(p.mode), p.held_slots) for p in request.pumps]
    extra = np.array([np.inf if p.most_extra_kwh is None else p.most_extra_kwh for p in request.pumps])
    nominated = nominated_of(request)
    deviation = 0.0 if nominated is None else nominated.up + nominated.down
    made = partial(
        Fleet, Houses.of(houses), horizon_of(request), start, seed,
        most_extra_kwh=extra, deviation_eur_per_mwh=deviation,
    )  # fmt: skip
    fleet, peaks = made(), peaks_of(request)
    if peaks is None:
        return fleet
    return made(peaks=peaks.beside(tank_loads_kw(tanks_of(request, fleet), request.slots)))


def horizon_of(request: PlanningRequest) -> Horizon:
    """The request's series on its slots; raises ValueError, naming the series, where they do not cover it."""
    prices, weather = request.prices, request.weather
    return Horizon(
        np.array(_cut(request, prices, prices.price_eur_per_mwh, "prices")),
        np.array(_cut(request, weather, weather.outdoor_c, "outdoor temperatures")),
        np.array(_cut(request, weather, weather.radiation_w_per_m2, "radiation")),
        np.array(weather.outdoor_c[: (request.first_slot - weather.start) // SLOT]),
    )


def nominated_of(request: PlanningRequest) -> Nominated | None:
    """The request's nomination; None where deviating costs nothing. ValueError where it does not cover the plan."""
    asked = request.nominated
    if asked is None or asked.prices.up_eur_per_mwh == asked.prices.down_eur_per_mwh == 0:
        return None
    if len(asked.power_kw) != request.slots:
        raise ValueError(f"{len(asked.power_kw)} slots are nominated, but the plan has {request.slots}")
    return Nominated(np.array(asked.power_kw), asked.prices.up_eur_per_mwh, asked.prices.down_eur_per_mwh)


def _cut(
    request: PlanningRequest, series: HomePrices | WeatherSeries, values: tuple[float, ...], what: str
) -> tuple[float, ...]:
    offset, rest = divmod(request.first_slot - series.start, SLOT)
    if rest:
        raise ValueError(f"the {what} of {series.source} start at {series.start:%F %H:%M} UTC, off the plan's slots")
    if offset < 0 or offset + request.slots > len(values):
        raise ValueError(
            f"the {what} of {series.source} cover {len(values)} slots from {series.start:%F %H:%M} UTC, "
            f"but the plan needs {request.slots} from {request.first_slot:%F %H:%M} UTC"
        )
    return values[offset : offset + request.slots]


def _planned(
    request: PlanningRequest, fleet: Fleet, plan: Proposal, tanks: Sequence[tuple[HotWaterMode, ...]]
) -> tuple[PlannedPump, ...]:
    room_c, power_kw = np.round(plan.room_c.astype(float), 4), np.round(plan.power_kw.astype(float), 5)
    return tuple(
        PlannedPump(
            pump_id=pump.profile.enrolment.pump_id,
            modes=tuple(at_least(MODES[m], pump.floor) for m in plan.modes[i]),
            hot_water=tanks[i],
            expected_room_c=tuple(room_c[i].tolist()) if fleet.houses.sensed[i] else (),
            expected_power_kw=tuple(power_kw[i].tolist()),
            steered=bool(fleet.has_authority[i]),
        )
        for i, pump in enumerate(request.pumps)
    )


def nothing_to_plan(request: PlanningRequest, seconds: float) -> FleetPlanResult:
    """The answer for no pumps."""
    return FleetPlanResult(
        pumps=(),
        certificate=Certificate(
            cost_eur=0.0,
            lower_bound_eur=0.0,
            neutral_cost_eur=0.0,
            energy_cost_eur=0.0,
            gap_pct=0.0,
            gap_of_gain_pct=0.0,
            cap_kw=request.cap_kw,
            cap_binding_slots=0,
            overflow_kwh=0.0,
            kelvin_hours=0.0,
            segments=0,
            iterations=0,
            seconds=seconds,
            status="optimal-within-gap",
        ),
        cap_price_eur_per_mwh=(0.0,) * request.slots,
        neutral_load_kw=(0.0,) * request.slots,
    )

"""Plans a fleet: from a request to own schedules for every pump, with the certificate of the whole.

The way through: houses from enrolment and observation; pumps whose modes hardly move room or meter are left neutral;
without a cap every pump's programme stands alone; under a cap, prices of the cap are found first (on segments where the
fleet has many like houses, then on the pumps themselves), every pump plans at price + dual, an integer master chooses
under the cap, and the bound of the individual pumps says what could be missing.

Invariant: there is always an answer within the budget. The deadline is shared out (prices, choice, bound); whatever is
cut short falls back to the best known, at worst neutral with a crude but valid bound, and the status says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np
import numpy.typing as npt

from domain.modes import HotWaterMode, Mode, at_least
from domain.planning.fleet_plan import Certificate, FleetPlanResult, PlannedPump, PlanningRequest
from domain.planning.series import HomePrices, WeatherSeries
from domain.slots import SLOT
from optimizer.certificate import LEAST_GAIN_EUR, LEAST_GAIN_SHARE, Effort, Ledger, certify
from optimizer.coordination import (
    ENERGY,
    Found,
    Pool,
    choose_under_the_cap,
    offer_segment_plans,
    overflow_eur,
    price_the_cap,
    settle_changes,
)
from optimizer.fleet import Fleet
from optimizer.hot_water import hot_water_modes
from optimizer.house import LOW, MAX, MIN, MODES, Array, House, house_of
from optimizer.objective import Schedules, neutral_path
from optimizer.reserve import cap_for_heating, tanks_kw
from optimizer.response import Horizon, Responses, respond
from optimizer.segments import Segment, segments_of

LEAST_ROOM_AUTHORITY_K = 0.3
LEAST_POWER_AUTHORITY = 0.05
"""MAX against MIN for `AUTHORITY_SLOTS`: below either, a mode cannot be told from noise and the pump is left alone."""
AUTHORITY_SLOTS = 24
PUMPS_PER_SEGMENT = 2.0
"""With fewer like houses than this a segment says no more than its pumps do."""
MOST_ITERATIONS = 40
PRICES_SHARE, CHOICE_SHARE, BOUND_SHARE = 0.45, 0.65, 0.9


@dataclass(frozen=True)
class _Home:
    """A fleet as physics, before anything is decided."""

    horizon: Horizon
    houses: tuple[House, ...]
    responses: Responses
    steered: npt.NDArray[np.intp]
    left_alone: npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Outcome:
    """What was found for the steered pumps; costs without the cap's overflow, which is the whole fleet's."""

    plan: Schedules
    neutral: Schedules
    bound_eur: float
    """With overflow priced."""
    mu: Array
    iterations: int
    finished: bool


def plan_fleet(request: PlanningRequest, seed: int = 0) -> FleetPlanResult:
    """Plan every pump of a request; `seed` breaks ties between equal houses.

    Raises ValueError where a series does not cover the horizon.
    """
    began = monotonic()
    horizon = horizon_of(request)
    if not request.pumps:
        return _nothing_to_plan(request, monotonic() - began)
    home = _home(request, horizon)
    power, room = _neutral_run(home)
    neutral_kw = power.sum(axis=0)
    modes = np.full(power.shape, LOW, dtype=np.intp)
    tanks = _tanks(request, horizon)
    cap = cap_for_heating(request.cap_kw, tanks_kw(tanks, horizon.slots), neutral_kw)
    cost = bound = neutral = float(power[home.left_alone].sum(axis=0) @ horizon.price_eur_per_mwh) * ENERGY
    segments = segments_of([request.pumps[i] for i in home.steered], [home.houses[i] for i in home.steered])
    mu, iterations, finished = np.zeros(horizon.slots), 0, True
    if segments:
        outcome = _steer(request, home, segments, cap - power[home.left_alone].sum(axis=0), began, seed)
        plan = outcome.plan
        modes[home.steered], room[home.steered], power[home.steered] = plan.modes, plan.room_c, plan.power_kw
        cost += float(plan.cost_eur.sum())
        neutral += float(outcome.neutral.cost_eur.sum())
        bound += outcome.bound_eur
        mu, iterations, finished = outcome.mu, outcome.iterations, outcome.finished
    else:
        bound += overflow_eur(neutral_kw, cap)
    cost += overflow_eur(power.sum(axis=0), cap)
    neutral += overflow_eur(neutral_kw, cap)
    ledger = Ledger(cost, bound, neutral, room, power, home.houses, request.cap_kw, cap)
    effort = Effort(len(segments), iterations, monotonic() - began, finished)
    return FleetPlanResult(
        pumps=_planned(request, home, modes, room, power, tanks),
        certificate=certify(ledger, horizon, effort),
        cap_price_eur_per_mwh=tuple(float(x) for x in mu),
    )


def horizon_of(request: PlanningRequest) -> Horizon:
    """The request's series on its slots; raises ValueError, naming the series, where they do not cover it."""
    prices, weather = request.prices, request.weather
    return Horizon(
        np.array(_cut(request, prices, prices.price_eur_per_mwh, "prices")),
        np.array(_cut(request, weather, weather.outdoor_c, "outdoor temperatures")),
        np.array(_cut(request, weather, weather.radiation_w_per_m2, "radiation")),
    )


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


def _home(request: PlanningRequest, horizon: Horizon) -> _Home:
    houses = tuple(house_of(pump) for pump in request.pumps)
    floored = np.array([pump.floor is not Mode.MIN for pump in request.pumps], dtype=bool)
    responses = respond(houses, horizon).floored(floored)
    steered = has_authority(responses)
    return _Home(horizon, houses, responses, np.flatnonzero(steered), np.flatnonzero(~steered))


def has_authority(responses: Responses) -> npt.NDArray[np.bool_]:
    """Can MAX be told from MIN, in the room and on the meter, within some hours? (B,)"""
    room = np.stack([responses.room_start_c] * 2, axis=1)
    used = np.zeros_like(room)
    for t in range(min(AUTHORITY_SLOTS, responses.size[1])):
        ends, powers = responses.rooms(t, room), responses.powers(t, room)
        room = np.stack([ends[MIN, :, 0], ends[MAX, :, 1]], axis=1)
        used += np.stack([powers[MIN, :, 0], powers[MAX, :, 1]], axis=1)
    slots = min(AUTHORITY_SLOTS, responses.size[1])
    needed_k = LEAST_ROOM_AUTHORITY_K * slots / AUTHORITY_SLOTS
    moves_room = room[:, 1] - room[:, 0] >= needed_k
    return np.asarray(moves_room & (used[:, 1] - used[:, 0] >= LEAST_POWER_AUTHORITY * used[:, 1]))


def _neutral_run(home: _Home) -> tuple[Array, Array]:
    """Power and room of every pump under neutral, (B, N) each."""
    room = neutral_path(home.responses)
    before = np.concatenate([home.responses.room_start_c[:, None], room[:, :-1]], axis=1)
    slots = range(home.horizon.slots)
    power = np.stack([home.responses.powers(t, before[:, t, None])[LOW, :, 0] for t in slots], axis=1)
    return power, room


def _fleet(request: PlanningRequest, home: _Home, places: npt.NDArray[np.intp], seed: int) -> Fleet:
    pumps = [request.pumps[i] for i in places]
    start = [(MODES.index(pump.mode), pump.held_slots) for pump in pumps]
    return Fleet([home.houses[i] for i in places], home.responses.part(places), home.horizon, start, seed)


def _steer(
    request: PlanningRequest,
    home: _Home,
    segments: tuple[Segment, ...],
    cap_kw: Array,
    began: float,
    seed: int,
) -> _Outcome:
    """Schedules for the steered pumps under what is left of the cap for them."""
    fleet = _fleet(request, home, home.steered, seed)
    by = {share: began + share * request.budget_s for share in (PRICES_SHARE, CHOICE_SHARE, BOUND_SHARE)}
    pool, everyone = Pool([1.0] * fleet.size), np.ones(fleet.size, dtype=bool)
    pool.add(fleet.calm(), everyone)
    found = Found(np.zeros(fleet.slots), np.zeros((fleet.size, fleet.days)), 0, settled=True)
    if request.cap_kw is not None:
        mu = np.zeros(fleet.slots)
        if fleet.size >= PUMPS_PER_SEGMENT * len(segments):
            mu = _price_on_segments(request, home, fleet, pool, segments, cap_kw, by[PRICES_SHARE], seed)
        found = price_the_cap(fleet, [1] * fleet.size, pool, cap_kw, mu, by[PRICES_SHARE], MOST_ITERATIONS)
    nu = settle_changes(fleet, pool, found.mu, by[CHOICE_SHARE])
    choice = choose_under_the_cap(fleet, pool, cap_kw, found.mu, nu, by[CHOICE_SHARE])
    calm = fleet.calm().schedules
    least_gain = np.maximum(LEAST_GAIN_SHARE * np.abs(calm.energy_eur), LEAST_GAIN_EUR)
    choice.leave_alone(least_gain, home.horizon.price_eur_per_mwh)
    least = float(fleet.least_cost(found.mu, nu, by[BOUND_SHARE]).sum())
    if request.cap_kw is not None:
        least -= float(found.mu @ cap_kw) * ENERGY
    finished = found.settled and monotonic() < by[BOUND_SHARE]
    modes = np.stack([pool.columns[k].modes for k in choice.columns])
    plan, neutral = fleet.simulate(modes).schedules, fleet.neutral().schedules
    return _Outcome(plan, neutral, least, found.mu, found.iterations, finished)


def _price_on_segments(
    request: PlanningRequest,
    home: _Home,
    fleet: Fleet,
    pool: Pool,
    segments: tuple[Segment, ...],
    cap_kw: Array,
    deadline: float,
    seed: int,
) -> Array:
    """mu from representatives; what the integer master lets segments run is offered to their pumps as well."""
    small = _fleet(request, home, home.steered[[segment.representative for segment in segments]], seed)
    sizes = [len(segment.members) for segment in segments]
    shared = Pool([segment.weight / size for segment, size in zip(segments, sizes, strict=True)])
    found = price_the_cap(small, sizes, shared, cap_kw, np.zeros(small.slots), deadline, MOST_ITERATIONS)
    offer_segment_plans(fleet, pool, segments, shared, cap_kw, deadline)
    return found.mu


def _tanks(request: PlanningRequest, horizon: Horizon) -> list[tuple[HotWaterMode, ...]]:
    """Hot-water modes of every pump; none where it has no lever for them."""
    prices = horizon.price_eur_per_mwh.tolist()
    return [
        hot_water_modes(pump.profile.enrolment.pump_id, prices) if pump.profile.hot_water else ()
        for pump in request.pumps
    ]


def _planned(
    request: PlanningRequest,
    home: _Home,
    modes: npt.NDArray[np.intp],
    room_c: Array,
    power_kw: Array,
    tanks: Sequence[tuple[HotWaterMode, ...]],
) -> tuple[PlannedPump, ...]:
    steered = set(home.steered.tolist())
    return tuple(
        PlannedPump(
            pump_id=house.pump_id,
            modes=tuple(at_least(MODES[m], request.pumps[i].floor) for m in modes[i]),
            hot_water=tanks[i],
            expected_room_c=tuple(np.round(room_c[i], 4).tolist()) if house.sensed else (),
            expected_power_kw=tuple(np.round(power_kw[i], 5).tolist()),
            steered=i in steered,
        )
        for i, house in enumerate(home.houses)
    )


def _nothing_to_plan(request: PlanningRequest, seconds: float) -> FleetPlanResult:
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
    )

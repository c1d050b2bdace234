"""What the planner is asked and what it answers: a fleet plan with its certificate.

Protects: every revision says what it costs, what no plan could cost less than, and what bound it.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from domain.base import Instant, Value
from domain.homes.enrolment import PumpProfile
from domain.homes.learned import LearnedHouse
from domain.homes.panels import OwnSun
from domain.modes import HotWaterMode, Mode
from domain.planning.load_curve import NominatedPower
from domain.planning.peaks import HousePeaks, PeakHours
from domain.planning.price_plan import PricePlan, hot_water_segments, segments_from_modes
from domain.planning.series import HomePrices, WeatherSeries
from domain.slots import SLOT

MOST_CHANGES_A_DAY = 8
"""Of a heating mode, by plan: a compressor's wear, and calls."""
MOST_TANK_CHANGES_A_DAY = 8
"""Of a hot-water mode: two charges and two holds, with the household's own step between them."""


class PumpForPlanning(Value):
    """One pump as the planner meets it."""

    profile: PumpProfile
    room_c: float | None
    """Last believed room temperature, degrees C; None where none is measured or the reading is stale."""
    mode: Mode = Mode.LOW
    """Mode in force at the start of the horizon."""
    held_slots: Annotated[int, Field(ge=0)] = 96
    """Slots since the last plan-made change, for the dwell limits."""
    floor: Mode = Mode.MIN
    """Lowest mode allowed: LOW in a cold snap."""
    accepts: tuple[tuple[float, float], ...] = ()
    """Lowest and highest accepted room in each slot, degrees C; empty where the profile's band holds all the time."""
    learned: LearnedHouse | None = None
    """What was learned of its house; None where nothing was."""
    lead_h: Annotated[FiniteFloat, Field(ge=0)] = 0.0
    """Hours from the room's reading to the first slot."""
    most_changes: Annotated[int, Field(ge=0)] = MOST_CHANGES_A_DAY
    """Changes of its heating mode that a plan day may hold: fewer where its vendor's calls carry no more."""
    may_move_tank: bool = True
    """False where no calls are left for hot water."""
    may_move: bool = True
    """False where moving its consumption earns nobody anything: it is left to its own control."""
    own_sun: OwnSun | None = None
    """Its part of what its home's roof has left over, one figure per slot of the request; None without a roof."""
    peaks: HousePeaks | None = None
    """What its home pays for peak power; None for nothing."""
    most_extra_kwh: Annotated[FiniteFloat, Field(ge=0)] | None = None
    """By how much the expected heating of a plan day may exceed own control's, kWh; None for no limit."""


class PlanningRequest(Value):
    """Pumps of one scope, the numbers to plan them against, and the limit they share."""

    first_slot: Instant
    slots: Annotated[int, Field(ge=1, le=400)]
    prices: HomePrices
    weather: WeatherSeries
    """Both series must cover [first_slot, first_slot + slots)."""
    pumps: tuple[PumpForPlanning, ...]
    peaks: PeakHours | None = None
    """The intervals in which peak power is charged; None where it is not."""
    cap_kw: Annotated[FiniteFloat, Field(ge=0)] | None = None
    """Limit on the pumps' total electrical power for heating in every slot; None for no limit."""
    nominated: NominatedPower | None = None
    """What of a nomination the pumps' heating is to draw, one figure per slot; None for nothing."""
    budget_s: float = 60.0
    """Wall seconds the planner may think."""


class PlannedPump(Value):
    """One pump's own schedule."""

    pump_id: str
    modes: tuple[Mode, ...]
    """One per slot."""
    expected_room_c: tuple[float, ...]
    """At the end of each slot; empty where no room is measured."""
    expected_power_kw: tuple[float, ...]
    """Mean electrical power per slot."""
    hot_water: tuple[HotWaterMode, ...] = ()
    """One per slot; empty where the pump has no hot-water lever or nothing is asked of it."""
    steered: bool
    """False where the pump's authority cannot be told from zero, so that its heating is left alone."""


def pumps_by_mode(pumps: Sequence[PlannedPump]) -> dict[Mode, tuple[int, ...]]:
    """How many of these pumps are in each mode, per slot; modes that nobody is in are left out."""
    counted = [Counter(of_slot) for of_slot in zip(*(pump.modes for pump in pumps), strict=True)]
    return {mode: counts for mode in Mode if any(counts := tuple(count[mode] for count in counted))}


class Certificate(Value):
    """What is claimed of a fleet plan, in the planner's own objective.

    The objective is energy cost, the charge for peak power and the price of deviating from a nomination plus priced
    discomfort, lost warmth and changes of mode, less the value of heat left at the end of the horizon;
    `neutral_cost_eur` is the same objective with every pump neutral throughout.
    """

    cost_eur: float
    lower_bound_eur: float
    """No feasible plan for these individual pumps under this cap costs less."""
    neutral_cost_eur: float
    energy_cost_eur: float
    peak_charge_eur: float = 0.0
    """What the plan is expected to add to the homes' charges for peak power; part of `cost_eur`."""
    neutral_peak_charge_eur: float = 0.0
    """The same with every pump neutral throughout."""
    deviation_eur: float = 0.0
    """What deviating from the nomination is expected to cost; part of `cost_eur`."""
    neutral_deviation_eur: float = 0.0
    """The same with every pump neutral throughout."""
    above_nominated_kwh: float = 0.0
    """Expected energy beyond what was nominated, and missing of it."""
    below_nominated_kwh: float = 0.0
    gap_pct: float
    """(cost - bound) as a share of the energy cost, percent."""
    gap_of_gain_pct: float
    """(cost - bound) as a share of (neutral - bound), percent; 0 where there is nothing to gain."""
    cap_kw: float | None
    cap_binding_slots: int
    """Slots in which the heating takes all that the cap leaves for it."""
    overflow_kwh: float
    """Heating energy above what the cap leaves for it, that could not be avoided."""
    reserved_kw: float = 0.0
    """Most that was kept back of the cap in any slot, for tanks and for houses that draw more than the plan says."""
    kelvin_hours: float
    """Expected kelvin-hours outside the comfort bands."""
    segments: int
    iterations: int
    seconds: float
    status: Literal["optimal-within-gap", "gap-above-limit", "time-limit"]
    """Whether the search ended by itself, and if so with a gap that counts as optimal."""


class FleetPlanResult(Value):
    """The planner's answer."""

    pumps: tuple[PlannedPump, ...]
    certificate: Certificate
    cap_price_eur_per_mwh: tuple[float, ...]
    """What cap and nomination add to the price, per slot; below zero where more is to be drawn."""
    neutral_load_kw: tuple[float, ...]
    """Expected power of the heating of all pumps together under their own control, per slot."""


class Refusal(Value):
    """Why a pump's submitted schedule, or a grid area's together, is not taken."""

    subject: str
    """A pump's id, or the name of a grid area whose pumps together are meant."""
    slot: Instant | None = None
    """The first slot that is meant; None for the whole schedule."""
    problem: str
    way_out: str


class Judged(Value):
    """Schedules that somebody else made, by our rules."""

    result: FleetPlanResult
    """Of the pumps whose schedules keep every rule, with the cost of these and the bound that our own plans have."""
    refused: tuple[Refusal, ...]


class PlanOutline(Value):
    """What a revision is of, fixed before any of it is solved."""

    price_area: str
    price_version: int
    first_slot: Instant
    slots: int
    until: Instant
    """Price plans end here at the latest; the solver still looks to the end of the known prices."""
    pumps: int
    """Steered pumps of the price area, those that no shard could take included."""
    is_preview: bool = False
    """A preview: no pump is ever given it."""
    submission: str | None = None
    """Whose schedules these are: the key of a submitted plan; None for our own."""

    @property
    def end(self) -> datetime:
        """Where the solver's horizon ends."""
        return self.first_slot + self.slots * SLOT


class PlanFigures(Value):
    """What was made of a revision so far."""

    pumps: int
    """Pumps that have a price plan of it."""
    cold_snap_pumps: int
    certificate: Certificate | None
    """Of all solved parts together; None where there is none."""


def merged(certificates: Sequence[Certificate]) -> Certificate:
    """The certificate of several requests together; of one it is its own.

    Bounds add up, as no request's pumps enter another's. `cap_binding_slots` is that of the tightest limit.
    """
    if len(certificates) == 1:
        return certificates[0]
    cost, bound, neutral, energy, scale = (
        sum(values)
        for values in zip(
            *(
                (c.cost_eur, c.lower_bound_eur, c.neutral_cost_eur, c.energy_cost_eur, abs(c.energy_cost_eur))
                for c in certificates
            ),
            strict=True,
        )
    )
    caps = [c.cap_kw for c in certificates if c.cap_kw is not None]
    statuses = {c.status for c in certificates}
    return Certificate(
        cost_eur=cost,
        lower_bound_eur=bound,
        neutral_cost_eur=neutral,
        energy_cost_eur=energy,
        peak_charge_eur=sum(c.peak_charge_eur for c in certificates),
        neutral_peak_charge_eur=sum(c.neutral_peak_charge_eur for c in certificates),
        deviation_eur=sum(c.deviation_eur for c in certificates),
        neutral_deviation_eur=sum(c.neutral_deviation_eur for c in certificates),
        above_nominated_kwh=sum(c.above_nominated_kwh for c in certificates),
        below_nominated_kwh=sum(c.below_nominated_kwh for c in certificates),
        gap_pct=100 * (cost - bound) / max(scale, LEAST_SCALE_EUR),
        gap_of_gain_pct=100 * (cost - bound) / (neutral - bound) if neutral - bound > 0.01 * scale else 0.0,
        cap_kw=sum(caps) if len(caps) == len(certificates) else None,
        cap_binding_slots=max(c.cap_binding_slots for c in certificates),
        overflow_kwh=sum(c.overflow_kwh for c in certificates),
        reserved_kw=sum(c.reserved_kw for c in certificates),
        kelvin_hours=sum(c.kelvin_hours for c in certificates),
        segments=sum(c.segments for c in certificates),
        iterations=max(c.iterations for c in certificates),
        seconds=sum(c.seconds for c in certificates),
        status=next(status for status in WORST_FIRST if status in statuses),
    )


WORST_FIRST: tuple[Literal["optimal-within-gap", "gap-above-limit", "time-limit"], ...] = (
    "time-limit",
    "gap-above-limit",
    "optimal-within-gap",
)
LEAST_SCALE_EUR = 0.01
_AN_INSTANT = timedelta(seconds=1)
"""A plan must last more than nothing."""


def price_plan(
    revision: int, request: PlanningRequest, planned: PlannedPump, until: datetime, floor: Mode = Mode.MIN
) -> PricePlan:
    """One pump's price plan from its planned modes, as far as whole slots go before `until`.

    Where none does, the plan covers nothing and has run out by `until`: the pump is neutral unless another plan speaks.
    """
    slots = min(request.slots, (until - request.first_slot) // SLOT)
    if slots < 1:
        return PricePlan(revision=revision, segments=(), first_slot=until - _AN_INSTANT, valid_until=until)
    return PricePlan(
        revision=revision,
        segments=segments_from_modes(request.first_slot, SLOT, planned.modes[:slots]),
        hot_water=hot_water_segments(request.first_slot, SLOT, planned.hot_water[:slots]),
        floor=floor,
        expected_room_c=tuple(round(c, 2) for c in planned.expected_room_c[:slots]),
        first_slot=request.first_slot,
        valid_until=request.first_slot + slots * SLOT,
    )

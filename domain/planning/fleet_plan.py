"""What the planner is asked and what it answers: a fleet plan with its certificate.

Protects: every revision says what it costs, what no plan could cost less than, and what bound it.
"""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from domain.base import Instant, Value
from domain.homes.enrolment import PumpProfile
from domain.modes import HotWaterMode, Mode
from domain.planning.series import HomePrices, WeatherSeries


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


class PlanningRequest(Value):
    """A fleet, the numbers to plan against, and the limits."""

    first_slot: Instant
    slots: Annotated[int, Field(ge=1, le=400)]
    prices: HomePrices
    weather: WeatherSeries
    """Both series must cover [first_slot, first_slot + slots)."""
    pumps: tuple[PumpForPlanning, ...]
    cap_kw: Annotated[FiniteFloat, Field(ge=0)] | None = None
    """Limit on the pumps' total electrical power for heating in every slot; None for no limit."""
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


class Certificate(Value):
    """What is claimed of a fleet plan, in the planner's own objective.

    The objective is energy cost plus priced discomfort, lost warmth and changes of mode, less the value of heat left at
    the end of the horizon; `neutral_cost_eur` is the same objective with every pump neutral throughout.
    """

    cost_eur: float
    lower_bound_eur: float
    """No feasible plan for these individual pumps under this cap costs less."""
    neutral_cost_eur: float
    energy_cost_eur: float
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
    """Dual of the cap per slot."""

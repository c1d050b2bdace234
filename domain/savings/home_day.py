"""What one home's day cost and how it was: the row that savings are estimated from.

Protects: every euro names the price version and the evidence it rests on; a day that is mostly modelled, incomplete or
in between two arms is kept and shown, and never enters the headline.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum

from domain.base import Value
from domain.homes.comfort import ComfortBand
from domain.planning.power_charge import Peak
from domain.savings.energy import EnergyCourse, Evidence, Flag
from domain.savings.experiment import Arm, Experiment
from domain.savings.ledgers import Ledgers
from domain.slots import SLOT_HOURS

MOST_MODELLED = 0.2
"""Share of a day's slots that may rest on the model alone."""


class LeftOut(StrEnum):
    """Why a home-day is not compared."""

    NO_EXPERIMENT = "no-experiment"
    MODELLED = "modelled"
    """Too little of it was measured."""
    WASHOUT = "washout"
    """Too near a change of arm."""
    NOT_STEERABLE = "not-steerable"
    """Nobody would earn anything by moving its consumption: it is neutral whatever is drawn."""


class HomeDay(Value):
    """One pump's market day, settled."""

    pump_id: str
    price_area: str
    day: date
    arm: Arm | None
    """None where no experiment ran."""
    left_out: LeftOut | None = None
    kwh: float
    cost_eur: float
    flat_cost_eur: float
    """The same energy at the day's plain mean price: what remains of the cost is due to when it was used."""
    expected_eur: float
    """What the model of such a house expects neutral to cost in that weather: a covariate, never a result."""
    unsteered_eur: float
    """The model's own counterfactual: the day's energy, less the heat that was borrowed, used as neutral would have.
    For explaining one home; never part of a headline."""
    room_c: float | None
    """Mean; None where none was measured."""
    outdoor_c: float
    kelvin_hours: float
    """Outside the household's band."""
    evidence: Mapping[Evidence, float]
    """kWh by class."""
    excluded: Mapping[Flag, int]
    """Reports that were not believed, by reason."""
    price_version: int
    own_sun_kwh: float = 0.0
    """Of `kwh`, what the home's own roof had left over by the weather: counted at what feeding it in would have
    earned, in every cost of the day, and so not to be counted as fed in by anybody."""
    ledgers: Ledgers | None = None
    """What the household and what its supplier paid; None on days that were settled before there were both."""
    peaks: tuple[Peak, ...] = ()
    """Where power is charged: the whole house's intervals that may count for the month, highest first."""
    unsteered_peaks: tuple[Peak, ...] = ()
    """The same as the model says it would have been under own control."""
    is_house_metered: bool = False
    """Whether `peaks` were metered; else the household beside the pump is assumed."""


def why_left_out(
    experiment: Experiment | None, pump_id: str, day: date, may_move: bool, energy: EnergyCourse
) -> LeftOut | None:
    """Why a home-day is not compared; None where it is."""
    if experiment is None or day < experiment.begins:
        return LeftOut.NO_EXPERIMENT
    if not may_move:
        return LeftOut.NOT_STEERABLE
    if energy.modelled_share > MOST_MODELLED:
        return LeftOut.MODELLED
    return LeftOut.WASHOUT if experiment.is_washout(pump_id, day) else None


def kelvin_hours(room_c: Iterable[tuple[datetime, float]], band: ComfortBand) -> float:
    """Kelvin-hours outside what the household accepts, over rooms by the start of their slot."""
    accepted = ((band.at(slot), room) for slot, room in room_c)
    return SLOT_HOURS * sum(max(0.0, a.room_min_c - c, c - a.room_max_c) for a, c in accepted)


def by_evidence(energy: EnergyCourse) -> dict[Evidence, float]:
    """kWh by what they rest on."""
    found: dict[Evidence, float] = {}
    for kwh, evidence in zip(energy.kwh, energy.evidence, strict=True):
        found[evidence] = round(found.get(evidence, 0.0) + kwh, 5)
    return found


def by_flag(energy: EnergyCourse) -> dict[Flag, int]:
    """Exclusions by reason."""
    found: dict[Flag, int] = {}
    for one in energy.excluded:
        found[one.flag] = found.get(one.flag, 0) + 1
    return found

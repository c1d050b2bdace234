"""Regret: what was planned, what came of it, and what the same planner would have done had it known the day.

Protects: figures are set against each other only where they are of one kind. `settled` is measured, of the whole unit;
all others are the planner's model of the heating alone. Regret is the difference of two of the model's.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from domain.base import Value
from domain.modes import Mode
from domain.planning.fleet_plan import PlanningRequest
from domain.planning.scope import Scope


class Outcome(Value):
    """What a day came to, or would have."""

    kwh: float
    cost_eur: float
    objective_eur: float | None = None
    """With discomfort, lost warmth and changes of mode priced and the heat left at the end worth what it is: what the
    planner makes as small as it can. None where energy alone is known."""


class Hindsight(Value):
    """The model of a scope's heating in the weather and at the prices that came, from the rooms that the day began
    with; all three from the same simulation."""

    done: Outcome
    """In the modes that held."""
    foresight: Outcome
    """In those that the planner chooses when it knows the day."""
    neutral: Outcome
    """Under the units' own control."""


class PlannedDay(Value):
    """What plans expected of a pump's heating, slot by slot: in each slot the newest plan made before it begins."""

    kwh: float
    cost_eur: float
    """At the prices the plans were made with."""
    slots: int
    """Slots of the day that a plan covers."""
    part: str
    """Which portion of a plan it was in last: pumps of one portion share `cap_kw`."""
    cap_kw: float | None


class Comparison(Value):
    """Plan, reality and foresight of the same home-days."""

    homes: int
    """Home-days that are compared: those that nothing but plan and own control held, under plans throughout."""
    left_out: int
    """Home-days that are not."""
    planned: Outcome
    hindsight: Hindsight
    settled: Outcome
    modelled_kwh: float
    """Of the settled energy, what was not measured."""

    @property
    def regret_eur(self) -> float:
        """By how much what was done missed the best that knowing the day allows, in the planner's objective."""
        return (self.hindsight.done.objective_eur or 0.0) - (self.hindsight.foresight.objective_eur or 0.0)

    @property
    def kept_share(self) -> float | None:
        """Share of foresight's gain over own control that was kept; None where there was next to nothing to gain."""
        neutral, best = (one.objective_eur or 0.0 for one in (self.hindsight.neutral, self.hindsight.foresight))
        gain = neutral - best
        return None if gain < LEAST_GAIN_SHARE * abs(self.hindsight.neutral.cost_eur) else 1 - self.regret_eur / gain


class Regret(Comparison):
    """A scope's market day."""

    day: date
    scope: Scope
    price_version: int
    outdoor_measured: float
    """Share of the slots whose outdoor temperature units measured; the rest is the newest forecast."""


def together(comparisons: Sequence[Comparison]) -> Comparison:
    """Several comparisons (at least one) as one."""
    return Comparison(
        homes=sum(one.homes for one in comparisons),
        left_out=sum(one.left_out for one in comparisons),
        planned=sum_of([one.planned for one in comparisons]),
        hindsight=Hindsight(
            done=sum_of([one.hindsight.done for one in comparisons]),
            foresight=sum_of([one.hindsight.foresight for one in comparisons]),
            neutral=sum_of([one.hindsight.neutral for one in comparisons]),
        ),
        settled=sum_of([one.settled for one in comparisons]),
        modelled_kwh=sum(one.modelled_kwh for one in comparisons),
    )


LEAST_GAIN_SHARE = 0.005
"""Of the cost: a share of less than this is a share of rounding."""

Foresee = Callable[[PlanningRequest, Mapping[str, Sequence[Mode]]], Awaitable[Hindsight]]
"""Plans a request whose series are what came, and simulates it beside the modes that held (by pump and slot)."""


class RegretStore(Protocol):
    """The ledger's plans as they were made, and the regrets; a regret stored again replaces what was."""

    async def planned_days(self, pump_ids: Sequence[str], slots: Sequence[datetime]) -> Mapping[str, PlannedDay]:
        """What plans expected of each pump on these slots; a pump without any is missing."""
        ...

    async def keep_regrets(self, regrets: Sequence[Regret], at: datetime) -> None:
        """Store them in place of those of the same scope and day."""
        ...


def sum_of(outcomes: Sequence[Outcome]) -> Outcome:
    """Several outcomes together; an objective that one of them lacks is unknown."""
    objectives = [one.objective_eur for one in outcomes if one.objective_eur is not None]
    return Outcome(
        kwh=sum(one.kwh for one in outcomes),
        cost_eur=sum(one.cost_eur for one in outcomes),
        objective_eur=sum(objectives) if len(objectives) == len(outcomes) else None,
    )

"""Names, inputs, timeouts and retry policies that workflows, workers and their callers agree on.

Protects: a name or a patience is written once, with its reason.
"""

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from temporalio.common import Priority, RetryPolicy, SearchAttributeKey

from domain.base import Instant, Value
from domain.clock import SteeringClock
from domain.oem.breaker import Breaker
from domain.planning.renewal import Tried
from domain.planning.scope import EnrolledArea, GridCaps
from domain.planning.shards import SHARD_PUMPS
from domain.steering.pump_state import (
    ComfortChanged,
    OrderGiven,
    OrderLifted,
    OverrideEnded,
    PumpState,
    RetireRequested,
    RetryRequested,
    SteeringConsent,
)

PUMPS_QUEUE = "pumps"
"""Pump workflows and what they do without a vendor."""
PLANNER_QUEUE = "planner"
"""Planning workflow, market and solver."""


def oem_queue(oem: str) -> str:
    """One queue per vendor, so that its rate and its failures stay its own."""
    return f"oem-{oem}"


def pump_workflow_id(pump_id: str) -> str:
    """Opaque, as all ids in Temporal."""
    return f"pump-{pump_id}"


PLANNING_SCHEDULE_ID = "fleet-planning"
PLANNING_WORKFLOW_ID = "fleet-planning"

PUMP_OEM = SearchAttributeKey.for_keyword("PumpOem")
PUMP_AUTHORITY = SearchAttributeKey.for_keyword("PumpAuthority")
"""Who steers: the values of `domain.commands.command.Authority`."""
PUMP_ALERT = SearchAttributeKey.for_keyword("PumpAlert")
"""none, or what a person should look at."""
SEARCH_ATTRIBUTES = (PUMP_OEM, PUMP_AUTHORITY, PUMP_ALERT)

URGENT = Priority(priority_key=1)
"""Overrides and reverts go before plans on a vendor's queue."""
ROUTINE = Priority(priority_key=3)

VERIFY_GRACE = timedelta(minutes=20)
"""Steered time after a command's expiry in which it may still be seen to have been obeyed."""

LONGEST_PAUSE = timedelta(minutes=2)


def command_retry(clock: SteeringClock) -> RetryPolicy:
    """For a worker that died; every expected retry names its own delay. Bounded by schedule-to-close, not by attempts.

    The server counts expected retries too, so that the longest pause is soon the pause; it is steered time.
    """
    first = timedelta(seconds=1)
    return RetryPolicy(
        initial_interval=first,
        backoff_coefficient=2.0,
        maximum_interval=max(first, clock.wall_duration(LONGEST_PAUSE)),
    )


ONE_DAY = timedelta(days=1)


class Patience(Value):
    """Wall-time limits of activities; a sped-up run shortens them, since a lost worker costs steered hours there."""

    start_to_close_s: float = 60.0
    """Longer than the longest HTTP timeout."""
    heartbeat_s: float = 15.0
    task_s: float = 10.0
    """Workflow task timeout."""


SPED_UP = Patience(start_to_close_s=3.0, heartbeat_s=2.0, task_s=2.0)
"""For runs faster than the wall: after a lost worker the usual patience would cost steered hours."""

UNDISTURBED = Patience(start_to_close_s=20.0, heartbeat_s=8.0, task_s=10.0)
"""For a run faster than the wall in which nobody kills a worker: on a machine that falls behind, what is given up after
three seconds is begun anew, and falls behind the more."""


def patience_at(speed: float) -> Patience:
    """Wall-time limits that fit the speed of the clock."""
    return Patience() if speed == 1 else SPED_UP


class PumpInput(Value):
    """What a pump's workflow starts, and goes on, with."""

    clock: SteeringClock
    state: PumpState
    patience: Patience = Patience()


class PlanEnvelope(BaseModel):
    """A price plan as a signal carries it: loose, so that a bad one is refused visibly, not dropped with a log line."""

    model_config = ConfigDict(extra="allow")

    plan: Any = None


def first_problem(error: ValidationError) -> str:
    """The first thing wrong with a document, in words for people, of a length that a page and a book can hold."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where[:100] + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')[:200]}"


class OverrideAnswer(Value):
    """What the asker of an override learns at once."""

    override_id: str
    in_force: bool
    """False where something stronger is in force."""
    command_id: str | None
    """The command that brings it about; None where the pump is there already or an attempt in flight must end."""
    already: bool
    """Whether the pump was last seen in the target mode, with nothing open."""
    bounded_by: str = ""
    """What keeps the override from being followed exactly (a limit, a floor, somebody at the unit); mostly empty."""


class Act(Value):
    """An act of a person or an operator, with who and why."""

    event: Annotated[
        OverrideEnded | OrderGiven | OrderLifted | SteeringConsent | ComfortChanged | RetryRequested | RetireRequested,
        Field(discriminator="kind"),
    ]
    who: str
    why: str


class PumpStatus(Value):
    """A pump's state as a person reads it."""

    now: Instant
    authority: str
    target: str
    alert: str
    state: PumpState


class PlanningInput(Value):
    """How a planning run plans; what it plans follows from the pumps that are enrolled."""

    clock: SteeringClock
    caps: GridCaps = GridCaps()
    until: datetime | None = None
    """Steer no further than this (a demo of some hours); None for the whole market day."""
    budget_s: float = 60.0
    """Wall seconds the planner may think about one shard."""
    most_pumps_per_shard: Annotated[int, Field(ge=1)] = SHARD_PUMPS
    price_area: str | None = None
    """Plan this one only; None for every area with pumps."""
    day: date | None = None
    """Market day to plan; None for the local day after the run's nominal time."""
    is_preview: bool = False
    """Solve and store, but read no pump and deliver nothing."""
    submission: str | None = None
    """A plan that somebody else made, by its key: it is judged in place of solving; None to plan."""
    despite_refusals: bool = False
    """Give pumps what of a submitted plan keeps the rules, though some of it does not."""
    keeps_nomination: bool = True
    """Whether what was nominated for the day binds the plan; False where it is still to be found out."""
    patience: Patience = Patience()


class AreaPlanningInput(Value):
    """One price area of a planning run."""

    planning: PlanningInput
    area: EnrolledArea
    tz: str
    day: date
    price_version: int | None = None
    """Prices that are in the ledger already: a plan is renewed with them, and neither market nor vendors are asked."""


class AreaPlanned(Value):
    """What became of a planning run in one price area."""

    price_area: str
    day: date | None = None
    revision: int | None = None
    """None where no plan could be made; pumps then fall back to neutral."""
    pumps: int
    """Steered pumps of the area."""
    delivered: int = 0
    """Pumps that took their plan."""
    cold_snap_pumps: int = 0
    """Pumps kept at neutral or above because of the forecast."""
    shards: int = 0
    failed_shards: int = 0
    """Shards of which some part was not solved, or that could not be delivered."""
    reason: str = ""
    """What is missing, in a sentence; empty where nothing is."""


class PlanningResult(Value):
    """What became of a planning run."""

    areas: tuple[AreaPlanned, ...]

    @property
    def delivered(self) -> int:
        """Pumps that took a plan."""
        return sum(area.delivered for area in self.areas)

    @property
    def revisions(self) -> tuple[int, ...]:
        """The revisions that were made, one for each area that could be planned."""
        return tuple(area.revision for area in self.areas if area.revision is not None)

    @property
    def reason(self) -> str:
        """What is missing, area by area; empty where nothing is."""
        if not self.areas:
            return "no steered pump is enrolled there: nothing to plan"
        told = [area for area in self.areas if area.reason]
        return "; ".join(area.reason if len(self.areas) == 1 else f"{area.price_area}: {area.reason}" for area in told)

    @property
    def summary(self) -> str:
        """The result in a line."""
        made = [
            f"{area.price_area}: {'no plan' if area.revision is None else f'revision {area.revision}'}, "
            f"{area.delivered} of {area.pumps} pumps"
            for area in self.areas
        ]
        return "; ".join([*made, self.reason] if self.reason else made)


SETTLEMENT_SCHEDULE_ID = "settlement"
SETTLEMENT_WORKFLOW_ID = "settlement"


class SettlementInput(Value):
    """How a settlement run settles; whom it settles follows from the pumps that are enrolled."""

    clock: SteeringClock
    day: date | None = None
    """The last market day to settle; None for the local day before the run's nominal time."""
    again_days: Annotated[int, Field(ge=0, le=62)] = 7
    """So many days before it are settled again: reports come late, and prices are revised."""
    patience: Patience = Patience()


class AreaSettled(Value):
    """What became of a settlement run in one price area."""

    price_area: str
    day: date
    pumps: int
    settled: int
    changed: int
    """Home-days, of all days settled, that are new or came out differently."""
    saved_eur: float | None
    """What the month to date saved; None where no interval can be claimed."""
    reason: str = ""


class SettlementResult(Value):
    """What became of a settlement run."""

    areas: tuple[AreaSettled, ...]

    @property
    def summary(self) -> str:
        """The result in a line."""
        told = [
            f"{area.price_area}: {area.settled} of {area.pumps} pumps settled for {area.day}, {area.changed} changed"
            + (f" ({area.reason})" if area.reason else "")
            for area in self.areas
        ]
        return "; ".join(told) or "no steered pump is enrolled: nothing to settle"


PRICE_WATCH_ID = "price-watch"
PRICE_LOOK = timedelta(seconds=30)
"""Steered time between two looks for newer prices; an intraday series is planned with within a minute."""
PRICE_WATCH = timedelta(hours=6)
"""Steered time after which a watch that saw nothing ends, so that a history grows by a handful of events a day."""
PRICE_WATCH_ROUNDS = 60
RENEWAL_PATIENCE = timedelta(hours=2)


class PriceWatchInput(Value):
    """What the watch over prices starts, and goes on, with."""

    planning: PlanningInput
    """How the Schedule's runs plan."""
    tried: tuple[Tried, ...] = ()


def guard_workflow_id(oem: str) -> str:
    """One guard per vendor."""
    return f"oem-guard-{oem}"


GUARD_QUEUE = PUMPS_QUEUE
"""Guards and what they do run beside the pumps: on the vendor's own queue a closed breaker could never be opened."""

GUARD_LOOK = timedelta(seconds=10)
"""Steered time between two checks of a vendor's calls; an outage is noticed within its rule's minutes and this."""
GUARD_WATCH = timedelta(hours=6)
"""Steered time after which a watch that saw nothing ends, so that a history grows by a handful of events a day."""
GUARD_BEATS = 4
"""A guard's heartbeat may be so many times rarer than others: each costs an action, day and night, and a vendor that
nobody watches for a minute keeps the rate it has."""
GUARD_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=1.5, maximum_interval=timedelta(seconds=15)
)
"""For a ledger or a server that does not answer; a guard never gives up."""


class GuardInput(Value):
    """What a vendor's guard starts, and goes on, with."""

    clock: SteeringClock
    oem: str
    patience: Patience = Patience()
    breaker: Breaker | None = None
    """None at the first start: the ledger knows, if anybody does."""


class GuardStatus(Value):
    """A vendor's breaker as its guard has it."""

    oem: str
    breaker: Breaker
    rate_per_min: float
    """Attempts a steered minute."""


class Hold(Value):
    """A person stops a vendor's queue, or lets it run again."""

    who: Annotated[str, Field(min_length=1, max_length=80)]
    why: Annotated[str, Field(min_length=1, max_length=400)]


def sweep_workflow_id(oem: str) -> str:
    """One sweep per vendor."""
    return f"observation-sweep-{oem}"


SWEEP_QUEUE = PUMPS_QUEUE
"""The sweep's workflow; what it does runs on the vendor's own queue, where the breaker holds it back."""

SWEEP_SPAN = timedelta(hours=1, minutes=45)
"""Steered time that a sweep of an hour may take: its wait for the first pass and a late last pass come on top."""
SWEEP_BEATS = 3
"""Its heartbeat may be so many times rarer than others, for each costs an action: a lost sweep is a minute late."""
SWEEP_ROUNDS = 24
"""Sweeps of an hour in one history."""
SWEEP_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=1.5, maximum_interval=timedelta(seconds=30)
)
"""For a worker that died and a ledger that does not answer; a sweep never gives up."""


class SweepInput(Value):
    """What a vendor's sweep starts, and goes on, with."""

    clock: SteeringClock
    oem: str
    patience: Patience = Patience()
    due_at: Instant | None = None
    """When its next pass is due; None for at once."""

"""Names, inputs, timeouts and retry policies that workflows, workers and their callers agree on.

Protects: a name or a patience is written once, with its reason.
"""

from datetime import date, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from temporalio.common import Priority, RetryPolicy, SearchAttributeKey

from domain.base import Instant, Value
from domain.clock import SteeringClock
from domain.pump import PumpState

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
"""Who steers: plan, override, neutral, opted-out."""
PUMP_ALERT = SearchAttributeKey.for_keyword("PumpAlert")
"""none, or what a person should look at."""
SEARCH_ATTRIBUTES = (PUMP_OEM, PUMP_AUTHORITY, PUMP_ALERT)

URGENT = Priority(priority_key=1)
"""Overrides and reverts go before plans on a vendor's queue."""
ROUTINE = Priority(priority_key=3)

VERIFY_GRACE = timedelta(minutes=20)
"""Steered time after a command's expiry in which it may still be seen to have been obeyed."""

COMMAND_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=2)
)
"""For a worker that died; every expected retry names its own delay. Bounded by schedule-to-close, not by attempts."""

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


class PumpInput(Value):
    """What a pump's workflow starts, and goes on, with."""

    clock: SteeringClock
    state: PumpState
    patience: Patience = Patience()


class PlanEnvelope(BaseModel):
    """A price plan as a signal carries it: loose, so that a bad one is refused visibly, not dropped with a log line."""

    model_config = ConfigDict(extra="allow")

    plan: Any = None


class OverrideAnswer(Value):
    """What the asker of an override learns at once."""

    override_id: str
    in_force: bool
    """False where a stronger wish is in force."""
    command_id: str | None
    """The command that brings it about; None where the pump is there already or an attempt in flight must end."""
    already: bool
    """Whether the pump was last seen in the wished mode, with nothing open."""


class EndOverride(Value):
    """End one override, or all with None."""

    override_id: str | None = None
    who: str
    why: str


class Retire(Value):
    """Steer this pump no more."""

    who: str
    why: str


class PumpStatus(Value):
    """A pump's state as a person reads it."""

    now: Instant
    authority: str
    wish: str
    alert: str
    state: PumpState


class PlanningInput(Value):
    """What the planning run plans for."""

    clock: SteeringClock
    zone: str
    tz: str
    weather_cell: str
    oems: tuple[str, ...]
    cap_share: float | None = None
    until: datetime | None = None
    """Steer no further than this (a demo of some hours); None for the whole market day."""
    budget_s: float = 60.0
    patience: Patience = Patience()


class PlanningResult(Value):
    """What became of a planning run."""

    day: date
    revision: int | None
    """None where no plan could be made; pumps then fall back to neutral."""
    delivered: int
    reason: str = ""

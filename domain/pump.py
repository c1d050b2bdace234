"""One pump's state, what can happen to it, and what a decision says: the values that `domain.steering` works on.

Protects: everything that must survive a restart or a continue-as-new is in `PumpState`, and survives a JSON round trip.
"""

from typing import Annotated, Literal

from pydantic import Field

from domain.base import Instant, Value
from domain.commands import Authority, Command, CommandEvent, CommandOutcome
from domain.modes import NEUTRAL, Mode
from domain.overrides import Override
from domain.plans import PricePlan


class OpenCommand(Value):
    """The one command being written or verified."""

    command: Command
    cancelling: bool = False
    handed: tuple[str, ...] = ()
    """Keys of the outbox lines that its activity was given to keep."""


class FailedWish(Value):
    """A wish that could not be brought about, and when it is tried again."""

    mode: Mode
    count: int
    retry_at: Instant
    reason: str


class PumpState(Value):
    """Everything that must survive for one pump to be steered on."""

    pump_id: str
    oem: str
    plans: tuple[PricePlan, ...] = ()
    """By revision; tomorrow's plan does not end today's."""
    overrides: tuple[Override, ...] = ()
    override_ids: tuple[str, ...] = ()
    settled: Mode | None = NEUTRAL
    """Mode the pump was last seen in; None where unknown."""
    settled_at: Instant | None = None
    """When that was seen."""
    open: OpenCommand | None = None
    last_seq: int = 0
    last: Command | None = None
    """The newest command, open or ended."""
    changed_at: Instant | None = None
    """When the newest command that changed the mode was decided."""
    plan_changes: tuple[Instant, ...] = ()
    """Plan-made changes of the last 24 hours."""
    failed: FailedWish | None = None
    outbox: tuple[CommandEvent, ...] = ()
    """What the ledger is not known to hold yet; carried there by the next activity."""
    refusal: str = ""
    """The newest message that was refused, in a sentence."""
    retiring: bool = False
    retired: bool = False

    @property
    def plan(self) -> PricePlan | None:
        """The plan of the highest revision."""
        return self.plans[-1] if self.plans else None


class Woke(Value):
    """The timer fired, or the workflow started."""

    kind: Literal["woke"] = "woke"


class PlanArrived(Value):
    """A price plan came in."""

    kind: Literal["plan"] = "plan"
    plan: PricePlan


class MessageRefused(Value):
    """A message could not be understood; said where an operator sees it."""

    kind: Literal["refused"] = "refused"
    reason: str


class OverrideRequested(Value):
    """A person wishes something else."""

    kind: Literal["override"] = "override"
    override: Override


class OverrideEnded(Value):
    """A person ends an override; None ends all."""

    kind: Literal["end-override"] = "end-override"
    override_id: str | None = None


class Observed(Value):
    """A believed observation of the lever."""

    kind: Literal["observed"] = "observed"
    as_of: Instant
    mode: Mode | None
    """The mode that the lever's setting stands for; None for a setting that is none of ours."""


class CommandSettled(Value):
    """The open command ended."""

    kind: Literal["settled"] = "settled"
    outcome: CommandOutcome


class Kept(Value):
    """The ledger holds these lines of the outbox now."""

    kind: Literal["kept"] = "kept"
    keys: tuple[str, ...]


class RetireRequested(Value):
    """Steer no more: back to neutral, then end."""

    kind: Literal["retire"] = "retire"


Event = Annotated[
    Woke
    | PlanArrived
    | MessageRefused
    | OverrideRequested
    | OverrideEnded
    | Observed
    | CommandSettled
    | Kept
    | RetireRequested,
    Field(discriminator="kind"),
]


class Decision(Value):
    """What follows from an event: the new state, a command to start, whether to cancel the open one, when to wake."""

    state: PumpState
    start: Command | None = None
    cancel: bool = False
    wake_at: Instant | None = None


class Wish(Value):
    """What should be, and by whose authority."""

    mode: Mode
    authority: Authority
    until: Instant | None
    """When this wish may change by itself."""
    revision: int | None = None

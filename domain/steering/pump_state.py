"""One pump's state, what can happen to it, and what a decision says: the values that `domain.steering.decide` works on.

Protects: everything that must survive a restart or a continue-as-new is in `PumpState`, and survives a JSON round trip.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from domain.base import Instant, Value
from domain.commands.command import Authority, Command, CommandEvent, CommandOutcome
from domain.homes.comfort import ComfortBand
from domain.homes.site import Site
from domain.modes import Circuit, Level
from domain.oem.lever import Lever
from domain.oem.readings import Condition
from domain.planning.price_plan import PricePlan
from domain.steering.journal import JournalEntry
from domain.steering.orders import Order, OrderKind
from domain.steering.overrides import Override
from domain.steering.target import Bound, Decided
from domain.steering.watch import Watch


class OpenCommand(Value):
    """The one command being written or verified on a circuit."""

    command: Command
    cancelling: bool = False
    handed: tuple[str, ...] = ()
    """Keys of the outbox lines and journal entries that its activity was given to store."""


class FailedTarget(Value):
    """A target that could not be brought about, and when it is tried again."""

    mode: Level
    count: int
    retry_at: Instant | None
    """None where a person gave it up: not before the target changes."""
    reason: str
    authority: Authority
    """Whose target it was; nobody waits for another's back-off."""
    ran_out: bool = False
    """Whether its time once ran out before it could be written: a dead letter was made of it."""
    is_ignored: bool = False
    """Whether writes were taken and not obeyed: the unit is left alone then, whatever the plan's next mode."""


class Drift(Value):
    """A setting that was seen not to hold, though nobody explains it."""

    level: Level
    """What it was last seen to fall to."""
    count: int
    """How often within `domain.steering.observations.DRIFT_MEMORY` of each other."""
    at: Instant
    retry_at: Instant
    """Not written again before."""

    @property
    def is_handed_over(self) -> bool:
        """Whether a person has to look."""
        return self.count > MOST_DRIFTS


MOST_DRIFTS = 3
"""How often a drifted pump is steered back before it is handed to a person."""


class WrittenLevel(Value):
    """A level that was written and seen to be obeyed."""

    level: Level
    at: Instant
    """When its newest write was sent."""


class TemporarySetting(Value):
    """A setting of a person's that the vendor ends by itself, so that it becomes nobody's baseline."""

    setting: float
    ends_at: Instant
    hold_id: str
    """The override that it stands for."""


class CircuitState(Value):
    """What is known and under way on one circuit."""

    lever: Lever
    """The unit's lever; its baseline is the setting a person last made, and nobody else keeps it."""
    settled: Level | None
    """Level last seen; None where unknown."""
    settled_at: Instant | None = None
    """When that was seen."""
    written: WrittenLevel | None = None
    """What was last brought about by a write, on a lever whose settings expire."""
    baseline_at: Instant | None = None
    """When a person was last seen to set the lever; None where its baseline is as enrolled."""
    baseline_stamp: Instant | None = None
    """The same by the own timestamp of the reading that showed it."""
    baseline_before: float | None = None
    """The baseline before the first of the manual changes in memory; None where there are none."""
    open: OpenCommand | None = None
    last: Command | None = None
    """The newest command, open or ended."""
    changed_at: Instant | None = None
    """When the newest command that changed the level was decided."""
    plan_changes: tuple[Instant, ...] = ()
    """Plan-made changes of the last 24 hours."""
    failed: FailedTarget | None = None
    drift: Drift | None = None
    temporary: TemporarySetting | None = None
    """What a person set for a while; the lever is seen there, and its settled level is neutral all the same."""

    def level_of(self, setting: float | None) -> Level | None:
        """The level a setting stands for; None for one that is none of ours.

        Where two share it (at a range's end, or a household that lives on luxury hot water), it is the one last seen,
        else the one last commanded since a person set the lever.
        """
        expected = self.settled
        if expected is None and self.last is not None:
            is_older = self.baseline_at is not None and self.baseline_at > self.last.decided_at
            expected = None if is_older else self.last.mode
        return self.lever.level_of(setting, expected)


MOST_WAITING = 24
"""Journal entries that may wait for a command to carry them; more would make the state large."""


class PumpState(Value):
    """Everything that must survive for one pump to be steered on."""

    pump_id: str
    oem: str
    site: Site = Site()
    plans: tuple[PricePlan, ...] = ()
    """By revision; tomorrow's plan does not end today's."""
    overrides: tuple[Override, ...] = ()
    override_ids: tuple[str, ...] = ()
    orders: tuple[Order, ...] = ()
    order_ids: tuple[str, ...] = ()
    """Of the newest orders given or lifted: neither happens twice."""
    heating: CircuitState
    hot_water: CircuitState | None = None
    """None where the unit offers no hot-water lever."""
    watch: Watch = Watch()
    touches: tuple[Instant, ...] = ()
    """When people were seen to set the pump by hand in the last 24 hours."""
    last_seq: int = 0
    last_note: int = 0
    """Counts what was noted of the pump beside its commands."""
    outbox: tuple[CommandEvent, ...] = ()
    """What the ledger is not known to hold yet; carried there by the next activity."""
    decided: dict[Circuit, Decided] = Field(default_factory=dict)
    """As last written to the journal."""
    last_entry: int = 0
    """Counts the entries of the journal."""
    journal: tuple[JournalEntry, ...] = ()
    """Entries that the ledger is not known to hold yet; they ride with whatever carries the outbox."""
    refusal: str = ""
    """The newest message that was refused, in a sentence."""
    opted_out: bool = False
    retiring: bool = False
    retiring_since: Instant | None = None
    retired: bool = False

    @property
    def plan(self) -> PricePlan | None:
        """The plan of the highest revision."""
        return self.plans[-1] if self.plans else None

    def is_shadowed(self, now: datetime) -> bool:
        """Whether another system holds the only right to write to this pump."""
        return any(order.kind is OrderKind.SHADOW and order.holds(self.pump_id, now) for order in self.orders)

    @property
    def has_open(self) -> bool:
        """Whether a command is being written or verified."""
        return any(had.open is not None for _, had in self.circuits)

    @property
    def owes_ledger(self) -> bool:
        """Whether something waits for the ledger that should not wait for the next command to carry it."""
        may_wait = len(self.journal) < MOST_WAITING and all(entry.may_wait for entry in self.journal)
        return bool(self.outbox) or not may_wait

    @property
    def circuits(self) -> tuple[tuple[Circuit, CircuitState], ...]:
        """What is steered."""
        heating = (Circuit.HEATING, self.heating)
        return (heating,) if self.hot_water is None else (heating, (Circuit.HOT_WATER, self.hot_water))

    def circuit(self, circuit: Circuit) -> CircuitState | None:
        """One circuit's state; None for one the unit has not."""
        return self.heating if circuit is Circuit.HEATING else self.hot_water

    def with_circuit(self, circuit: Circuit, state: CircuitState) -> "PumpState":
        """The state with one circuit replaced."""
        return self.model_copy(update={circuit.value: state})


class Woke(Value):
    """The timer fired, or the workflow started."""

    kind: Literal["woke"] = "woke"


class PlanArrived(Value):
    """A price plan came in."""

    kind: Literal["plan"] = "plan"
    plan: PricePlan


class MessageRefused(Value):
    """A message could not be understood, or asked for what a pump refuses; said where an operator sees it."""

    kind: Literal["refused"] = "refused"
    reason: str


class OverrideRequested(Value):
    """A person asks for something else."""

    kind: Literal["override"] = "override"
    override: Override


class OverrideEnded(Value):
    """A person ends an override; None ends all."""

    kind: Literal["end-override"] = "end-override"
    override_id: str | None = None


class OrderGiven(Value):
    """An operator imposes something."""

    kind: Literal["order"] = "order"
    order: Order


class OrderLifted(Value):
    """An operator lifts what was imposed; None lifts all."""

    kind: Literal["lift"] = "lift"
    order_id: str | None = None


class SteeringConsent(Value):
    """The household leaves, or comes back."""

    kind: Literal["consent"] = "consent"
    opted_out: bool


class ComfortChanged(Value):
    """The household accepts other room temperatures."""

    kind: Literal["comfort"] = "comfort"
    band: ComfortBand


class RetryRequested(Value):
    """A person wants what failed tried again now, or given up until the target changes."""

    kind: Literal["retry"] = "retry"
    circuit: Circuit = Circuit.HEATING
    give_up: bool = False
    mode: Level | None = None
    """The target that is given up, where only that one is meant; neutral is never given up."""


class SeenLever(Value):
    """One lever as observed."""

    circuit: Circuit
    setting: FiniteFloat
    ends_at: Instant | None = None
    """When the setting ends by itself, where the vendor says so; None for one that stays."""


class Observed(Value):
    """What an observation said that matters to steering."""

    kind: Literal["observed"] = "observed"
    as_of: Instant
    """Of when it is: the pump's own stamp, or the read itself where that is later or the pump is silent."""
    stamp: Instant | None = None
    """The pump's own stamp as it stands, which orders its pictures whatever its clock says."""
    levers: tuple[SeenLever, ...] = ()
    condition: Condition = Condition.NORMAL
    silent: bool = False
    """It reports no more; nothing else of this observation is new then."""
    room_c: FiniteFloat | None = None
    hot_water_c: FiniteFloat | None = None


class CommandSettled(Value):
    """The open command of a circuit ended."""

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
    | OrderGiven
    | OrderLifted
    | SteeringConsent
    | ComfortChanged
    | RetryRequested
    | Observed
    | CommandSettled
    | Kept
    | RetireRequested,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from an event: the new state, commands to start and to cancel, when to wake."""

    state: PumpState
    starts: tuple[Command, ...] = ()
    cancels: tuple[Circuit, ...] = ()
    wake_at: datetime | None = None
    waits: Mapping[Circuit, Bound] = field(default_factory=dict)
    """What keeps a circuit from being brought to its target yet."""

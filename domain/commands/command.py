"""Commands: absolute targets for one pump, with an id, an expiry and a life that is written down event by event.

Protects: a command is done when the pump was observed to obey; HTTP 200 is only `accepted`.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.base import Instant, Value, printable
from domain.modes import Circuit, Level, Mode, neutral_of
from domain.oem.lever import LeverName


class Authority(StrEnum):
    """Who steers a pump now."""

    PLAN = "plan"
    OVERRIDE = "override"
    VACATION = "vacation"
    OUTSIDE = "outside"
    """A person at the pump, its thermostat or the vendor's app."""
    COMPETING = "competing"
    """Another controller."""
    LIMITED = "limited"
    """A grid limit, a site on backup power, or a limit that a home's pumps share."""
    SERVICE = "service"
    """Somebody works on the unit, or its firmware changes."""
    OPTED_OUT = "opted-out"
    NEUTRAL = "neutral"


class CommandState(StrEnum):
    """Where a command is in its life."""

    PLANNED = "planned"
    SENT = "sent"
    ACCEPTED = "accepted"
    UNVERIFIED = "unverified"
    APPLIED = "applied"
    EFFECTIVE = "effective"
    IGNORED = "ignored"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    DEAD_LETTERED = "dead_lettered"

    @property
    def is_settled(self) -> bool:
        """Whether nothing of ours will write for it any more (unverified counts: only an observation can settle it)."""
        return self not in (CommandState.PLANNED, CommandState.SENT, CommandState.ACCEPTED)


class EventKind(StrEnum):
    """What can be written down of a command: its states, and the fate of each single write."""

    PLANNED = "planned"
    SENT = "sent"
    """Intent committed; the write follows at once."""
    ACCEPTED = "accepted"
    """The cloud said yes to this write."""
    WRITE_REFUSED = "write_refused"
    """This write was surely not taken (429, no connection, credentials)."""
    WRITE_LOST = "write_lost"
    """The answer to this write was lost; it may have been taken."""
    WRITE_IGNORED = "write_ignored"
    """This write was accepted and the pump was seen not to obey."""
    UNVERIFIED = "unverified"
    APPLIED = "applied"
    EFFECTIVE = "effective"
    IGNORED = "ignored"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    DEAD_LETTERED = "dead_lettered"
    DRIFTED = "drifted"
    """The setting was later seen not to hold, and nobody explains it; `write_no` counts such events of a pump."""
    TOUCHED = "touched"
    """The setting was later seen to have been changed by a person; counted as `drifted`."""
    REFUSED = "refused"
    """A message to the pump was refused; counted as `drifted`."""

    @property
    def state(self) -> CommandState | None:
        """The state this event puts a command in; None where it only speaks of one write."""
        try:
            return CommandState(self.value)
        except ValueError:
            return None


class Command(Value):
    """A target for one circuit of a pump: `mode` from now on, worth writing until `expires_at`."""

    command_id: str
    pump_id: str
    seq: Annotated[int, Field(ge=1)]
    """Counts a pump's commands; a higher one is newer."""
    mode: Level
    authority: Authority
    revision: int | None = None
    """Plan revision it came from."""
    lever: LeverName
    setting: float
    """What to write, in the lever's own unit."""
    own_settings: tuple[float, ...] = ()
    """Settings that our modes stand for on the present baseline; anything else somebody else made."""
    baseline_at: Instant | None = None
    """When a person was seen to make the baseline setting; None where it is as enrolled."""
    baseline_stamp: Instant | None = None
    """The same by the own timestamp of the reading that showed it."""
    begins_from_c: float | None = None
    """A set-back that begins is not written in a room cooler than this; None where nothing begins."""
    renews: bool = False
    """The lever is where it should be, by a setting that expires soon: it is written once more all the same."""
    decided_at: Instant
    expires_at: Instant

    @property
    def circuit(self) -> Circuit:
        """What it steers."""
        return Circuit.HEATING if isinstance(self.mode, Mode) else Circuit.HOT_WATER

    @property
    def is_revert(self) -> bool:
        """Whether it gives the lever back to the household's own setting."""
        return self.mode is neutral_of(self.circuit)


class CommandEvent(Value):
    """One line of a command's life."""

    command_id: str
    pump_id: str
    at: Instant
    kind: EventKind
    write_no: int = 0
    """Which write of the command this speaks of; 0 where it speaks of the command."""
    lever: LeverName | None = None
    setting: float | None = None
    reason: Annotated[str, AfterValidator(printable)] = ""
    command: Command | None = None
    """The command itself, with the line that plans it: whoever keeps the line keeps the command."""

    @property
    def key(self) -> str:
        """What makes the line one of its kind."""
        return f"{self.command_id}/{self.kind.value}/{self.write_no}"


class CommandOutcome(Value):
    """How a command ended, as the pump's workflow learns it."""

    command_id: str
    state: CommandState
    at: Instant
    reason: str = ""
    seen_setting: float | None = None
    """The setting that the lever was last seen at; None where that is unknown."""
    is_read_only: bool = False
    """The unit may be read and not written: somebody switched remote control off."""
    is_too_cool: bool = False
    """The room was seen below `begins_from_c`, so nothing was written."""
    foreign_setting: float | None = None
    """A setting that the lever was seen at and that is none of ours: somebody else made it meanwhile."""
    foreign_ends_at: Instant | None = None
    """When that setting ends by itself; None for one that stays."""
    stamp: Instant | None = None
    """The own stamp of the newest picture that it was judged by, from whatever clock; None where nothing was seen."""
    written_at: Instant | None = None
    """When the newest write that may have been taken was sent; None where nothing was written for the command."""
    recorded: bool = True
    """Whether the ledger already holds this end; where not, the pump's outbox carries it there."""


USEFUL_FOR = timedelta(hours=2)
"""A command that could not be written for so long is decided anew instead of kept trying."""

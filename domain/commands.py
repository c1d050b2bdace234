"""Commands: absolute wishes for one pump, with an id, an expiry and a life that is written down event by event.

Protects: a command is done when the pump was observed to obey; HTTP 200 is only `accepted`.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.base import Instant, Value
from domain.modes import Lever, Mode


class Authority(StrEnum):
    """Who steers a pump now."""

    PLAN = "plan"
    OVERRIDE = "override"
    NEUTRAL = "neutral"
    OPTED_OUT = "opted-out"


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

    @property
    def state(self) -> CommandState | None:
        """The state this event puts a command in; None where it only speaks of one write."""
        try:
            return CommandState(self.value)
        except ValueError:
            return None


class Command(Value):
    """A wish for one pump: `mode` from now on, worth writing until `expires_at`."""

    command_id: str
    pump_id: str
    seq: Annotated[int, Field(ge=1)]
    """Counts a pump's commands; a higher one is newer."""
    mode: Mode
    authority: Authority
    revision: int | None = None
    """Plan revision it came from."""
    decided_at: Instant
    expires_at: Instant


class CommandEvent(Value):
    """One line of a command's life."""

    command_id: str
    pump_id: str
    at: Instant
    kind: EventKind
    write_no: int = 0
    """Which write of the command this speaks of; 0 where it speaks of the command."""
    lever: Lever | None = None
    setting: float | None = None
    reason: str = ""
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
    seen_mode: Mode | None = None
    """The mode that the pump's setting was last seen to stand for; None where that is unknown."""
    recorded: bool = True
    """Whether the ledger already holds this end; where not, the pump's outbox carries it there."""


USEFUL_FOR = timedelta(hours=2)
"""A command that could not be written for so long is decided anew instead of kept trying."""

"""Write and verify: what one attempt at a command does next, from what was written and what was seen.

Protects: HTTP 200 is never success; any attempt after the first reads before it writes; after a lost answer nothing
different is written before the vendor's longest in-flight time has passed and a read has been made.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from domain.base import Instant, Value
from domain.commands.command import Authority, Command, CommandState
from domain.oem.readings import Reading
from domain.oem.timing import VendorTiming

MAX_WRITES = 4
"""Writes of one command that a pump may ignore before the command ends as ignored."""


class Answer(StrEnum):
    """How the cloud answered a write."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Surely not taken."""
    LOST = "lost"
    """No answer known; may have been taken."""


class WriteRecord(Value):
    """One write, as the ledger remembers it."""

    write_no: int
    at: Instant
    setting: float
    answer: Answer
    ignored: bool = False

    def in_flight_until(self, timing: VendorTiming) -> datetime:
        """Until when this write may still take effect."""
        return self.at if self.answer is Answer.REFUSED else self.at + timing.longest_in_flight


class Progress(Value):
    """What is written down of a command, and of the write before it on the same lever."""

    writes: tuple[WriteRecord, ...] = ()
    before: WriteRecord | None = None
    """The newest write of an earlier command on this lever that may have been taken."""
    others: tuple[WriteRecord, ...] = ()
    """Further writes of earlier commands that may have been taken: an older lost one may outlive a newer one."""
    ended: CommandState | None = None

    @property
    def earlier(self) -> tuple[WriteRecord, ...]:
        """Every write of earlier commands that may still matter."""
        return self.others if self.before is None else (*self.others, self.before)

    @property
    def written_at(self) -> datetime | None:
        """When the newest write of the command that may have been taken was sent."""
        return max((write.at for write in self.writes if write.answer is not Answer.REFUSED), default=None)

    @property
    def open_write(self) -> WriteRecord | None:
        """The newest write whose effect is not known yet."""
        if self.writes and not self.writes[-1].ignored and self.writes[-1].answer is not Answer.REFUSED:
            return self.writes[-1]
        return None

    def may_land_until(self, timing: VendorTiming, now: datetime) -> datetime:
        """Until when the last of all these writes may take effect; `now` where none may any more."""
        return max([now, *(w.in_flight_until(timing) for w in (*self.earlier, *self.writes))])


class Write(Value):
    """Write the setting now."""

    step: Literal["write"] = "write"


class Look(Value):
    """Read the pump now."""

    step: Literal["look"] = "look"


class Wait(Value):
    """Come back later."""

    step: Literal["wait"] = "wait"
    delay: timedelta
    reason: str


class End(Value):
    """The command is over."""

    step: Literal["end"] = "end"
    state: CommandState
    reason: str = ""


Step = Write | Look | Wait | End


class Verdict(StrEnum):
    """What a reading says of a write."""

    OBEYED = "obeyed"
    NOT_OBEYED = "not-obeyed"
    UNKNOWN = "unknown"


def before_looking(command: Command, progress: Progress, timing: VendorTiming, now: datetime) -> Step:
    """The first step of an attempt, before anything was read in it."""
    if progress.ended is not None:
        return End(state=progress.ended)
    if progress.open_write is not None:
        return Look()
    if now >= command.expires_at:
        return out_of_time(progress)
    lost = [w for w in progress.earlier if w.answer is Answer.LOST and w.setting != command.setting]
    if lost and not progress.writes:
        settled_at = max(w.in_flight_until(timing) for w in lost)
        if now < settled_at:
            return Wait(delay=settled_at - now, reason="an earlier write without an answer may still land")
        return Look()
    # A plan's first step reads as well: somebody may have changed the setting since the last reading. So does whoever
    # sets back, for the room must be warm enough to be stuck with it, and who leaves: nothing may be left to restore.
    is_patient = command.authority in (Authority.PLAN, Authority.OPTED_OUT)
    looks = progress.writes or is_patient or command.renews or command.begins_from_c is not None
    return Look() if looks else Write()


def after_looking(
    command: Command, progress: Progress, reading: Reading, timing: VendorTiming, now: datetime
) -> tuple[Verdict, Step]:
    """What a reading says of the newest write, and what follows."""
    if reading.as_of > now:  # a clock ahead of ours must not end what may still land
        reading = reading.model_copy(update={"as_of": now})
    written = progress.open_write
    verdict = judge(command.setting, written, _evident_from(command, progress, timing), reading, timing)
    if verdict is Verdict.OBEYED and command.renews and not progress.writes and now < command.expires_at:
        return verdict, Write()
    if verdict is Verdict.OBEYED:
        return verdict, End(state=CommandState.APPLIED)
    if written is not None and verdict is Verdict.UNKNOWN:
        if now >= command.expires_at + timing.longest_in_flight:
            return verdict, End(state=CommandState.UNVERIFIED, reason="time ran out before the pump was seen to obey")
        return verdict, Wait(delay=timing.look_again, reason="not seen yet")
    ignored = sum(w.ignored for w in progress.writes) + (written is not None and written.answer is Answer.ACCEPTED)
    if ignored >= MAX_WRITES:
        return verdict, End(state=CommandState.IGNORED, reason=f"{ignored} accepted writes were not obeyed")
    if now >= command.expires_at:
        if ignored:
            return verdict, End(state=CommandState.IGNORED, reason="accepted, and not obeyed until it expired")
        return verdict, out_of_time(progress)
    return verdict, Write()


def judge(
    setting: float, written: WriteRecord | None, evident_from: datetime, reading: Reading, timing: VendorTiming
) -> Verdict:
    """Whether the pump obeys. A reading is evidence only for the time its own stamp names.

    A setting that matches counts from `evident_from` on; one that does not counts once the write can no longer land.
    """
    if reading.setting is None:
        return Verdict.UNKNOWN
    if reading.setting == setting:
        return Verdict.OBEYED if reading.as_of >= evident_from else Verdict.UNKNOWN
    unsure_until = evident_from if written is None else written.in_flight_until(timing)
    return Verdict.UNKNOWN if reading.as_of < unsure_until else Verdict.NOT_OBEYED


def _evident_from(command: Command, progress: Progress, timing: VendorTiming) -> datetime:
    """From when on a matching setting can only mean obedience, not a picture from before."""
    written = progress.open_write
    if written is not None:
        # A different write before ours may land after it, and a matching picture in between would be luck.
        others = [w.in_flight_until(timing) for w in progress.earlier if w.setting != written.setting]
        return max([written.at, *others])
    # Nothing of ours is under way: what is seen counts as it stands, but for a picture so old that anybody may have
    # turned the knob since.
    return max([command.decided_at - timing.reading_max_age, *(w.in_flight_until(timing) for w in progress.earlier)])


def out_of_time(progress: Progress) -> End:
    """How a command ends whose time ran out before a (further) write."""
    if any(w.ignored for w in progress.writes):
        return End(state=CommandState.IGNORED, reason="accepted, and not obeyed until it expired")
    if any(w.answer is not Answer.REFUSED for w in progress.writes):
        return End(state=CommandState.UNVERIFIED, reason="written, but not seen to be obeyed before it expired")
    return End(state=CommandState.EXPIRED, reason="its time ran out before it could be written")

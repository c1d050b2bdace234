"""Dead letters: commands that ran out of time while still wanted, each with an owner, retried or discarded by a person.

Protects: a retry brings about the newest target, never the one that died; many retries never raise a street at once.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Refused, UseCaseError, invalid
from application.fan_out import Delivery, Progress, some_at_a_time
from application.pump_workflows import act, status
from domain.modes import Circuit, HotWaterMode, Mode, neutral_of
from domain.oem.errors import AuthExpired, Offline
from domain.steering.arbitration import target_at
from domain.steering.pump_state import RetryRequested
from ledger.queries.history import DISCARD

RAISED_WINDOW = timedelta(minutes=5)
"""A limit on raised power holds within any such stretch of steered time."""
RETRIED_OVER = timedelta(minutes=10)
"""Default for more than one retry, in steered time: a cloud that has just come back is weak."""
RAISED_AT_MOST_KW = 20.0
"""Default for the power raised within `RAISED_WINDOW`: a few homes of one street."""
HEAT_PER_KW = 3.0
"""Rated heat over the electric power that makes it: a rough figure that overestimates power rather than under."""


@dataclass(frozen=True)
class DeadLetter:
    """The newest dead letter of a pump's circuit, and how many there are of it."""

    command: str
    pump: str
    circuit: str
    target: str
    authority: str
    since: datetime
    """When the first of them died."""
    times: int
    reason: str
    owner: str
    ids: tuple[str, ...]
    """All of them, newest first."""


@dataclass(frozen=True)
class Due:
    """A retry and when, after the start, it is made."""

    letter: DeadLetter
    after: timedelta
    raised_kw: float
    """Electric power that it may add; 0 where the target raises nothing."""


async def dead_letters(access: Access) -> list[DeadLetter]:
    """Every dead letter not made up for or discarded, newest first; one per circuit."""
    by_circuit: dict[tuple[str, Circuit], list[dict[str, object]]] = {}
    for row in await access.ledger.history.dead_letters():
        circuit = Circuit.HEATING if row["mode"] in set(Mode) else Circuit.HOT_WATER
        by_circuit.setdefault((row["pump_id"], circuit), []).append(row)
    return [_letter(pump, circuit, rows) for (pump, circuit), rows in by_circuit.items()]


def _letter(pump: str, circuit: Circuit, rows: Sequence[dict[str, object]]) -> DeadLetter:
    newest, first = rows[0], rows[-1]
    owner, reason = _owner(newest)
    since = first["at"]
    assert isinstance(since, datetime)
    return DeadLetter(
        command=str(newest["command_id"]),
        pump=pump,
        circuit=circuit.value,
        target=str(newest["mode"]),
        authority=str(newest["authority"]),
        since=since,
        times=len(rows),
        reason=reason,
        owner=owner,
        ids=tuple(str(row["command_id"]) for row in rows),
    )


def _owner(row: dict[str, object]) -> tuple[str, str]:
    """Who must fix it, and why it died: the cloud's own last error where there is one."""
    refusal, reason = str(row["refusal"] or ""), str(row["reason"])
    said = refusal or reason
    if row["ask"] is not None or AuthExpired.__name__ in said:
        return "account holder", f"credentials of {row['account_id']}: {row['ask'] or said}"
    if row["is_silent"] or Offline.__name__ in said:
        return "household, then support", said if Offline.__name__ in said else f"the pump reports no more; {said}"
    return "operator", said


async def dead_letter_of(access: Access, command: str) -> DeadLetter:
    """The dead letter that a command is; raises Refused where it is none, or none any more."""
    for letter in await dead_letters(access):
        if command in letter.ids:
            return letter
    raise Refused(ErrorCode.UNKNOWN_DEAD_LETTER, f"{command} is no dead letter", command=command)


async def retry_one(access: Access, letter: DeadLetter, by: Actor) -> str:
    """Try the pump's newest target again now; returns that target."""
    event = RetryRequested(circuit=Circuit(letter.circuit))
    now = await act(access, letter.pump, "retry-letter", by, event, {"command": letter.command})
    return target_at(now.state, now.now, event.circuit).mode.value


async def discard(access: Access, letter: DeadLetter, by: Actor) -> None:
    """Give its target up until the target changes; it is listed no more. Neutral is never given up."""
    circuit = Circuit(letter.circuit)
    mode = Mode(letter.target) if circuit is Circuit.HEATING else HotWaterMode(letter.target)
    event = RetryRequested(circuit=circuit, give_up=True, mode=mode)
    await act(access, letter.pump, DISCARD, by, event, {"command": letter.command})
    for command in letter.ids[1:]:
        await audited(access, DISCARD, letter.pump, by, {"command": command}, _nothing_more)


async def _nothing_more() -> None:
    """The circuit's target is given up once; its older dead letters are only taken off the list."""


async def raised_by(access: Access, found: Sequence[DeadLetter]) -> dict[str, float]:
    """Electric kilowatts that retrying each letter (by command) may add now, by its pump's newest target."""

    async def one(command: str) -> float:
        letter = by_command[command]
        try:
            now = await status(access, letter.pump)
        except UseCaseError:
            return 0.0
        circuit = Circuit(letter.circuit)
        target = target_at(now.state, now.now, circuit).mode
        if target in (Mode.MIN, neutral_of(circuit)):
            return 0.0
        return (await access.ledger.pumps.profile(letter.pump)).enrolment.rated_heat_kw / HEAT_PER_KW

    by_command = {letter.command: letter for letter in found}
    return dict(zip(by_command, await some_at_a_time(list(by_command), one), strict=True))


def safely_spread(
    found: Sequence[DeadLetter], raised_kw: dict[str, float], over: timedelta | None, at_most_kw: float | None
) -> list[Due]:
    """As `spread`, with safe defaults for the limits not given; a big pump on its own is within the safe power."""
    if over is None:
        over = RETRIED_OVER if len(found) > 1 else timedelta()
    if at_most_kw is None:
        at_most_kw = max((RAISED_AT_MOST_KW, *raised_kw.values()))
    return spread(found, raised_kw, over, at_most_kw)


def spread(
    found: Sequence[DeadLetter], raised_kw: dict[str, float], over: timedelta, at_most_kw: float | None
) -> list[Due]:
    """Retries evenly over a time, later where within five minutes more power than allowed would be raised.

    Raises Refused where one pump alone takes more than that.
    """
    step = over / len(found) if found else timedelta()
    recent: deque[Due] = deque()
    schedule: list[Due] = []
    after = timedelta()
    for place, letter in enumerate(found):
        kw = raised_kw[letter.command]
        if at_most_kw is not None and kw > at_most_kw:
            raise invalid("at_most_kw", f"{letter.pump} alone takes {kw:.1f} kW", f"{at_most_kw:g}")
        after = max(after, place * step)
        while recent and at_most_kw is not None and _within(recent, after) + kw > at_most_kw:
            after = max(after, recent.popleft().after + RAISED_WINDOW)
        due = Due(letter=letter, after=after, raised_kw=kw)
        schedule.append(due)
        if kw:
            recent.append(due)
    return schedule


def _within(recent: deque[Due], after: timedelta) -> float:
    """Power raised in the window that ends at `after`; forgets what lies before it."""
    while recent and recent[0].after <= after - RAISED_WINDOW:
        recent.popleft()
    return sum(due.raised_kw for due in recent)


async def retry_all(
    access: Access, schedule: Sequence[Due], by: Actor, on_progress: Progress
) -> tuple[Delivery, dict[str, str]]:
    """Make the retries when they are due (steered). Returns what became of them, and by command the target retried."""
    start = access.now()
    done: list[str] = []
    problems: dict[str, str] = {}
    targets: dict[str, str] = {}
    for due in schedule:
        wait = access.clock.wall_duration(start + due.after - access.now()).total_seconds()
        if wait > 0:
            await asyncio.sleep(wait)
        try:
            targets[due.letter.command] = await retry_one(access, due.letter, by)
            done.append(due.letter.command)
        except UseCaseError as error:
            problems[due.letter.command] = str(error)
        on_progress(len(done) + len(problems), len(schedule))
    return Delivery(done=tuple(done), problems=problems), targets

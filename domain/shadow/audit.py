"""What became of another system's commands, by what the pumps themselves reported.

Protects: an HTTP status is no evidence; a command is called applied or never applied only where a reading shows it, and
what no reading tells is counted apart.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from domain.base import Instant, Value
from domain.modes import Mode
from domain.oem.lever import Lever
from domain.oem.readings import Reading

SAME_SETTING = 1e-3
"""Two settings closer than this are the same: clouds round."""
LATE_AFTER = timedelta(minutes=15)
"""A quarter-hour's price is over by then."""


class OtherCommand(Value):
    """One line of the other system's log."""

    pump_id: str
    at: Instant
    mode: Mode
    status: int
    """HTTP status that it was answered with."""
    setting: float | None = None
    """What it wrote, where its modes are other settings than ours."""

    @property
    def is_accepted(self) -> bool:
        """Whether the other system took it for done."""
        return 200 <= self.status < 300


class Fate(StrEnum):
    """What became of a command that was answered with success."""

    APPLIED = "applied"
    NEVER = "never-applied"
    NO_CHANGE = "no-change"
    """The lever stood there already: nothing tells whether the command was obeyed."""
    UNSEEN = "unseen"
    """No reading in time tells."""


@dataclass(frozen=True)
class Judged:
    """A command that was answered with success, and its fate."""

    command: OtherCommand
    fate: Fate
    delay: timedelta | None = None
    """From the command to the first reading that shows it; at most a reading's distance too long."""


def judge(
    commands: Sequence[OtherCommand], readings: Sequence[Reading], lever: Lever, longest_in_flight: timedelta
) -> list[Judged]:
    """The fates of one pump's accepted commands, oldest first; the others changed nothing.

    `longest_in_flight`: after this a write that the vendor took has either been applied or never will be.
    """
    accepted = sorted((one for one in commands if one.is_accepted), key=lambda one: one.at)
    seen = sorted(
        (reading.as_of, setting) for reading in readings if (setting := reading.setting_of(lever.name)) is not None
    )
    stamps = [stamp for stamp, _ in seen]
    judged = []
    for number, command in enumerate(accepted):
        following = accepted[number + 1].at if number + 1 < len(accepted) else None
        first = bisect_right(stamps, command.at)
        last = len(stamps) if following is None else bisect_right(stamps, following)
        before = seen[first - 1][1] if first else None
        judged.append(_judge(command, before, seen[first:last], lever, longest_in_flight))
    return judged


def _judge(
    command: OtherCommand,
    before: float | None,
    after: Sequence[tuple[datetime, float]],
    lever: Lever,
    longest_in_flight: timedelta,
) -> Judged:
    wanted = command.setting if command.setting is not None else lever.setting_for(command.mode)
    if before is not None and abs(before - wanted) < SAME_SETTING:
        return Judged(command, Fate.NO_CHANGE)
    shows = next((stamp for stamp, setting in after if abs(setting - wanted) < SAME_SETTING), None)
    if shows is not None:
        return Judged(command, Fate.APPLIED, shows - command.at)
    if any(stamp >= command.at + longest_in_flight for stamp, _ in after):
        return Judged(command, Fate.NEVER)
    return Judged(command, Fate.UNSEEN)


class ShadowFigures(Value):
    """What another system's commands came to at one vendor."""

    oem: str
    pumps: int
    commands: int
    accepted: int
    refused: dict[int, int]
    """By status."""
    applied: int
    never_applied: int
    no_change: int
    unseen: int
    never_applied_pct: float | None
    """Of those whose fate was seen; None where none was."""
    late: int
    """Applied later than a quarter of an hour."""
    delay_s_p50: float | None
    delay_s_p95: float | None


def figures(oem: str, commands: Sequence[OtherCommand], judged: Sequence[Judged]) -> ShadowFigures:
    """The commands of one vendor's pumps, summed up."""
    count = {fate: sum(one.fate is fate for one in judged) for fate in Fate}
    delays = sorted(one.delay for one in judged if one.delay is not None)
    told = count[Fate.APPLIED] + count[Fate.NEVER]
    refused: dict[int, int] = {}
    for command in commands:
        if not command.is_accepted:
            refused[command.status] = refused.get(command.status, 0) + 1
    return ShadowFigures(
        oem=oem,
        pumps=len({command.pump_id for command in commands}),
        commands=len(commands),
        accepted=len(judged),
        refused=dict(sorted(refused.items())),
        applied=count[Fate.APPLIED],
        never_applied=count[Fate.NEVER],
        no_change=count[Fate.NO_CHANGE],
        unseen=count[Fate.UNSEEN],
        never_applied_pct=round(100 * count[Fate.NEVER] / told, 2) if told else None,
        late=sum(delay > LATE_AFTER for delay in delays),
        delay_s_p50=_percentile(delays, 0.5),
        delay_s_p95=_percentile(delays, 0.95),
    )


def _percentile(delays: Sequence[timedelta], share: float) -> float | None:
    """The nearest-rank percentile, in seconds."""
    return delays[max(0, ceil(share * len(delays)) - 1)].total_seconds() if delays else None

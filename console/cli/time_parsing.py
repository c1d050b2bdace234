"""Times and durations as people type and read them, in local time."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from console.cli.errors import UsageError
from console.cli.words import TZ
from domain.local_clock import last_time, moments_of, next_time

Until = Annotated[str | None, typer.Option("--until", help="18:30 or 2026-01-15T18:30 (local time).")]
For = Annotated[str | None, typer.Option("--for", help="90m, 2h, 1d12h.")]

End = Callable[[datetime], datetime]
"""From the steered time at which it is asked to the end that was meant."""


MOST = 100_000
_DURATION = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")


def parse_duration(text: str, option: str = "--for", *, or_none: bool = False) -> timedelta:
    """ "2h", "90m", "1d12h", with `or_none` also "0m"; raises UsageError."""
    found = _DURATION.fullmatch(text.strip())
    if not found or not any(found.groups()):
        raise UsageError(f"{option} {text!r}: write a duration such as 90m, 2h or 1d12h")
    numbers = [part or "0" for part in found.groups()]
    if max(len(part) for part in numbers) > len(str(MOST)) or max(int(part) for part in numbers) > MOST:
        raise UsageError(f"{option} {text}: that is longer than any override may last")
    days, hours, minutes = (int(part) for part in numbers)
    lasts = timedelta(days=days, hours=hours, minutes=minutes)
    if not lasts and not or_none:
        raise UsageError(f"{option} {text}: that is no time at all")
    return lasts


def parse_until(text: str, now: datetime, tz: ZoneInfo) -> datetime:
    """ "18:30" (the next one, local) or an ISO date and time, local unless it names an offset; raises UsageError."""
    clock = _clock(text)
    if clock is not None:
        return next_time(clock, now, tz)
    meant = _moments(text, "--until", tz)
    return next((moment for moment in meant if moment > now), meant[-1])


def parse_at(text: str, now: datetime, tz: ZoneInfo) -> datetime:
    """ "06:40" (the last one, local) or an ISO date and time that is past; raises UsageError."""
    clock = _clock(text)
    if clock is not None:
        return last_time(clock, now, tz)
    meant = _moments(text, "--at", tz)
    moment = next((moment for moment in reversed(meant) if moment <= now), meant[0])
    if moment > now:
        raise UsageError(f"--at {text}: that is still to come; steered time is {now.astimezone(tz):%F %H:%M}")
    return moment


def parse_moment(text: str, now: datetime, tz: ZoneInfo) -> datetime:
    """ "18:30" (the nearest, local) or an ISO date and time, past or to come; raises UsageError."""
    clock = _clock(text)
    if clock is not None:
        last, coming = last_time(clock, now, tz), next_time(clock, now, tz)
        return last if now - last <= coming - now else coming
    return min(_moments(text, "--at", tz), key=lambda moment: abs(moment - now))


def end_of(until: str | None, duration: str | None, default: timedelta | None = None) -> End:
    """The end that was given, checked before anything is connected; raises UsageError where it is none or two."""
    if until is not None and duration is not None:
        raise UsageError("give one end: either --until 18:30 or --for 2h")
    if duration is not None:
        lasts = parse_duration(duration)
        return lambda now: now + lasts
    if until is not None:
        parse_until(until, datetime.now(UTC), TZ)
        return lambda now: parse_until(until, now, TZ)
    if default is None:
        raise UsageError("give an end: either --until 18:30 or --for 2h")
    return lambda now: now + default


def _clock(text: str) -> time | None:
    """A time of day; None for text that is none."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    hour, minute = (int(part) for part in found.groups())
    if hour > 23 or minute > 59:
        return None
    return time(hour, minute)


def _moments(text: str, option: str, tz: ZoneInfo) -> tuple[datetime, ...]:
    """The moments that an ISO date and time can mean: two where it is local and the clocks show it twice."""
    try:
        moment = datetime.fromisoformat(text.strip()) if text.isascii() else None
    except ValueError:
        moment = None
    if moment is None:
        raise UsageError(f"{option} {text!r}: write 18:30 or 2026-01-15T18:30")
    if not 2000 <= moment.year < 2100:
        raise UsageError(f"{option} {text}: that year is out of reach")
    return (moment,) if moment.tzinfo else moments_of(moment, tz)

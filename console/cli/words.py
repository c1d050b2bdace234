"""Small texts that several commands print: local times, counts, levels."""

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

TZ = ZoneInfo("Europe/Berlin")


def local(moment: datetime | None) -> str:
    """A moment in local time; "-" for none."""
    return "-" if moment is None else f"{moment.astimezone(TZ):%d %b %H:%M}"


def clock_of(moment: datetime) -> str:
    """Its local time of day."""
    return f"{moment.astimezone(TZ):%H:%M}"


def level_word(level: StrEnum | None) -> str:
    """A level, or unknown."""
    return "unknown" if level is None else level.value


def counted(number: int, one: str, many: str | None = None) -> str:
    """ "1 pump", "2 pumps"."""
    return f"{number} {one if number == 1 else many or one + 's'}"

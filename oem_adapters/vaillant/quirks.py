"""What is peculiar to this cloud: a quota that speaks in a 403, a veto that is not made twice, untold ranges.

Protects: a 403 is read by its words, for it stands for a used-up quota as well as for a missing right.
"""

import re
from datetime import datetime, timedelta

import httpx
from pydantic import ValidationError

from domain.oem.errors import NotExecutable, OemError, RateLimited
from oem_adapters.vaillant.models import REFUSAL

ROOM_RANGE_C = (5.0, 30.0)
ROOM_STEP_C = 0.5
TANK_RANGE_C = (35.0, 70.0)
"""For a tank that tells none."""
TANK_STEP_C = 1.0
"""Half degrees are refused."""

QUICK_VETO = "QUICK_VETO"
AWAY = "HOLIDAY"
OFF = "SYSTEM_OFF"
MANUAL, BY_PROGRAM = "MANUAL", "TIME_CONTROLLED"
CHARGING = "DHW"

ROOM_C = (-10.0, 50.0)
OUTDOOR_C = (-60.0, 60.0)
WATER_C = (1.0, 100.0)
"""Values that a sensor can give; 0 stands for a circuit or a zone that wants nothing."""

MEMORY_LIFE = timedelta(hours=24)
"""How long ranges and the household's own setting are believed without a look."""

_QUOTA = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})")
_SHORTEST_WAIT, _LONGEST_WAIT = timedelta(seconds=1), timedelta(days=7)
_CONFLICT = 409


def refusal_of(what: str, answer: httpx.Response, is_write: bool, now: datetime) -> OemError | None:
    """An answer outside of 2xx by its own words; None where they say no more than its status."""
    if answer.status_code == _CONFLICT and is_write:
        return NotExecutable(f"{what}: it does not fit the state that the zone is in ({_CONFLICT}).")
    try:
        message = REFUSAL.validate_json(answer.content).message
    except ValidationError:
        return None
    if "quota" not in message.casefold():
        return None
    told = _QUOTA.search(message)
    if told is None:
        return RateLimited(f"{what} was refused: the call quota is used up.", now + timedelta(hours=1))
    days, hours, minutes, seconds = (int(part or 0) for part in told.groups())
    wait = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return RateLimited(
        f"{what} was refused: the call quota is used up.", now + min(max(wait, _SHORTEST_WAIT), _LONGEST_WAIT)
    )


def within(value: float | None, span: tuple[float, float]) -> float | None:
    """A value that can be true; None for any other."""
    return value if value is not None and span[0] <= value <= span[1] else None

"""Times and durations as people type them on a command line."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from console.complaints import WrongInput

MOST = 100_000
_DURATION = re.compile(r"^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?$")


def parse_duration(text: str) -> timedelta:
    """ "2h", "90m", "1d12h"; raises WrongInput."""
    found = _DURATION.match(text.strip())
    if not found or not any(found.groups()):
        raise WrongInput(f"--for {text}: write a duration such as 90m, 2h or 1d12h")
    days, hours, minutes = (int(part or 0) for part in found.groups())
    if max(days, hours, minutes) > MOST:
        raise WrongInput(f"--for {text}: that is longer than anything can be wished for")
    return timedelta(days=days, hours=hours, minutes=minutes)


def parse_until(text: str, now: datetime, tz: ZoneInfo) -> datetime:
    """ "18:30" (the next one, local) or an ISO date and time, local unless it names an offset; raises WrongInput."""
    if re.fullmatch(r"\d{1,2}:\d{2}", text):
        hour, minute = (int(part) for part in text.split(":"))
        if hour < 24 and minute < 60:
            local = now.astimezone(tz).replace(hour=hour, minute=minute, second=0, microsecond=0)
            return local if local > now else local + timedelta(days=1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongInput(f"--until {text}: write 18:30 or 2026-01-15T18:30") from None
    if not 2000 <= moment.year < 2100:
        raise WrongInput(f"--until {text}: that year is out of reach")
    return moment if moment.tzinfo else moment.replace(tzinfo=tz)

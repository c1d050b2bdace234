"""Overrides: wishes of people that outrank the plan, each with a kind, an author, a reason and an end.

Protects: nobody's wish is lost or endless.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.base import Instant, Value
from domain.modes import Mode

LONGEST_OVERRIDE = timedelta(days=14)


class OverrideKind(StrEnum):
    """Whose wish it is; the household's outranks support's and the operator's."""

    HOUSEHOLD = "household"
    SUPPORT = "support"
    OPERATOR = "operator"


class Override(Value):
    """A wish for one mode until an end."""

    override_id: Annotated[str, Field(min_length=1, max_length=64)]
    kind: OverrideKind
    mode: Mode
    requested_at: Instant
    until: Instant
    who: Annotated[str, Field(min_length=1, max_length=80)]
    why: Annotated[str, Field(min_length=1, max_length=400)]


def problem_with(override: Override, now: Instant) -> str | None:
    """Why this override cannot be taken at `now`, as a sentence; None where it can."""
    if override.until <= now:
        return (
            f"the override would end at {override.until:%F %H:%M} UTC, which is past: "
            f"give an end after {now:%F %H:%M} UTC"
        )
    if override.until - now > LONGEST_OVERRIDE:
        days = (override.until - now).days
        return f"the override would last {days} days: give an end within {LONGEST_OVERRIDE.days} days"
    return None


def strongest(overrides: tuple[Override, ...], now: Instant) -> Override | None:
    """The override in force: the household's newest, else the newest of the others."""
    running = [o for o in overrides if o.until > now]
    return max(running, key=lambda o: (o.kind is OverrideKind.HOUSEHOLD, o.requested_at, o.override_id), default=None)

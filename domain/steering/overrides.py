"""Overrides: people's requests that outrank the plan, each with a kind, an author, a reason and an end.

Protects: nobody's override is lost or endless, and of several overrides for one pump one rule says which is in force.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.base import Instant, Value
from domain.homes.site import Emitter
from domain.modes import Circuit, HotWaterMode, Mode

LONGEST_OVERRIDE = timedelta(days=14)
LONGEST_VACATION = timedelta(days=120)
WARM_UP = {Emitter.RADIATOR: timedelta(hours=10), Emitter.FLOOR: timedelta(hours=20)}
"""How long before a return a home is warmed again: a house recovers from our set-back within about this."""


class OverrideSource(StrEnum):
    """Whose override it is; the household's outranks support's and the operator's."""

    HOUSEHOLD = "household"
    SUPPORT = "support"
    OPERATOR = "operator"


class OverrideKind(StrEnum):
    """What is asked for."""

    MODE = "mode"
    """A mode for heating, as given."""
    PAUSE = "pause"
    """Leave the pump to its own control."""
    VACATION = "vacation"
    """Nobody home: set back, frost-safe, and warm again on return."""
    EMERGENCY = "emergency"
    """As much heat as the pump can give."""
    THERMOSTAT = "thermostat"
    """Somebody set the pump by hand: their setting stands, as the new baseline."""


class Override(Value):
    """A request until an end."""

    override_id: Annotated[str, Field(min_length=1, max_length=64)]
    source: OverrideSource
    kind: OverrideKind = OverrideKind.MODE
    mode: Mode
    """Asked of the heating; for other kinds than `mode` what they come down to at their strongest."""
    hot_water: HotWaterMode | None = None
    """Asked of the hot water; None leaves it to the plan."""
    circuit: Circuit | None = None
    """The one circuit that it binds; None for the whole pump."""
    requested_at: Instant
    until: Instant
    who: Annotated[str, Field(min_length=1, max_length=80)]
    why: Annotated[str, Field(min_length=1, max_length=400)]

    def mode_at(self, now: datetime, emitter: Emitter) -> Mode:
        """What it asks of the heating now: a vacation warms the home before its end."""
        if self.kind is OverrideKind.VACATION and now >= self.until - WARM_UP[emitter]:
            return Mode.MID
        return self.mode

    def hot_water_at(self, now: datetime, emitter: Emitter) -> HotWaterMode | None:
        """What it asks of the hot water now; None leaves it to others."""
        if self.kind is OverrideKind.VACATION and now >= self.until - WARM_UP[emitter]:
            return HotWaterMode.NORMAL
        return self.hot_water

    def next_change(self, now: datetime, emitter: Emitter) -> datetime:
        """When it next asks for something else, its end included."""
        warm_from = self.until - WARM_UP[emitter]
        return warm_from if self.kind is OverrideKind.VACATION and now < warm_from else self.until


def asked_of(kind: OverrideKind, mode: Mode | None = None) -> tuple[Mode, HotWaterMode | None]:
    """The levels a kind comes down to; `mode` is needed for, and only for, `OverrideKind.MODE`."""
    match kind:
        case OverrideKind.MODE:
            if mode is None:
                raise ValueError("an override of a mode needs the mode")
            return mode, None
        case OverrideKind.PAUSE | OverrideKind.THERMOSTAT:
            return Mode.LOW, HotWaterMode.NORMAL
        case OverrideKind.VACATION:
            return Mode.MIN, HotWaterMode.HOLD
        case OverrideKind.EMERGENCY:
            return Mode.MAX, HotWaterMode.NORMAL


def problem_with(override: Override, now: Instant) -> str | None:
    """Why this override cannot be taken at `now`, as a sentence; None where it can."""
    if override.until <= now:
        return (
            f"the override would end at {override.until:%F %H:%M} UTC, which is past: "
            f"give an end after {now:%F %H:%M} UTC"
        )
    longest = LONGEST_VACATION if override.kind is OverrideKind.VACATION else LONGEST_OVERRIDE
    if override.until - now > longest:
        days = (override.until - now).days
        return f"the override would last {days} days: give an end within {longest.days} days"
    return None


def strongest(overrides: tuple[Override, ...], now: Instant, circuit: Circuit = Circuit.HEATING) -> Override | None:
    """The override in force on a circuit: the household's newest, else the newest of the others."""
    running = [o for o in overrides if o.until > now and o.circuit in (None, circuit)]
    return max(
        running, key=lambda o: (o.source is OverrideSource.HOUSEHOLD, o.requested_at, o.override_id), default=None
    )

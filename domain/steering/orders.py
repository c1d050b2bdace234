"""Orders: what operators impose on many pumps at once, by rule and not by mode: stops, grid limits, blackouts.

Protects: an order is one value with an id, so that giving or lifting it twice changes nothing; what ends for many ends
staggered, so that a fleet never returns as one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from domain.base import Instant, Value, own_share
from domain.homes.dimming import SECTION_14A
from domain.modes import Mode

LONGEST_LIMIT = timedelta(hours=24)
STAGGER = timedelta(minutes=15)
"""Pumps that an order held come back within this, each at its own time."""


class OrderKind(StrEnum):
    """What is imposed."""

    STOP = "stop"
    """No plan is followed: neutral, unless a person asks for something else."""
    LIMIT = "limit"
    """The grid takes no more than a mode."""
    SECTION_14A = "section-14a"
    """A German grid operator dims controllable devices to a power: nothing of ours raises a pump meanwhile."""
    BACKUP = "backup"
    """The site runs on a battery or a generator: as little as the floor allows."""
    BLACKOUT = "blackout"
    """No power: nothing is written until it is back."""
    SHADOW = "shadow"
    """Another system steers and holds the only right to write: the pump is observed and reported on."""


_OF_THE_GRID = (OrderKind.LIMIT, OrderKind.SECTION_14A)


class Order(Value):
    """Something imposed on a pump until it is lifted or ends."""

    order_id: Annotated[str, Field(min_length=1, max_length=64)]
    kind: OrderKind
    scope: Annotated[str, Field(min_length=1, max_length=80)]
    """Whom it was given for, in a word: `all`, `oem:VENDOR`, `area:feeder-1`, `segment:...`, `plan:12`, `pump:...`."""
    cap: Mode | None = None
    """The highest mode under a limit."""
    limit_kw: Annotated[float, Field(ge=SECTION_14A.least_kw, le=100)] | None = None
    """What each heat pump may draw under a dimming."""
    revision: int | None = None
    """A stop of one plan's revision only."""
    since: Instant
    until: Instant | None = None
    lifted_at: Instant | None = None
    who: Annotated[str, Field(min_length=1, max_length=80)]
    why: Annotated[str, Field(min_length=1, max_length=400)]

    @model_validator(mode="after")
    def _is_whole(self) -> "Order":
        if self.kind is OrderKind.LIMIT and self.cap not in (Mode.MIN, Mode.LOW):
            raise ValueError("a limit needs a cap of MIN or LOW: anything above is no limit")
        if (self.kind is OrderKind.SECTION_14A) != (self.limit_kw is not None):
            raise ValueError(f"{OrderKind.SECTION_14A.value} needs a limit in kW, and nothing else has one")
        if self.kind in _OF_THE_GRID and self.until is None:
            raise ValueError(f"a grid limit needs an end, within {LONGEST_LIMIT.total_seconds() / 3600:.0f} hours")
        return self

    @property
    def highest(self) -> Mode | None:
        """The highest mode it allows; None where it caps nothing."""
        match self.kind:
            case OrderKind.BACKUP:
                return Mode.MIN
            case OrderKind.SECTION_14A:
                return Mode.LOW
        return self.cap

    @property
    def what(self) -> str:
        """What is imposed, in a few words."""
        cap = f" at most {self.cap.value}" if self.cap else ""
        return f"{self.kind.value}{cap}" + (f" to {self.limit_kw:g} kW" if self.limit_kw is not None else "")

    def ends_at(self, pump_id: str) -> datetime | None:
        """When this pump is free of it: the end, and the pump's own share of the stagger; None while it stands."""
        ends = [moment for moment in (self.until, self.lifted_at) if moment is not None]
        return min(ends) + stagger(pump_id) if ends else None

    def holds(self, pump_id: str, now: datetime) -> bool:
        """Whether this pump is under it: from when it is known, whatever clock wrote `since`."""
        end = self.ends_at(pump_id)
        return end is None or now < end


def problem_with_order(order: Order, now: datetime) -> str | None:
    """Why this order cannot be taken at `now`, as a sentence; None where it can."""
    if order.until is not None and order.until <= now:
        return f"the order would end at {order.until:%F %H:%M} UTC, which is past: give an end after {now:%F %H:%M} UTC"
    if order.until is not None and order.kind in _OF_THE_GRID and order.until - now > LONGEST_LIMIT:
        return f"a grid limit lasts at most {LONGEST_LIMIT.total_seconds() / 3600:.0f} hours: give an earlier end"
    return None


def hours_under(orders: Iterable[Order], start: datetime, end: datetime) -> float:
    """Hours of [start, end) in which at least one of these orders stood; one without an end stands until `end`."""
    hours, known = 0.0, start
    for order in sorted(orders, key=lambda one: one.since):
        ended = min(moment for moment in (order.until, order.lifted_at, end) if moment is not None)
        since = max(order.since, known)
        if ended > since:
            hours += (ended - since) / timedelta(hours=1)
            known = ended
    return hours


def stagger(pump_id: str) -> timedelta:
    """The pump's own delay when many come back: fixed per pump, spread evenly over `STAGGER`."""
    return STAGGER * own_share(f"stagger/{pump_id}")

"""What observation last said of a unit and its home, as far as it binds steering."""

from domain.base import Instant, Value
from domain.oem.readings import Condition


class Watch(Value):
    """The unit's condition and the floors it was seen below; part of a pump's state."""

    as_of: Instant | None = None
    condition: Condition = Condition.NORMAL
    silent_since: Instant | None = None
    """None while it reports."""
    is_cold: bool = False
    """A room below the site's floor, until it is clearly above it again."""
    is_tank_cold: bool = False
    stamp: Instant | None = None
    """The newest reading's own timestamp, by whatever clock: a reading with the same one is the same reading."""
    read_only_until: Instant | None = None
    """A write was refused because remote control is off; the next one is tried then."""
    competing_until: Instant | None = None
    """Somebody sets the lever in a pattern that is no person's; until then it is left alone."""
    cool_until: Instant | None = None
    """A room was too cool for a set-back to begin; it is checked again then."""

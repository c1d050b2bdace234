"""How a vendor's cloud and pumps behave in time.

Protects: what is looked for, and when, comes from the vendor's manifest and from nowhere else.
"""

from datetime import timedelta

from domain.base import Value


class VendorTiming(Value):
    """How a vendor's cloud and pumps behave in time; all durations steered."""

    usual_delay: timedelta
    """When a first read after a write usually shows it."""
    look_again: timedelta
    """Interval between further reads."""
    longest_in_flight: timedelta
    """After this a write that was taken has either been applied or never will be."""
    reading_max_age: timedelta
    """An older reading is stale: unknown, not believed."""

    observe_calls: float = 1.0
    """Calls that one observation of one pump costs."""
    reads_accounts: bool = False
    """Whether one observation is of all pumps of an account (`domain.oem.ports.BulkReader`)."""

"""Rules for extreme weather, the same for planner and pump.

Protects: in a long cold a home is never set back, whatever it would save: a house that fell
behind then cannot catch up.
"""

from collections.abc import Sequence

COLD_SNAP_SLOTS = 192
"""Two days of forecast: as long as a house must be safe with whatever was last set."""
LEAST_SLOTS = 48
"""With less forecast than this nothing is said of a cold snap."""
ABOVE_DESIGN_K = 5.0


def is_cold_snap(outdoor_c: Sequence[float], design_outdoor_c: float) -> bool:
    """Whether the next 48 hours' mean forecast (one per slot, degrees C) is below the design temperature + 5 K."""
    ahead = outdoor_c[:COLD_SNAP_SLOTS]
    return len(ahead) >= LEAST_SLOTS and sum(ahead) / len(ahead) < design_outdoor_c + ABOVE_DESIGN_K

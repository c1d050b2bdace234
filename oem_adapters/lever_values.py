"""Values a lever can take: what the vendor's range and step allow.

Protects: what is written lies in range and on step in real units; a cloud that gets anything else refuses it, or worse.
"""

import math

from domain.oem.cloud import Capability, LeverRange

_OFF_STEP = 1e-6
"""How far a setting may lie off the grid, in steps: floating-point dust, not another setting."""


def nearest_allowed(lever: Capability | LeverRange, wished: float) -> float:
    """The allowed setting nearest to the wish. Halfway goes up: rather a touch too warm than too cold."""
    if math.isnan(wished):
        raise ValueError("a wished setting must be a number")
    minimum, maximum, step = lever.minimum, lever.maximum, lever.step
    within = min(max(wished, minimum), maximum)
    if step <= 0:
        return within
    steps = min(math.floor((within - minimum) / step + 0.5), steps_in(minimum, maximum, step))
    return round(minimum + steps * step, 6)


def steps_in(minimum: float, maximum: float, step: float) -> int:
    """How many whole steps fit into a range."""
    return math.floor((maximum - minimum) / step + _OFF_STEP)


def why_not_allowed(minimum: float, maximum: float, step: float, setting: float) -> str | None:
    """Half a sentence on what is wrong with a setting; None where it is allowed."""
    if not math.isfinite(setting):
        return "is no number"
    if not minimum - _OFF_STEP <= setting <= maximum + _OFF_STEP:
        return f"lies outside {minimum:g} to {maximum:g}"
    if step > 0:
        position = (setting - minimum) / step
        if abs(position - round(position)) > _OFF_STEP:
            return f"is not on the step of {step:g} from {minimum:g}"
    return None

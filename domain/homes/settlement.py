"""Settlement: how a home's consumption is measured for its bill, and whose money shifting it is to save.

Protects: nobody is credited with a saving that their meter cannot show.
"""

from enum import StrEnum


class Settlement(StrEnum):
    """By what a home's consumption is priced at the wholesale market."""

    PROFILE = "profile"
    """A standard load profile: when the home really consumed is not known, and moves no wholesale cost."""
    HOUR = "hour"
    """A meter read by the hour: every quarter of an hour costs the hour's mean."""
    QUARTER = "quarter"
    """A meter read by the quarter of an hour."""


class Benefit(StrEnum):
    """Whose cost the planner lowers."""

    HOUSEHOLD = "household"
    """What the home pays under its tariff."""
    SUPPLIER = "supplier"
    """What the supplier pays at the wholesale market; fees and taxes pass through it."""


MOST_UNPAID_KWH_PER_DAY = 1.0
"""Electricity for heating beyond own control's that a household may be made to pay for on a day on which its supplier
alone gains: about a kilowatt-hour, the standing losses of a house held half a kelvin warmer for some hours."""


def most_extra_kwh(benefit: Benefit) -> float | None:
    """How much more than under own control a plan may let a home use on a day; None for no limit of its own."""
    return MOST_UNPAID_KWH_PER_DAY if benefit is Benefit.SUPPLIER else None


def earns_by_moving(settlement: Settlement, benefit: Benefit) -> bool:
    """Whether moving consumption can earn whoever it is to earn for anything at all.

    Under a profile the supplier's cost is the profile's; a household may still have a grid fee by time of use.
    """
    return not (settlement is Settlement.PROFILE and benefit is Benefit.SUPPLIER)

"""When a plan is to be made again because its prices are not the newest any more.

Protects: prices that arrive late reach every plan that was made without them, and a revision that changes nothing worth
a command costs no vendor a call.
"""

from datetime import date, datetime, timedelta

from domain.base import Instant, Value
from domain.planning.intraday import MOVE_EUR, earned_by_moving
from domain.planning.series import Basis, WholesalePrices
from domain.slots import SLOT

MATTERS_EUR_PER_MWH = 5.0
"""Half a cent a kilowatt-hour: moving an hour of a heat pump for less saves too little for the calls it takes."""
LEAST_BETWEEN = timedelta(minutes=15)
"""Steered, between plans renewed for a revision of published prices: a slot's length, so that a series that changes by
the minute does not spend a day's writes in an hour. Late prices wait for nothing."""


class Tried(Value):
    """A plan that was made again, or tried to be."""

    price_area: str
    day: date
    version: int
    """Of the prices."""
    at: Instant


def may_wait(planned: WholesalePrices, newest: WholesalePrices) -> bool:
    """Whether a newer series can wait until a plan is `LEAST_BETWEEN` old: not where prices were missing, and not the
    first that the intraday market says."""
    is_first = bool(newest.later_eur_per_mwh) and not planned.later_eur_per_mwh
    return planned.basis is Basis.PUBLISHED and not is_first


def what_changed(planned: WholesalePrices, newest: WholesalePrices, start: datetime, end: datetime) -> str | None:
    """Why slots in [start, end) are worth planning again with the newer prices, in words; None where they are not.

    Both series must cover the slots.
    """
    slots = (end - start) // SLOT
    if slots < 1:
        return None
    if planned.basis is not Basis.PUBLISHED:
        return f"prices were {planned.basis.value} and are {newest.basis.value} now"
    if planned.later_eur_per_mwh != newest.later_eur_per_mwh:
        most_eur = earned_by_moving(planned, newest, start, slots)
        return f"intraday prices changed, worth up to {100 * most_eur:.1f} ct a pump" if most_eur >= MOVE_EUR else None
    pairs = zip(planned.cut(start, slots).price_eur_per_mwh, newest.cut(start, slots).price_eur_per_mwh, strict=True)
    most = max(abs(one - other) for one, other in pairs)
    return f"prices changed by up to {most:.2f} EUR/MWh" if most >= MATTERS_EUR_PER_MWH else None

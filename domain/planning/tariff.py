"""Tariffs: from the wholesale price to what a home pays.

Protects: the planner's objective is in the home's money; a wholesale series never reaches it by accident.
"""

from domain.planning.series import HomePrices, WholesalePrices

SPOT = "spot"
"""The home pays the wholesale price itself. Taxes and grid fees that are the same in every slot change no schedule;
whatever varies by slot needs a tariff of its own here."""
TARIFFS = (SPOT,)


def home_prices(wholesale: WholesalePrices, tariff: str) -> HomePrices:
    """What a home on this tariff pays, slot by slot; LookupError for a tariff that is not known."""
    if tariff not in TARIFFS:
        raise LookupError(f"tariff {tariff!r} is not known; known are {', '.join(TARIFFS)}")
    return HomePrices(
        tariff=tariff,
        source=wholesale.source,
        start=wholesale.start,
        price_eur_per_mwh=wholesale.price_eur_per_mwh,
    )

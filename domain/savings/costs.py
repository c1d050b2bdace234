"""What a day's energy costs at some prices, and would have cost unsteered.

Protects: heat that was borrowed from a house is paid back before anything counts as saved.
"""

from collections.abc import Sequence

from domain.homes.panels import OwnSun
from domain.savings.energy import EnergyCourse
from domain.slots import SLOT_HOURS

KWH_PER_MWH = 1000.0


def settle(
    energy: EnergyCourse,
    price_eur_per_mwh: Sequence[float],
    neutral_kwh: Sequence[float],
    borrowed_kwh: float,
    sun: OwnSun | None = None,
) -> tuple[float, float, float, float]:
    """Cost, cost at the mean price, neutral's expected cost and the unsteered counterfactual of a day, in euros.

    Prices and `neutral_kwh` (the model's) are per slot of the course. `borrowed_kwh` is the electricity that would
    bring the house back to the warmth it began the day with: negative where it ended warmer. What the home's roof
    had left over (`sun`) costs what feeding it in would have earned.
    """
    mean = sum(price_eur_per_mwh) / len(price_eur_per_mwh)
    cost = _cost(energy.kwh, price_eur_per_mwh, sun)
    flat = sum(energy.kwh) * mean / KWH_PER_MWH
    expected = _cost(neutral_kwh, price_eur_per_mwh, sun)
    modelled = sum(neutral_kwh)
    settled_kwh = max(0.0, sum(energy.kwh) + borrowed_kwh)
    unsteered = expected * settled_kwh / modelled if modelled > 0 else flat
    return cost, flat, expected, unsteered


def _cost(kwh: Sequence[float], price_eur_per_mwh: Sequence[float], sun: OwnSun | None) -> float:
    paid = price_eur_per_mwh
    if sun is not None:
        paid = [sun.paid(t, k / SLOT_HOURS, p) for t, (k, p) in enumerate(zip(kwh, price_eur_per_mwh, strict=True))]
    return sum(k * p for k, p in zip(kwh, paid, strict=True)) / KWH_PER_MWH

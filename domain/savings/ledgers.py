"""Two ledgers of one home-day: what the household pays, and what its supplier pays for the same energy.

Protects: nobody's saving is counted as another's: what the supplier buys is settled at the wholesale price of the
home's settlement, what the household owes at its tariff, whoever the planner saves for.
"""

from collections.abc import Sequence

from domain.base import Value
from domain.homes.panels import OwnSun
from domain.homes.settlement import Benefit, Settlement
from domain.planning.series import WholesalePrices
from domain.planning.tariff import PartKind, Tariff, home_prices, price_parts, settled
from domain.savings.costs import KWH_PER_MWH, settle
from domain.savings.energy import EnergyCourse
from domain.slots import SLOT, SLOT_HOURS

SUPPLIERS_PARTS = frozenset({PartKind.SPOT, PartKind.SUPPLIER})
"""What of a bill the supplier keeps; the rest passes through it to grid and state."""


class Ledgers(Value):
    """Both, in euros; `unsteered` is the model's counterfactual (see `costs.settle`)."""

    household_eur: float
    household_unsteered_eur: float
    supplier_cost_eur: float
    """The purchase at the wholesale market."""
    supplier_unsteered_eur: float
    supplier_billed_eur: float
    """What the household is billed for energy and the supplier's fee, without VAT."""


def ledgers_of(
    wholesale: WholesalePrices,
    tariff: Tariff,
    settlement: Settlement,
    energy: EnergyCourse,
    neutral_kwh: Sequence[float],
    borrowed_kwh: float,
    sun: OwnSun | None = None,
) -> Ledgers:
    """Both ledgers of a day; the last three as in `costs.settle`. What a home's roof gave, no supplier bought."""
    unbought = None if sun is None else sun.model_copy(update={"feed_in_eur_per_mwh": 0.0})
    found: dict[Benefit, tuple[float, float]] = {}
    for whose in Benefit:
        prices = home_prices(wholesale, tariff, settlement, whose).cut(energy.start, len(energy.kwh))
        roof = sun if whose is Benefit.HOUSEHOLD else unbought
        cost, _, _, unsteered = settle(energy, prices.price_eur_per_mwh, neutral_kwh, borrowed_kwh, roof)
        found[whose] = round(cost, 6), round(unsteered, 6)
    household, supplier = found[Benefit.HOUSEHOLD], found[Benefit.SUPPLIER]
    return Ledgers(
        household_eur=household[0],
        household_unsteered_eur=household[1],
        supplier_cost_eur=supplier[0],
        supplier_unsteered_eur=supplier[1],
        supplier_billed_eur=round(_billed_eur(wholesale, tariff, settlement, energy, unbought), 6),
    )


def _billed_eur(
    wholesale: WholesalePrices, tariff: Tariff, settlement: Settlement, energy: EnergyCourse, unbought: OwnSun | None
) -> float:
    spot, skip = settled(wholesale, settlement), (energy.start - wholesale.start) // SLOT
    total = 0.0
    for n, kwh in enumerate(energy.kwh):
        parts = price_parts(tariff, energy.start + n * SLOT, spot[skip + n])
        eur_per_mwh = sum(part.eur_per_mwh for part in parts if part.kind in SUPPLIERS_PARTS)
        if unbought is not None:
            eur_per_mwh = unbought.paid(n, kwh / SLOT_HOURS, eur_per_mwh)
        total += kwh * eur_per_mwh / KWH_PER_MWH
    return total

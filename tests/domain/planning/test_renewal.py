"""Which newer prices are worth a new plan."""

from datetime import timedelta

from domain.planning.renewal import MATTERS_EUR_PER_MWH, what_changed
from domain.planning.series import Basis
from domain.slots import SLOT
from tests.builders import MIDNIGHT
from tests.ledger.builders import prices

DAY = (MIDNIGHT, MIDNIGHT + timedelta(days=1))


def with_one_slot_off(slot: int, by: float) -> tuple[float, ...]:
    listed = list(prices().price_eur_per_mwh)
    listed[slot] += by
    return tuple(listed)


def test_published_prices_always_replace_what_was_estimated_or_flat() -> None:
    for basis in (Basis.ESTIMATED, Basis.FLAT):
        planned = prices().model_copy(update={"basis": basis})
        assert what_changed(planned, prices(), *DAY) == f"prices were {basis.value} and are published now"


def test_a_revision_matters_from_half_a_cent_on_in_a_slot_that_is_still_to_come() -> None:
    revised = prices().model_copy(update={"price_eur_per_mwh": with_one_slot_off(40, MATTERS_EUR_PER_MWH)})
    assert what_changed(prices(), revised, *DAY) == "prices changed by up to 5.00 EUR/MWh"
    assert what_changed(prices(), revised, MIDNIGHT + 40 * SLOT, DAY[1]) is not None
    assert what_changed(prices(), revised, MIDNIGHT + 41 * SLOT, DAY[1]) is None
    slight = prices().model_copy(update={"price_eur_per_mwh": with_one_slot_off(40, MATTERS_EUR_PER_MWH - 0.1)})
    assert what_changed(prices(), slight, *DAY) is None


def test_a_day_that_is_over_is_never_planned_again() -> None:
    flat = prices().model_copy(update={"basis": Basis.FLAT})
    assert what_changed(flat, prices(), DAY[1], DAY[1]) is None

"""Extreme market days, planned and played in houses of another physics, in winter weather: what sensible means of each.

Protects: a day that the market makes strange, or does not price at all, is steered to nobody's harm.
"""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.shifting import PRICE_AREA, TZ, play
from domain.planning.estimate import estimated_prices, flat_prices
from domain.planning.series import Basis, WholesalePrices
from domain.slots import market_day_slots

WINTER = date(2026, 1, 15)
SPRING, AUTUMN = date(2026, 3, 29), date(2025, 10, 26)
PUMPS, SEED = 4, 3
MOST_CHANGES = 8
MOST_KELVIN_HOURS = 0.05
"""A pump's, beyond own control's, on a day."""
MOST_STARTS = 2.0
"""A compressor's, beyond own control's, on a day: a raise and a set-back each end in one."""

type PriceOf = Callable[[datetime], float]


def usual(local: datetime) -> float:
    """A winter day with its two peaks."""
    peak = 70.0 if local.hour in (7, 8, 17, 18, 19) else 0.0
    return 90.0 + peak - (25.0 if local.hour < 5 else 0.0) + local.hour / 10 + local.minute / 100


def spike(local: datetime) -> float:
    """As on 2024-12-12: two hours at nearly ten times the rest."""
    return 936.0 if local.hour in (17, 18) else usual(local)


def negative(local: datetime) -> float:
    """Below zero from midnight to midnight, by far the most at noon."""
    return -10.0 - (200.0 if 11 <= local.hour < 15 else 0.0) + local.hour / 10


def series(day: date, price: PriceOf) -> WholesalePrices:
    slots = market_day_slots(day, TZ)
    return WholesalePrices(
        price_area=PRICE_AREA,
        source="as the test says",
        resolution_min=15,
        start=slots[0],
        price_eur_per_mwh=tuple(price(slot.astimezone(TZ)) for slot in slots),
    )


def played(folder: Path, price: PriceOf, day: date = WINTER, planned: WholesalePrices | None = None) -> dict[str, Any]:
    slots = market_day_slots(day, TZ)
    document = {
        "license_info": "as the test says",
        "unix_seconds": [int(slot.timestamp()) for slot in slots],
        "price": [round(price(slot.astimezone(TZ)), 2) for slot in slots],
        "unit": "EUR / MWh",
        "deprecated": False,
    }
    file = folder / "day.json"
    file.write_text(json.dumps(document))
    return play(SEED, day, PUMPS, file, None, planned)


def test_on_a_spike_day_at_most_half_of_what_own_control_takes_is_taken_in_the_eight_dearest_slots(
    tmp_path: Path,
) -> None:
    day = played(tmp_path, spike)
    assert day["baseline_dearest_kwh"] > 1.0
    assert day["dearest_kwh"] <= day["baseline_dearest_kwh"] / 2
    assert day["extra_kelvin_hours_per_pump"] < MOST_KELVIN_HOURS


def test_on_a_day_below_zero_no_room_is_heated_beyond_its_band_and_no_pump_cycles(tmp_path: Path) -> None:
    day = played(tmp_path, negative)
    assert day["too_warm_kh_per_pump"] == 0.0
    assert day["changes_most"] <= MOST_CHANGES
    assert day["extra_compressor_starts_per_pump"] <= MOST_STARTS
    assert day["kwh"] <= 1.25 * day["baseline_kwh"], "not burnt for the reward's sake"


def test_without_any_prices_a_day_costs_what_own_control_costs(tmp_path: Path) -> None:
    flat = flat_prices([], PRICE_AREA, WINTER, TZ.key)
    day = played(tmp_path, usual, planned=flat)
    assert flat.basis is Basis.FLAT
    assert day["cost_eur"] <= 1.01 * day["baseline_cost_eur"]


@pytest.mark.parametrize("silent_days", [1, 3])
def test_an_estimated_day_keeps_rooms_in_their_bands_and_still_earns_where_days_are_alike(
    tmp_path: Path, silent_days: int
) -> None:
    """One day not told, and the third day of a market that says nothing: only published days are estimated from."""
    known = [series(WINTER - timedelta(days=silent_days + n), usual) for n in range(10)]
    estimate = estimated_prices(known, WINTER, TZ.key)
    assert estimate is not None
    assert estimate.basis is Basis.ESTIMATED
    day = played(tmp_path, usual, planned=estimate)
    assert day["extra_kelvin_hours_per_pump"] < MOST_KELVIN_HOURS
    assert day["price_paid"] < day["baseline_price_paid"]


@pytest.mark.parametrize(("day", "slots"), [(SPRING, 92), (AUTUMN, 100)])
def test_on_a_day_of_clock_change_no_slot_is_steered_twice_or_left_out(tmp_path: Path, day: date, slots: int) -> None:
    figures = played(tmp_path, usual, day)
    assert figures["slots_steered_once"] == slots == len(market_day_slots(day, TZ))
    assert figures["extra_kelvin_hours_per_pump"] < MOST_KELVIN_HOURS

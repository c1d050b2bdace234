"""When tanks are charged ahead and when they wait."""

from itertools import groupby

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.modes import HotWaterMode
from optimizer.hot_water import BOOST_SLOTS, HOLD_SLOTS, LOOK_BACK_SLOTS, MOST_HOLDS, hot_water_modes
from tests.optimizer.builders import two_peaks

NORMAL, HOLD, BOOST = HotWaterMode.NORMAL, HotWaterMode.HOLD, HotWaterMode.BOOST


def runs(modes: tuple[HotWaterMode, ...]) -> list[tuple[HotWaterMode, int]]:
    return [(mode, len(list(run))) for mode, run in groupby(modes)]


def test_a_day_with_two_peaks_charges_before_and_waits_through_each() -> None:
    prices = two_peaks()
    modes = hot_water_modes("p-0001", prices.tolist())
    assert [mode for mode, _ in runs(modes) if mode is not NORMAL] == [BOOST, HOLD, BOOST, HOLD]
    cheap = prices[[mode is BOOST for mode in modes]].mean()
    dear = prices[[mode is HOLD for mode in modes]].mean()
    assert cheap < prices.mean() < dear


def test_nothing_is_asked_where_prices_hardly_differ() -> None:
    assert set(hot_water_modes("p-0001", [100.0] * 96)) == {NORMAL}
    assert set(hot_water_modes("p-0001", (two_peaks(spread=10.0)).tolist())) == {NORMAL}


def test_tanks_take_turns_over_the_whole_cheap_window() -> None:
    prices = two_peaks().tolist()
    plans = [hot_water_modes(f"p-{n:04d}", prices) for n in range(40)]
    starts = {modes.index(BOOST) for modes in plans}
    assert max(starts) - min(starts) >= 2 * BOOST_SLOTS
    together = np.sum([[mode is BOOST for mode in modes] for modes in plans], axis=0)
    assert together.max() <= 0.6 * len(plans)
    assert plans == [hot_water_modes(f"p-{n:04d}", prices) for n in range(40)]


@given(st.lists(st.floats(-500, 4000), min_size=0, max_size=200))
@settings(max_examples=200, deadline=None)
def test_every_hold_follows_a_whole_charge_and_is_never_long(prices: list[float]) -> None:
    modes = hot_water_modes("p-0001", prices)
    assert len(modes) == len(prices)
    found = runs(modes)
    assert sum(mode is HOLD for mode, _ in found) <= MOST_HOLDS
    for mode, length in found:
        assert mode is NORMAL or length == (HOLD_SLOTS if mode is HOLD else BOOST_SLOTS)
    for start in np.flatnonzero([a is HOLD and b is not HOLD for a, b in zip(modes, (NORMAL, *modes), strict=False)]):
        assert BOOST in modes[max(0, int(start) - LOOK_BACK_SLOTS) : int(start)]

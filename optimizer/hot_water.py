"""When a tank is charged ahead and when it waits: a rule on prices, one pump at a time.

Every home showers in the morning and in the evening, and nobody tells us when; so nothing is asked of a tank that its
own unit would not allow: a charge to the luxury step in a cheap stretch, then the economy step through a dear one, with
the household's own step in between. The unit's hygiene cycle runs at every step.

Protects: a hold is always preceded by a boost and never longer than a tank stays warm; where prices hardly differ,
nothing is asked at all. This is a rule and no optimum: it carries no certificate.
"""

import hashlib
from collections.abc import Sequence

from domain.modes import HotWaterMode

HOLD_SLOTS = 10
"""2.5 h: a 200 l tank loses about 2 K in it."""
BOOST_SLOTS = 6
"""1.5 h, enough for a full charge."""
LOOK_BACK_SLOTS = 28
"""A boost more than 7 h before its hold has mostly been used up or lost."""
LEAST_SPREAD = 0.25
"""A hold must be dearer than its boost by this share: a hotter tank costs about a tenth in efficiency and losses."""
LEAST_SPREAD_EUR_PER_MWH = 15.0
MOST_HOLDS = 2
APART_SLOTS = 16
"""From the end of a hold to the next one at least."""
WINDOW_SHARE = 0.35
"""Starts dearer than the cheapest by this share of what a charge saves are as good, to let tanks take turns."""


def hot_water_modes(
    pump_id: str, price_eur_per_mwh: Sequence[float], may_boost: Sequence[bool] | None = None
) -> tuple[HotWaterMode, ...]:
    """One hot-water mode per slot of the horizon, from its prices in EUR/MWh.

    A charge lies in slots where it `may_boost`; None for all.
    """
    slots = len(price_eur_per_mwh)
    modes = [HotWaterMode.NORMAL] * slots
    for hold in _dearest_windows(price_eur_per_mwh):
        starts = [
            start
            for start in _cheap_starts(price_eur_per_mwh, hold)
            if all(mode is HotWaterMode.NORMAL for mode in modes[start : hold + HOLD_SLOTS])
            and (may_boost is None or all(may_boost[start : start + BOOST_SLOTS]))
        ]
        if not starts:
            continue
        start = starts[int(_share(pump_id, hold) * len(starts))]
        modes[start : start + BOOST_SLOTS] = [HotWaterMode.BOOST] * BOOST_SLOTS
        modes[hold : hold + HOLD_SLOTS] = [HotWaterMode.HOLD] * HOLD_SLOTS
    return tuple(modes)


def _dearest_windows(prices: Sequence[float]) -> list[int]:
    """Starts of the dearest stretches, dearest first, apart from each other."""
    starts = sorted(range(BOOST_SLOTS, len(prices) - HOLD_SLOTS + 1), key=lambda s: (-_mean(prices, s, HOLD_SLOTS), s))
    chosen: list[int] = []
    for start in starts:
        if all(abs(start - other) >= HOLD_SLOTS + APART_SLOTS for other in chosen):
            chosen.append(start)
        if len(chosen) == MOST_HOLDS:
            break
    return chosen


def _cheap_starts(prices: Sequence[float], hold: int) -> list[int]:
    """Starts of a charge before a hold that are worth it, and nearly as good as the cheapest; in order."""
    first = max(0, hold - LOOK_BACK_SLOTS)
    price = {s: _mean(prices, s, BOOST_SLOTS) for s in range(first, hold - BOOST_SLOTS + 1)}
    if not price:
        return []
    dear, cheapest = _mean(prices, hold, HOLD_SLOTS), min(price.values())
    saved = dear - cheapest
    least = max(LEAST_SPREAD_EUR_PER_MWH, LEAST_SPREAD * abs(dear))
    most = min(dear - least, cheapest + WINDOW_SHARE * saved)
    return [start for start, mean in price.items() if mean <= most]


def _mean(prices: Sequence[float], start: int, slots: int) -> float:
    return sum(prices[start : start + slots]) / slots


def _share(pump_id: str, hold: int) -> float:
    """The pump's own place in a window, 0 to 1, fixed, so that tanks are not all charged in the same hour."""
    digest = hashlib.sha256(f"tank/{pump_id}/{hold}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32

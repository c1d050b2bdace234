"""Chance that depends only on a seed and on names, never on the order of calls.

Protects: two runs of one seed meet the same weather, people and faults, and a house meets the same noise as its
twin.
"""

import hashlib
from functools import lru_cache
from statistics import NormalDist

_MASK = (1 << 64) - 1
_NORMAL = NormalDist()

type Key = int | str


@lru_cache(maxsize=4096)
def _word(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


def _mix(value: int) -> int:
    """SplitMix64's finaliser: spreads neighbouring integers over the whole range."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def share(*keys: Key) -> float:
    """A number in (0, 1), the same for the same keys."""
    state = 0
    for key in keys:
        state = _mix(state ^ (_word(key) if isinstance(key, str) else key & _MASK))
    return ((state >> 11) + 0.5) / (1 << 53)


def between(low: float, high: float, *keys: Key) -> float:
    """A number in (low, high), evenly spread."""
    return low + (high - low) * share(*keys)


def bell(*keys: Key) -> float:
    """A standard normal number, cut at three deviations so that no house is absurd."""
    return max(-3.0, min(3.0, _NORMAL.inv_cdf(share(*keys))))


_knot_value = lru_cache(maxsize=16384)(bell)  # a curve is read hundreds of times between two knots


def smooth(position: float, *keys: Key) -> float:
    """A smooth curve through independent standard normal values at the whole positions.

    The root mean square is about 0.85: between two knots their deviations average out.
    """
    knot = int(position // 1)
    rest = position - knot
    weight = rest * rest * (3.0 - 2.0 * rest)
    return _knot_value(*keys, knot) * (1.0 - weight) + _knot_value(*keys, knot + 1) * weight

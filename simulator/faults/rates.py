"""The faults of vendor clouds and of the units behind them, and the dice that decide where they strike.

Protects: no fault strikes before the epoch, and the same seed strikes the same requests of a device again.
"""

from collections import Counter
from collections.abc import Mapping

from simulator.seeded import between, share

PROCESS_FAULTS: dict[str, str] = {
    "hung-worker": "share of our worker processes that hang, the planner's first; above 0 at least one",
    "lost-worker": "share of the vendors whose worker is scaled away; above 0 at least one",
    "no-figures": "above 0 nobody serves the fleet's figures",
}
"""Switches that the world only keeps: whoever runs the processes reads them and does what they say."""
FAULTS: dict[str, str] = {
    "slow-apply": "share of accepted writes that a unit applies only after 120 to 300 s",
    "silent-ignore": "share of writes answered 200 that a unit never applies",
    "stale-read": "share of reads answered with what the unit published 10 to 30 min before",
    "rate-limit": "share of requests answered 429 with a reset of 10 to 40 s",
    "http-500": "share of requests answered 500; a write is not taken",
    "timeout": "share of requests held back and then cut; half of the writes still land, after 60 to 400 s",
    "expired-token": "share of requests answered 401, after which that token is dead",
    "offline": "share of time a unit is not connected, in episodes of 10 to 40 min; writes are dropped",
    "unplugged": "share of units that are not connected for as long as it lasts; writes are dropped",
    "lost-point": "share of units that lack one of their parameters since an update; a read that names it is refused",
    "deaf": "share of units that apply no write, whatever their cloud answers",
    "no-heat": "share of units that give their rooms no heat",
    "revoked-consent": "share of requests refused, tokens and all, as if the account's consent had been revoked",
    "cut-quota": "share of its quota that a vendor takes back",
    "no-prices": "share of price requests answered as before the auction's results are out",
    "no-weather": "share of forecast requests answered 503",
    "touched": "times a day that a person moves a unit's heating lever by a step or two, and insists if overwritten",
    "drift": "times a day that a unit's heating lever falls back by itself to an older setting",
    **PROCESS_FAULTS,
}
PER_DAY = frozenset(("touched", "drift"))
MOST_PER_DAY = 20.0

_EPISODE_MEAN_S = 1500.0


def checked_rates(rates: Mapping[str, float]) -> dict[str, float]:
    """The rates unchanged; raises ValueError for an unknown fault or a rate out of range.

    Shares lie in 0 to 1, rates per pump-day in 0 to 20.
    """
    for name, rate in rates.items():
        if name not in FAULTS:
            raise ValueError(f"there is no fault {name!r}; there are {', '.join(FAULTS)}")
        most = MOST_PER_DAY if name in PER_DAY else 1.0
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0.0 <= rate <= most:
            raise ValueError(f"the rate of fault {name!r} must lie in 0 to {most:g}, not {rate!r}")
    return {name: float(rate) for name, rate in rates.items()}


class FaultDice:
    """Decides where faults strike; rates may change while it runs."""

    def __init__(self, seed: int, epoch_s: float, rates: Mapping[str, float]) -> None:
        self._seed = seed
        self._epoch_s = epoch_s
        self.rates = checked_rates(rates)
        self._asked: Counter[str] = Counter()

    def set_rates(self, rates: Mapping[str, float]) -> dict[str, float]:
        """Change the named rates and leave the others; raises ValueError."""
        self.rates = self.rates | checked_rates(rates)
        return self.rates

    def next_request(self, subject: str) -> int:
        """Number of this request among those about one device, or about none."""
        self._asked[subject] += 1
        return self._asked[subject]

    def strikes(self, fault: str, subject: str, number: int, now_s: float) -> bool:
        """Whether the fault strikes request `number` of `subject`."""
        rate = self.rates.get(fault, 0.0)
        if rate <= 0.0 or now_s <= self._epoch_s:
            return False
        return rate >= 1.0 or share(self._seed, fault, subject, number) < rate

    def afflicts(self, fault: str, unit: str, now_s: float) -> bool:
        """Whether a unit is among those that have the fault for as long as it lasts."""
        rate = self.rates.get(fault, 0.0)
        return now_s > self._epoch_s and share(self._seed, fault, unit) < rate

    def amount(self, fault: str, subject: str, number: int, low: float, high: float) -> float:
        """How much of a fault: a delay or an age between `low` and `high`."""
        return between(low, high, self._seed, fault, "amount", subject, number)

    def offline(self, subject: str, now_s: float) -> bool:
        """Whether a device is unplugged or in an offline episode.

        Time is cut into frames of one episode each, so that the answer needs no memory and is the same after a restart.
        """
        if self.afflicts("unplugged", subject, now_s):
            return True
        rate = self.rates.get("offline", 0.0)
        if rate <= 0.0 or now_s <= self._epoch_s:
            return False
        if rate >= 1.0:
            return True
        frame_s = max(_EPISODE_MEAN_S / rate, 3600.0)
        shift = share(self._seed, "offline", "shift", subject)
        position = (now_s - self._epoch_s) / frame_s + shift
        frame, within_s = int(position), (position % 1.0) * frame_s
        length_s = rate * frame_s * between(0.4, 1.6, self._seed, "offline", "length", subject, frame)
        length_s = min(length_s, frame_s)
        begin_s = (frame_s - length_s) * share(self._seed, "offline", "begin", subject, frame)
        return begin_s <= within_s < begin_s + length_s

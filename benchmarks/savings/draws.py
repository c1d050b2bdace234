"""One trial: a fleet drawn from a pool, an experiment's draw, meters' noise, and what the estimator claims of it.

Protects: the truth is known from the lives themselves: what the very same homes would have paid had nobody steered
them, less what they paid. The estimator sees only what settlement sees.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from benchmarks.savings.lives import LivedDay, Pool, PoolHome
from domain.savings.claim import Interval
from domain.savings.energy import Evidence
from domain.savings.experiment import Arm, Experiment
from domain.savings.home_day import HomeDay, LeftOut
from savings.estimator import estimate

METER_ERROR = 0.02
"""Standard deviation of a home's meter; the same on all its days."""
DAY_ERROR = 0.01
"""Of what a day's figure is off beside that: gaps that were filled, spread totals."""
FLAT_EUR_PER_MWH = 100.0


@dataclass(frozen=True)
class Trial:
    """Truth and claim of one fleet, euros over the whole experiment."""

    true_eur: float
    gain: Interval
    flat_gain: Interval
    """The same fleet at a flat price: nothing is moved, and nothing is to be found."""
    aa_gain: Interval
    """Both arms neutral: nothing is to be found either."""

    @property
    def is_covered(self) -> bool:
        """Whether the interval holds the truth."""
        return self.gain.low <= self.true_eur <= self.gain.high


def run_trial(seed: int, pool: Pool, homes: int, experiment: Experiment) -> Trial:
    """Draw `homes` homes of the pool with replacement, and settle all their days."""
    chance = np.random.default_rng(seed)
    fleet = [(f"s{seed}-{n}", pool.homes[k]) for n, k in enumerate(chance.integers(len(pool.homes), size=homes))]
    days = len(pool.outdoor_c)
    true_eur = 0.0
    steered_days, rows, flat_rows, aa_rows = 0, [], [], []
    for pump_id, home in fleet:
        meter = 1 + METER_ERROR * chance.standard_normal()
        for n in range(days):
            day = pool.first_day + timedelta(days=n)
            arm = experiment.arm(pump_id, day)
            before = experiment.arm(pump_id, day - timedelta(days=experiment.block_days))
            lived = home.lived(arm, before, n, n % experiment.block_days)
            own = home.days[Arm.NEUTRAL, None, n]
            true_eur += own.cost_eur - lived.cost_eur
            steered_days += arm is Arm.STEERED
            drawn = _Drawn(pump_id, home, n, day, arm, experiment.is_washout(pump_id, day))
            error = meter + DAY_ERROR * chance.standard_normal()
            rows.append(_home_day(drawn, lived, error, pool.outdoor_c[n]))
            aa_rows.append(_home_day(drawn, own, error, pool.outdoor_c[n]))
            flat_rows.append(_at_a_flat_price(drawn, aa_rows[-1]))
    gain, flat_gain, aa_gain = (_total(found, steered_days) for found in (rows, flat_rows, aa_rows))
    return Trial(true_eur, gain, flat_gain, aa_gain)


@dataclass(frozen=True)
class _Drawn:
    """A home-day and what was drawn for it."""

    pump_id: str
    home: PoolHome
    n: int
    day: date
    arm: Arm
    is_washout: bool


def _home_day(drawn: _Drawn, seen: LivedDay, error: float, outdoor_c: float) -> HomeDay:
    return HomeDay(
        pump_id=drawn.pump_id,
        price_area="DE-LU",
        day=drawn.day,
        arm=drawn.arm,
        left_out=LeftOut.WASHOUT if drawn.is_washout else None,
        kwh=seen.kwh * error,
        cost_eur=seen.cost_eur * error,
        flat_cost_eur=seen.flat_cost_eur * error,
        expected_eur=drawn.home.expected_eur[drawn.n],
        unsteered_eur=0.0,
        room_c=seen.room_c,
        outdoor_c=outdoor_c,
        kelvin_hours=seen.kelvin_hours,
        evidence={Evidence.METER: seen.kwh * error},
        excluded={},
        price_version=1,
    )


def _at_a_flat_price(drawn: _Drawn, neutral: HomeDay) -> HomeDay:
    """The day at a flat price, under which plans move nobody (the pool checked it): the home lives as in neutral."""
    cost = neutral.kwh * FLAT_EUR_PER_MWH / 1000
    expected = drawn.home.expected_kwh[drawn.n] * FLAT_EUR_PER_MWH / 1000
    return neutral.model_copy(update={"cost_eur": cost, "flat_cost_eur": cost, "expected_eur": expected})


def _total(rows: list[HomeDay], steered_days: int) -> Interval:
    claim = estimate("DE-LU", rows)
    assert claim.per_home_day_eur is not None, claim.reason
    return claim.per_home_day_eur.times(steered_days)

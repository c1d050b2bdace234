"""What is claimed of home-days: the effect that was put in, and nothing where there was none."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest

from domain.savings.claim import Claim
from domain.savings.energy import Evidence, Flag
from domain.savings.experiment import Arm, Experiment
from domain.savings.home_day import HomeDay, LeftOut
from savings.estimator import LEAST_HOMES, estimate

BEGINS = date(2026, 1, 5)
EXPERIMENT = Experiment(seed=3, begins=BEGINS, holdout_share=0.05, switchback_share=1.0)


def home_days(saved_eur: float, homes: int = 40, seed: int = 1, colder_k: float = 0.0) -> list[HomeDay]:
    """Four weeks of homes of all sizes, of which steering saves so much of each euro at better times."""
    chance = np.random.default_rng(seed)
    rows = []
    for n in range(homes):
        size = 1 + 3 * chance.random()
        for k in range(28):
            day, pump = BEGINS + timedelta(days=k), f"p-{n:03d}"
            arm = EXPERIMENT.arm(pump, day)
            flat = size * (1 + 0.3 * np.sin(k / 3)) * (1 + 0.1 * chance.standard_normal())
            cost = flat * (1.05 - (saved_eur if arm is Arm.STEERED else 0.0))
            rows.append(
                HomeDay(
                    pump_id=pump,
                    price_area="DE-LU",
                    day=day,
                    arm=arm,
                    left_out=LeftOut.WASHOUT if EXPERIMENT.is_washout(pump, day) else None,
                    kwh=flat / 0.1,
                    cost_eur=cost,
                    flat_cost_eur=flat,
                    expected_eur=size * (1 + 0.3 * np.sin(k / 3)),
                    unsteered_eur=0.0,
                    room_c=21.0 - (colder_k if arm is Arm.STEERED else 0.0),
                    outdoor_c=2.0,
                    kelvin_hours=0.0,
                    evidence={Evidence.METER: flat / 0.1},
                    excluded={Flag.TOO_HIGH: 1} if k == 0 and n == 0 else {},
                    price_version=1,
                )
            )
    return rows


def claimed(days: list[HomeDay]) -> Claim:
    claim = estimate("DE-LU", days)
    assert claim.per_home_day_eur is not None
    return claim


def test_the_saving_that_was_put_in_is_found_and_is_due_to_price_alone() -> None:
    days = home_days(saved_eur=0.1)
    claim = claimed(days)
    true_eur = np.mean([day.flat_cost_eur * 0.1 for day in days if day.arm is Arm.STEERED])
    assert claim.per_home_day_eur is not None
    assert claim.per_home_day_eur.low < true_eur < claim.per_home_day_eur.high
    assert claim.per_home_day_eur.high - claim.per_home_day_eur.low < true_eur
    price, volume = claim.price_effect_eur, claim.volume_effect_eur
    assert price is not None
    assert volume is not None
    assert price.low > 0
    assert volume.low < 0 < volume.high
    assert price.mean + volume.mean == pytest.approx(claim.per_home_day_eur.mean)


def test_where_nothing_was_saved_the_interval_holds_zero() -> None:
    interval = claimed(home_days(saved_eur=0.0)).per_home_day_eur
    assert interval is not None
    assert interval.low < 0 < interval.high


def test_what_a_colder_room_saves_is_told_apart() -> None:
    claim = claimed(home_days(saved_eur=0.1, colder_k=0.5))
    assert claim.room_k is not None
    assert claim.room_k.mean == pytest.approx(-0.5)
    assert claim.temperature_effect_eur is not None
    assert claim.temperature_effect_eur.mean > 0
    assert claim.price_effect_eur is not None
    assert claim.volume_effect_eur is not None
    assert claim.per_home_day_eur is not None
    parts = claim.price_effect_eur.mean + claim.volume_effect_eur.mean + claim.temperature_effect_eur.mean
    assert parts == pytest.approx(claim.per_home_day_eur.mean)


def test_with_too_few_homes_no_interval_is_claimed_and_it_is_said_why() -> None:
    claim = estimate("DE-LU", home_days(saved_eur=0.1, homes=LEAST_HOMES - 1))
    assert claim.per_home_day_eur is None
    assert claim.total_eur is None
    assert f"needs {LEAST_HOMES}" in claim.reason


def test_what_was_left_out_and_not_believed_is_counted() -> None:
    days = home_days(saved_eur=0.1)
    claim = claimed(days)
    assert claim.left_out == {"washout": sum(day.left_out is LeftOut.WASHOUT for day in days)}
    assert claim.excluded == {"too-high": 1}


@pytest.mark.parametrize("change", [lambda day: day.model_copy(update={"cost_eur": 1e6})], ids=["absurd cost"])
def test_a_day_that_is_left_out_changes_no_euro(change: Callable[[HomeDay], HomeDay]) -> None:
    days = home_days(saved_eur=0.1)
    absurd = [change(day) if day.left_out is not None else day for day in days]
    assert claimed(absurd).per_home_day_eur == claimed(days).per_home_day_eur

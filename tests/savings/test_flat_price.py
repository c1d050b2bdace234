"""The flat-price control: moving consumption at a constant price saves nothing, and no more draws claim so than may."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from domain.savings.claim import Interval
from domain.savings.costs import settle
from domain.savings.energy import EnergyCourse, Evidence
from domain.savings.experiment import Arm, Experiment
from domain.savings.home_day import HomeDay, by_evidence, why_left_out
from savings.estimator import estimate

BEGINS = date(2026, 1, 5)
HOMES, DAYS, DRAWS = 16, 28, 40
LEAST_HOLDING = 34
"""Of 40 intervals of 95 %: by chance alone fewer hold zero three times in a thousand."""
SHAPE = np.array([1.0] * 64 + [1.6] * 16 + [1.0] * 16)
"""Consumption of a day by slot under own control: most in the evening."""
FLAT = [100.0] * 96
DEAR_EVENING = [90.0] * 64 + [200.0] * 16 + [60.0] * 16

type Lives = dict[tuple[int, int, Arm], tuple[HomeDay, EnergyCourse]]


def lives(price_eur_per_mwh: Sequence[float], steered_uses: float = 1.0) -> Lives:
    """Every home-day settled in both arms: steered, a third of the evening's energy is used at night instead."""
    chance = np.random.default_rng(2)
    found: Lives = {}
    for home in range(HOMES):
        size = 0.1 + 0.2 * chance.random()
        for n in range(DAYS):
            model = size * (1 + 0.3 * np.sin(n / 3)) * SHAPE
            own = model * (1 + 0.05 * chance.standard_normal())
            moved = own.copy()
            moved[64:80] -= own[64:80] / 3
            moved[:16] += own[64:80] / 3
            for arm, kwh in ((Arm.NEUTRAL, own), (Arm.STEERED, moved * steered_uses)):
                found[home, n, arm] = settled(home, n, kwh.tolist(), model.tolist(), price_eur_per_mwh)
    return found


def settled(
    home: int, n: int, kwh: list[float], model: list[float], price_eur_per_mwh: Sequence[float]
) -> tuple[HomeDay, EnergyCourse]:
    start = datetime(2026, 1, 4, 23, tzinfo=UTC) + timedelta(days=n)
    energy = EnergyCourse(start=start, kwh=tuple(kwh), evidence=(Evidence.METER,) * 96)
    cost, flat, expected, unsteered = settle(energy, price_eur_per_mwh, model, 0.0)
    day = HomeDay(
        pump_id=f"p-{home:03d}",
        price_area="DE-LU",
        day=BEGINS + timedelta(days=n),
        arm=None,
        kwh=sum(kwh),
        cost_eur=cost,
        flat_cost_eur=flat,
        expected_eur=expected,
        unsteered_eur=unsteered,
        room_c=21.0,
        outdoor_c=2.0,
        kelvin_hours=0.0,
        evidence=by_evidence(energy),
        excluded={},
        price_version=1,
    )
    return day, energy


def claimed(lived: Lives, seed: int) -> Interval:
    """What is claimed where the draw of a seed decides which of its lives a home lived on which day."""
    experiment = Experiment(seed=seed, begins=BEGINS, holdout_share=0.05, switchback_share=1.0)
    days = []
    for home in range(HOMES):
        for n in range(DAYS):
            pump, on = f"p-{home:03d}", BEGINS + timedelta(days=n)
            arm = experiment.arm(pump, on)
            day, energy = lived[home, n, arm]
            left_out = why_left_out(experiment, pump, on, may_move=True, energy=energy)
            days.append(day.model_copy(update={"arm": arm, "left_out": left_out}))
    found = estimate("DE-LU", days).per_home_day_eur
    assert found is not None
    return found


def test_moving_consumption_at_a_constant_price_saves_nothing_within_the_intervals() -> None:
    lived = lives(FLAT)
    found = [claimed(lived, seed) for seed in range(DRAWS)]
    assert sum(one.low <= 0 <= one.high for one in found) >= LEAST_HOLDING
    means = np.array([one.mean for one in found])
    assert abs(means.mean()) < 4 * means.std() / DRAWS**0.5, "it is off on the mean over draws, if only by a little"
    own_eur = np.mean([day.cost_eur for (_, _, arm), (day, _) in lived.items() if arm is Arm.NEUTRAL])
    assert all(one.high - one.low < 0.1 * own_eur for one in found), (
        "an interval that holds everything controls nothing"
    )


def test_the_same_moves_are_found_to_save_where_the_price_is_not_constant() -> None:
    assert claimed(lives(DEAR_EVENING), seed=0).low > 0


def test_using_a_tenth_less_or_more_at_a_constant_price_is_noticed() -> None:
    assert claimed(lives(FLAT, steered_uses=0.9), seed=0).low > 0
    assert claimed(lives(FLAT, steered_uses=1.1), seed=0).high < 0

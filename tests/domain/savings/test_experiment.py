"""The draw of who is left neutral."""

from datetime import date, timedelta

from domain.savings.experiment import Arm, Experiment

BEGINS = date(2026, 1, 5)
PUMPS = [f"p-{n:04d}" for n in range(2000)]


def an_experiment(**given: object) -> Experiment:
    return Experiment.model_validate({"seed": 7, "begins": BEGINS} | given)


def share_neutral(experiment: Experiment, day: date) -> float:
    return sum(experiment.arm(pump, day) is Arm.NEUTRAL for pump in PUMPS) / len(PUMPS)


def test_the_same_seed_draws_the_same_homes_and_another_seed_draws_others() -> None:
    drawn = [an_experiment().arm(pump, BEGINS) for pump in PUMPS]
    assert drawn == [an_experiment().arm(pump, BEGINS) for pump in PUMPS]
    assert drawn != [an_experiment(seed=8).arm(pump, BEGINS) for pump in PUMPS]


def test_the_share_of_neutral_homes_is_that_of_either_draw() -> None:
    experiment = an_experiment(holdout_share=0.1, switchback_share=0.4)
    assert abs(share_neutral(experiment, BEGINS) - (0.1 + 0.9 * 0.4 / 4)) < 0.03
    assert share_neutral(experiment, BEGINS - timedelta(days=1)) == 0


def test_a_home_keeps_its_arm_for_a_block_and_a_held_out_home_for_a_rotation() -> None:
    experiment = an_experiment(holdout_share=0.1, switchback_share=0.0)
    held = {pump for pump in PUMPS if experiment.arm(pump, BEGINS) is Arm.NEUTRAL}
    rotation = [BEGINS + timedelta(days=n) for n in range(28)]
    assert all(experiment.arm(pump, day) is Arm.NEUTRAL for pump in held for day in rotation)
    later = {pump for pump in PUMPS if experiment.arm(pump, BEGINS + timedelta(days=28)) is Arm.NEUTRAL}
    assert later != held


def test_a_home_that_switches_is_neutral_for_one_block_of_a_rotation() -> None:
    experiment = an_experiment(holdout_share=0.0, switchback_share=1.0)
    for pump in PUMPS[:100]:
        arms = [experiment.arm(pump, BEGINS + timedelta(days=n)) for n in range(0, 56, 7)]
        assert arms[:4].count(Arm.NEUTRAL) == arms[4:].count(Arm.NEUTRAL) == 1


def test_only_the_first_days_after_a_change_of_arm_are_washout() -> None:
    experiment = an_experiment(switchback_share=1.0)
    for pump in PUMPS[:50]:
        for n in range(7, 28):
            day = BEGINS + timedelta(days=n)
            changed = experiment.arm(pump, day) is not experiment.arm(pump, day - timedelta(days=1))
            assert experiment.is_washout(pump, day) is (n % 7 == 0 and changed)

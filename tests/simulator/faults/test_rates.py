"""The dice behind the faults: rates are met, names are checked, and time before the epoch is spared."""

import pytest

from simulator.faults.rates import FAULTS, PER_DAY, FaultDice, checked_rates


@pytest.mark.parametrize(
    "rates",
    [
        {"earthquake": 0.1},
        {"timeout": -0.1},
        {"timeout": 1.1},
        {"timeout": True},
        {"touched": 20.1},
        {"drift": -1.0},
    ],
)
def test_a_bad_rate_is_named(rates: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(rates))):
        checked_rates(rates)


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in {"offline", *PER_DAY}])
def test_a_fault_strikes_about_as_often_as_its_rate_and_the_same_requests_again(fault: str) -> None:
    strikes = [
        [FaultDice(5, 0.0, {fault: 0.1}).strikes(fault, "unit", number, 10.0) for number in range(3000)]
        for _ in range(2)
    ]
    assert strikes[0] == strikes[1]
    assert 0.07 < sum(strikes[0]) / 3000 < 0.13


@pytest.mark.parametrize("rate", [0.02, 0.2, 0.7])
def test_units_are_offline_for_about_the_share_of_time_asked_for(rate: float) -> None:
    dice = FaultDice(5, 0.0, {"offline": rate})
    minutes = [dice.offline(f"unit-{unit}", 60.0 * minute) for unit in range(40) for minute in range(1, 4320, 9)]
    assert rate * 0.75 < sum(minutes) / len(minutes) < rate * 1.25


def test_an_offline_episode_lasts_ten_to_forty_minutes() -> None:
    dice = FaultDice(5, 0.0, {"offline": 0.05})
    lengths, run = [], 0
    for minute in range(1, 60 * 24 * 10):
        if dice.offline("unit", 60.0 * minute):
            run += 1
        elif run:
            lengths.append(run)
            run = 0
    assert len(lengths) > 10
    assert min(lengths) >= 9
    assert max(lengths) <= 41


def test_some_units_have_a_fault_for_as_long_as_it_lasts_and_the_others_never() -> None:
    dice = FaultDice(5, 0.0, {"deaf": 0.2})
    units = [f"unit-{number}" for number in range(400)]
    afflicted = [unit for unit in units if dice.afflicts("deaf", unit, 10.0)]
    assert 0.14 < len(afflicted) / len(units) < 0.26
    assert afflicted == [unit for unit in units if dice.afflicts("deaf", unit, 9999.0)]
    assert not any(dice.afflicts("deaf", unit, 0.0) for unit in units), "not up to the epoch"
    assert not any(FaultDice(5, 0.0, {}).afflicts("deaf", unit, 10.0) for unit in units)


def test_an_unplugged_unit_is_offline_until_it_is_plugged_in_again() -> None:
    dice = FaultDice(5, 0.0, {"unplugged": 1.0})
    assert all(dice.offline("unit", 60.0 * minute) for minute in range(1, 3000, 7))
    dice.set_rates({"unplugged": 0.0})
    assert not dice.offline("unit", 60.0)


def test_no_fault_strikes_up_to_the_epoch() -> None:
    dice = FaultDice(5, 100.0, dict.fromkeys(FAULTS, 1.0))
    assert not any(dice.strikes(fault, "unit", 1, 100.0) for fault in FAULTS)
    assert not dice.offline("unit", 100.0)
    assert dice.strikes("timeout", "unit", 1, 100.1)


def test_rates_per_day_may_be_more_than_one() -> None:
    assert checked_rates({"touched": 20, "drift": 1.5}) == {"touched": 20.0, "drift": 1.5}


def test_rates_change_one_by_one() -> None:
    dice = FaultDice(5, 0.0, {"timeout": 0.5})
    assert dice.set_rates({"offline": 0.1}) == {"timeout": 0.5, "offline": 0.1}
    with pytest.raises(ValueError, match="earthquake"):
        dice.set_rates({"earthquake": 0.1})

"""Learning a house: figures come back within their intervals, garbage says nothing, and poor data change no plan."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from domain.homes.enrolment import PumpProfile
from domain.homes.learned import AheadErrors, Fitted, HouseRecord, LearnedHouse, Source
from domain.modes import Mode
from domain.planning.fleet_plan import PumpForPlanning
from optimizer.house import MODES, House, Houses, as_learned, house_of
from optimizer.learning import learn, with_the_fleet
from optimizer.planner import plan_fleet
from optimizer.response import Horizon, respond
from tests.optimizer.builders import FIRST_SLOT, a_fleet, a_pump, a_request

DAYS = 16
NOW = FIRST_SLOT + timedelta(days=DAYS)
HELD_C = 21.2


def a_true_house(pump: PumpForPlanning, **factors: float) -> House:
    """A house that is not as its class says."""
    prior = house_of(pump)
    return replace(
        prior,
        capacity_kwh_per_k=prior.capacity_kwh_per_k * factors.get("capacity", 1.0),
        shift_k=tuple(factors.get("authority", 1.0) * shift for shift in prior.shift_k),
        aperture_m2=prior.aperture_m2 * factors.get("aperture", 1.0),
        power_scale=factors.get("power_scale", 1.0),
        room_held_c=HELD_C,
        room_start_c=HELD_C,
    )


def a_past(house: House, seed: int, days: int = DAYS, step_k: float = 0.1, noise_k: float = 0.05) -> HouseRecord:
    """What a cloud shows of that house: steps, gaps, power in bursts, an open window now and then."""
    draw, slots = np.random.default_rng(seed), days * 96
    hour = np.arange(slots) / 4 % 24
    weather = np.cumsum(draw.normal(0, 0.25, slots))
    outdoor = 2 + 3 * np.sin((hour - 9) / 24 * 2 * np.pi) + np.clip(weather - weather.mean(), -8, 8)
    sun = np.repeat(draw.uniform(0, 300, days), 96) * np.clip(np.sin((hour - 8) / 8 * np.pi), 0, None) * (hour < 16)
    modes = draw.choice(4, size=slots // 8, p=[0.2, 0.5, 0.2, 0.1]).repeat(8)
    model = respond(Houses.of([house]), Horizon(np.zeros(slots), outdoor, np.asarray(sun)))
    room, rooms, power = np.array([[HELD_C]]), np.empty(slots), np.empty(slots)
    for t in range(slots):
        power[t] = model.powers(t, room)[modes[t], 0, 0]
        room = model.rooms(t, room)[modes[t]]
        if draw.random() < 0.002:
            room = room - 0.8  # a window
        rooms[t] = room[0, 0]
    shown = np.round((rooms + draw.normal(0, noise_k, slots)) / step_k) * step_k
    bursts = power * draw.choice([0.3, 1.7], size=slots)
    lost = draw.random(slots) < 0.1
    return HouseRecord(
        start=FIRST_SLOT,
        room_c=[None if gone else float(room) for room, gone in zip(shown, lost, strict=True)],
        heating_kw=[None if gone else float(kw) for kw, gone in zip(bursts, lost, strict=True)],
        modes=[MODES[mode] for mode in modes],
        outdoor_c=outdoor.tolist(),
        sun_w_per_m2=np.asarray(sun).tolist(),
    )


def learned_of(pump: PumpForPlanning, house: House, seed: int, **how: float) -> LearnedHouse:
    return learn(pump.profile, a_past(house, seed, **how), NOW)  # type: ignore[arg-type]  # days is the only int


def holds(figure: Fitted | None, true: float) -> bool:
    assert figure is not None
    return figure.low <= true <= figure.high


@pytest.mark.parametrize("step_k", [0.1, 0.5])
def test_what_a_house_is_comes_back_within_the_stated_intervals(step_k: float) -> None:
    inside = []
    for seed, pump in enumerate(a_fleet(4, seed=3)):
        true = {"capacity": 0.6 + 0.2 * seed, "authority": 0.7 + 0.15 * seed, "aperture": 1.5, "power_scale": 1.2}
        found = learned_of(pump, a_true_house(pump, **true), seed, step_k=step_k)
        assert found.rooms is Source.LEARNED
        assert found.power is Source.LEARNED
        inside += [holds(getattr(found, name), value) for name, value in true.items()]
        inside.append(holds(found.held_c, HELD_C))
    assert np.mean(inside) >= 0.9


def test_a_house_like_its_class_is_not_made_worse_by_learning() -> None:
    pump = a_pump(room_c=HELD_C)
    house = as_learned(house_of(pump), learned_of(pump, a_true_house(pump), seed=5))
    prior = house_of(pump)
    assert house.capacity_kwh_per_k == pytest.approx(prior.capacity_kwh_per_k, rel=0.3)
    assert house.power_scale == pytest.approx(1.0, abs=0.08)


@pytest.mark.parametrize("days", [1, 4])
def test_too_few_days_change_nothing(days: int) -> None:
    pump = a_pump(room_c=HELD_C)
    found = learned_of(pump, a_true_house(pump, capacity=0.5, power_scale=1.4), seed=1, days=days)
    assert (found.rooms, found.power) == (Source.CLASS, Source.CLASS)
    assert as_learned(house_of(pump), found) == house_of(pump)


def garbage() -> list[tuple[str, Sequence[float | None]]]:
    draw, slots = np.random.default_rng(9), DAYS * 96
    return [
        ("nothing", [None] * slots),
        ("not numbers", [float("nan"), float("inf"), -273.0] * (slots // 3)),
        ("stuck", [21.0] * slots),
        ("noise", draw.uniform(15, 30, slots).tolist()),
    ]


@pytest.mark.parametrize(("what", "values"), garbage())
def test_garbage_is_not_believed_and_raises_nothing(what: str, values: Sequence[float | None]) -> None:
    pump = a_pump(room_c=HELD_C)
    record = replace(a_past(a_true_house(pump), seed=2), room_c=values, heating_kw=values)
    found = learn(pump.profile, record, NOW)
    assert found.rooms is Source.CLASS, what
    assert LearnedHouse.model_validate_json(found.model_dump_json()) == found
    if what != "noise":
        assert found.power is Source.CLASS


def test_a_fireplace_every_other_evening_hardly_changes_what_is_learned() -> None:
    pump = a_pump(room_c=HELD_C)
    record = a_past(a_true_house(pump, capacity=0.7), seed=4)
    rooms = list(record.room_c)
    for day in range(0, DAYS, 2):
        for slot in range(day * 96 + 72, day * 96 + 84):
            rooms[slot] = None if rooms[slot] is None else rooms[slot] + 2.5  # type: ignore[operator]
    calm, with_fire = (learn(pump.profile, one, NOW) for one in (record, replace(record, room_c=rooms)))
    assert calm.capacity is not None
    assert with_fire.capacity is not None
    assert with_fire.capacity.value == pytest.approx(calm.capacity.value, rel=0.35)
    assert with_fire.held_c is not None
    assert with_fire.held_c.value == pytest.approx(HELD_C, abs=0.3)


def test_a_house_that_shows_no_power_gets_the_mean_of_those_that_do() -> None:
    found = []
    for seed, pump in enumerate(a_fleet(3, seed=6)):
        record = a_past(a_true_house(pump, power_scale=1.25), seed)
        blind = replace(record, heating_kw=[None] * len(record.heating_kw)) if seed == 2 else record
        found.append(learn(pump.profile, blind, NOW))
    shared = with_the_fleet(found)
    assert found[2].power is Source.CLASS
    assert shared[2].power is Source.FLEET
    assert shared[2].power_scale is not None
    assert shared[2].power_scale.value == pytest.approx(1.25, abs=0.1)
    assert with_the_fleet(found[2:]) == found[2:]


def without_sensor(profile: PumpProfile) -> PumpProfile:
    return profile.model_copy(update={"has_room_sensor": False})


def test_without_a_room_sensor_no_room_is_learned() -> None:
    pump = a_pump(room_c=HELD_C)
    found = learn(without_sensor(pump.profile), a_past(a_true_house(pump, power_scale=1.3), seed=7), NOW)
    assert (found.rooms, found.held_c, found.reason) == (Source.CLASS, None, "no room sensor")
    assert found.power is Source.LEARNED


def a_learned(pump: PumpForPlanning, authority: Fitted, power: float = 1.0) -> LearnedHouse:
    one = Fitted(value=1.0, low=0.9, high=1.1)
    errors = AheadErrors(learned=0.2, prior=0.4, persistence=0.4, days=4)
    return LearnedHouse(
        pump_id=pump.profile.enrolment.pump_id, learned_at=NOW, since=FIRST_SLOT, room_days=20, power_days=20,
        rooms=Source.LEARNED, power=Source.LEARNED, held_c=Fitted(value=HELD_C, low=21.1, high=21.3), capacity=one,
        authority=authority, aperture=one, power_scale=one.model_copy(update={"value": power}), room_errors_k=errors,
    )  # fmt: skip


def test_authority_that_cannot_be_told_from_zero_leaves_a_pump_alone_and_learned_power_is_planned_with() -> None:
    acts, does_nothing = a_pump(0, room_c=HELD_C), a_pump(1, room_c=HELD_C)
    pumps = [
        acts.model_copy(update={"learned": a_learned(acts, Fitted(value=1.0, low=0.7, high=1.3), power=1.3)}),
        does_nothing.model_copy(update={"learned": a_learned(does_nothing, Fitted(value=0.2, low=-0.1, high=0.5))}),
        a_pump(2, room_c=HELD_C),
    ]
    steered, alone, by_class = plan_fleet(a_request(pumps)).pumps
    assert steered.steered
    assert not alone.steered
    assert set(alone.modes) == {Mode.LOW}
    assert sum(steered.expected_power_kw) == pytest.approx(1.3 * sum(by_class.expected_power_kw), rel=0.1)


def test_a_room_read_hours_before_nears_what_neutral_holds() -> None:
    pump = a_pump(room_c=22.4)
    learned = a_learned(pump, Fitted(value=1.0, low=0.7, high=1.3))
    now, later = (as_learned(house_of(pump), learned, lead_h) for lead_h in (0.0, 11.0))
    assert now.room_start_c == pytest.approx(22.4)
    assert HELD_C < later.room_start_c < 22.0
    assert now.room_held_c == later.room_held_c == HELD_C

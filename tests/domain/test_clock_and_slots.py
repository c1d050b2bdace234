"""Steered time, market days, plans and jitter."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.clock import SteeringClock
from domain.homes.comfort import ComfortBand
from domain.modes import Circuit, Mode
from domain.planning.price_plan import MAX_JITTER, ModeSegment, PricePlan, jitter, segments_from_modes
from domain.slots import SLOT, delivery_day, market_day_slots, slot_start, slots_between
from oem_adapters.nibe.manifest import ROOM_SETPOINT
from tests.builders import MIDNIGHT, a_plan, a_profile, at

BERLIN = ZoneInfo("Europe/Berlin")
EPOCH = datetime(2026, 1, 14, 23, tzinfo=UTC)
START = datetime(2026, 5, 1, 12, tzinfo=UTC)


@given(st.floats(0.5, 1440), st.integers(-3600, 10**6))
def test_steered_time_and_wall_time_are_each_other_s_inverse_after_the_epoch(speed: float, seconds: int) -> None:
    clock = SteeringClock(epoch=EPOCH, start_wall=START, speed=speed)
    wall = START + timedelta(seconds=seconds)
    assert clock.steered(wall) >= EPOCH
    if seconds >= 0:
        assert abs(clock.wall(clock.steered(wall)) - wall) < timedelta(microseconds=1440)
    else:
        assert clock.steered(wall) == EPOCH


@pytest.mark.parametrize(("day", "count"), [("2026-01-15", 96), ("2026-03-29", 92), ("2025-10-26", 100)])
def test_a_market_day_has_92_96_or_100_slots_and_none_twice(day: str, count: int) -> None:
    slots = market_day_slots(date.fromisoformat(day), BERLIN)
    assert len(set(slots)) == len(slots) == count
    assert all(b - a == SLOT for a, b in itertools.pairwise(slots))


def test_the_delivery_day_is_the_local_day_after_the_scheduled_time() -> None:
    assert delivery_day(datetime(2026, 1, 14, 12, 15, tzinfo=UTC), "Europe/Berlin") == date(2026, 1, 15)
    assert delivery_day(datetime(2026, 1, 14, 23, 30, tzinfo=UTC), "Europe/Berlin") == date(2026, 1, 16)


def test_slots_begin_on_quarters() -> None:
    assert slot_start(at(1, 17)) == at(1, 15)
    assert slots_between(at(1), at(1)) == ()
    assert len(slots_between(at(0), at(6))) == 24


@given(st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]), min_size=1, max_size=12))
def test_jitter_is_fixed_per_pump_and_within_its_limit(pump_id: str) -> None:
    assert timedelta() <= jitter(pump_id) < MAX_JITTER
    assert jitter(pump_id) == jitter(pump_id)


def test_jitter_spreads_a_fleet_evenly() -> None:
    shares = sorted(jitter(f"p-{n:04d}") / MAX_JITTER for n in range(400))
    assert all(abs(share - n / 400) < 0.08 for n, share in enumerate(shares))


def test_a_plan_with_overlapping_or_backward_segments_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValidationError, match="overlap or are out of order"):
        a_plan(1, {(2, 4): Mode.MAX, (3, 5): Mode.MIN})
    with pytest.raises(ValidationError, match="not after its start"):
        ModeSegment(start=at(2), end=at(2), mode=Mode.MAX)
    with pytest.raises(ValidationError, match="after the plan's validity"):
        a_plan(1, {(2, 8): Mode.MAX}, hours=6)


@given(st.lists(st.sampled_from(list(Mode)), min_size=1, max_size=100))
def test_merging_slots_into_segments_loses_nothing(modes: list[Mode]) -> None:
    segments = segments_from_modes(MIDNIGHT, SLOT, tuple(modes))
    plan = PricePlan(revision=1, segments=segments, first_slot=MIDNIGHT, valid_until=MIDNIGHT + len(modes) * SLOT)
    assert [plan.level_at(Circuit.HEATING, MIDNIGHT + i * SLOT) for i in range(len(modes))] == modes
    assert all(a.mode is not b.mode for a, b in itertools.pairwise(segments))


def test_a_mode_is_an_absolute_setting_within_the_unit_s_range_and_steps() -> None:
    profile = a_profile(baseline=1.0, minimum=-10.0, maximum=3.0, step=1.0).heating
    assert [profile.setting_for(mode) for mode in Mode] == [-1.0, 1.0, 2.0, 3.0]
    assert profile.level_of(-1.0) is Mode.MIN
    assert profile.level_of(7.0) is None
    room = a_profile(spec=ROOM_SETPOINT, baseline=21.0, step=0.5).heating
    assert [room.setting_for(mode) for mode in Mode] == [20.0, 21.0, 21.5, 22.5]


def test_neutral_is_the_household_s_own_setting() -> None:
    assert a_profile(baseline=-3.0).heating.setting_for(Mode.LOW) == -3.0


def test_a_comfort_band_has_width() -> None:
    with pytest.raises(ValidationError, match="at least 1 K wide"):
        ComfortBand(room_min_c=21.0, room_max_c=21.5)


def test_a_plan_that_never_ends_or_says_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="at most 3 days"):
        PricePlan(revision=1, segments=(), first_slot=MIDNIGHT, valid_until=datetime(9999, 12, 31, 23, tzinfo=UTC))
    with pytest.raises(ValidationError, match="more than nothing"):
        PricePlan(revision=1, segments=(), first_slot=MIDNIGHT, valid_until=MIDNIGHT)
    with pytest.raises(ValidationError, match="before the plan's first slot"):
        PricePlan(
            revision=1,
            segments=(ModeSegment(start=at(-1), end=at(1), mode=Mode.MAX),),
            first_slot=MIDNIGHT,
            valid_until=at(2),
        )

"""Physical evidence that a command which a unit took up also did something: its water, its compressor, its tank.

Protects: `effective` is never claimed from what the unit's control says of itself, nor from a lever that did not move,
nor from what the same unit does by itself: defrosts, hot-water runs and ordinary cycling are told apart or left out.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import mean

from domain.base import Instant, Value
from domain.modes import Circuit
from domain.oem.lever import LeverName
from domain.oem.readings import Busy, Condition, Reading

EVIDENT_WITHIN = timedelta(minutes=90)
"""After this a change of supply or compressor may be the weather's or the day's doing, and proves nothing."""
BEFORE = timedelta(minutes=75)
"""What a unit did before a command is taken from so far back: five reads of a sweep."""
TANK_BEFORE = timedelta(hours=12)
"""A tank is warmed in few runs a day; whether one is out of the ordinary shows against half a day."""
SETTLES_IN = timedelta(minutes=12)
"""Compressor and water need so long after the lever moved before they say anything."""
LEAST_READINGS = 2
"""On each side; one reading is no mean."""
LEAST_OF_CYCLING = 4
"""On each side of a unit seen at rest: one that cycles by itself stops and starts within an hour."""
AT_REST_HZ = 1.0
AT_REST_W = 200.0
"""Standby and circulation pump take less, every compressor that runs takes more."""
TANK_ABOVE_K = 1.0
OUTDOOR_EXPLAINS_K = 1.0
"""Supply that a curve asks for, more or less, per kelvin of outdoor temperature that changed meanwhile."""


class Effect(StrEnum):
    """Whether a command did something."""

    EFFECTIVE = "effective"
    NOT_YET = "not-yet"
    IMPOSSIBLE = "no-evidence-possible"
    """The vendor shows nothing that could tell, the lever did not move, or nothing of this kind shows in time."""


class Evidence(Value):
    """What was found, in a sentence that shows the numbers."""

    verdict: Effect
    sentence: str = ""


class AppliedCommand(Value):
    """A command whose effect is looked for."""

    command_id: str
    pump_id: str
    circuit: Circuit
    sent_at: Instant
    """When its first write left: what was stamped before is the state before it."""
    applied_at: Instant
    lever: LeverName
    setting: float

    @property
    def looks_back_to(self) -> datetime:
        """The oldest reading that matters."""
        return self.sent_at - (TANK_BEFORE if self.circuit is Circuit.HOT_WATER else BEFORE)


class _Sign(Value):
    """A quantity that shows physics, and by how much it must have moved."""

    name: str
    unit: str
    least: float
    digits: int = 0


_SIGNS: tuple[tuple[_Sign, Callable[[Reading], float | None]], ...] = (
    (_Sign(name="compressor", unit="Hz", least=10.0), lambda r: r.compressor_hz),
    (_Sign(name="power", unit="W", least=250.0), lambda r: r.power_w),
    (_Sign(name="supply", unit="C", least=1.5, digits=1), lambda r: r.supply_c),
)


def judge_effect(command: AppliedCommand, readings: Sequence[Reading], now: datetime) -> Evidence:
    """Whether `readings` (of the pump, in any order, from `looks_back_to` on) show that the command did something."""
    told = sorted(
        (r for r in readings if r.condition is Condition.NORMAL and r.setting_of(command.lever) is not None),
        key=lambda r: r.as_of,
    )
    before = [r for r in told if command.looks_back_to <= r.as_of <= command.sent_at]
    came_from = before[-1].setting_of(command.lever) if before else None
    moved = [r for r in told if r.as_of > command.sent_at and r.setting_of(command.lever) == command.setting]
    if came_from == command.setting:
        return Evidence(verdict=Effect.IMPOSSIBLE, sentence="the lever did not move")
    if came_from is None or not moved:
        return Evidence(verdict=Effect.NOT_YET)
    is_raised = command.setting > came_from
    held = _newest_at(before, command.lever, came_from)
    since, until = moved[0].as_of, command.applied_at + EVIDENT_WITHIN
    after = [r for r in moved if r.as_of <= until]
    if command.circuit is Circuit.HOT_WATER:
        return _judge_tank(held, after, is_raised=is_raised)
    settled = [r for r in after if r.as_of >= since + SETTLES_IN]
    return _judge_heating(_heating(held), _heating(settled), is_raised=is_raised, is_over=now > until)


def shows_no_effect(readings: Sequence[Reading]) -> bool:
    """Whether what a vendor tells holds nothing by which an effect on the heating could be seen."""
    return bool(readings) and not any(_values(readings, value) for _, value in _SIGNS)


def _judge_heating(before: Sequence[Reading], after: Sequence[Reading], *, is_raised: bool, is_over: bool) -> Evidence:
    """Two signs of physics must agree where two are shown: supply and what the compressor spends."""
    shown: list[str] = []
    supply: list[str] = []
    can_tell = False
    least = LEAST_OF_CYCLING if any(_is_at_rest(r) for r in (*before, *after)) else LEAST_READINGS
    for sign, value in _SIGNS:
        was, is_now = _values(before, value), _values(after, value)
        can_tell = can_tell or bool(was)
        if len(was) < least or len(is_now) < least:
            continue
        if _moved(was, is_now, _least(sign, before, after, is_raised=is_raised), is_raised=is_raised):
            words = f"{sign.name} {mean(was):.{sign.digits}f} -> {mean(is_now):.{sign.digits}f} {sign.unit}"
            (supply if sign.name == "supply" else shown).append(words)
    effort_is_told = any(_values(before, value) for sign, value in _SIGNS if sign.name != "supply")
    if supply and (shown or not effort_is_told):
        return Evidence(verdict=Effect.EFFECTIVE, sentence=", ".join(supply + shown))
    if before and not can_tell:
        return Evidence(verdict=Effect.IMPOSSIBLE, sentence="the vendor shows neither compressor nor temperatures")
    return Evidence(verdict=Effect.IMPOSSIBLE if is_over else Effect.NOT_YET)


def _is_at_rest(reading: Reading) -> bool:
    if reading.compressor_hz is not None:
        return reading.compressor_hz < AT_REST_HZ
    return reading.power_w is not None and reading.power_w < AT_REST_W


def _least(sign: _Sign, before: Sequence[Reading], after: Sequence[Reading], *, is_raised: bool) -> float:
    """What a change must amount to; weather that pulls the same way has to be outdone."""
    if sign.name != "supply":
        return sign.least
    was, is_now = _values(before, lambda r: r.outdoor_c), _values(after, lambda r: r.outdoor_c)
    if not was or not is_now:
        return sign.least
    warmer_k = mean(is_now) - mean(was)
    return sign.least + OUTDOOR_EXPLAINS_K * max(0.0, -warmer_k if is_raised else warmer_k)


def _moved(was: Sequence[float], is_now: Sequence[float], least: float, *, is_raised: bool) -> bool:
    """Whether the mean moved far enough, and no single reading since lies among those before: cycling does."""
    if is_raised:
        return mean(is_now) - mean(was) >= least and min(is_now) > max(was)
    return mean(was) - mean(is_now) >= least and max(is_now) < min(was)


def _judge_tank(before: Sequence[Reading], after: Sequence[Reading], *, is_raised: bool) -> Evidence:
    """A raised tank shows by a run beyond what the lever's last setting led to; a held one shows nothing in time."""
    was, is_now = _values(before, lambda r: r.hot_water_c), _values(after, lambda r: r.hot_water_c)
    if not is_raised:
        return Evidence(verdict=Effect.IMPOSSIBLE, sentence="that a tank is not charged shows only after hours")
    if before and not was:
        return Evidence(verdict=Effect.IMPOSSIBLE, sentence="the vendor shows no tank temperature")
    was_charging = any(r.busy is Busy.HOT_WATER for r in after)
    if len(was) < LEAST_READINGS or not is_now or not was_charging or max(is_now) < max(was) + TANK_ABOVE_K:
        return Evidence(verdict=Effect.NOT_YET)
    return Evidence(
        verdict=Effect.EFFECTIVE, sentence=f"tank charged to {max(is_now):.1f} C, before {max(was):.1f} C at most"
    )


def _heating(readings: Sequence[Reading]) -> list[Reading]:
    return [r for r in readings if r.busy is None]


def _newest_at(readings: Sequence[Reading], lever: LeverName, setting: float) -> list[Reading]:
    """The newest unbroken run of readings with one setting."""
    held: list[Reading] = []
    for reading in reversed(readings):
        if reading.setting_of(lever) != setting:
            break
        held.append(reading)
    return held[::-1]


def _values(readings: Sequence[Reading], value: Callable[[Reading], float | None]) -> list[float]:
    return [known for known in map(value, readings) if known is not None]

"""Hands at the units: people who touch the heating lever and insist on it, and settings that fall back by themselves.

Protects: who moved a lever is drawn from seed and pump alone, hour by hour of steered time, and nobody but the truth
log is told; nothing happens in the first half hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from simulator.faults import Dice
from simulator.levers import Lever
from simulator.seeded import between, share

if TYPE_CHECKING:
    from simulator.unit import OnChange, Unit

HOUR_S = 3600.0
QUIET_S = 1800.0
"""No hand moves so soon after the epoch."""
INSIST_WITHIN_S = 3 * HOUR_S
INSIST_AFTER_S = (1200.0, 3600.0)
INSIST_TIMES = 2
_STEP = {Lever.HEATING_OFFSET: 1.0, Lever.ROOM_SETPOINT: 0.5}
_RANGE = {Lever.HEATING_OFFSET: (-10.0, 10.0), Lever.ROOM_SETPOINT: (5.0, 35.0)}

type What = Literal["touched", "drift", "insists"]


@dataclass(frozen=True, slots=True)
class Due:
    """Something that will happen at a unit."""

    at_s: float
    what: What


@dataclass(slots=True)
class Insistence:
    """What a person set by hand and would set again."""

    value: float
    since_s: float
    left: int = INSIST_TIMES


class Hands:
    """Draws and does what people and weak memories do to heating levers."""

    def __init__(self, seed: int, epoch_s: float, dice: Dice) -> None:
        self._seed = seed
        self._epoch_s = epoch_s
        self._dice = dice

    def draw_hour(self, unit: Unit, hour_start_s: float) -> None:
        """Draw what happens at a unit in the hour that begins."""
        index, hour = unit.spec.index, int(hour_start_s // HOUR_S)
        for what in ("touched", "drift"):
            rate_per_day = self._dice.rates.get(what, 0.0)
            if rate_per_day <= 0.0 or share(self._seed, what, index, hour) >= rate_per_day / 24.0:
                continue
            at_s = hour_start_s + HOUR_S * share(self._seed, what, "when", index, hour)
            if at_s >= self._epoch_s + QUIET_S:
                unit.schedule(Due(at_s, "touched" if what == "touched" else "drift"))

    def act(self, unit: Unit, due: Due, tell: OnChange) -> None:
        """Do what is due at a unit."""
        match due.what:
            case "touched":
                self._touch(unit, due.at_s, tell)
            case "drift":
                self.drift(unit, due.at_s, tell)
            case "insists":
                self._insist(unit, due.at_s, tell)

    def _touch(self, unit: Unit, now_s: float, tell: OnChange) -> None:
        """One or two steps up or down from what the lever shows.

        In the twin's life the same people turn the same knob by as much, from what it shows there.
        """
        lever, knob = unit.lever, unit.heating
        low, high = _RANGE[lever]
        delta = (-2, -1, 1, 2)[int(4 * share(self._seed, "touch", unit.spec.index, int(now_s)))] * _STEP[lever]
        if not low <= knob.setting + delta <= high:
            delta = -delta
        knob.household_setting = max(low, min(high, knob.household_setting + delta))
        unit.dues = [due for due in unit.dues if due.what != "insists"]
        unit.move(lever, knob.setting + delta, now_s, tell, "household", "touched")
        unit.insistence = Insistence(knob.setting, now_s)

    def drift(self, unit: Unit, now_s: float, tell: OnChange, value: float | None = None) -> float | None:
        """The heating lever falls back by itself; returns to what, or None where it has nothing to fall back to."""
        knob = unit.heating
        if value is None:
            known = [old for old in (knob.household_setting, *knob.written) if old != knob.setting]
            if not known:
                return None
            value = known[int(len(known) * share(self._seed, "drift", "to", unit.spec.index, int(now_s)))]
        unit.move(unit.lever, value, now_s, tell, "drift")
        return value

    def overwritten(self, unit: Unit, lever: Lever, now_s: float) -> None:
        """Remote control moved a lever: whoever set it by hand a short while ago will set it again."""
        held = unit.insistence
        if lever is not unit.lever or held is None or held.left <= 0 or unit.setting == held.value:
            return
        if now_s - held.since_s > INSIST_WITHIN_S or any(due.what == "insists" for due in unit.dues):
            return
        held.left -= 1
        unit.schedule(
            Due(now_s + between(*INSIST_AFTER_S, self._seed, "insists", unit.spec.index, int(now_s)), "insists")
        )

    def _insist(self, unit: Unit, now_s: float, tell: OnChange) -> None:
        if unit.insistence is not None:
            unit.insistence.since_s = now_s
            unit.move(unit.lever, unit.insistence.value, now_s, tell, "household", "insists")

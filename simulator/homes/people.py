"""People who change the heating lever at the unit and insist on it, and settings that fall back by themselves.

Protects: who moved a lever is drawn from seed and pump alone, hour by hour of steered time, and only the truth log is
told; nothing happens in the first half hour.
"""

from simulator.faults.rates import FaultDice
from simulator.homes.acts import ManualChange, ScheduledAct
from simulator.homes.unit import RecordChange, Unit
from simulator.levers import Lever
from simulator.seeded import between, share

HOUR_S = 3600.0
QUIET_S = 1800.0
"""Nobody changes anything so soon after the epoch."""
INSIST_WITHIN_S = 3 * HOUR_S
INSIST_AFTER_S = (1200.0, 3600.0)
_STEP = {Lever.HEATING_OFFSET: 1.0, Lever.LEAVING_WATER: 1.0, Lever.ROOM_SETPOINT: 0.5}


class People:
    """Draws and performs manual changes and drifts of heating levers."""

    def __init__(self, seed: int, epoch_s: float, dice: FaultDice) -> None:
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
                unit.schedule(ScheduledAct(at_s, "touched" if what == "touched" else "drift"))

    def act(self, unit: Unit, act: ScheduledAct, record: RecordChange) -> None:
        """Perform what was scheduled at a unit."""
        match act.what:
            case "touched":
                self._touch(unit, act.at_s, record)
            case "drift":
                self.drift(unit, act.at_s, record)
            case "insists":
                self._insist(unit, act.at_s, record)

    def _touch(self, unit: Unit, now_s: float, record: RecordChange) -> None:
        """One or two steps up or down from what the lever shows.

        In the twin's life the same people change the same lever by as much, from what it shows there.
        """
        lever, state = unit.heating_lever, unit.heating
        low, high = unit.ranges[lever].minimum, unit.ranges[lever].maximum
        delta = (-2, -1, 1, 2)[int(4 * share(self._seed, "touch", unit.spec.index, int(now_s)))] * _STEP[lever]
        if not low <= state.setting + delta <= high:
            delta = -delta
        state.household_setting = max(low, min(high, state.household_setting + delta))
        unit.scheduled = [act for act in unit.scheduled if act.what != "insists"]
        unit.move(lever, state.setting + delta, now_s, record, "household", "touched")
        unit.manual_change = ManualChange(state.setting, now_s)

    def drift(self, unit: Unit, now_s: float, record: RecordChange, value: float | None = None) -> float | None:
        """The heating lever falls back by itself; returns to what, or None where it has nothing to fall back to."""
        state = unit.heating
        if value is None:
            known = [old for old in (state.household_setting, *state.written) if old != state.setting]
            if not known:
                return None
            value = known[int(len(known) * share(self._seed, "drift", "to", unit.spec.index, int(now_s)))]
        unit.move(unit.heating_lever, value, now_s, record, "drift")
        return value

    def overwritten(self, unit: Unit, lever: Lever, now_s: float) -> None:
        """Remote control moved a lever: whoever changed it a short while ago will set it again."""
        change = unit.manual_change
        if lever is not unit.heating_lever or change is None or change.left <= 0 or unit.setting == change.value:
            return
        if now_s - change.since_s > INSIST_WITHIN_S or any(act.what == "insists" for act in unit.scheduled):
            return
        change.left -= 1
        after_s = between(*INSIST_AFTER_S, self._seed, "insists", unit.spec.index, int(now_s))
        unit.schedule(ScheduledAct(now_s + after_s, "insists"))

    def _insist(self, unit: Unit, now_s: float, record: RecordChange) -> None:
        if unit.manual_change is not None:
            unit.manual_change.since_s = now_s
            unit.move(unit.heating_lever, unit.manual_change.value, now_s, record, "household", "insists")

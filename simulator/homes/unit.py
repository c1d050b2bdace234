"""A unit on the wall: its levers, what the cloud asked of it, and what it publishes to the cloud.

Protects: accepting is not applying; a lever changes only when the unit itself applies a setting, and the cloud
knows only what the unit published.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from math import inf
from typing import Any

from simulator.homes.acts import ManualChange, ScheduledAct
from simulator.homes.conditions import ActiveCondition, Condition, shift_of
from simulator.homes.levers import LeverState, PendingSetting, TemporarySetting
from simulator.homes.make import FittedUnit
from simulator.homes.snapshot import KEPT_SNAPSHOTS, PUBLISH_S, Snapshot, UnitDisplay, take_snapshot
from simulator.levers import Lever
from simulator.physics.house import HouseSpec, HouseState
from simulator.seeded import between
from simulator.truth import StateCause

type RecordChange = Callable[[float, "Unit", Lever, StateCause, str | None], None]


class Unit:
    """One device of a vendor; its levers act on one house."""

    def __init__(self, spec: HouseSpec, oem: str, fitted: FittedUnit, seed: int, pump_id: str, start_s: float) -> None:
        self.spec = spec
        self.oem = oem
        self.identity = fitted.identity
        self.pump_id = pump_id
        self.heating_lever = fitted.heating
        self.levers = {lever: LeverState(setting, setting) for lever, setting in fitted.settings.items()}
        self.heating = self.levers[fitted.heating]
        self.ranges = fitted.ranges
        self.pending: list[PendingSetting] = []
        self.active: ActiveCondition | None = None
        self.scheduled: list[ScheduledAct] = []
        self.next_event_s = inf
        self.manual_change: ManualChange | None = None
        self.total_kwh = round(between(800.0, 21000.0, seed, "meter", spec.index), 1)
        phase_s = between(1.0, PUBLISH_S - 1.0, seed, "phase", spec.index)
        self.next_publish_s = start_s - PUBLISH_S + phase_s
        self.snapshots: deque[Snapshot] = deque(maxlen=KEPT_SNAPSHOTS)

    @property
    def hot_water(self) -> LeverState | None:
        """The lever of the tank, by comfort step or target temperature; None where the unit has none."""
        return self.levers.get(Lever.HOT_WATER_COMFORT) or self.levers.get(Lever.HOT_WATER_TARGET)

    @property
    def setting(self) -> float:
        """The heating lever's setting in force."""
        return self.heating.setting

    @property
    def household_setting(self) -> float:
        """The heating lever's setting as the household last set it."""
        return self.heating.household_setting

    @property
    def condition(self) -> Condition:
        return self.active.condition if self.active else Condition.NORMAL

    def in_force(self) -> tuple[float, float, float, float, bool]:
        """What house and twin live by: heating and hot-water setting of each, and whether rooms may be heated."""
        heating = self.heating
        own = twin = self.spec.household.hot_water_setting
        if self.hot_water is not None:
            own, twin = self.hot_water.setting, self.hot_water.household_setting
        if self.active is None:
            return heating.setting, own, heating.household_setting, twin, True
        condition = self.active.condition
        shift = shift_of(condition, self.heating_lever, self.spec.index)
        allowed = condition is not Condition.OFF
        return heating.setting + shift, own, heating.household_setting + shift, twin, allowed

    def ask(self, value: float, apply_at_s: float, lever: Lever | None = None, lasts_s: float = inf) -> float:
        """Accept a setting from the cloud, in place of any other for its lever; returns when it will be applied."""
        lever = lever or self.heating_lever
        for pending in self.pending:
            if pending.lever is lever and not pending.late:
                if pending.value == value and pending.lasts_s == lasts_s:
                    apply_at_s = min(apply_at_s, pending.apply_at_s)
                self.pending.remove(pending)
                break
        self.pending.append(PendingSetting(lever, value, apply_at_s, lasts_s=lasts_s))
        return apply_at_s

    def ask_late(self, value: float, apply_at_s: float, lever: Lever | None = None, lasts_s: float = inf) -> None:
        """A write whose answer was lost: it is still on its way, and no newer one recalls it."""
        self.pending.append(PendingSetting(lever or self.heating_lever, value, apply_at_s, late=True, lasts_s=lasts_s))

    def stands_at(self, value: float, lever: Lever | None = None) -> bool:
        """Whether the lever has the value for good and no newer write is on its way to it."""
        lever = lever or self.heating_lever
        if any(pending.lever is lever and not pending.late for pending in self.pending):
            return False
        state = self.levers[lever]
        return state.temporary is None and state.standing == value

    def settle(self, until_s: float, state: HouseState, outdoor_c: float, silent: bool, record: RecordChange) -> None:
        """Apply and publish, in order of time, everything due up to a moment; a silent unit publishes nothing."""
        while True:
            first = min(self.pending, key=_by_time) if self.pending else None
            apply_s = first.apply_at_s if first else inf
            if min(apply_s, self.next_publish_s) > until_s:
                return
            if first is not None and apply_s <= self.next_publish_s:
                self._apply(first, record)
            else:
                if not silent:
                    at_s = self.next_publish_s
                    self.snapshots.append(take_snapshot(self.spec, self._display(), at_s, state, outdoor_c))
                self.next_publish_s += PUBLISH_S

    def _display(self) -> UnitDisplay:
        comfort = self.spec.household.hot_water_setting if self.hot_water is None else self.hot_water.setting
        return UnitDisplay(self.heating.setting, comfort, self.total_kwh, self.condition)

    def _apply(self, pending: PendingSetting, record: RecordChange) -> None:
        self.pending.remove(pending)
        lever, at_s = self.levers[pending.lever], pending.apply_at_s
        cause: StateCause = "late-write" if pending.late else "write"
        if pending.lasts_s < inf:
            before = lever.setting
            lever.temporary = TemporarySetting(pending.value, at_s + pending.lasts_s)
            self.refresh_next_event()
            if lever.setting != before:
                record(at_s, self, pending.lever, cause, "temporary")
            return
        lever.remember(pending.value)
        self.move(pending.lever, pending.value, at_s, record, cause)

    def move(
        self,
        lever: Lever,
        value: float,
        now_s: float,
        record: RecordChange,
        cause: StateCause,
        detail: str | None = None,
    ) -> None:
        """The standing setting changes and ends a temporary one; records nothing where nothing changed."""
        state = self.levers[lever]
        before, was_temporary = state.setting, state.temporary is not None
        state.standing, state.temporary = value, None
        if was_temporary:
            self.refresh_next_event()  # its end is no event any more
        if before != value:
            record(now_s, self, lever, cause, detail)

    def end_temporary(self, now_s: float, record: RecordChange) -> bool:
        """End the temporary settings whose time is over; tells whether there were any."""
        over = [
            lever
            for lever, state in self.levers.items()
            if state.temporary is not None and state.temporary.until_s <= now_s
        ]
        for lever in over:
            self.move(lever, self.levers[lever].standing, now_s, record, "expiry")
        return bool(over)

    def set_by_person(self, value: float, now_s: float, record: RecordChange, lever: Lever | None = None) -> None:
        """Somebody sets the unit itself, and the twin's people do the same; pending writes stay on their way."""
        lever = lever or self.heating_lever
        self.levers[lever].household_setting = value
        if lever is self.heating_lever:
            self.manual_change = None
        self.move(lever, value, now_s, record, "household")

    def schedule(self, act: ScheduledAct) -> None:
        """Something will happen at this unit."""
        self.scheduled = sorted([*self.scheduled, act], key=lambda act: act.at_s)
        self.refresh_next_event()

    def refresh_next_event(self) -> None:
        """Note when the next act, end of a condition or end of a temporary setting comes."""
        first_s = self.scheduled[0].at_s if self.scheduled else inf
        condition_s = self.active.until_s if self.active else inf
        ends = (state.temporary.until_s for state in self.levers.values() if state.temporary is not None)
        self.next_event_s = min(first_s, condition_s, *ends)

    def read(self, not_after_s: float) -> Snapshot:
        """The newest snapshot published at or before a moment, or the oldest one kept."""
        for snapshot in reversed(self.snapshots):
            if snapshot.at_s <= not_after_s:
                return snapshot
        return self.snapshots[0]

    def to_json(self) -> dict[str, Any]:
        """What a restart needs; the last snapshot stands for the published ones."""
        return {
            "levers": {lever.value: state.to_json() for lever, state in self.levers.items()},
            "pending": [pending.to_json() for pending in self.pending],
            "active": self.active.to_json() if self.active else None,
            "scheduled": [asdict(act) for act in self.scheduled],
            "manual_change": asdict(self.manual_change) if self.manual_change else None,
            "total_kwh": self.total_kwh,
            "next_publish_s": self.next_publish_s,
            "snapshots": [snapshot.to_json() for snapshot in list(self.snapshots)[-1:]],
        }

    def restore(self, kept: dict[str, Any]) -> None:
        self.levers = {Lever(name): LeverState.from_json(state) for name, state in kept["levers"].items()}
        self.heating = self.levers[self.heating_lever]
        self.pending = [PendingSetting.from_json(pending) for pending in kept["pending"]]
        self.active = ActiveCondition.from_json(kept["active"]) if kept["active"] else None
        self.scheduled = [ScheduledAct(**act) for act in kept["scheduled"]]
        self.manual_change = ManualChange(**kept["manual_change"]) if kept["manual_change"] else None
        self.total_kwh = kept["total_kwh"]
        self.next_publish_s = kept["next_publish_s"]
        self.snapshots.extend(Snapshot.from_json(snapshot) for snapshot in kept["snapshots"])
        self.refresh_next_event()


def _by_time(pending: PendingSetting) -> tuple[float, bool]:
    return pending.apply_at_s, pending.late

"""A unit on the wall: its lever, what the cloud asked of it, and what it publishes to the cloud.

Protects: accepting is not applying; a lever changes only when the unit itself takes a wish up, and the cloud
knows only what the unit published.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from domain.modes import Lever
from simulator.house import HouseSpec, HouseState
from simulator.seeded import between, share
from simulator.truth import StateCause

PUBLISH_S = 60.0
KEPT_SNAPSHOTS = 45
ABSENT = -32768.0

type OnChange = Callable[[float, "Unit", StateCause], None]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a unit published at one moment, quantised as its sensors are."""

    at_s: float
    setting: float
    room_c: float
    """ABSENT where there is no sensor."""
    outdoor_c: float
    mean_outdoor_c: float
    supply_c: float
    return_c: float
    target_c: float
    power_w: float
    compressor_w: float
    backup_w: float
    modulation: float
    running: bool
    degree_minutes: float
    total_kwh: float
    hot_water_c: float


@dataclass(frozen=True, slots=True)
class Wish:
    """A setting on its way to the unit."""

    value: float
    apply_at_s: float


class Unit:
    """One device of the vendor; its lever acts on one house."""

    def __init__(self, spec: HouseSpec, seed: int, pump_id: str, start_s: float) -> None:
        self.spec = spec
        self.pump_id = pump_id
        number = spec.index + 1
        family = "s735" if spec.is_s_series else "f730"
        tag = f"{int(share(seed, 'serial', spec.index) * 16**10):010x}"
        self.serial = f"06{int(share(seed, 'serial-number', spec.index) * 10**12):012d}"
        self.device_id = f"{family}-r-{number:04d}-{tag[:4]}-{tag[4:]}"
        self.system_id = f"sys-{number:04d}-{tag[4:]}"
        self.lever = Lever.ROOM_SETPOINT if spec.is_s_series else Lever.HEATING_OFFSET
        self.setting = spec.household.setting
        self.household_setting = spec.household.setting
        """Last value a person set; the twin lives by it."""
        self.desired: Wish | None = None
        self.late: list[Wish] = []
        """Writes whose answer was lost and that still travel; a newer write does not recall them."""
        self.total_kwh = round(between(800.0, 21000.0, seed, "meter", spec.index), 1)
        phase_s = between(1.0, PUBLISH_S - 1.0, seed, "phase", spec.index)
        self.next_publish_s = start_s - PUBLISH_S + phase_s
        self.snapshots: deque[Snapshot] = deque(maxlen=KEPT_SNAPSHOTS)

    @property
    def product_name(self) -> str:
        return "S735-7" if self.spec.is_s_series else "F730 CU 3x400V"

    def ask(self, value: float, apply_at_s: float) -> float:
        """Take a wish from the cloud, in place of any other; returns when it will be applied."""
        if self.desired is not None and self.desired.value == value:
            apply_at_s = min(apply_at_s, self.desired.apply_at_s)
        self.desired = Wish(value, apply_at_s)
        return apply_at_s

    def has(self, value: float) -> bool:
        """Whether the lever stands at the value and nothing is on its way."""
        return self.desired is None and self.setting == value

    def settle(self, until_s: float, state: HouseState, outdoor_c: float, offline: bool, tell: OnChange) -> None:
        """Apply and publish, in the order of time, everything due up to a moment."""
        while True:
            wish = self._next_wish()
            wish_s = wish.apply_at_s if wish else float("inf")
            if min(wish_s, self.next_publish_s) > until_s:
                return
            if wish is not None and wish_s <= self.next_publish_s:
                self._apply(wish, tell)
            else:
                if not offline:
                    self.snapshots.append(self._snapshot(self.next_publish_s, state, outdoor_c))
                self.next_publish_s += PUBLISH_S

    def _next_wish(self) -> Wish | None:
        if not self.late:
            return self.desired
        first = min(self.late, key=lambda wish: wish.apply_at_s)
        return self.desired if self.desired and self.desired.apply_at_s <= first.apply_at_s else first

    def _apply(self, wish: Wish, tell: OnChange) -> None:
        cause: StateCause = "write" if wish is self.desired else "late-write"
        if wish is self.desired:
            self.desired = None
        else:
            self.late.remove(wish)
        if self.setting != wish.value:
            self.setting = wish.value
            tell(wish.apply_at_s, self, cause)

    def set_by_person(self, value: float, now_s: float, tell: OnChange) -> None:
        """Somebody turns the knob; what travels from the cloud goes on travelling."""
        self.household_setting = value
        if self.setting != value:
            self.setting = value
            tell(now_s, self, "household")

    def read(self, not_after_s: float) -> Snapshot:
        """The newest snapshot published at or before a moment, or the oldest one kept."""
        for snapshot in reversed(self.snapshots):
            if snapshot.at_s <= not_after_s:
                return snapshot
        return self.snapshots[0]

    def _snapshot(self, at_s: float, state: HouseState, outdoor_c: float) -> Snapshot:
        spec, control = self.spec, state.control
        room_c = ABSENT
        if spec.has_room_sensor:
            noise_k = 0.03 * (share("room-noise", spec.index, int(at_s)) - 0.5) * 3.4
            room_c = round(state.rooms.air_c + spec.room_sensor_k + noise_k, 1)
        drop_k = state.heat_w / spec.pump.flow_w_k
        return Snapshot(
            at_s,
            self.setting,
            room_c,
            round(outdoor_c + spec.outdoor_sensor_k, 1),
            round(control.smoothed_outdoor_c, 1),
            round(control.supply_c, 1),
            round(control.supply_c - drop_k, 1),
            round(control.target_c, 1),
            round(state.power_w),
            round(state.compressor_w),
            round(state.backup_w),
            control.modulation,
            control.running,
            round(control.degree_minutes, 1),
            round(self.total_kwh, 1),
            round(49.0 + 2.0 * share("hot-water", spec.index, int(at_s) // 1800), 1),
        )

    def to_json(self) -> dict[str, Any]:
        """What a restart needs; the last snapshot stands for the published ones."""
        return {
            "setting": self.setting,
            "household_setting": self.household_setting,
            "desired": asdict(self.desired) if self.desired else None,
            "late": [asdict(wish) for wish in self.late],
            "total_kwh": self.total_kwh,
            "next_publish_s": self.next_publish_s,
            "snapshots": [asdict(snapshot) for snapshot in list(self.snapshots)[-1:]],
        }

    def restore(self, kept: dict[str, Any]) -> None:
        self.setting = kept["setting"]
        self.household_setting = kept["household_setting"]
        self.desired = Wish(**kept["desired"]) if kept["desired"] else None
        self.late = [Wish(**wish) for wish in kept["late"]]
        self.total_kwh = kept["total_kwh"]
        self.next_publish_s = kept["next_publish_s"]
        self.snapshots.extend(Snapshot(**snapshot) for snapshot in kept["snapshots"])


def speed_hz(snapshot: Snapshot) -> int:
    """Compressor frequency as the unit shows it."""
    return round(20 + 100 * snapshot.modulation) if snapshot.running else 0

"""A unit on the wall: its levers, what the cloud asked of it, and what it publishes to the cloud.

Protects: accepting is not applying; a lever changes only when the unit itself takes a wish up, and the cloud
knows only what the unit published.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from math import inf
from typing import Any

from domain.oem.cloud import Condition
from simulator.conditions import Standing, shift_of
from simulator.house import HouseSpec, HouseState
from simulator.levers import Lever
from simulator.people import Due, Insistence
from simulator.seeded import between, share
from simulator.snapshot import KEPT_SNAPSHOTS, PUBLISH_S, Snapshot, take_snapshot
from simulator.truth import StateCause

_KEPT_WRITTEN = 5

type OnChange = Callable[[float, "Unit", Lever, StateCause, str | None], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """A setting on its way to the unit."""

    lever: Lever
    value: float
    apply_at_s: float
    late: bool = False
    """Its answer was lost and it still travels; a newer write does not recall it."""


@dataclass(slots=True)
class Knob:
    """One lever of a unit."""

    setting: float
    household_setting: float
    """What the household has set, steering apart; the twin lives by it."""
    written: list[float] = field(default_factory=list)
    """Values that remote control set, the newest last."""

    def remember(self, value: float) -> None:
        self.written = [*(old for old in self.written if old != value), value][-_KEPT_WRITTEN:]


class Unit:
    """One device of the vendor; its levers act on one house."""

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
        """The heating lever."""
        people = spec.household
        self.heating = Knob(people.setting, people.setting)
        self.knobs = {self.lever: self.heating}
        if not spec.is_s_series:
            self.knobs[Lever.HOT_WATER_COMFORT] = Knob(people.hot_water_setting, people.hot_water_setting)
        self.wishes: list[Wish] = []
        self.standing: Standing | None = None
        self.dues: list[Due] = []
        self.next_due_s = inf
        self.insistence: Insistence | None = None
        self.total_kwh = round(between(800.0, 21000.0, seed, "meter", spec.index), 1)
        phase_s = between(1.0, PUBLISH_S - 1.0, seed, "phase", spec.index)
        self.next_publish_s = start_s - PUBLISH_S + phase_s
        self.snapshots: deque[Snapshot] = deque(maxlen=KEPT_SNAPSHOTS)

    @property
    def product_name(self) -> str:
        return "S735-7" if self.spec.is_s_series else "F730 CU 3x400V"

    @property
    def setting(self) -> float:
        """The heating lever's."""
        return self.heating.setting

    @property
    def household_setting(self) -> float:
        """The heating lever's."""
        return self.heating.household_setting

    @property
    def condition(self) -> Condition:
        return self.standing.condition if self.standing else Condition.NORMAL

    def acting(self) -> tuple[float, float, float, float, bool]:
        """What house and twin live by: heating setting and comfort step of each, and whether rooms may be heated."""
        heating = self.heating
        water = self.knobs.get(Lever.HOT_WATER_COMFORT)
        own = twin = self.spec.household.hot_water_setting
        if water is not None:
            own, twin = water.setting, water.household_setting
        if self.standing is None:
            return heating.setting, own, heating.household_setting, twin, True
        condition = self.standing.condition
        shift = shift_of(condition, self.spec.is_s_series, self.spec.index)
        allowed = condition is not Condition.OFF
        return heating.setting + shift, own, heating.household_setting + shift, twin, allowed

    def ask(self, value: float, apply_at_s: float, lever: Lever | None = None) -> float:
        """Take a wish from the cloud, in place of any other for its lever; returns when it will be applied."""
        lever = lever or self.lever
        for wish in self.wishes:
            if wish.lever is lever and not wish.late:
                if wish.value == value:
                    apply_at_s = min(apply_at_s, wish.apply_at_s)
                self.wishes.remove(wish)
                break
        self.wishes.append(Wish(lever, value, apply_at_s))
        return apply_at_s

    def ask_late(self, value: float, apply_at_s: float, lever: Lever | None = None) -> None:
        """A write whose answer was lost: it travels, and no newer one recalls it."""
        self.wishes.append(Wish(lever or self.lever, value, apply_at_s, late=True))

    def has(self, value: float, lever: Lever | None = None) -> bool:
        """Whether the lever stands at the value and nothing but lost writes is on its way to it."""
        lever = lever or self.lever
        if any(wish.lever is lever and not wish.late for wish in self.wishes):
            return False
        return self.knobs[lever].setting == value

    def settle(self, until_s: float, state: HouseState, outdoor_c: float, silent: bool, tell: OnChange) -> None:
        """Apply and publish, in the order of time, everything due up to a moment; a silent unit publishes nothing."""
        while True:
            wish = min(self.wishes, key=_by_time) if self.wishes else None
            wish_s = wish.apply_at_s if wish else inf
            if min(wish_s, self.next_publish_s) > until_s:
                return
            if wish is not None and wish_s <= self.next_publish_s:
                self._apply(wish, tell)
            else:
                if not silent:
                    self.snapshots.append(take_snapshot(self, self.next_publish_s, state, outdoor_c))
                self.next_publish_s += PUBLISH_S

    def _apply(self, wish: Wish, tell: OnChange) -> None:
        self.wishes.remove(wish)
        self.knobs[wish.lever].remember(wish.value)
        self.move(wish.lever, wish.value, wish.apply_at_s, tell, "late-write" if wish.late else "write")

    def move(
        self,
        lever: Lever,
        value: float,
        now_s: float,
        tell: OnChange,
        cause: StateCause,
        detail: str | None = None,
    ) -> None:
        """The lever changes, whoever did it; tells nothing where it stood there already."""
        knob = self.knobs[lever]
        if knob.setting != value:
            knob.setting = value
            tell(now_s, self, lever, cause, detail)

    def set_by_person(self, value: float, now_s: float, tell: OnChange, lever: Lever | None = None) -> None:
        """Somebody turns the knob, and in the twin too; what travels from the cloud goes on travelling."""
        lever = lever or self.lever
        self.knobs[lever].household_setting = value
        if lever is self.lever:
            self.insistence = None
        self.move(lever, value, now_s, tell, "household")

    def schedule(self, due: Due) -> None:
        """Something that will happen at this unit."""
        self.dues = sorted([*self.dues, due], key=lambda due: due.at_s)
        self.refresh_due()

    def refresh_due(self) -> None:
        """Note when the next thing happens."""
        first_s = self.dues[0].at_s if self.dues else inf
        self.next_due_s = min(first_s, self.standing.until_s if self.standing else inf)

    def read(self, not_after_s: float) -> Snapshot:
        """The newest snapshot published at or before a moment, or the oldest one kept."""
        for snapshot in reversed(self.snapshots):
            if snapshot.at_s <= not_after_s:
                return snapshot
        return self.snapshots[0]

    def to_json(self) -> dict[str, Any]:
        """What a restart needs; the last snapshot stands for the published ones."""
        return {
            "knobs": {lever.value: asdict(knob) for lever, knob in self.knobs.items()},
            "wishes": [asdict(wish) for wish in self.wishes],
            "standing": self.standing.to_json() if self.standing else None,
            "dues": [asdict(due) for due in self.dues],
            "insistence": asdict(self.insistence) if self.insistence else None,
            "total_kwh": self.total_kwh,
            "next_publish_s": self.next_publish_s,
            "snapshots": [asdict(snapshot) for snapshot in list(self.snapshots)[-1:]],
        }

    def restore(self, kept: dict[str, Any]) -> None:
        self.knobs = {Lever(name): Knob(**knob) for name, knob in kept["knobs"].items()}
        self.heating = self.knobs[self.lever]
        self.wishes = [Wish(**(wish | {"lever": Lever(wish["lever"])})) for wish in kept["wishes"]]
        self.standing = Standing.from_json(kept["standing"]) if kept["standing"] else None
        self.dues = [Due(**due) for due in kept["dues"]]
        self.insistence = Insistence(**kept["insistence"]) if kept["insistence"] else None
        self.total_kwh = kept["total_kwh"]
        self.next_publish_s = kept["next_publish_s"]
        self.snapshots.extend(Snapshot.from_json(snapshot) for snapshot in kept["snapshots"])
        self.refresh_due()


def _by_time(wish: Wish) -> tuple[float, bool]:
    return wish.apply_at_s, wish.late

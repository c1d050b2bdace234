"""What was wished of every pump at every moment of a run, and whether its true levers stood so.

Protects: the target is the one `domain.steering.arbitration` computes, over plans, overrides, manual changes, orders
and conditions as they stood then; a person's setting is the baseline from when it was seen on.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from application.manual_changes import Touch, holds_of
from demo.report.recording import Run, circuit_of, moment, newest_before
from demo.simulator_client import true_settings
from domain.modes import Circuit
from domain.oem.cloud import Condition
from domain.planning.price_plan import PricePlan
from domain.slots import SLOT
from domain.steering.arbitration import target_at
from domain.steering.orders import Order
from domain.steering.overrides import Override
from domain.steering.pump_state import CircuitState, PumpState
from domain.steering.target import Target
from domain.steering.watch import Watch

_SAME = 1e-6
_NEVER = datetime.max.replace(tzinfo=UTC)


class Wishes:
    """Answers for one run; settings are absolute, in each lever's own unit."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._settings = {circuit: true_settings(run.truth_lines, circuit) for circuit in Circuit}
        self._baselines: dict[tuple[str, Circuit], list[tuple[datetime, float]]] = {}
        self._holds: dict[str, list[Override]] = {}
        self._conditions: dict[str, list[tuple[datetime, Condition]]] = {}
        self._plans: dict[tuple[str, int], tuple[PricePlan, ...]] = {}
        self._kept: dict[tuple[str, Circuit], tuple[datetime, datetime, Target]] = {}
        self._read_touches()
        self._read_conditions()
        self._news = {pump: sorted(self._news_of(pump)) for pump in run.profiles}

    def circuits(self, pump: str) -> tuple[Circuit, ...]:
        """What is steered of a pump."""
        has_water = self.run.profiles[pump].hot_water is not None
        return (Circuit.HEATING, Circuit.HOT_WATER) if has_water else (Circuit.HEATING,)

    def at(self, pump: str, circuit: Circuit, when: datetime) -> Target:
        """The newest valid (jittered) wish."""
        kept = self._kept.get((pump, circuit))
        if kept is not None and kept[0] <= when < kept[1]:
            return kept[2]
        target = target_at(self._state(pump, when), when, circuit)
        # Until it may change by itself, or something is heard of the pump, it is the same.
        news = self._news[pump]
        index = bisect_right(news, when)
        ends = [*news[index : index + 1], *([target.until] if target.until is not None else [])]
        self._kept[pump, circuit] = (when, min(ends, default=_NEVER), target)
        return target

    def setting(self, pump: str, circuit: Circuit, when: datetime) -> float | None:
        """The setting that expresses the wish; None while nothing may be written."""
        target = self.at(pump, circuit, when)
        if target.is_held:
            return None
        profile = self.run.profiles[pump].rebased(circuit, self._baseline(pump, circuit, when))
        return profile.lever_of(circuit).setting_for(target.mode)

    def lever(self, pump: str, circuit: Circuit, when: datetime) -> float:
        """Where the lever truly stood."""
        stood = newest_before(self._settings[circuit].get(pump, ()), when)
        return self.run.profiles[pump].lever_of(circuit).baseline if stood is None else stood

    def holds(self, pump: str, circuit: Circuit, when: datetime) -> bool | None:
        """Whether the lever truly stood as wished; None while nothing might be written."""
        wished = self.setting(pump, circuit, when)
        return None if wished is None else abs(self.lever(pump, circuit, when) - wished) < _SAME

    def contradicts(self, pump: str, circuit: Circuit, when: datetime, setting: float) -> bool:
        """Whether a setting is not what was wished then."""
        wished = self.setting(pump, circuit, when)
        return wished is not None and abs(setting - wished) >= _SAME

    def _baseline(self, pump: str, circuit: Circuit, when: datetime) -> float | None:
        seen = newest_before(self._baselines.get((pump, circuit), ()), when)
        if seen is not None:
            return seen
        # The profile holds the newest baseline; what the lever began with is the one it was enrolled with.
        steps = self._settings[circuit].get(pump, ())
        return steps[0][1] if steps and steps[0][0] <= self.run.start else None

    def _state(self, pump: str, when: datetime) -> PumpState:
        run, profile = self.run, self.run.profiles[pump]
        retired_at = run.retired_at.get(pump)
        warmth = newest_before([(w.at, w) for w in run.warmth.get(pump, ())], when)
        targets: Iterable[Override] = (*run.overrides.get(pump, ()), *self._holds.get(pump, ()))
        return PumpState(
            pump_id=pump,
            oem=profile.enrolment.oem,
            site=profile.site,
            plans=self._plans_by(pump, when),
            overrides=tuple(o for o in targets if o.requested_at <= when),
            orders=tuple(_as_of(order, when) for given, order in run.orders.get(pump, ()) if given <= when),
            hot_water=None if profile.hot_water is None else CircuitState(settled=None),
            watch=Watch(
                condition=newest_before(self._conditions.get(pump, ()), when) or Condition.NORMAL,
                is_cold=warmth is not None and warmth.is_cold,
                is_tank_cold=warmth is not None and warmth.is_tank_cold,
            ),
            opted_out=newest_before(run.opted_out.get(pump, ()), when) or False,
            retiring=retired_at is not None and retired_at <= when,
        )

    def _news_of(self, pump: str) -> Iterator[datetime]:
        """Every moment at which something was heard of the pump, or was taken back."""
        run = self.run
        yield from (made for made, _ in run.plans.get(pump, ()))
        yield from (o.requested_at for o in (*run.overrides.get(pump, ()), *self._holds.get(pump, ())))
        for given, order in run.orders.get(pump, ()):
            yield given
            if order.lifted_at is not None:
                yield order.lifted_at
        yield from (at for at, _ in self._conditions.get(pump, ()))
        yield from (warmth.at for warmth in run.warmth.get(pump, ()))
        yield from (at for at, _ in run.opted_out.get(pump, ()))
        if pump in run.retired_at:
            yield run.retired_at[pump]

    def _plans_by(self, pump: str, when: datetime) -> tuple[PricePlan, ...]:
        known = self.run.plans.get(pump, ())
        made = sum(at <= when for at, _ in known)
        key = (pump, made)
        if key not in self._plans:
            self._plans[key] = tuple(sorted((p for at, p in known if at <= when), key=lambda p: p.revision))
        return self._plans[key]

    def _read_touches(self) -> None:
        by_pump: dict[str, list[Touch]] = {}
        for line in self.run.events:
            if line["event"] == "touched" and line["pump"] in self.run.profiles:
                touch = Touch(moment(line["at"]), circuit_of(line), float(line["setting"]))
                by_pump.setdefault(line["pump"], []).append(touch)
        for pump, touches in by_pump.items():
            touches.sort(key=lambda touch: touch.at)
            self._holds[pump] = holds_of(touches, self.run.ended.get(pump, ()))
            for at, circuit, setting in touches:
                self._baselines.setdefault((pump, circuit), []).append((at, setting))

    def _read_conditions(self) -> None:
        for line in self.run.truth_lines:
            if line["kind"] == "condition":
                now = Condition(line["condition"]) if line["begins"] else Condition.NORMAL
                self._conditions.setdefault(line["pump"], []).append((moment(line["at"]), now))


def _as_of(order: Order, when: datetime) -> Order:
    """The order as it stood then: not lifted yet, if it was lifted later."""
    later = order.lifted_at is not None and order.lifted_at > when
    return order.model_copy(update={"lifted_at": None}) if later else order


def fidelity(run: Run, circuit: Circuit = Circuit.HEATING, targets: Wishes | None = None) -> float | None:
    """Share of pump-slots at whose end the true lever equals the newest valid (jittered) wish.

    Slots in which nothing may be written ask nothing of a lever and are left out; None where no pump has the lever.
    """
    targets = targets or Wishes(run)
    slots = round((run.end - run.start) / SLOT)
    right = total = 0
    for pump in run.profiles:
        if circuit not in targets.circuits(pump):
            continue
        for i in range(slots):
            held = targets.holds(pump, circuit, run.start + (i + 1) * SLOT)
            right += held is True
            total += held is not None
    return right / total if total else None

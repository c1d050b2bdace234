"""The sweep: reads every quarter-hour and signals what is new or contradicts the pump, not always in order.

Protects: only what the cloud showed is signalled, and a contradiction is signalled until it is gone.
"""

from datetime import timedelta

from domain.modes import Circuit
from domain.oem.readings import Condition
from domain.steering.pump_state import Observed, SeenLever
from domain.steering.sweep_policy import silence
from tests.simulation.simulated_pump import SimulatedPump

SILENT_AFTER = timedelta(minutes=30)


class Sweep:
    """One pump as the sweep knows it."""

    def __init__(self, pump: SimulatedPump) -> None:
        self._pump = pump
        self._told = (Condition.NORMAL, False, False, False)
        self._is_cold = self._is_tank_cold = False

    def sweep(self, n: int) -> None:
        """The n-th pass."""
        if self._pump.cloud.window("outage", self._pump.now) or self._pump.cloud.window("budget", self._pump.now):
            return
        seen = self._observe(is_routine=n % 32 == 0)
        if seen is None:
            return
        delay = 20 * self._pump.luck(21) if self._pump.luck(22) < 0.95 else 1200 * self._pump.luck(21)
        self._pump.later(self._pump.now + timedelta(seconds=delay), "event", seen)
        if self._pump.luck(23) < 0.05:
            self._pump.later(self._pump.now + timedelta(seconds=900 * self._pump.luck(24)), "event", seen)

    def _observe(self, *, is_routine: bool) -> Observed | None:
        """What a sweep would signal: a contradiction or news; silence if the reading is stale."""
        cloud, shown = self._pump.cloud, self._pump.cloud.shown(self._pump.now)
        if self._pump.now - shown > SILENT_AFTER:
            was_told = self._told[1]
            self._told = (self._told[0], True, *self._told[2:])
            return None if was_told else silence(self._pump.now)
        floor_c = self._pump.state.site.floor_c(self._pump.now)
        room_c = round(cloud.room_c, 2)
        self._is_cold = room_c < floor_c + (0.3 if self._is_cold else 0)
        tank_c = round(cloud.tank_c, 1) if self._pump.state.hot_water is not None else None
        if tank_c is not None:
            self._is_tank_cold = tank_c < 38 + (2 if self._is_tank_cold else 0)
        seen: list[tuple[Circuit, float]] = []
        contradicts = False
        for circuit, had in self._pump.state.circuits:
            lever = self._pump.lever_of(circuit)
            setting = cloud.value_at(lever, shown)
            seen.append((circuit, setting))
            contradicts |= had.open is None and had.level_of(setting) is not had.settled
        told = (cloud.condition(self._pump.now), False, self._is_cold, self._is_tank_cold)
        if not (contradicts or is_routine or told != self._told):
            return None
        self._told = told
        stamp = shown + self._pump.vendor_skew
        return Observed(
            as_of=min(stamp, self._pump.now),
            stamp=stamp,
            levers=tuple(SeenLever(circuit=circuit, setting=setting) for circuit, setting in seen),
            condition=told[0],
            room_c=room_c,
            hot_water_c=tank_c,
        )

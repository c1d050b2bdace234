"""One simulated pump as it stands: its clock, event queue, cloud, ledger, oracle, durable state and commands in flight.

Protects: every part of a run shares this one record and none of them knows another, so imports form no circle. There is
no clock but `now` and no chance but `luck`: the same script is the same run.
"""

import heapq
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from domain.commands.command import Command
from domain.homes.site import Site
from domain.modes import Circuit, HotWaterMode, Level, Mode
from domain.oem.lever import Lever, LeverName
from domain.steering.pump_state import CircuitState, PumpState
from oem_adapters.nibe.manifest import HEATING_OFFSET, HOT_WATER_COMFORT
from tests.builders import COMFORT, OFFSET
from tests.simulation.fake_cloud import FakeCloud
from tests.simulation.fake_ledger import AttemptPorts, FakeLedger
from tests.simulation.judging.oracle import Oracle
from tests.simulation.script import Script, share


@dataclass
class ManualSetting:
    """The newest setting somebody made at the pump, whether or not we have seen it."""

    setting: float
    at: datetime


@dataclass
class Run:
    """One command being carried out."""

    command: Command
    carries: PumpState
    """Whose outbox and journal its activity was given to store."""
    attempts: int = 0
    ports: AttemptPorts | None = None
    """Those of the attempt that the server is waiting for."""
    begun_at: datetime | None = None
    is_cancelled: bool = False
    is_finished: bool = False
    is_lost: bool = False
    """Its worker is gone; the server learns that when the attempt times out, and until then a cancellation waits."""


SPECS = {spec.name: spec for spec in (HEATING_OFFSET, HOT_WATER_COMFORT)}


@cache
def _setup(lever: LeverName, baseline: float) -> Lever:
    wide = lever == OFFSET  # people choose up to 9 on both, and what cannot be given back is not steered
    return Lever(spec=SPECS[lever], baseline=baseline, minimum=-10 if wide else 0, maximum=10, step=1)


@cache
def _setting(lever: LeverName, baseline: float, level: Level) -> float:
    return _setup(lever, baseline).setting_for(level)


class SimulatedPump:
    """Everything that the parts of one run share."""

    def __init__(self, script: Script, *, traced: bool = False) -> None:
        self.script = script
        self.now = script.start
        self.cloud = FakeCloud(script, dict(script.baseline))
        self.ledger = FakeLedger()
        self.baseline = dict(script.baseline)
        """As the pump last learnt it."""
        levers = {SPECS[name].circuit: _setup(name, baseline) for name, baseline in script.baseline.items()}
        water = levers.get(Circuit.HOT_WATER)
        self.state = PumpState(
            pump_id=script.pump_id,
            oem="nibe",
            site=Site(band=script.band, emitter=script.emitter, home=script.home),
            heating=CircuitState(lever=levers[Circuit.HEATING], settled=Mode.LOW),
            hot_water=water and CircuitState(lever=water, settled=HotWaterMode.NORMAL),
        )
        self.oracle = Oracle(script.pump_id, script.emitter, script.home, script.band.room_min_c)
        self.oracle.manual_changes.levers = levers
        self.skew = timedelta(seconds=script.worker_skew_s)
        self.vendor_skew = timedelta(seconds=script.vendor_skew_s)
        self.outbox_keys: set[str] = set()
        """Of everything that ever waited for the ledger."""
        self.runs: dict[Circuit, Run] = {}
        self.commands: list[Command] = []
        self.manual: dict[LeverName, ManualSetting] = {}
        self.moved_after_us: set[LeverName] = set()
        """Levers that others moved where no sweep would see it any more."""
        self.moved_at: dict[LeverName, datetime] = {}
        """When a lever last moved without us."""
        self.foreign_settings: set[tuple[LeverName, float]] = set()
        """Every setting that anybody but us ever made."""
        self.troubled_at = script.start - timedelta(days=1)
        self.lines: list[str] = []
        self.is_traced = traced
        self._queue: list[tuple[datetime, int, str, Any]] = []
        self._n = 0

    def is_running(self, circuit: Circuit) -> bool:
        """Whether a command of the circuit is being carried out."""
        run = self.runs.get(circuit)
        return run is not None and not run.is_finished

    def setup(self, circuit: Circuit, baseline: float | None = None) -> Lever:
        """The lever of a circuit as the ledger has it, on another baseline where one is given."""
        lever = self.lever_of(circuit)
        return _setup(lever, self.baseline[lever] if baseline is None else baseline)

    def setting_of(self, circuit: Circuit, level: Level) -> float:
        """The absolute setting of a level on the current baseline."""
        lever = self.lever_of(circuit)
        return _setting(lever, self.baseline[lever], level)

    def lever_of(self, circuit: Circuit) -> LeverName:
        """Which lever steers a circuit."""
        return OFFSET if circuit is Circuit.HEATING else COMFORT

    def trace(self, text: str) -> None:
        """Add a line to the timeline, if one is kept."""
        if self.is_traced:
            self.lines.append(f"{self.now:%d %b %H:%M:%S}  {text}")

    def move(self, lever: LeverName, setting: float) -> None:
        """Somebody other than us moves a lever."""
        self.cloud.advance(self.now)
        self.cloud.set(lever, setting, self.now)
        self.foreign_settings.add((lever, setting))
        self.moved_at[lever] = self.now
        if self.state.retired:
            self.moved_after_us.add(lever)

    def luck(self, salt: int) -> float:
        """A draw in [0, 1) for one purpose at one moment."""
        return share(self.script.seed, self.script.number, salt, int(self.now.timestamp() * 10))

    def later(self, at: datetime, kind: str, what: Any) -> None:
        """Queue something of a kind that `Simulation` knows how to handle."""
        self._n += 1
        heapq.heappush(self._queue, (at, self._n, kind, what))

    def next_until(self, end: datetime) -> tuple[str, Any] | None:
        """Advance the clock to the next queued thing and return it; None when nothing is left before `end`."""
        if not self._queue or self._queue[0][0] > end:
            return None
        self.now, _, kind, what = heapq.heappop(self._queue)
        return kind, what

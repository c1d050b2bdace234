"""What becomes of a write that reached a cloud: applied by the unit, dropped on the way, or lost with its answer.

Protects: every write request leaves one line in the truth log for each lever it names, and at least one, whatever
happened to it; what can happen to it is the same at every vendor.
"""

from dataclasses import dataclass
from math import inf

from simulator.homes.conditions import APPLIES_NOTHING, Condition
from simulator.homes.fleet import Home, SimulatedFleet
from simulator.levers import Lever
from simulator.truth import RequestCause


@dataclass(frozen=True)
class Setting:
    """One setting that a well-formed write asks for."""

    lever: Lever
    value: float
    lasts_s: float = inf
    dropped: str | None = None
    """Why the vendor silently never passes it on; None where it does."""


@dataclass(frozen=True)
class Write:
    """A write request: which home, by whom, and what it names, as far as that can be read even of a bad one."""

    home: Home | None
    device: str
    """What the dice know the device by."""
    number: int
    client: str | None
    named: tuple[tuple[Lever | None, float | None], ...]
    """Never empty."""


@dataclass(frozen=True)
class Delays:
    """Seconds that writes take at one vendor, from and to."""

    apply_s: tuple[float, float] = (10.0, 60.0)
    slow_s: tuple[float, float] = (120.0, 300.0)
    late_s: tuple[float, float] = (60.0, 400.0)


class Delivery:
    """Passes settings on to units and logs what became of them."""

    def __init__(self, fleet: SimulatedFleet, delays: Delays) -> None:
        self._fleet = fleet
        self._dice = fleet.switchboard.dice
        self._delays = delays

    def note(self, write: Write, now_s: float, cause: RequestCause, detail: str | None = None) -> None:
        """The same fate for all of a request: one line of truth for each lever it names."""
        for lever, value in write.named:
            self._log(write, now_s, lever, value, cause, detail)

    def deliver(self, write: Write, setting: Setting, now_s: float) -> None:
        """Pass one setting on to its unit, unless something is in its way."""
        assert write.home is not None
        unit, lever, value = write.home.unit, setting.lever, setting.value
        number = write.number
        if setting.lasts_s == inf and unit.stands_at(value, lever):
            self._log(write, now_s, lever, value, "no-change")
        elif setting.dropped is not None:
            self._log(write, now_s, lever, value, "ignored", setting.dropped)
        elif self.is_offline(write.home, now_s):
            self._log(write, now_s, lever, value, "ignored", "offline")
        elif unit.condition in APPLIES_NOTHING or unit.condition is Condition.REMOTE_DISABLED:
            self._log(write, now_s, lever, value, "ignored", unit.condition.value)
        elif self._dice.afflicts("deaf", write.device, now_s):
            self._log(write, now_s, lever, value, "ignored", "deaf")
        elif self._dice.strikes("silent-ignore", write.device, number, now_s):
            self._log(write, now_s, lever, value, "ignored", "silent")
        else:
            slow = self._dice.strikes("slow-apply", write.device, number, now_s)
            low, high = self._delays.slow_s if slow else self._delays.apply_s
            delay_s = self._dice.amount("apply", write.device, number, low, high)
            apply_at_s = unit.ask(value, now_s + delay_s, lever, setting.lasts_s)
            self._log(write, now_s, lever, value, "accepted", "slow" if slow else None, apply_at_s)

    def lose(self, write: Write, settings: tuple[Setting, ...], now_s: float) -> None:
        """The answer is lost; by the dice the write is still on its way and lands late."""
        lands = self._dice.amount("timeout-lands", write.device, write.number, 0.0, 1.0) < 0.5
        home = write.home
        is_dropped = any(setting.dropped is not None for setting in settings)
        if home is None or not lands or not settings or is_dropped or self._is_deaf(home, now_s):
            self.note(write, now_s, "timeout-lost")
            return
        apply_at_s = now_s + self._dice.amount("timeout", write.device, write.number, *self._delays.late_s)
        for setting in settings:
            home.unit.ask_late(setting.value, apply_at_s, setting.lever, setting.lasts_s)
            self._log(write, now_s, setting.lever, setting.value, "timeout-late", None, apply_at_s)

    def is_offline(self, home: Home, now_s: float) -> bool:
        """Whether the unit is in an offline episode."""
        return self._dice.offline(home.unit.identity.device_id, now_s)

    def _is_deaf(self, home: Home, now_s: float) -> bool:
        condition = home.unit.condition
        is_closed = condition in APPLIES_NOTHING or condition is Condition.REMOTE_DISABLED
        return is_closed or self.is_offline(home, now_s)

    def _log(
        self,
        write: Write,
        now_s: float,
        lever: Lever | None,
        value: float | None,
        cause: RequestCause,
        detail: str | None = None,
        apply_at_s: float | None = None,
    ) -> None:
        pump = write.home.unit.pump_id if write.home else None
        self._fleet.truth.request(now_s, pump, lever, value, cause, write.client, detail, apply_at_s)

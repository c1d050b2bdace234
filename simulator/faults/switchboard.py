"""One switchboard for all faults: rates and dice, outages of whole clouds, and the count of calls.

Protects: every vendor's fake asks here whether something fails, so that a fault means the same at each of them.
"""

from collections.abc import Mapping
from typing import Any

from simulator.faults.calls import CallCounter
from simulator.faults.outages import Failure, Outage, Outages
from simulator.faults.rates import FaultDice
from simulator.truth import TruthLog


class Switchboard:
    """Everything that can go wrong between a client and a unit."""

    def __init__(
        self, seed: int, epoch_s: float, rates: Mapping[str, float], outages: tuple[Outage, ...], truth: TruthLog
    ) -> None:
        self.dice = FaultDice(seed, epoch_s, rates)
        self.outages = Outages(seed, outages, truth)
        self.calls = CallCounter()
        self._calls_of: dict[str, CallCounter] = {}
        self._truth = truth

    def admit(self, oem: str, method: str, path: str, now_s: float, *, write: bool) -> Failure | None:
        """Count a call to a vendor; returns how it fails in an outage, None outside of one."""
        failure = self.outages.failure(now_s, oem)
        for counter in (self.calls, self.calls_of(oem)):
            counter.count(now_s, write=write, outage=failure is not None)
        if failure is not None:
            self._truth.call(now_s, oem, method, path, failure)
        return failure

    def calls_of(self, oem: str) -> CallCounter:
        """The calls that reached one vendor's cloud."""
        return self._calls_of.setdefault(oem, CallCounter())

    def to_json(self) -> dict[str, Any]:
        by_vendor = {oem: counter.to_json() for oem, counter in self._calls_of.items()}
        return {"calls": self.calls.to_json(), "calls_of": by_vendor, "outages": self.outages.to_json()}

    def restore(self, kept: dict[str, Any]) -> None:
        self.calls.restore(kept["calls"])
        for oem, counts in kept["calls_of"].items():
            self.calls_of(oem).restore(counts)
        self.outages.restore(kept["outages"])

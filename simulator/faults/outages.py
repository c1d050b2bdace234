"""Outages: spans of steered time in which a vendor's whole cloud fails, its token endpoint included.

Protects: nothing gets through in an outage, whoever asks and however; the truth log records begin and end once each.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

from pydantic import model_validator

from domain.base import Instant, Value
from simulator.seeded import share
from simulator.truth import TruthLog

type Kind = Literal["mixed", "http-500", "refuse", "timeout"]
type Failure = Literal["http-500", "refuse", "timeout"]


class Outage(Value):
    """One outage of one vendor, in [starts, ends)."""

    oem: str
    starts: Instant
    ends: Instant
    kind: Kind = "mixed"
    """`http-500` answers 503 with a page of HTML, `refuse` cuts the connection at once, `timeout` after holding it,
    `mixed` answers or cuts by the seed."""

    @model_validator(mode="after")
    def _lasts(self) -> "Outage":
        if self.ends <= self.starts:
            raise ValueError("an outage must end after it starts")
        return self


class Outages:
    """All outages of a fleet's vendors, and how far the truth log has recorded them."""

    def __init__(self, seed: int, planned: tuple[Outage, ...], truth: TruthLog) -> None:
        self._seed = seed
        self._truth = truth
        self._calls = 0
        self.all = list(planned)
        self._recorded: dict[Outage, int] = {}

    def add(self, outage: Outage) -> None:
        """One more outage; it is recorded as soon as its time has come."""
        self.all.append(outage)

    def record_until(self, now_s: float) -> None:
        """Record what began or ended up to now."""
        for outage in self.all:
            recorded = self._recorded.get(outage, 0)
            if recorded == 0 and outage.starts.timestamp() <= now_s:
                self._truth.outage(outage.starts.timestamp(), outage.oem, begins=True)
                recorded = 1
            if recorded == 1 and outage.ends.timestamp() <= now_s:
                self._truth.outage(outage.ends.timestamp(), outage.oem, begins=False)
                recorded = 2
            self._recorded[outage] = recorded

    def failure(self, now_s: float, oem: str) -> Failure | None:
        """How a call to a vendor fails now; None while it does not."""
        for outage in self.all:
            if outage.oem == oem and outage.starts.timestamp() <= now_s < outage.ends.timestamp():
                self._calls += 1
                if outage.kind != "mixed":
                    return outage.kind
                return "http-500" if share(self._seed, "outage", oem, self._calls) < 0.5 else "refuse"
        return None

    def to_json(self) -> dict[str, Any]:
        recorded = [[outage.model_dump(mode="json"), self._recorded.get(outage, 0)] for outage in self.all]
        return {"calls": self._calls, "recorded": recorded}

    def restore(self, kept: dict[str, Any]) -> None:
        """Go on with the outages known before, those of the configuration among them."""
        self._calls = kept["calls"]
        for dumped, recorded in kept["recorded"]:
            outage = Outage.model_validate(dumped)
            if outage not in self.all:
                self.all.append(outage)
            self._recorded[outage] = recorded


def read_outage(body: Any, known_oems: Collection[str]) -> Outage:
    """The outage that a request's body asks for; raises ValueError."""
    if isinstance(body, dict):
        for name in ("starts", "ends"):
            if isinstance(body.get(name), str) and datetime.fromisoformat(body[name]).tzinfo is None:
                raise ValueError(f"{name} has no offset")
    outage = Outage.model_validate(body)
    if outage.oem not in known_oems:
        raise ValueError(f"there is no vendor {outage.oem!r}; there are {', '.join(known_oems)}")
    return outage

"""Outages: spans of steered time in which a vendor's whole cloud fails, token desk included.

Protects: nothing gets through in an outage, whoever asks and however; begin and end are told to the truth once each.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import model_validator

from domain.base import Instant, Value
from simulator.seeded import share
from simulator.truth import TruthLog

type Kind = Literal["mixed", "http-500", "refuse", "timeout"]
type Failing = Literal["http-500", "refuse", "timeout"]


class Outage(Value):
    """One outage of one vendor, in [starts, ends)."""

    oem: Literal["nibe"] = "nibe"
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
    """All outages of a world, and how far they have been told."""

    def __init__(self, seed: int, planned: tuple[Outage, ...], truth: TruthLog) -> None:
        self._seed = seed
        self._truth = truth
        self._calls = 0
        self.all = list(planned)
        self._told: dict[Outage, int] = {}

    def add(self, outage: Outage) -> None:
        """One more outage; it is told as soon as its time has come."""
        self.all.append(outage)

    def tell(self, now_s: float) -> None:
        """Write down what began or ended up to now."""
        for outage in self.all:
            told = self._told.get(outage, 0)
            if told == 0 and outage.starts.timestamp() <= now_s:
                self._truth.outage(outage.starts.timestamp(), outage.oem, begins=True)
                told = 1
            if told == 1 and outage.ends.timestamp() <= now_s:
                self._truth.outage(outage.ends.timestamp(), outage.oem, begins=False)
                told = 2
            self._told[outage] = told

    def failing(self, now_s: float, oem: str = "nibe") -> Failing | None:
        """How a call to a vendor fails now; None while it does not."""
        for outage in self.all:
            if outage.oem == oem and outage.starts.timestamp() <= now_s < outage.ends.timestamp():
                self._calls += 1
                if outage.kind != "mixed":
                    return outage.kind
                return "http-500" if share(self._seed, "outage", oem, self._calls) < 0.5 else "refuse"
        return None

    def to_json(self) -> dict[str, Any]:
        told = [[outage.model_dump(mode="json"), self._told.get(outage, 0)] for outage in self.all]
        return {"calls": self._calls, "told": told}

    def restore(self, kept: dict[str, Any]) -> None:
        """Go on with the outages known before, those of the configuration among them."""
        self._calls = kept["calls"]
        for dumped, told in kept["told"]:
            outage = Outage.model_validate(dumped)
            if outage not in self.all:
                self.all.append(outage)
            self._told[outage] = told


def outage_of(body: Any) -> Outage:
    """An outage out of a request's body; raises ValueError."""
    if isinstance(body, dict):
        for name in ("starts", "ends"):
            if isinstance(body.get(name), str) and datetime.fromisoformat(body[name]).tzinfo is None:
                raise ValueError(f"{name} has no offset")
    return Outage.model_validate(body)

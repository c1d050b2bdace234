"""What a demo is asked to run."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from demo.stage import Staging
from domain.slots import SLOT

CELL = "50.0,10.0"
"""The demo's weather cell."""


@dataclass(frozen=True)
class DemoOrder:
    """What to run."""

    staging: Staging
    end: datetime
    out: Path | None
    keep: bool
    folder: Path | None
    kill_every: timedelta | None = None
    """Steered time between kills of a worker; None kills none."""

    def in_folder(self, folder: Path) -> "DemoOrder":
        """The same order with the stack's files in `folder`."""
        return replace(self, folder=folder)

    @property
    def place(self) -> Path:
        """The folder of the stack's files, once one was given."""
        assert self.folder is not None, "an order is run in a folder"
        return self.folder

    @property
    def market_days(self) -> tuple[date, ...]:
        """The days that the run touches, in order."""
        first, tz = self.staging.day, ZoneInfo(self.staging.tz)
        last = (self.end - SLOT).astimezone(tz).date()
        return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))

    def given(self) -> dict[str, Any]:
        """The failures that were asked for, for the report."""
        return {
            "faults": dict(self.staging.faults),
            "kill_worker_every_min": None if self.kill_every is None else self.kill_every / timedelta(minutes=1),
            "outages": [outage.model_dump(mode="json") for outage in self.staging.outages],
        }

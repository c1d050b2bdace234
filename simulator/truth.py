"""The truth log: every write request and what became of it, every true change of a lever, conditions and outages.

Protects: what the steering side claims can be judged by somebody who saw the levers themselves.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TextIO

from simulator.levers import Lever

type StateCause = Literal["initial", "write", "late-write", "household", "drift", "expiry"]
type RequestCause = Literal[
    "accepted",
    "no-change",
    "ignored",
    "timeout-late",
    "timeout-lost",
    "http-500",
    "rate-limit",
    "expired-token",
    "refused",
    "outage",
]


def stamp(moment_s: float) -> str:
    """A steered Unix second as ISO text in UTC, to the millisecond."""
    return datetime.fromtimestamp(moment_s, tz=UTC).isoformat(timespec="milliseconds")


def _named(lever: Lever | None) -> dict[str, object]:
    return {"lever": lever, "circuit": lever.circuit if lever is not None else None}


class TruthLog:
    """JSON lines, each flushed, so that a killed process loses none."""

    def __init__(self, path: Path, resumed: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a" if resumed else "w", encoding="utf-8")

    def request(
        self,
        at_s: float,
        pump: str | None,
        lever: Lever | None,
        value: float | None,
        cause: RequestCause,
        client: str | None,
        detail: str | None = None,
        apply_at_s: float | None = None,
    ) -> None:
        """One write request and its fate."""
        line: dict[str, object] = {"kind": "request", "at": stamp(at_s), "pump": pump} | _named(lever)
        line |= {"value": value, "cause": cause, "client": client}
        if detail is not None:
            line["detail"] = detail
        if apply_at_s is not None:
            line["apply_at"] = stamp(apply_at_s)
        self._write(line)

    def state(
        self, at_s: float, pump: str, lever: Lever, value: float, cause: StateCause, detail: str | None = None
    ) -> None:
        """One true change of a lever."""
        line: dict[str, object] = {"kind": "state", "at": stamp(at_s), "pump": pump} | _named(lever)
        line |= {"value": value, "cause": cause}
        if detail is not None:
            line["detail"] = detail
        self._write(line)

    def condition(self, at_s: float, pump: str, condition: str, cause: str, *, begins: bool) -> None:
        """A condition of a unit begins or ends."""
        line: dict[str, object] = {"kind": "condition", "at": stamp(at_s), "pump": pump, "condition": condition}
        self._write(line | {"begins": begins, "cause": cause})

    def outage(self, at_s: float, oem: str, *, begins: bool) -> None:
        """A vendor's cloud goes down or comes back."""
        self._write({"kind": "outage", "at": stamp(at_s), "oem": oem, "begins": begins})

    def call(self, at_s: float, oem: str, method: str, path: str, fate: str) -> None:
        """A call that reached a vendor in an outage."""
        line: dict[str, object] = {"kind": "call", "at": stamp(at_s), "oem": oem, "method": method, "path": path}
        self._write(line | {"fate": fate})

    def _write(self, line: dict[str, object]) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()

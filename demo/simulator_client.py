"""The demo's window into the simulator's truth: for reports and pictures, never for steering."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx
from pydantic import TypeAdapter

from domain.base import Instant, Value
from domain.homes.enrolment import Enrolment
from domain.modes import Circuit

_SHEET = TypeAdapter(list[Enrolment])


class PumpTruth(Value):
    """What really happened at one pump over a run, beside its unsteered twin."""

    model_config = Value.model_config | {"extra": "ignore"}

    pump: str
    lever: str
    baseline_setting: float
    kwh: tuple[float, ...]
    baseline_kwh: tuple[float, ...]
    room_c: tuple[float, ...]
    baseline_room_c: tuple[float, ...]
    kelvin_hours: float
    baseline_kelvin_hours: float
    stored_heat_kwh: float
    """Heat in the steered house above its twin's at the end."""
    cop: float | None = None
    room_min_c: float | None = None
    hot_water_min_c: float | None = None
    """Coolest water of the tank."""
    baseline_hot_water_min_c: float | None = None
    hot_water_kwh: float = 0.0
    baseline_hot_water_kwh: float = 0.0
    hot_water_slot_kwh: tuple[float, ...] = ()
    baseline_hot_water_slot_kwh: tuple[float, ...] = ()


class Truth(Value):
    """The whole fleet's truth, per slot."""

    model_config = Value.model_config | {"extra": "ignore"}

    slots: tuple[Instant, ...]
    pumps: tuple[PumpTruth, ...]


class SimulatorClient:
    """The simulator's own pages."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self.url = url

    async def enrolment_sheet(self) -> list[Enrolment]:
        """What an installer noted of each home."""
        return _SHEET.validate_python(await self._get("/_world/enrolment"))

    async def now(self) -> dict[str, Any]:
        """True rooms and levers at this moment."""
        answer: dict[str, Any] = await self._get("/_world/now")
        return answer

    async def faults(self) -> dict[str, float]:
        """The rates of faults that were set, by name."""
        answer: dict[str, float] = await self._get("/_world/faults")
        return answer

    async def set_faults(self, rates: Mapping[str, float]) -> None:
        """Change the named rates and leave the others."""
        (await self._http.post(f"{self.url}/_world/faults", json=dict(rates))).raise_for_status()

    async def summary(self, start: datetime, end: datetime) -> Truth:
        """What happened in [start, end)."""
        given = {"start": start.isoformat(), "end": end.isoformat()}
        return Truth.model_validate(await self._get("/_world/summary", given))

    async def calls_by_minute(self, oem: str, start: datetime, end: datetime) -> dict[datetime, int]:
        """Calls that reached a vendor's cloud in each steered minute of [start, end), whatever became of them."""
        given = {"oem": oem, "start": start.isoformat(), "end": end.isoformat()}
        answer = await self._get("/_world/calls", given)
        minutes = (datetime.fromisoformat(text) for text in answer["minutes"])
        return dict(zip(minutes, answer["calls"], strict=True))

    async def _get(self, path: str, given: dict[str, str] | None = None) -> Any:
        answer = await self._http.get(f"{self.url}{path}", params=given, timeout=30.0)
        answer.raise_for_status()
        return answer.json()


def true_settings(
    lines: Sequence[dict[str, Any]], circuit: Circuit = Circuit.HEATING
) -> dict[str, list[tuple[datetime, float]]]:
    """Each pump's true setting of a circuit's lever over time, from the truth log's state lines."""
    course: dict[str, list[tuple[datetime, float]]] = {}
    for line in lines:
        if line["kind"] == "state" and line.get("circuit", Circuit.HEATING) == circuit:
            course.setdefault(line["pump"], []).append((datetime.fromisoformat(line["at"]), float(line["value"])))
    for steps in course.values():
        steps.sort(key=lambda step: step[0])
    return course

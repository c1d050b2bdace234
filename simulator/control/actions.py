"""What demos and tests can cause behind the clouds: people, installers, faults, outages.

Protects: a refused action has changed nothing, and its answer says what was wrong.
"""

from collections.abc import Collection
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from simulator.clouds.wire import Answer, read_json
from simulator.faults.outages import read_outage
from simulator.homes.conditions import Condition
from simulator.homes.fleet import Home, SimulatedFleet
from simulator.homes.unit import Unit
from simulator.levers import Lever
from simulator.truth import stamp

_LONGEST_MINUTES = 14 * 1440


class FleetActions:
    """What can be posted below /_world."""

    def __init__(self, fleet: SimulatedFleet, known_oems: Collection[str]) -> None:
        self._fleet = fleet
        self._known_oems = known_oems

    async def household(self, request: Request) -> Response:
        """POST {"pump","lever","value"}: a person sets the unit itself; its twin's people do the same."""
        try:
            body, home = await self._home(request)
            lever, value = _lever(home.unit, body["lever"]), float(body["value"])
            _check(home.unit, lever, value)
        except (ValueError, KeyError, TypeError) as broken:
            return Answer({"error": f"a pump, its lever and a value are needed: {broken}"}, 400)
        now_s = self._fleet.advance()
        home.unit.set_by_person(value, now_s, self._fleet.record, lever)
        return Answer({"pump": home.unit.pump_id, "lever": lever, "value": value})

    async def drift(self, request: Request) -> Response:
        """POST {"pump","value"?}: the heating lever falls back by itself; answers to what, null for nothing."""
        try:
            body, home = await self._home(request)
            value = None if body.get("value") is None else float(body["value"])
            if value is not None:
                _check(home.unit, home.unit.heating_lever, value)
        except (ValueError, KeyError, TypeError) as broken:
            return Answer({"error": f"a pump is needed, and at most a value: {broken}"}, 400)
        now_s = self._fleet.advance()
        fell_to = self._fleet.people.drift(home.unit, now_s, self._fleet.record, value)
        return Answer({"pump": home.unit.pump_id, "lever": home.unit.heating_lever, "value": fell_to})

    async def condition(self, request: Request) -> Response:
        """POST {"pump","condition","minutes"?}: bring a condition about, in place of any other; `normal` ends it."""
        try:
            body, home = await self._home(request)
            condition = Condition(body["condition"])
            minutes = _minutes(body.get("minutes"))
        except (ValueError, KeyError, TypeError) as broken:
            known = "|".join(condition.value for condition in Condition)
            return Answer({"error": f"a pump and a condition of {known} are needed: {broken}"}, 400)
        now_s = self._fleet.advance()
        until_s = float("inf") if minutes is None else now_s + 60.0 * minutes
        self._fleet.set_condition(home, condition, now_s, until_s)
        active = home.unit.active
        return Answer(
            {
                "pump": home.unit.pump_id,
                "condition": home.unit.condition.value,
                "until": stamp(until_s) if active is not None and minutes is not None else None,
            }
        )

    async def outage(self, request: Request) -> Response:
        """POST {"oem","starts","ends","kind"?}: the vendor's cloud is down for a while."""
        try:
            outage = read_outage(await read_json(request), self._known_oems)
        except ValidationError as broken:
            first = broken.errors()[0]
            return Answer({"error": f"{'.'.join(map(str, first['loc'])) or 'outage'}: {first['msg']}"}, 400)
        except ValueError as broken:
            return Answer({"error": str(broken)}, 400)
        self._fleet.switchboard.outages.add(outage)
        self._fleet.advance()
        return Answer(outage.model_dump(mode="json"))

    async def faults(self, request: Request) -> Response:
        """POST {name: rate}: change these rates, leave the others; GET: all rates."""
        if request.method == "POST":
            try:
                rates = dict(await read_json(request))
                self._fleet.advance()
                self._fleet.switchboard.dice.set_rates(rates)
            except (ValueError, TypeError) as broken:
                return Answer({"error": str(broken)}, 400)
        return Answer(self._fleet.switchboard.dice.rates)

    async def _home(self, request: Request) -> tuple[dict[str, Any], Home]:
        body = await read_json(request)
        if not isinstance(body, dict):
            raise TypeError("the body must be an object")
        home = self._fleet.by_pump.get(body["pump"])
        if home is None:
            raise ValueError(f"there is no pump {body['pump']!r}")
        return body, home


def _minutes(given: Any) -> float | None:
    if given is None:
        return None
    minutes = float(given)
    if not 0 < minutes <= _LONGEST_MINUTES:
        raise ValueError("minutes must be more than none and at most fourteen days")
    return minutes


def _lever(unit: Unit, name: object) -> Lever:
    for lever in unit.levers:
        if lever.value == name:
            return lever
    raise ValueError(f"{unit.pump_id} has {' and '.join(unit.levers)}, not {name!r}")


def _check(unit: Unit, lever: Lever, value: float) -> None:
    refusal = unit.ranges[lever].refusal(value)
    if refusal is not None:
        raise ValueError(refusal)

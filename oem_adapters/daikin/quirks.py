"""What is peculiar to this cloud: its words, and what it does not tell.

Protects: "read-only" of something that could be set a moment ago is a lock for a while, not a verdict for good.
"""

from datetime import datetime, timedelta

import httpx

from domain.oem.errors import NotExecutable, OemError
from oem_adapters.daikin.models import code_of

CLIMATE, GATEWAY = "climateControl", "gateway"
TANKS = ("domesticHotWaterTank", "domesticHotWaterFlowThrough")
TEMPERATURE_CONTROL = "temperatureControl"

BY_ROOM = "roomTemperature"
BY_THERMOSTAT = "externalRoomTemperature"
"""A room thermostat of another make switches heating by a contact."""

SETPOINT_PATH = "/operationModes/{mode}/setpoints/{setpoint}"
OFFSET, WATER = "leavingWaterOffset", "leavingWaterTemperature"
"""A unit that follows its weather curve has an offset; one that keeps a fixed temperature has that instead."""
ROOM, TANK = "roomTemperature", "domesticHotWaterTemperature"
HEATING = "heating"
NO_HEATING = frozenset({"cooling", "fanOnly", "dry"})

CLOCK_AHEAD = timedelta(minutes=15)
"""A stamp this far in the future comes from a wrong clock and would make a pump look fresh for ever."""
RANGE_LIFE = timedelta(hours=2)
"""How long a lever's place, range and permission are believed; every read of the account renews them."""
ANSWER_SHARED_FOR = timedelta(minutes=1)
"""How long an answer about a whole account serves units that have not been told of it yet."""

_READ_ONLY = "READ_ONLY_CHARACTERISTIC"
_CONFLICT = 409


def refusal_of(what: str, answer: httpx.Response, _is_write: bool, _now: datetime) -> OemError | None:
    """An answer outside of 2xx by its own words; None where they say no more than its status."""
    if code_of(answer.content) == _READ_ONLY or answer.status_code == _CONFLICT:
        # Units lock for some minutes while they start or are worked on: the same write is taken ten minutes later.
        return NotExecutable(f"{what}: the unit does not let this be set now ({answer.status_code}).")
    return None

"""What is peculiar to this cloud: its headers, its codes, and where the levers are.

Protects: a refusal is read by its code and never by its status; a spent hour is not asked about all the time.
"""

import base64
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

import httpx

from domain.oem.credentials import AccountCredentials
from domain.oem.errors import AuthExpired, NotExecutable, OemError, Offline, RateLimited, Rejected, Unavailable
from oem_adapters.failures import REMOTE_CONTROL_NOT_PERMITTED
from oem_adapters.lg.models import code_of

KIND = "DEVICE_SYSTEM_BOILER"
ROOMS, TANK, OPERATION = "roomTemperatureInUnits", "hotWaterTemperatureInUnits", "operation"
ROOM_TARGET, WATER_TARGET_C = "airHeatTargetTemperature", "waterHeatTargetTemperature"
TANK_TARGET = "targetTemperature"
BY_WATER = "WATER"
"""A unit so set heats its water to a temperature, whatever the room's."""
POWER_OFF = "POWER_OFF"

COUNTRY = "DE"
CLIENT = "heatsteer"
PROFILE_LIFE = timedelta(hours=24)
"""How long ranges are believed; an installer or a firmware update changes them rarely."""
ENERGY_PROFILE_LIFE = timedelta(days=7)
"""How long a unit is believed to be counted, or not to be."""
SPENT_FOR = timedelta(minutes=15)
"""The hour's budget is used up, and nothing tells until when: tried again some times in it."""

_NO_TOKEN = frozenset({"1103", "1218", "1302", "1303"})
_SPENT = frozenset({"1306", "1314"})
_NOT_NOW = frozenset({"2205", "2208", "2302", "2303", "2304", "2305"})
_LATER = frozenset({"2000", "2209", "2210", "2212", "2214"})
"""Failures between cloud and unit: a control may have been taken."""


def headers_of(credentials: AccountCredentials) -> Mapping[str, str]:
    """What every call carries beside its token. The service key is what the account's client is known by."""
    message_id = base64.urlsafe_b64encode(uuid.uuid4().bytes)[:-2].decode()
    return {
        "x-api-key": credentials.client_id,
        "x-client-id": CLIENT,
        "x-country": COUNTRY,
        "x-message-id": message_id,
        "x-service-phase": "OP",
    }


def refusal_of(what: str, answer: httpx.Response, is_write: bool, now: datetime) -> OemError | None:
    """An answer outside of 2xx by its code; None where it says no more than its status."""
    code = code_of(answer.content)
    if code in _SPENT:
        return RateLimited(
            f"{what} was refused: the hour's calls of its account are used up ({code}).", now + SPENT_FOR
        )
    if code == "1222":
        return Offline(f"{what}: the unit is not connected ({code}).")
    if code == "2301":
        sentence = f"{what} was refused, as somebody switched it off at the unit ({code})."
        return Rejected(f"{REMOTE_CONTROL_NOT_PERMITTED}: {sentence}" if is_write else sentence, is_read_only=is_write)
    if code in _NOT_NOW:
        return NotExecutable(f"{what}: the unit does not take this now ({code}).")
    if code in _LATER:
        return Unavailable(f"{what}: the cloud did not reach the unit ({code}).", maybe_taken=is_write)
    if code in _NO_TOKEN:
        return AuthExpired(f"{what}: the token of the account is not accepted ({code}): a person must make a new one.")
    return None

"""Shapes of the myUplink wire, as far as they are used.

Protects: an unknown field, a text where a number was, or a strange point we do not need never spoils an answer.
"""

import contextlib
import math
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

ABSENT = frozenset({-32768.0, -3276.8, -327.68})
"""The value of a sensor that is not connected: the raw number, and the same times the scales that points have."""


def _number(told: Any) -> float | None:
    """A finite number, also from text; None for anything else and for the value of an absent sensor."""
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return None
    try:
        number = float(told)
    except ValueError:
        return None
    return number if math.isfinite(number) and number not in ABSENT else None


def _stamp(told: Any) -> datetime | None:
    """An aware moment; a stamp without an offset is UTC, as all others of this cloud are."""
    if not isinstance(told, str):
        return None
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _words(told: Any) -> list[str]:
    return [word for word in told if isinstance(word, str)] if isinstance(told, list) else []


def _fields(told: Any) -> Any:
    """An object, or one without fields where something else was told."""
    return told if isinstance(told, dict | BaseModel) else {}


def _flag(told: Any) -> bool | None:
    return told if isinstance(told, bool) else None


def _count(told: Any) -> int:
    return told if isinstance(told, int) and not isinstance(told, bool) else 0


def _id_or_none(told: Any) -> str | None:
    return str(told) if isinstance(told, str | int) and not isinstance(told, bool) and told != "" else None


def _choices(told: Any) -> list[float]:
    """The numbers of an enumeration's entries."""
    entries = told if isinstance(told, list) else []
    numbers = [_number(entry.get("value")) for entry in entries if isinstance(entry, dict)]
    return [number for number in numbers if number is not None]


def _text(told: Any) -> str:
    return told if isinstance(told, str) else ""


class Unreadable(ValueError):
    """A list of things of which none can be read."""


def _each_sound(told: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """The elements of a list that can be read: one odd element must not cost the others. None is an empty list."""
    if told is None:
        return []
    if not isinstance(told, list) or not told:
        return read(told)
    sound: list[Any] = []
    for element in told:
        with contextlib.suppress(ValidationError):
            sound += read([element])
    if not sound:
        raise Unreadable("none of the elements can be read")
    return sound


Number = Annotated[float | None, BeforeValidator(_number)]
Stamp = Annotated[datetime | None, BeforeValidator(_stamp)]
Words = Annotated[list[str], BeforeValidator(_words)]
Choices = Annotated[list[float], BeforeValidator(_choices)]
Text = Annotated[str, BeforeValidator(_text)]
Flag = Annotated[bool | None, BeforeValidator(_flag)]
Count = Annotated[int, BeforeValidator(_count)]
OptionalId = Annotated[str | None, BeforeValidator(_id_or_none)]
EachSound = WrapValidator(_each_sound)
Id = Annotated[str, Field(min_length=1, coerce_numbers_to_str=True)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Product(_Wire):
    """What a unit is."""

    name: Text = ""


class Firmware(_Wire):
    """The versions a unit runs and shall run."""

    current: Text = Field(default="", alias="currentFwVersion")
    desired: Text = Field(default="", alias="desiredFwVersion")

    @property
    def updating(self) -> bool | None:
        """Whether another version is offered than runs; None where one of the two is not told."""
        return self.current != self.desired if self.current and self.desired else None


class Device(_Wire):
    """A unit, in a list of systems or asked for by itself."""

    device_id: Id = Field(alias="id")
    connection_state: Text = Field(default="", alias="connectionState")
    product: Annotated[Product, BeforeValidator(_fields)] = Product()
    firmware: Annotated[Firmware, BeforeValidator(_fields)] = Firmware()
    current_firmware: Text = Field(default="", alias="currentFwVersion")
    desired_firmware: Text = Field(default="", alias="desiredFwVersion")

    @property
    def updating(self) -> bool | None:
        """Whether its firmware is being changed; None where this answer does not tell."""
        listed = Firmware(current=self.current_firmware, desired=self.desired_firmware)
        return listed.updating if self.firmware.updating is None else self.firmware.updating

    @property
    def connected(self) -> bool:
        return self.connection_state.casefold() == "connected"

    @property
    def disconnected(self) -> bool:
        """Said to be disconnected; a state we do not know says neither."""
        return self.connection_state.casefold() == "disconnected"


class System(_Wire):
    """A home's installation."""

    system_id: Id = Field(alias="systemId")
    security_level: Text = Field(default="", alias="securityLevel")
    devices: Annotated[list[Device], EachSound] = []

    @property
    def is_view_only(self) -> bool:
        """Whether the account may read this system and change nothing."""
        return self.security_level.casefold() == "viewer"


class SystemsPage(_Wire):
    """One page of an account's systems; `numItems` counts all pages."""

    total: Count = Field(default=0, alias="numItems")
    systems: Annotated[list[System], EachSound]


class Point(_Wire):
    """One parameter of a unit. The value is in real units; minimum, maximum and step are raw, times the scale."""

    parameter_id: Id = Field(alias="parameterId")
    name: Text = Field(default="", alias="parameterName")
    category: Text = ""
    unit: Text = Field(default="", alias="parameterUnit")
    writable: Flag = False
    stamp: Stamp = Field(default=None, alias="timestamp")
    value: Number = None
    smart_home: Words = Field(default=[], alias="smartHomeCategories")
    raw_minimum: Number = Field(default=None, alias="minValue")
    raw_maximum: Number = Field(default=None, alias="maxValue")
    raw_step: Number = Field(default=None, alias="stepValue")
    raw_scale: Number = Field(default=None, alias="scaleValue")
    choices: Choices = Field(default=[], alias="enumValues")
    zone_id: OptionalId = Field(default=None, alias="zoneId")

    @property
    def scale(self) -> float:
        return self.raw_scale or 1.0

    @property
    def minimum(self) -> float | None:
        return None if self.raw_minimum is None else round(self.raw_minimum * self.scale, 6)

    @property
    def maximum(self) -> float | None:
        return None if self.raw_maximum is None else round(self.raw_maximum * self.scale, 6)

    def range_or(self, usual: tuple[float, float]) -> tuple[float, float]:
        """Its own range, with what it does not tell taken from `usual`."""
        lowest, highest = usual
        return (
            lowest if self.minimum is None else self.minimum,
            highest if self.maximum is None else self.maximum,
        )

    @property
    def step(self) -> float:
        """A missing or zero step is one raw unit, the finest that the pump can hold."""
        return round((self.raw_step or 1.0) * self.scale, 6)


class Zone(_Wire):
    """A climate zone of an S-series unit."""

    zone_id: Id = Field(alias="zoneId")
    mode: Text = ""
    command_only: Flag = Field(default=None, alias="commandOnly")
    is_celsius: Flag = Field(default=None, validation_alias=AliasChoices("isCelcius", "isCelsius"))
    """The vendor spells it without its first s."""
    temperature: Number = None
    setpoint_heat: Number = Field(default=None, alias="setpointHeat")
    minimum: Number = Field(default=None, alias="setpointRangeMin")
    maximum: Number = Field(default=None, alias="setpointRangeMax")


class HomeMode(_Wire):
    """Whether somebody is at home, as the household told the cloud."""

    word: Text = Field(alias="smartHomeMode")

    @property
    def away(self) -> bool:
        return self.word.casefold() in {"away", "vacation"}


SYSTEMS_PAGE = TypeAdapter(SystemsPage)
DEVICE = TypeAdapter(Device)
POINTS: TypeAdapter[list[Point]] = TypeAdapter(Annotated[list[Point], EachSound])
ZONES: TypeAdapter[list[Zone]] = TypeAdapter(Annotated[list[Zone], EachSound])
HOME_MODE = TypeAdapter(HomeMode)
_OBJECT = TypeAdapter(dict[str, Any])

ACCEPTED = "modified"


def verdict_on(content: bytes, parameter_id: str) -> str | None:
    """What a 2xx answer to a write says of a parameter: "modified", another word, or None where it says nothing.

    Two shapes are known, `{"status": 200, "payload": {id: word}}` and `{id: word}`; an empty answer says nothing
    against the write.
    """
    if not content.strip():
        return ACCEPTED
    try:
        body = _OBJECT.validate_json(content)
    except ValidationError:
        return None
    status = body.get("status")
    if isinstance(status, int) and not isinstance(status, bool) and not 200 <= status < 300:
        return f"status {status}"
    payload = body.get("payload")
    word = (payload if isinstance(payload, dict) else body).get(parameter_id)
    return word if isinstance(word, str) else None

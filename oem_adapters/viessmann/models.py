"""Shapes of the IoT cloud's wire, as far as they are used.

Protects: an unknown field, a null where a list was, or one odd feature never spoils an answer; a feature that is not
enabled or not ready is absent.
"""

import math
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError


def stamp_of(told: Any) -> datetime | None:
    """An aware moment; None for anything else."""
    if not isinstance(told, str):
        return None
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _objects(told: Any) -> list[dict[str, Any]]:
    """The objects of a list; nothing where there is none."""
    return [item for item in told if isinstance(item, dict)] if isinstance(told, list) else []


def _named(told: Any) -> dict[str, dict[str, Any]]:
    """The objects of an object, by name."""
    return {str(k): v for k, v in told.items() if isinstance(v, dict)} if isinstance(told, dict) else {}


def _text(told: Any) -> str:
    return told if isinstance(told, str) else ""


Text = Annotated[str, BeforeValidator(_text)]
Stamp = Annotated[datetime | None, BeforeValidator(stamp_of)]
Id = Annotated[str, Field(min_length=1, coerce_numbers_to_str=True)]
Objects = Annotated[list[dict[str, Any]], BeforeValidator(_objects)]
Named = Annotated[dict[str, dict[str, Any]], BeforeValidator(_named)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, coerce_numbers_to_str=True)


class Command(_Wire):
    """A command that a feature offers now."""

    is_executable: bool = Field(default=False, alias="isExecutable")
    params: Named = {}

    def limit(self, parameter: str, name: str) -> float | None:
        """A number among a parameter's constraints, such as `max`; None where it is not told."""
        constraints = self.params.get(parameter, {}).get("constraints")
        return number_of(constraints.get(name)) if isinstance(constraints, dict) else None


class Feature(_Wire):
    """One feature of a device."""

    name: Text = Field(alias="feature")
    is_enabled: bool = Field(default=True, alias="isEnabled")
    is_ready: bool = Field(default=True, alias="isReady")
    stamp: Stamp = Field(default=None, alias="timestamp")
    properties: Named = {}
    offered: Named = Field(default={}, alias="commands")

    def value(self, name: str) -> Any:
        """A property's value; None where it is absent or its sensor is not connected."""
        if self.properties.get("status", {}).get("value") == "notConnected":
            return None
        return self.properties.get(name, {}).get("value")

    def command(self, name: str) -> Command | None:
        """A command by its name; None where it is not offered."""
        try:
            return Command.model_validate(self.offered[name])
        except (KeyError, ValidationError):
            return None


def number_of(told: Any) -> float | None:
    """A finite number; None for anything else."""
    is_number = isinstance(told, int | float) and not isinstance(told, bool)
    return float(told) if is_number and math.isfinite(told) else None


class Features:
    """The features of a device that are there now, by name."""

    def __init__(self, listed: list[Feature]) -> None:
        self._by_name = {feature.name: feature for feature in listed if feature.is_enabled and feature.is_ready}

    def get(self, name: str) -> Feature | None:
        """A feature by its name; None where it is absent."""
        return self._by_name.get(name)

    def value(self, name: str, property_name: str = "value") -> Any:
        """A feature's property; None where either is absent."""
        feature = self._by_name.get(name)
        return None if feature is None else feature.value(property_name)

    def only(self, names: Collection[str]) -> "Features":
        """The features of these names that are there."""
        return Features([feature for name, feature in self._by_name.items() if name in names])

    def stamps(self) -> list[datetime]:
        """When the values were told."""
        return [feature.stamp for feature in self._by_name.values() if feature.stamp is not None]


class _Listing(_Wire):
    data: list[Any]


class OneFeature(_Wire):
    """The answer to a question for one feature."""

    data: Feature


class _Cursor(_Wire):
    next_page: Text = Field(default="", alias="next")


class Installations(_Wire):
    """One page of an account's installations."""

    installations: Objects = Field(alias="data")
    cursor: Annotated[_Cursor, BeforeValidator(lambda told: told if isinstance(told, dict) else {})] = _Cursor()


class Device(_Wire):
    """A device behind a gateway."""

    device_id: Id = Field(alias="id")
    kind: Text = Field(default="", alias="deviceType")
    model: Text = Field(default="", alias="modelId")
    status: Text = ""


class Gateway(_Wire):
    """A home's gateway."""

    serial: Id
    devices: Objects = []


class Installation(_Wire):
    """A home."""

    installation_id: Id = Field(alias="id")
    gateways: Objects = []


class _Extended(_Wire):
    reason: Text = ""
    limit_reset_ms: Any = Field(default=None, alias="limitReset")


class Refusal(_Wire):
    """The body of an answer outside of 2xx."""

    kind: Text = Field(alias="errorType")
    extended: Annotated[_Extended, BeforeValidator(lambda told: told if isinstance(told, dict) else {})] = Field(
        default=_Extended(), alias="extendedPayload"
    )


def read_each[Shape: BaseModel](shape: type[Shape], listed: list[Any]) -> list[Shape]:
    """The elements that can be read; an odd one is left out."""
    found = []
    for item in listed:
        try:
            found.append(shape.model_validate(item))
        except ValidationError:
            continue
    return found


LISTING = TypeAdapter(_Listing)
ONE_FEATURE = TypeAdapter(OneFeature)
INSTALLATIONS = TypeAdapter(Installations)
REFUSAL = TypeAdapter(Refusal)
_OBJECT = TypeAdapter(dict[str, Any])


def is_taken(content: bytes) -> bool:
    """Whether a 2xx answer to a command says nothing against it. `success` was seen as a boolean and as a text."""
    try:
        data = _OBJECT.validate_json(content).get("data")
    except ValidationError:
        return True
    told = data.get("success") if isinstance(data, dict) else None
    return str(told).casefold() != "false"

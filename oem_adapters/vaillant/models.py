"""Shapes of the app's wire, as far as they are used.

Protects: an unknown field, a null where a list was, or one odd element never spoils an answer; 1970 is never.
"""

import math
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

_EPOCHS = frozenset({1970, 2001, 2015, 2018, 2019})
"""Years by which controllers mean "never"."""


def _number(told: Any) -> float | None:
    """A finite number; None for anything else."""
    is_number = isinstance(told, int | float) and not isinstance(told, bool)
    return float(told) if is_number and math.isfinite(told) else None


def _moment(told: Any) -> datetime | None:
    """An aware moment; None for anything else and for "never"."""
    try:
        moment = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    if moment is None or moment.year in _EPOCHS:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _object(told: Any) -> Any:
    return told if isinstance(told, dict | BaseModel) else {}


def _objects(told: Any) -> list[Any]:
    """The objects of a list that have an index."""
    listed = told if isinstance(told, list) else []
    return [item for item in listed if isinstance(item, dict) and isinstance(item.get("index"), int)]


def _plain_objects(told: Any) -> list[Any]:
    """The objects of a list."""
    return [item for item in told if isinstance(item, dict)] if isinstance(told, list) else []


def _object_or_none(told: Any) -> Any:
    return told if isinstance(told, dict | BaseModel) else None


Number = Annotated[float | None, BeforeValidator(_number)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Text = Annotated[str, BeforeValidator(lambda told: told if isinstance(told, str) else "")]
Yes = Annotated[bool, BeforeValidator(lambda told: told is True)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class SystemState(_Wire):
    """What holds for the whole system."""

    outdoor_c: Number = Field(default=None, alias="outdoorTemperature")
    doing: Text = Field(default="", alias="energyManagerState")
    is_off: Yes = Field(default=False, alias="systemOff")


class ZoneState(_Wire):
    """A zone now."""

    index: int
    desired_c: Number = Field(default=None, alias="desiredRoomTemperatureSetpoint")
    desired_heating_c: Number = Field(default=None, alias="desiredRoomTemperatureSetpointHeating")
    room_c: Number = Field(default=None, alias="currentRoomTemperature")
    function: Text = Field(default="", alias="currentSpecialFunction")
    veto_until: Moment = Field(default=None, alias="quickVetoEndDateTime")


class CircuitState(_Wire):
    """A heating circuit now."""

    index: int
    supply_c: Number = Field(default=None, alias="currentCircuitFlowTemperature")
    target_c: Number = Field(default=None, alias="heatingCircuitFlowSetpoint")


class TankState(_Wire):
    """A tank now."""

    index: int
    water_c: Number = Field(default=None, alias="currentDhwTemperature")


class SystemProperties(_Wire):
    """What an installer set for the whole system."""

    is_managed: Yes = Field(default=False, alias="externalEnergyManagementActivation")


class ZoneProperties(_Wire):
    """What a zone is."""

    index: int
    is_active: bool | None = Field(default=None, alias="isActive")
    circuit: int | None = Field(default=None, alias="associatedCircuitIndex")


class TankProperties(_Wire):
    """What a tank can be set to."""

    index: int
    lowest_c: Number = Field(default=None, alias="minSetpoint")
    highest_c: Number = Field(default=None, alias="maxSetpoint")


class Heating(_Wire):
    """How a household has its zone heated."""

    mode: Text = Field(default="", alias="operationModeHeating")
    manual_c: Number = Field(default=None, alias="manualModeSetpointHeating")
    set_back_c: Number = Field(default=None, alias="setBackTemperature")
    program: Annotated[dict[str, Any], BeforeValidator(_object)] = Field(default={}, alias="timeProgramHeating")


class ZoneConfiguration(_Wire):
    """A zone's settings."""

    index: int
    heating: Annotated[Heating, BeforeValidator(_object)] = Heating()


class TankConfiguration(_Wire):
    """A tank's settings."""

    index: int
    target_c: Number = Field(default=None, alias="tappingSetpoint")


class State(_Wire):
    """What is."""

    system: Annotated[SystemState, BeforeValidator(_object)] = SystemState()
    zones: Annotated[list[ZoneState], BeforeValidator(_objects)] = []
    circuits: Annotated[list[CircuitState], BeforeValidator(_objects)] = []
    tanks: Annotated[list[TankState], BeforeValidator(_objects)] = Field(default=[], alias="dhw")


class Properties(_Wire):
    """What it is made of."""

    system: Annotated[SystemProperties, BeforeValidator(_object)] = SystemProperties()
    zones: Annotated[list[ZoneProperties], BeforeValidator(_objects)] = []
    tanks: Annotated[list[TankProperties], BeforeValidator(_objects)] = Field(default=[], alias="dhw")


class Configuration(_Wire):
    """What people set."""

    zones: Annotated[list[ZoneConfiguration], BeforeValidator(_objects)] = []
    tanks: Annotated[list[TankConfiguration], BeforeValidator(_objects)] = Field(default=[], alias="dhw")


class Document(_Wire):
    """A whole system."""

    state: State
    properties: Annotated[Properties, BeforeValidator(_object)] = Properties()
    configuration: Annotated[Configuration, BeforeValidator(_object)] = Configuration()


class Claim(_Wire):
    """A home of an account."""

    system_id: Text = Field(default="", alias="systemId")
    product: Text = Field(default="", alias="productInformation")
    online: Text = Field(default="", alias="onlineState")


class Connection(_Wire):
    """Whether a system is connected."""

    connected: Yes = False


class Usage(_Wire):
    """Something that is counted of a generator."""

    mode: Text = Field(default="", alias="operation_mode")
    kind: Text = Field(default="", alias="value_type")
    until: Moment = Field(default=None, alias="to")


class Generator(_Wire):
    """A heat pump or an electric heater, with what is counted of it."""

    device_id: Text = Field(default="", alias="device_uuid")
    is_valid: Yes = Field(default=False, alias="emfValid")
    usages: Annotated[list[Usage], BeforeValidator(_plain_objects)] = Field(default=[], alias="data")


class Generators(_Wire):
    """What a system heats with. This document's names are not in the others' style, but for one."""

    heat_pump: Annotated[Generator | None, BeforeValidator(_object_or_none)] = Field(
        default=None, alias="primary_heat_generator"
    )
    heater: Annotated[Generator | None, BeforeValidator(_object_or_none)] = Field(
        default=None, alias="electric_backup_heater"
    )


class Bucket(_Wire):
    """What was used in a span."""

    start: Moment = Field(default=None, alias="startDate")
    end: Moment = Field(default=None, alias="endDate")
    watt_hours: Number = Field(default=None, alias="value")


class Buckets(_Wire):
    """Spans in a row."""

    mode: Text = Field(default="", alias="operationMode")
    kind: Text = Field(default="", alias="energyType")
    buckets: Annotated[list[Bucket], BeforeValidator(_plain_objects)] = Field(default=[], alias="data")


class Refusal(_Wire):
    """The body of an answer outside of 2xx."""

    message: Text


def indexed[
    Part: (ZoneState, ZoneProperties, ZoneConfiguration, CircuitState, TankState, TankProperties, TankConfiguration)
](parts: list[Part], index: int | None) -> Part | None:
    """The part with an index; None where there is none."""
    return next((part for part in parts if part.index == index), None)


DOCUMENT = TypeAdapter(Document)
CLAIMS = TypeAdapter(
    Annotated[
        list[Claim],
        BeforeValidator(lambda told: [c for c in told if isinstance(c, dict)] if isinstance(told, list) else told),
    ]
)
GENERATORS = TypeAdapter(Generators)
BUCKETS = TypeAdapter(Buckets)
CONNECTION = TypeAdapter(Connection)
REFUSAL = TypeAdapter(Refusal)

"""The configuration a simulator starts with: clock, fleet, day, faults and files.

Protects: a misspelt key, fault or time zone stops the start with a sentence instead of simulating something else
than what was asked for.
"""

import json
from datetime import date
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator

from domain.base import Value
from domain.clock import SteeringClock
from simulator.faults.outages import Outage
from simulator.faults.rates import checked_rates


class ConfigError(Exception):
    """The configuration cannot be used. The message is one sentence that names the key."""


class VendorQuota(Value):
    """A vendor's call budget by the minute and by the day."""

    calls_per_min: Annotated[int, Field(ge=1)]
    calls_per_day: Annotated[int, Field(ge=1)]
    per_application: bool = False
    """Counted for all accounts together instead of for each."""


class SimulatorConfig(Value):
    """Everything a simulator needs; times are steered unless a name says wall."""

    clock: SteeringClock
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Zero takes a free port; the ready file says which."""
    seed: int = 1
    pumps: Annotated[int, Field(ge=1, le=5000)] = 12
    vendors: tuple[str, ...] = ()
    """Whose units hang in the homes, in turn; the first known vendor's where none is named."""
    units_per_account: Annotated[int, Field(ge=1)] | None = None
    """How many units of a vendor hang on one account; as is usual at each vendor where none is given."""
    quotas: dict[str, VendorQuota] = Field(default_factory=dict)
    """By vendor, what its cloud grants instead of what it publishes; clouds that count differently ignore it."""
    tz: str = "Europe/Berlin"
    price_area: str = "DE-LU"
    day: date
    """Market day of the demo, local; its prices are published from the start."""
    prices_file: Path | None = None
    weather_file: Path | None = None
    faults: dict[str, float] = Field(default_factory=dict)
    outages: tuple[Outage, ...] = ()
    truth_file: Path
    ready_file: Path
    state_file: Path | None = None
    client_id: str = "heatsteer"
    client_secret: str = "not-a-secret"  # noqa: S105 - a default of a fake cloud on loopback
    refresh_tokens: tuple[str, ...] = ()
    """Refresh tokens as a person's consent would have issued them."""
    redirect_uris: tuple[str, ...] = ()
    """Where the client may be redirected after consent, to the trailing slash; anywhere where none is registered."""
    rate_limit_per_min: Annotated[int, Field(ge=1)] = 600
    """Calls a minute granted to a client by clouds that count by the minute alone."""
    token_life_s: Annotated[float, Field(gt=0)] = 3600.0
    timeout_hold_s: Annotated[float, Field(ge=0)] = 15.0
    """Wall seconds for which a `timeout` fault holds its answer back."""

    @field_validator("tz")
    @classmethod
    def _tz_exists(cls, tz: str) -> str:
        try:
            ZoneInfo(tz)
        except (ZoneInfoNotFoundError, ValueError, OSError) as missing:
            raise ValueError(f"there is no time zone {tz!r}") from missing
        return tz

    @field_validator("faults")
    @classmethod
    def _faults_exist(cls, rates: dict[str, float]) -> dict[str, float]:
        return checked_rates(rates)

    @property
    def local_time(self) -> ZoneInfo:
        return ZoneInfo(self.tz)


def read_config(path: Path) -> SimulatorConfig:
    """Read a configuration file; raises ConfigError with one sentence."""
    try:
        return SimulatorConfig.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as broken:
        raise ConfigError(f"{path} cannot be read: {broken.strerror}") from broken
    except json.JSONDecodeError as broken:
        raise ConfigError(f"{path} is not JSON: {broken}") from broken
    except ValidationError as broken:
        first = broken.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the configuration"
        raise ConfigError(f"{path}: {where}: {first['msg']}") from broken

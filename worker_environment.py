"""What every process of the project reads from its environment, and how it connects, logs and leaves.

Protects: a missing or wrong setting is one sentence that names it and the way out, and never shows its value.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

import httpx
import structlog
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime

from domain.planning.series import WholesalePrices
from domain.planning.tariff import Tariffs
from domain.ports import DecisionListener, DocumentRefused, JournalListener
from ledger.pumps import check_keys
from ledger.repositories import Repositories, open_repositories
from ledger.series import LedgerSeries
from market.chain import (
    ANY_AREA,
    OnRefused,
    PriceChain,
    WeatherChain,
    chosen_sources,
    chosen_weather_sources,
    price_chain,
    weather_chain,
)
from market.fetching import DEFAULT_PRICE_SOURCE, DEFAULT_WEATHER_SOURCE
from market.later_prices import DEFAULT_FORMAT, HttpLaterPrices
from market.meter_sources import DEFAULT_METER_FORMAT, HttpMeters
from market.registry import meter_format, price_format
from market.tariff_files import BadTariff, tariffs_in
from oem_adapters.timeouts import WallTimeouts
from telemetry.log_lines import keep_temporal_ids_out_of_sentences, with_temporal_ids, without_secrets

LOOPBACK = ("127.0.0.1", "::1", "localhost")
Address = Annotated[str, Field(pattern=r"^\S+:\d{1,5}$")]
"""host:port"""


class SetupError(Exception):
    """Something a worker needs is missing; one sentence that names it and the way out."""


class Settings(BaseSettings):
    """What the environment says. `.env.example` lists it all."""

    model_config = SettingsConfigDict(env_prefix="HEATSTEER_", extra="ignore", populate_by_name=True)

    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    secret_keys: SecretStr = Field(description="Fernet keys for vendor secrets, newest first, separated by commas")
    price_sources: str = DEFAULT_PRICE_SOURCE
    """Price sources in order of preference, by price area where one differs (`market.chain.chosen_sources`)."""
    price_url: str | None = None
    """Base URL of the first price source; None is its public service."""
    price_urls: dict[str, str] = Field(default_factory=dict)
    """Base URLs of price sources by name; those that are not named are asked at their public service."""
    price_keys: dict[str, SecretStr] = Field(default_factory=dict)
    """Tokens by price source."""
    intraday_url: str | None = None
    """Where intraday prices are asked for, with {price_area} in it; None asks nobody (`prices load --market`)."""
    intraday_format: str = DEFAULT_FORMAT
    """The format of the answers: a price source's name."""
    meter_urls: dict[str, str] = Field(default_factory=dict)
    """Where whole-house meters are read before a settlement, by price area or pump (`market.meter_sources`)."""
    meter_keys: dict[str, SecretStr] = Field(default_factory=dict)
    """Bearer tokens for them, by the same names."""
    meter_format: str = DEFAULT_METER_FORMAT
    """The format of their answers."""
    weather_sources: str = DEFAULT_WEATHER_SOURCE
    """Weather sources in order of preference."""
    weather_url: str | None = None
    """Base URL of the first weather source; None is its public service."""
    weather_urls: dict[str, str] = Field(default_factory=dict)
    """Base URLs of weather sources by name."""
    oem_urls: dict[str, str] = Field(default_factory=dict)
    """Base URLs of vendors that are not reached at their public address, by name: a gateway, or a fake on loopback."""
    unofficial_oems: str = ""
    """Vendors, by commas, whose accounts may be connected although they do not offer their API to others."""
    tariffs: Path | None = None
    """Folder of tariff files; None is the project's own examples."""
    contact: str | None = None
    """Whom a weather service may write to (a web page or an address); stands in the User-Agent."""
    http_timeout_s: float = Field(default=20.0, gt=0)
    """Wall seconds of silence after which a vendor's answer is given up."""
    oem_concurrency: int = Field(default=24, ge=1, le=500)
    """Calls to vendors under way at once in one process, shared out among its vendors."""
    oem_rate_per_s: float | None = Field(default=None, gt=0)
    """Server-side limit of a vendor queue, wall seconds; None leaves it open."""
    sticky_s: float = Field(default=10.0, gt=0)
    """How long a workflow waits for the worker that knows it before any other takes it."""
    log_level: str = "INFO"
    metrics_address: Address | None = None
    """host:port on which a worker serves its metrics to Prometheus (`telemetry.catalogue`); None serves none."""
    temporal_metrics_address: Address | None = None
    """host:port on which the Temporal SDK serves its own metrics to Prometheus; None serves none."""
    traces: str | None = None
    """Where traces of commands go: "otlp", by the OTEL_* variables, or "file:PATH"; None traces nothing."""
    sandbox: bool = True

    @field_validator("oem_urls", "meter_urls")
    @classmethod
    def _safe_urls(cls, urls: dict[str, str]) -> dict[str, str]:
        for name, url in urls.items():
            parts = urlsplit(url)
            if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
                raise ValueError(f"{name} needs an https address: http is for loopback only")
        return urls

    @field_validator("price_sources")
    @classmethod
    def _known_price_sources(cls, text: str) -> str:
        chosen_sources(text)
        return text

    @field_validator("intraday_format")
    @classmethod
    def _known_format(cls, text: str) -> str:
        try:
            return price_format(text).name
        except LookupError as error:
            raise ValueError(str(error.args[0])) from error

    @field_validator("meter_format")
    @classmethod
    def _known_meter_format(cls, text: str) -> str:
        try:
            return meter_format(text).name
        except LookupError as error:
            raise ValueError(str(error.args[0])) from error

    @field_validator("weather_sources")
    @classmethod
    def _known_weather_sources(cls, text: str) -> str:
        chosen_weather_sources(text)
        return text

    def price_source_urls(self) -> dict[str, str]:
        """Base URLs of price sources that are not asked at their public service."""
        return _of_first(chosen_sources(self.price_sources)[ANY_AREA], self.price_url) | self.price_urls

    def weather_source_urls(self) -> dict[str, str]:
        """Base URLs of weather sources that are not asked at their public service."""
        return _of_first(chosen_weather_sources(self.weather_sources), self.weather_url) | self.weather_urls

    def timeouts(self) -> WallTimeouts:
        """How long one call to a vendor may last."""
        answer_s = self.http_timeout_s
        return WallTimeouts(connect_s=min(5.0, answer_s), answer_s=answer_s, whole_s=answer_s * 1.5)

    def keys(self) -> list[SecretStr]:
        """The vendor-secret keys, newest first."""
        return [SecretStr(k.strip()) for k in self.secret_keys.get_secret_value().split(",") if k.strip()]


def _of_first(names: Sequence[str], url: str | None) -> dict[str, str]:
    return {} if url is None else {names[0]: url}


def settings_from_environment() -> Settings:
    """Settings; raises SetupError with a sentence on what is missing."""
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"HEATSTEER_{name.upper()}"
        raise SetupError(f"{variable}: {first['msg'].lower()}; .env.example shows how to set it") from None
    try:
        check_keys(settings.keys())
    except ValueError as error:
        raise SetupError(str(error)) from None
    return settings


def price_sources_of(
    settings: Settings, http: httpx.AsyncClient, series: LedgerSeries, now: Callable[[], datetime]
) -> PriceChain:
    """The price sources that the environment names; what is refused beside a good answer is quarantined."""

    async def known(price_area: str, start: datetime, end: datetime) -> WholesalePrices | None:
        version = await series.newest_prices(price_area, start, end)
        return None if version is None else await series.prices(version)

    keys = {name: key.get_secret_value() for name, key in settings.price_keys.items()}
    urls = settings.price_source_urls()
    return price_chain(http, settings.price_sources, urls, keys, known, quarantining(series, "price", now))


def later_prices_of(settings: Settings, http: httpx.AsyncClient) -> HttpLaterPrices | None:
    """The source of intraday prices, where the environment names one."""
    if settings.intraday_url is None:
        return None
    return HttpLaterPrices(http, settings.intraday_url, source=settings.intraday_format)


def meters_of(settings: Settings, http: httpx.AsyncClient) -> HttpMeters | None:
    """The services of whole-house meters, where the environment names any."""
    if not settings.meter_urls:
        return None
    keys = {name: key.get_secret_value() for name, key in settings.meter_keys.items()}
    return HttpMeters(http, settings.meter_urls, keys, settings.meter_format)


def weather_sources_of(
    settings: Settings, http: httpx.AsyncClient, series: LedgerSeries, now: Callable[[], datetime]
) -> WeatherChain:
    """The weather sources that the environment names; what is refused beside a good answer is quarantined."""
    urls, refused = settings.weather_source_urls(), quarantining(series, "weather", now)
    return weather_chain(http, settings.weather_sources, urls, settings.contact, refused)


def quarantining(series: LedgerSeries, kind: str, now: Callable[[], datetime]) -> OnRefused:
    """Keeps documents that were refused although another source had the day."""

    async def refused(error: DocumentRefused) -> None:
        await series.quarantine(kind, error.origin, str(error), now(), error.series)

    return refused


def tariffs_of(settings: Settings) -> Tariffs:
    """The tariffs homes are enrolled with; raises SetupError with a sentence for a file that is none."""
    try:
        return tariffs_in(settings.tariffs)
    except BadTariff as error:
        raise SetupError(str(error)) from None


def open_ledger(
    settings: Settings, on_decision: DecisionListener | None = None, on_entry: JournalListener | None = None
) -> AbstractAsyncContextManager[Repositories]:
    """The ledger that the settings name, with a lock connection for every call to a vendor that may be under way."""
    return open_repositories(settings.database_url, settings.keys(), settings.oem_concurrency, on_decision, on_entry)


async def connect_temporal(runtime: Runtime | None = None) -> Client:
    """A Temporal client as the environment says (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, ...)."""
    config = ClientConfig.load_client_connect_config()
    address = config.setdefault("target_host", "localhost:7233")
    try:
        return await Client.connect(**config, data_converter=pydantic_data_converter, runtime=runtime)
    except RuntimeError as error:
        raise SetupError(
            f"Temporal does not answer at {address}: start it (`heatsteer up`) or set TEMPORAL_ADDRESS"
        ) from error


def configure_logging(level: str) -> None:
    """JSON lines on stderr, the SDK's and libraries' included, with the ids of what they are about and no secret."""
    stamped: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *stamped,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping().get(level, logging.INFO)),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.contextvars.merge_contextvars, *stamped, with_temporal_ids],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                without_secrets,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("httpx", "httpcore"):  # they write every request with its whole address
        logging.getLogger(name).setLevel(logging.WARNING)
    keep_temporal_ids_out_of_sentences()


def leave(code: int) -> NoReturn:
    """End the process at once.

    The Temporal client's own threads have been seen to crash an interpreter that was shutting down around them, and
    nothing here waits for interpreter shutdown: all that must be closed has been closed by now.
    """
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)

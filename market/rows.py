"""What every source turns its documents into, and what a source has to offer.

Protects: judging sees rows and columns only, so a new source needs no change outside its own module.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from market.areas import Area


@dataclass(frozen=True)
class PriceRow:
    """One published price. `price` is the raw value per MWh: judging decides whether it is a number."""

    start_s: int
    """UTC seconds of the row's start."""
    price: object
    step_s: int | None = None
    """Seconds that the price holds for; None where the document does not say and the spacing of the rows decides."""


@dataclass(frozen=True)
class PriceDocument:
    """A price document, read and not yet judged."""

    origin: str
    """File or address, for sentences."""
    source: str
    """Where the numbers come from; becomes `WholesalePrices.source`."""
    rows: tuple[PriceRow, ...]
    price_area: str | None = None
    """The price area that the document names, if it names one."""
    currency: str = "EUR"
    """Currency of the document, for people; the rows are in EUR."""
    notes: tuple[str, ...] = ()
    """What a person should know of how the document was read, a sentence each."""
    published_at: datetime | None = None
    """When the source says that it published the document; aware."""
    raw_sha256: str | None = None
    """Of the bytes it was read from."""


@dataclass(frozen=True)
class Quantity:
    """A physical quantity of a forecast, its unit and the values that are possible."""

    name: str
    unit: str
    lowest: float
    highest: float


TEMPERATURE = Quantity("temperature", "°C", -60.0, 60.0)
RADIATION = Quantity("radiation", "W/m²", 0.0, 1500.0)
# Radiation above the sun's own 1361 W/m2 occurs for minutes at the edges of clouds, never as a mean of 1500.


@dataclass(frozen=True)
class WeatherColumn:
    """One quantity at evenly spaced stamps. `values` are raw: judging decides whether they are numbers."""

    quantity: Quantity
    name: str
    """What the document calls it, for sentences."""
    block: str
    """The part of the document that it stands in, for sentences."""
    step_s: int
    """Seconds that there should be between two stamps."""
    is_mean: bool
    """Whether a value is the mean up to its stamp; else it is of the moment of its stamp."""
    stamps_s: Sequence[int]
    values: Sequence[object]


@dataclass(frozen=True)
class WeatherDocument:
    """A forecast for one place, read and not yet judged; several columns of a quantity, the preferred one first."""

    origin: str
    source: str
    latitude: float
    longitude: float
    columns: tuple[WeatherColumn, ...]
    """At least one of each quantity."""


@dataclass(frozen=True)
class Question:
    """A GET request, relative to the source's base URL."""

    path: str
    params: dict[str, str]
    headers: dict[str, str] = field(default_factory=dict)
    also_read: frozenset[int] = frozenset()
    """HTTP statuses of failure whose body the format reads itself."""


class PriceFormat(Protocol):
    """A price source's module: its `FORMAT` is one of these."""

    @property
    def name(self) -> str:
        """Name in settings, on the command line and in stored series."""
        ...

    @property
    def url(self) -> str | None:
        """Base URL of the public service; None for a format of files only."""
        ...

    def recognises(self, raw: bytes) -> bool:
        """Whether a document looks like this format; cheap, and asked of documents of any format."""
        ...

    def question(self, area: Area, day: date, key: str | None) -> Question:
        """The request for a market day; the answer may hold more than the day. `key` is the user's token, if any."""
        ...

    def read(self, raw: bytes, origin: str, area: Area | None) -> PriceDocument:
        """The rows of an answer; raises `BadDocument`, `NotYetPublished` or `SourceUnavailable`.

        `area` is the one asked for; None takes the document's own.
        """
        ...


class WeatherFormat(Protocol):
    """A weather source's module: its `FORMAT` is one of these."""

    @property
    def name(self) -> str:
        """Name in settings, on the command line and in stored series."""
        ...

    @property
    def url(self) -> str:
        """Base URL of the public service."""
        ...

    @property
    def needs_contact(self) -> bool:
        """Whether the service turns away clients that do not say whom to write to."""
        ...

    @property
    def jitter_s(self) -> float:
        """The longest random wait before a request, so that a fleet of workers does not ask on the full hour."""
        ...

    def question(self, latitude: float, longitude: float, start_s: int, end_s: int) -> Question:
        """The request for a forecast that covers [start_s, end_s]."""
        ...

    def read(self, raw: bytes, origin: str) -> WeatherDocument:
        """The columns of an answer; raises `BadDocument` or `SourceUnavailable`."""
        ...

"""Energy-Charts (Fraunhofer ISE): day-ahead prices as columns of hours or quarter-hours.

Protects: prices in another unit than EUR per MWh are refused, never converted.
Wire format: {"unix_seconds": [...], "price": [...], "unit": "EUR / MWh", "license_info": "..."}.
"""

from datetime import date, timedelta

from market.areas import Area
from market.documents import Document, clip, column, kind_of, read_object, same_length, source_text
from market.errors import refused
from market.judging.time_axis import unix_instants
from market.rows import PriceDocument, PriceRow, Question

NEEDED_UNIT = "EUR / MWh"
UNITS = frozenset({"eur/mwh", "€/mwh"})
AREA_KEYS = ("zone", "bzn", "bidding_zone", "price_area")


class EnergyCharts:
    """The public service, no key. A `market.rows.PriceFormat`."""

    name = "energy-charts"
    url = "https://api.energy-charts.info"

    def recognises(self, raw: bytes) -> bool:
        """Whether a document looks like this format."""
        return b'"unix_seconds"' in raw

    def question(self, area: Area, day: date, key: str | None) -> Question:  # noqa: ARG002 -- the service has no keys
        """The request for a market day; the answer may hold more than the day."""
        # One day more than needed: whether the last day belongs to the answer is not documented.
        days = {"start": day.isoformat(), "end": (day + timedelta(days=1)).isoformat()}
        return Question("/price", {"bzn": area.price_area} | days)

    def read(self, raw: bytes, origin: str, area: Area | None) -> PriceDocument:  # noqa: ARG002 -- one area a document
        """The rows of an answer; raises `BadDocument`."""
        document = read_object(raw, origin)
        times = column(document, "unix_seconds", origin)
        prices = column(document, "price", origin)
        price_area = _price_area(document, origin)
        _check_unit(document, origin)
        same_length(origin, "unix_seconds", len(times), "price", prices)
        starts_s = unix_instants(times, "unix_seconds", origin)
        rows = tuple(PriceRow(start_s, price) for start_s, price in zip(starts_s, prices, strict=True))
        return PriceDocument(origin, source_text(document, self.name), rows, price_area)


FORMAT = EnergyCharts()


def _price_area(document: Document, origin: str) -> str | None:
    """The price area a document names; raises `BadDocument` where it names none readable, or several."""
    named: dict[str, str] = {}
    for key in AREA_KEYS:
        if key not in document:
            continue
        found = document[key]
        if not isinstance(found, str):
            raise refused(origin, f'holds {kind_of(found)} as "{key}"', "the name of a price area is needed")
        named.setdefault(found.strip().upper().replace("_", "-"), found)
    if len(named) > 1:
        shown = " and ".join(clip(name) for name in named.values())
        raise refused(origin, f"names several price areas, {shown}", "give a document of one")
    return next(iter(named.values()), None)


def _check_unit(document: Document, origin: str) -> None:
    if "unit" not in document:
        raise refused(origin, 'does not say its unit ("unit")', f"{NEEDED_UNIT} is needed")
    unit = document["unit"]
    if not isinstance(unit, str) or "".join(unit.split()).casefold() not in UNITS:
        shown = repr(clip(unit)) if isinstance(unit, str) else kind_of(unit)
        raise refused(
            origin, f"says its unit is {shown}", f"{NEEDED_UNIT} is needed, so convert the prices or fetch them so"
        )

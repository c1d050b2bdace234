"""Nord Pool data portal: day-ahead prices of one market day for several areas; no key, terms restrict commercial use.

Protects: preliminary prices are not used as final ones; another currency is turned into euros by the document's own
exchange rate or not at all.
Wire format: {"multiAreaEntries": [{"deliveryStart", "deliveryEnd", "entryPerArea": {"SE3": 41.2}}], "currency",
"exchangeRate", "areaStates": [{"state": "Final", "areas": ["SE3"]}]}; an empty 204 before publication.
"""

from datetime import date, datetime

from market.areas import Area, known_area
from market.documents import Document, clip, column, finite_number, kind_of, moment_of, read_object
from market.errors import NotYetPublished, refused
from market.judging.time_axis import EARLIEST_S, LATEST_S
from market.rows import PriceDocument, PriceRow, Question

CODES = {"DE-LU": "GER"}
"""Areas that Nord Pool spells in another way."""
FINAL = "final"


class NordPool:
    """The public data portal. A `market.rows.PriceFormat`."""

    name = "nord-pool"
    url = "https://dataportal-api.nordpoolgroup.com"

    def recognises(self, raw: bytes) -> bool:
        """Whether a document looks like this format."""
        return b'"multiAreaEntries"' in raw

    def question(self, area: Area, day: date, key: str | None) -> Question:  # noqa: ARG002 -- the service has no keys
        """The request for a market day."""
        code = CODES.get(area.price_area, area.price_area)
        params = {"date": day.isoformat(), "market": "DayAhead", "deliveryArea": code, "currency": "EUR"}
        return Question("/api/DayAheadPrices", params)

    def read(self, raw: bytes, origin: str, area: Area | None) -> PriceDocument:
        """The rows of an answer; raises `BadDocument` or `NotYetPublished`."""
        document = read_object(raw, origin)
        entries = column(document, "multiAreaEntries", origin)
        code, price_area = _area(document, area, origin)
        _judge_state(document, code, origin)
        currency, rate = _currency(document, origin)
        rows = tuple(_row(entry, code, rate, number, origin) for number, entry in enumerate(entries, 1))
        converted = f"Converted from {currency} at the document's rate of {rate:g} to the euro."
        notes = () if currency == "EUR" else (converted,)
        updated_at = moment_of(document.get("updatedAt"))
        return PriceDocument(origin, self.name, rows, price_area, currency, notes, updated_at)


FORMAT = NordPool()


def _area(document: Document, area: Area | None, origin: str) -> tuple[str, str]:
    """The code of the area in the document, and the area's name."""
    areas = column(document, "deliveryAreas", origin)
    codes = [code for code in areas if isinstance(code, str)]
    if area is not None:
        code = CODES.get(area.price_area, area.price_area)
        if code not in codes:
            shown = clip(", ".join(codes)) or "no area"
            raise refused(origin, f"says it is of price area {shown}", f"prices of {area.price_area} are needed")
        return code, area.price_area
    if len(codes) != 1:
        raise refused(origin, f"is of {len(codes)} price areas, {clip(', '.join(codes))}", "say which one is needed")
    names = {spelt: name for name, spelt in CODES.items()}
    found = known_area(names.get(codes[0], codes[0]))
    return codes[0], found.price_area if found else codes[0]


def _judge_state(document: Document, code: str, origin: str) -> None:
    """Raises `NotYetPublished` where the area's prices are not final."""
    for state in column(document, "areaStates", origin):
        areas = state.get("areas") if isinstance(state, dict) else None
        if isinstance(state, dict) and isinstance(areas, list) and code in areas:
            said = state.get("state")
            if isinstance(said, str) and said.casefold() == FINAL:
                return
            shown = clip(said) if isinstance(said, str) else kind_of(said)
            raise NotYetPublished(f"{origin} says the prices of {code} are {shown}, not final; ask again later.")
    raise NotYetPublished(f"{origin} does not say that the prices of {code} are final; ask again later.")


def _currency(document: Document, origin: str) -> tuple[str, float]:
    """The document's currency, and its units to the euro."""
    currency = document.get("currency")
    if not isinstance(currency, str):
        raise refused(origin, 'does not say its currency ("currency")', "EUR is needed")
    rate = finite_number(document.get("exchangeRate"))
    if currency == "EUR":
        return currency, 1.0
    if rate is None or rate <= 0 or rate == 1:
        raise refused(origin, f"has prices in {clip(currency)} without their rate to the euro", "fetch it in EUR")
    return currency, rate


def _row(entry: object, code: str, rate: float, number: int, origin: str) -> PriceRow:
    if not isinstance(entry, dict):
        raise refused(origin, f"holds {kind_of(entry)} as entry {number}", "an object is needed")
    start_s, end_s = (_instant(entry.get(name), name, number, origin) for name in ("deliveryStart", "deliveryEnd"))
    prices = entry.get("entryPerArea")
    if not isinstance(prices, dict):
        raise refused(origin, f'holds {kind_of(prices)} as "entryPerArea" of entry {number}', "an object is needed")
    price = prices.get(code)
    number_in_euros = finite_number(price)
    # Rounded to the market's cent: conversion leaves digits that would look like another unit.
    euros = price if number_in_euros is None or rate == 1 else round(number_in_euros / rate, 2)
    return PriceRow(start_s, euros, end_s - start_s)


def _instant(text: object, name: str, number: int, origin: str) -> int:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        instant_s = int(moment.timestamp()) if moment is not None and moment.tzinfo is not None else -1
    except (ValueError, OverflowError):
        instant_s = -1
    if not EARLIEST_S <= instant_s < LATEST_S:
        what = f'holds {kind_of(text)} as "{name}" of entry {number}'
        raise refused(origin, what, "a time like 2026-03-02T23:00:00Z is needed")
    return instant_s

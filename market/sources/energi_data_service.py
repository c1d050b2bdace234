"""Energi Data Service (Energinet): day-ahead prices of the Danish areas as records in any order; no key.

Protects: a record's naive UTC time is never read as local time, and a missing euro price is a gap, never converted.
Wire format: {"dataset": "DayAheadPrices", "records": [{"TimeUTC": "2026-01-21T12:15:00", "TimeDK": "..",
"PriceArea": "DK1", "DayAheadPriceEUR": 41.2, "DayAheadPriceDKK": 307.3}]}.
"""

import json
from datetime import UTC, date, datetime, timedelta

from market.areas import Area
from market.documents import clip, column, kind_of, read_object
from market.errors import refused
from market.judging.time_axis import EARLIEST_S, LATEST_S
from market.rows import PriceDocument, PriceRow, Question


class EnergiDataService:
    """The public service. A `market.rows.PriceFormat`."""

    name = "energi-data-service"
    url = "https://api.energidataservice.dk"

    def recognises(self, raw: bytes) -> bool:
        """Whether a document looks like this format."""
        return b'"records"' in raw and b'"DayAheadPriceEUR"' in raw

    def question(self, area: Area, day: date, key: str | None) -> Question:  # noqa: ARG002 -- the service has no keys
        """The request for a market day and the days beside it, so that it does not matter whose midnight is meant."""
        params = {
            "start": (day - timedelta(days=1)).isoformat(),
            "end": (day + timedelta(days=2)).isoformat(),
            "filter": json.dumps({"PriceArea": [area.price_area]}),
            "limit": "0",
        }
        return Question("/dataset/DayAheadPrices", params)

    def read(self, raw: bytes, origin: str, area: Area | None) -> PriceDocument:
        """The rows of an answer; raises `BadDocument`."""
        document = read_object(raw, origin)
        records = column(document, "records", origin)
        found = [_row(record, number, origin) for number, record in enumerate(records, 1)]
        names = sorted({name for name, _ in found})
        if area is None and len(names) > 1:
            shown = clip(", ".join(names))
            raise refused(origin, f"is of {len(names)} price areas, {shown}", "say which one is needed")
        price_area = area.price_area if area is not None and area.price_area in names else next(iter(names), None)
        # The service answers newest first.
        rows = sorted((row for name, row in found if name == price_area), key=lambda row: row.start_s)
        return PriceDocument(origin, self.name, tuple(rows), price_area)


FORMAT = EnergiDataService()


def _row(record: object, number: int, origin: str) -> tuple[str, PriceRow]:
    if not isinstance(record, dict):
        raise refused(origin, f"holds {kind_of(record)} as record {number}", "an object is needed")
    name = record.get("PriceArea")
    if not isinstance(name, str):
        raise refused(origin, f'holds {kind_of(name)} as "PriceArea" of record {number}', "a price area is needed")
    if "DayAheadPriceEUR" not in record:
        raise refused(origin, f'has no "DayAheadPriceEUR" in record {number}', "fetch the dataset DayAheadPrices")
    text = record.get("TimeUTC")
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        aware = moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        start_s = int(aware.timestamp()) if aware is not None else -1
    except (ValueError, OverflowError):
        start_s = -1
    if not EARLIEST_S <= start_s < LATEST_S:
        what = f'holds {kind_of(text)} as "TimeUTC" of record {number}'
        raise refused(origin, what, "a time like 2026-01-21T12:15:00 is needed")
    return name, PriceRow(start_s, record["DayAheadPriceEUR"])

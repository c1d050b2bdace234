"""Price versions and quarantined documents as people ask for them.

Protects: a list of versions never carries their prices: a year of many areas stays a page.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.models import PriceVersion, QuarantinedDocument, WeatherVersion

_PRICES = ("price_eur_per_mwh", "later_eur_per_mwh")


def _about(series: Any) -> Any:
    without = series
    for name in _PRICES:
        without = without.op("-", return_type=JSONB)(cast(name, Text))
    return without.label("about")


class LedgerPriceQueries:
    """Read-only questions about prices."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def versions(
        self, price_area: str | None, start: datetime | None, end: datetime | None, limit: int
    ) -> Sequence[dict[str, Any]]:
        """The newest versions, of an area and touching [start, end) where given; `about` is a series without prices."""
        table = PriceVersion
        query = select(table.version, table.starts_at, table.ends_at, table.stored_at, _about(table.series))
        if price_area is not None:
            query = query.where(table.price_area == price_area)
        if start is not None and end is not None:
            query = query.where(table.starts_at < end, table.ends_at > start)
        return await self._rows(query.order_by(table.version.desc()).limit(limit))

    async def version(self, version: int) -> dict[str, Any] | None:
        """When a version was stored, with its series."""
        query = select(PriceVersion.version, PriceVersion.stored_at, PriceVersion.series)
        return next(iter(await self._rows(query.where(PriceVersion.version == version))), None)

    async def newest_weather(self, cell: str, start: datetime, end: datetime) -> dict[str, Any] | None:
        """The newest forecast of a cell that covers [start, end): version, stored_at, series."""
        table = WeatherVersion
        covers = (table.cell == cell, table.starts_at <= start, table.ends_at >= end)
        query = select(table.version, table.stored_at, table.series).where(*covers)
        return next(iter(await self._rows(query.order_by(table.version.desc()).limit(1))), None)

    async def quarantined(self, limit: int = 20) -> Sequence[dict[str, Any]]:
        """The newest documents that were not believed; `about` is null for what can never be a series."""
        table = QuarantinedDocument
        columns = (table.id, table.kind, table.origin, table.reason, table.received_at, table.released_version)
        query = select(*columns, _about(table.series))
        return await self._rows(query.order_by(table.id.desc()).limit(limit))

    async def quarantined_document(self, number: int) -> dict[str, Any] | None:
        """One of them, with its series."""
        table = QuarantinedDocument
        columns = (table.id, table.kind, table.origin, table.reason, table.received_at, table.released_version)
        return next(iter(await self._rows(select(*columns, table.series).where(table.id == number))), None)

    async def _rows(self, query: Any) -> Sequence[dict[str, Any]]:
        async with self._engine.connect() as connection:
            return [dict(row._mapping) for row in await connection.execute(query)]

"""Versioned prices and weather in the ledger.

Protects: the same content keeps its version, so that a plan can name the very numbers it was made from.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.planning.series import WeatherSeries, WholesalePrices
from domain.slots import SLOT
from ledger.models import PriceVersion, QuarantinedDocument, WeatherVersion


class LedgerSeries:
    """`domain.ports.SeriesStore` on PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def store_prices(self, series: WholesalePrices, at: datetime) -> int:
        """Store a version of the prices; the same content keeps its number."""
        return await self._store(
            PriceVersion, {"price_area": series.price_area}, series, len(series.price_eur_per_mwh), at
        )

    async def store_weather(self, series: WeatherSeries, at: datetime) -> int:
        """Store a version of the weather; the same content keeps its number."""
        return await self._store(WeatherVersion, {"cell": series.cell}, series, len(series.outdoor_c), at)

    async def _store(
        self, table: Any, name: dict[str, str], series: WholesalePrices | WeatherSeries, slots: int, at: datetime
    ) -> int:
        text = series.model_dump_json()
        digest = hashlib.sha256(text.encode()).hexdigest()
        row = name | {
            "starts_at": series.start,
            "ends_at": series.start + slots * SLOT,
            "digest": digest,
            "series": series.model_dump(mode="json"),
            "stored_at": at,
        }
        async with self._engine.begin() as connection:
            await connection.execute(insert(table).values(row).on_conflict_do_nothing(index_elements=["digest"]))
            version = await connection.scalar(select(table.version).where(table.digest == digest))
        assert version is not None
        return int(version)

    async def prices(self, version: int) -> WholesalePrices:
        """A stored version."""
        return WholesalePrices.model_validate(await self._load(PriceVersion, version))

    async def weather(self, version: int) -> WeatherSeries:
        """A stored version."""
        return WeatherSeries.model_validate(await self._load(WeatherVersion, version))

    async def _load(self, table: Any, version: int) -> Any:
        async with self._engine.connect() as connection:
            found = await connection.scalar(select(table.series).where(table.version == version))
        if found is None:
            raise LookupError(f"there is no version {version} in {table.__tablename__}")
        return found

    async def newest_prices(self, price_area: str, start: datetime, end: datetime) -> int | None:
        """The newest version that covers [start, end)."""
        async with self._engine.connect() as connection:
            return await connection.scalar(
                select(PriceVersion.version)
                .where(
                    PriceVersion.price_area == price_area, PriceVersion.starts_at <= start, PriceVersion.ends_at >= end
                )
                .order_by(PriceVersion.version.desc())
                .limit(1)
            )

    async def quarantine(self, kind: str, origin: str, reason: str, at: datetime) -> None:
        """Keep a document's verdict."""
        row = {"kind": kind, "origin": origin, "reason": reason, "received_at": at}
        async with self._engine.begin() as connection:
            await connection.execute(insert(QuarantinedDocument).values(row))

    async def quarantined(self, limit: int = 20) -> Sequence[dict[str, Any]]:
        """The newest documents that were not believed."""
        table = QuarantinedDocument
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(table.kind, table.origin, table.reason, table.received_at).order_by(table.id.desc()).limit(limit)
            )
            return [dict(row._mapping) for row in rows]

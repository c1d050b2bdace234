"""Versioned prices and weather in the ledger, and the documents that were not believed.

Protects: a version never changes, and the same document keeps its version, so that a plan can name the very numbers
it was made from.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, not_, or_, select, update
from sqlalchemy.dialects.postgresql import Insert, distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import aliased

from domain.planning.intraday import LaterPrices, overlaid
from domain.planning.series import Basis, WeatherSeries, WholesalePrices
from domain.slots import SLOT
from ledger.models import PriceVersion, QuarantinedDocument, WeatherVersion

VERSIONS_KEPT = 128
"""In memory: a version never changes, and the shards of a plan all ask for the same ones."""


class LedgerSeries:
    """`domain.ports.SeriesStore` on PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._kept: dict[tuple[str, int], Any] = {}
        self._loading = asyncio.Lock()

    async def store_prices(self, series: WholesalePrices, at: datetime, *, by_person: bool = False) -> int:
        """Store a version of the prices; the same document keeps its number and is the newest again.

        Except where a person loaded or released what is the newest: a source that repeats itself leaves that.
        """
        (version,) = await self.store_all_prices([series], at, by_person=by_person)
        if series.basis is Basis.PUBLISHED:
            await self._carry_over(series, version, at)
        return version

    async def store_all_prices(
        self, all_series: Sequence[WholesalePrices], at: datetime, *, by_person: bool = False
    ) -> list[int]:
        """Store series, no two alike, in one query; their versions in the same order."""
        about = {"confirmed_at": at, "by_person": by_person}
        rows = [
            {"price_area": series.price_area} | about | _row(series, len(series.price_eur_per_mwh), at)
            for series in all_series
        ]
        return await self._store(PriceVersion, rows, _confirmed)

    async def store_later(self, later: LaterPrices, at: datetime) -> list[int]:
        """Lay intraday or imbalance prices over the newest prices of every day they touch; returns the new versions.

        LookupError where none of these days has prices.
        """
        table = PriceVersion
        touched = (table.price_area == later.price_area, table.starts_at < later.end, table.ends_at > later.start)
        query = select(table.version, table.series).where(*touched, _IS_PUBLISHED, _IS_AUCTION)
        newest = query.ext(distinct_on(table.starts_at)).order_by(table.starts_at, *_NEWEST_FIRST)
        async with self._engine.connect() as connection:
            found = [(row.version, row.series) for row in await connection.execute(newest)]
        if not found:
            sentence = f"no day-ahead prices of {later.price_area} are known for {later.start:%F %H:%M} UTC and after"
            raise LookupError(sentence)
        return [await self._lay_over(WholesalePrices.model_validate(of), number, later, at) for number, of in found]

    async def _carry_over(self, auction: WholesalePrices, version: int, at: datetime) -> None:
        """What the intraday market said of a day holds beside a corrected auction too."""
        table = PriceVersion
        of_day = (table.price_area == auction.price_area, table.starts_at == auction.start, ~_IS_AUCTION)
        async with self._engine.connect() as connection:
            laid_over = await connection.scalar(select(table.auction).where(*of_day).order_by(*_NEWEST_FIRST).limit(1))
        if laid_over not in (None, version):
            await self._lay_over(auction, version, None, at)

    async def _lay_over(self, auction: WholesalePrices, version: int, later: LaterPrices | None, at: datetime) -> int:
        table = PriceVersion
        of_day = (table.price_area == auction.price_area, table.starts_at == auction.start, ~_IS_AUCTION)
        async with self._engine.connect() as connection:
            before = await connection.scalar(select(table.series).where(*of_day).order_by(*_NEWEST_FIRST).limit(1))
        known = () if before is None else WholesalePrices.model_validate(before).later_eur_per_mwh
        series = overlaid(auction, known, later)
        row = {"price_area": series.price_area, "confirmed_at": at, "by_person": False, "auction": version}
        row |= _row(series, len(series.price_eur_per_mwh), at)
        (stored,) = await self._store(PriceVersion, [row], lambda again: {"confirmed_at": again.excluded.confirmed_at})
        return stored

    async def store_weather(self, series: WeatherSeries, at: datetime) -> int:
        """Store a version of the weather; the same content keeps its number."""
        (version,) = await self._store(
            WeatherVersion, [{"cell": series.cell} | _row(series, len(series.outdoor_c), at)], lambda _: {}
        )
        return version

    async def _store(
        self, table: Any, rows: Sequence[Mapping[str, Any]], again: Callable[[Insert], dict[str, Any]]
    ) -> list[int]:
        """`again` is what is updated of a row that is there already."""
        statement = insert(table).values(list(rows))
        # The digest is only set because a row that nothing was done to is not returned.
        touched = {"digest": statement.excluded.digest} | again(statement)
        kept = statement.on_conflict_do_update(index_elements=["digest"], set_=touched)
        async with self._engine.begin() as connection:
            found = await connection.execute(kept.returning(table.digest, table.version))
            versions = {row.digest: int(row.version) for row in found}
        return [versions[row["digest"]] for row in rows]

    async def prices(self, version: int) -> WholesalePrices:
        """A stored version."""
        found: WholesalePrices = await self._load(PriceVersion, WholesalePrices, version)
        return found

    async def weather(self, version: int) -> WeatherSeries:
        """A stored version."""
        found: WeatherSeries = await self._load(WeatherVersion, WeatherSeries, version)
        return found

    async def _load(self, table: Any, kind: Any, version: int) -> Any:
        key = (table.__tablename__, version)
        async with self._loading:
            if key not in self._kept:
                async with self._engine.connect() as connection:
                    found = await connection.scalar(select(table.series).where(table.version == version))
                if found is None:
                    raise LookupError(f"there is no version {version} in {table.__tablename__}")
                while len(self._kept) >= VERSIONS_KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[key] = kind.model_validate(found)
            return self._kept[key]

    async def newest_prices(self, price_area: str, start: datetime, end: datetime) -> int | None:
        """The newest published version that covers [start, end), with what intraday markets said since."""
        table = PriceVersion
        covers = (table.price_area == price_area, table.starts_at <= start, table.ends_at >= end, _IS_PUBLISHED)
        newest = select(table.version).order_by(*_NEWEST_FIRST).limit(1)
        async with self._engine.connect() as connection:
            auction = await connection.scalar(newest.where(*covers, _IS_AUCTION))
            if auction is None:
                return None
            return await connection.scalar(newest.where(table.auction == auction)) or auction

    async def newest_of_areas(
        self, price_areas: Sequence[str], start: datetime, end: datetime
    ) -> dict[str, tuple[int, WholesalePrices]]:
        """The newest published version of each area that covers [start, end), with its number, in one query."""
        table = PriceVersion
        covers = (table.price_area.in_(price_areas), table.starts_at <= start, table.ends_at >= end)
        query = (
            select(table.price_area, table.version, table.series)
            .where(*covers, *_PUBLISHED_AUCTION)
            .ext(distinct_on(table.price_area))
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(table.price_area, *_NEWEST_FIRST))
            return {row.price_area: (row.version, WholesalePrices.model_validate(row.series)) for row in rows}

    async def published_days(self, price_area: str, start: datetime, end: datetime) -> list[WholesalePrices]:
        """The newest published version of every day that begins in [start, end), oldest day first."""
        table = PriceVersion
        begins = (table.price_area == price_area, table.starts_at >= start, table.starts_at < end)
        query = select(table.series).where(*begins, *_PUBLISHED_AUCTION).ext(distinct_on(table.starts_at))
        async with self._engine.connect() as connection:
            rows = await connection.scalars(query.order_by(table.starts_at, *_NEWEST_FIRST))
            return [WholesalePrices.model_validate(series) for series in rows]

    async def newest_weather(self, cell: str, start: datetime, end: datetime) -> WeatherSeries | None:
        """The newest forecast of a cell that covers [start, end), or None."""
        table = WeatherVersion
        covers = (table.cell == cell, table.starts_at <= start, table.ends_at >= end)
        query = select(table.series).where(*covers).order_by(table.version.desc()).limit(1)
        async with self._engine.connect() as connection:
            found = await connection.scalar(query)
        return None if found is None else WeatherSeries.model_validate(found)

    async def quarantine(
        self, kind: str, origin: str, reason: str, at: datetime, series: WholesalePrices | None = None
    ) -> int | None:
        """Keep a document's verdict, once; the version it has where a person released it."""
        document = None if series is None else series.model_dump(mode="json")
        digest = _digest("\n".join((kind, origin, reason, "" if series is None else series.model_dump_json())))
        row = {"kind": kind, "origin": origin, "reason": reason, "digest": digest, "series": document}
        statement = insert(QuarantinedDocument).values(row | {"received_at": at})
        kept = statement.on_conflict_do_update(index_elements=["digest"], set_={"digest": statement.excluded.digest})
        async with self._engine.begin() as connection:
            return await connection.scalar(kept.returning(QuarantinedDocument.released_version))

    async def release(self, number: int, series: WholesalePrices, at: datetime) -> int:
        """Store what a person believes of a quarantined document as a version, and mark the document."""
        version = await self.store_prices(series, at, by_person=True)
        marked = update(QuarantinedDocument).where(QuarantinedDocument.id == number).values(released_version=version)
        async with self._engine.begin() as connection:
            await connection.execute(marked)
        return version


_IS_PUBLISHED: ColumnElement[bool] = PriceVersion.series["basis"].astext == Basis.PUBLISHED.value
_IS_AUCTION = PriceVersion.auction.is_(None)
_PUBLISHED_AUCTION = (_IS_PUBLISHED, _IS_AUCTION)
_NEWEST_FIRST = (PriceVersion.confirmed_at.desc(), PriceVersion.version.desc())


def _confirmed(repeated: Insert) -> dict[str, Any]:
    """What becomes of a version whose document comes again."""
    now = repeated.excluded
    other = aliased(PriceVersion)
    of_the_day = (other.price_area == now.price_area, other.starts_at == now.starts_at, other.auction.is_(None))
    newest_first = (other.confirmed_at.desc(), other.version.desc())
    newest_is_a_persons = select(other.by_person).where(*of_the_day).order_by(*newest_first).limit(1).scalar_subquery()
    counts = or_(now.by_person, not_(newest_is_a_persons))
    confirmed_at = func.greatest(PriceVersion.confirmed_at, now.confirmed_at)
    return {
        "confirmed_at": case((counts, confirmed_at), else_=PriceVersion.confirmed_at),
        "by_person": or_(PriceVersion.by_person, now.by_person),
    }


def _row(series: WholesalePrices | WeatherSeries, slots: int, at: datetime) -> dict[str, Any]:
    return {
        "starts_at": series.start,
        "ends_at": series.start + slots * SLOT,
        "digest": _digest(series.model_dump_json()),
        "series": series.model_dump(mode="json"),
        "stored_at": at,
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

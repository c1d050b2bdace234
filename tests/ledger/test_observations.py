"""Observations by day: a reading is stored once, and days are opened by many workers at once."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.models import ObservationRow
from ledger.observations import LedgerObservations
from tests.builders import MIDNIGHT, a_reading, at
from tests.ledger.builders import count

pytestmark = pytest.mark.servers


async def test_a_reading_is_stored_once_by_its_stamp(engine: AsyncEngine) -> None:
    log = LedgerObservations(engine)
    for seen in range(3):
        await log.store([("p-0001", a_reading(1.0, at(6)))], at(7, seen))
    await log.store([("p-0001", a_reading(2.0, at(6, 1))), ("p-0002", a_reading(3.0, at(6)))], at(8))
    await log.store([], at(9))
    assert await count(engine, ObservationRow) == 3


async def test_the_newest_reading_is_that_of_the_newest_stamp(engine: AsyncEngine) -> None:
    log = LedgerObservations(engine)
    await log.store([("p-0001", a_reading(2.0, at(30)))], at(31))
    await log.store([("p-0001", a_reading(1.0, at(6))), ("p-0002", a_reading(3.0, at(6)))], at(32))
    newest = await log.newest(["p-0001", "p-0002", "p-0003"])
    assert {pump: reading.setting for pump, reading in newest.items()} == {"p-0001": 2.0, "p-0002": 3.0}
    assert newest["p-0001"] == a_reading(2.0, at(30))
    assert await log.newest([]) == {}


async def test_workers_open_one_day_at_the_same_time(engine: AsyncEngine) -> None:
    workers = [LedgerObservations(engine) for _ in range(6)]
    await asyncio.gather(*(log.store([(f"p-{n:04d}", a_reading(1.0, at(6)))], at(7)) for n, log in enumerate(workers)))
    assert await count(engine, ObservationRow) == len(workers)
    assert await days_of(engine) == ["observations_20260115"]


async def test_one_worker_opens_one_day_in_many_activities_at_once(engine: AsyncEngine) -> None:
    log = LedgerObservations(engine)
    await asyncio.gather(*(log.store([(f"p-{n:04d}", a_reading(1.0, at(6)))], at(7)) for n in range(6)))
    assert await count(engine, ObservationRow) == 6


async def test_every_day_has_a_partition_of_its_own_by_utc(engine: AsyncEngine) -> None:
    log = LedgerObservations(engine)
    stamps = [MIDNIGHT - timedelta(microseconds=1), MIDNIGHT, at(23, 59), at(24)]
    await log.store([("p-0001", a_reading(1.0, stamp)) for stamp in stamps], at(25))
    assert await days_of(engine) == ["observations_20260114", "observations_20260115", "observations_20260116"]
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM observations_20260115")) == 2


async def days_of(engine: AsyncEngine) -> list[str]:
    query = text(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'observations'::regclass ORDER BY 1"
    )
    async with engine.connect() as connection:
        return list((await connection.scalars(query)).all())

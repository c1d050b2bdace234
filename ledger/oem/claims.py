"""Calls counted before they leave: one row for each counter, which all workers change one after the other.

Protects: a call is counted or refused in one statement, so that two workers never both take the last one.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.oem.spending import Claim, claim_among

AGAIN_AFTER = timedelta(seconds=1)

_CLAIM = text(
    """
    INSERT INTO oem_spending (counter, calls) VALUES (:counter, ARRAY[CAST(:at AS timestamptz)])
    ON CONFLICT (counter) DO UPDATE SET calls =
        ARRAY(SELECT call FROM unnest(oem_spending.calls) AS call WHERE call > :since) || CAST(:at AS timestamptz)
    WHERE (SELECT count(*) FROM unnest(oem_spending.calls) AS call WHERE call > :since) < :most
    RETURNING cardinality(calls)
    """
)
"""Who comes second waits for the row, and then judges what the first has made of it."""
_SPENT = text("SELECT calls FROM oem_spending WHERE counter = :counter")
_TAKE_BACK = text(
    """
    UPDATE oem_spending SET calls = calls[1 : array_position(calls, CAST(:at AS timestamptz)) - 1]
        || calls[array_position(calls, CAST(:at AS timestamptz)) + 1 : cardinality(calls)]
    WHERE counter = :counter AND CAST(:at AS timestamptz) = ANY(calls)
    """
)
_WITHIN = text(
    """
    SELECT counted.counter, (SELECT count(*) FROM unnest(counted.calls) AS call WHERE call > asked.since) AS spent
    FROM oem_spending AS counted
    JOIN unnest(CAST(:counters AS text[]), CAST(:since AS timestamptz[])) AS asked(counter, since) USING (counter)
    """
)


class LedgerClaims:
    """`domain.oem.spending.CallClaims` on PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._at_once = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def claim(self, counter: str, window: timedelta, most: int, at: datetime) -> Claim:
        """Count a call of this moment, unless `most` lie within the window that ends with it already."""
        given = {"counter": counter, "at": at, "since": at - window, "most": most}
        async with self._at_once.connect() as connection:
            if most > 0 and (within := await connection.scalar(_CLAIM, given)) is not None:
                return Claim(within=within)
            calls = await connection.scalar(_SPENT, {"counter": counter})
        found = claim_among(calls or (), window, most, at)
        # Between the two statements a call may have been taken back.
        return found if found.opens_at is not None else Claim(within=found.within - 1, opens_at=at + AGAIN_AFTER)

    async def within(self, since: Mapping[str, datetime]) -> Mapping[str, int]:
        """Calls, or lots of them, that were counted after a moment, by counter; absent where there never was one."""
        given = {"counters": list(since), "since": list(since.values())}
        async with self._at_once.connect() as connection:
            return {row.counter: row.spent for row in await connection.execute(_WITHIN, given)}

    async def take_back(self, counter: str, at: datetime) -> None:
        """A call that was counted at this moment cost nothing."""
        async with self._at_once.connect() as connection:
            await connection.execute(_TAKE_BACK, {"counter": counter, "at": at})

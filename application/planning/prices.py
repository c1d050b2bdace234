"""Loads a day's prices that a person has, beside those that are fetched.

Protects: a document that is refused is quarantined with the reason; the last good version stays in force.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Refused
from domain.planning.intraday import LaterPrices
from domain.planning.series import WholesalePrices
from domain.ports import DocumentRefused
from domain.slots import SLOT


@dataclass(frozen=True)
class LoadedPrices:
    """The version that was stored."""

    version: int
    slots: int
    start: datetime
    end: datetime


@dataclass(frozen=True)
class LaterLoaded:
    """What intraday or imbalance prices came to."""

    versions: Sequence[int]
    """One of each day that they touch."""
    slots: int
    start: datetime
    end: datetime


async def load_prices(
    access: Access, price_area: str, origin: str, read: Callable[[], WholesalePrices], by: Actor
) -> LoadedPrices:
    """Store what `read` returns as a version; raises Refused where it raises DocumentRefused.

    `origin`: where the document comes from, for the audit log.
    """

    async def do() -> LoadedPrices:
        try:
            series = read()
        except DocumentRefused as error:
            await access.ledger.series.quarantine("price", error.origin, str(error), access.now(), error.series)
            raise Refused(ErrorCode.DOCUMENT_REFUSED, str(error), origin=error.origin) from error
        version = await access.ledger.series.store_prices(series, access.now(), by_person=True)
        slots = len(series.price_eur_per_mwh)
        return LoadedPrices(version, slots, series.start, series.start + slots * SLOT)

    return await audited(access, "load-prices", price_area, by, {"file": origin}, do)


async def load_later(access: Access, origin: str, read: Callable[[], LaterPrices], by: Actor) -> LaterLoaded:
    """Lay what `read` returns over the prices of its days; plans are renewed where it is worth it.

    Raises Refused where it raises DocumentRefused, or where no prices of these days are known.
    """

    async def do() -> LaterLoaded:
        try:
            later = read()
        except DocumentRefused as error:
            await access.ledger.series.quarantine("intraday", error.origin, str(error), access.now())
            raise Refused(ErrorCode.DOCUMENT_REFUSED, str(error), origin=error.origin) from error
        try:
            versions = await access.ledger.series.store_later(later, access.now())
        except LookupError as error:
            sentence = f"{error.args[0]}: load or fetch them first"
            raise Refused(ErrorCode.DOCUMENT_REFUSED, sentence, origin=origin) from error
        known = sum(price is not None for price in later.price_eur_per_mwh)
        return LaterLoaded(versions, known, later.start, later.end)

    return await audited(access, "load-intraday-prices", origin, by, {"file": origin}, do)

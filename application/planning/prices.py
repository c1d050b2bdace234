"""Loads a day's prices that a person has, beside those that are fetched.

Protects: a document that is refused is quarantined with the reason; the last good version stays in force.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Refused
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

"""Price versions and quarantined documents: listed, shown, compared, and released by a person.

Protects: what judging suspected becomes a version only under a person's name, with the reason it was suspected for.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Failed, Refused
from domain.planning.series import WholesalePrices
from domain.ports import DocumentRefused, NotPublished
from domain.slots import SLOT

MATERIAL_EUR_PER_MWH = 0.01
"""What is published to the cent differs by a cent at least."""
QUARANTINED = "q"
"""Before the number of a quarantined document."""


@dataclass(frozen=True)
class VersionInList:
    """A version, or a quarantined document, as a list shows it."""

    name: str
    """The version's number, or `q` and the document's."""
    price_area: str | None
    """None, as the next five, for a document that can never be a series."""
    start: datetime | None
    source: str | None
    basis: str | None
    resolution_min: int | None
    currency: str | None
    published_at: datetime | None
    """As the document says; None where it does not."""
    raw_sha256: str | None
    stored_at: datetime
    verdicts: Sequence[str]
    released_as: int | None = None
    """The version that a person made of a quarantined document."""


@dataclass(frozen=True)
class VersionShown:
    """One version with its prices, or a quarantined document with what they would be."""

    name: str
    stored_at: datetime
    verdicts: Sequence[str]
    series: WholesalePrices


@dataclass(frozen=True)
class Difference:
    """A slot in which two versions differ."""

    start: datetime
    first_eur_per_mwh: float
    second_eur_per_mwh: float


@dataclass(frozen=True)
class Comparison:
    """Two versions on the slots that both have."""

    first: str
    second: str
    slots: int
    differences: Sequence[Difference]


async def list_versions(
    access: Access, price_area: str | None, start: datetime | None, end: datetime | None, limit: int
) -> list[VersionInList]:
    """The newest versions and quarantined price documents, of an area and touching [start, end) where given."""
    stored = [
        _listed(str(row["version"]), row["about"], row["stored_at"])
        for row in await access.ledger.price_queries.versions(price_area, start, end, limit)
    ]
    suspected = [
        _listed(f"{QUARANTINED}{row['id']}", row["about"], row["received_at"], row["reason"], row["released_version"])
        for row in await access.ledger.price_queries.quarantined(limit)
        if row["kind"] == "price"
    ]
    return [*(one for one in suspected if _touches(one, price_area, start, end)), *stored]


async def show_version(access: Access, name: str) -> VersionShown:
    """A version by its number, or a quarantined document as `q` and its number; Refused where there is none."""
    number = _number(name)
    if name.startswith(QUARANTINED):
        row = await access.ledger.price_queries.quarantined_document(number)
        if row is None or row["series"] is None:
            problem = "is not there" if row is None else f"holds no whole day: {row['reason']}"
            raise _unknown(name, f"document {name} {problem}")
        series = WholesalePrices.model_validate(row["series"])
        return VersionShown(name, row["received_at"], (row["reason"], *series.provenance.verdicts), series)
    found = await access.ledger.price_queries.version(number)
    if found is None:
        raise _unknown(name, f"there is no price version {name}")
    series = WholesalePrices.model_validate(found["series"])
    return VersionShown(name, found["stored_at"], series.provenance.verdicts, series)


async def compare_versions(access: Access, first: str, second: str) -> Comparison:
    """Two versions slot by slot; Refused where they are of different areas or have no slot in common."""
    a, b = (await show_version(access, first)).series, (await show_version(access, second)).series
    if a.price_area != b.price_area:
        raise _unknown(second, f"{first} is of {a.price_area} and {second} of {b.price_area}: name two of one area")
    prices = {b.start + n * SLOT: price for n, price in enumerate(b.price_eur_per_mwh)}
    both = [
        Difference(start, price, prices[start])
        for start, price in ((a.start + n * SLOT, price) for n, price in enumerate(a.price_eur_per_mwh))
        if start in prices
    ]
    if not both:
        raise _unknown(second, f"{first} and {second} have no slot in common")
    differ = [d for d in both if abs(d.first_eur_per_mwh - d.second_eur_per_mwh) >= MATERIAL_EUR_PER_MWH]
    return Comparison(first, second, len(both), differ)


async def release(access: Access, name: str, by: Actor) -> int:
    """Make a version of a quarantined document; returns its number. Refused for what holds no whole day."""
    if not name.startswith(QUARANTINED):
        raise _unknown(name, f"{name} is no quarantined document: `prices versions` shows them as q1, q2")
    suspected = await show_version(access, name)

    async def do() -> int:
        verdicts = (*suspected.verdicts, f"Released by {by.who}: {by.why}")
        provenance = suspected.series.provenance.model_copy(update={"verdicts": verdicts})
        series = suspected.series.model_copy(update={"provenance": provenance})
        return await access.ledger.series.release(_number(name), series, access.now())

    detail = {"document": name, "reason": suspected.verdicts[0]}
    return await audited(access, "release-prices", suspected.series.price_area, by, detail, do)


async def fetch(access: Access, price_area: str, ask: Callable[[], Awaitable[WholesalePrices]], by: Actor) -> int:
    """Store what `ask` gets as a version; a refused document is quarantined. Raises Refused or Failed."""

    async def do() -> int:
        try:
            series = await ask()
        except DocumentRefused as error:
            sentence, now = str(error), access.now()
            released = await access.ledger.series.quarantine("price", error.origin, sentence, now, error.series)
            if released is not None:
                return released
            raise Refused(ErrorCode.DOCUMENT_REFUSED, sentence, origin=error.origin) from error
        except NotPublished as error:
            raise Failed(ErrorCode.NOT_PUBLISHED, str(error), price_area=price_area) from error
        return await access.ledger.series.store_prices(series, access.now())

    return await audited(access, "fetch-prices", price_area, by, {}, do)


def _listed(
    name: str, about: dict[str, Any] | None, stored_at: datetime, reason: str | None = None, released: int | None = None
) -> VersionInList:
    known = about or {}
    provenance = known.get("provenance", {})
    reasons = () if reason is None else (reason,)
    return VersionInList(
        name=name,
        price_area=known.get("price_area"),
        start=_moment(known.get("start")),
        source=known.get("source"),
        basis=known.get("basis"),
        resolution_min=known.get("resolution_min"),
        currency=provenance.get("currency"),
        published_at=_moment(provenance.get("published_at")),
        raw_sha256=provenance.get("raw_sha256"),
        stored_at=stored_at,
        verdicts=(*reasons, *provenance.get("verdicts", ())),
        released_as=released,
    )


def _touches(one: VersionInList, price_area: str | None, start: datetime | None, end: datetime | None) -> bool:
    """Whether a quarantined document belongs on the list; one that holds no day is of no area."""
    if one.price_area is None or one.start is None:
        return price_area is None and start is None
    is_of_area = price_area in (None, one.price_area)
    return is_of_area and (start is None or end is None or start <= one.start < end)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _number(name: str) -> int:
    digits = name.removeprefix(QUARANTINED)
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise _unknown(
            name, f"{name} is no price version: give a number, or q and the number of a quarantined document"
        )
    return int(digits)


def _unknown(name: str, sentence: str) -> Refused:
    return Refused(ErrorCode.UNKNOWN_SCOPE, sentence, kind="price version", name=name, known=[])

"""Takes over whole-house meter readings as versions.

Protects: readings of a house that is not enrolled refuse the document, and the same document changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Refused
from domain.planning.house_load import MeterReadings


@dataclass(frozen=True)
class Taken:
    """What a document came to."""

    houses: int
    slots: int
    new: int
    """Stretches that were not there before."""


async def take_readings(access: Access, readings: Sequence[MeterReadings], by: Actor) -> Taken:
    """Store a document's stretches; Refused where a pump is not enrolled."""
    known = sorted(row["pump_id"] for row in await access.ledger.reports.pumps())
    for one in readings:
        if one.pump_id not in known:
            sentence = f"pump {one.pump_id} is not enrolled: take its readings out, or enrol it first"
            raise Refused(ErrorCode.UNKNOWN_SCOPE, sentence, kind="pump", name=one.pump_id, known=known)
    houses, slots = len({one.pump_id for one in readings}), sum(len(one.kwh) for one in readings)

    async def store() -> Taken:
        return Taken(houses, slots, await access.ledger.house_loads.store(readings, access.now()))

    return await audited(access, "take-meter", "fleet", by, {"houses": houses, "slots": slots}, store)

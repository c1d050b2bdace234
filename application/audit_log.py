"""The audit log: who did what and why, written by every use case that changes something, and read back.

Protects: an act is recorded before it is tried, so a refusal is a second line that refers to the first; whoever counts
acts counts those without such a line.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from application.access import Access
from application.errors import Unanswered, UseCaseError, invalid

COMFORT = "comfort"
"""The act of changing what room temperatures a household accepts."""
WAS = "was"
"""In its detail: what the household accepted before."""
REFUSED = ":refused"
"""Ends the act of a line that says: nothing was done."""
UNANSWERED = ":unanswered"
"""Ends the act of a line that says: nobody answered in time; it may have been done since."""
LONGEST_WHO = 80
LONGEST_WHY = 400


@dataclass(frozen=True)
class Actor:
    """Who acts, and why; each one printable line. Raises Refused where either is empty or too long."""

    who: str
    why: str

    def __post_init__(self) -> None:
        """Trim and check: no act is recorded that nobody signed."""
        for field, given, longest in (("who", self.who, LONGEST_WHO), ("why", self.why, LONGEST_WHY)):
            text = given.strip()
            if not text:
                raise invalid(field, "must not be empty: every change is recorded with who made it and why")
            if len(text) > longest or not text.isprintable():
                raise invalid(field, f"must be one printable line of at most {longest} characters")
            object.__setattr__(self, field, text)


async def audited[T](
    access: Access, act: str, subject: str, by: Actor, detail: Mapping[str, Any], do: Callable[[], Awaitable[T]]
) -> T:
    """Record an act, then do it. An unsigned act would be worse than a signed one that was refused."""
    ref = uuid.uuid4().hex[:12]

    async def record(act: str, detail: Mapping[str, Any]) -> None:
        await access.ledger.reports.audit(access.now(), by.who, by.why, act, subject, {**detail, "ref": ref})

    await record(act, detail)
    try:
        return await do()
    except (Unanswered, asyncio.CancelledError):
        await record(f"{act}{UNANSWERED}", {})
        raise
    except UseCaseError as error:
        await record(f"{act}{REFUSED}", {"because": str(error)})
        raise


def acts_done(log: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The acts that were not refused, in the order of the log, each `detail` as it was given.

    An unanswered act counts, since it is waiting for a worker; its `answered` is False.
    """
    refused = _refs(log, REFUSED)
    unanswered = _refs(log, UNANSWERED)
    done = []
    for row in log:
        if row["act"].endswith((REFUSED, UNANSWERED)):
            continue
        detail = dict(row["detail"])
        ref = detail.pop("ref", None)
        if ref is None or ref not in refused:
            done.append({**row, "detail": detail, "answered": ref not in unanswered})
    return done


def _refs(log: Sequence[Mapping[str, Any]], ending: str) -> set[str]:
    return {row["detail"]["ref"] for row in log if row["act"].endswith(ending) and "ref" in row["detail"]}

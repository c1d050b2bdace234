"""What every value of the domain is: frozen, strict about unknown fields, with aware UTC instants.

Protects: a value that crosses Temporal, the ledger or the wire means the same on both sides.
"""

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict


def _to_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An aware datetime, carried as UTC."""


def printable(text: str) -> str:
    """A text as every screen and the ledger can hold it: no NUL, no half of a character, no cursor moved."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


@lru_cache(maxsize=4096)
def own_share(of: str) -> float:
    """A share in [0, 1) that is fixed by a name and even over many: what comes for all at once is spread by it."""
    return int.from_bytes(hashlib.sha256(of.encode()).digest()[:4], "big") / 2**32


class Value(BaseModel):
    """A frozen value object."""

    model_config = ConfigDict(frozen=True, extra="forbid")

"""Call quotas: how many calls a vendor grants in which window, and the pace that leaves each account.

Protects: a quota is never read without its window, so that 200 calls a day are never taken for 200 a minute.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from math import ceil
from typing import Annotated

from pydantic import Field

from domain.base import Value

MINUTE = timedelta(minutes=1)
RESERVE_SHARE = 0.2
"""Part of a window that routine calls leave to urgent ones: enough to revert pumps while a sweep is under way."""
RESERVE_LEAST = 2
"""A read and a write: with less an urgent command cannot be carried out."""
_COUNTED_ONE_BY_ONE = 2000
"""A greater grant is counted in lots, so that counting a call costs the same whatever is granted."""


class QuotaScope(StrEnum):
    """Whose calls a quota counts together."""

    CLIENT = "client"
    """All calls of our registration at the vendor, whatever the account."""
    ACCOUNT = "account"
    ENDPOINT = "endpoint"
    """Each account's calls of one endpoint."""


class Quota(Value):
    """So many calls in any window of this length (steered)."""

    calls: Annotated[int, Field(ge=1)]
    window: Annotated[timedelta, Field(gt=timedelta())]
    scope: QuotaScope = QuotaScope.ACCOUNT
    slides: bool = False
    """Counted in the window that ends now, refused calls included: asking again only makes the wait longer."""

    @property
    def per_min(self) -> float:
        """Calls a minute on average."""
        return self.calls * (MINUTE / self.window)

    def most_in(self, span: timedelta) -> int:
        """The most calls in a span: a day's calls are there for its first hour too."""
        return self.calls * ceil(span / self.window)

    @property
    def lot(self) -> int:
        """Calls that are counted together."""
        return ceil(self.calls / _COUNTED_ONE_BY_ONE)

    def counter(self, oem: str, client_id: str, account_id: str, endpoint: str = "") -> str:
        """By what name calls are counted that the vendor counts together; without an endpoint, as if it had none."""
        match self.scope:
            case QuotaScope.CLIENT:
                whose = f"client {client_id}"
            case QuotaScope.ACCOUNT:
                whose = account_id
            case QuotaScope.ENDPOINT:
                whose = f"{account_id} {endpoint}"
        return f"{oem} {self.window.total_seconds():g} {whose}"

    def __str__(self) -> str:
        return f"{self.calls} in {self.window} per {self.scope.value}"


def reserve_of(calls: int) -> int:
    """The calls of a window that routine calls leave to urgent ones."""
    return max(RESERVE_LEAST, ceil(calls * RESERVE_SHARE))


def in_force(declared: Sequence[Quota], named: Iterable[Quota]) -> tuple[Quota, ...]:
    """The declared quotas, each with the number of calls that the vendor last named for its window.

    A window that was not declared counts as well; the scope is always the declared one, for answers do not name it.
    """
    known = {quota.window: quota for quota in (*named, *declared)}
    calls = {quota.window: quota.calls for quota in (*declared, *named)}
    return tuple(known[window].model_copy(update={"calls": number}) for window, number in sorted(calls.items()))


def bursts_per_min(declared: Mapping[str, Sequence[Quota]], named: Mapping[str, Sequence[Quota]]) -> dict[str, float]:
    """Calls a minute that each account of one vendor may make for a while, by account id; as `paces_per_min`.

    The shortest window says how fast; a longer one, such as a day's, is spent in bursts, and each call is checked
    against what is left of it.
    """
    return {
        account_id: shortest.per_min / (len(declared) if shortest.scope is QuotaScope.CLIENT else 1)
        for account_id, known in declared.items()
        if (quotas := in_force(known, named.get(account_id, ()))) and (shortest := quotas[0])
    }


def paces_per_min(declared: Mapping[str, Sequence[Quota]], named: Mapping[str, Sequence[Quota]]) -> dict[str, float]:
    """Calls a minute that each account of one vendor may make on average, by account id.

    `declared`: the quotas of every account that is in use; `named`: those that answers named. The tightest counts, and
    what is granted to the client is shared by its accounts. An account without any quota is missing.
    """
    return {
        account_id: min(q.per_min / (len(declared) if q.scope is QuotaScope.CLIENT else 1) for q in quotas)
        for account_id, known in declared.items()
        if (quotas := in_force(known, named.get(account_id, ())))
    }

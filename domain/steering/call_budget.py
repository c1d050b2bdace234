"""How many changes a pump's plan may hold, by what its vendor's grant leaves to commands until the plan's end.

Protects: no plan asks for more changes than the calls carry that the sweep and the reserve for urgent calls leave.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from domain.base import Value
from domain.oem.carrying import CALLS_OF_A_CHANGE
from domain.oem.quota import Quota, reserve_of
from domain.steering.sweep_policy import PASS, SHARE


class QuotaStanding(Value):
    """One quota that a pump's calls are counted in, as it stands for a plan."""

    quota: Quota
    spent: Annotated[int, Field(ge=0)]
    """Calls that were made already and lie within the window that ends with the plan."""
    pumps: Annotated[int, Field(ge=1)]
    """Steered pumps that share it."""
    observations: Annotated[int, Field(ge=1)]
    """That read all of them once: one for each pump, or for each account where an answer tells of a whole account."""


class AccountStanding(Value):
    """What the pumps of one account may still call."""

    observe_calls: float
    """That one observation costs."""
    quotas: tuple[QuotaStanding, ...]


def changes_carried(account: AccountStanding, lasts: timedelta) -> int | None:
    """Changes that each pump of an account may make in a plan of this length; None where no quota is known."""
    carried = [_carried(one, account.observe_calls, lasts) for one in account.quotas]
    return min(carried, default=None)


def _carried(standing: QuotaStanding, observe_calls: float, lasts: timedelta) -> int:
    quota = standing.quota
    windows = max(lasts / quota.window, 1.0)
    routine = (quota.calls - reserve_of(quota.calls)) * windows - standing.spent
    sweep = min(lasts / PASS * observe_calls * standing.observations, SHARE * quota.calls * windows)
    return max(0, int((routine - sweep) / (CALLS_OF_A_CHANGE * standing.pumps)))


def shared_out(changes: int | None, most_of_heating: int, most_of_tank: int) -> tuple[int, bool]:
    """How many of a pump's changes are for heating, and whether its tank may be moved with what is left."""
    if changes is None:
        return most_of_heating, True
    heating = min(changes, most_of_heating)
    return heating, changes - heating >= most_of_tank

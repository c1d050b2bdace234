"""How many pumps a vendor's grant of calls can carry.

Protects: a fleet that its grant cannot carry is refused at enrolment, with the number that it can, instead of being
steered blind.
"""

from collections.abc import Sequence
from datetime import timedelta

from domain.oem.quota import Quota, QuotaScope, reserve_of

LOOKS_A_DAY = 24
"""Observations of a pump in a day without which drift would go unnoticed for longer than an hour."""
CALLS_OF_A_CHANGE = 3
"""Written once, and read twice until it is seen to hold."""
CALLS_OF_COMMANDS = 8 * CALLS_OF_A_CHANGE
"""Of a day."""
DAY = timedelta(days=1)


def calls_a_day(observe_calls: float) -> float:
    """Calls that steering one pump for a day takes at least; `observe_calls` is what one observation costs."""
    return LOOKS_A_DAY * observe_calls + CALLS_OF_COMMANDS


def pumps_carried(quotas: Sequence[Quota], observe_calls: float, *, reads_accounts: bool = False) -> int | None:
    """How many pumps the quotas carry together, with the reserve for urgent calls left alone; None without a quota.

    A quota of the client is for all its accounts, any other for one account's pumps: whoever asks counts accordingly.
    `reads_accounts`: one observation is of all pumps of the one account that is asked for, so that they share its cost.
    """
    shared, need = 0.0, calls_a_day(observe_calls)
    if reads_accounts:
        shared, need = LOOKS_A_DAY * observe_calls, CALLS_OF_COMMANDS
    granted = [(quota.calls - reserve_of(quota.calls)) * (DAY / quota.window) for quota in quotas]
    return max(0, int((min(granted) - shared) / need)) if granted else None


def pumps_with_room(
    quotas: Sequence[Quota], observe_calls: float, of_account: int, of_client: int, *, reads_accounts: bool = False
) -> tuple[int | None, QuotaScope]:
    """How many more pumps one account carries, and whose quota says so; None where no quota is known.

    `of_account`: pumps that are steered through it already; `of_client`: through all accounts of the same client.
    `reads_accounts`: one observation is of all pumps of an account; how many accounts a client's pumps are spread over
    is not asked, so that its quota is reckoned as if each had one of its own.
    """
    room: list[tuple[int, QuotaScope]] = []
    for quota in quotas:
        is_of_client = quota.scope is QuotaScope.CLIENT
        carried = pumps_carried((quota,), observe_calls, reads_accounts=reads_accounts and not is_of_client)
        assert carried is not None
        taken = of_client if is_of_client else of_account
        room.append((max(0, carried - taken), quota.scope))
    return min(room, default=(None, QuotaScope.ACCOUNT), key=lambda one: one[0] if one[0] is not None else 0)

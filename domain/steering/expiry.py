"""Settings that expire by themselves: when one is renewed, when it may lapse, and that a lapse is no drift.

Protects: a target on such a lever holds for as long as it is wanted; the household's own setting that comes back at the
end of ours is never taken for somebody's doing.
"""

from datetime import datetime, timedelta

from domain.modes import Circuit, Level, neutral_of
from domain.steering.pump_state import CircuitState

RENEWED_AHEAD = timedelta(minutes=30)
"""Time for a renewal to be written and seen before the setting expires."""
RENEWED_AHEAD_SHARE = 0.25
"""Of a short life, at most; or it would be renewed all the time."""
LAPSES_SOON = timedelta(minutes=10)
"""What expires so soon is not reverted by a plan: the write would not be seen much earlier."""
LAPSE_SEEN_AFTER = timedelta(minutes=5)
"""After the expiry a read shows the household's own setting."""


def lapses_at(circuit: Circuit, had: CircuitState) -> datetime | None:
    """When the setting that the circuit is in expires; None where it stays, is the household's own, or is not known.

    No earlier than that: the vendor counts from when it took the write, which is after it was sent.
    """
    if had.lever.spec.expires_after is None or had.settled in (None, neutral_of(circuit)):
        return None
    if had.written is None or had.written.level is not had.settled:
        return None
    return had.written.at + had.lever.spec.expires_after


def renewed_at(circuit: Circuit, had: CircuitState, now: datetime) -> datetime | None:
    """When the setting has to be written again to go on; at once where nobody knows when it was written."""
    if had.lever.spec.expires_after is None or had.settled in (None, neutral_of(circuit)):
        return None
    end = lapses_at(circuit, had)
    if end is None:
        return now
    return end - min(RENEWED_AHEAD, had.lever.spec.expires_after * RENEWED_AHEAD_SHARE)


def lapses_soon(circuit: Circuit, had: CircuitState, now: datetime) -> datetime | None:
    """Until when to wait for the expiry instead of reverting; None where a revert is due."""
    end = lapses_at(circuit, had)
    if end is None or end - now > LAPSES_SOON or now >= end + LAPSE_SEEN_AFTER:
        return None
    return end + LAPSE_SEEN_AFTER


def has_lapsed(circuit: Circuit, had: CircuitState, seen: Level | None, as_of: datetime) -> bool:
    """Whether the household's own setting, seen where ours was, is the end of ours."""
    end = lapses_at(circuit, had)
    return end is not None and seen is neutral_of(circuit) and as_of >= end

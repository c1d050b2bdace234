"""What the workflows that many pumps share cost each of them."""

from datetime import timedelta

from workflows.contracts import GUARD_BEATS, GUARD_WATCH, Patience

SHARD_PUMPS = 1000
"""Pumps that share one vendor's sweep and guard in the share stated here."""
LONGEST_THROTTLE_S = 60.0
THROTTLE_SHARE = 0.8
"""The SDK sends a heartbeat to the server after this share of its timeout, and at least once a minute."""
DAY = timedelta(days=1)


def share_a_day(patience: Patience | None = None) -> dict[str, float]:
    """Actions a pump-day that a vendor's sweep and guard cost, spread over `SHARD_PUMPS`.

    Both live in long activities that heartbeat: 24 sweeps of an hour, some watches with the rate set before each, and
    the heartbeats that the SDK lets through to the server.
    """
    patience = patience or Patience()
    watches = DAY / GUARD_WATCH
    sweep = 24 + 1 + _beats_a_day(patience.heartbeat_s)
    guard = 2 * watches + _beats_a_day(patience.heartbeat_s * GUARD_BEATS)
    return {"sweep": sweep / SHARD_PUMPS, "guard": guard / SHARD_PUMPS}


def _beats_a_day(timeout_s: float) -> float:
    return DAY.total_seconds() / min(THROTTLE_SHARE * timeout_s, LONGEST_THROTTLE_S)

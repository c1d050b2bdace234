"""The time column of an Open-Meteo block, as UTC seconds: unix seconds, ISO times with an offset, or naive local times.

Protects: a naive local time has one reading or is refused; a day of clock change neither loses nor repeats an hour.

Naive times can be meant in two ways. Open-Meteo itself keeps the one offset it had when it was asked
(`utc_offset_seconds`) and counts on evenly, so that a spring day holds an hour that no clock shows. Other programs
write what the clock shows: an hour is left out in spring and occurs twice in autumn. Where the clocks change within a
document, only one of the two readings is evenly spaced, and that one is taken.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from market.documents import Document, clip, kind_of
from market.errors import refused
from market.judging.time_axis import EARLIEST_S, LATEST_S, unix_instants

ASK_FOR_UTC = "ask for it with timezone=UTC&timeformat=unixtime"


def instants_of(values: Sequence[object], document: Document, name: str, origin: str) -> list[int]:
    """UTC seconds of a time column; raises `BadDocument`."""
    if not values or not isinstance(values[0], str):
        return unix_instants(values, name, origin)
    moments: list[datetime] = []
    for row, value in enumerate(values, start=1):
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.microsecond or not EARLIEST_S <= moment.replace(tzinfo=UTC).timestamp() < LATEST_S:
            raise refused(
                origin, f'holds {kind_of(value)} in row {row} of "{name}"', "times like 2026-03-03T14:00 are needed"
            )
        moments.append(moment)
    aware = [moment.tzinfo is not None for moment in moments]
    if all(aware):
        return [int(moment.timestamp()) for moment in moments]
    if any(aware):
        raise refused(origin, f'mixes times with and without an offset in "{name}"', ASK_FOR_UTC)
    return _read_naive(moments, _zone_of(document, origin), document.get("utc_offset_seconds"), origin)


def _zone_of(document: Document, origin: str) -> ZoneInfo:
    name = document.get("timezone")
    if name is None:
        raise refused(origin, 'holds local times and does not say of which zone ("timezone")', ASK_FOR_UTC)
    try:
        if isinstance(name, str):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    shown = repr(clip(name)) if isinstance(name, str) else kind_of(name)
    raise refused(origin, f"holds local times of a zone that is not known, {shown}", ASK_FOR_UTC)


def _read_naive(moments: Sequence[datetime], zone: ZoneInfo, declared: object, origin: str) -> list[int]:
    offsets_s = {_offset_s(moment, zone, fold) for moment in moments for fold in (0, 1)}
    if isinstance(declared, int) and not isinstance(declared, bool) and declared not in offsets_s:
        raise refused(
            origin,
            f"says its local times are {declared} s ahead of UTC, which {zone.key} is not on these days",
            ASK_FOR_UTC,
        )
    by_clock = [_by_clock(moment, zone) for moment in moments]
    if len(offsets_s) == 1:
        return [candidates[0] for candidates in by_clock]
    shown_by_clock = _ascending(by_clock)
    if shown_by_clock is not None and _is_even(shown_by_clock):
        return shown_by_clock
    if isinstance(declared, int) and not isinstance(declared, bool):
        counted_on = [int((m - timedelta(seconds=declared)).replace(tzinfo=UTC).timestamp()) for m in moments]
        if _is_even(counted_on):
            return counted_on
    if shown_by_clock is None:
        skipped = next(m for m, candidates in zip(moments, by_clock, strict=True) if not candidates)
        raise refused(origin, f"holds {skipped:%Y-%m-%d %H:%M}, a time that {zone.key} skips", ASK_FOR_UTC)
    return shown_by_clock


def _offset_s(moment: datetime, zone: ZoneInfo, fold: int) -> int:
    offset = moment.replace(tzinfo=zone, fold=fold).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _by_clock(moment: datetime, zone: ZoneInfo) -> list[int]:
    """When a clock in the zone shows this time: once, twice in autumn, never for the hour skipped in spring."""
    found = {int(moment.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1)}
    return sorted(s for s in found if datetime.fromtimestamp(s, tz=zone).replace(tzinfo=None, fold=0) == moment)


def _ascending(by_clock: Sequence[Sequence[int]]) -> list[int] | None:
    """The earliest ascending instants: of two equal times the second is the later. None with a skipped time."""
    instants: list[int] = []
    for candidates in by_clock:
        if not candidates:
            return None
        later = [s for s in candidates if not instants or s > instants[-1]]
        instants.append(later[0] if later else candidates[-1])
    return instants


def _is_even(instants: Sequence[int]) -> bool:
    return len({after - before for before, after in pairwise(instants)}) <= 1

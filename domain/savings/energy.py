"""Energy of a pump by slot, from the best evidence there is; the class of evidence travels with every number.

Protects: what was not measured is never passed off as measured, and what cannot be true (a counter that runs back, a
pump that draws more than it can, a stamp of tomorrow, a day that came twice) is excluded, with its reason, and counted.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from domain.base import Instant, Value
from domain.homes.enrolment import Enrolment
from domain.slots import SLOT, SLOT_HOURS

BACKUP_KW = 9.0
"""The largest immersion heater in use: on top of a compressor that draws less than it heats."""
EVEN_SPREAD = timedelta(hours=1)
"""A counter read at least so often says in which slot energy was used; a wider gap knows the sum only."""
POWER_HOLDS = timedelta(minutes=30)
"""A sample of power speaks for so long at most."""
LEAST_COVERED = 2 / 3
"""Share of a slot that samples of power must speak for."""
CLOCK_SLACK = timedelta(minutes=5)
"""A meter's clock may be so far ahead."""
COPY_LEAST_KWH = 1.0
"""Two days that agree to the watt-hour are a copy only where something ran; idle days are alike."""
_WH = 0.001


class Evidence(StrEnum):
    """What a slot's energy rests on, best first."""

    METER = "meter"
    """A counter read before and after, at most an hour apart."""
    COUNTER = "counter"
    """The same of the unit's own counter, as its vendor shows it."""
    POWER = "power"
    """Samples of the electrical power that the vendor shows."""
    TOTAL = "total"
    """A total over more than an hour (the vendor's day, a gap of the counter), spread by the modes that held."""
    MODEL = "model"
    """Nothing was measured: what such a house draws in that weather and mode."""


class Flag(StrEnum):
    """Why something that was reported is not believed."""

    NOT_A_NUMBER = "not-a-number"
    NEGATIVE = "negative"
    RESET = "reset"
    """A counter that stands lower than before: what was used meanwhile is unknown."""
    TOO_HIGH = "too-high"
    """More than the pump and its heater can draw."""
    FUTURE = "future"
    DUPLICATE = "duplicate"
    """The same moment or day again; of two values the one received last counts."""
    COPY = "copy"
    """A day's course that repeats the day before it to the watt-hour."""
    CONTRADICTED = "contradicted"
    """A total smaller than what was measured within it."""


class CounterReading(Value):
    """What a lifetime counter of electrical energy showed."""

    at: Instant
    kwh: float


class Total(Value):
    """Electrical energy of a span of time, as a vendor sums it up."""

    start: Instant
    end: Instant
    kwh: float


class PowerSample(Value):
    """Electrical power at a moment."""

    at: Instant
    watt: float


class Excluded(Value):
    """Something reported that is not believed."""

    flag: Flag
    source: Evidence
    at: Instant
    value: float | None
    """As reported, in kWh or W; None where it was no number."""


class Reported(Value):
    """All that was reported of one pump's energy, in the order in which it was received."""

    counters: tuple[CounterReading, ...] = ()
    """Of the pump's meter."""
    own_counters: tuple[CounterReading, ...] = ()
    """Of the unit itself. Two counters that stand at different figures are never one series."""
    totals: tuple[Total, ...] = ()
    own_totals: tuple[Total, ...] = ()
    """As the unit's vendor sums up; where there is another of the same span, that one counts."""
    power: tuple[PowerSample, ...] = ()


class EnergyCourse(Value):
    """A pump's energy on contiguous slots, with what each number rests on."""

    start: Instant
    kwh: tuple[float, ...]
    evidence: tuple[Evidence, ...]
    excluded: tuple[Excluded, ...] = ()

    @property
    def modelled_share(self) -> float:
        """Share of the slots of which nothing was measured."""
        return self.evidence.count(Evidence.MODEL) / max(1, len(self.evidence))


def most_kw(enrolment: Enrolment) -> float:
    """The most a pump can draw: never more than it heats, and its heater."""
    return enrolment.rated_heat_kw + BACKUP_KW


def energy_course(
    slots: Sequence[datetime], reported: Reported, model_kwh: Sequence[float], limit_kw: float, now: datetime
) -> EnergyCourse:
    """Energy by slot. `model_kwh` is what the house would draw in the modes that held, per slot; `limit_kw` `most_kw`.

    Counters may reach over both ends of the slots: give those just before and after as well, and those of the day
    before, so that a copied day is seen.
    """
    excluded: list[Excluded] = []
    index = {slot: n for n, slot in enumerate(slots)}
    kwh: dict[int, float] = {}
    evidence: dict[int, Evidence] = {}
    rises: list[Total] = []
    for source, readings in ((Evidence.METER, reported.counters), (Evidence.COUNTER, reported.own_counters)):
        counters = _ordered(readings, source, now, excluded)
        found = _not_copied(_rises(counters, source, limit_kw, excluded), source, slots, excluded)
        for n, share in _metered(found, index):
            if n not in kwh:
                kwh[n], evidence[n] = share, source
        rises += found
    for n, share in _by_power(slots, _samples(reported.power, limit_kw, now, excluded)):
        if n not in kwh:
            kwh[n], evidence[n] = share, Evidence.POWER
    summed = (*reported.own_totals, *reported.totals)
    totals = [*_totals(summed, limit_kw, now, excluded), *(r for r in rises if r.end - r.start > EVEN_SPREAD)]
    for total in totals:
        _spread(total, index, model_kwh, kwh, evidence, excluded)
    for n in range(len(slots)):
        if n not in kwh:
            kwh[n], evidence[n] = model_kwh[n], Evidence.MODEL
    order = range(len(slots))
    return EnergyCourse(
        start=slots[0],
        kwh=tuple(round(kwh[n], 5) for n in order),
        evidence=tuple(evidence[n] for n in order),
        excluded=tuple(excluded),
    )


def _problem(value: float, at: datetime, now: datetime) -> Flag | None:
    if not math.isfinite(value):
        return Flag.NOT_A_NUMBER
    if value < 0:
        return Flag.NEGATIVE
    return Flag.FUTURE if at > now + CLOCK_SLACK else None


def _exclude(flag: Flag, source: Evidence, at: datetime, value: float, excluded: list[Excluded]) -> None:
    excluded.append(Excluded(flag=flag, source=source, at=at, value=value if math.isfinite(value) else None))


def _ordered(
    counters: Iterable[CounterReading], source: Evidence, now: datetime, excluded: list[Excluded]
) -> list[CounterReading]:
    kept: dict[datetime, CounterReading] = {}
    for reading in counters:
        problem = _problem(reading.kwh, reading.at, now)
        if problem is not None:
            _exclude(problem, source, reading.at, reading.kwh, excluded)
            continue
        if reading.at in kept:
            _exclude(Flag.DUPLICATE, source, reading.at, kept[reading.at].kwh, excluded)
        kept[reading.at] = reading
    return [kept[at] for at in sorted(kept)]


def _rises(
    counters: Sequence[CounterReading], source: Evidence, limit_kw: float, excluded: list[Excluded]
) -> list[Total]:
    rises = []
    for before, after in pairwise(counters):
        hours = (after.at - before.at) / timedelta(hours=1)
        used = after.kwh - before.kwh
        if used < 0:
            _exclude(Flag.RESET, source, after.at, after.kwh, excluded)
        elif used > limit_kw * hours:
            _exclude(Flag.TOO_HIGH, source, after.at, used, excluded)
        else:
            rises.append(Total(start=before.at, end=after.at, kwh=used))
    return rises


def _not_copied(
    rises: Sequence[Total], source: Evidence, slots: Sequence[datetime], excluded: list[Excluded]
) -> list[Total]:
    """Without the day's rises where they all repeat those of the day before."""
    start, end = slots[0], slots[-1] + SLOT
    today = [rise for rise in rises if rise.start >= start and rise.end <= end]
    earlier = {(rise.start + timedelta(days=1), rise.end + timedelta(days=1)): rise.kwh for rise in rises}
    repeats = [abs(earlier.get((rise.start, rise.end), -1.0) - rise.kwh) < _WH / 2 for rise in today]
    if len(today) < 4 or not all(repeats) or sum(rise.kwh for rise in today) < COPY_LEAST_KWH:
        return list(rises)
    for rise in today:
        _exclude(Flag.COPY, source, rise.start, rise.kwh, excluded)
    return [rise for rise in rises if rise not in today]


def _metered(rises: Iterable[Total], index: Mapping[datetime, int]) -> Iterator[tuple[int, float]]:
    """Slots that counters read often enough cover from end to end."""
    sums: dict[int, float] = {}
    covered: dict[int, float] = {}
    for rise in rises:
        if rise.end - rise.start > EVEN_SPREAD:
            continue
        for n, share in _shares(rise.start, rise.end, index):
            sums[n] = sums.get(n, 0.0) + rise.kwh * share * (SLOT / (rise.end - rise.start))
            covered[n] = covered.get(n, 0.0) + share
    return ((n, kwh) for n, kwh in sums.items() if covered[n] > 1 - 1e-6)


def _shares(start: datetime, end: datetime, index: Mapping[datetime, int]) -> Iterator[tuple[int, float]]:
    """Every slot that [start, end) touches, with the share of the slot that it covers."""
    for slot, n in index.items():
        covered = min(end, slot + SLOT) - max(start, slot)
        if covered > timedelta():
            yield n, covered / SLOT


def _samples(
    power: Iterable[PowerSample], limit_kw: float, now: datetime, excluded: list[Excluded]
) -> list[PowerSample]:
    kept: dict[datetime, PowerSample] = {}
    for sample in power:
        problem = _problem(sample.watt, sample.at, now)
        if problem is None and sample.watt > 1000 * limit_kw:
            problem = Flag.TOO_HIGH
        if problem is not None:
            _exclude(problem, Evidence.POWER, sample.at, sample.watt, excluded)
        else:
            kept[sample.at] = sample
    return [kept[at] for at in sorted(kept)]


def _by_power(slots: Sequence[datetime], samples: Sequence[PowerSample]) -> Iterator[tuple[int, float]]:
    """Each sample holds until the next one, for `POWER_HOLDS` at most."""
    ends = [later.at for later in samples[1:]] + [samples[-1].at + POWER_HOLDS] if samples else []
    for n, slot in enumerate(slots):
        covered = timedelta()
        watt_time = 0.0
        for sample, end in zip(samples, ends, strict=True):
            part = min(end, sample.at + POWER_HOLDS, slot + SLOT) - max(sample.at, slot)
            if part > timedelta():
                covered += part
                watt_time += sample.watt * (part / SLOT)
        if covered / SLOT >= LEAST_COVERED:
            yield n, watt_time / (covered / SLOT) / 1000 * SLOT_HOURS


def _totals(totals: Iterable[Total], limit_kw: float, now: datetime, excluded: list[Excluded]) -> list[Total]:
    kept: dict[tuple[datetime, datetime], Total] = {}
    for total in totals:
        problem = _problem(total.kwh, total.end, now)
        if problem is None and total.kwh > limit_kw * ((total.end - total.start) / timedelta(hours=1)):
            problem = Flag.TOO_HIGH
        span = (total.start, total.end)
        if problem is None and span in kept:
            _exclude(Flag.DUPLICATE, Evidence.TOTAL, total.start, kept[span].kwh, excluded)
        if problem is not None:
            _exclude(problem, Evidence.TOTAL, total.start, total.kwh, excluded)
        else:
            kept[span] = total
    return list(kept.values())


def _spread(
    total: Total,
    index: Mapping[datetime, int],
    model_kwh: Sequence[float],
    kwh: dict[int, float],
    evidence: dict[int, Evidence],
    excluded: list[Excluded],
) -> None:
    """Give what a total leaves to its slots without a number, by what the model expects of each."""
    inside = list(_shares(total.start, total.end, index))
    left = total.kwh - sum(kwh[n] * share for n, share in inside if n in kwh)
    empty = [(n, share) for n, share in inside if n not in kwh and share > LEAST_COVERED]
    if left < -max(_WH, 0.02 * total.kwh):
        _exclude(Flag.CONTRADICTED, Evidence.TOTAL, total.start, total.kwh, excluded)
        return
    outside_h = (total.end - total.start) / timedelta(hours=1) - sum(share for _, share in inside) * SLOT_HOURS
    if outside_h > SLOT_HOURS:
        return  # a total of more than these slots says nothing of them alone
    weight = sum(max(model_kwh[n], _WH) * share for n, share in empty)
    for n, share in empty:
        kwh[n], evidence[n] = max(0.0, left) * max(model_kwh[n], _WH) * share / weight, Evidence.TOTAL

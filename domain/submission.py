"""A plan that another optimiser made: one price area's market day, pump by pump, as a file gives it.

Protects: the same plan is the same submission however its file is laid out; a file that cannot be read is refused with
the place and the way out before anything is asked of a pump, a market or the ledger.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from domain.base import Value
from domain.modes import Mode
from domain.planning.price_plan import ModeSegment, segments_from_modes
from domain.slots import SLOT, bounds_of

_SEGMENTS = TypeAdapter(tuple[ModeSegment, ...])
_MODES = TypeAdapter(tuple[Mode, ...])


class _Document(Value):
    """The file."""

    price_area: str
    day: date
    planned_by: Annotated[str, Field(max_length=80)] = ""
    pumps: Annotated[dict[str, list[Any]], Field(min_length=1)]


class SubmittedPlan(Value):
    """What every pump of it is to do."""

    price_area: str
    day: date
    planned_by: str
    """Who or what made it, as the file says; empty where it does not."""
    pumps: dict[str, tuple[ModeSegment, ...]]
    """In order, without overlap, on slots' edges within the day; gaps are for whoever judges it to refuse."""

    @property
    def key(self) -> str:
        """The same for the same plan, 32 hexadecimal digits."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def submitted_plan(text: str, tz_of: Callable[[str], str]) -> SubmittedPlan:
    """The plan in a file; `tz_of` names the time zone of a price area's market day (LookupError for an unknown one).

    Raises ValueError with one sentence that names the first thing wrong and the way out.
    """
    try:
        given = _Document.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(_first(error)) from None
    if not given.planned_by.isprintable():
        raise ValueError("planned_by: must be one printable line")
    try:
        tz = tz_of(given.price_area)
    except LookupError as error:
        raise ValueError(f"price_area: {error.args[0]}") from None
    start, end = bounds_of(given.day, tz)
    pumps = {pump_id: _segments_of(f"pumps.{pump_id}", raw, start, end) for pump_id, raw in given.pumps.items()}
    return SubmittedPlan(price_area=given.price_area, day=given.day, planned_by=given.planned_by, pumps=pumps)


def modes_over(segments: Sequence[ModeSegment], first_slot: datetime, slots: int) -> tuple[Mode | None, ...]:
    """The mode of each of `slots` slots from `first_slot` on; None where no segment speaks of one."""
    modes: list[Mode | None] = [None] * slots
    for segment in segments:
        for n in range(max(0, (segment.start - first_slot) // SLOT), min(slots, (segment.end - first_slot) // SLOT)):
            modes[n] = segment.mode
    return tuple(modes)


def _segments_of(where: str, raw: Sequence[Any], start: datetime, end: datetime) -> tuple[ModeSegment, ...]:
    slots = (end - start) // SLOT
    way_out = f"give a mode for each of the day's {slots} quarter-hours, or segments of start, end and mode"
    if not raw:
        raise ValueError(f"{where}: is empty: {way_out}")
    try:
        if isinstance(raw[0], str):
            modes = _MODES.validate_python(raw)
            if len(modes) != slots:
                raise ValueError(f"{where}: holds {len(modes)} modes: {way_out}")
            return segments_from_modes(start, SLOT, modes)
        segments = _SEGMENTS.validate_python(raw)
    except ValidationError as error:
        raise ValueError(f"{where}.{_first(error)}") from None
    merged: list[ModeSegment] = []
    for n, segment in enumerate(segments):
        if (segment.start - start) % SLOT or (segment.end - start) % SLOT:
            raise ValueError(f"{where}.{n}: {_span(segment)} is off the quarter-hours: begin and end on them")
        if segment.start < start or segment.end > end:
            day = f"{start:%F %H:%M} to {end:%F %H:%M} UTC"
            raise ValueError(f"{where}.{n}: {_span(segment)} is not within the market day, {day}")
        before = merged[-1] if merged else None
        if before is not None and segment.start < before.end:
            raise ValueError(f"{where}.{n}: {_span(segment)} begins before the one ahead of it ends: sort them")
        if before is not None and (segment.start, segment.mode) == (before.end, before.mode):
            merged[-1] = ModeSegment(start=before.start, end=segment.end, mode=segment.mode)
        else:
            merged.append(segment)
    return tuple(merged)


def _span(segment: ModeSegment) -> str:
    return f"{segment.start:%F %H:%M} to {segment.end:%F %H:%M} UTC"


def _first(error: ValidationError) -> str:
    """The first thing wrong with a document, in one line."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg'].removeprefix('Value error, ')[:200]}" if where else first["msg"][:200]

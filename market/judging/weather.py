"""Judging the columns of a forecast, and taking slots from them.

Protects: every slot's weather lies between two published values of the right place; nothing is extrapolated. Where the
preferred column has no value for a slot, the next one is used for that slot, and the series says so.

A temperature is of the very moment it is stamped with. A slot's mean is taken at the slot's middle, linearly between
the rows around it. Radiation is the mean over the hour (or quarter-hour) that ENDS at its stamp, so a slot takes the
value of the first row at or after its end, unchanged: the energy of the hour is kept. Either way rows t0..tn cover the
time from t0 to tn, and no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from domain.planning.series import WeatherSeries
from market.areas import SLOT_S, Area, place_of
from market.documents import finite_number, kind_of, named
from market.errors import BadDocument, refused
from market.judging.time_axis import judge_even, judge_order
from market.rows import RADIATION, TEMPERATURE, Quantity, WeatherColumn, WeatherDocument


def needed_slots(first_slot: datetime, slots: int) -> range:
    """UTC seconds of the starts of slots; raises `ValueError` for what is not whole slots."""
    first_s = int(first_slot.timestamp())
    if first_s % SLOT_S or slots < 1:
        raise ValueError(f"weather is asked for whole slots, not for {slots} from {first_slot.isoformat()}")
    return range(first_s, first_s + slots * SLOT_S, SLOT_S)


def judge_weather(document: WeatherDocument, cell: str, need: range, area: Area) -> WeatherSeries:
    """Weather for the needed slots; raises `BadDocument`.

    Both the cell and the document's place must lie in the price area.
    """
    place_of(cell, area)
    if not area.holds(document.latitude, document.longitude):
        raise refused(
            document.origin,
            f"is of latitude {document.latitude:g}, longitude {document.longitude:g}, "
            f"outside price area {area.price_area} ({area.box})",
            "fetch the forecast of a place in the area",
        )
    temperature, mended = _slots_of(document, TEMPERATURE, need, area.tz)
    radiation, also_mended = _slots_of(document, RADIATION, need, area.tz)
    return WeatherSeries(
        cell=cell,
        source="; ".join((document.source, *mended, *also_mended)),
        start=datetime.fromtimestamp(need.start, tz=UTC),
        outdoor_c=temperature,
        radiation_w_per_m2=radiation,
    )


def _slots_of(
    document: WeatherDocument, quantity: Quantity, need: range, tz: ZoneInfo
) -> tuple[tuple[float, ...], list[str]]:
    """A quantity's mean on every slot, and what was used where the preferred column had none.

    Raises `BadDocument` with what is wrong in the preferred column where no column helps.
    """
    columns: list[_JudgedColumn] = []
    faults: list[BadDocument] = []
    for column in document.columns:
        if column.quantity != quantity:
            continue
        try:
            _judge_axis(column, document.origin, tz)
            columns.append(_JudgedColumn(column, document.origin, tz))
        except BadDocument as fault:
            faults.append(fault)
    if not columns:
        raise faults[0]
    found = [_first_of(columns, slot_s, need) for slot_s in need]
    mended = [
        f"{column.column.name} of {count} slots from {column.column.block}"
        for number, column in enumerate(columns)
        if (count := sum(used == number for _, used in found)) and (number or faults)
    ]
    return tuple(value for value, _ in found), mended


def _first_of(columns: Sequence["_JudgedColumn"], slot_s: int, need: range) -> tuple[float, int]:
    """A slot's value from the first column that has it, and which that was."""
    fault: BadDocument | None = None
    for number, column in enumerate(columns):
        try:
            return column.mean_of(slot_s, need), number
        except BadDocument as error:
            fault = fault or error
    assert fault is not None, "there is at least one column"
    raise fault


@dataclass(frozen=True)
class _JudgedColumn:
    """A column whose time axis was judged."""

    column: WeatherColumn
    origin: str
    tz: ZoneInfo

    @property
    def _since_s(self) -> int:
        return self.column.stamps_s[0]

    def _at(self, index: int) -> float:
        """The row's value; raises `BadDocument` where it is null, no number or impossible."""
        column, quantity = self.column, self.column.quantity
        stamp = named(column.stamps_s[index], self.tz)
        number = finite_number(column.values[index])
        if number is None:
            raise refused(
                self.origin, f"holds {kind_of(column.values[index])} as {column.name} of {stamp}", "fetch it again"
            )
        if not quantity.lowest <= number <= quantity.highest:
            raise refused(
                self.origin,
                f"has {number:g} {quantity.unit} as {column.name} of {stamp}, "
                f"outside {quantity.lowest:g} to {quantity.highest:g}",
                "check its unit and the row",
            )
        return number

    def mean_of(self, slot_s: int, need: range) -> float:
        """Mean over a slot; raises `BadDocument` where the column does not cover it."""
        stamps_s = self.column.stamps_s
        if stamps_s[0] > slot_s or stamps_s[-1] < slot_s + SLOT_S:
            raise _uncovered(stamps_s, need, self.origin, self.tz)
        return self._mean_until_stamp(slot_s) if self.column.is_mean else self._mean_between_moments(slot_s)

    def _mean_between_moments(self, slot_s: int) -> float:
        """Mean over a slot of values that hold at a moment."""
        since, step_s = slot_s + SLOT_S // 2 - self._since_s, self.column.step_s
        index, share = since // step_s, (since % step_s) / step_s
        return (1 - share) * self._at(index) + share * self._at(index + 1)

    def _mean_until_stamp(self, slot_s: int) -> float:
        """Mean over a slot of values that are means up to their stamp."""
        return self._at((slot_s - self._since_s) // self.column.step_s + 1)


def _judge_axis(column: WeatherColumn, origin: str, tz: ZoneInfo) -> None:
    stamps_s = column.stamps_s
    judge_order(stamps_s, origin, tz)
    found_s = min((after - before for before, after in pairwise(stamps_s)), default=column.step_s)
    if found_s != column.step_s:
        raise refused(
            origin,
            f'has steps of {found_s // 60} minutes in "{column.block}"',
            f"{column.step_s // 60} are needed, so fetch it again",
        )
    judge_even(stamps_s, column.step_s, origin, tz)


def _uncovered(stamps_s: Sequence[int], need: range, origin: str, tz: ZoneInfo) -> BadDocument:
    return refused(
        origin,
        f"covers {named(stamps_s[0], tz)} to {named(stamps_s[-1], tz)}, "
        f"while {named(need.start, tz)} to {named(need.stop, tz)} is needed",
        "fetch the days around it too, as the last hour needs the row after it",
    )

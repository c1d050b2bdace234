"""A table of intervals: `time,pump,kwh`, the time being an interval's start with its offset.

Protects: a line that cannot be read refuses the file.
"""

import csv
import io

from market.errors import refused
from market.meter_rows import Interval, MeterFormat, interval

COLUMNS = ("time", "pump", "kwh")


def _read(raw: bytes, origin: str) -> list[Interval]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refused(origin, "is not UTF-8", "save it as CSV in UTF-8") from None
    delimiter = max(",;", key=text.partition("\n")[0].count)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise refused(origin, f"has no column {missing[0]}", f"give it the columns {', '.join(COLUMNS)}")
    return [interval(f"{origin} line {rows.line_num}", row["pump"], row["time"], row["kwh"]) for row in rows]


FORMAT = MeterFormat("interval-csv", _read)

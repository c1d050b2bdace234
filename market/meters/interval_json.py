"""A JSON list of `{"pump", "start", "kwh"}`, the start with its offset: what a data hub of one's own can serve.

Protects: an element that cannot be read refuses the document.
"""

import json

from market.errors import refused
from market.meter_rows import Interval, MeterFormat, interval


def _read(raw: bytes, origin: str) -> list[Interval]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise refused(origin, "is not JSON", "ask the source what it serves") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise refused(origin, "is not a list of intervals", 'serve [{"pump": .., "start": .., "kwh": ..}]')
    return [
        interval(f"{origin} element {n}", one.get("pump"), one.get("start"), one.get("kwh"))
        for n, one in enumerate(found)
    ]


FORMAT = MeterFormat("interval-json", _read)

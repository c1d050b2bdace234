"""Where whole-house readings come from: a file, an address that serves one, or services that are asked every day.

Protects: a source that is down is an error with a sentence, and one bad interval leaves nothing half taken over; a
service that fails is left after a few questions, and the others are asked all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx

from domain.planning.house_load import MeterReadings, MetersAsked
from domain.ports import DocumentRefused, NotPublished
from market.errors import NotYetPublished, SourceUnavailable
from market.files import read_file
from market.http import address_of, get_document, shown
from market.meter_rows import readings_of
from market.registry import meter_format
from market.rows import Question

DEFAULT_METER_FORMAT = "interval-json"
ASKED_AT_ONCE = timedelta(days=1)
"""Of a whole area: its document is bounded."""
FAILURES = 3
"""Of one service in a row, after which it is not asked again today."""


async def meter_readings(
    place: str, name: str, http: httpx.AsyncClient, token: str | None = None
) -> list[MeterReadings]:
    """The readings at an http address or in a file, in a format by its name; raises `BadDocument`,
    `NotPublished`, or `LookupError` for a format that is not known."""
    known = meter_format(name)
    if place.startswith(("http://", "https://")):
        url = address_of(place, "", {})
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        raw = await get_document(http, url, Question("", {}, headers=headers))
        if raw is None:
            raise NotYetPublished(f"{shown(url)} has no readings yet; ask again later.")
        return readings_of(raw, shown(url), known)
    return readings_of(read_file(Path(place)), Path(place).name, known)


@dataclass(frozen=True)
class HttpMeters:
    """Services that answer with what houses drew. A `domain.planning.house_load.MeterSource`."""

    client: httpx.AsyncClient
    urls: Mapping[str, str]
    """By price area or by pump, which goes before its area. `{price_area}`, `{pump}`, `{from}` and `{to}` (instants)
    are replaced; a service whose address names no pump is asked for all of an area at once."""
    tokens: Mapping[str, str] = field(default_factory=dict)
    """Sent as bearer tokens, by the same names."""
    format: str = DEFAULT_METER_FORMAT

    async def readings(self, price_area: str, pump_ids: Sequence[str], start: datetime, end: datetime) -> MetersAsked:
        """See `MeterSource`."""
        readings: list[MeterReadings] = []
        problems: list[str] = []
        for name in (price_area, *pump_ids):
            if name not in self.urls:
                continue
            houses = [name] if name != price_area else [pump for pump in pump_ids if pump not in self.urls]
            found, problem = await self._ask(name, price_area, houses, start, end)
            readings += found
            if problem:
                problems.append(f"meters of {name}: {problem}")
        return MetersAsked(readings=tuple(readings), problems=tuple(problems))

    async def _ask(
        self, name: str, price_area: str, houses: Sequence[str], start: datetime, end: datetime
    ) -> tuple[list[MeterReadings], str]:
        """What one service has, and the first thing that is wrong with it."""
        found: list[MeterReadings] = []
        wrong: list[str] = []
        failures, left = 0, ""
        for url in self._questions(name, price_area, houses, start, end):
            try:
                said = await meter_readings(url, self.format, self.client, self.tokens.get(name))
            except (DocumentRefused, NotPublished) as error:
                wrong.append(str(error))
                failures = failures + 1 if isinstance(error, SourceUnavailable) else 0
                if failures == FAILURES:
                    left = "; it is left until tomorrow"
                    break
                continue
            failures = 0
            others = sorted({one.pump_id for one in said} - set(houses))
            if others:
                wrong.append(f"readings of {others[0]} were left aside: it is no pump that is read there")
            found += [one for one in said if one.pump_id in houses]
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return found, f"{wrong[0].removesuffix('.')}{more}{left}" if wrong else ""

    def _questions(
        self, name: str, price_area: str, houses: Sequence[str], start: datetime, end: datetime
    ) -> Iterator[str]:
        url = self.urls[name].replace("{price_area}", quote(price_area))
        if "{pump}" in url or name != price_area:
            for pump in houses:
                yield _spanning(url.replace("{pump}", quote(pump)), start, end)
        elif "{from}" not in url:
            yield url
        else:
            while houses and start < end:
                until = min(start + ASKED_AT_ONCE, end)
                yield _spanning(url, start, until)
                start = until


def _spanning(url: str, start: datetime, end: datetime) -> str:
    return url.replace("{from}", f"{start:%Y-%m-%dT%H:%M:%SZ}").replace("{to}", f"{end:%Y-%m-%dT%H:%M:%SZ}")

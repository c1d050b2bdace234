"""ENTSO-E Transparency Platform: day-ahead prices (document A44) as XML; needs a token.

Protects: only the coupled auction's prices (sequence 1) are read, and points that the curve type leaves out are the
ones before them, to the end of their period; no entity of the XML is expanded.
Wire format: Publication_MarketDocument > TimeSeries > Period > Point; Acknowledgement_MarketDocument where there is
nothing, with HTTP 200 or 400.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from xml.etree.ElementTree import Element

from domain.slots import market_day_bounds
from market.areas import HOUR_S, SLOT_S, Area, known_area
from market.documents import clip, decimal_of, moment_of
from market.errors import NotYetPublished, SourceUnavailable, refused
from market.judging.time_axis import EARLIEST_S, LATEST_S
from market.rows import PriceDocument, PriceRow, Question
from market.xml_documents import read_xml

RESOLUTIONS_S = {"PT15M": SLOT_S, "PT60M": HOUR_S, "PT1H": HOUR_S}
LONGEST_PERIOD = timedelta(days=370)
MOST_ROWS = 150_000
"""Four years of quarter-hours."""
SEQUENCE = "classificationSequence_AttributeInstanceComponent.position"
SDAC = 1
NO_DATA = "999"
LEAVES_OUT_REPEATED = "A03"


@dataclass(frozen=True)
class _Period:
    """Prices of one resolution and sequence over an interval."""

    start_s: int
    end_s: int
    step_s: int
    sequence: int
    rows: tuple[PriceRow, ...]


class Entsoe:
    """The official platform of the grid operators. A `market.rows.PriceFormat`."""

    name = "entsoe"
    url = "https://web-api.tp.entsoe.eu"

    def recognises(self, raw: bytes) -> bool:
        """Whether a document looks like this format."""
        return b"_MarketDocument" in raw[:2000]

    def question(self, area: Area, day: date, key: str | None) -> Question:
        """The request for a market day; answers hold whole market days."""
        if not key:
            raise SourceUnavailable("ENTSO-E needs a token; set it in HEATSTEER_PRICE_KEYS or use another source.")
        start, end = market_day_bounds(day, area.tz)
        params = {
            "securityToken": key,
            "documentType": "A44",
            "in_Domain": area.eic,
            "out_Domain": area.eic,
            "periodStart": f"{start:%Y%m%d%H%M}",
            "periodEnd": f"{end:%Y%m%d%H%M}",
            "contract_MarketAgreement.type": "A01",
        }
        return Question("/api", params, {"Accept": "application/xml"}, also_read=frozenset({400}))

    def read(self, raw: bytes, origin: str, area: Area | None) -> PriceDocument:
        """The rows of an answer; raises `BadDocument`, `NotYetPublished` or `SourceUnavailable`."""
        root = read_xml(raw, origin)
        if root.tag == "Acknowledgement_MarketDocument":
            raise _acknowledged(root, origin)
        if root.tag != "Publication_MarketDocument":
            raise refused(origin, f"is a {clip(root.tag)}", "a Publication_MarketDocument is needed")
        if _text(root, "type") not in ("", "A44"):
            raise refused(origin, f"is of type {clip(_text(root, 'type'))}", "day-ahead prices (A44) are needed")
        series = root.findall("TimeSeries")
        names = {_area_name(one, origin) for one in series}
        if len(names) > 1:
            raise refused(origin, f"names several price areas, {clip(' and '.join(sorted(names)))}", "ask for one")
        periods = _bounded((period for one in series for period in _periods(one, origin)), origin)
        area = area or known_area(next(iter(names), ""))
        rows, notes = _chosen(periods, area, origin)
        created_at = moment_of(_text(root, "createdDateTime"))
        return PriceDocument(origin, self.name, rows, next(iter(names), None), notes=notes, published_at=created_at)


FORMAT = Entsoe()


def _acknowledged(root: Element, origin: str) -> Exception:
    code, text = _text(root, "Reason/code"), clip(_text(root, "Reason/text"), 160)
    if code == NO_DATA and "no matching data" in text.casefold():
        return NotYetPublished(f"{origin} has nothing yet ({text}); ask again later.")
    return SourceUnavailable(f"{origin} refused the question ({code or 'no code'}: {text}); correct the request.")


def _area_name(series: Element, origin: str) -> str:
    """The area of a series as we spell it, or its EIC code where that is not known."""
    sold, bought = _text(series, "in_Domain.mRID"), _text(series, "out_Domain.mRID")
    if not sold or sold != bought:
        raise refused(origin, f"is of {clip(sold) or 'no area'} to {clip(bought) or 'no area'}", "one area is needed")
    area = known_area(sold)
    return area.price_area if area else sold


def _bounded(periods: Iterable[_Period], origin: str) -> list[_Period]:
    """All periods; raises `BadDocument` where short periods spread into more rows than a document has reason for."""
    found: list[_Period] = []
    rows = 0
    for period in periods:
        found.append(period)
        rows += len(period.rows)
        if rows > MOST_ROWS:
            raise refused(origin, f"spreads into more than {MOST_ROWS} prices", "ask for a shorter time")
    return found


def _periods(series: Element, origin: str) -> Iterable[_Period]:
    currency, unit = _text(series, "currency_Unit.name"), _text(series, "price_Measure_Unit.name")
    if (currency, unit) != ("EUR", "MWH"):
        shown = f"{clip(currency) or 'no currency'} per {clip(unit) or 'no unit'}"
        raise refused(origin, f"has prices in {shown}", "EUR per MWH is needed")
    agreement = _text(series, "contract_MarketAgreement.type")
    if agreement not in ("", "A01"):
        raise refused(origin, f"has a contract of type {clip(agreement)}", "daily prices (A01) are needed")
    sequence = _text(series, SEQUENCE) or str(SDAC)
    if not (sequence.isascii() and sequence.isdigit() and len(sequence) < 4):
        raise refused(origin, f"has the sequence {clip(sequence)!r}", "a number is needed")
    leaves_out = _text(series, "curveType") == LEAVES_OUT_REPEATED
    for period in series.findall("Period"):
        yield _period(period, int(sequence), leaves_out, origin)


def _period(period: Element, sequence: int, leaves_out: bool, origin: str) -> _Period:
    start_s = _instant(_text(period, "timeInterval/start"), origin)
    end_s = _instant(_text(period, "timeInterval/end"), origin)
    resolution = _text(period, "resolution")
    if resolution not in RESOLUTIONS_S:
        raise refused(origin, f"has a resolution of {clip(resolution) or 'nothing'}", "PT15M or PT60M is needed")
    step_s = RESOLUTIONS_S[resolution]
    if not 0 < end_s - start_s <= LONGEST_PERIOD.total_seconds() or (end_s - start_s) % step_s:
        raise refused(origin, f"has a period from {_shown(start_s)} to {_shown(end_s)}", "fetch it again")
    points = _points(period, (end_s - start_s) // step_s, start_s, origin)
    rows: list[PriceRow] = []
    price: float | None = None
    for position in range(1, (end_s - start_s) // step_s + 1):
        # A01 has every point, so a missing one is a gap; A03 leaves out what repeats the point before.
        price = points.get(position, price if leaves_out else None)
        rows.append(PriceRow(start_s + (position - 1) * step_s, price, step_s))
    return _Period(start_s, end_s, step_s, sequence, tuple(rows))


def _points(period: Element, count: int, start_s: int, origin: str) -> dict[int, float]:
    points: dict[int, float] = {}
    for point in period.findall("Point"):
        position, amount = _text(point, "position"), _text(point, "price.amount")
        number = int(position) if position.isascii() and position.isdigit() and len(position) < 7 else 0
        if not 1 <= number <= count:
            what = f"has a point {clip(position) or 'of no position'} in a period of {count} from {_shown(start_s)}"
            raise refused(origin, what, "fetch it again")
        if number in points:
            raise refused(origin, f"has point {number} twice in the period from {_shown(start_s)}", "fetch it again")
        price = decimal_of(amount)
        if price is None:
            what = f"holds {clip(amount)!r} as the price of point {number} in the period from {_shown(start_s)}"
            raise refused(origin, what, "a number is needed")
        points[number] = price
    return points


def _chosen(periods: list[_Period], area: Area | None, origin: str) -> tuple[tuple[PriceRow, ...], tuple[str, ...]]:
    """The rows of the coupled auction, and notes on what was left aside; raises `BadDocument`."""
    notes: list[str] = []
    coupled = [period for period in periods if period.sequence == SDAC]
    others = sorted({period.sequence for period in periods} - {SDAC})
    if others:
        shown = " and ".join(map(str, others))
        if not coupled:
            what = f"holds sequence {shown} only, which is another auction than the coupled one (SDAC, sequence 1)"
            raise refused(origin, what, "ask for sequence 1, or use another source until it is published")
        notes.append(f"Sequence {shown} was left aside: it is another auction than the coupled one (SDAC).")
    kept: dict[tuple[int, int], _Period] = {}
    for period in coupled:
        interval = (period.start_s, period.end_s)
        known = kept.setdefault(interval, period)
        if known.step_s == period.step_s:
            if known.rows != period.rows:
                raise refused(origin, f"has two different series from {_shown(period.start_s)} on", "fetch it again")
            continue
        kept[interval] = _usual(known, period, area)
        notes.append(f"From {_shown(period.start_s)} on there are hours and quarter-hours: {_named(kept[interval])}.")
    rows = sorted((row for period in kept.values() for row in period.rows), key=lambda row: row.start_s)
    if len({row.step_s for row in rows}) > 1:
        notes.append("Some periods are in hours and some in quarter-hours.")
    return tuple(rows), tuple(notes)


def _usual(one: _Period, other: _Period, area: Area | None) -> _Period:
    """Of two resolutions of one interval, the one in which the area's auction is published on that day."""
    coarse, fine = sorted((one, other), key=lambda period: -period.step_s)
    if area is None:
        return fine
    day = datetime.fromtimestamp(fine.start_s, tz=area.tz).date()
    return fine if area.usual_step_s(day) == fine.step_s else coarse


def _named(period: _Period) -> str:
    return f"the {'quarter-hours' if period.step_s == SLOT_S else 'hours'} are what the auction publishes for the day"


def _instant(text: str, origin: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        instant_s = int(moment.timestamp()) if moment.tzinfo is not None else -1
    except (ValueError, OverflowError):
        instant_s = -1
    if not EARLIEST_S <= instant_s < LATEST_S:
        raise refused(origin, f"holds {clip(text)!r} as a time", "a time like 2026-03-02T23:00Z is needed")
    return instant_s


def _shown(instant_s: int) -> str:
    return f"{datetime.fromtimestamp(instant_s, tz=UTC):%Y-%m-%d %H:%M} UTC"


def _text(element: Element, path: str) -> str:
    # ElementTree takes "a/b" apart at the slash and leaves the dots of ENTSO-E's names alone.
    return (element.findtext(path) or "").strip()

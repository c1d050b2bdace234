"""A report as one HTML page that prints: the operator's sheet, then one sheet for each household.

Protects: a page needs nothing from any network; every name and reason that came from elsewhere is escaped; what a model
says of a home is never set beside what was measured without its name.
"""

from collections.abc import Sequence
from datetime import date
from html import escape
from zoneinfo import ZoneInfo

from application.savings.report import HomeReport, Report
from console.cli.reports import charts
from console.cli.reports.parts import tiles, whole_page
from console.cli.reports.regret import regret_section
from console.cli.reports.words import (
    ARM_HEADS,
    EVIDENCE_WORDS,
    FLAG_WORDS,
    HOME_HEADS,
    HOUSE_HEAD,
    LEFT_OUT_WORDS,
    MODE_WORDS,
    arm_rows,
    band_of,
    degrees,
    euros,
    evidence_rows,
    home_row,
    house_sentences,
    span_of,
    week_of,
)
from console.cli.words import counted
from domain.savings.claim import Claim, Interval
from domain.savings.energy import Evidence
from domain.slots import SLOT, market_day_slots

MOST_HOMES_LISTED = 40
"""On the operator's sheet; each household has its own."""
PAID_BY_DAY = "Paid by day (bars), and what the model expects unsteered (line)"


def page_of(report: Report, tz: ZoneInfo) -> str:
    """The whole page."""
    sheets = [_operator(report, tz), *(_household(report, home, tz) for home in report.homes)]
    title = f"heatsteer report, {span_of(report.first, report.last)}"
    return whole_page(title, sheets)


def _operator(report: Report, tz: ZoneInfo) -> str:
    claims = "".join(_claim(claim) for claim in report.claims)
    if not report.claims:
        claims = '<p class="note">No saving was estimated for these days yet.</p>'
    parts = [
        f"<h1>{escape(span_of(report.first, report.last))}</h1>",
        '<p class="lead">The operator’s report of heatsteer</p>',
        tiles(
            ("Homes", str(len(report.homes))),
            ("Electricity used", f"{report.kwh:,.0f} kWh"),
            ("Paid for it", euros(report.cost_eur)),
            ("Mean price paid", f"{1000 * report.cost_eur / report.kwh:.0f} EUR/MWh" if report.kwh else "–"),
        ),
        "<h2>What steering saved</h2>",
        claims,
        _days_chart(report),
        regret_section(report.regrets),
        "<h2>What the figures rest on</h2>",
        _evidence(report),
        "<h2>Homes</h2>",
        _homes_table(report.homes),
        f'<p class="note">Made {report.made_at.astimezone(tz):%d %b %Y %H:%M}. {_settled_again(report)}</p>',
    ]
    return f"<section>{''.join(parts)}</section>"


def _claim(claim: Claim) -> str:
    days = span_of(claim.first_day, claim.last_day)
    per_home, total, per_day = claim.per_home_day_eur, claim.total_eur, claim.per_day_eur
    head = f"<h3>{escape(claim.price_area)}, {escape(days)}</h3>"
    if per_home is None or total is None or per_day is None:
        return f'{head}<p class="note">No interval can be claimed: {escape(claim.reason)}.</p>{_arms(claim)}'
    rows = [("in all", per_home), ("of it: cheaper times", claim.price_effect_eur)]
    rows += [("of it: less energy", claim.volume_effect_eur), ("of it: colder rooms", claim.temperature_effect_eur)]
    drawn = [(name, 100 * i.mean, 100 * i.low, 100 * i.high) for name, i in rows if i is not None]
    return (
        head
        + tiles(("Saved in all", _with_interval(total)), ("Saved a day", _with_interval(per_day)))
        + charts.intervals(drawn, "cents, with 95 % interval", "Saved by a mean steered home on a mean day")
        + _arms(claim)
    )


def _arms(claim: Claim) -> str:
    rows = [_cells(row) for row in arm_rows(claim)]
    if not rows:
        return ""
    heads = "".join(f"<th>{name}</th>" for name in ARM_HEADS)
    left_out = ", ".join(f"{count:,} {LEFT_OUT_WORDS.get(why, why)}" for why, count in claim.left_out.items())
    room = "" if claim.room_k is None else f" Room temperature, steered less neutral: {_signed(claim.room_k, 'K')}."
    note = f" Not compared: {left_out}." if left_out else ""
    return (
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        '<p class="note">Who is left neutral is drawn by lot, so the arms differ by the steering alone; '
        "homes of different size make the plain means differ too, which the estimate takes out."
        f"{room}{escape(note)}</p>"
    )


def _days_chart(report: Report) -> str:
    days = report.days
    if len(days) < 2:
        return ""
    paid = [cost for _, cost, _ in days]
    would = [cost for _, _, cost in days]
    axis = charts.axis_over([*paid, *would], 130, from_zero=True)
    marks = charts.bars(axis, paid, ["paid"] * len(days)) + charts.steps(axis, would, "would")
    return charts.picture(PAID_BY_DAY, "EUR", axis, marks, _day_labels([day for day, _, _ in days]))


def _day_labels(days: Sequence[date]) -> list[tuple[float, str]]:
    every = max(1, len(days) // 10)
    return [((n + 0.5) / len(days), f"{day:%d %b}") for n, day in enumerate(days) if n % every == 0]


def _evidence(report: Report) -> str:
    rows = "".join(
        f'<tr><th><span class="key {kind.value}"></span>{name}</th><td>{kwh}</td><td>{share}</td></tr>'
        for kind, (name, kwh, share) in zip(Evidence, evidence_rows(report.evidence_kwh), strict=True)
    )
    excluded = "; ".join(f"{count:,} {FLAG_WORDS[flag]}" for flag, count in sorted(report.excluded.items()))
    commands = ", ".join(f"{count:,} {state}" for state, count in sorted(report.commands.items()))
    return (
        f"<table><tbody>{rows}</tbody></table>"
        f'<p class="note">Reports that were not believed and enter no figure: {escape(excluded or "none")}. '
        f"Commands: {escape(commands or 'none')}.</p>"
    )


def _homes_table(homes: Sequence[HomeReport]) -> str:
    rows = "".join(_cells(home_row(home)) for home in homes[:MOST_HOMES_LISTED])
    more = len(homes) - MOST_HOMES_LISTED
    note = f'<p class="note">and {more} homes more, each on its own sheet</p>' if more > 0 else ""
    return (
        f"<table><thead><tr>{''.join(f'<th>{head}</th>' for head in HOME_HEADS)}</tr></thead>"
        f"<tbody>{rows}</tbody></table>{note}"
    )


def _cells(row: Sequence[str]) -> str:
    return f"<tr><th>{escape(row[0])}</th>{''.join(f'<td>{cell}</td>' for cell in row[1:])}</tr>"


def _household(report: Report, home: HomeReport, tz: ZoneInfo) -> str:
    less = home.unsteered_eur - home.cost_eur
    verdict = f"{euros(abs(less))} {'less' if less >= 0 else 'more'}"
    parts = [
        f"<h1>{escape(home.pump)}</h1>",
        f'<p class="lead">Your heat pump, {escape(span_of(report.first, report.last))}</p>',
        tiles(
            ("You paid", euros(home.cost_eur)),
            ("Without steering, by our model", euros(home.unsteered_eur)),
            ("Electricity", f"{home.kwh:.1f} kWh"),
            ("Mean room", degrees(home.room_c)),
        ),
        f"<p>That is {verdict} than the model of a house like yours expects without steering. It explains your bill "
        "and proves nothing: what steering saves is measured over all homes, against homes that are left alone.</p>",
        _comfort(home),
        _course_charts(home, tz) if home.course is not None else _home_days_chart(home, tz),
        _house(home),
        _acts(home, tz),
    ]
    return f"<section>{''.join(parts)}</section>"


def _comfort(home: HomeReport) -> str:
    week = home.band.week
    told = f"Your rooms are to be at {band_of(home.band)}{' at all other times' if week else ''}"
    told += f"; they were outside for {home.kelvin_hours:.2f} kelvin-hours." if home.kelvin_hours is not None else "."
    if home.room_c is None:
        told += " No room temperature was measured."
    if home.neutral_days:
        told += f" On {counted(home.neutral_days, 'day')} your pump was left to itself, to compare the others with."
    if week is None:
        return f"<p>{told}</p>"
    rules = "".join(f"<li>{escape(rule)}</li>" for rule in week_of(week))
    return f'<p>Your week:</p><ul class="week">{rules}</ul><p>{told}</p>'


def _house(home: HomeReport) -> str:
    told = "".join(f"<p>{escape(sentence)}</p>" for sentence in house_sentences(home))
    return f"<h2>{HOUSE_HEAD}</h2>{told}" if told else ""


def _course_charts(home: HomeReport, tz: ZoneInfo) -> str:
    course = home.course
    assert course is not None
    slots, start = len(course.slots), course.slots[0]
    labels = [(n / slots, f"{course.slots[n].astimezone(tz):%H:%M}") for n in range(0, slots, 16)]
    whole = slots * SLOT
    price = charts.axis_over(course.price_eur_per_mwh, 90)
    energy = charts.axis_over(course.kwh, 90, from_zero=True)
    marks = charts.bars(energy, course.kwh, [kind.value for kind in course.evidence])
    changes = [((at - start) / whole, mode) for at, mode in course.modes]
    ends = [share for share, _ in changes[1:]] + [1.0]
    spans = [(max(0.0, a), b, f"mode-{mode}") for (a, mode), b in zip(changes, ends, strict=True)]
    marks += charts.strip(spans, charts.TOP - 10, 6)
    drawn = charts.picture("Price", "EUR/MWh", price, charts.steps(price, course.price_eur_per_mwh, "price"), labels)
    drawn += charts.picture("Electricity by quarter-hour", "kWh; the strip above shows the mode", energy, marks, labels)
    drawn += _legend(home)
    if course.rooms:
        accepted = [home.band.at(slot) for slot in course.slots]
        limits = [limit for one in accepted for limit in (one.room_min_c, one.room_max_c)]
        rooms = charts.axis_over([*limits, *(room for _, room in course.rooms)], 90)
        points = [((at - start) / whole, room) for at, room in course.rooms]
        bands = charts.bands(rooms, [(one.room_min_c, one.room_max_c) for one in accepted])
        unit = "°C; shaded: what you accept"
        drawn += charts.picture("Room", unit, rooms, [*bands, *charts.line(rooms, points, "room")], labels)
    return drawn


def _legend(home: HomeReport) -> str:
    course = home.course
    assert course is not None
    kinds = [kind for kind in Evidence if kind in course.evidence]
    modes = [mode for mode in MODE_WORDS if mode in {mode for _, mode in course.modes}]
    keys = [f'<span class="key {kind.value}"></span>{EVIDENCE_WORDS[kind]}' for kind in kinds]
    keys += [f'<span class="key mode-{mode}"></span>{MODE_WORDS[mode]}' for mode in modes]
    return f'<p class="note">{" &nbsp; ".join(keys)}</p>'


def _home_days_chart(home: HomeReport, tz: ZoneInfo) -> str:
    if len(home.days) < 2:
        return ""
    paid, would = [day.cost_eur for day in home.days], [day.unsteered_eur for day in home.days]
    axis = charts.axis_over([*paid, *would], 110, from_zero=True)
    marks = charts.bars(axis, paid, ["paid"] * len(paid)) + charts.steps(axis, would, "would")
    labels = _day_labels([day.day for day in home.days])
    drawn = charts.picture(PAID_BY_DAY, "EUR", axis, marks, labels)
    rooms = [(n, day.room_c) for n, day in enumerate(home.days) if day.room_c is not None]
    if len(rooms) > 1:
        accepted = [_mean_band(home, day.day, tz) for day in home.days]
        limits = [limit for one in accepted for limit in one]
        warm = charts.axis_over([*limits, *(room for _, room in rooms)], 80)
        points = [((n + 0.5) / len(home.days), room) for n, room in rooms]
        bands = charts.bands(warm, accepted)
        unit = "°C; shaded: what you accept, mean over the day"
        drawn += charts.picture("Mean room by day", unit, warm, [*bands, *charts.line(warm, points, "room")], labels)
    return drawn


def _mean_band(home: HomeReport, day: date, tz: ZoneInfo) -> tuple[float, float]:
    accepted = [home.band.at(slot) for slot in market_day_slots(day, tz)]
    lows, highs = [one.room_min_c for one in accepted], [one.room_max_c for one in accepted]
    return sum(lows) / len(lows), sum(highs) / len(highs)


def _acts(home: HomeReport, tz: ZoneInfo) -> str:
    if not home.acts and not home.acts_by_plan:
        return "<p>Nothing was done with your heating: it ran as you set it.</p>"
    rows = "".join(
        f"<tr><th>{act.at.astimezone(tz):%d %b %H:%M}</th><td>{escape(MODE_WORDS.get(act.mode, act.mode))}</td>"
        f"<td>{escape(act.authority)}</td><td>{escape(act.reason)}</td></tr>"
        for act in home.acts
    )
    note = (
        f'<p class="note">{counted(home.acts_by_plan, "change")} followed a plan, made by the price of electricity.</p>'
    )
    if not rows:
        return f"<h2>What was done</h2>{note}"
    return f'<h2>What was done, and why</h2><table class="acts"><tbody>{rows}</tbody></table>{note}'


def _with_interval(interval: Interval) -> str:
    return f"{euros(interval.mean)} <small>{euros(interval.low)} to {euros(interval.high)}</small>"


def _signed(interval: Interval, unit: str) -> str:
    return f"{interval.mean:+.2f} {unit} ({interval.low:+.2f} to {interval.high:+.2f})"


def _settled_again(report: Report) -> str:
    if not report.revised_home_days:
        return "No home-day came out differently when it was settled again."
    return f"{counted(report.revised_home_days, 'home-day')} came out differently when settled again."

"""A report as a PDF to send and to file: the operator's sheets, then one household's after the other.

Protects: it says what the HTML page says, in the same words, from the same report; the page is the fuller of the two.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from application.savings.report import HomeReport, Report
from console.cli.errors import UsageError
from console.cli.reports.regret import REGRET_NOTE, by_scope, regret_rows, regret_sentence
from console.cli.reports.sheet import INK, SOFT, Sheets
from console.cli.reports.words import (
    ARM_HEADS,
    EVIDENCE_WORDS,
    FLAG_WORDS,
    HOME_HEADS,
    HOUSE_HEAD,
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
from domain.savings.claim import Claim, Interval
from domain.savings.energy import Evidence

COLOURS = {
    Evidence.METER: "#0369a1",
    Evidence.COUNTER: "#0284c7",
    Evidence.POWER: "#38bdf8",
    Evidence.TOTAL: "#a5b4fc",
    Evidence.MODEL: "#94a3b8",
}
HEAT, BAND, PAID = "#c2410c", "#fdeeb5", "#7dd3fc"
MOST_ACTS = 20


def write_pdf(file: Path, report: Report, tz: ZoneInfo) -> None:
    """Write all sheets; raises UsageError for a file that cannot be written."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it says when it first looks for fonts
    try:
        with Sheets(file, f"heatsteer report, {span_of(report.first, report.last)}") as sheets:
            _operator(sheets, report, tz)
            for home in report.homes:
                _household(sheets, report, home, tz)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error}") from error


def _operator(sheets: Sheets, report: Report, tz: ZoneInfo) -> None:
    sheets.new()
    sheets.title(span_of(report.first, report.last), "The operator’s report of heatsteer")
    sheets.tiles(
        [
            ("Homes", str(len(report.homes))),
            ("Electricity used", f"{report.kwh:,.0f} kWh"),
            ("Paid for it", euros(report.cost_eur)),
            ("Mean price paid", f"{1000 * report.cost_eur / report.kwh:.0f} EUR/MWh" if report.kwh else "–"),
        ]
    )
    sheets.heading("What steering saved")
    if not report.claims:
        sheets.paragraph("No saving was estimated for these days yet.", is_note=True)
    for claim in report.claims:
        _claim(sheets, claim)
    if len(report.days) > 1:
        days, paid, would = zip(*report.days, strict=True)
        _paid_by_day(sheets, [f"{day:%d %b}" for day in days], paid, would)
    if report.regrets:
        sheets.heading("Plan, reality and perfect foresight", 0.25)
        for name, one in by_scope(report.regrets).items():
            sheets.table((name, "kWh", "EUR", "comfort priced"), regret_rows(one), first=0.54)
            sheets.paragraph(regret_sentence(one))
        sheets.paragraph(REGRET_NOTE, is_note=True)
    sheets.heading("What the figures rest on", 0.12)
    sheets.table(("", "energy", "share"), evidence_rows(report.evidence_kwh), first=0.6)
    excluded = "; ".join(f"{count:,} {FLAG_WORDS[flag]}" for flag, count in sorted(report.excluded.items()))
    sheets.paragraph(f"Reports that were not believed and enter no figure: {excluded or 'none'}.", is_note=True)
    sheets.heading("Homes", 0.1)
    sheets.table(HOME_HEADS, [home_row(home) for home in report.homes], first=0.22)
    sheets.paragraph(f"Made {report.made_at.astimezone(tz):%d %b %Y %H:%M}.", is_note=True)


def _claim(sheets: Sheets, claim: Claim) -> None:
    where = f"{claim.price_area}, {span_of(claim.first_day, claim.last_day)}"
    per_home, total, per_day = claim.per_home_day_eur, claim.total_eur, claim.per_day_eur
    if per_home is None or total is None or per_day is None:
        sheets.paragraph(f"{where}: no interval can be claimed: {claim.reason}.")
    else:
        sheets.paragraph(
            f"{where}: saved {_with_interval(total)} in all, {_with_interval(per_day)} a day (95 % intervals)."
        )
        parts = [("in all", per_home), ("cheaper times", claim.price_effect_eur)]
        parts += [("less energy", claim.volume_effect_eur), ("colder rooms", claim.temperature_effect_eur)]
        drawn = [(name, part) for name, part in reversed(parts) if part is not None]
        caption = "Saved by a mean steered home on a mean day, cents with 95 % interval"
        axes = sheets.chart(caption, 0.022 * len(drawn) + 0.01)
        _clear_labels(axes, [name for name, _ in drawn])
        for n, (_, part) in enumerate(drawn):
            axes.plot([100 * part.low, 100 * part.high], [n, n], color="#0369a1", linewidth=2.5)
            axes.plot([100 * part.mean], [n], "o", color="#0369a1", markersize=5)
        axes.axvline(0.0, color=INK, linewidth=0.8)
    if rows := arm_rows(claim):
        sheets.table(ARM_HEADS, rows, first=0.2)


def _clear_labels(axes: Any, names: Sequence[str]) -> None:
    """Rows of words inside the chart's own width."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    box = axes.get_position()
    axes.set_position((box.x0 + 0.08, box.y0, box.width - 0.08, box.height))


def _household(sheets: Sheets, report: Report, home: HomeReport, tz: ZoneInfo) -> None:
    sheets.new()
    sheets.title(home.pump, f"Your heat pump, {span_of(report.first, report.last)}")
    sheets.tiles(
        [
            ("You paid", euros(home.cost_eur)),
            ("Unsteered, by our model", euros(home.unsteered_eur)),
            ("Electricity", f"{home.kwh:.1f} kWh"),
            ("Mean room", degrees(home.room_c)),
        ]
    )
    less = home.unsteered_eur - home.cost_eur
    sheets.paragraph(
        f"That is {euros(abs(less))} {'less' if less >= 0 else 'more'} than the model of a house like yours expects "
        "without steering. It explains your bill and proves nothing: what steering saves is measured over all homes, "
        "against homes that are left alone."
    )
    week = home.band.week
    for rule in week_of(week) if week else ():
        sheets.paragraph(f"Your week: {rule}")
    outside = f"; they were outside for {home.kelvin_hours:.2f} kelvin-hours" if home.kelvin_hours is not None else ""
    sheets.paragraph(f"Your rooms are to be at {band_of(home.band)}{' at all other times' if week else ''}{outside}.")
    if home.course is not None:
        _course(sheets, home, tz)
    elif len(home.days) > 1:
        names = [f"{day.day:%d %b}" for day in home.days]
        _paid_by_day(sheets, names, [d.cost_eur for d in home.days], [d.unsteered_eur for d in home.days])
    if told := house_sentences(home):
        sheets.heading(HOUSE_HEAD)
        for sentence in told:
            sheets.paragraph(sentence)
    sheets.heading("What was done, and why")
    for act in home.acts[:MOST_ACTS]:
        mode = MODE_WORDS.get(act.mode, act.mode)
        sheets.paragraph(f"{act.at.astimezone(tz):%d %b %H:%M}   {mode} ({act.authority}): {act.reason}")
    if len(home.acts) > MOST_ACTS:
        sheets.paragraph(f"and {len(home.acts) - MOST_ACTS} changes more", is_note=True)
    sheets.paragraph(f"Changes that followed a plan, made by the price of electricity: {home.acts_by_plan}.")


def _course(sheets: Sheets, home: HomeReport, tz: ZoneInfo) -> None:
    course = home.course
    assert course is not None
    slots = len(course.slots)
    labels = {n: f"{course.slots[n].astimezone(tz):%H:%M}" for n in range(0, slots, 16)}
    price = sheets.chart("Price, EUR/MWh", 0.09)
    price.stairs(course.price_eur_per_mwh, range(slots + 1), baseline=None, color=INK, linewidth=1.2)
    energy = sheets.chart("Electricity by quarter-hour, kWh", 0.1)
    for kind in Evidence:
        if kind in course.evidence:
            kwh = [k if of is kind else 0.0 for k, of in zip(course.kwh, course.evidence, strict=True)]
            energy.stairs(kwh, range(slots + 1), fill=True, color=COLOURS[kind], label=EVIDENCE_WORDS[kind])
    energy.set_ylim(bottom=0)
    energy.legend(fontsize=7, frameon=False, loc="upper right", ncols=4, bbox_to_anchor=(1.0, 1.2))
    drawn = [price, energy]
    if course.rooms:
        rooms = sheets.chart("Room, °C; shaded: what you accept", 0.09)
        start, slot = course.slots[0], course.slots[1] - course.slots[0]
        rooms.plot([(at - start) / slot for at, _ in course.rooms], [room for _, room in course.rooms], color=HEAT)
        accepted = [home.band.at(moment) for moment in course.slots]
        tops = [one.room_max_c for one in accepted]
        lows = [one.room_min_c for one in accepted]
        rooms.stairs(tops, range(slots + 1), baseline=lows, fill=True, color=BAND)
        seen = [room for _, room in course.rooms]
        rooms.set_ylim(min(*seen, *lows) - 0.3, max(*seen, *tops) + 0.3)
        drawn.append(rooms)
    for axes in drawn:
        axes.set_xlim(0, slots)
        axes.set_xticks(list(labels), list(labels.values()))


def _paid_by_day(sheets: Sheets, names: Sequence[str], paid: Sequence[float], would: Sequence[float]) -> None:
    axes = sheets.chart("Paid by day, EUR (bars), and what the model expects unsteered (line)")
    axes.bar(range(len(paid)), paid, color=PAID)
    axes.stairs(would, [n - 0.5 for n in range(len(would) + 1)], baseline=None, color=HEAT, linewidth=1.4)
    every = max(1, len(names) // 10)
    axes.set_xticks(range(0, len(names), every), names[::every], color=SOFT)


def _with_interval(interval: Interval) -> str:
    return f"{euros(interval.mean)} ({euros(interval.low)} to {euros(interval.high)})"

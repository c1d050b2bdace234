"""The report of a demo as one HTML page that prints."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.text import Text

from console.cli.demo.report_text import DONE, VENDOR_HEADS, report_rows, span_text, vendor_rows
from console.cli.reports.fleet_pictures import fleet_pictures, pump_pictures
from console.cli.reports.parts import table, tiles, whole_page
from console.cli.reports.words import MODE_WORDS
from domain.savings.fleet_course import FleetCourse

COMMAND_HEADS = ("decided", "circuit", "asked for", "by", "writes", "ignored", "became", "seen after")
FELT = (
    '<p class="note">Read back: the setting was read from the cloud after the write. Felt: the unit’s power, supply or '
    "room then did what the setting asks for.</p>"
)
STATE_WORDS = {
    "applied": "read back",
    "effective": "read back, and felt",
    "dead_lettered": "given to a person",
}


def page_of(report: Mapping[str, Any], tz: ZoneInfo) -> str:
    """The whole page."""
    start = datetime.fromisoformat(report["start"]).astimezone(tz)
    course = None if report["course"] is None else FleetCourse.model_validate(report["course"])
    sheets = [_whole(report, start)]
    if course is not None:
        sheets.append(f"<section><h1>The day</h1>{fleet_pictures(course, tz)}</section>")
        if course.one is not None:
            sheets.append(_one(course, course.one.pump, report["commands_of_one"], tz))
    return whole_page(f"heatsteer demo, {start:%Y-%m-%d}", sheets)


def _whole(report: Mapping[str, Any], start: datetime) -> str:
    energy, commands, comfort = report["energy"], report["commands"], report["comfort"]
    paid, own = energy["price_paid_eur_per_mwh"], energy["baseline_price_paid_eur_per_mwh"]
    obeyed = sum(commands[name] for name in DONE)
    rows = [(name, Text.from_markup(sentence).plain) for name, sentence in report_rows(report)]
    return "".join(
        [
            f"<section><h1>{report['pumps']} pumps, {start:%a %d %b %Y}</h1>",
            f'<p class="lead">{report["hours"]:g} hours in a simulated world, from {start:%H:%M}: every figure is read '
            "back from ledger, simulator and Temporal</p>",
            tiles(
                ("A MWh cost", "–" if paid is None else f"{paid:.1f} EUR"),
                ("Under own control", "–" if own is None else f"{own:.1f} EUR"),
                ("Commands obeyed", f"{obeyed} of {commands['planned']}"),
                ("Levers on target", f"{report['fidelity_pct']:.1f} %"),
                ("Outside the bands", f"{comfort['kelvin_hours']:.2f} K h"),
            ),
            table(("", ""), rows).replace("<table>", '<table class="told">', 1),
            "<h2>Vendors</h2>",
            table(VENDOR_HEADS, vendor_rows(report["vendors"])),
            "</section>",
        ]
    )


def _one(course: FleetCourse, pump: str, commands: Sequence[Mapping[str, Any]], tz: ZoneInfo) -> str:
    rows = [
        (
            f"{datetime.fromisoformat(one['at']).astimezone(tz):%d %b %H:%M}",
            one["circuit"].replace("_", " "),
            MODE_WORDS.get(one["mode"], one["mode"].lower()),
            one["authority"],
            str(one["writes"]),
            str(one["ignored"]),
            STATE_WORDS.get(one["state"], one["state"].replace("_", " ")),
            "" if one["seen_after_s"] is None else span_text(one["seen_after_s"]),
        )
        for one in commands
    ]
    return (
        f'<section><h1>{pump}</h1><p class="lead">The pump that was moved most</p>{pump_pictures(course, tz)}'
        f"<h2>Its commands, and how it is known what became of them</h2>{table(COMMAND_HEADS, rows)}{FELT}</section>"
    )

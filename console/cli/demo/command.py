"""`heatsteer demo`: a market day at speed, shown while it runs and reported at the end."""

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from console.cli.demo.board import Board
from console.cli.demo.options import OUTAGE_EXAMPLE, demo_order, usual_speed
from console.cli.demo.page import page_of
from console.cli.demo.report_text import print_report
from console.cli.errors import UsageError
from console.cli.running import run
from demo.errors import DemoFailed
from demo.fleet_vendors import ALL
from demo.run import run_demo


def demo(
    pumps: Annotated[int, typer.Option(min=1, max=2000, help="Heat pumps in the fleet.")] = 12,
    hours: Annotated[float | None, typer.Option(min=0.25, max=168, help="Default: the whole market day.")] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=1440,
            help="Steered seconds per wall second; 480, less above 12 pumps, 60 where things are killed or cut.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides houses, people, weather, faults.")] = 1,
    prices: Annotated[Path | None, typer.Option(help="Energy-Charts JSON of one market day.")] = None,
    weather: Annotated[Path | None, typer.Option(help="Open-Meteo JSON that covers the day.")] = None,
    day: Annotated[str | None, typer.Option("--date", help="Market day, YYYY-MM-DD.")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="NAME=RATE, may be given several times.")] = None,
    kill_worker_every: Annotated[
        str | None, typer.Option(help="Kill a worker in turn every so much steered time: 60m, 2h.")
    ] = None,
    outage: Annotated[
        list[str] | None,
        typer.Option(help=f"VENDOR@TIME+DURATION ({OUTAGE_EXAMPLE}): cut a vendor off; may be given several times."),
    ] = None,
    oem: Annotated[
        str, typer.Option("--oem", help="Whose pumps: all, or vendors by commas; homes take them in turn.")
    ] = ALL,
    out_folder: Annotated[
        str | None, typer.Option("--out", help="Folder for report.html, report.json, truth.jsonl, commands.jsonl.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the stack up after the report.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
) -> None:
    """Steer a winter market day at speed: stack, simulator, planner and report, from one command."""
    if out_folder is not None and not out_folder.strip():
        raise UsageError("--out '' names no folder")
    out = None if out_folder is None else Path(out_folder)
    order = demo_order(
        pumps=pumps,
        hours=hours,
        speed=speed,
        seed=seed,
        prices=prices,
        weather=weather,
        day=_as_date(day),
        faults=fault or [],
        out=out,
        keep=keep,
        kill_every=kill_worker_every,
        outages=outage or [],
        oem=oem,
    )
    tz = ZoneInfo(order.staging.tz)
    board = Board(tz)
    if order.staging.speed > 2 * (usual := usual_speed(pumps)):
        board.say(
            f"--speed {order.staging.speed:g} asks more than two cores give {pumps} pumps: commands may come too late; "
            f"without it this fleet runs at {usual:g} times wall time"
        )

    def on_kept(ui_url: str) -> None:
        typer.echo(f"The stack stays up: {ui_url}  (heatsteer top, heatsteer pumps list; Ctrl-C ends it)", err=True)

    def on_report(report: dict[str, Any]) -> None:
        board.close()
        if as_json:
            typer.echo(json.dumps(report))
        else:
            print_report(report, tz)
            _where_next(keep)
        if out is not None:
            _leave_page(out, page_of(report, tz))

    with tempfile.TemporaryDirectory(prefix="heatsteer-", ignore_cleanup_errors=True) as scratch:
        Path(scratch).chmod(0o711)  # the database's own user must be able to enter when we are root
        if order.folder is None:
            order = order.in_folder(Path(scratch) / "stack")
        try:
            run(run_demo(order, board, on_report, on_kept))
        finally:
            board.close()


def _leave_page(out: Path, page: str) -> None:
    try:
        (out / "report.html").write_text(page, encoding="utf-8")
    except OSError as error:
        raise DemoFailed(f"the report is complete, but {out / 'report.html'} was not: {error.strerror}") from error
    typer.echo(f"Charts: {out / 'report.html'}", err=True)


def _where_next(keep: bool) -> None:
    if not keep:
        typer.echo(
            "Look inside: heatsteer demo --keep leaves the Temporal Web UI up; "
            "--fault silent-ignore=0.3 shows what it is for; heatsteer up runs at wall time."
        )


def _as_date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 2000 <= day.year < 2100:
        raise typer.BadParameter(f"{text!r} is no date from 2000 to 2099: write YYYY-MM-DD", param_hint="--date")
    return day

"""`heatsteer report` and `heatsteer savings experiment|import|settle`: what was saved, and what it rests on."""

from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import httpx
import typer

from application.access import Access
from application.errors import ErrorCode, Failed
from application.savings.energy_file import EnergyFile, Imported, import_energy, read_energy
from application.savings.experiments import begin_experiment
from application.savings.house_meters import Taken, take_readings
from application.savings.report import Report, make_report
from application.savings.settling import settle_by_hand
from console.cli.errors import UsageError
from console.cli.options import Change, Reading, changes, reads
from console.cli.reports.document import document_of
from console.cli.reports.page import page_of
from console.cli.reports.pdf import write_pdf
from console.cli.reports.text import print_report
from console.cli.words import TZ, counted
from domain.ports import DocumentRefused, NotPublished
from market.areas import area_of
from market.meter_sources import meter_readings
from worker_environment import settings_from_environment, tariffs_of

app = typer.Typer(help="Savings: who is compared, on what evidence.", no_args_is_help=True, rich_markup_mode=None)

Day = Annotated[datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="One market day.")]
MOST_SHOWN = 20


@app.command("experiment")
@changes
def experiment(
    call: Change,
    seed: Annotated[int, typer.Option("--seed", help="Whoever knows it can repeat the draw.")] = 1,
    begins: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day; default: in two days.")
    ] = None,
    holdout: Annotated[float, typer.Option("--holdout", help="Share of homes left neutral for four blocks.")] = 0.02,
    switchback: Annotated[float, typer.Option("--switchback", help="Share left neutral for one block of four.")] = 0.2,
    block_days: Annotated[int, typer.Option("--block-days", help="Days of a block.")] = 7,
) -> None:
    """Draw homes that are left neutral, so that savings can be measured; shares of 0 end it."""

    async def work(access: Access) -> dict[str, object]:
        found = await begin_experiment(
            access,
            call.by,
            seed=seed,
            begins=None if begins is None else begins.date(),
            today=access.now().astimezone(TZ).date(),
            holdout_share=holdout,
            switchback_share=switchback,
            block_days=block_days,
        )
        return found.model_dump(mode="json")

    found = call.on_stack(work)
    call.show(found, lambda: typer.echo(f"homes are drawn by seed {found['seed']} from {found['begins']} on"))


@app.command("import")
@changes
def import_file(
    call: Change, file: Annotated[Path, typer.Argument(metavar="ENERGY.csv", help="time,pump,kwh[,start]")]
) -> None:
    """Take over readings of lifetime counters or, with a start, totals; a file with a bad line changes nothing."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8: save it as CSV in UTF-8") from error

    async def work(access: Access) -> tuple[EnergyFile, Imported | None]:
        pumps = {row["pump_id"] for row in await access.ledger.reports.pumps()}
        found = read_energy(text, pumps)
        return found, None if found.faults else await import_energy(access, found, call.by)

    found, done = call.on_stack(work)
    if done is None:
        faults = [asdict(fault) for fault in found.faults]

        def listed() -> None:
            for fault in found.faults[:MOST_SHOWN]:
                typer.echo(str(fault))

        call.show({"lines": 0, "new": 0, "faults": faults}, listed)
        raise UsageError(f"{file}: {counted(len(faults), 'fault')}, nothing was taken over: mend them")
    call.show(
        {**asdict(done), "faults": []},
        lambda: typer.echo(f"{counted(done.lines, 'line')} read, {done.new} of them new"),
    )


@app.command("meter")
@changes
def meter(
    call: Change,
    place: Annotated[str, typer.Argument(metavar="FILE|URL", help="Whole-house energy by quarter or hour.")],
    name: Annotated[str, typer.Option("--format", help="interval-csv or interval-json.")] = "interval-csv",
) -> None:
    """Take over whole-house meter readings as a version: peaks are billed and planned by them."""

    async def work(access: Access) -> Taken:
        async with httpx.AsyncClient() as http:
            try:
                readings = await meter_readings(place, name, http)
            except (DocumentRefused, LookupError) as error:
                raise UsageError(str(error)) from error
            except NotPublished as error:
                raise Failed(ErrorCode.NOT_PUBLISHED, str(error), place=place) from error
        return await take_readings(access, readings, call.by)

    done = call.on_stack(work)
    call.show(
        asdict(done),
        lambda: typer.echo(f"{counted(done.slots, 'slot')} of {counted(done.houses, 'house')} read, {done.new} new"),
    )


@app.command("settle")
@changes
def settle(
    call: Change,
    day: Annotated[datetime, typer.Option("--day", formats=["%Y-%m-%d"], help="Market day.")],
    again: Annotated[int, typer.Option("--again", min=0, max=62, help="So many days before it as well.")] = 0,
) -> None:
    """Settle a market day now; settling again changes only what came in since."""
    result = call.on_stack(lambda access: settle_by_hand(access, day.date(), again, call.by))
    call.show(result.model_dump(mode="json"), lambda: typer.echo(result.summary))


@reads
def report(
    call: Reading,
    day: Day = None,
    month: Annotated[
        datetime | None, typer.Option("--month", formats=["%Y-%m"], help="A month, as far as it is settled.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page that prints, here.")] = None,
    pdf: Annotated[Path | None, typer.Option("--pdf", help="Write a PDF to send and to file, here.")] = None,
) -> None:
    """What a settled day or month cost, what was saved, how warm it was, what was done: for operator and households."""
    first, last = _span(day, month)

    async def work(access: Access) -> Report:
        tariffs = tariffs_of(settings_from_environment())
        return await make_report(access, first, last, tariffs, lambda price_area: area_of(price_area).tz)

    found = call.on_stack(work)
    if html is not None:
        html.write_text(page_of(found, TZ), encoding="utf-8")
    if pdf is not None:
        write_pdf(pdf, found, TZ)

    def readable() -> None:
        print_report(found)
        for file in (html, pdf):
            if file is not None:
                typer.echo(f"written to {file}")

    call.show(document_of(found), readable)


def _span(day: datetime | None, month: datetime | None) -> tuple[date, date]:
    if (day is None) is (month is None):
        raise UsageError("give either --day YYYY-MM-DD or --month YYYY-MM")
    if day is not None:
        return day.date(), day.date()
    assert month is not None
    first = month.date().replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)

"""`heatsteer enrol FILE.csv`: homes enrolled in bulk from a filled-in sheet."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from application.access import Access
from application.fleet.bulk_enrolment import BulkResult, Request, checks_of, enrol_sheet
from application.fleet.sheet import Check, read_sheet
from console.cli.clouds import clouds
from console.cli.errors import CommandFailed, UsageError
from console.cli.options import Change, changes
from console.cli.progress_lines import Counted
from console.cli.words import counted
from domain.homes.enrolment import Enrolment
from domain.planning.tariff import Tariffs
from market.areas import area_of, place_of
from market.errors import BadDocument
from worker_environment import settings_from_environment, tariffs_of
from workflows.contracts import patience_at

MOST_SHOWN = 50


@changes
def enrol(
    call: Change,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A sheet of `heatsteer accounts discover`.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask every unit, and change nothing.")] = False,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Observe only, while another system steers, until `pumps cut-over`.")
    ] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Move each new unit's lever, see it obey and give it back first.")
    ] = False,
    skip_faulty: Annotated[
        bool, typer.Option("--skip-faulty", help="Enrol the good rows of a sheet with bad ones.")
    ] = False,
) -> None:
    """Enrol every unit of a sheet that can be steered; a sheet with a bad row changes nothing. Repeat it at will."""
    if test and (dry_run or shadow):
        raise UsageError(f"--test writes to units, --{'dry-run' if dry_run else 'shadow'} does not: give one of them")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8: save it as CSV in UTF-8") from error

    async def work(access: Access) -> BulkResult:
        check = world_check(tariffs_of(settings_from_environment()))
        sheet = read_sheet(text, await checks_of(access, check))
        request = Request(dry_run=dry_run, skip_faulty=skip_faulty, shadow=shadow, trial=test)
        async with clouds(access) as world:
            patience = patience_at(access.clock.speed)
            return await enrol_sheet(access, sheet, world.adapter, patience, call.by, request, Counted("enrolled"))

    found = call.on_stack(work)
    call.show(_document(found), lambda: _print(found))
    if found.faults and not skip_faulty:
        raise UsageError(
            f"{file}: {counted(len(found.faults), 'fault')}, nothing was enrolled: mend them, or --skip-faulty"
        )
    if found.refusals:
        raise CommandFailed(
            f"{counted(len(found.refusals), 'unit')} cannot be steered as they are; the rest is enrolled"
        )


def world_check(tariffs: Tariffs) -> Check:
    """Says what is wrong with a row by the markets and tariffs that are known."""

    def check(e: Enrolment) -> dict[str, str]:
        problems = {}
        try:
            place_of(e.weather_cell, area_of(e.price_area))
        except LookupError as error:
            problems["price_area"] = str(error).removesuffix(".")
        except BadDocument as error:
            problems["weather_cell"] = str(error)
        try:
            tariffs(e.tariff)
        except LookupError as error:
            problems["tariff"] = str(error)
        return problems

    return check


def _document(found: BulkResult) -> dict[str, Any]:
    return asdict(found)


def _print(found: BulkResult) -> None:
    for fault in found.faults[:MOST_SHOWN]:
        typer.echo(str(fault))
    if len(found.faults) > MOST_SHOWN:
        typer.echo(f"and {len(found.faults) - MOST_SHOWN} more: --json lists all")
    for refusal in found.refusals[:MOST_SHOWN]:
        typer.echo(f"line {refusal.line}, {refusal.pump}: no go: {refusal.reason}")
    if len(found.refusals) > MOST_SHOWN:
        typer.echo(f"and {len(found.refusals) - MOST_SHOWN} more: --json lists all")
    would = "would be enrolled" if found.dry_run else "enrolled"
    typer.echo(f"{counted(len(found.enrolled), 'pump')} {would}, {len(found.already)} were already")

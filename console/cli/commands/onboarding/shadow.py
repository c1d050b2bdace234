"""`heatsteer shadow import|report`: what the commands of the system that steers so far really did."""

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from application.access import Access
from application.shadow.command_log import CommandLog, read_log
from application.shadow.reporting import Imported, import_log, shadow_report
from console.cli.errors import UsageError
from console.cli.options import Change, Reading, changes, reads
from console.cli.terminal import table_of, terminal
from console.cli.words import counted
from domain.shadow.audit import ShadowFigures
from oem_adapters.registry import manifest_of

app = typer.Typer(help="Shadow mode: judge the system that steers.", no_args_is_help=True, rich_markup_mode=None)

MOST_SHOWN = 20


@app.command("import")
@changes
def import_file(
    call: Change, file: Annotated[Path, typer.Argument(metavar="LOG.csv", help="time,pump,mode,http_status[,setting]")]
) -> None:
    """Take over the other system's command log; a line counts once, and a log with a bad line changes nothing."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8: save it as CSV in UTF-8") from error

    async def work(access: Access) -> tuple[CommandLog, Imported | None]:
        pumps = {row["pump_id"] for row in await access.ledger.reports.pumps()}
        log = read_log(text, pumps)
        return log, None if log.faults else await import_log(access, log, call.by)

    log, done = call.on_stack(work)
    if done is None:
        document = {"lines": 0, "new": 0, "faults": [asdict(fault) for fault in log.faults]}
        call.show(document, lambda: _print_faults(log))
        raise UsageError(f"{file}: {counted(len(log.faults), 'fault')}, nothing was taken over: mend them")
    call.show(
        {**asdict(done), "faults": []},
        lambda: typer.echo(f"{counted(done.lines, 'command')} read, {done.new} of them new: `heatsteer shadow report`"),
    )


def _print_faults(log: CommandLog) -> None:
    for fault in log.faults[:MOST_SHOWN]:
        typer.echo(str(fault))
    if len(log.faults) > MOST_SHOWN:
        typer.echo(f"and {len(log.faults) - MOST_SHOWN} more: --json lists all")


@app.command("report")
@reads
def report(call: Reading) -> None:
    """By vendor: how many of its successes were never applied, and how late the others were."""

    def in_flight(oem: str) -> timedelta:
        return manifest_of(oem).timing.longest_in_flight

    found = call.on_stack(lambda access: shadow_report(access, in_flight))

    def readable() -> None:
        if not found:
            typer.echo("no command of another system is known: `heatsteer shadow import LOG.csv` first")
            return
        columns = ("oem", "pumps", "commands", "2xx", "applied", "never", "share", "no change", "unseen", "p50", "p95")
        table = table_of(*columns)
        for one in found:
            table.add_row(*_row(one))
        terminal().print(table)

    call.show([one.model_dump(mode="json") for one in found], readable)


def _row(one: ShadowFigures) -> tuple[str, ...]:
    share = "-" if one.never_applied_pct is None else f"{one.never_applied_pct:.1f} %"
    delays = ["-" if delay is None else f"{delay / 60:.0f} min" for delay in (one.delay_s_p50, one.delay_s_p95)]
    counts = (one.pumps, one.commands, one.accepted, one.applied, one.never_applied)
    return (one.oem, *map(str, counts), share, str(one.no_change), str(one.unseen), *delays)

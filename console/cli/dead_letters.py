"""`heatsteer dead-letters ...`: commands that ran out of time, with their owners; retried or discarded by a person."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer

from application import dead_letters as letters
from application.dead_letters import RAISED_AT_MOST_KW, RETRIED_OVER, Due, Letter
from application.errors import Failed, WrongInput
from application.orders import Delivery
from application.overrides import signed
from console.access import Access
from console.cli.options import Folder, Json, Who, Why, local, show, table_of, with_access
from console.cli.progress_lines import Counted
from console.cli.terminal import paper
from console.cli.time_parsing import counted, parse_duration
from domain.modes import HotWaterMode, Mode

app = typer.Typer(help="Commands that ran out of time while still wished.", no_args_is_help=True, rich_markup_mode=None)

CommandId = Annotated[str, typer.Argument(metavar="COMMAND")]


@app.command("list")
def list_letters(folder: Folder = None, as_json: Json = False) -> None:
    """Every dead letter that nothing made up for: command, pump, wish, since when, why, and whose it is to mend."""
    found = with_access(folder, letters.letters)

    def readable() -> None:
        if not found:
            typer.echo("no dead letters")
            return
        table = table_of("command", "pump", "wish", "since", "times", "reason", "owner")
        for one in found:
            target = f"{one.target} by {one.authority}"
            table.add_row(one.command, one.pump, target, local(one.since), str(one.times), one.reason, one.owner)
        paper().print(table)

    show([asdict(one) for one in found], as_json, readable)


@app.command("retry")
def retry(
    who: Who,
    why: Why,
    command: Annotated[str | None, typer.Argument(metavar="[COMMAND]")] = None,
    every: Annotated[bool, typer.Option("--all", help="All dead letters, spread over a time.")] = False,
    over: Annotated[
        str | None,
        typer.Option(
            "--over",
            help="With --all: spread evenly over this (steered); "
            f"default {RETRIED_OVER // timedelta(minutes=1)}m, 0m for none.",
        ),
    ] = None,
    at_most_kw: Annotated[
        float | None,
        typer.Option(
            "--at-most-kw",
            help="With --all: electric power raised in any five minutes; "
            f"default {RAISED_AT_MOST_KW:g}, or one pump's where it takes more.",
        ),
    ] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Try the newest wish of a dead letter's pump again now; with --all of every one, within safe limits or yours."""
    by = signed(who, why)
    if (command is None) == (not every):
        raise WrongInput("name one COMMAND, or say --all")
    if not every and (over is not None or at_most_kw is not None):
        raise WrongInput("--over and --at-most-kw go with --all")
    if at_most_kw is not None and not 0 < at_most_kw < float("inf"):
        raise WrongInput(f"--at-most-kw {at_most_kw:g}: give a power in kW")
    spread_over = parse_duration(over, "--over", or_none=True) if over is not None else None

    async def one(access: Access) -> tuple[Letter, str]:
        letter = await letters.letter_of(access, command or "")
        return letter, await letters.retry_one(access, letter, by)

    async def all_of_them(access: Access) -> tuple[list[Due], Delivery, dict[str, str]]:
        found = await letters.letters(access)
        kw = await letters.raised_by(access, found)
        schedule = letters.safely_spread(found, kw, spread_over, at_most_kw)
        return schedule, *await letters.retry_all(access, schedule, by, Counted("retried"))

    if every:
        _report_all(*with_access(folder, all_of_them), as_json)
        return
    letter, target = with_access(folder, one)
    document = {"command": letter.command, "pump": letter.pump, "wish": target}
    show(document, as_json, lambda: typer.echo(f"{letter.pump}: {target} is wished now and tried again"))


def _report_all(schedule: list[Due], told: Delivery, targets: dict[str, str], as_json: bool) -> None:
    document: dict[str, Any] = {
        "retried": [
            {
                "command": due.letter.command,
                "pump": due.letter.pump,
                "wish": targets[due.letter.command],
                "after_s": due.after.total_seconds(),
                "raised_kw": round(due.raised_kw, 3),
            }
            for due in schedule
            if due.letter.command in targets
        ],
        "problems": told.problems,
    }
    show(document, as_json, lambda: typer.echo(f"{counted(len(told.done), 'dead letter')} retried"))
    if told.problems:
        first = next(iter(told.problems.values()))
        raise Failed(f"{counted(len(told.problems), 'dead letter')} could not be retried; the first: {first}")


@app.command("discard")
def discard(command: CommandId, who: Who, why: Why, folder: Folder = None, as_json: Json = False) -> None:
    """Give a dead letter's wish up until it changes; it is listed no more. Back to neutral is tried on all the same."""
    by = signed(who, why)

    async def work(access: Access) -> Letter:
        letter = await letters.letter_of(access, command)
        await letters.discard(access, letter, by)
        return letter

    letter = with_access(folder, work)
    is_neutral = letter.target in (Mode.LOW, HotWaterMode.NORMAL)
    then = "is neutral, and tried on; the letter is put away" if is_neutral else "is given up until the wish changes"
    show(asdict(letter), as_json, lambda: typer.echo(f"{letter.pump}: {letter.target} {then}"))

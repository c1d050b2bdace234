"""`heatsteer dead-letters ...`: commands that ran out of time, with their owners; retried or discarded by a person."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

import typer

from application.access import Access
from application.fan_out import Delivery
from application.steering import dead_letters
from application.steering.dead_letters import RAISED_AT_MOST_KW, RETRIED_OVER, DeadLetter, Due
from console.cli.errors import CommandFailed, UsageError
from console.cli.options import Change, Reading, changes, reads
from console.cli.progress_lines import Counted
from console.cli.terminal import table_of, terminal
from console.cli.time_parsing import parse_duration
from console.cli.words import counted, local
from domain.modes import HotWaterMode, Mode

app = typer.Typer(help="Commands that ran out of time while still wanted.", no_args_is_help=True, rich_markup_mode=None)

CommandId = Annotated[str, typer.Argument(metavar="COMMAND")]
Over = Annotated[
    str | None,
    typer.Option(
        "--over",
        help="With --all: spread evenly over this (steered); "
        f"default {RETRIED_OVER // timedelta(minutes=1)}m, 0m for none.",
    ),
]
AtMostKw = Annotated[
    float | None,
    typer.Option(
        "--at-most-kw",
        help="With --all: electric power raised in any five minutes; "
        f"default {RAISED_AT_MOST_KW:g}, or one pump's where it takes more.",
    ),
]


@app.command("list")
@reads
def list_dead_letters(call: Reading) -> None:
    """Every dead letter not made up for: command, pump, target, since when, why, and who has to fix it."""
    found = call.on_stack(dead_letters.dead_letters)

    def readable() -> None:
        if not found:
            typer.echo("no dead letters")
            return
        table = table_of("command", "pump", "target", "since", "times", "reason", "owner")
        for one in found:
            target = f"{one.target} by {one.authority}"
            table.add_row(one.command, one.pump, target, local(one.since), str(one.times), one.reason, one.owner)
        terminal().print(table)

    call.show([asdict(one) for one in found], readable)


@app.command("retry")
@changes
def retry(
    call: Change,
    command: Annotated[str | None, typer.Argument(metavar="[COMMAND]")] = None,
    every: Annotated[bool, typer.Option("--all", help="All dead letters, spread over a time.")] = False,
    over: Over = None,
    at_most_kw: AtMostKw = None,
) -> None:
    """Try the newest target of a dead letter's pump again now; with --all of every one, within limits."""
    if (command is None) == (not every):
        raise UsageError("name one COMMAND, or give --all")
    if not every and (over is not None or at_most_kw is not None):
        raise UsageError("--over and --at-most-kw go with --all")
    if at_most_kw is not None and not 0 < at_most_kw < float("inf"):
        raise UsageError(f"--at-most-kw {at_most_kw:g}: give a power in kW")
    spread_over = parse_duration(over, "--over", or_none=True) if over is not None else None
    if command is None:
        _retry_all(call, spread_over, at_most_kw)
    else:
        _retry_one(call, command)


def _retry_one(call: Change, command: str) -> None:
    async def work(access: Access) -> tuple[DeadLetter, str]:
        letter = await dead_letters.dead_letter_of(access, command)
        return letter, await dead_letters.retry_one(access, letter, call.by)

    letter, target = call.on_stack(work)
    document = {"command": letter.command, "pump": letter.pump, "target": target}
    call.show(document, lambda: typer.echo(f"{letter.pump}: the target is {target} now, and it is tried again"))


def _retry_all(call: Change, over: timedelta | None, at_most_kw: float | None) -> None:
    async def work(access: Access) -> tuple[list[Due], Delivery, dict[str, str]]:
        found = await dead_letters.dead_letters(access)
        kw = await dead_letters.raised_by(access, found)
        schedule = dead_letters.safely_spread(found, kw, over, at_most_kw)
        return schedule, *await dead_letters.retry_all(access, schedule, call.by, Counted("retried"))

    schedule, delivery, targets = call.on_stack(work)
    document: dict[str, Any] = {
        "retried": [
            {
                "command": due.letter.command,
                "pump": due.letter.pump,
                "target": targets[due.letter.command],
                "after_s": due.after.total_seconds(),
                "raised_kw": round(due.raised_kw, 3),
            }
            for due in schedule
            if due.letter.command in targets
        ],
        "problems": delivery.problems,
    }
    call.show(document, lambda: typer.echo(f"{counted(len(delivery.done), 'dead letter')} retried"))
    if delivery.problems:
        first = next(iter(delivery.problems.values()))
        missed = counted(len(delivery.problems), "dead letter")
        raise CommandFailed(f"{missed} could not be retried; the first: {first}")


@app.command("discard")
@changes
def discard(call: Change, command: CommandId) -> None:
    """Give up a dead letter's target until the target changes; it is listed no more. Neutral is never given up."""

    async def work(access: Access) -> DeadLetter:
        letter = await dead_letters.dead_letter_of(access, command)
        await dead_letters.discard(access, letter, call.by)
        return letter

    letter = call.on_stack(work)
    is_neutral = letter.target in (Mode.LOW, HotWaterMode.NORMAL)
    then = "is neutral and goes on being tried; it is listed no more" if is_neutral else "is given up until it changes"
    call.show(asdict(letter), lambda: typer.echo(f"{letter.pump}: {letter.target} {then}"))

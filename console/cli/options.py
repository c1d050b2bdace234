"""What all commands share: their common options, and how they open a stack, do their work and print."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from pydantic import BaseModel
from rich.table import Table

from application.errors import WrongInput
from console.access import Access, reach
from console.cli.running import run
from console.cli.time_parsing import parse_duration, parse_until

TZ = ZoneInfo("Europe/Berlin")

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Folder = Annotated[Path | None, typer.Option("--dir", help="The stack's folder; default: the one running under ./var.")]
Who = Annotated[str, typer.Option("--who", help="Who asks for it (a role or id, no full name needed).")]
Why = Annotated[str, typer.Option("--why", help="Why; kept in the audit trail.")]
PumpId = Annotated[str, typer.Argument(metavar="PUMP")]
Until = Annotated[str | None, typer.Option("--until", help="18:30 or 2026-01-15T18:30 (local time).")]
For = Annotated[str | None, typer.Option("--for", help="90m, 2h, 1d12h.")]

End = Callable[[datetime], datetime]
"""From the steered time at which it is asked to the end that was meant."""


def end_of(until: str | None, duration: str | None, default: timedelta | None = None) -> End:
    """The end that a person gave, checked before anything is connected; WrongInput where it is none or two."""
    if until is not None and duration is not None:
        raise WrongInput("give one end: either --until 18:30 or --for 2h")
    if duration is not None:
        lasts = parse_duration(duration)
        return lambda now: now + lasts
    if until is not None:
        parse_until(until, datetime.now(UTC), TZ)
        return lambda now: parse_until(until, now, TZ)
    if default is None:
        raise WrongInput("give an end: either --until 18:30 or --for 2h")
    return lambda now: now + default


def with_access[T](folder: Path | None, work: Callable[[Access], Awaitable[T]]) -> T:
    """Do the work on the running stack."""

    async def opened() -> T:
        async with reach(folder) as access:
            return await work(access)

    return run(opened())


def show(document: Any, as_json: bool, readable: Callable[[], None]) -> None:
    """One JSON document on stdout, or what is readable."""
    if as_json:
        typer.echo(json.dumps(document, default=plain))
    else:
        readable()


def plain(value: object) -> Any:
    """What JSON has no word for."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return value.isoformat() if isinstance(value, datetime) else str(value)


def table_of(*columns: str) -> Table:
    """A table without lines."""
    table = Table(box=None, header_style="bold")
    for name in columns:
        table.add_column(name)
    return table


def local(moment: datetime | None) -> str:
    """A moment as people here read it; "-" for none."""
    return "-" if moment is None else f"{moment.astimezone(TZ):%d %b %H:%M}"


def clock_of(moment: datetime) -> str:
    """Its local time of day."""
    return f"{moment.astimezone(TZ):%H:%M}"


def level_word(level: StrEnum | None) -> str:
    """A level, or unknown."""
    return "unknown" if level is None else level.value

"""What all commands share: the options that each of them repeats, and how they do their work and print.

`@reads` and `@changes` add those options to a command; its first parameter receives their values.
"""

import functools
import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Concatenate

import typer
from pydantic import BaseModel

from application.access import Access
from application.audit_log import Actor
from console.access import reach
from console.cli.running import run

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Folder = Annotated[Path | None, typer.Option("--dir", help="The stack's folder; default: the one running under ./var.")]
Who = Annotated[str, typer.Option("--who", help="Who asks for it: a role or an id, no full name needed.")]
Why = Annotated[str, typer.Option("--why", help="Why; kept in the audit log.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw it into a picture as well.")]
PumpId = Annotated[str, typer.Argument(metavar="PUMP")]


@dataclass(frozen=True)
class Reading:
    """The shared options of a command that reads."""

    folder: Path | None
    as_json: bool

    def on_stack[T](self, work: Callable[[Access], Awaitable[T]]) -> T:
        """Do the work on the running stack."""
        return with_access(self.folder, work)

    def show(self, document: Any, readable: Callable[[], None]) -> None:
        """One JSON document on stdout, or what is readable."""
        show(document, self.as_json, readable)


@dataclass(frozen=True)
class Change(Reading):
    """The shared options of a command that changes something."""

    by: Actor


def reads[**P](command: Callable[Concatenate[Reading, P], None]) -> Callable[..., None]:
    """Add `--dir` and `--json`."""
    options = [_option("folder", Folder, None), _option("as_json", Json, False)]
    return _with_options(command, options, Reading)


def changes[**P](command: Callable[Concatenate[Change, P], None]) -> Callable[..., None]:
    """Add `--who`, `--why`, `--dir` and `--json`."""

    def signed(folder: Path | None, as_json: bool, who: str, why: str) -> Change:
        return Change(folder, as_json, Actor(who, why))

    options = [
        _option("who", Who),
        _option("why", Why),
        _option("folder", Folder, None),
        _option("as_json", Json, False),
    ]
    return _with_options(command, options, signed)


def _option(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _with_options(
    command: Callable[..., None], options: list[inspect.Parameter], receive: Callable[..., Any]
) -> Callable[..., None]:
    """The command with options in place of its first parameter, which gets what `receive` makes of them.

    typer reads a command's options from its signature and passes all of them by name.
    """
    own = [p.replace(kind=p.kind.KEYWORD_ONLY) for p in list(inspect.signature(command).parameters.values())[1:]]

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        shared = {option.name: given.pop(option.name) for option in options}
        command(receive(**shared), **given)

    signature = inspect.Signature([*own, *options])
    with_options.__signature__ = signature  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    del with_options.__wrapped__
    return with_options


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
    """A value that JSON has no type for."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return value.isoformat() if isinstance(value, datetime) else str(value)

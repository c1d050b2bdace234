"""`heatsteer area ...`: limits, blackouts and backup power of a grid area, all its pumps at once, or of one pump."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from application import orders
from application.errors import WrongInput
from application.orders import OrderResult
from application.overrides import Actor, signed
from application.scopes import is_meant, scope_of
from console.access import Access
from console.cli.fleet import complain, interruptible, lift, words
from console.cli.options import End, Folder, For, Json, Until, Who, Why, end_of, local, show, table_of, with_access
from console.cli.progress_lines import Counted
from console.cli.terminal import paper
from console.cli.time_parsing import counted
from domain.modes import Mode
from domain.steering.orders import Order, OrderKind

area = typer.Typer(help="Grid areas: limits, blackouts, backup power.", no_args_is_help=True, rich_markup_mode=None)

AreaName = Annotated[str, typer.Argument(metavar="AREA", help="A grid area, as enrolled.")]
AreaOrNot = Annotated[str | None, typer.Argument(metavar="AREA", help="A grid area, as enrolled.")]
OnePump = Annotated[str | None, typer.Option("--pump", metavar="PUMP", help="One pump's site, in place of an area.")]
_OF_AREAS = (OrderKind.LIMIT, OrderKind.BLACKOUT, OrderKind.BACKUP)


class Cap(StrEnum):
    """The highest mode under a limit."""

    MIN = "MIN"
    LOW = "LOW"


@area.command("limit")
def limit(
    name: AreaName,
    cap: Annotated[Cap, typer.Option("--cap", case_sensitive=False, help="The highest mode allowed.")],
    who: Who,
    why: Why,
    until: Until = None,
    duration: For = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """The grid takes no more than a mode, for at most 24 hours; rooms below their floor are warmed all the same."""
    end = end_of(until, duration)
    _impose(OrderKind.LIMIT, scope_of(area=name), signed(who, why), end, folder, as_json, Mode(cap.value))


@area.command("blackout")
def blackout(
    who: Who,
    why: Why,
    name: AreaOrNot = None,
    pump: OnePump = None,
    until: Until = None,
    duration: For = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """No power: nothing is written until it is back (released, or at an end); pumps then return one after another."""
    scope = _site(name, pump)
    _impose(OrderKind.BLACKOUT, scope, signed(who, why), _perhaps(until, duration), folder, as_json)


@area.command("backup")
def backup(
    who: Who,
    why: Why,
    name: AreaOrNot = None,
    pump: OnePump = None,
    until: Until = None,
    duration: For = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """The site runs on batteries or a generator: as little as the floors allow, until released or at an end."""
    scope = _site(name, pump)
    _impose(OrderKind.BACKUP, scope, signed(who, why), _perhaps(until, duration), folder, as_json)


@area.command("release")
def release(
    who: Who, why: Why, name: AreaOrNot = None, pump: OnePump = None, folder: Folder = None, as_json: Json = False
) -> None:
    """Lift every limit, blackout and backup of an area or a pump; pumps return one after another within 15 minutes."""
    by, scope = signed(who, why), _site(name, pump)
    lift(lambda access: orders.standing_of(access, scope, _OF_AREAS), by, folder, as_json)


@area.command("list")
def list_areas(folder: Folder = None, as_json: Json = False) -> None:
    """Every grid area with its pumps and what is imposed on it."""

    async def work(access: Access) -> list[dict[str, Any]]:
        standing = await access.orders.standing(access.now())
        profiles = await access.ledger.pumps.active()
        return [
            {
                "area": name,
                "pumps": len(of_area),
                "rated_heat_kw": sum(p.enrolment.rated_heat_kw for p in of_area),
                "orders": [o.model_dump(mode="json") for o in standing if any(is_meant(o.scope, p) for p in of_area)],
            }
            for name in sorted({p.enrolment.grid_area for p in profiles})
            for of_area in [[p for p in profiles if p.enrolment.grid_area == name]]
        ]

    rows = with_access(folder, work)

    def readable() -> None:
        table = table_of("area", "pumps", "rated heat", "orders")
        for row in rows:
            imposed = "; ".join(words(Order.model_validate(o)) for o in row["orders"])
            table.add_row(row["area"], str(row["pumps"]), f"{row['rated_heat_kw']:.0f} kW", imposed)
        paper().print(table)

    show(rows, as_json, readable)


def _impose(
    kind: OrderKind, scope: str, by: Actor, end: End | None, folder: Path | None, as_json: bool, cap: Mode | None = None
) -> None:
    standing: list[Order] = []

    async def work(access: Access) -> OrderResult:
        tally = Counted("told")
        return await orders.give(access, kind, scope, by, cap=cap, end=end, on_given=standing.append, tally=tally)

    given = interruptible(lambda: with_access(folder, work), standing)
    document = {
        "order": given.order,
        "is_new": given.is_new,
        "pumps": len(given.profiles),
        "told": given.told.done,
        "problems": given.told.problems,
    }
    until = f" until {local(given.order.until)}" if given.order.until else " until it is released"
    word = "stands for" if given.is_new else "stood already and was given again to"
    pumps = counted(len(given.told.done), "pump")
    show(document, as_json, lambda: typer.echo(f"{given.order.order_id}: {words(given.order)} {word} {pumps}{until}"))
    complain(given.told, f"order {given.order.order_id} stands; say it again to reach those that did not hear of it")


def _site(name: str | None, pump: str | None) -> str:
    """The scope of a grid area or of one pump; WrongInput where both are named, or neither."""
    if (name is None) == (pump is None):
        raise WrongInput("name either a grid area or one pump with --pump")
    return scope_of(area=name, pump=pump)


def _perhaps(until: str | None, duration: str | None) -> Callable[[datetime], datetime] | None:
    return end_of(until, duration) if until is not None or duration is not None else None

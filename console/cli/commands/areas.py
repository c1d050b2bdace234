"""`heatsteer area ...`: limits, blackouts and backup power of a grid area, all its pumps at once, or of one pump."""

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from application.access import Access
from application.fleet.areas import grid_areas
from application.scopes import scope_of
from application.steering import orders
from application.steering.orders import OrderResult
from console.cli.commands.order_commands import fail_where_undelivered, interruptible, lift, order_words
from console.cli.errors import UsageError
from console.cli.options import Change, Reading, changes, reads
from console.cli.progress_lines import Counted
from console.cli.terminal import table_of, terminal
from console.cli.time_parsing import End, For, Until, end_of
from console.cli.words import counted, local
from domain.modes import Mode
from domain.steering.orders import Order, OrderKind

area = typer.Typer(help="Grid areas: limits, blackouts, backup power.", no_args_is_help=True, rich_markup_mode=None)

AreaOrNot = Annotated[str | None, typer.Argument(metavar="AREA", help="A grid area, as enrolled.")]
OnePump = Annotated[str | None, typer.Option("--pump", metavar="PUMP", help="One pump's site, in place of an area.")]
_OF_AREAS = (OrderKind.LIMIT, OrderKind.SECTION_14A, OrderKind.BLACKOUT, OrderKind.BACKUP)


class Cap(StrEnum):
    """The highest mode under a limit."""

    MIN = "MIN"
    LOW = "LOW"


@area.command("limit")
@changes
def limit(
    call: Change,
    name: AreaOrNot = None,
    pump: OnePump = None,
    cap: Annotated[Cap | None, typer.Option("--cap", case_sensitive=False, help="The highest mode allowed.")] = None,
    section_14a: Annotated[
        float | None,
        typer.Option(
            "--section-14a", metavar="KW", help="Dimmed by the grid operator under section 14a EnWG to so much."
        ),
    ] = None,
    connection: Annotated[
        float | None,
        typer.Option("--connection-kw", metavar="KW", help="The pump's connection power with its heater, if known."),
    ] = None,
    until: Until = None,
    duration: For = None,
) -> None:
    """Allow no more than a mode, for at most 24 hours; rooms below their floor are heated all the same.

    Under section 14a each heat pump keeps 4.2 kW, or 0.4 of a connection power of more than 11 kW. No cloud takes a
    limit in kilowatts: nothing of ours raises a pump meanwhile, and the unit itself is held by its control box.
    """
    if (cap is None) == (section_14a is None):
        raise UsageError("say what is allowed: either --cap MIN or LOW, or --section-14a KW")
    if connection is not None and (pump is None or section_14a is None):
        raise UsageError("--connection-kw is of one pump (--pump) under --section-14a")
    scope, end = _site(name, pump), end_of(until, duration)
    if cap is not None:
        _impose(call, OrderKind.LIMIT, scope, end, Mode(cap.value))
    else:
        _impose(call, OrderKind.SECTION_14A, scope, end, limit_kw=section_14a, connected_kw=connection)


@area.command("blackout")
@changes
def blackout(
    call: Change, name: AreaOrNot = None, pump: OnePump = None, until: Until = None, duration: For = None
) -> None:
    """No power: nothing is written until release or an end; pumps then come back one after another."""
    _impose(call, OrderKind.BLACKOUT, _site(name, pump), _end_or_none(until, duration))


@area.command("backup")
@changes
def backup(
    call: Change, name: AreaOrNot = None, pump: OnePump = None, until: Until = None, duration: For = None
) -> None:
    """The site runs on batteries or a generator: as little as the floors allow, until release or an end."""
    _impose(call, OrderKind.BACKUP, _site(name, pump), _end_or_none(until, duration))


@area.command("release")
@changes
def release(call: Change, name: AreaOrNot = None, pump: OnePump = None) -> None:
    """Lift every limit, blackout and backup of an area or a pump; pumps come back within 15 minutes, staggered."""
    scope = _site(name, pump)
    lift(call, lambda access: orders.standing_of(access, scope, _OF_AREAS))


@area.command("list")
@reads
def list_areas(call: Reading) -> None:
    """Every grid area with its pumps and the orders in force for it."""
    found = call.on_stack(grid_areas)

    def readable() -> None:
        table = table_of("area", "pumps", "rated heat", "orders")
        for one in found:
            imposed = "; ".join(order_words(order) for order in one.orders)
            table.add_row(one.area, str(one.pumps), f"{one.rated_heat_kw:.0f} kW", imposed)
        terminal().print(table)

    call.show([asdict(one) for one in found], readable)


def _impose(
    call: Change,
    kind: OrderKind,
    scope: str,
    end: End | None,
    cap: Mode | None = None,
    limit_kw: float | None = None,
    connected_kw: float | None = None,
) -> None:
    standing: list[Order] = []

    async def work(access: Access) -> OrderResult:
        progress = Counted("told")
        return await orders.give(
            access,
            kind,
            scope,
            call.by,
            cap=cap,
            limit_kw=limit_kw,
            connected_kw=connected_kw,
            end=end,
            on_given=standing.append,
            on_progress=progress,
        )

    given = interruptible(lambda: call.on_stack(work), standing)
    delivery = given.delivery
    document = {
        "order": given.order,
        "is_new": given.is_new,
        "pumps": len(given.profiles),
        "told": delivery.done,
        "problems": delivery.problems,
    }
    until = f" until {local(given.order.until)}" if given.order.until else " until it is released"
    what = "is in force for" if given.is_new else "was in force already and was sent again to"
    sentence = f"{given.order.order_id}: {order_words(given.order)} {what} {counted(len(delivery.done), 'pump')}{until}"
    may_exceed = {
        p.enrolment.pump_id: round(p.enrolment.nameplate_kw, 1)
        for p in given.profiles
        if limit_kw is not None and p.enrolment.nameplate_kw > limit_kw
    }

    def readable() -> None:
        typer.echo(sentence)
        if may_exceed:
            pump, kw = max(may_exceed.items(), key=lambda one: one[1])
            typer.echo(
                f"{counted(len(may_exceed), 'pump')} may draw more by their own control ({pump} up to {kw:g} kW): "
                "their control boxes hold them, we do not"
            )

    call.show(document | {"may_exceed_kw": may_exceed}, readable)
    fail_where_undelivered(
        delivery, f"order {given.order.order_id} is in force; repeat the command to reach the pumps that were missed"
    )


def _site(name: str | None, pump: str | None) -> str:
    """The scope of a grid area or of one pump; raises UsageError where both are named, or neither."""
    if (name is None) == (pump is None):
        raise UsageError("name either a grid area or one pump with --pump")
    return scope_of(area=name, pump=pump)


def _end_or_none(until: str | None, duration: str | None) -> End | None:
    return end_of(until, duration) if until is not None or duration is not None else None

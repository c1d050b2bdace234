"""`heatsteer fleet stop|resume|orders`: stopping plans for many pumps at once, and what all orders share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from application import orders
from application.errors import Failed
from application.orders import Delivery, Neutrality, OrderResult
from application.overrides import Actor, signed
from application.scopes import scope_of
from console.access import Access
from console.cli.options import Folder, Json, Who, Why, local, show, table_of, with_access
from console.cli.progress_lines import Counted
from console.cli.running import Interrupted
from console.cli.terminal import paper
from console.cli.time_parsing import counted, parse_duration
from domain.steering.orders import Order, OrderKind

fleet = typer.Typer(help="Stop plans, for all pumps or some, and go on.", no_args_is_help=True, rich_markup_mode=None)

OneOem = Annotated[str | None, typer.Option("--oem", help="Only one vendor's pumps.")]
OneSegment = Annotated[str | None, typer.Option("--segment", help="Only one segment's; its beginning is enough.")]
OneArea = Annotated[str | None, typer.Option("--area", help="Only one grid area's.")]
OnePlan = Annotated[int | None, typer.Option("--plan", min=1, help="Only one plan's, by its revision.")]


@fleet.command("stop")
def stop(
    who: Who,
    why: Why,
    oem: OneOem = None,
    segment: OneSegment = None,
    grid_area: OneArea = None,
    plan: OnePlan = None,
    wait: Annotated[str, typer.Option("--wait", help="How long to look until all are in neutral (steered).")] = "10m",
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Stop plans: every pump goes to neutral, unless something stronger is wished, and is seen there."""
    by, scope = signed(who, why), scope_of(oem, segment, grid_area, plan)
    patience = parse_duration(wait, "--wait", or_none=True)
    tally = Counted("told")
    standing: list[Order] = []
    looks = Counted("seen in neutral")

    async def work(access: Access) -> tuple[OrderResult, Neutrality]:
        given = await orders.give(access, OrderKind.STOP, scope, by, on_given=standing.append, tally=tally)
        seen = 0

        def look(now: Neutrality) -> None:
            nonlocal seen
            if len(now.verified) != seen:
                seen = len(now.verified)
                looks(seen, len(given.profiles) - len(now.by_others))

        return given, await orders.wait_for_neutral(access, given, patience, look)

    given, found = interruptible(lambda: with_access(folder, work), standing)
    document = {
        "order": given.order,
        "is_new": given.is_new,
        "pumps": len(given.profiles),
        "told": len(given.told.done),
        "verified": found.verified,
        "by_others": found.by_others,
        "stragglers": found.stragglers,
    }
    show(document, as_json, lambda: _print_stop(given, found))
    if found.stragglers:
        raise Failed(
            f"{counted(len(found.stragglers), 'pump')} of {len(given.profiles)} not seen in neutral within {wait}; "
            f"order {given.order.order_id} stands and they are brought there as soon as they can be"
        )


def _print_stop(given: OrderResult, found: Neutrality) -> None:
    word = "stands" if given.is_new else "stood already and was given again"
    typer.echo(f"{given.order.order_id} ({given.order.scope}) {word}")
    typer.echo(f"{len(found.verified)} of {counted(len(given.profiles), 'pump')} seen in neutral")
    for pump, why in found.by_others.items():
        typer.echo(f"  {pump} does what outranks a stop: {why}")
    for pump, why in found.stragglers.items():
        typer.echo(f"  {pump} not in neutral: {why}")


@fleet.command("resume")
def resume(
    who: Who,
    why: Why,
    oem: OneOem = None,
    segment: OneSegment = None,
    grid_area: OneArea = None,
    plan: OnePlan = None,
    order: Annotated[str | None, typer.Option("--order", help="Lift this order, of whatever kind and scope.")] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Lift what `fleet stop` with the same words imposed; pumps go back to their plans within 15 minutes."""
    by, scope = signed(who, why), scope_of(oem, segment, grid_area, plan)

    async def named(access: Access) -> list[Order]:
        if order is not None:
            return [await orders.order_named(access, order)]
        return await orders.standing_of(access, scope, (OrderKind.STOP,))

    lift(named, by, folder, as_json)


@fleet.command("orders")
def list_orders(
    every: Annotated[bool, typer.Option("--all", help="Those lifted or ended too.")] = False,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """What stands: every order with its scope, since when, who and why."""

    async def work(access: Access) -> Sequence[Order]:
        return await (access.orders.given() if every else access.orders.standing(access.now()))

    found = with_access(folder, work)

    def readable() -> None:
        if not found:
            typer.echo("no order stands")
            return
        table = table_of("order", "what", "since", "until", "lifted", "who", "why")
        for o in found:
            ends = (local(o.since), local(o.until), local(o.lifted_at))
            table.add_row(o.order_id, words(o), *ends, o.who, o.why)
        paper().print(table)

    show([o.model_dump(mode="json") for o in found], as_json, readable)


def lift(find: Callable[[Access], Any], by: Actor, folder: Path | None, as_json: bool) -> None:
    """Find orders and lift them; Failed where a pump did not hear of it."""

    async def work(access: Access) -> tuple[list[Order], dict[str, Delivery]]:
        found: list[Order] = await find(access)
        return found, await orders.lift(access, found, by, Counted("told"))

    found, outcome = with_access(folder, work)
    document = {
        o.order_id: {"scope": o.scope, "told": outcome[o.order_id].done, "problems": outcome[o.order_id].problems}
        for o in found
    }

    def readable() -> None:
        for o in found:
            told = outcome[o.order_id]
            word = "still stands, lifted" if told.problems else "lifted"
            typer.echo(f"{o.order_id}: {words(o)} {word} on {counted(len(told.done), 'pump')}")

    show(document, as_json, readable)
    for told in outcome.values():
        complain(told, "say it again to reach those that did not hear of it")


def complain(told: Delivery, way_out: str) -> None:
    """Raise Failed where some pumps could not be told."""
    if told.problems:
        first = next(iter(told.problems.items()))
        raise Failed(f"{counted(len(told.problems), 'pump')} could not be told ({first[0]}: {first[1]}); {way_out}")


def interruptible[T](work: Callable[[], T], standing: list[Order]) -> T:
    """Do it; an interruption says what stands."""
    try:
        return work()
    except Interrupted:
        if standing:
            raise Interrupted(
                f"interrupted; order {standing[0].order_id} ({standing[0].scope}) stands: say the same again to go on, "
                f"or lift it with `heatsteer fleet resume --order {standing[0].order_id}`"
            ) from None
        raise


def words(order: Order) -> str:
    """An order in a few words."""
    cap = f" at most {order.cap.value}" if order.cap else ""
    return f"{order.kind.value}{cap} ({order.scope})"

"""`heatsteer fleet stop|resume|orders`: stopping plans for many pumps at once."""

from collections.abc import Sequence
from typing import Annotated

import typer

from application.access import Access
from application.scopes import scope_of
from application.steering import orders
from application.steering.neutrality import Neutrality, wait_for_neutral
from application.steering.orders import OrderResult
from console.cli.commands.order_commands import interruptible, lift, order_words
from console.cli.errors import CommandFailed
from console.cli.options import Change, Reading, changes, reads
from console.cli.progress_lines import Counted
from console.cli.terminal import table_of, terminal
from console.cli.time_parsing import parse_duration
from console.cli.words import counted, local
from domain.steering.orders import Order, OrderKind

fleet = typer.Typer(
    help="Stop the plans of all pumps or some, and resume them.", no_args_is_help=True, rich_markup_mode=None
)

OneOem = Annotated[str | None, typer.Option("--oem", help="Only one vendor's pumps.")]
OneSegment = Annotated[str | None, typer.Option("--segment", help="Only one segment's; its beginning is enough.")]
OneArea = Annotated[str | None, typer.Option("--area", help="Only one grid area's.")]
OnePlan = Annotated[int | None, typer.Option("--plan", min=1, help="Only one plan's, by its revision.")]


@fleet.command("stop")
@changes
def stop(
    call: Change,
    oem: OneOem = None,
    segment: OneSegment = None,
    grid_area: OneArea = None,
    plan: OnePlan = None,
    wait: Annotated[
        str, typer.Option("--wait", help="How long to wait until all are seen in neutral (steered).")
    ] = "10m",
) -> None:
    """Stop plans: every pump goes to neutral, unless something stronger is in force, and is seen there."""
    scope, patience = scope_of(oem, segment, grid_area, plan), parse_duration(wait, "--wait", or_none=True)
    standing: list[Order] = []

    async def work(access: Access) -> tuple[OrderResult, Neutrality]:
        progress = Counted("told")
        given = await orders.give(
            access, OrderKind.STOP, scope, call.by, on_given=standing.append, on_progress=progress
        )
        return given, await wait_for_neutral(access, given, patience, _SeenInNeutral(given))

    given, found = interruptible(lambda: call.on_stack(work), standing)
    document = {
        "order": given.order,
        "is_new": given.is_new,
        "pumps": len(given.profiles),
        "told": len(given.delivery.done),
        "verified": found.verified,
        "by_others": found.by_others,
        "stragglers": found.stragglers,
    }
    call.show(document, lambda: _print_stop(given, found))
    if found.stragglers:
        raise CommandFailed(
            f"{counted(len(found.stragglers), 'pump')} of {len(given.profiles)} not seen in neutral within {wait}; "
            f"order {given.order.order_id} is in force and they are brought there as soon as possible"
        )


class _SeenInNeutral:
    """A line for each change of how many are seen in neutral."""

    def __init__(self, given: OrderResult) -> None:
        self._pumps = len(given.profiles)
        self._seen = 0
        self._lines = Counted("seen in neutral")

    def __call__(self, now: Neutrality) -> None:
        if len(now.verified) != self._seen:
            self._seen = len(now.verified)
            self._lines(self._seen, self._pumps - len(now.by_others))


def _print_stop(given: OrderResult, found: Neutrality) -> None:
    what = "is in force" if given.is_new else "was in force already and was sent again"
    typer.echo(f"{given.order.order_id} ({given.order.scope}) {what}")
    typer.echo(f"{len(found.verified)} of {counted(len(given.profiles), 'pump')} seen in neutral")
    for pump, why in found.by_others.items():
        typer.echo(f"  {pump} does what outranks a stop: {why}")
    for pump, why in found.stragglers.items():
        typer.echo(f"  {pump} not in neutral: {why}")


@fleet.command("resume")
@changes
def resume(
    call: Change,
    oem: OneOem = None,
    segment: OneSegment = None,
    grid_area: OneArea = None,
    plan: OnePlan = None,
    order: Annotated[str | None, typer.Option("--order", help="Lift this order, of whatever kind and scope.")] = None,
) -> None:
    """Lift what `fleet stop` with the same options imposed; pumps go back to their plans within 15 minutes."""
    scope = scope_of(oem, segment, grid_area, plan)

    async def named(access: Access) -> list[Order]:
        if order is not None:
            return [await orders.order_named(access, order)]
        return await orders.standing_of(access, scope, (OrderKind.STOP,))

    lift(call, named)


@fleet.command("orders")
@reads
def list_orders(
    call: Reading, every: Annotated[bool, typer.Option("--all", help="Those lifted or ended too.")] = False
) -> None:
    """The orders in force, each with its scope, since when, who and why."""

    async def work(access: Access) -> Sequence[Order]:
        return await orders.list_orders(access, every=every)

    found = call.on_stack(work)

    def readable() -> None:
        if not found:
            typer.echo("no order is in force")
            return
        table = table_of("order", "what", "since", "until", "lifted", "who", "why")
        for o in found:
            ends = (local(o.since), local(o.until), local(o.lifted_at))
            table.add_row(o.order_id, order_words(o), *ends, o.who, o.why)
        terminal().print(table)

    call.show([o.model_dump(mode="json") for o in found], readable)

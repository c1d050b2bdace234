"""What the commands that give and lift orders share."""

from collections.abc import Awaitable, Callable

import typer

from application.access import Access
from application.fan_out import Delivery
from application.steering import orders
from console.cli.errors import CommandFailed
from console.cli.options import Change
from console.cli.progress_lines import Counted
from console.cli.running import Interrupted
from console.cli.words import counted
from domain.steering.orders import Order


def lift(call: Change, find: Callable[[Access], Awaitable[list[Order]]]) -> None:
    """Find orders and lift them; raises CommandFailed where a pump was not reached."""

    async def work(access: Access) -> tuple[list[Order], dict[str, Delivery]]:
        found = await find(access)
        return found, await orders.lift(access, found, call.by, Counted("told"))

    found, outcome = call.on_stack(work)
    document = {
        o.order_id: {"scope": o.scope, "told": outcome[o.order_id].done, "problems": outcome[o.order_id].problems}
        for o in found
    }

    def readable() -> None:
        for o in found:
            delivery = outcome[o.order_id]
            what = "is still in force, lifted" if delivery.problems else "lifted"
            typer.echo(f"{o.order_id}: {order_words(o)} {what} on {counted(len(delivery.done), 'pump')}")

    call.show(document, readable)
    for delivery in outcome.values():
        fail_where_undelivered(delivery, "repeat the command to reach the pumps that were missed")


def fail_where_undelivered(delivery: Delivery, way_out: str) -> None:
    """Raise CommandFailed where some pumps could not be reached."""
    if delivery.problems:
        pump, problem = next(iter(delivery.problems.items()))
        missed = counted(len(delivery.problems), "pump")
        raise CommandFailed(f"{missed} could not be reached ({pump}: {problem}); {way_out}")


def interruptible[T](work: Callable[[], T], standing: list[Order]) -> T:
    """Do it; where it is interrupted, say which order is in force."""
    try:
        return work()
    except Interrupted:
        if standing:
            order = standing[0]
            raise Interrupted(
                f"interrupted; order {order.order_id} ({order.scope}) is in force: repeat the command to go on, "
                f"or lift it with `heatsteer fleet resume --order {order.order_id}`"
            ) from None
        raise


def order_words(order: Order) -> str:
    """An order in a few words."""
    return f"{order.what} ({order.scope})"

"""`heatsteer pumps test|cut-over|hand-back`: whether a pump obeys, and who has the right to write to it."""

from dataclasses import asdict
from typing import Annotated

import typer

from application.access import Access
from application.fleet import handover
from application.steering.steerability import Steerability, steerability
from console.cli.commands.overrides import app as app  # with these commands added to it
from console.cli.errors import CommandFailed
from console.cli.options import Change, PumpId, changes
from console.cli.terminal import terminal
from console.cli.time_parsing import parse_duration
from workflows.contracts import PumpStatus

Wait = Annotated[str, typer.Option("--wait", help="How long it may take until it is seen, such as 45m.")]


@app.command("test")
@changes
def try_pump(call: Change, pump: PumpId, wait: Wait = "45m") -> None:
    """Nudge a pump, see it obey, revert, see that too, and give it a score; it takes some minutes."""
    patience, console = parse_duration(wait, "--wait"), terminal(stderr=True)

    async def work(access: Access) -> Steerability:
        return await steerability(access, pump, call.by, patience, lambda step: console.print(step, markup=False))

    found = call.on_stack(work)
    call.show(asdict(found) | {"steerable": found.is_steerable}, lambda: typer.echo(_words(found)))
    if not found.is_steerable:
        raise CommandFailed(f"{pump} is better not steered: {found.reason or 'it needed too many writes'}")


def _words(found: Steerability) -> str:
    obeyed = "did not obey" if found.obeyed_after_s is None else f"obeyed within {found.obeyed_after_s / 60:.0f} min"
    went_back = found.reverted_after_s
    back = "was not seen to go back" if went_back is None else f"went back within {went_back / 60:.0f} min"
    return f"{found.pump}: score {found.score}; {obeyed}, {back}, {found.writes} writes"


@app.command("cut-over")
@changes
def cut_over(call: Change, pump: PumpId) -> None:
    """Steer a pump that was in shadow mode; switch the other system off for it first."""
    status = call.on_stack(lambda access: handover.cut_over(access, pump, call.by))
    call.show(status, lambda: typer.echo(f"{pump}: ours; its lever is written to within 15 minutes at the earliest"))


@app.command("hand-back")
@changes
def hand_back(call: Change, pump: PumpId, wait: Wait = "2h") -> None:
    """Revert everything of ours, see it reverted, and only observe from then on: another system may steer."""
    patience = parse_duration(wait, "--wait")

    async def work(access: Access) -> PumpStatus:
        return await handover.hand_back(access, pump, call.by, patience)

    status = call.on_stack(work)
    call.show(
        status, lambda: typer.echo(f"{pump}: everything of ours is reverted; it is observed and never written to")
    )

"""`heatsteer oem status|hold|release`: how the vendors' clouds stand, and stopping everything for one of them."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from application import vendors
from application.vendors import VendorView
from console.cli.options import Change, Reading, changes, reads
from console.cli.terminal import table_of, terminal
from console.cli.words import local
from domain.oem.breaker import FAILURES

app = typer.Typer(
    help="Vendors: breaker, calls, grants; hold and release.", no_args_is_help=True, rich_markup_mode=None
)

Oem = Annotated[str, typer.Argument(metavar="OEM")]


@app.command("status")
@reads
def status(call: Reading, oem: Annotated[str | None, typer.Argument(metavar="[OEM]")] = None) -> None:
    """Each vendor's breaker, calls and grant of the last hour, how soon drift is found, and who must act."""
    found = call.on_stack(lambda access: vendors.vendors(access, oem))

    def readable() -> None:
        table = table_of(
            "oem", "pumps", "breaker", "since", "attempts/min", "calls/h", "failed", "grant", "drift found"
        )
        for one in found:
            table.add_row(*_row(one))
        console = terminal()
        console.print(table)
        for one in found:
            if one.status.breaker is not None and one.status.breaker.reason:
                console.print(f"  {one.status.oem}: {one.status.breaker.reason}", markup=False)
            for ask in one.status.asks:
                account = f"{one.status.oem} account {ask.account_id}"
                console.print(f"  {account} needs a person since {local(ask.since)}: {ask.reason}", markup=False)

    call.show([_document(one) for one in found], readable)


def _row(one: VendorView) -> tuple[str, ...]:
    now = one.status
    failed = sum(count for fate, count in now.calls.items() if fate in FAILURES)
    grant = "-" if now.granted_per_min is None else f"{now.granted_per_min:.3g}/min"
    used = "" if now.share_used is None else f", {now.share_used:.0%} used"
    return (
        now.oem,
        str(now.pumps),
        "not watched" if now.breaker is None else now.breaker.state.value,
        local(None if now.breaker is None else now.breaker.since),
        "-" if now.rate_per_min is None else f"{now.rate_per_min:g}",
        f"{sum(now.calls.values())} ({now.writes} writes)",
        str(failed),
        grant + used,
        "-" if one.drift_found_within is None else f"within {_minutes(one.drift_found_within)}",
    )


def _minutes(lasts: timedelta) -> str:
    return f"{lasts.total_seconds() / 60:.0f} min"


def _document(one: VendorView) -> dict[str, Any]:
    within = one.drift_found_within
    return one.status.model_dump(mode="json") | {
        "drift_found_within_min": None if within is None else round(within.total_seconds() / 60, 2)
    }


@app.command("hold")
@changes
def hold(call: Change, oem: Oem) -> None:
    """Stop everything on a vendor's queue, urgent commands too, until it is released."""
    now = call.on_stack(lambda access: vendors.hold(access, oem, call.by))
    call.show(now, lambda: typer.echo(f"{oem}: {now.breaker.state.value}; nothing is written until it is released"))


@app.command("release")
@changes
def release(call: Change, oem: Oem) -> None:
    """End a hold; the vendor is tried slowly first, then as fast as it grants."""
    now = call.on_stack(lambda access: vendors.release(access, oem, call.by))
    rate = f"at most {now.rate_per_min:g} attempts a minute at first"
    call.show(now, lambda: typer.echo(f"{oem}: {now.breaker.state.value}; {rate}"))

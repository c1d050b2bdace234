"""`heatsteer accounts ...`: vendor accounts connected, listed, discovered, renewed, let go.

Protects: a secret is read from the terminal without echo, or from a pipe, and never from the command line.
"""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from application.access import Access
from application.accounts import connecting, discovery
from application.accounts.connecting import Connected
from application.accounts.discovery import Discovered
from application.accounts.quotas import AccountQuota, account_quotas
from application.errors import ErrorCode, Failed
from console.cli.clouds import Clouds, clouds
from console.cli.consent_callback import waiting_callback
from console.cli.errors import UsageError
from console.cli.options import Change, Reading, changes, reads
from console.cli.terminal import table_of, terminal
from console.cli.words import TZ, counted, local
from domain.oem.credentials import AccountCredentials, StoredToken
from domain.oem.errors import OemError
from domain.oem.manifest import AuthFlow, Manifest
from ledger.queries.accounts import AccountRecord
from oem_adapters.consent import redeem, request_consent

app = typer.Typer(help="Vendor accounts: connect, look, let go.", no_args_is_help=True, rich_markup_mode=None)

AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT")]
CONSENT_FLOWS = (AuthFlow.AUTHORIZATION_CODE, AuthFlow.AUTHORIZATION_CODE_PKCE)


@app.command("connect")
@changes
def connect(
    call: Change,
    oem: Annotated[str, typer.Argument(metavar="VENDOR")],
    account: Annotated[str | None, typer.Option("--account", help="Its id with us; default VENDOR-main.")] = None,
    client_id: Annotated[str, typer.Option("--client-id", help="As registered in the vendor's portal.")] = "",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Of the redirect; default a free one.")] = 0,
    host: Annotated[str, typer.Option("--host", help="127.0.0.1 or localhost, as registered.")] = "127.0.0.1",
    renew: Annotated[
        bool, typer.Option("--renew", help="Replace the secrets of an account that is connected.")
    ] = False,
) -> None:
    """Connect an account the way its vendor wants it; a secret is asked for, or read from a pipe."""
    if host not in ("127.0.0.1", "localhost"):
        raise UsageError(f"--host {host}: consent is waited for on 127.0.0.1 or localhost only")
    account_id = account or f"{oem}-main"

    async def work(access: Access) -> Connected:
        async with clouds(access) as world:
            manifest = world.manifest(oem)
            await connecting.check_new(access, account_id, oem, renew=renew)
            new = credentials_of(manifest, account_id, client_id)
            token = None
            if manifest.authentication.flow in CONSENT_FLOWS:
                token = await _consent(world, manifest, new, port, host)
            return await connecting.connect(access, new, token, world.adapter(oem), call.by, renew=renew)

    found = call.on_stack(work)
    online = sum(found.units.values())
    sentence = f"{found.account_id} is connected: it reaches {counted(len(found.units), 'unit')}, {online} online"
    way_on = f"`heatsteer accounts discover {found.account_id} --out FILE.csv` writes them down"
    call.show(
        {
            "account": found.account_id,
            "oem": oem,
            "units": len(found.units),
            "online": online,
            "renewed": found.renewed,
        },
        lambda: typer.echo(f"{sentence}; {way_on}"),
    )


def credentials_of(manifest: Manifest, account_id: str, client_id: str) -> AccountCredentials:
    """What the account is reached with; raises UsageError where something is missing."""
    flow = manifest.authentication.flow
    if not client_id and flow is not AuthFlow.ACCESS_TOKEN:
        raise UsageError(f"{manifest.title} needs --client-id: the id of your application in the vendor's portal")
    asked_for = {AuthFlow.ACCESS_TOKEN: "personal access token", AuthFlow.AUTHORIZATION_CODE_PKCE: ""}
    what = asked_for.get(flow, "client secret")
    secret = _secret(f"{manifest.title} {what}") if what else ""
    return manifest.account(account_id, client_id, SecretStr(secret))


def _secret(what: str) -> str:
    """A secret from the terminal without echo, or one line of a pipe; raises UsageError where none is given."""
    if sys.stdin.isatty():
        secret = str(typer.prompt(what, hide_input=True, err=True, default="", show_default=False))
    else:
        secret = sys.stdin.readline()
    if not (secret := secret.strip()):
        raise UsageError(f"no {what} was given: type it when asked, or give it on standard input")
    return secret


async def _consent(world: Clouds, manifest: Manifest, new: AccountCredentials, port: int, host: str) -> StoredToken:
    """Let a person consent in a browser, and redeem the code."""
    authentication = manifest.authentication
    try:
        async with waiting_callback(port, host) as callback:
            request = request_consent(new, authentication, callback.redirect_uri, datetime.now(UTC))
            console = terminal(stderr=True)
            console.print("open this address in a browser on this machine, within ten minutes:")
            console.print(request.url, markup=False, soft_wrap=True)
            code = await callback.code(request)
        timeouts = world.settings.timeouts()
        return await redeem(world.http, new, authentication, request, code, timeouts, world.access.now())
    except OSError as error:
        raise UsageError(f"--port {port} cannot be listened on ({error.strerror}): name a free one") from error
    except OemError as error:
        sentence = f"{new.account_id} was not connected: {error}"
        raise Failed(ErrorCode.NOT_CONNECTED, sentence, account=new.account_id) from error


@app.command("list")
@reads
def list_accounts(call: Reading) -> None:
    """Every account: vendor, pumps, since when, and whether a person must act."""
    found = call.on_stack(lambda access: access.ledger.accounts.all())

    def readable() -> None:
        table = table_of("account", "oem", "pumps", "connected", "state")
        for one in found:
            table.add_row(one.account_id, one.oem, str(one.pumps), local(one.connected_at), _state(one))
        terminal().print(table)

    call.show([_document(one) for one in found], readable)


@app.command("show")
@reads
def show_account(call: Reading, account: AccountId) -> None:
    """One account: how it is reached and what its vendor grants; never its secrets."""
    found = call.on_stack(lambda access: connecting.account_named(access, account))

    def readable() -> None:
        console = terminal()
        console.print(f"{found.account_id}  {found.oem} at {found.api_url}; {_state(found)}", markup=False)
        console.print(f"  client    {found.client_id or '-'}", markup=False)
        console.print(f"  pumps     {found.pumps} steered", markup=False)
        for quota in (*found.declared, *found.named):
            console.print(f"  grant     {quota}", markup=False)

    call.show(_document(found), readable)


def _state(one: AccountRecord) -> str:
    if one.disconnected_at is not None:
        return f"disconnected {local(one.disconnected_at)}"
    if one.needs_person_for is not None:
        return f"needs a person since {local(one.needs_person_since)}: {one.needs_person_for}"
    return "connected"


def _document(one: AccountRecord) -> dict[str, Any]:
    return one.model_dump(mode="json")


@app.command("disconnect")
@changes
def disconnect(call: Change, account: AccountId) -> None:
    """Destroy an account's secrets, once no steered pump is reached through it."""
    call.on_stack(lambda access: connecting.disconnect(access, account, call.by))
    call.show({"account": account, "disconnected": True}, lambda: typer.echo(f"{account}: its secrets are destroyed"))


@app.command("rotate-key")
@changes
def rotate_key(call: Change) -> None:
    """Seal all secrets with the newest key of HEATSTEER_SECRET_KEYS; afterwards older keys may be taken out of it."""
    number = call.on_stack(lambda access: connecting.rotate_key(access, call.by))
    sentence = f"{counted(number, 'account is', 'accounts are')} sealed with the newest key"
    call.show({"accounts": number}, lambda: typer.echo(sentence))


@app.command("quota")
@reads
def quota(call: Reading) -> None:
    """Calls spent and left by account and window, what the day will take, and how soon drift is found."""
    found = call.on_stack(lambda access: account_quotas(access, TZ))

    def readable() -> None:
        table = table_of(
            "account", "window", "spent", "left", "reserve", "today", "by midnight", "pumps", "drift found"
        )
        for one in found:
            for row in _rows(one):
                table.add_row(*row)
        terminal().print(table)

    call.show([_quota_document(one) for one in found], readable)


def _rows(one: AccountQuota) -> list[tuple[str, ...]]:
    room = "" if one.room_for is None else f", room for {one.room_for} more"
    within = one.drift_found_within
    drift = "-" if within is None else f"within {within.total_seconds() / 60:.0f} min"
    last = (f"{one.pumps}{room}", drift)
    rows: list[tuple[str, ...]] = [
        (one.account, str(s.quota), str(s.spent), str(s.left), str(s.reserve), str(s.today), str(s.by_midnight), *last)
        for s in one.quotas
    ]
    return rows or [(one.account, "no quota known", "-", "-", "-", "-", "-", *last)]


def _quota_document(one: AccountQuota) -> dict[str, Any]:
    within = one.drift_found_within
    plain = {name: value for name, value in asdict(one).items() if name != "drift_found_within"}
    return plain | {
        "quotas": [asdict(spent) | {"quota": spent.quota.model_dump(mode="json")} for spent in one.quotas],
        "drift_found_within_min": None if within is None else round(within.total_seconds() / 60, 1),
    }


@app.command("discover")
@reads
def discover(
    call: Reading,
    account: AccountId,
    out: Annotated[Path | None, typer.Option("--out", help="The sheet to write; it is never overwritten.")] = None,
) -> None:
    """Write a sheet of the units that an account reaches and that are not enrolled, to be filled in for `enrol`."""
    if out is not None and out.exists():
        raise UsageError(f"--out {out} exists already: name another file")

    async def work(access: Access) -> Discovered:
        async with clouds(access) as world:
            return await discovery.discover(access, account, world.adapter(await discovery.oem_of(access, account)))

    found = call.on_stack(work)
    if out is not None:
        out.write_text(found.sheet, encoding="utf-8")
    new = [unit for unit in found.units if not unit.enrolled]

    def readable() -> None:
        if out is None:
            typer.echo(found.sheet, nl=False)
            return
        reached = f"{found.account} reaches {counted(len(found.units), 'unit')}, {len(found.units) - len(new)} enrolled"
        typer.echo(f"{reached}; {counted(len(new), 'row')} written to {out}: fill it in, then `heatsteer enrol {out}`")

    call.show({"account": found.account, "oem": found.oem, "units": [asdict(unit) for unit in found.units]}, readable)

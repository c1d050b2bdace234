"""`heatsteer accounts invite|invited`: links by which households connect their own accounts, and the pages behind them.

Protects: links are printed once; the client's secret is typed without echo or piped, and stays in the serving process.
"""

from typing import Annotated
from urllib.parse import urlsplit

import typer
import uvicorn

from application.access import Access
from application.accounts.inviting import Invited, invite
from console.cli.clouds import clouds, manifest_at
from console.cli.commands.onboarding.accounts import CONSENT_FLOWS, credentials_of
from console.cli.commands.onboarding.accounts import app as app  # with these commands added to it
from console.cli.consent_page import CALLBACK_PATH, ConsentPage
from console.cli.errors import UsageError
from console.cli.options import Change, changes
from console.cli.time_parsing import parse_duration
from domain.oem.manifest import Manifest
from worker_environment import LOOPBACK, settings_from_environment

Vendor = Annotated[str, typer.Argument(metavar="VENDOR")]
PublicUrl = Annotated[str, typer.Option("--public-url", help="Where households reach `accounts serve-invitations`.")]


@app.command("invite")
@changes
def invite_households(
    call: Change,
    oem: Vendor,
    public_url: PublicUrl,
    count: Annotated[int, typer.Option("--count", min=1, help="How many links.")] = 1,
    lasts: Annotated[str, typer.Option("--for", help="How long they are good, such as 14d.")] = "14d",
) -> None:
    """Make links to be mailed to households, one account each; they are printed once, as CSV."""
    base, duration = _public(public_url), parse_duration(lasts, "--for")

    async def work(access: Access) -> list[Invited]:
        _consented(manifest_at(oem, settings_from_environment()))
        return list(await invite(access, oem, count, duration, call.by))

    made = call.on_stack(work)
    rows = [{"account": i.account_id, "expires_at": i.expires_at, "link": f"{base}/invite/{i.secret}"} for i in made]

    def readable() -> None:
        typer.echo("account,expires_at,link")
        for row in rows:
            typer.echo(",".join(row.values()))

    call.show(rows, readable)


@app.command("serve-invitations")
@changes
def serve_invitations(
    call: Change,
    oem: Vendor,
    public_url: PublicUrl,
    client_id: Annotated[str, typer.Option("--client-id", help="As registered in the vendor's portal.")],
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 4280,
    host: Annotated[str, typer.Option("--host", help="What is listened on; put TLS in front of it.")] = "127.0.0.1",
) -> None:
    """Serve the pages that the links lead to, until Ctrl-C; the vendor must know PUBLIC_URL/callback as a redirect."""
    base = _public(public_url)

    async def work(access: Access) -> None:
        async with clouds(access) as world:
            manifest = _consented(world.manifest(oem))
            client = credentials_of(manifest, "", client_id)
            page = ConsentPage(
                access,
                world.http,
                manifest,
                world.adapter(oem),
                client.client_id,
                client.client_secret,
                base,
                world.settings.timeouts(),
            )
            typer.echo(f"serving {manifest.title}'s invitations on {host}:{port}; redirect {base}{CALLBACK_PATH}")
            # Requests are not logged: a link is a secret until it is used.
            config = uvicorn.Config(page.app(), host=host, port=port, access_log=False, log_level="warning")
            await uvicorn.Server(config).serve()

    call.on_stack(work)
    call.show({"oem": oem, "public_url": base}, lambda: typer.echo("no longer serving"))


def _public(url: str) -> str:
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not is_safe or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"--public-url {url}: give an https address without a query (http on loopback only)")
    return url.rstrip("/")


def _consented(manifest: Manifest) -> Manifest:
    if manifest.authentication.flow not in CONSENT_FLOWS:
        raise UsageError(
            f"{manifest.title} asks households for no consent: `heatsteer accounts connect {manifest.oem}`"
        )
    return manifest

"""The pages on which an invited household connects its account: what is asked, the vendor's consent, how it ended.

Protects: nothing is asked of a vendor before a person presses the button, for mail programs open links by themselves;
an answer is taken once, only with the state of a request of this process, and within its time; no secret, code or state
is shown or logged.
"""

import html
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from application.access import Access
from application.accounts.inviting import accept, invitation_of
from application.errors import UseCaseError
from domain.oem.errors import OemError
from domain.oem.manifest import Manifest
from domain.oem.ports import FleetReader
from ledger.oem.invitations import Invitation
from oem_adapters.consent import ConsentRequest, redeem, request_consent
from oem_adapters.timeouts import WallTimeouts

CALLBACK_PATH = "/callback"
MOST_PENDING = 10_000
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


@dataclass
class ConsentPage:
    """The pages of one vendor."""

    access: Access
    http: httpx.AsyncClient
    manifest: Manifest
    cloud: FleetReader
    client_id: str
    client_secret: SecretStr
    public_url: str
    """Where households reach these pages, without a slash at its end; the vendor knows it with the callback's path."""
    timeouts: WallTimeouts
    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    _pending: dict[str, tuple[Invitation, ConsentRequest]] = field(default_factory=dict, repr=False)

    def app(self) -> Starlette:
        """To be served."""
        return Starlette(
            routes=[
                Route("/invite/{secret}", self.show, methods=["GET"]),
                Route("/invite/{secret}", self.begin, methods=["POST"]),
                Route(CALLBACK_PATH, self.end, methods=["GET"]),
            ]
        )

    async def show(self, request: Request) -> Response:
        """What a household is asked."""
        try:
            await invitation_of(self.access, self.manifest.oem, request.path_params["secret"])
        except UseCaseError as refused:
            return _page(str(refused), status=404)
        title = html.escape(self.manifest.title)
        button = f'<form method="post"><button>Connect my {title} account</button></form>'
        asked = f"You are asked to let your heat pump be steered through {title}. You can end it at any time."
        return _page(asked, button)

    async def begin(self, request: Request) -> Response:
        """Send a person to the vendor."""
        try:
            invitation = await invitation_of(self.access, self.manifest.oem, request.path_params["secret"])
        except UseCaseError as refused:
            return _page(str(refused), status=404)
        now = self.wall()
        self._pending = {state: one for state, one in self._pending.items() if now < one[1].expires_at}
        if len(self._pending) >= MOST_PENDING:
            return _page("Too many people are connecting just now: try again in ten minutes.", status=503)
        account = self.manifest.account(invitation.account_id, self.client_id, self.client_secret)
        asked = request_consent(account, self.manifest.authentication, self.public_url + CALLBACK_PATH, now)
        self._pending[asked.state] = invitation, asked
        return RedirectResponse(asked.url, status_code=303, headers=_HEADERS)

    async def end(self, request: Request) -> Response:
        """Take the vendor's answer."""
        pending = self._pending.pop(request.query_params.get("state", ""), None)
        if pending is None:
            return _page("This answer belongs to no request of ours: open your link again.", status=400)
        invitation, asked = pending
        account = self.manifest.account(invitation.account_id, self.client_id, self.client_secret)
        try:
            code = asked.code_in(dict(request.query_params), self.wall())
            authentication, now = self.manifest.authentication, self.access.now()
            token = await redeem(self.http, account, authentication, asked, code, self.timeouts, now)
            connected = await accept(self.access, invitation, account, token, self.cloud)
        except (OemError, UseCaseError) as refused:
            return _page(f"{str(refused).removesuffix('.')}.", status=400)
        units = len(connected.units)
        return _page(f"Your account is connected; it reaches {units} heat pump{'' if units == 1 else 's'}. Thank you.")


def _page(sentence: str, more: str = "", status: int = 200) -> HTMLResponse:
    """`more` is HTML already."""
    said = html.escape(sentence[:1].upper() + sentence[1:])
    page = f"<!doctype html><html lang=en><meta charset=utf-8><title>heatsteer</title><p>{said}</p>{more}"
    return HTMLResponse(page, status_code=status, headers=_HEADERS)

"""Consents of the simulated fleet's households, given as a person gives them: in the vendor's page, by a redirect.

Protects: an account comes to its first token by the same steps as a real one.
"""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import httpx

from demo.errors import DemoFailed
from domain.oem.credentials import AccountCredentials, StoredToken
from domain.oem.manifest import Authentication
from oem_adapters.consent import redeem, request_consent
from oem_adapters.timeouts import WallTimeouts

_CALLBACK = "http://localhost/consented"
"""Nobody is called there: the redirect is read and not followed."""


async def consent_of(
    http: httpx.AsyncClient, account: AccountCredentials, authentication: Authentication, now: datetime
) -> StoredToken | None:
    """The first token of an account whose vendor asks a person; None where it asks nobody. `now` is steered.

    Raises DemoFailed where the page does not redirect, and what redeeming raises.
    """
    if not authentication.authorize_url:
        return None
    asked = datetime.now(UTC)
    request = request_consent(account, authentication, _CALLBACK, asked)
    page = await http.get(httpx.URL(request.url).copy_merge_params({"login_hint": account.account_id}))
    if not page.is_redirect:
        raise DemoFailed(f"the fake cloud of {account.oem} gave no consent for account {account.account_id}")
    code = request.code_in(dict(parse_qsl(urlsplit(page.headers["location"]).query)), asked)
    return await redeem(http, account, authentication, request, code, WallTimeouts(), now)

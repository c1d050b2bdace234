"""A household's or a utility's consent: the address a person opens, and the first token that the code brings.

Protects: a code is taken only with the state of the request it answers, before that request's end, and only together
with the verifier that never left this process (RFC 7636); no code, verifier or secret is logged or raised.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from domain.oem.credentials import AccountCredentials, StoredToken
from domain.oem.errors import AuthExpired, OemError, Unavailable
from domain.oem.manifest import Authentication
from oem_adapters.answers import exchange
from oem_adapters.failures import transport_failure
from oem_adapters.timeouts import WallTimeouts
from oem_adapters.tokens import token_form, token_outcome

CONSENT_WITHIN = timedelta(minutes=10)
"""Wall time in which a person may answer; an address found in a history later is worth nothing."""


@dataclass(frozen=True)
class ConsentRequest:
    """One request for consent; `url` may be shown to anybody, nothing else may."""

    url: str
    redirect_uri: str
    expires_at: datetime
    """Wall time."""
    state: str = field(repr=False)
    verifier: str = field(repr=False)

    def code_in(self, answer: Mapping[str, str], now: datetime) -> str:
        """The code of the vendor's answer to this request; raises AuthExpired with a sentence where there is none.

        `answer`: the query of the redirect; `now` is wall time.
        """
        if not secrets.compare_digest(answer.get("state", "").encode(), self.state.encode()):
            raise AuthExpired("The answer does not belong to this request (its state differs): nothing was connected.")
        if now >= self.expires_at:
            raise AuthExpired("The consent came too late: begin again, the address is good for ten minutes.")
        if "error" in answer:
            error = answer["error"] if answer["error"].replace("_", "").isalnum() else "an error"
            raise AuthExpired(f"The vendor gave no consent ({error[:60]}).")
        if not answer.get("code"):
            raise AuthExpired("The vendor's answer holds no code: nothing was connected.")
        return answer["code"]


def request_consent(
    account: AccountCredentials, authentication: Authentication, redirect_uri: str, now: datetime
) -> ConsentRequest:
    """A new request, good for `CONSENT_WITHIN`; `now` is wall time."""
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    url = prepare_grant_uri(
        authentication.authorize_url,
        account.client_id,
        "code",
        redirect_uri=redirect_uri,
        scope=" ".join(authentication.scopes) or None,
        state=state,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )
    return ConsentRequest(str(url), redirect_uri, now + CONSENT_WITHIN, state, verifier)


async def redeem(
    http: httpx.AsyncClient,
    account: AccountCredentials,
    authentication: Authentication,
    request: ConsentRequest,
    code: str,
    timeouts: WallTimeouts,
    now: datetime,
) -> StoredToken:
    """The first token of a consent; raises AuthExpired, RateLimited or Unavailable. `now` is steered time."""
    outcome = await _redeem(http, account, authentication, request, code, timeouts, now)
    if isinstance(outcome, OemError):
        raise outcome
    if outcome.refresh_token is None:
        raise AuthExpired(f"{account.oem} gave no refresh token, so that the consent would end within hours.")
    return outcome


async def _redeem(
    http: httpx.AsyncClient,
    account: AccountCredentials,
    authentication: Authentication,
    request: ConsentRequest,
    code: str,
    timeouts: WallTimeouts,
    now: datetime,
) -> StoredToken | OemError:
    """Errors are returned, so that no frame that holds the form is part of a traceback."""
    what = f"A token for account {account.account_id} at {account.oem}"
    try:
        async with asyncio.timeout(timeouts.whole_s):
            answer = await exchange(
                http,
                "POST",
                account.token_url,
                content=token_form(
                    account,
                    authentication,
                    grant_type="authorization_code",
                    code=code,
                    redirect_uri=request.redirect_uri,
                    code_verifier=request.verifier,
                ),
                headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
                timeout=timeouts.as_httpx(),
                follow_redirects=False,
                auth=httpx.Auth(),
            )
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        return Unavailable(str(transport_failure(what, error)), maybe_taken=False)
    return token_outcome(what, answer, None, now, account.quotas)

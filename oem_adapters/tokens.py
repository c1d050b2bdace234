"""OAuth 2 tokens of vendor accounts: first issue and renewal, by client credentials or refresh token.

Protects: one holder at a time renews, under the vault's lock, and a token is stored before it is used, also when the
caller is cancelled meanwhile: a rotated refresh token that is lost costs a person a new consent.

authlib's httpx client warns on import that it wants another HTTP library, so its lower-level grant and client
authentication pieces build the request and the injected client sends it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx
import structlog
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from pydantic import SecretStr

from domain.oem.calls import CallFate
from domain.oem.credentials import AccountCredentials, StoredToken, TokenVault
from domain.oem.errors import AuthExpired, OemError, RateLimited, Unavailable
from domain.oem.manifest import Authentication, AuthFlow
from domain.oem.quota import Quota
from oem_adapters.answers import exchange
from oem_adapters.budget import refused_until, resting_until
from oem_adapters.calls import CallBook, fate_of
from oem_adapters.failures import transport_failure
from oem_adapters.timeouts import WallTimeouts

_FINAL = frozenset({"invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope"})
"""OAuth errors that no repetition cures."""

log = structlog.get_logger(__name__)


class TokenKeeper:
    """Hands out the tokens of one vendor's accounts.

    Expiry is not predicted: a token's life is steered time, and clouds end tokens early; the answer 401 is what counts.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        vault: TokenVault,
        calls: CallBook,
        authentication: Authentication,
        timeouts: WallTimeouts,
    ) -> None:
        self._http = http
        self._vault = vault
        self._calls = calls
        self._oem = calls.oem
        self._authentication = authentication
        self._timeouts = timeouts
        self._gates: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """One caller of this process at a time goes for the vault's lock: waiting there may hold a connection each."""

    async def credentials(self, account_id: str) -> AccountCredentials:
        """The account; raises AuthExpired where the vault has none."""
        try:
            return await self._vault.credentials(account_id)
        except LookupError as missing:
            raise _no_secrets(missing) from missing

    async def current(self, credentials: AccountCredentials, now: datetime) -> StoredToken:
        """The stored token, or a first one; raises AuthExpired, RateLimited or Unavailable."""
        if self._authentication.flow is AuthFlow.ACCESS_TOKEN:
            return StoredToken(access_token=credentials.client_secret)
        stored = await self._load(credentials.account_id)
        return stored if stored is not None else await self.renew(credentials, None, now)

    async def renew(self, credentials: AccountCredentials, rejected: StoredToken | None, now: datetime) -> StoredToken:
        """A token other than the rejected one, stored already; raises AuthExpired, RateLimited or Unavailable."""
        if self._authentication.flow is AuthFlow.ACCESS_TOKEN:
            raise AuthExpired(
                f"The access token of account {credentials.account_id} at {self._oem} is not accepted any more: a "
                "person must make a new one in the vendor's portal."
            )
        renewal = asyncio.create_task(self._renew(credentials, rejected, now))
        try:
            # Cancelled, we wait for the renewal (at most one HTTP timeout): abandoned, it could lose a rotated token.
            return await asyncio.shield(renewal)
        except asyncio.CancelledError:
            await asyncio.wait({renewal})
            if not renewal.cancelled():
                renewal.exception()  # looked at, so that the loop does not report it as forgotten
            raise

    async def _renew(self, credentials: AccountCredentials, rejected: StoredToken | None, now: datetime) -> StoredToken:
        account_id = credentials.account_id
        async with self._gates[account_id], self._vault.renewing(account_id):
            stored = await self._load(account_id)
            if stored is not None and (rejected is None or stored.access_token != rejected.access_token):
                return stored  # somebody else renewed it while this caller waited for the lock
            refresh = stored.refresh_token if stored is not None else None
            if refresh is None and self._authentication.flow is not AuthFlow.CLIENT_CREDENTIALS:
                raise AuthExpired(f"Account {account_id} at {self._oem} has no consent yet: a household must give it.")
            grant = "client_credentials" if refresh is None else "refresh_token"
            outcome = await self._ask(credentials, refresh, now)
            if isinstance(outcome, OemError):
                log.warning("token not renewed", oem=self._oem, account_id=account_id, grant=grant, reason=str(outcome))
                raise outcome
            await self._vault.save(account_id, outcome)
            log.info("token renewed", oem=self._oem, account_id=account_id, grant=grant)
            return outcome

    async def _load(self, account_id: str) -> StoredToken | None:
        try:
            return await self._vault.load(account_id)
        except LookupError as missing:
            raise _no_secrets(missing) from missing

    async def _ask(
        self, credentials: AccountCredentials, refresh: SecretStr | None, now: datetime
    ) -> StoredToken | OemError:
        """One token request. Errors are returned, so that no frame that holds the form is part of a traceback."""
        what = f"A token for account {credentials.account_id} at {self._oem}"
        try:
            async with asyncio.timeout(self._timeouts.whole_s):
                answer = await exchange(
                    self._http,
                    "POST",
                    credentials.token_url,
                    content=token_form(credentials, self._authentication, **_grant(self._authentication, refresh)),
                    headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
                    timeout=self._timeouts.as_httpx(),
                    follow_redirects=False,
                    auth=httpx.Auth(),  # the client's own, if it has one, is not for this call
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            self._calls.failed(credentials.account_id, now, error)
            return Unavailable(str(transport_failure(what, error)), maybe_taken=False)
        outcome = token_outcome(what, answer, refresh, now, self._calls.quotas)
        self._calls.answered(credentials.account_id, now, _fate(answer.status_code, outcome))
        return outcome


def _fate(status: int, outcome: StoredToken | OemError) -> CallFate:
    if isinstance(outcome, AuthExpired):
        return CallFate.CREDENTIALS
    fate = fate_of(status)
    # A success that brings no token is a cloud that does not know what it says.
    return CallFate.SERVER if fate is CallFate.OK and isinstance(outcome, OemError) else fate


def _no_secrets(missing: LookupError) -> AuthExpired:
    """The vault's own sentence: an unknown account, or secrets that its key does not open."""
    return AuthExpired(str(missing))


def _grant(authentication: Authentication, refresh: SecretStr | None) -> dict[str, str]:
    if refresh is not None:
        return {"grant_type": "refresh_token", "refresh_token": refresh.get_secret_value()}
    return {"grant_type": "client_credentials", "scope": " ".join(authentication.scopes)}


def token_form(credentials: AccountCredentials, authentication: Authentication, **grant: str) -> str:
    """The form that asks for a token by a grant's own fields (RFC 6749, 4.1.3, 4.4.2 and 6)."""
    # The secret goes into the form: HTTP Basic has no agreed encoding for unusual characters in it.
    is_public = authentication.flow is AuthFlow.AUTHORIZATION_CODE_PKCE
    client = ClientAuth(
        credentials.client_id,
        None if is_public else credentials.client_secret.get_secret_value(),
        "none" if is_public else "client_secret_post",
    )
    _, _, form = client.prepare("POST", credentials.token_url, {}, prepare_token_request(**grant))
    return str(form)


def token_outcome(
    what: str, answer: httpx.Response, refresh: SecretStr | None, now: datetime, quotas: Sequence[Quota]
) -> StoredToken | OemError:
    """Read a token endpoint's answer; `refresh` is kept where the answer brings no new one."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    told: dict[str, Any] = body if isinstance(body, dict) else {}
    error = told.get("error")
    # A failing cloud may blame anybody: only an answer below 500 is a verdict on the credentials.
    if error in _FINAL and answer.status_code < 500:
        return AuthExpired(
            f"{what} was refused for good ({error}): a person must renew the consent or the credentials."
        )
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        until = refused_until(answer.headers, now, quotas)
        return RateLimited(f"{what} was refused: too many token requests (429).", until)
    access = told.get("access_token")
    if not answer.is_success or not isinstance(access, str) or not access:
        rest = resting_until(answer.status_code, answer.headers, now)
        return Unavailable(f"{what} was not given ({answer.status_code}).", maybe_taken=False, retry_at=rest)
    renewed = told.get("refresh_token")
    if isinstance(renewed, str) and renewed:
        refresh = SecretStr(renewed)
    return StoredToken(access_token=SecretStr(access), refresh_token=refresh)

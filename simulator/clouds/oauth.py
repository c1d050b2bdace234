"""The OAuth 2 server that every fake cloud has, each with rules of its own.

Protects: a token is opaque, belongs to one client, carries its scope and expires on steered time; a code and a
single-use refresh token work once, and reusing the latter revokes everything its consent ever issued.
"""

import base64
import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlencode

from simulator.clouds.oauth_form import Refused, read_client, read_form
from simulator.clouds.wire import Answer

type Rotation = Literal["now-and-then", "single-use"]


@dataclass(frozen=True)
class TokenRules:
    """How one vendor's token endpoint behaves."""

    scopes: frozenset[str]
    """Every scope that can be granted."""
    consent_scope: frozenset[str]
    """What a person's consent grants where the client names no scope."""
    client_credentials: frozenset[str] | None = None
    """Scopes granted without a person, and the first default; None where the grant is not offered."""
    default_scope: str = ""
    is_confidential: bool = True
    """Clients have a secret; public ones must use PKCE instead."""
    rotation: Rotation = "now-and-then"
    """`now-and-then`: every second refresh brings a new refresh token and the old one stays valid. `single-use`: each
    refresh replaces the token, and using a replaced one revokes the consent."""
    code_life_s: float = 60.0


@dataclass(frozen=True)
class Grant:
    """What a token allows, and until when (steered Unix seconds)."""

    client: str
    scope: frozenset[str]
    expires_s: float
    consent: str = ""
    """The consent it stems from; empty for client credentials."""
    user: str = ""
    """The account that consented; empty for one that reaches every unit of the vendor."""


@dataclass(frozen=True)
class _Code:
    redirect_uri: str
    challenge: str | None
    scope: frozenset[str]
    expires_s: float
    user: str


@dataclass(frozen=True)
class _Refresh:
    consent: str
    scope: frozenset[str]
    user: str = ""
    is_spent: bool = False


class TokenServer:
    """Issues tokens and knows what they allow."""

    def __init__(
        self,
        rules: TokenRules,
        client_id: str,
        client_secret: str,
        life_s: float,
        refresh_tokens: Collection[str] = (),
        redirect_uris: Collection[str] = (),
    ) -> None:
        self._rules = rules
        self._client_id = client_id
        self._client_secret = client_secret
        self._life_s = life_s
        self._redirect_uris = frozenset(redirect_uris)
        self._grants: dict[str, Grant] = {}
        self._codes: dict[str, _Code] = {}
        self._refresh = {token: _Refresh(f"consent-{token}", rules.consent_scope) for token in refresh_tokens}
        self._refreshed = 0

    def wait_longer(self, speed: float) -> None:
        """Codes are redeemed in wall time, however fast the steered one runs."""
        self._rules = replace(self._rules, code_life_s=self._rules.code_life_s * max(1.0, speed))

    def grant(self, token: str | None, now_s: float) -> Grant | None:
        """What a token allows now; None for an unknown, revoked or expired one."""
        grant = self._grants.get(token or "")
        return grant if grant is not None and now_s < grant.expires_s else None

    def revoke(self, token: str) -> None:
        """Make an access token invalid before its time."""
        self._grants.pop(token, None)

    def authorize(self, query: Mapping[str, str], now_s: float) -> Answer:
        """The consent page, with a person who agrees at once: a redirect with a code.

        Who that is, `login_hint` says (OpenID Connect Core, 3.1.2.1): an account's name.
        """
        try:
            code, redirect_uri = self._new_code(query, now_s)
        except Refused as refusal:
            return Answer({"error": str(refusal), "error_description": refusal.description}, refusal.status)
        given = {"code": code} | ({"state": query["state"]} if "state" in query else {})
        joint = "&" if "?" in redirect_uri else "?"
        return Answer(None, 302, {"Location": f"{redirect_uri}{joint}{urlencode(given)}"})

    def answer(self, body: bytes, content_type: str, authorization: str | None, now_s: float) -> Answer:
        """Answer a form posted to the token endpoint."""
        try:
            form = read_form(body, content_type)
            self._check_client(form, authorization)
            return self._issue(form, now_s)
        except Refused as refusal:
            headers = {"WWW-Authenticate": "Basic"} if refusal.status == 401 else None
            return Answer({"error": str(refusal), "error_description": refusal.description}, refusal.status, headers)

    def _new_code(self, query: Mapping[str, str], now_s: float) -> tuple[str, str]:
        if query.get("response_type") != "code":
            raise Refused("unsupported_response_type", "only response_type=code is served here")
        if query.get("client_id") != self._client_id:
            raise Refused("invalid_client", "the client is not known")
        redirect_uri = query.get("redirect_uri", "")
        if self._redirect_uris and redirect_uri not in self._redirect_uris:
            raise Refused("invalid_request", "redirect_uri is not the registered one, to the trailing slash")
        if not redirect_uri:
            raise Refused("invalid_request", "redirect_uri is missing")
        challenge = query.get("code_challenge")
        if challenge is None and not self._rules.is_confidential:
            raise Refused("invalid_request", "a public client must send a code_challenge")
        if challenge is not None and query.get("code_challenge_method") != "S256":
            raise Refused("invalid_request", "only the code_challenge_method S256 is supported")
        scope = self._scope(query["scope"], self._rules.scopes) if "scope" in query else self._rules.consent_scope
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(
            redirect_uri, challenge, scope, now_s + self._rules.code_life_s, query.get("login_hint", "")
        )
        return code, redirect_uri

    def _issue(self, form: Mapping[str, str], now_s: float) -> Answer:
        kind, rules = form.get("grant_type"), self._rules
        if kind == "client_credentials" and rules.client_credentials is not None:
            scope = self._scope(form.get("scope", rules.default_scope), rules.client_credentials)
            return self._tokens(_Refresh("", scope), now_s, None)
        if kind == "refresh_token":
            return self._refresh_tokens(form.get("refresh_token", ""), now_s)
        if kind == "authorization_code":
            return self._redeem(form, now_s)
        raise Refused("unsupported_grant_type", f"grant_type {kind} is not served here")

    def _check_client(self, form: Mapping[str, str], authorization: str | None) -> None:
        found = read_client(form, authorization)
        expected = (self._client_id, self._client_secret if self._rules.is_confidential else None)
        if found != expected:
            raise Refused("invalid_client", "the client is not known or its secret is wrong", 401)

    def _redeem(self, form: Mapping[str, str], now_s: float) -> Answer:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or now_s >= code.expires_s:
            raise Refused("invalid_grant", "the code is not known, used already or expired")
        if form.get("redirect_uri") != code.redirect_uri:
            raise Refused("invalid_grant", "redirect_uri is not the one that the code was issued for")
        if code.challenge is not None and _challenge(form.get("code_verifier", "")) != code.challenge:
            raise Refused("invalid_grant", "code_verifier does not match the code_challenge")
        consent = _Refresh(secrets.token_urlsafe(12), code.scope, code.user)
        refresh = self._new_refresh(consent) if "offline_access" in self._offered(code.scope) else None
        return self._tokens(consent, now_s, refresh)

    def _offered(self, scope: frozenset[str]) -> frozenset[str]:
        """Vendors without the scope offline_access always hand out a refresh token."""
        return scope if "offline_access" in self._rules.scopes else scope | {"offline_access"}

    def _refresh_tokens(self, token: str, now_s: float) -> Answer:
        known = self._refresh.get(token)
        if known is None:
            raise Refused("invalid_grant", "the refresh token is not known")
        if known.is_spent:
            self._revoke_consent(known.consent)
            raise Refused("invalid_grant", "the provided authorization code or refresh token is revoked")
        if self._rules.rotation == "single-use":
            self._refresh[token] = replace(known, is_spent=True)
            return self._tokens(known, now_s, self._new_refresh(known))
        self._refreshed += 1
        fresh = None if self._refreshed % 2 == 0 else self._new_refresh(known)
        return self._tokens(known, now_s, fresh)

    def _revoke_consent(self, consent: str) -> None:
        """Whoever holds a replaced token may have stolen it: nothing of its consent stays valid."""
        self._refresh = {t: replace(r, is_spent=r.is_spent or r.consent == consent) for t, r in self._refresh.items()}
        self._grants = {t: grant for t, grant in self._grants.items() if grant.consent != consent}

    def _new_refresh(self, consent: _Refresh) -> str:
        token = secrets.token_urlsafe(32)
        self._refresh[token] = replace(consent, is_spent=False)
        return token

    def _tokens(self, consent: _Refresh, now_s: float, refresh_token: str | None) -> Answer:
        self._grants = {name: grant for name, grant in self._grants.items() if now_s < grant.expires_s}
        token = secrets.token_urlsafe(32)
        self._grants[token] = Grant(self._client_id, consent.scope, now_s + self._life_s, consent.consent, consent.user)
        answer: dict[str, object] = {
            "access_token": token,
            "expires_in": int(self._life_s),
            "token_type": "Bearer",
            "scope": " ".join(sorted(consent.scope, reverse=True)),
        }
        if refresh_token is not None:
            answer["refresh_token"] = refresh_token
        return Answer(answer, headers={"Cache-Control": "no-store"})

    @staticmethod
    def _scope(text: str, allowed: frozenset[str]) -> frozenset[str]:
        scope = frozenset(text.split())
        unknown = scope - allowed
        if unknown or not scope:
            raise Refused("invalid_scope", f"scope {' '.join(sorted(unknown)) or 'is empty'} cannot be granted")
        return scope


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

"""The token endpoint of the vendor cloud, after its public behaviour.

Protects: a token is opaque, belongs to one client, carries its scope and dies on steered time.
"""

import base64
import binascii
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from simulator.wire import Answer

READ, WRITE, OFFLINE = "READSYSTEM", "WRITESYSTEM", "offline_access"


@dataclass(frozen=True)
class Grant:
    """What a token allows until when (steered Unix seconds)."""

    client: str
    scope: frozenset[str]
    expires_s: float


class Refused(Exception):
    """An OAuth error; the message is its code."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.description = description
        self.status = status


class TokenDesk:
    """Issues and knows tokens."""

    def __init__(self, client_id: str, client_secret: str, life_s: float, refresh_tokens: Collection[str]) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._life_s = life_s
        self._grants: dict[str, Grant] = {}
        self._refresh_tokens = set(refresh_tokens)
        self._refreshed = 0

    def grant(self, token: str, now_s: float) -> Grant | None:
        """What a token allows now; None for an unknown, dead or expired one."""
        grant = self._grants.get(token)
        return grant if grant is not None and now_s < grant.expires_s else None

    def kill(self, token: str) -> None:
        """Forget a token before its time."""
        self._grants.pop(token, None)

    def answer(self, body: bytes, content_type: str, authorization: str | None, now_s: float) -> Answer:
        """Answer a form posted to the token endpoint."""
        try:
            return self._issue(_form(body, content_type), authorization, now_s)
        except Refused as refusal:
            headers = {"WWW-Authenticate": "Basic"} if refusal.status == 401 else None
            return Answer({"error": str(refusal), "error_description": refusal.description}, refusal.status, headers)

    def _issue(self, form: dict[str, str], authorization: str | None, now_s: float) -> Answer:
        self._check_client(form, authorization)
        kind = form.get("grant_type")
        if kind == "client_credentials":
            scope = _scope(form.get("scope", READ))
            if OFFLINE in scope:
                raise Refused("invalid_scope", "offline_access cannot be granted to client_credentials")
            return self._token(scope, now_s, refresh_token=None)
        if kind == "refresh_token":
            known = form.get("refresh_token", "")
            if known not in self._refresh_tokens:
                raise Refused("invalid_grant", "the refresh token is not known")
            return self._token(frozenset((READ, WRITE, OFFLINE)), now_s, self._next_refresh_token())
        raise Refused("unsupported_grant_type", "client_credentials and refresh_token are served here")

    def _check_client(self, form: dict[str, str], authorization: str | None) -> None:
        found = (form.get("client_id"), form.get("client_secret"))
        if authorization is not None:
            if found[1] is not None:
                raise Refused("invalid_request", "client authenticated twice")
            found = _basic(authorization)
        if found != (self._client_id, self._client_secret):
            raise Refused("invalid_client", "client is not known or its secret is wrong", 401)

    def _next_refresh_token(self) -> str | None:
        """Every second refresh brings a new refresh token; the old one stays good."""
        self._refreshed += 1
        if self._refreshed % 2 == 0:
            return None
        fresh = secrets.token_urlsafe(32)
        self._refresh_tokens.add(fresh)
        return fresh

    def _token(self, scope: frozenset[str], now_s: float, refresh_token: str | None) -> Answer:
        self._grants = {name: grant for name, grant in self._grants.items() if now_s < grant.expires_s}
        token = secrets.token_urlsafe(32)
        self._grants[token] = Grant(self._client_id, scope, now_s + self._life_s)
        answer: dict[str, object] = {
            "access_token": token,
            "expires_in": int(self._life_s),
            "token_type": "Bearer",
            "scope": " ".join(sorted(scope, reverse=True)),
        }
        if refresh_token is not None:
            answer["refresh_token"] = refresh_token
        return Answer(answer, headers={"Cache-Control": "no-store"})


def _form(body: bytes, content_type: str) -> dict[str, str]:
    if content_type != "application/x-www-form-urlencoded":
        raise Refused("invalid_request", "the token endpoint takes a form")
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body))
    except ValueError as broken:
        raise Refused("invalid_request", "the form cannot be read") from broken
    if any(len(values) > 1 for values in fields.values()):
        raise Refused("invalid_request", "a field is given twice")
    return {name: values[0] for name, values in fields.items()}


def _basic(authorization: str) -> tuple[str | None, str | None]:
    scheme, _, coded = authorization.partition(" ")
    try:
        name, colon, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    if scheme.lower() != "basic" or not colon:
        return None, None
    return unquote(name), unquote(secret)


def _scope(text: str) -> frozenset[str]:
    scope = frozenset(text.split())
    unknown = scope - {READ, WRITE, OFFLINE}
    if unknown or not scope:
        raise Refused("invalid_scope", f"scope {' '.join(sorted(unknown)) or 'is empty'} cannot be granted")
    return scope

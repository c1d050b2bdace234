"""Reads what a client posts to a token endpoint: the form, and who the client says it is.

Protects: a form is read strictly, and a client that authenticates twice is refused, as the standard asks.
"""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote


class Refused(Exception):
    """An OAuth error; the message is its code."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.description = description
        self.status = status


def read_form(body: bytes, content_type: str) -> dict[str, str]:
    """The fields of a form, each once; raises Refused."""
    if content_type != "application/x-www-form-urlencoded":
        raise Refused("invalid_request", "the token endpoint takes a form")
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body))
    except ValueError as broken:
        raise Refused("invalid_request", "the form cannot be read") from broken
    if any(len(values) > 1 for values in fields.values()):
        raise Refused("invalid_request", "a field is given twice")
    return {name: values[0] for name, values in fields.items()}


def read_client(form: Mapping[str, str], authorization: str | None) -> tuple[str | None, str | None]:
    """Id and secret of a client, from the form or from basic authentication; raises Refused."""
    if authorization is None:
        return form.get("client_id"), form.get("client_secret")
    if form.get("client_secret") is not None:
        raise Refused("invalid_request", "the client authenticated twice")
    return _basic(authorization)


def _basic(authorization: str) -> tuple[str | None, str | None]:
    scheme, _, coded = authorization.partition(" ")
    try:
        name, colon, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    if scheme.lower() != "basic" or not colon:
        return None, None
    return unquote(name), unquote(secret)

"""Failures of the transport and of HTTP, in the closed set of `domain.oem.errors`.

Protects: a failure that could have been a taken write is never called "not taken"; no message repeats a body, a query
or an exception's own text, because each of these can carry a secret.
"""

from datetime import datetime

import httpx

from domain.oem.errors import Malformed, NotExecutable, OemError, Rejected, Unavailable
from oem_adapters.answers import AnswerTooLong

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
"""Failures that happen before the first byte of a request leaves; all others may come after the last one arrived."""

_REFUSALS = {
    400: "it finds the request or its value not valid",
    403: "the account has no right to it (scope, subscription or access to the system)",
    404: "it knows no such system, device or setting",
    405: "it does not offer this call",
    409: "it conflicts with the state of the unit",
    415: "it does not read this content type",
    422: "it finds the value not valid",
}
REMOTE_CONTROL_NOT_PERMITTED = "remote control is not permitted"
"""How the message of a Rejected begins where a unit may be read and not written."""

_FORBIDDEN = 403
_LOCKED = 423
_REQUEST_TIMEOUT = 408
_TOO_EARLY = 425


def transport_failure(what: str, error: httpx.HTTPError | httpx.InvalidURL | TimeoutError) -> OemError:
    """The error for a request that got no answer. `what` names the call, without ids."""
    kind = type(error).__name__
    if isinstance(error, AnswerTooLong):
        return Malformed(f"{what}: the answer is too long to be one of this API's.")
    if isinstance(error, httpx.DecodingError):
        return Malformed(f"{what}: the answer could not be unpacked ({kind}).")
    if isinstance(error, httpx.InvalidURL):
        return Unavailable(f"{what}: the address of the cloud is not a URL.", maybe_taken=False)
    if isinstance(error, _NEVER_SENT):
        return Unavailable(f"{what}: the cloud was not reached ({kind}).", maybe_taken=False)
    return Unavailable(f"{what}: no answer came ({kind}).", maybe_taken=True)


def status_failure(
    what: str, status: int, is_write: bool = False, resting_until: datetime | None = None
) -> OemError | None:
    """The error for an answer's status; None for 2xx. 401 needs a token and 429 a clock: neither is decided here.

    `resting_until`: before when the cloud asked not to be tried, where it did.
    """
    if 200 <= status < 300:
        return None
    if status >= 500 or status == _REQUEST_TIMEOUT:
        return Unavailable(f"{what}: the cloud failed ({status}).", maybe_taken=True, retry_at=resting_until)
    if status == _TOO_EARLY:
        return Unavailable(f"{what}: the cloud was not ready for it ({status}).", maybe_taken=False)
    if status == _LOCKED:
        return NotExecutable(f"{what}: the unit is locked now ({status}).")
    if status == _FORBIDDEN and is_write:
        refusal = f"{REMOTE_CONTROL_NOT_PERMITTED}: {what} was refused, as {_REFUSALS[status]} ({status})."
        return Rejected(refusal, is_read_only=True)
    if status >= 400:
        return Rejected(f"{what} was refused: {_REFUSALS.get(status, 'the cloud gives no known reason')} ({status}).")
    return Malformed(f"{what}: an answer that is none of this API's ({status}).")

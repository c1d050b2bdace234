"""The closed set of errors that an adapter raises.

Protects: every vendor body maps onto one of these, and each has one policy.
"""

from datetime import datetime
from typing import Any


class OemError(Exception):
    """Base of the closed set. The message is one sentence without secrets."""


class AuthExpired(OemError):
    """Credentials are not accepted, even after a refresh; a person must act."""


class RateLimited(OemError):
    """The call budget is used up until `retry_at` (steered)."""

    def __init__(self, message: str, retry_at: datetime) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class Unavailable(OemError):
    """The cloud did not answer, or answered with a failure of its own; a write may or may not have been taken.

    `maybe_taken` says whether a write could have been taken (a lost answer) or surely was not (refused connection);
    `retry_at` (steered) before when the cloud asked not to be tried again, None where it did not say.
    """

    def __init__(self, message: str, maybe_taken: bool = True, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.maybe_taken = maybe_taken
        self.retry_at = retry_at


class Offline(OemError):
    """The cloud says that the pump is not connected."""


class Rejected(OemError):
    """The cloud refused the request for good: a bad value, no right, no such device.

    `is_read_only` says that the unit may be read and not written: somebody switched remote control off.
    """

    def __init__(self, message: str, is_read_only: bool = False) -> None:
        super().__init__(message)
        self.is_read_only = is_read_only


class NotExecutable(OemError):
    """The pump cannot do this now (mode, lock, installer state); later it may."""


class Malformed(OemError):
    """The answer could not be read."""

    def __init__(self, message: str, answer: Any = None) -> None:
        super().__init__(message)
        self.answer = answer


class Ignored(OemError):
    """The cloud accepted a write that the pump was seen not to obey."""

"""Credentials and tokens of vendor accounts, and the vault that keeps them.

Protects: a secret is never printed; a token is renewed by one holder at a time and stored before it is used.
"""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from pydantic import SecretStr

from domain.base import Value
from domain.oem.quota import Quota


class AccountCredentials(Value):
    """What an account at a vendor is reached with."""

    account_id: str
    oem: str
    api_url: str
    token_url: str = ""
    """Empty where the account's token is never renewed."""
    client_id: str
    client_secret: SecretStr
    quotas: tuple[Quota, ...] = ()
    """As the vendor publishes them."""
    observe_calls: float = 1.0
    """Calls that one observation of one of its pumps costs."""
    reads_accounts: bool = False
    """Whether that observation is of all its pumps."""


class StoredToken(Value):
    """A token as the vendor gave it."""

    access_token: SecretStr
    refresh_token: SecretStr | None = None


class TokenVault(Protocol):
    """Where credentials and tokens are kept, shared by all workers."""

    async def credentials(self, account_id: str) -> AccountCredentials:
        """The account; raises `LookupError` with a sentence where there is none."""
        ...

    async def load(self, account_id: str) -> StoredToken | None:
        """The newest stored token."""
        ...

    def renewing(self, account_id: str) -> AbstractAsyncContextManager[None]:
        """The one lock under which an account's token may be renewed."""
        ...

    async def save(self, account_id: str, token: StoredToken) -> None:
        """Store a token; it may be used once this has returned."""
        ...

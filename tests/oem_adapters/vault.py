"""A vault in memory, with the lock and the count of calls that workers share, for one account or several.

Protects: the order of loading, saving and using tokens can be seen in tests.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from pydantic import SecretStr

from domain.oem.credentials import AccountCredentials, StoredToken
from domain.oem.manifest import Manifest
from domain.oem.spending import Claim, claim_among
from oem_adapters.nibe.manifest import MANIFEST

CLIENT_SECRET = "the-client-secret-s3cr3t"
ACCESS_TOKEN = "the-access-token-4cc355"
REFRESH_TOKEN = "the-refresh-token-r3fr35h"


def a_token(access: str = ACCESS_TOKEN, refresh: str | None = REFRESH_TOKEN) -> StoredToken:
    return StoredToken(
        access_token=SecretStr(access), refresh_token=SecretStr(refresh) if refresh is not None else None
    )


class ClaimsInMemory:
    def __init__(self) -> None:
        self.spent: defaultdict[str, list[datetime]] = defaultdict(list)

    async def claim(self, counter: str, window: timedelta, most: int, at: datetime) -> Claim:
        claim = claim_among(self.spent[counter], window, most, at)
        if claim.opens_at is None:
            self.spent[counter].append(at)
        return claim

    async def take_back(self, counter: str, at: datetime) -> None:
        if at in self.spent[counter]:
            self.spent[counter].remove(at)


class VaultInMemory(ClaimsInMemory):
    def __init__(
        self,
        base_url: str,
        client_id: str = "client",
        client_secret: str = CLIENT_SECRET,
        manifest: Manifest = MANIFEST,
    ) -> None:
        """Accounts of a vendor that is reached at `base_url`."""
        super().__init__()
        self._manifest = manifest.at(base_url)
        self._client_id = client_id
        self._client_secret = client_secret
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.tokens: dict[str, StoredToken] = {}
        self.events: list[str] = []
        self.at_the_lock = 0
        self.most_at_the_lock = 0

    async def credentials(self, account_id: str) -> AccountCredentials:
        if account_id == "nobody":
            raise LookupError(f"there is no account {account_id}")
        return self._manifest.account(account_id, self._client_id, SecretStr(self._client_secret))

    async def load(self, account_id: str) -> StoredToken | None:
        return self.tokens.get(account_id)

    @asynccontextmanager
    async def renewing(self, account_id: str) -> AsyncIterator[None]:
        self.at_the_lock += 1
        self.most_at_the_lock = max(self.most_at_the_lock, self.at_the_lock)
        try:
            async with self._locks[account_id]:
                yield
        finally:
            self.at_the_lock -= 1

    async def save(self, account_id: str, token: StoredToken) -> None:
        await asyncio.sleep(0)
        self.tokens[account_id] = token
        self.events.append(f"saved {token.access_token.get_secret_value()}")

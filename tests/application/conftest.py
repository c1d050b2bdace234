"""What use cases on the ledger alone are tried on: a real PostgreSQL, and no Temporal."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest_asyncio
from pydantic import SecretStr

from application.access import Access
from domain.clock import SteeringClock
from ledger.repositories import open_repositories
from tests.ledger.builders import a_key
from tests.ledger.conftest import database, place, server

__all__ = ["database", "place", "server"]


@pytest_asyncio.fixture
async def access(database: str) -> AsyncIterator[Access]:
    """A running heatsteer, as far as a use case sees it that speaks to no workflow."""
    start = datetime.now(UTC)
    async with open_repositories(SecretStr(database), [a_key()], lock_connections=2) as ledger:
        yield Access(None, ledger, SteeringClock(epoch=start, start_wall=start))  # type: ignore[arg-type]

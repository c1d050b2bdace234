"""Counts calls to vendors in memory and brings the counts to the ledger beside the work.

Protects: no call to a vendor waits for its book-keeping; an account is not taken for mended before its calls have held.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from domain.oem.breaker import minute_of
from domain.oem.calls import CallFate, CallMade

log = structlog.get_logger(__name__)

FLUSH_EVERY_S = 0.5
"""Wall seconds; what a killed worker forgets."""
MENDED_AFTER_S = 3.0
"""Wall seconds without a refusal after which an account's calls count as holding: a token is often given just before
the cloud refuses what it is used for."""
MOST_LINES_KEPT = 50_000
"""Lines that wait for a ledger that does not answer; beyond, new ones are dropped with a warning."""

Line = tuple[str, str, datetime, CallFate]
"""Vendor, account, steered minute, fate."""


@dataclass
class Counted:
    """Calls of one line, and the writes among them."""

    calls: int = 0
    writes: int = 0


@dataclass
class Calls:
    """What was counted since the last flush."""

    lines: dict[Line, Counted] = field(default_factory=dict)
    grants: dict[tuple[str, int], tuple[CallMade, int]] = field(default_factory=dict)
    """By account and window in seconds: the newest call that named a quota for it, and the calls it named."""

    def add(self, call: CallMade) -> None:
        """Count one call."""
        key = (call.oem, call.account_id, minute_of(call.at), call.fate)
        counted = self.lines.setdefault(key, Counted())
        counted.calls += 1
        counted.writes += call.is_write
        for quota in call.quotas:
            self.grants[call.account_id, round(quota.window.total_seconds())] = call, quota.calls

    def put_back(self, earlier: "Calls") -> None:
        """Count again what could not be written."""
        for key, counted in earlier.lines.items():
            mine = self.lines.setdefault(key, Counted())
            mine.calls += counted.calls
            mine.writes += counted.writes
        self.grants = earlier.grants | self.grants


class CallKeeper(Protocol):
    """Where counts go."""

    async def keep(self, calls: Calls, mended: Mapping[str, datetime]) -> None:
        """Add counts and grants; close the asks of accounts whose calls have been accepted since then (steered)."""
        ...


class CallCounter:
    """`domain.oem.calls.CallListener` that counts in memory; `run` brings the counts to the ledger."""

    def __init__(self, keeper: CallKeeper, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._keeper = keeper
        self._monotonic_s = monotonic_s
        self._calls = Calls()
        self._holding: dict[str, tuple[datetime, float]] = {}
        """Since when (steered, and on the monotonic clock) an account's calls have been accepted."""

    def __call__(self, call: CallMade) -> None:
        if len(self._calls.lines) < MOST_LINES_KEPT:
            self._calls.add(call)
        else:
            log.warning("call not counted", oem=call.oem, fate=call.fate.value)
        if call.fate is CallFate.OK:
            self._holding.setdefault(call.account_id, (call.at, self._monotonic_s()))
        elif call.fate is CallFate.CREDENTIALS:
            self._holding.pop(call.account_id, None)

    async def flush(self) -> None:
        """Write what was counted; what cannot be written is kept for the next time."""
        calls, self._calls = self._calls, Calls()
        settled = self._monotonic_s() - MENDED_AFTER_S
        mended = {account: at for account, (at, begun) in self._holding.items() if begun <= settled}
        try:
            await self._keeper.keep(calls, mended)
        except (OSError, SQLAlchemyError) as error:
            self._calls.put_back(calls)
            log.warning("calls not written down yet", reason=type(error).__name__)
        else:
            for account in mended:
                self._holding.pop(account, None)

    async def run(self) -> None:
        """Flush until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(FLUSH_EVERY_S)
                await self.flush()
        finally:
            await self.flush()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Flush beside whatever happens inside, and a last time at its end."""
        flushing = asyncio.create_task(self.run())
        try:
            yield
        finally:
            flushing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await flushing

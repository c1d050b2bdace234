"""Temporal and PostgreSQL of one stack, started together and stopped in order.

Protects: either both run or none does.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from embedded.postgres import Postgres, start_postgres
from embedded.temporal_server import TemporalServer, start_temporal


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What kind of stack."""

    folder: Path
    """Everything of the stack lies here: data, logs, `stack.json`."""
    ephemeral: bool
    """For demo and tests: nothing is kept, databases are fast and unsafe, timers prompt."""
    time_skipping: bool = False
    dynamic_config: Mapping[str, str] = field(default_factory=dict)
    """Further settings of the Temporal server; values are JSON."""


@dataclass(frozen=True, slots=True)
class Servers:
    """The running pair."""

    postgres: Postgres
    temporal: TemporalServer

    async def stop(self) -> None:
        await self.temporal.child.stop()
        await self.postgres.stop()


async def start_servers(folder: Path, options: StackOptions, hold: int) -> Servers:
    """Start both at once; `hold` is the lock their supervisors keep. Raises StackError when one does not come up."""
    postgres = asyncio.create_task(start_postgres(folder, ephemeral=options.ephemeral, hold=hold))
    temporal = asyncio.create_task(
        start_temporal(
            folder,
            ephemeral=options.ephemeral,
            time_skipping=options.time_skipping,
            dynamic_config=options.dynamic_config,
            hold=hold,
        )
    )
    try:
        return Servers(*await asyncio.gather(postgres, temporal))
    except BaseException:
        # The slower one cleans up after itself when cancelled; the faster one may already be up.
        for starting in (postgres, temporal):
            # Our own cancellation has already reached them; a second one would break off their tidying.
            if not starting.cancelling():
                starting.cancel()
        await asyncio.wait({postgres, temporal})
        if not temporal.cancelled() and temporal.exception() is None:
            await temporal.result().child.stop()
        if not postgres.cancelled() and postgres.exception() is None:
            await postgres.result().stop()
        raise

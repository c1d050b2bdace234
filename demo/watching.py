"""Metrics of an embedded stack: workers and the fleet serve them on free ports that `stack.json` names.

Protects: two stacks side by side never serve at the same address.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial

from application.access import Access
from application.fleet.figures import fleet_figures
from embedded.children import Child
from embedded.serving import LOOPBACK, free_ports
from embedded.stack import Stack
from telemetry.fleet import serving_fleet

EVERY_S = 15.0
"""Wall seconds between two reads of the fleet's figures."""
EVERY_SPED_UP_S = 3.0
VARIABLES = {"HEATSTEER_METRICS_ADDRESS": "", "HEATSTEER_TEMPORAL_METRICS_ADDRESS": "-temporal"}
"""What tells a worker where to serve its metrics and the Temporal SDK's, and what `stack.json` adds to its name."""


async def start_watched_worker(stack: Stack, role: str, environment: Mapping[str, str]) -> Child:
    """One more worker process, which serves its metrics."""
    served = dict(zip(VARIABLES, (f"{LOOPBACK}:{port}" for port in free_ports(len(VARIABLES))), strict=True))
    worker = await stack.start_worker(role, {**environment, **served})
    for variable, address in served.items():
        stack.set_metrics(f"{worker.name}{VARIABLES[variable]}", address)
    return worker


@contextlib.asynccontextmanager
async def serving_figures(stack: Stack, access: Access) -> AsyncIterator[None]:
    """Serve the fleet's figures meanwhile."""
    every_s = EVERY_S if access.clock.speed == 1 else EVERY_SPED_UP_S
    async with serving_fleet(partial(fleet_figures, access), f"{LOOPBACK}:0", every_s) as address:
        if address is not None:
            stack.set_metrics("fleet", address)
        yield

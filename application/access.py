"""What use cases need of a running heatsteer: Temporal, the ledger and steered time.

Protects: everything is injected; a use case opens no connection and reads no configuration of its own.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.client import Client

from domain.clock import SteeringClock
from ledger.repositories import Repositories


@dataclass(frozen=True)
class Access:
    """A running heatsteer."""

    client: Client
    ledger: Repositories
    clock: SteeringClock
    ui_url: str | None = None
    """Temporal's Web UI, where its address is known."""

    def now(self) -> datetime:
        """Steered time."""
        return self.clock.steered(datetime.now(UTC))

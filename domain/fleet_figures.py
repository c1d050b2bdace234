"""What is true of the fleet at one moment, in figures: what operators, metrics and alerts are shown.

Protects: every face shows the same figures; an unknown figure is None, never zero.
"""

from domain.base import Instant, Value
from domain.commands.command import CommandState


class VendorFigures(Value):
    """One vendor's pumps and cloud."""

    oem: str
    modes: dict[str, int]
    """Steered pumps by the heating mode they were last seen in, or "unknown"."""
    offline: int
    """Steered pumps that the cloud has gone silent on."""
    commands_24h: dict[CommandState, int]
    """Commands decided in the last 24 steered hours, by the state they are in."""
    drifted_24h: int
    touched_24h: int
    """Manual changes."""
    dead_letters: int
    """Circuits with a dead letter that nobody dealt with."""
    accounts_waiting: int
    """Accounts that need a person."""
    breaker: str | None
    """None where no guard has watched the vendor yet."""
    quota_used: float | None
    beyond_quota: int | None
    """Steered pumps more than the vendor's quotas carry; None where no quota is known."""
    """Calls of the last steered hour over the hour's grant; None where no quota is known."""
    drift_found_within_s: float | None
    rooms_read: int
    """Pumps with a room reading that is not old."""
    rooms_below_floor: int
    """Of those."""
    room_lowest_c: float | None
    room_mean_c: float | None

    @property
    def pumps(self) -> int:
        """Steered ones."""
        return sum(self.modes.values())

    @property
    def verified_share(self) -> float | None:
        """Of the commands of 24 hours that ended and were not superseded, those seen obeyed; None where none ended."""
        ended = {s: n for s, n in self.commands_24h.items() if s.is_settled and s is not CommandState.SUPERSEDED}
        obeyed = ended.get(CommandState.APPLIED, 0) + ended.get(CommandState.EFFECTIVE, 0)
        return obeyed / sum(ended.values()) if sum(ended.values()) else None


class PlanFigures(Value):
    """The newest plan of a price area."""

    revision: int
    age_s: float
    remaining_s: float
    """Until the latest end of the area's plans; negative once they have run out."""
    wanted: int
    """Pumps that it was to be for."""
    planned: int
    delivered: int
    cost_eur: float
    neutral_cost_eur: float
    lower_bound_eur: float
    gap: float
    """Share of the cost."""
    gap_of_gain: float
    """Share of the gain over neutral."""
    overflow_kwh: float
    kelvin_hours: float
    solve_s: float
    """Wall time."""
    paid_eur_per_mwh: tuple[float, float] | None = None
    """Least and most that any of its homes pays in the present slot; None outside its slots."""


class AreaFigures(Value):
    """One price area with steered pumps."""

    price_area: str
    plan: PlanFigures | None
    prices_age_s: float | None
    prices_remaining_s: float | None
    price_eur_per_mwh: float | None
    """Of the present slot."""


class QueueFigures(Value):
    """A task queue of Temporal, about."""

    queue: str
    kind: str
    """activity or workflow"""
    backlog: int
    age_s: float
    """Wall time that the oldest task has waited."""


class FleetFigures(Value):
    """Everything, at one moment of steered time."""

    at: Instant
    vendors: tuple[VendorFigures, ...]
    areas: tuple[AreaFigures, ...]
    weather_age_s: float | None
    """Of the weather cell whose newest forecast is oldest."""
    quarantined: dict[str, int]
    """Documents that were not believed, by kind, since the ledger began."""
    authorities: dict[str, int]
    """Running pump workflows by who steers."""
    alerts: dict[str, int]
    """Running pump workflows by what a person should look at."""
    queues: tuple[QueueFigures, ...]

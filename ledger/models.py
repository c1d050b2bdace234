"""Tables of the ledger.

Protects: command and audit rows are append-only events; what a plan was made from can always be looked up.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Moment = DateTime(timezone=True)


class Base(DeclarativeBase):
    """Base of all tables, with names for every constraint so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class OemAccount(Base):
    """Credentials of one account at a vendor; secrets are encrypted."""

    __tablename__ = "oem_accounts"
    account_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    oem: Mapped[str] = mapped_column(String(32))
    api_url: Mapped[str] = mapped_column(Text)
    token_url: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(Text)
    client_secret: Mapped[bytes] = mapped_column(LargeBinary)
    token: Mapped[bytes | None] = mapped_column(LargeBinary)
    quotas: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """As the vendor publishes them."""
    observe_calls: Mapped[float] = mapped_column(Double)
    """Calls that one observation of one pump costs."""
    reads_accounts: Mapped[bool] = mapped_column(Boolean)
    """Whether that observation is of all the account's pumps."""
    connected_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    disconnected_at: Mapped[datetime | None] = mapped_column(Moment)
    """Since when its secrets are gone; the row stays for the pumps that were reached through it."""


class Pump(Base):
    """An enrolled pump."""

    __tablename__ = "pumps"
    pump_id: Mapped[str] = mapped_column(String(41), primary_key=True)
    oem: Mapped[str] = mapped_column(String(32))
    account_id: Mapped[str] = mapped_column(ForeignKey("oem_accounts.account_id"))
    profile: Mapped[dict[str, Any]] = mapped_column(JSONB)
    enrolled_at: Mapped[datetime] = mapped_column(Moment)
    retired_at: Mapped[datetime | None] = mapped_column(Moment)


class PriceVersion(Base):
    """A price series that was believed."""

    __tablename__ = "price_versions"
    version: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    price_area: Mapped[str] = mapped_column(String(16))
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    series: Mapped[dict[str, Any]] = mapped_column(JSONB)
    stored_at: Mapped[datetime] = mapped_column(Moment)
    confirmed_at: Mapped[datetime] = mapped_column(Moment)
    """When it was last said to hold; of two versions of a day the one that was confirmed last counts."""
    by_person: Mapped[bool] = mapped_column(Boolean)
    """Whether a person loaded or released it: a source that only repeats itself does not override that."""
    auction: Mapped[int | None] = mapped_column(ForeignKey("price_versions.version"))
    """The version that intraday or imbalance prices are laid over; null for what the auction itself gave."""


class WeatherVersion(Base):
    """A weather series that was believed."""

    __tablename__ = "weather_versions"
    version: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    cell: Mapped[str] = mapped_column(String(32))
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    series: Mapped[dict[str, Any]] = mapped_column(JSONB)
    stored_at: Mapped[datetime] = mapped_column(Moment)


class QuarantinedDocument(Base):
    """A document that was not believed."""

    __tablename__ = "quarantine"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    origin: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    """The same document refused for the same reason stands here once, however often it was fetched."""
    series: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Whole prices that were suspected; null for what can never be a series."""
    received_at: Mapped[datetime] = mapped_column(Moment)
    released_version: Mapped[int | None] = mapped_column(ForeignKey("price_versions.version"))


class PlanSubmission(Base):
    """A plan that another optimiser made, as it was submitted; judged under every revision that names it."""

    __tablename__ = "plan_submissions"
    submission: Mapped[str] = mapped_column(String(32), primary_key=True)
    """A hash of what it says: the same plan is stored once."""
    price_area: Mapped[str] = mapped_column(String(16))
    day: Mapped[date] = mapped_column(Date)
    planned_by: Mapped[str] = mapped_column(String(80))
    submitted_at: Mapped[datetime] = mapped_column(Moment)


class SubmittedSchedule(Base):
    """What a submitted plan asks of one pump, known to us or not."""

    __tablename__ = "submitted_schedules"
    submission: Mapped[str] = mapped_column(ForeignKey("plan_submissions.submission"), primary_key=True)
    pump_id: Mapped[str] = mapped_column(Text, primary_key=True)
    segments: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class FleetPlan(Base):
    """One revision for the pumps of a price area; what was solved of it is in `plan_parts`."""

    __tablename__ = "fleet_plans"
    revision: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(String(160), unique=True)
    """What asked for it; the same run never makes two revisions."""
    price_area: Mapped[str] = mapped_column(String(16))
    price_version: Mapped[int] = mapped_column(ForeignKey("price_versions.version"))
    first_slot: Mapped[datetime] = mapped_column(Moment)
    slots: Mapped[int] = mapped_column(Integer)
    until: Mapped[datetime] = mapped_column(Moment)
    pumps: Mapped[int] = mapped_column(Integer)
    is_preview: Mapped[bool] = mapped_column(Boolean)
    """A preview; no pump was given it."""
    submission: Mapped[str | None] = mapped_column(ForeignKey("plan_submissions.submission"))
    """Whose schedules these are; null for our own."""
    created_at: Mapped[datetime] = mapped_column(Moment)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    """When nothing more came of it; open while it is being solved and delivered."""


class PlanShard(Base):
    """A portion of a revision that is solved, stored and delivered on its own."""

    __tablename__ = "plan_shards"
    revision: Mapped[int] = mapped_column(ForeignKey("fleet_plans.revision"), primary_key=True)
    shard: Mapped[int] = mapped_column(Integer, primary_key=True)
    pumps: Mapped[int] = mapped_column(Integer)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    delivered: Mapped[int | None] = mapped_column(Integer)
    """Pumps that took their plan; null until it was handed out."""
    failure: Mapped[str | None] = mapped_column(Text)


class PlanPart(Base):
    """One solved request of a shard: pumps of one scope, with the certificate of their plan."""

    __tablename__ = "plan_parts"
    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    shard: Mapped[int] = mapped_column(Integer, primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    grid_area: Mapped[str] = mapped_column(String(64))
    weather_cell: Mapped[str] = mapped_column(String(32))
    tariff: Mapped[str] = mapped_column(String(32))
    weather_version: Mapped[int] = mapped_column(ForeignKey("weather_versions.version"))
    pumps: Mapped[int] = mapped_column(Integer)
    cold_snap_pumps: Mapped[int] = mapped_column(Integer)
    cap_kw: Mapped[float | None] = mapped_column(Double)
    nominated: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Its share of what was nominated of its area, with the prices of deviating and the load curve's version."""
    certificate: Mapped[dict[str, Any]] = mapped_column(JSONB)
    price_eur_per_mwh: Mapped[list[float]] = mapped_column(JSONB)
    """What its homes pay by slot: tariffs change, a plan's numbers do not."""
    cap_price_eur_per_mwh: Mapped[list[float]] = mapped_column(JSONB)
    load_kw: Mapped[list[float]] = mapped_column(JSONB)
    neutral_load_kw: Mapped[list[float]] = mapped_column(JSONB)
    """The same pumps under their own control."""
    pumps_by_mode: Mapped[dict[str, list[int]]] = mapped_column(JSONB)
    solved_at: Mapped[datetime] = mapped_column(Moment)
    __table_args__ = (ForeignKeyConstraint(["revision", "shard"], ["plan_shards.revision", "plan_shards.shard"]),)


class PumpPlan(Base):
    """One pump's price plan of a revision."""

    __tablename__ = "pump_plans"
    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    pump_id: Mapped[str] = mapped_column(ForeignKey("pumps.pump_id"), primary_key=True)
    shard: Mapped[int] = mapped_column(Integer)
    part: Mapped[int] = mapped_column(Integer)
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    power_kw: Mapped[list[float]] = mapped_column(JSONB)
    __table_args__ = (
        ForeignKeyConstraint(
            ["revision", "shard", "part"], ["plan_parts.revision", "plan_parts.shard", "plan_parts.part"]
        ),
        Index("ix_pump_plans_shard", "revision", "shard", "pump_id"),
    )


class PlanRefusal(Base):
    """What of a submitted plan was not taken under a revision, and why."""

    __tablename__ = "plan_refusals"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    revision: Mapped[int] = mapped_column(ForeignKey("fleet_plans.revision"), index=True)
    subject: Mapped[str] = mapped_column(Text)
    """A pump, or a grid area whose pumps together are meant."""
    slot: Mapped[datetime | None] = mapped_column(Moment)
    problem: Mapped[str] = mapped_column(Text)
    way_out: Mapped[str] = mapped_column(Text)


class LoadCurveRow(Base):
    """An area's expected load of a market day; a later one is a further version."""

    __tablename__ = "load_curves"
    version: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    area: Mapped[str] = mapped_column(String(64))
    day: Mapped[date] = mapped_column(Date)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    made_at: Mapped[datetime] = mapped_column(Moment)
    __table_args__ = (Index("ix_load_curves_area_day", "area", "day"),)


class NominationRow(Base):
    """Which load curve was nominated of an area for a market day; append-only, the newest of an area and day counts."""

    __tablename__ = "nominations"
    number: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    area: Mapped[str] = mapped_column(String(64))
    price_area: Mapped[str] = mapped_column(String(16))
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    curve: Mapped[int | None] = mapped_column(ForeignKey("load_curves.version"))
    """Null where it was withdrawn."""
    up_eur_per_mwh: Mapped[float | None] = mapped_column(Double)
    down_eur_per_mwh: Mapped[float | None] = mapped_column(Double)
    given_at: Mapped[datetime] = mapped_column(Moment)
    __table_args__ = (Index("ix_nominations_day", "price_area", "starts_at"),)


class CommandRow(Base):
    """A command as decided; never changed. Its life is in `command_events`."""

    __tablename__ = "commands"
    command_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    pump_id: Mapped[str] = mapped_column(ForeignKey("pumps.pump_id"))
    seq: Mapped[int] = mapped_column(Integer)
    mode: Mapped[str] = mapped_column(String(8))
    authority: Mapped[str] = mapped_column(String(24))
    revision: Mapped[int | None] = mapped_column(Integer)
    lever: Mapped[str] = mapped_column(String(40))
    setting: Mapped[float] = mapped_column(Double)
    decided_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    __table_args__ = (UniqueConstraint("pump_id", "seq"),)


class CommandEventRow(Base):
    """One line of a command's life; append-only, and the same line only once."""

    __tablename__ = "command_events"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    command_id: Mapped[str] = mapped_column(String(64))
    pump_id: Mapped[str] = mapped_column(String(41))
    at: Mapped[datetime] = mapped_column(Moment)
    kind: Mapped[str] = mapped_column(String(24))
    write_no: Mapped[int] = mapped_column(Integer)
    lever: Mapped[str | None] = mapped_column(String(24))
    setting: Mapped[float | None] = mapped_column(Double)
    reason: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    __table_args__ = (
        UniqueConstraint("command_id", "kind", "write_no"),
        Index("ix_command_events_sent", "pump_id", "lever", "id", postgresql_where=text("kind = 'sent'")),
    )


class ObservationRow(Base):
    """What a cloud reported, partitioned by the day of its stamp."""

    __tablename__ = "observations"
    pump_id: Mapped[str] = mapped_column(String(41), primary_key=True)
    as_of: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    reading: Mapped[dict[str, Any]] = mapped_column(JSONB)
    __table_args__ = {"postgresql_partition_by": "RANGE (as_of)"}  # noqa: RUF012 -- SQLAlchemy's own form


class JournalRow(Base):
    """What a pump decided for one circuit, partitioned by the day of the decision; append-only."""

    __tablename__ = "journal"
    pump_id: Mapped[str] = mapped_column(String(41), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    event: Mapped[str] = mapped_column(String(16))
    circuit: Mapped[str] = mapped_column(String(16))
    mode: Mapped[str] = mapped_column(String(8))
    authority: Mapped[str] = mapped_column(String(24))
    until: Mapped[datetime | None] = mapped_column(Moment)
    revision: Mapped[int | None] = mapped_column(Integer)
    is_held: Mapped[bool] = mapped_column(Boolean)
    is_urgent: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str] = mapped_column(Text)
    lever: Mapped[str] = mapped_column(String(40))
    setting: Mapped[float] = mapped_column(Double)
    baseline: Mapped[float] = mapped_column(Double)
    bounds: Mapped[list[Any]] = mapped_column(JSONB)
    standing: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    recorded_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())
    __table_args__ = {"postgresql_partition_by": "RANGE (at)"}  # noqa: RUF012 -- SQLAlchemy's own form


class PartitionDay(Base):
    """Which days each partitioned table has partitions for."""

    __tablename__ = "partition_days"
    table_name: Mapped[str] = mapped_column(String(32), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)


class AuditRow(Base):
    """Every changing act of a person: who, why, what; append-only."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    who: Mapped[str] = mapped_column(String(80))
    why: Mapped[str] = mapped_column(Text)
    act: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80))
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    recorded_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())


class PumpWatch(Base):
    """What the sweep last saw of a pump and last signalled to its workflow, so that news is signalled once."""

    __tablename__ = "pump_watch"
    pump_id: Mapped[str] = mapped_column(ForeignKey("pumps.pump_id"), primary_key=True)
    looked_at: Mapped[datetime] = mapped_column(Moment)
    as_of: Mapped[datetime | None] = mapped_column(Moment)
    is_silent: Mapped[bool] = mapped_column(Boolean)
    told: Mapped[dict[str, Any]] = mapped_column(JSONB)


class OemCallCount(Base):
    """Calls to a vendor by steered minute and fate: what the breaker judges and the books show."""

    __tablename__ = "oem_calls"
    oem: Mapped[str] = mapped_column(String(32), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    minute: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    fate: Mapped[str] = mapped_column(String(16), primary_key=True)
    calls: Mapped[int] = mapped_column(Integer)
    writes: Mapped[int] = mapped_column(Integer)


class OemGrant(Base):
    """The number of calls in a window that a vendor last named as an account's quota."""

    __tablename__ = "oem_grants"
    account_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    window_s: Mapped[int] = mapped_column(Integer, primary_key=True)
    oem: Mapped[str] = mapped_column(String(32))
    calls: Mapped[int] = mapped_column(Integer)
    told_at: Mapped[datetime] = mapped_column(Moment)


class OemSpending(Base):
    """The calls that were spent of one quota by all workers, counted before they left."""

    __tablename__ = "oem_spending"
    counter: Mapped[str] = mapped_column(Text, primary_key=True)
    calls: Mapped[list[datetime]] = mapped_column(ARRAY(Moment))
    """Steered moments of the quota's window; of a great grant each stands for a lot of calls."""


class BreakerRow(Base):
    """Every change of a vendor's breaker; append-only, the newest row is its state."""

    __tablename__ = "oem_breakers"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    oem: Mapped[str] = mapped_column(String(32), index=True)
    state: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(Moment)
    rate_per_min: Mapped[float] = mapped_column(Double)
    reason: Mapped[str] = mapped_column(Text)


class OrderRow(Base):
    """Orders given to many pumps at once, for pumps that come later and for people who ask."""

    __tablename__ = "orders"
    order_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    given_at: Mapped[datetime] = mapped_column(Moment)
    lifted_at: Mapped[datetime | None] = mapped_column(Moment)


class AccountAsk(Base):
    """An account whose credentials a person must renew; one open row an account."""

    __tablename__ = "account_asks"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("oem_accounts.account_id"))
    since: Mapped[datetime] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(Text)
    solved_at: Mapped[datetime | None] = mapped_column(Moment)
    __table_args__ = (
        Index("uq_account_asks_open", "account_id", unique=True, postgresql_where=text("solved_at IS NULL")),
    )


class InvitationRow(Base):
    """A link that a household was sent to connect its own account."""

    __tablename__ = "account_invitations"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the link's secret part."""
    oem: Mapped[str] = mapped_column(String(32))
    account_id: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
    units: Mapped[list[str]] = mapped_column(JSONB)
    """What the account reached when it was connected, by `vendor_ref`."""


class ShadowCommand(Base):
    """A line of the command log of another system, imported while its pumps are observed."""

    __tablename__ = "shadow_commands"
    pump_id: Mapped[str] = mapped_column(ForeignKey("pumps.pump_id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    mode: Mapped[str] = mapped_column(String(8))
    status: Mapped[int] = mapped_column(Integer)
    setting: Mapped[float | None] = mapped_column(Double)
    imported_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())


class ExperimentRow(Base):
    """Who is left neutral from a day on; append-only, the newest that began counts."""

    __tablename__ = "experiments"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    begins: Mapped[date] = mapped_column(Date)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    given_at: Mapped[datetime] = mapped_column(Moment)


class EnergyReport(Base):
    """Energy as a meter or a vendor reported it, garbage included; append-only, in the order of `id`."""

    __tablename__ = "energy_reports"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    pump_id: Mapped[str] = mapped_column(ForeignKey("pumps.pump_id"))
    starts_at: Mapped[datetime | None] = mapped_column(Moment)
    """Of a total; null for a counter."""
    at: Mapped[datetime] = mapped_column(Moment)
    """Of a counter's reading, or the end of a total."""
    kwh: Mapped[float] = mapped_column(Double)
    is_of_vendor: Mapped[bool] = mapped_column(Boolean)
    """Whether the unit's vendor reported it, rather than a meter or a file."""
    received_at: Mapped[datetime] = mapped_column(Moment)
    __table_args__ = (
        Index("ix_energy_reports_pump_at", "pump_id", "at"),
        UniqueConstraint("pump_id", "starts_at", "at", "kwh", "is_of_vendor", postgresql_nulls_not_distinct=True),
    )


class HomeDayRow(Base):
    """A pump's market day as settled last, with its energy by slot."""

    __tablename__ = "home_days"
    pump_id: Mapped[str] = mapped_column(ForeignKey("pumps.pump_id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    price_area: Mapped[str] = mapped_column(String(16))
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    energy: Mapped[dict[str, Any]] = mapped_column(JSONB)
    revision: Mapped[int] = mapped_column(Integer)
    """Counts the times that it came out differently."""
    settled_at: Mapped[datetime] = mapped_column(Moment)
    __table_args__ = (Index("ix_home_days_area", "price_area", "day"),)


class RegretRow(Base):
    """What a scope's market day missed against one that was planned knowing it, as worked out last."""

    __tablename__ = "regrets"
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    """All that makes a scope, as JSON with sorted keys."""
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    settled_at: Mapped[datetime] = mapped_column(Moment)


class HouseModelRow(Base):
    """What was learned of a pump's house at a moment; append-only, the newest version is planned with."""

    __tablename__ = "house_models"
    pump_id: Mapped[str] = mapped_column(ForeignKey("pumps.pump_id"), primary_key=True)
    learned_at: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)


class HouseLoadRow(Base):
    """Whole-house energy by slot as a meter's source sent it; append-only, the newest version of a slot counts."""

    __tablename__ = "house_loads"
    version: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    pump_id: Mapped[str] = mapped_column(ForeignKey("pumps.pump_id"))
    source: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime] = mapped_column(Moment)
    kwh: Mapped[list[float]] = mapped_column(JSONB)
    raw_sha256: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime] = mapped_column(Moment)
    __table_args__ = (Index("ix_house_loads_pump", "pump_id", "starts_at"),)


class ClaimRow(Base):
    """What is claimed to have been saved over a span of days, as estimated last."""

    __tablename__ = "claims"
    price_area: Mapped[str] = mapped_column(String(16), primary_key=True)
    first_day: Mapped[date] = mapped_column(Date, primary_key=True)
    last_day: Mapped[date] = mapped_column(Date, primary_key=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    estimated_at: Mapped[datetime] = mapped_column(Moment)

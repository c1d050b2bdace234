"""the ledger's first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(length=80), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_table(
        "command_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("command_id", sa.String(length=64), nullable=False),
        sa.Column("pump_id", sa.String(length=41), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("write_no", sa.Integer(), nullable=False),
        sa.Column("lever", sa.String(length=24), nullable=True),
        sa.Column("setting", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command_events")),
        sa.UniqueConstraint("command_id", "kind", "write_no", name=op.f("uq_command_events_command_id")),
    )
    op.create_index(
        "ix_command_events_sent",
        "command_events",
        ["pump_id", "lever", "id"],
        unique=False,
        postgresql_where=sa.text("kind = 'sent'"),
    )
    op.create_table(
        "partition_days",
        sa.Column("table_name", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", "day", name=op.f("pk_partition_days")),
    )
    op.create_table(
        "journal",
        sa.Column("pump_id", sa.String(length=41), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("circuit", sa.String(length=16), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("authority", sa.String(length=24), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("is_held", sa.Boolean(), nullable=False),
        sa.Column("is_urgent", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lever", sa.String(length=40), nullable=False),
        sa.Column("setting", sa.Double(), nullable=False),
        sa.Column("baseline", sa.Double(), nullable=False),
        sa.Column("bounds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("standing", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("pump_id", "at", "number", name=op.f("pk_journal")),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_table(
        "observations",
        sa.Column("pump_id", sa.String(length=41), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reading", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("pump_id", "as_of", name=op.f("pk_observations")),
        postgresql_partition_by="RANGE (as_of)",
    )
    op.create_table(
        "oem_accounts",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("oem", sa.String(length=32), nullable=False),
        sa.Column("api_url", sa.Text(), nullable=False),
        sa.Column("token_url", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.LargeBinary(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("quotas", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("observe_calls", sa.Double(), nullable=False),
        sa.Column("reads_accounts", sa.Boolean(), nullable=False),
        sa.Column("connected_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("disconnected_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_oem_accounts")),
    )
    op.create_table(
        "price_versions",
        sa.Column("version", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("price_area", sa.String(length=16), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("series", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_person", sa.Boolean(), nullable=False),
        sa.Column("auction", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["auction"], ["price_versions.version"], name=op.f("fk_price_versions_auction_price_versions")
        ),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_price_versions")),
        sa.UniqueConstraint("digest", name=op.f("uq_price_versions_digest")),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("series", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["released_version"],
            ["price_versions.version"],
            name=op.f("fk_quarantine_released_version_price_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("digest", name=op.f("uq_quarantine_digest")),
    )
    op.create_table(
        "weather_versions",
        sa.Column("version", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("cell", sa.String(length=32), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("series", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_weather_versions")),
        sa.UniqueConstraint("digest", name=op.f("uq_weather_versions_digest")),
    )
    op.create_table(
        "plan_submissions",
        sa.Column("submission", sa.String(length=32), nullable=False),
        sa.Column("price_area", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("planned_by", sa.String(length=80), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("submission", name=op.f("pk_plan_submissions")),
    )
    op.create_table(
        "submitted_schedules",
        sa.Column("submission", sa.String(length=32), nullable=False),
        sa.Column("pump_id", sa.Text(), nullable=False),
        sa.Column("segments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission"],
            ["plan_submissions.submission"],
            name=op.f("fk_submitted_schedules_submission_plan_submissions"),
        ),
        sa.PrimaryKeyConstraint("submission", "pump_id", name=op.f("pk_submitted_schedules")),
    )
    op.create_table(
        "fleet_plans",
        sa.Column("revision", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("price_area", sa.String(length=16), nullable=False),
        sa.Column("price_version", sa.Integer(), nullable=False),
        sa.Column("first_slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pumps", sa.Integer(), nullable=False),
        sa.Column("is_preview", sa.Boolean(), nullable=False),
        sa.Column("submission", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["price_version"], ["price_versions.version"], name=op.f("fk_fleet_plans_price_version_price_versions")
        ),
        sa.ForeignKeyConstraint(
            ["submission"],
            ["plan_submissions.submission"],
            name=op.f("fk_fleet_plans_submission_plan_submissions"),
        ),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_fleet_plans")),
        sa.UniqueConstraint("key", name=op.f("uq_fleet_plans_key")),
    )
    op.create_table(
        "plan_refusals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("way_out", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision"], ["fleet_plans.revision"], name=op.f("fk_plan_refusals_revision_fleet_plans")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_refusals")),
    )
    op.create_index(op.f("ix_plan_refusals_revision"), "plan_refusals", ["revision"], unique=False)
    op.create_table(
        "plan_shards",
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("pumps", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["revision"], ["fleet_plans.revision"], name=op.f("fk_plan_shards_revision_fleet_plans")
        ),
        sa.PrimaryKeyConstraint("revision", "shard", name=op.f("pk_plan_shards")),
    )
    op.create_table(
        "plan_parts",
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("grid_area", sa.String(length=64), nullable=False),
        sa.Column("weather_cell", sa.String(length=32), nullable=False),
        sa.Column("tariff", sa.String(length=32), nullable=False),
        sa.Column("weather_version", sa.Integer(), nullable=False),
        sa.Column("pumps", sa.Integer(), nullable=False),
        sa.Column("cold_snap_pumps", sa.Integer(), nullable=False),
        sa.Column("cap_kw", sa.Double(), nullable=True),
        sa.Column("certificate", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("price_eur_per_mwh", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cap_price_eur_per_mwh", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("load_kw", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("neutral_load_kw", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("pumps_by_mode", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("solved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision", "shard"],
            ["plan_shards.revision", "plan_shards.shard"],
            name=op.f("fk_plan_parts_revision_plan_shards"),
        ),
        sa.ForeignKeyConstraint(
            ["weather_version"],
            ["weather_versions.version"],
            name=op.f("fk_plan_parts_weather_version_weather_versions"),
        ),
        sa.PrimaryKeyConstraint("revision", "shard", "part", name=op.f("pk_plan_parts")),
    )
    op.create_table(
        "load_curves",
        sa.Column("version", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("area", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_load_curves")),
    )
    op.create_index("ix_load_curves_area_day", "load_curves", ["area", "day"], unique=False)
    op.create_table(
        "pumps",
        sa.Column("pump_id", sa.String(length=41), nullable=False),
        sa.Column("oem", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("profile", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["oem_accounts.account_id"], name=op.f("fk_pumps_account_id_oem_accounts")
        ),
        sa.PrimaryKeyConstraint("pump_id", name=op.f("pk_pumps")),
    )
    op.create_table(
        "shadow_commands",
        sa.Column("pump_id", sa.String(length=41), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("setting", sa.Double(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["pump_id"], ["pumps.pump_id"], name=op.f("fk_shadow_commands_pump_id_pumps")),
        sa.PrimaryKeyConstraint("pump_id", "at", name=op.f("pk_shadow_commands")),
    )
    op.create_table(
        "commands",
        sa.Column("command_id", sa.String(length=64), nullable=False),
        sa.Column("pump_id", sa.String(length=41), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("authority", sa.String(length=24), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("lever", sa.String(length=40), nullable=False),
        sa.Column("setting", sa.Double(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["pump_id"], ["pumps.pump_id"], name=op.f("fk_commands_pump_id_pumps")),
        sa.PrimaryKeyConstraint("command_id", name=op.f("pk_commands")),
        sa.UniqueConstraint("pump_id", "seq", name=op.f("uq_commands_pump_id")),
    )
    op.create_table(
        "pump_plans",
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("pump_id", sa.String(length=41), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("power_kw", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["pump_id"], ["pumps.pump_id"], name=op.f("fk_pump_plans_pump_id_pumps")),
        sa.ForeignKeyConstraint(
            ["revision", "shard", "part"],
            ["plan_parts.revision", "plan_parts.shard", "plan_parts.part"],
            name=op.f("fk_pump_plans_revision_plan_parts"),
        ),
        sa.PrimaryKeyConstraint("revision", "pump_id", name=op.f("pk_pump_plans")),
    )
    op.create_index("ix_pump_plans_shard", "pump_plans", ["revision", "shard", "pump_id"], unique=False)
    _savings()


def _savings() -> None:
    op.create_table(
        "experiments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("begins", sa.Date(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiments")),
    )
    op.create_table(
        "energy_reports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("pump_id", sa.String(length=41), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kwh", sa.Double(), nullable=False),
        sa.Column("is_of_vendor", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["pump_id"], ["pumps.pump_id"], name=op.f("fk_energy_reports_pump_id_pumps")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_energy_reports")),
        sa.UniqueConstraint(
            "pump_id",
            "starts_at",
            "at",
            "kwh",
            "is_of_vendor",
            name=op.f("uq_energy_reports_pump_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_energy_reports_pump_at", "energy_reports", ["pump_id", "at"], unique=False)
    op.create_table(
        "home_days",
        sa.Column("pump_id", sa.String(length=41), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("price_area", sa.String(length=16), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("energy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["pump_id"], ["pumps.pump_id"], name=op.f("fk_home_days_pump_id_pumps")),
        sa.PrimaryKeyConstraint("pump_id", "day", name=op.f("pk_home_days")),
    )
    op.create_index("ix_home_days_area", "home_days", ["price_area", "day"], unique=False)
    op.create_table(
        "house_models",
        sa.Column("pump_id", sa.String(length=41), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["pump_id"], ["pumps.pump_id"], name=op.f("fk_house_models_pump_id_pumps")),
        sa.PrimaryKeyConstraint("pump_id", "learned_at", name=op.f("pk_house_models")),
    )
    op.create_table(
        "house_loads",
        sa.Column("version", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("pump_id", sa.String(length=41), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kwh", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("raw_sha256", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["pump_id"], ["pumps.pump_id"], name=op.f("fk_house_loads_pump_id_pumps")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_house_loads")),
        sa.UniqueConstraint("pump_id", "starts_at", "raw_sha256", name=op.f("uq_house_loads_pump_id")),
    )
    op.create_table(
        "claims",
        sa.Column("price_area", sa.String(length=16), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("estimated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("price_area", "first_day", "last_day", name=op.f("pk_claims")),
    )
    op.create_table(
        "regrets",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", "scope", name=op.f("pk_regrets")),
    )


def downgrade() -> None:
    for table in ("regrets", "claims", "house_loads", "house_models", "home_days", "energy_reports", "experiments"):
        op.drop_table(table)
    op.drop_table("pump_plans")
    op.drop_table("load_curves")
    op.drop_table("commands")
    op.drop_table("shadow_commands")
    op.drop_table("pumps")
    op.drop_table("plan_parts")
    op.drop_table("plan_shards")
    op.drop_table("plan_refusals")
    op.drop_table("fleet_plans")
    op.drop_table("submitted_schedules")
    op.drop_table("plan_submissions")
    op.drop_table("weather_versions")
    op.drop_table("quarantine")
    op.drop_table("price_versions")
    op.drop_table("oem_accounts")
    op.drop_table("observations")
    op.drop_table("journal")
    op.drop_table("partition_days")
    op.drop_index("ix_command_events_sent", table_name="command_events", postgresql_where=sa.text("kind = 'sent'"))
    op.drop_table("command_events")
    op.drop_table("audit")

"""what was last told of a pump, calls, grants and breakers of vendors, orders, credentials asked for"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

_JSON = postgresql.JSONB(astext_type=sa.Text())


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    _watching()
    _vendors()
    op.create_table(
        "orders",
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("body", _JSON, nullable=False),
        _moment("given_at"),
        _moment("lifted_at", nullable=True),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
    )
    # A profile names each lever with its range in one place now.
    op.execute(
        """
        UPDATE pumps SET profile =
            (profile - 'lever' - 'baseline_setting' - 'setting_min' - 'setting_max' - 'setting_step')
            || jsonb_build_object('heating', jsonb_build_object(
                'lever', profile->'lever', 'baseline', profile->'baseline_setting',
                'minimum', profile->'setting_min', 'maximum', profile->'setting_max', 'step', profile->'setting_step'))
        WHERE profile ? 'lever'
        """
    )


def _watching() -> None:
    op.create_table(
        "pump_watch",
        sa.Column("pump_id", sa.String(length=41), nullable=False),
        _moment("looked_at"),
        _moment("as_of", nullable=True),
        sa.Column("is_silent", sa.Boolean(), nullable=False),
        sa.Column("told", _JSON, nullable=False),
        sa.ForeignKeyConstraint(["pump_id"], ["pumps.pump_id"], name=op.f("fk_pump_watch_pump_id_pumps")),
        sa.PrimaryKeyConstraint("pump_id", name=op.f("pk_pump_watch")),
    )


def _vendors() -> None:
    op.create_table(
        "oem_calls",
        sa.Column("oem", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        _moment("minute"),
        sa.Column("fate", sa.String(length=16), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("writes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("oem", "account_id", "minute", "fate", name=op.f("pk_oem_calls")),
    )
    op.create_table(
        "oem_spending",
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("calls", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.PrimaryKeyConstraint("counter", name=op.f("pk_oem_spending")),
    )
    op.create_table(
        "oem_grants",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("window_s", sa.Integer(), nullable=False),
        sa.Column("oem", sa.String(length=32), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        _moment("told_at"),
        sa.PrimaryKeyConstraint("account_id", "window_s", name=op.f("pk_oem_grants")),
    )
    op.create_table(
        "oem_breakers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("oem", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        _moment("at"),
        sa.Column("rate_per_min", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oem_breakers")),
    )
    op.create_index(op.f("ix_oem_breakers_oem"), "oem_breakers", ["oem"], unique=False)
    op.create_table(
        "account_invitations",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("oem", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        sa.Column("units", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_account_invitations")),
        sa.UniqueConstraint("account_id", name=op.f("uq_account_invitations_account_id")),
    )
    op.create_table(
        "account_asks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        _moment("since"),
        sa.Column("reason", sa.Text(), nullable=False),
        _moment("solved_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["oem_accounts.account_id"], name=op.f("fk_account_asks_account_id_oem_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_asks")),
    )
    op.create_index(
        "uq_account_asks_open",
        "account_asks",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("solved_at IS NULL"),
    )


def downgrade() -> None:
    op.execute(
        """
        UPDATE pumps SET profile = (profile - 'heating' - 'hot_water' - 'emergency') || jsonb_build_object(
            'lever', profile#>'{heating,lever}', 'baseline_setting', profile#>'{heating,baseline}',
            'setting_min', profile#>'{heating,minimum}', 'setting_max', profile#>'{heating,maximum}',
            'setting_step', profile#>'{heating,step}')
        WHERE profile ? 'heating'
        """
    )
    for table in (
        "account_asks",
        "account_invitations",
        "oem_breakers",
        "oem_grants",
        "oem_spending",
        "oem_calls",
        "orders",
        "pump_watch",
    ):
        op.drop_table(table)

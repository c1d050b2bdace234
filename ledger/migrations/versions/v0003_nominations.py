"""which load curve was nominated, and each plan part's share of it"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "nominations",
        sa.Column("number", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("area", sa.String(length=64), nullable=False),
        sa.Column("price_area", sa.String(length=16), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("curve", sa.Integer(), nullable=True),
        sa.Column("up_eur_per_mwh", sa.Double(), nullable=True),
        sa.Column("down_eur_per_mwh", sa.Double(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["curve"], ["load_curves.version"], name=op.f("fk_nominations_curve_load_curves")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_nominations")),
    )
    op.create_index("ix_nominations_day", "nominations", ["price_area", "starts_at"], unique=False)
    op.add_column("plan_parts", sa.Column("nominated", postgresql.JSONB(astext_type=sa.Text()), nullable=True))


def downgrade() -> None:
    op.drop_column("plan_parts", "nominated")
    op.drop_table("nominations")

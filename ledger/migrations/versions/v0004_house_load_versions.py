"""whole-house readings are told apart by what they say, not by their document"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.drop_constraint(op.f("uq_house_loads_pump_id"), "house_loads", type_="unique")
    op.create_index("ix_house_loads_pump", "house_loads", ["pump_id", "starts_at"], unique=False)


def downgrade() -> None:
    # A document that a source went back to stands there twice; its last version counts.
    op.execute(
        """
        DELETE FROM house_loads AS earlier USING house_loads AS later
        WHERE earlier.pump_id = later.pump_id AND earlier.starts_at = later.starts_at
          AND earlier.raw_sha256 = later.raw_sha256 AND earlier.version < later.version
        """
    )
    op.drop_index("ix_house_loads_pump", table_name="house_loads")
    op.create_unique_constraint(op.f("uq_house_loads_pump_id"), "house_loads", ["pump_id", "starts_at", "raw_sha256"])

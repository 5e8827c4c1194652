"""Clocks of players, what a project was when its clock was frozen, to which it can go back, and upsells."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "clocks"
down_revision = "steps_of_orders"
branch_labels = None
depends_on = None

# A row of the books goes in one case only: its project goes back to where it was frozen, and the very transaction that
# does so has said so in the project's snapshot. Production has no snapshots: a freeze is refused there.
KEEP_ROWS = """
CREATE FUNCTION keep_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM clock_snapshots
        WHERE project_id = OLD.project_id AND restored_by = pg_current_xact_id()::text
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$
"""


def upgrade() -> None:
    """Bring the schema forward. There is no way back: a removal waits for the release after next."""
    op.create_table(
        "player_clocks",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("offset_seconds", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_player_clocks_project_id")),
        sa.PrimaryKeyConstraint("project_id", "player_id", name=op.f("pk_player_clocks")),
    )
    op.create_table(
        "clock_snapshots",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("schema_revision", sa.Text(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("restored_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_clock_snapshots_project_id")),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_clock_snapshots")),
    )
    op.create_table(
        "clock_snapshot_rows",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("row_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["clock_snapshots.project_id"],
            name=op.f("fk_clock_snapshot_rows_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("project_id", "table_name", "row_no", name=op.f("pk_clock_snapshot_rows")),
    )
    op.create_table(
        "upsells",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("item_ids", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "type IN ('fixed_list', 'most_sellable', 'only_promotions')", name=op.f("ck_upsells_type_known")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_upsells_project_id")),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_upsells")),
    )
    op.execute(KEEP_ROWS)
    for table in ("ledger", "grants"):
        op.execute(f"DROP TRIGGER append_only ON {table}")
        op.execute(f"CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()")
        op.execute(f"CREATE TRIGGER kept BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION keep_row()")

"""Tables of the clocks that players have of their own, and of what a project was when its clock was frozen."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Integer, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from haversack.database.tables import metadata, moment, project_key, text

player_clocks = Table(
    "player_clocks",
    metadata,
    project_key(),
    Column("player_id", UUID(as_uuid=True), primary_key=True),
    # How far the player's time lies ahead of the project's.
    Column("offset_seconds", BigInteger, nullable=False),
)

clock_snapshots = Table(
    "clock_snapshots",
    metadata,
    project_key(),
    # The project's time, at which it was frozen.
    moment("frozen_at"),
    text("schema_revision"),
    Column("row_count", Integer, nullable=False),
    # The transaction that goes back right now. In it, and in no other, rows of the project's books may be deleted.
    text("restored_by", nullable=True),
)

# A row of one of the project's tables in the text form of PostgreSQL, from which the very same row is made again.
clock_snapshot_rows = Table(
    "clock_snapshot_rows",
    metadata,
    project_key(is_implied=True),
    Column("table_name", Text, primary_key=True),
    Column("row_no", Integer, primary_key=True, autoincrement=False),
    text("row_text"),
    ForeignKeyConstraint(["project_id"], ["clock_snapshots.project_id"], ondelete="CASCADE"),
)

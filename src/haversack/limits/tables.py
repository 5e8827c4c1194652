"""Tables of what is left: stock of items for everybody, and uses of limits by each player."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, Table
from sqlalchemy.dialects.postgresql import UUID

from haversack.database.tables import metadata, moment, project_key

# available + reserved + sold = total, whatever happens: the database refuses anything else.
item_stocks = Table(
    "item_stocks",
    metadata,
    project_key(),
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    Column("total", Integer, nullable=False),
    Column("available", Integer, nullable=False),
    Column("reserved", Integer, nullable=False, server_default="0"),
    Column("sold", Integer, nullable=False, server_default="0"),
    CheckConstraint("available >= 0 AND reserved >= 0 AND sold >= 0", name="counts_not_negative"),
    CheckConstraint("available + reserved + sold = total", name="adds_up"),
    ForeignKeyConstraint(["project_id", "item_id"], ["items.project_id", "items.item_id"]),
)

# How much of an item a player has used in a window of its schedule; `window_start` is the epoch without a schedule.
user_item_uses = Table(
    "user_item_uses",
    metadata,
    project_key(),
    Column("player_id", UUID(as_uuid=True), primary_key=True),
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    moment("window_start"),
    Column("used", Integer, nullable=False),
    CheckConstraint("used >= 0", name="used_not_negative"),
    ForeignKeyConstraint(["project_id", "item_id"], ["items.project_id", "items.item_id"]),
)

# A studio resets everybody's uses of an item by moving this moment, not by touching a row for each player.
item_limit_resets = Table(
    "item_limit_resets",
    metadata,
    project_key(),
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    moment("reset_at"),
    ForeignKeyConstraint(["project_id", "item_id"], ["items.project_id", "items.item_id"]),
)

"""Tables of the Backpack."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import UUID

from haversack.database.tables import metadata, moment, one_of, project_key, text

backpack_games = Table(
    "backpack_games",
    metadata,
    project_key(),
    Column("game_id", UUID(as_uuid=True), primary_key=True),
    text("external_game_id"),
    text("game_name"),
    text("game_image_url"),
    moment("created_at"),
    UniqueConstraint("project_id", "external_game_id"),
)

backpack_items = Table(
    "backpack_items",
    metadata,
    project_key(),
    Column("item_id", UUID(as_uuid=True), primary_key=True),
    # Orders items that came in one call.
    Column("sequence", BigInteger, Identity(), nullable=False),
    Column("player_id", UUID(as_uuid=True), nullable=False),
    text("item_type"),
    text("item_sku"),
    text("item_name"),
    text("image_url"),
    text("description", nullable=True),
    # The key or promo code. Emptied when the item is deleted.
    Column("code_sealed", LargeBinary, nullable=True),
    Column("price", Numeric, nullable=True),
    text("currency"),
    Column("quantity", BigInteger, nullable=False),
    text("platform"),
    # A game of the project, or a name that stands alone.
    Column("game_id", UUID(as_uuid=True), nullable=True),
    text("external_game_id"),
    text("game_name"),
    text("game_image_url"),
    Column("is_external_vc", Boolean, nullable=False),
    text("state", default="claimed"),
    # Who is asking the game about the player right now, and when that process is taken to be dead (real time).
    Column("busy_token", UUID(as_uuid=True), nullable=True),
    moment("busy_until", nullable=True),
    # The request that holds it or has received it, so that its repeat goes on instead of being refused.
    Column("held_by", LargeBinary, nullable=True),
    text("user_game_id", nullable=True),
    Column("delivery_id", BigInteger, nullable=True),
    # The number of the order that tells the game of the item; the same however often it is told.
    Column("order_id", Integer, nullable=True),
    moment("created_at"),
    moment("settled_at", nullable=True),
    one_of("item_type", "game_key", "promo_code", "virtual_item", "virtual_currency"),
    one_of("state", "claimed", "checking", "delivering", "received", "deleted"),
    CheckConstraint("quantity >= 0", name="quantity_not_negative"),
    CheckConstraint("price >= 0", name="price_not_negative"),
    ForeignKeyConstraint(["project_id", "game_id"], ["backpack_games.project_id", "backpack_games.game_id"]),
)
# A player's page reads over projects, newest first; what has left the Backpack is not in the index.
Index(
    "ix_backpack_items_held",
    backpack_items.c.player_id,
    backpack_items.c.created_at.desc(),
    backpack_items.c.sequence.desc(),
    postgresql_where=backpack_items.c.state.in_(["claimed", "checking", "delivering"]),
)

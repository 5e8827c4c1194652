"""Tables of carts."""

from sqlalchemy import Column, Date, Index, Table
from sqlalchemy.dialects.postgresql import JSONB, UUID

from haversack.database.tables import metadata, project_key, text

carts = Table(
    "carts",
    metadata,
    project_key(),
    # A player, or what stands for a guest.
    Column("owner_id", UUID(as_uuid=True), primary_key=True),
    # The caller's word for it; the cart that is meant where none is named has an id that follows from its owner.
    Column("cart_id", text("cart_id").type, primary_key=True),
    # [{"item_id": 100001, "sku": "lamp", "kind": "virtual_good", "quantity": 2, "shown": {"USD": "9.99"}}] in the order
    # in which they were put in: one statement fills a cart. `shown`: the unit prices that its owner saw last.
    Column("lines", JSONB, nullable=False, server_default="[]"),
    # [{"code": "SUMMER", "keys": {"game": "game-steam"}}] `keys`: the key that is wanted of each game that it gives.
    Column("promo_codes", JSONB, nullable=False, server_default="[]"),
    # A day, so that most changes touch no index.
    Column("touched_on", Date, nullable=False),
    Index("ix_carts_touched", "touched_on"),
)

"""Tables of orders and their lines."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    Numeric,
    Sequence,
    Table,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from haversack.database.tables import metadata, moment, project_key, text

# Clients keep order ids in 32 bits. A number is given once, to an order or to an item that leaves the Backpack.
order_ids = Sequence("order_ids", metadata=metadata, start=1_000_001, maxvalue=2**31 - 1)

# Neither checks nor references: each purchase would pay for them (docs/decisions.md); `haversack verify` looks for what
# they would guard.
orders = Table(
    "orders",
    metadata,
    project_key(is_hot=True),
    Column("order_id", Integer, primary_key=True, autoincrement=False),
    Column("player_id", UUID(as_uuid=True), nullable=False),
    # How the game calls the player: the `sub` of the token, or the id that a server has given.
    text("external_id"),
    Column("is_guest", Boolean, nullable=False, server_default="false"),
    text("state"),
    Column("is_sandbox", Boolean, nullable=False),
    text("currency_type"),
    # ISO 4217, or the SKU of a virtual currency; null for free orders.
    text("currency", nullable=True),
    Column("amount", Numeric, nullable=True),
    Column("amount_without_discount", Numeric, nullable=True),
    text("country", nullable=True),
    text("email", nullable=True),
    text("locale", default="en"),
    text("platform", nullable=True),
    # Where what was bought goes: the inventory or the Backpack.
    text("destination", default="inventory"),
    text("cart_id", nullable=True),
    Column("custom_parameters", JSONB, nullable=True),
    # What promotions and codes did, frozen; orders/stored_forms.py has the form.
    Column("promotions", JSONB, nullable=False, server_default="[]"),
    # The payment that paid it, as invoice_id of the wire.
    Column("payment_id", Integer, nullable=True),
    text("comment", nullable=True),
    moment("created_at"),
    # An unpaid order's reservations end then.
    moment("expires_at"),
    moment("paid_at", nullable=True),
    # Done, canceled or expired.
    moment("ended_at", nullable=True),
    # The delivery that told the game: the order is done when the game has accepted it.
    Column("delivery_id", BigInteger, nullable=True),
    # {"chain_id": 1, "step_id": 1, "window_start": "1970-01-01T00:00:00+00:00"}
    Column("chain_step", JSONB, nullable=True),
    Index("ix_orders_player", "project_id", "player_id", "order_id"),
    Index("ix_orders_created", "project_id", "created_at", "order_id"),
)
# By project: each has its own clock.
Index("ix_orders_unpaid", orders.c.project_id, orders.c.expires_at, postgresql_where=orders.c.state == "new")
Index("ix_orders_undelivered", orders.c.paid_at, postgresql_where=orders.c.state == "paid")
# What a player's unpaid orders hold is bounded, and paying one ends those for the same limited item.
Index("ix_orders_unpaid_of_player", orders.c.project_id, orders.c.player_id, postgresql_where=orders.c.state == "new")

order_lines = Table(
    "order_lines",
    metadata,
    project_key(is_hot=True),
    Column("order_id", Integer, primary_key=True, autoincrement=False),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    # The line of the bundle that contains this one.
    Column("parent_line_no", Integer, nullable=True),
    Column("item_id", Integer, nullable=False),
    text("sku"),
    text("kind"),
    Column("quantity", Integer, nullable=False),
    # For the whole quantity; null for free lines and contents of bundles.
    Column("amount", Numeric, nullable=True),
    Column("amount_without_discount", Numeric, nullable=True),
    Column("is_free", Boolean, nullable=False),
    Column("is_bonus", Boolean, nullable=False, server_default="false"),
    # Frozen texts and what the item gives; orders/stored_forms.py has the form.
    Column("details", JSONB, nullable=False),
    # What this line holds until the order ends: units of the stock, uses of the player's limit in a window, pre-orders,
    # codes (of the keys it contains: {"100007": [3, 4]}).
    Column("stock_reserved", Integer, nullable=False, server_default="0"),
    Column("uses_reserved", Integer, nullable=False, server_default="0"),
    moment("uses_window", nullable=True),
    Column("pre_orders_reserved", Integer, nullable=False, server_default="0"),
    Column("codes_reserved", JSONB, nullable=True),
    # Keys of a pre-order that was paid before its release: their codes are handed out then.
    Column("codes_owed", Integer, nullable=False, server_default="0"),
    Column("region_id", Integer, nullable=True),
)

Index(
    "ix_order_lines_owed",
    order_lines.c.project_id,
    order_lines.c.item_id,
    postgresql_where=order_lines.c.codes_owed > 0,
)

# Events that a game has taken by the Event API.
processed_events = Table(
    "processed_events",
    metadata,
    project_key(),
    Column("delivery_id", BigInteger, primary_key=True, autoincrement=False),
    Column("player_id", UUID(as_uuid=True), nullable=False),
    moment("processed_at"),
)

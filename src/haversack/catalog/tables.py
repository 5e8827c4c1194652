"""Tables of the catalog. One table holds items of every kind; what only one kind has is in its `details`."""

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
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from haversack.database.tables import metadata, moment, one_of, project_key, text

ITEM_KINDS = (
    "virtual_good",
    "virtual_currency",
    "virtual_currency_package",
    "bundle",
    "game",
    "game_key",
    "physical_good",
    "value_point",
)

# The catalog's version: raised by every write in its own transaction, so that read models know what they have.
catalogs = Table(
    "catalogs",
    metadata,
    project_key(),
    Column("version", BigInteger, nullable=False, server_default="1"),
)

items = Table(
    "items",
    metadata,
    project_key(),
    # Clients keep item ids in 32 bits.
    Column("item_id", Integer, Identity(start=100_001), primary_key=True),
    text("sku"),
    text("kind"),
    # A game key's game.
    Column("parent_item_id", Integer, nullable=True),
    Column("name", JSONB, nullable=False),
    Column("description", JSONB, nullable=True),
    Column("long_description", JSONB, nullable=True),
    text("image_url", nullable=True),
    Column("media_list", JSONB, nullable=False, server_default="[]"),
    # [{"attribute_id": 1, "value_ids": [2, 3]}] in the order in which they were given.
    Column("attributes", JSONB, nullable=False, server_default="[]"),
    Column("custom_attributes", JSONB, nullable=True),
    # [{"amount": "9.99", "currency": "USD", "country_iso": null, "is_default": true, "is_enabled": true}]
    Column("prices", JSONB, nullable=False, server_default="[]"),
    # [{"sku": "gems", "amount": 100, "is_default": true, "is_enabled": true}]
    Column("virtual_prices", JSONB, nullable=False, server_default="[]"),
    Column("is_free", Boolean, nullable=False),
    Column("is_enabled", Boolean, nullable=False),
    Column("is_show_in_store", Boolean, nullable=False),
    Column("sort_order", Integer, nullable=False),
    Column("region_ids", ARRAY(Integer), nullable=False, server_default="{}"),
    # [{"date_from": "2026-11-01T00:00:00+03:00", "date_until": null}], with the offsets as they were given.
    Column("periods", JSONB, nullable=False, server_default="[]"),
    # {"per_item": 100, "per_user": {"total": 5, "limit_exceeded_visibility": "show"}, "schedule": {...} or null}
    Column("limits", JSONB, nullable=True),
    Column("pre_order", JSONB, nullable=True),
    # What only some kinds have: content of bundles, inventory options of virtual items, drm_sku of keys, is_hard.
    Column("details", JSONB, nullable=False, server_default="{}"),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", nullable=True),
    # A SKU is given once: carts, orders and promotions of the past keep meaning what they meant.
    UniqueConstraint("project_id", "sku"),
    one_of("kind", *ITEM_KINDS),
    CheckConstraint("(kind = 'game_key') = (parent_item_id IS NOT NULL)", name="keys_belong_to_games"),
    Index("ix_items_kind", "project_id", "kind", "sort_order", "item_id"),
    Index("ix_items_parent", "project_id", "parent_item_id"),
)

item_groups = Table(
    "item_groups",
    metadata,
    project_key(),
    Column("group_id", Integer, Identity(start=1_001), primary_key=True),
    text("external_id"),
    Column("parent_group_id", Integer, nullable=True),
    Column("name", JSONB, nullable=False),
    Column("description", JSONB, nullable=True),
    text("image_url", nullable=True),
    Column("is_enabled", Boolean, nullable=False),
    Column("sort_order", Integer, nullable=False),
    moment("created_at"),
    UniqueConstraint("project_id", "external_id"),
)

item_group_members = Table(
    "item_group_members",
    metadata,
    project_key(),
    Column("group_id", Integer, primary_key=True, autoincrement=False),
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    # Set by hand inside the group; null: by the item's own order.
    Column("position", Integer, nullable=True),
    ForeignKeyConstraint(
        ["project_id", "group_id"], ["item_groups.project_id", "item_groups.group_id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(["project_id", "item_id"], ["items.project_id", "items.item_id"]),
    Index("ix_item_group_members_item", "project_id", "item_id"),
)

attributes = Table(
    "attributes",
    metadata,
    project_key(),
    Column("attribute_id", Integer, Identity(), primary_key=True),
    text("external_id"),
    Column("name", JSONB, nullable=False),
    moment("created_at"),
    UniqueConstraint("project_id", "external_id"),
)

attribute_values = Table(
    "attribute_values",
    metadata,
    project_key(),
    Column("attribute_id", Integer, primary_key=True, autoincrement=False),
    Column("value_id", Integer, Identity(), primary_key=True),
    text("external_id"),
    Column("value", JSONB, nullable=False),
    moment("created_at"),
    ForeignKeyConstraint(
        ["project_id", "attribute_id"], ["attributes.project_id", "attributes.attribute_id"], ondelete="CASCADE"
    ),
    UniqueConstraint("project_id", "attribute_id", "external_id"),
)

regions = Table(
    "regions",
    metadata,
    project_key(),
    Column("region_id", Integer, Identity(), primary_key=True),
    # Under five-letter codes, unlike all other texts of the wire.
    Column("name", JSONB, nullable=False),
    Column("countries", ARRAY(Text), nullable=False),
    moment("created_at"),
)

# A code is somebody's property: sealed, and told apart by a keyed hash.
key_codes = Table(
    "key_codes",
    metadata,
    project_key(is_implied=True),
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    Column("code_id", BigInteger, Identity(), primary_key=True),
    Column("region_id", Integer, nullable=True),
    Column("code_sealed", LargeBinary, nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    text("state", default="available"),
    Column("player_id", UUID(as_uuid=True), nullable=True),
    # What it was given out for: `entitlement:…`, later `order:…`, or who asked for it and why.
    text("source", nullable=True),
    moment("uploaded_at"),
    moment("given_at", nullable=True),
    UniqueConstraint("project_id", "item_id", "code_hash"),
    one_of("state", "available", "reserved", "used", "requested", "deleted"),
    ForeignKeyConstraint(["project_id", "item_id"], ["items.project_id", "items.item_id"]),
)
Index(
    "ix_key_codes_available",
    key_codes.c.project_id,
    key_codes.c.item_id,
    key_codes.c.region_id,
    key_codes.c.code_id,
    postgresql_where=key_codes.c.state == "available",
)
# With the index above, every code is in one of two: both are small, and counting reads no row.
Index(
    "ix_key_codes_gone",
    key_codes.c.project_id,
    key_codes.c.item_id,
    key_codes.c.state,
    postgresql_where=key_codes.c.state != "available",
)

key_uploads = Table(
    "key_uploads",
    metadata,
    project_key(),
    Column("session_id", UUID(as_uuid=True), primary_key=True),
    Column("item_id", Integer, nullable=False),
    Column("region_id", Integer, nullable=True),
    text("status"),
    Column("count_total", Integer, nullable=False, server_default="0"),
    Column("count_uploaded", Integer, nullable=False, server_default="0"),
    Column("count_skipped", Integer, nullable=False, server_default="0"),
    text("fault", nullable=True),
    moment("started_at"),
    moment("ended_at", nullable=True),
    one_of("status", "processing", "done", "error"),
)

entitlements = Table(
    "entitlements",
    metadata,
    project_key(),
    Column("entitlement_id", BigInteger, Identity(), primary_key=True),
    Column("player_id", UUID(as_uuid=True), nullable=False),
    Column("item_id", Integer, nullable=False),
    Column("code_id", BigInteger, nullable=True),
    text("mode", default="default"),
    text("source"),
    moment("granted_at"),
    moment("revoked_at", nullable=True),
    one_of("mode", "default", "sandbox"),
    ForeignKeyConstraint(["project_id", "item_id"], ["items.project_id", "items.item_id"]),
)
Index(
    "uq_entitlements_held",
    entitlements.c.project_id,
    entitlements.c.player_id,
    entitlements.c.item_id,
    entitlements.c.mode,
    unique=True,
    postgresql_where=entitlements.c.revoked_at.is_(None),
)

pre_order_limits = Table(
    "pre_order_limits",
    metadata,
    project_key(),
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    Column("is_enabled", Boolean, nullable=False, server_default="false"),
    Column("available", Integer, nullable=False, server_default="0"),
    Column("reserved", Integer, nullable=False, server_default="0"),
    Column("sold", Integer, nullable=False, server_default="0"),
    CheckConstraint("available >= 0 AND reserved >= 0 AND sold >= 0", name="counts_not_negative"),
    ForeignKeyConstraint(["project_id", "item_id"], ["items.project_id", "items.item_id"]),
)

# How many of a value point a purchase of an item gives.
value_point_rewards = Table(
    "value_point_rewards",
    metadata,
    project_key(is_implied=True),
    Column("value_point_id", Integer, primary_key=True, autoincrement=False),
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    Column("amount", Integer, nullable=False),
    CheckConstraint("amount > 0", name="amount_positive"),
    ForeignKeyConstraint(["project_id", "value_point_id"], ["items.project_id", "items.item_id"]),
    ForeignKeyConstraint(["project_id", "item_id"], ["items.project_id", "items.item_id"]),
    Index("ix_value_point_rewards_item", "project_id", "item_id"),
)

imports = Table(
    "imports",
    metadata,
    project_key(),
    Column("import_id", UUID(as_uuid=True), primary_key=True),
    text("file_url"),
    text("mode"),
    text("status"),
    Column("progress", Integer, nullable=False, server_default="0"),
    text("error", nullable=True),
    Column("error_code", Integer, nullable=True),
    Column("result", JSONB, nullable=True),
    moment("created_at"),
    # Moves while somebody works on it: an import whose process has died is told by it.
    moment("updated_at"),
    moment("completed_at", nullable=True),
    one_of("mode", "create", "create_and_update", "sync"),
    one_of("status", "initialized", "process", "done", "error"),
)

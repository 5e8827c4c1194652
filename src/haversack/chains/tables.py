"""Tables of chains: what they are, what players have taken from them, and the value points that open their steps."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from haversack.database.tables import metadata, moment, one_of, project_key, text

chains = Table(
    "chains",
    metadata,
    project_key(),
    Column("chain_id", Integer, Identity(start=5_001), primary_key=True),
    text("kind"),
    Column("name", JSONB, nullable=False),
    Column("description", JSONB, nullable=True),
    Column("long_description", JSONB, nullable=True),
    text("image_url", nullable=True),
    Column("sort_order", Integer, nullable=False, server_default="1"),
    Column("is_enabled", Boolean, nullable=False),
    moment("starts_at"),
    moment("ends_at", nullable=True),
    Column("is_always_visible", Boolean, nullable=False, server_default="true"),
    # [{"attribute": "league", "type": "string", "operator": "eq", "value": "gold", "can_be_missing": false}]
    Column("conditions", JSONB, nullable=False, server_default="[]"),
    Column("schedule", JSONB, nullable=True),
    # When the window began that ran as the chain was made, written, switched or reset by hand.
    moment("began_at"),
    # Reward chains alone: whose points they count.
    Column("value_point_id", Integer, nullable=True),
    # What one kind alone has: {"type": "rolling", "is_recurrent": true}
    Column("details", JSONB, nullable=False, server_default="{}"),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", nullable=True),
    one_of("kind", "reward", "daily", "offer"),
    CheckConstraint("(kind = 'reward') = (value_point_id IS NOT NULL)", name="points_of_kind"),
    ForeignKeyConstraint(["project_id", "value_point_id"], ["items.project_id", "items.item_id"]),
    Index("ix_chains_kind", "project_id", "kind", "sort_order", "chain_id"),
    Index("ix_chains_value_point", "project_id", "value_point_id"),
)

chain_steps = Table(
    "chain_steps",
    metadata,
    project_key(is_implied=True),
    Column("step_id", Integer, Identity(start=7_001), primary_key=True),
    Column("chain_id", Integer, nullable=False),
    Column("step_number", Integer, nullable=False),
    Column("name", JSONB, nullable=True),
    text("image_url", nullable=True),
    # [{"item_id": 1, "quantity": 2, "conditions": [...]}]
    Column("rewards", JSONB, nullable=False),
    Column("points", Integer, nullable=False, server_default="0"),
    Column("is_free", Boolean, nullable=False, server_default="true"),
    CheckConstraint("step_number > 0 AND points >= 0", name="counts"),
    ForeignKeyConstraint(["project_id", "chain_id"], ["chains.project_id", "chains.chain_id"]),
    # Steps that change places have each other's numbers for a moment.
    UniqueConstraint("project_id", "chain_id", "step_number", deferrable=True, initially="DEFERRED"),
)

# A step that a player has taken, once in each window. Nothing is ever deleted: a reset is a later window.
chain_claims = Table(
    "chain_claims",
    metadata,
    project_key(is_hot=True),
    Column("player_id", UUID(as_uuid=True), primary_key=True),
    Column("chain_id", Integer, primary_key=True, autoincrement=False),
    Column("window_start", moment("window_start").type, primary_key=True),
    Column("step_id", Integer, primary_key=True, autoincrement=False),
    moment("claimed_at"),
    # Of offer chains: the order by which it was taken.
    Column("order_id", Integer, nullable=True),
    ForeignKeyConstraint(["project_id", "chain_id"], ["chains.project_id", "chains.chain_id"]),
)

# A player's value points in the newest window: their own (`clan` is empty), or what they brought to a clan.
value_point_balances = Table(
    "value_point_balances",
    metadata,
    project_key(is_hot=True),
    Column("player_id", UUID(as_uuid=True), primary_key=True),
    Column("value_point_id", Integer, primary_key=True, autoincrement=False),
    Column("clan", text("clan").type, primary_key=True),
    moment("window_start"),
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount >= 0", name="amount_not_negative"),
    ForeignKeyConstraint(["project_id", "value_point_id"], ["items.project_id", "items.item_id"]),
)
# The members of a clan who brought the most.
Index(
    "ix_value_point_balances_clan",
    value_point_balances.c.project_id,
    value_point_balances.c.value_point_id,
    value_point_balances.c.clan,
    value_point_balances.c.window_start,
    value_point_balances.c.amount.desc(),
    value_point_balances.c.player_id,
    postgresql_where=value_point_balances.c.clan != "",
)

# What all members of a clan brought in the newest window.
clan_balances = Table(
    "clan_balances",
    metadata,
    project_key(is_hot=True),
    Column("value_point_id", Integer, primary_key=True, autoincrement=False),
    Column("clan", text("clan").type, primary_key=True),
    moment("window_start"),
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount >= 0", name="amount_not_negative"),
    ForeignKeyConstraint(["project_id", "value_point_id"], ["items.project_id", "items.item_id"]),
)

# The clan that a player was in when it was last asked for.
clan_members = Table(
    "clan_members",
    metadata,
    project_key(),
    Column("player_id", UUID(as_uuid=True), primary_key=True),
    text("clan"),
    moment("joined_at"),
    CheckConstraint("clan <> ''", name="clan_named"),
)

# Since when a value point counts at the earliest: it stays after the chain that reset it has been deleted.
value_point_resets = Table(
    "value_point_resets",
    metadata,
    project_key(is_implied=True),
    Column("value_point_id", Integer, primary_key=True, autoincrement=False),
    moment("reset_at"),
    ForeignKeyConstraint(["project_id", "value_point_id"], ["items.project_id", "items.item_id"]),
)

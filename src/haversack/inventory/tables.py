"""Tables of what players own: balances, items, every grant with its source, and the ledger of every change."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from haversack.database.tables import metadata, moment, one_of, project_key, text

# Whose account in the ledger takes what is changed for everybody by the studio itself.
STUDIO_ACCOUNT = "00000000-0000-0000-0000-000000000000"

balances = Table(
    "balances",
    metadata,
    project_key(),
    Column("player_id", UUID(as_uuid=True), primary_key=True),
    Column("sku", text("sku").type, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount >= 0", name="amount_not_negative"),
)

# What stacks: consumables by number, what is owned once with a quantity of one, time-limited items with their end.
owned_items = Table(
    "owned_items",
    metadata,
    project_key(),
    Column("player_id", UUID(as_uuid=True), primary_key=True),
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    Column("quantity", Integer, nullable=False),
    # Time-limited items alone.
    moment("expires_at", nullable=True),
    moment("changed_at"),
    CheckConstraint("quantity >= 0", name="quantity_not_negative"),
    ForeignKeyConstraint(["project_id", "item_id"], ["items.project_id", "items.item_id"]),
)

# What is used up in several uses: each piece has its own count of them.
item_instances = Table(
    "item_instances",
    metadata,
    project_key(),
    Column("player_id", UUID(as_uuid=True), primary_key=True),
    Column("instance_id", UUID(as_uuid=True), primary_key=True),
    Column("item_id", Integer, nullable=False),
    Column("remaining_uses", Integer, nullable=False),
    moment("received_at"),
    CheckConstraint("remaining_uses > 0", name="has_uses"),
    ForeignKeyConstraint(["project_id", "item_id"], ["items.project_id", "items.item_id"]),
    Index("ix_item_instances_item", "project_id", "player_id", "item_id"),
)

# Everything a player receives has one row here; its source can be used once.
grants = Table(
    "grants",
    metadata,
    project_key(is_hot=True),
    Column("source", text("source").type, primary_key=True),
    Column("player_id", UUID(as_uuid=True), nullable=False),
    Column("content", JSONB, nullable=False),
    moment("granted_at"),
    Index("ix_grants_player", "project_id", "player_id", "granted_at"),
)

# One row for each change of a balance, an owned item, a stock, a key, a use of a limit. Append-only: the database
# refuses to change or delete a row. A trigger numbers the rows of each account and chains them by their hashes, whoever
# inserts.
ledger = Table(
    "ledger",
    metadata,
    project_key(is_hot=True),
    Column("player_id", UUID(as_uuid=True), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False, server_default="0"),
    text("kind"),
    # The SKU of a currency; the id of a promotion for its uses, of a chain for its steps, of an item for all else.
    text("subject"),
    Column("change", BigInteger, nullable=False),
    # What tells changes of one subject apart: the window of a use, the column of a stock, the end of an item.
    text("detail", default=""),
    text("source"),
    moment("changed_at"),
    Column("hash", LargeBinary, nullable=False, server_default=""),
    one_of(
        "kind",
        "balance",
        "item",
        "instance",
        "expiry",
        "stock",
        "key",
        "uses",
        "entitlement",
        "promotion",
        "promotion_code",
        "promotion_total",
        "chain",
        "points",
    ),
    Index("ix_ledger_subject", "project_id", "player_id", "kind", "subject"),
)

# The head of each account's chain. Its row is what makes the changes of one player wait for each other. Up to
# `digested` the chain is in a digest.
ledger_heads = Table(
    "ledger_heads",
    metadata,
    project_key(),
    Column("player_id", UUID(as_uuid=True), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("digested", BigInteger, nullable=False, server_default="0"),
)

# The heads of a project that had moved since the digest before, in one hash with that digest: a chain that is made anew
# from its start no longer fits. `players` and `seqs` say which heads those were.
ledger_digests = Table(
    "ledger_digests",
    metadata,
    project_key(),
    Column("digest_id", Integer, Identity(), primary_key=True),
    moment("made_at"),
    Column("players", ARRAY(UUID(as_uuid=True)), nullable=False),
    Column("seqs", ARRAY(BigInteger), nullable=False),
    Column("digest", LargeBinary, nullable=False),
)

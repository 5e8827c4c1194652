"""Tables of balances and grants."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Table
from sqlalchemy.dialects.postgresql import JSONB, UUID

from haversack.database.tables import metadata, moment, project_key, text

# The virtual currencies that players of a project keep in their wallet.
virtual_currencies = Table(
    "virtual_currencies",
    metadata,
    project_key(),
    Column("sku", text("sku").type, primary_key=True),
    text("name"),
    moment("created_at"),
)

balances = Table(
    "balances",
    metadata,
    project_key(),
    Column("player_id", UUID(as_uuid=True), primary_key=True),
    Column("sku", text("sku").type, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount >= 0", name="amount_not_negative"),
)

# Everything a player receives has one row here; its source can be used once.
grants = Table(
    "grants",
    metadata,
    project_key(),
    Column("source", text("source").type, primary_key=True),
    Column("player_id", UUID(as_uuid=True), nullable=False),
    Column("content", JSONB, nullable=False),
    moment("granted_at"),
    Index("ix_grants_player", "project_id", "player_id", "granted_at"),
)

# Append-only: the database refuses to change or delete a row. The sum of a player's rows is the balance.
balance_changes = Table(
    "balance_changes",
    metadata,
    project_key(),
    Column("change_id", BigInteger, Identity(), primary_key=True),
    Column("player_id", UUID(as_uuid=True), nullable=False),
    text("sku"),
    Column("amount", BigInteger, nullable=False),
    text("source"),
    moment("changed_at"),
    Index("ix_balance_changes_player", "project_id", "player_id", "sku"),
)

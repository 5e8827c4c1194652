"""The table that remembers answers for requests with an Idempotency-Key."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table

from haversack.database.tables import metadata, moment, text

# Keyed by the caller's name, which begins with the caller's tenant: a key of one caller means nothing to another.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("caller", text("caller").type, primary_key=True),
    Column("idempotency_key", text("idempotency_key").type, primary_key=True),
    text("operation"),
    Column("request_hash", LargeBinary, nullable=False),
    # Null until the answer is known. Sealed, because answers hold keys and codes of players.
    Column("answer_status", Integer, nullable=True),
    Column("answer_sealed", LargeBinary, nullable=True),
    moment("locked_until", nullable=True),
    moment("created_at"),
    Index("ix_idempotency_keys_created_at", "created_at"),
)

"""Tables of webhooks: endpoints, events, deliveries, attempts, and the lanes that workers lease."""

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
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from haversack.database.tables import metadata, moment, one_of, project_key, text


def _purpose() -> Column[str]:
    return Column("purpose", Text, primary_key=True)


webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    project_key(),
    _purpose(),
    text("url"),
    Column("secret_sealed", LargeBinary, nullable=False),
    # Signs beside the new secret until then (real time), so that a receiver can change over.
    Column("previous_secret_sealed", LargeBinary, nullable=True),
    moment("previous_valid_until", nullable=True),
    Column("is_enabled", Boolean, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    text("disabled_reason", nullable=True),
    # When the failures began that no success has ended yet (the project's time).
    moment("failing_since", nullable=True),
    one_of("purpose", "store", "backpack"),
    CheckConstraint("version IN (1, 2)", name="version_known"),
)

webhook_events = Table(
    "webhook_events",
    metadata,
    project_key(is_hot=True),
    Column("event_id", Text, primary_key=True),
    text("event_type"),
    # The very bytes that are signed and sent, made once.
    Column("body", LargeBinary, nullable=False),
    text("player_key"),
    text("reference", nullable=True),
    moment("created_at"),
)
# What the Event API lists.
Index(
    "ix_webhook_events_orders_of_player",
    webhook_events.c.project_id,
    webhook_events.c.player_key,
    postgresql_where=webhook_events.c.event_type.in_(("order_paid", "order_canceled")),
)

# Neither checks nor a reference to the event, as with `orders`.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    project_key(is_hot=True),
    Column("delivery_id", BigInteger, Identity(), primary_key=True),
    text("event_id"),
    text("purpose"),
    # Repeated from the event, because native mode finds the next delivery of each player by it.
    text("player_key"),
    text("status"),
    text("reason", nullable=True),
    text("code", nullable=True),
    text("message", default=""),
    Column("attempts_made", Integer, nullable=False, server_default="0"),
    moment("next_attempt_at"),
    Column("after_delivery_id", BigInteger, nullable=True),
    Column("replay_of", BigInteger, nullable=True),
    moment("created_at"),
    moment("settled_at", nullable=True),
)
_delivery = webhook_deliveries.c
# What waits, in the order of each lane; the first entry of a lane is its head.
Index(
    "ix_webhook_deliveries_waiting",
    _delivery.project_id,
    _delivery.purpose,
    _delivery.delivery_id,
    postgresql_where=_delivery.settled_at.is_(None),
)
Index(
    "ix_webhook_deliveries_waiting_by_player",
    _delivery.project_id,
    _delivery.purpose,
    _delivery.player_key,
    _delivery.delivery_id,
    postgresql_where=_delivery.settled_at.is_(None),
)
Index(
    "ix_webhook_deliveries_due",
    _delivery.project_id,
    _delivery.purpose,
    _delivery.next_attempt_at,
    _delivery.delivery_id,
    postgresql_where=_delivery.settled_at.is_(None),
)
Index(
    "ix_webhook_deliveries_followers",
    _delivery.project_id,
    _delivery.after_delivery_id,
    postgresql_where=_delivery.after_delivery_id.is_not(None),
)
Index(
    "ix_webhook_deliveries_settled",
    _delivery.project_id,
    _delivery.settled_at,
    postgresql_where=_delivery.settled_at.is_not(None),
)
Index("ix_webhook_deliveries_event", _delivery.project_id, _delivery.event_id)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    project_key(),
    Column("delivery_id", BigInteger, primary_key=True, autoincrement=False),
    Column("attempt_no", Integer, primary_key=True, autoincrement=False),
    moment("started_at"),
    Column("duration_ms", Integer, nullable=False),
    text("request_url"),
    Column("request_headers", JSONB, nullable=False),
    Column("reply_status", Integer, nullable=True),
    Column("reply_headers", JSONB, nullable=True),
    Column("reply_body", LargeBinary, nullable=True),
    # The reply came from this machine or a private network: its body is for the operator alone.
    Column("is_private_target", Boolean, nullable=False),
    text("failure", nullable=True),
    text("failure_reason", nullable=True),
    ForeignKeyConstraint(
        ["project_id", "delivery_id"],
        ["webhook_deliveries.project_id", "webhook_deliveries.delivery_id"],
        ondelete="CASCADE",
    ),
)

webhook_lanes = Table(
    "webhook_lanes",
    metadata,
    project_key(),
    _purpose(),
    # Who works the lane, and until when (real time) others leave it alone.
    Column("lease_token", UUID(as_uuid=True), nullable=True),
    moment("leased_until", nullable=True),
    # The receiver asked for a pause (the project's time).
    moment("paused_until", nullable=True),
    one_of("purpose", "store", "backpack"),
)

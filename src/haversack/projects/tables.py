"""Tables of merchants, projects, the keys that open them, and the audit of changes."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    Table,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from haversack.database.tables import metadata, moment, one_of, project_key, text

merchants = Table(
    "merchants",
    metadata,
    Column("merchant_id", Integer, Identity(start=1001), primary_key=True),
    text("name"),
    moment("created_at"),
)

projects = Table(
    "projects",
    metadata,
    # Clients keep project ids in 32 bits.
    Column("project_id", Integer, Identity(start=44001), primary_key=True),
    Column("merchant_id", Integer, ForeignKey("merchants.merchant_id"), nullable=False),
    Column("login_project_id", UUID(as_uuid=True), ForeignKey("login_projects.login_project_id"), nullable=False),
    text("name"),
    Column("is_demo", Boolean, nullable=False, server_default="false"),
    Column("is_sandbox", Boolean, nullable=False, server_default="false"),
    Column("clock_offset", Interval, nullable=False, server_default="0"),
    moment("clock_frozen_at", nullable=True),
    text("backpack_webhooks", default="standard"),
    text("delivery_mode", default="xsolla"),
    text("order_webhooks", default="combined"),
    # Where bought items go unless the order says so itself.
    text("order_destination", default="inventory"),
    # Whether an order that the game refuses is refunded by itself.
    Column("refunds_refused_orders", Boolean, nullable=False, server_default="false"),
    # Who says which items a player sees.
    text("personalization", default="platform"),
    moment("created_at"),
    one_of("backpack_webhooks", "standard", "deprecated"),
    one_of("delivery_mode", "xsolla", "native"),
    one_of("order_webhooks", "combined", "separate"),
    one_of("order_destination", "inventory", "backpack"),
    one_of("personalization", "platform", "partner"),
    Index("ix_projects_merchant_id", "merchant_id"),
    Index("ix_projects_login_project_id", "login_project_id"),
)
# What `Clock.now` says, for statements that look at many projects at once.
project_now = func.coalesce(projects.c.clock_frozen_at, func.now() + projects.c.clock_offset)

# A key opens one project, or (project_id null) every project of its merchant. Only its hash is kept.
api_keys = Table(
    "api_keys",
    metadata,
    Column("merchant_id", Integer, ForeignKey("merchants.merchant_id"), primary_key=True, autoincrement=False),
    Column("key_id", Integer, Identity(), primary_key=True),
    Column("project_id", Integer, ForeignKey("projects.project_id"), nullable=True),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    text("key_hint"),
    moment("created_at"),
    moment("expires_at", nullable=True),
)

host_ids = Table(
    "host_ids",
    metadata,
    project_key(),
    Column("host_id_hash", LargeBinary, primary_key=True),
    moment("created_at"),
    moment("expires_at", nullable=True),
)

# Who changed what: one row in the transaction of each change that an admin or a distributor makes.
audit_entries = Table(
    "audit_entries",
    metadata,
    project_key(),
    Column("entry_id", BigInteger, Identity(), primary_key=True),
    moment("happened_at"),
    text("caller"),
    text("operation"),
    text("sentence"),
    text("request_id"),
    Column("subject", JSONB, nullable=False),
)

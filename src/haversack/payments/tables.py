"""Tables of payment tokens, payments, refunds, saved cards and providers."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from haversack.database.tables import metadata, moment, one_of, project_key, text

# A token opens the page for one purchase and signs its player in: only its hash is kept.
payment_tokens = Table(
    "payment_tokens",
    metadata,
    project_key(),
    Column("token_hash", LargeBinary, primary_key=True),
    # Null for tokens of the merchant API and of simple purchases, which have no order.
    Column("order_id", Integer, nullable=True),
    Column("player_id", UUID(as_uuid=True), nullable=False),
    text("external_id"),
    Column("is_sandbox", Boolean, nullable=False),
    # {"country": {"value": "US", "allow_modify": false}, "email": ..., "name": ...}
    Column("user_details", JSONB, nullable=False, server_default="{}"),
    # Of tokens without an order: {"amount": "9.99", "currency": "USD", "description": "..."}
    Column("purchase", JSONB, nullable=True),
    Column("settings", JSONB, nullable=False, server_default="{}"),
    Column("custom_parameters", JSONB, nullable=True),
    moment("created_at"),
    moment("expires_at"),
    UniqueConstraint("token_hash"),
    CheckConstraint("(order_id IS NULL) = (purchase IS NOT NULL)", name="pays_for_one_thing"),
    Index("ix_payment_tokens_order", "project_id", "order_id"),
    Index("ix_payment_tokens_expires", "expires_at"),
)

payments = Table(
    "payments",
    metadata,
    project_key(),
    # The invoice and transaction id of the wire.
    Column("payment_id", Integer, Identity(start=1_100_001), primary_key=True),
    Column("order_id", Integer, nullable=True),
    Column("token_hash", LargeBinary, nullable=True),
    Column("player_id", UUID(as_uuid=True), nullable=False),
    text("external_id"),
    # How the studio calls the payment: `settings.external_id` of its token, `transaction.external_id` of webhooks.
    text("foreign_invoice", nullable=True),
    Column("is_sandbox", Boolean, nullable=False),
    text("provider"),
    text("provider_reference", nullable=True),
    text("state"),
    text("method"),
    # What the player pays: `amount` with the tax in it.
    text("currency"),
    Column("amount", Numeric, nullable=False),
    Column("tax", Numeric, nullable=False, server_default="0"),
    Column("tax_percent", Numeric, nullable=False, server_default="0"),
    text("tax_name", default="sales_tax"),
    Column("refunded", Numeric, nullable=False, server_default="0"),
    text("country", nullable=True),
    text("email", nullable=True),
    text("zip", nullable=True),
    # All that is ever kept of a card.
    text("card_brand", nullable=True),
    text("card_suffix", nullable=True),
    # What went wrong, fit to be shown.
    text("failure", nullable=True),
    moment("created_at"),
    moment("changed_at"),
    moment("paid_at", nullable=True),
    one_of("state", "created", "processing", "done", "canceled", "failed", "refunded", "partially_refunded"),
    CheckConstraint("amount >= 0 AND tax >= 0 AND refunded >= 0 AND refunded <= amount", name="amounts_fit"),
    UniqueConstraint("project_id", "provider", "provider_reference"),
    Index("ix_payments_order", "project_id", "order_id"),
    Index("ix_payments_token", "project_id", "token_hash"),
)
# What the sweep looks at: payments that a provider may have finished without our hearing of it.
Index("ix_payments_open", payments.c.changed_at, postgresql_where=payments.c.state.in_(["created", "processing"]))

refunds = Table(
    "refunds",
    metadata,
    project_key(),
    Column("refund_id", Integer, Identity(), primary_key=True),
    Column("payment_id", Integer, nullable=False),
    Column("amount", Numeric, nullable=False),
    # The codes of the wire, 1 to 13.
    Column("code", SmallInteger, nullable=False),
    text("reason"),
    text("author"),
    # Money alone goes back: what was bought stays.
    Column("is_partial", Boolean, nullable=False, server_default="false"),
    text("state"),
    text("provider_reference", nullable=True),
    text("failure", nullable=True),
    moment("created_at"),
    one_of("state", "pending", "done", "failed"),
    CheckConstraint("amount > 0", name="amount_positive"),
    ForeignKeyConstraint(["project_id", "payment_id"], ["payments.project_id", "payments.payment_id"]),
    Index("ix_refunds_payment", "project_id", "payment_id"),
)

# What the sandbox keeps of its charges, as any provider keeps its own: a process that dies loses none.
sandbox_charges = Table(
    "sandbox_charges",
    metadata,
    project_key(),
    Column("charge_id", UUID(as_uuid=True), primary_key=True),
    Column("payment_id", Integer, nullable=False),
    text("currency"),
    Column("amount", Numeric, nullable=False),
    Column("refunded", Numeric, nullable=False, server_default="0"),
    text("state"),
    text("reason", nullable=True),
    # The name of the test card, by which it can be paid with again; its number is kept nowhere.
    text("test_card", nullable=True),
    Column("saves_card", Boolean, nullable=False),
    # A charge that is answered late succeeds then.
    moment("settles_at", nullable=True),
    moment("created_at"),
    one_of("state", "open", "challenge", "pending", "succeeded", "declined", "canceled"),
    CheckConstraint("refunded >= 0 AND refunded <= amount", name="refunds_fit"),
    UniqueConstraint("project_id", "payment_id"),
)

# A card that a player wants to pay with again: the provider's reference, sealed, and what tells it apart.
saved_cards = Table(
    "saved_cards",
    metadata,
    project_key(),
    Column("player_id", UUID(as_uuid=True), primary_key=True),
    Column("card_id", Integer, Identity(), primary_key=True),
    text("provider"),
    Column("reference_sealed", LargeBinary, nullable=False),
    text("brand"),
    text("suffix"),
    Column("expiry_month", SmallInteger, nullable=False),
    Column("expiry_year", SmallInteger, nullable=False),
    moment("created_at"),
)

# How a project takes money: its settings hold secrets and are sealed.
payment_providers = Table(
    "payment_providers",
    metadata,
    project_key(),
    Column("provider", text("provider").type, primary_key=True),
    Column("is_enabled", Boolean, nullable=False),
    Column("settings_sealed", LargeBinary, nullable=False),
    moment("changed_at"),
)

# The tax that the page adds for players of a country.
tax_rates = Table(
    "tax_rates",
    metadata,
    project_key(),
    Column("country", text("country").type, primary_key=True),
    text("name"),
    Column("percent", Numeric, nullable=False),
    one_of("name", "vat", "sales_tax"),
    CheckConstraint("percent >= 0 AND percent < 100", name="percent_in_range"),
)

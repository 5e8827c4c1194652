"""What payments are: tokens with their settings, payments with their states, refunds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID


class PaymentState(StrEnum):
    """Where a payment stands; `payments.rules` has what may follow, and the numbers of the wire."""

    CREATED = "created"
    PROCESSING = "processing"
    DONE = "done"
    CANCELED = "canceled"
    FAILED = "failed"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentToken:
    """What a token opens: an order, or (`order_id` None) a purchase of its own: {amount, currency, description}."""

    project_id: int
    token_hash: bytes
    order_id: int | None
    player_id: UUID
    external_id: str
    is_sandbox: bool
    user_details: Mapping[str, Any]
    purchase: Mapping[str, Any] | None
    settings: Mapping[str, Any]
    custom_parameters: Mapping[str, Any] | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment, the invoice and transaction of the wire. `amount` is what the player pays, the tax in it.

    foreign_invoice: how the studio calls it.
    """

    project_id: int
    payment_id: int
    order_id: int | None
    token_hash: bytes | None
    player_id: UUID
    external_id: str
    is_sandbox: bool
    provider: str
    provider_reference: str | None
    state: PaymentState
    method: str
    currency: str
    amount: Decimal
    tax: Decimal
    tax_percent: Decimal
    tax_name: str
    refunded: Decimal
    country: str | None
    email: str | None
    zip: str | None
    card_brand: str | None
    card_suffix: str | None
    failure: str | None
    created_at: datetime
    changed_at: datetime
    paid_at: datetime | None
    foreign_invoice: str | None = None


class RefundState(StrEnum):
    """Where a refund stands: asked for, given by the provider, or refused by it."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money that goes back. `code` is one of the wire's 1 to 13. is_partial: what was bought stays with the player."""

    refund_id: int
    payment_id: int
    amount: Decimal
    code: int
    reason: str
    author: str
    created_at: datetime
    is_partial: bool = False
    state: RefundState = RefundState.DONE
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    """The tax that the page adds for players of a country; `name` is `vat` or `sales_tax`."""

    country: str
    name: str
    percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedCard:
    """A card that a player may pay with again. `reference` is the provider's name for it, never its number."""

    card_id: int
    provider: str
    brand: str
    suffix: str
    expiry_month: int
    expiry_year: int
    reference: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """All that is ever kept of a card."""

    brand: str
    suffix: str
    expiry_month: int
    expiry_year: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDetails:
    """A card as it was typed, for the length of one call. Its number and code are in no `repr` and stored nowhere.

    number: digits alone. expiry_year: four digits.
    """

    number: str = field(repr=False)
    expiry_month: int
    expiry_year: int
    cvv: str = field(repr=False)
    zip: str | None = None

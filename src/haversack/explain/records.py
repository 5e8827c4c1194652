"""A trace: what was asked, each rule that was looked at, whether it was kept or dropped, and why."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Topic(StrEnum):
    """What a rule is about, in the order in which the rules of an item are looked at."""

    VISIBILITY = "visibility"
    REGION = "region"
    PERIOD = "period"
    OFFER = "unique offer"
    PERSONALIZATION = "personalization"
    LIMIT = "limit"
    STOCK = "stock"
    CONTENT = "content"
    PRICE = "price"
    PROMOTION = "promotion"
    PURCHASE = "purchase"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that was looked at. is_kept: it lets the item or its price through, or has its effect; `why` is one
    sentence."""

    topic: Topic
    rule: str
    is_kept: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """For whom, where, when and with what a trace is made. player: how the game calls them; None: nobody signed in."""

    at: datetime
    player: str | None = None
    country: str | None = None
    currency: str | None = None
    code: str | None = None
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Cost:
    """What something costs, before and after discounts. Without an amount it has no price, or is free."""

    amount: Decimal
    amount_without_discount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTrace:
    """What becomes of so many of an item. item_id None: it is gone."""

    sku: str
    item_id: int | None
    name: str
    quantity: int
    is_shown: bool
    can_be_bought: bool
    cost: Cost | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What becomes of an item, or of a cart: its lines, what is found of the whole of it, and what it costs.

    cart_id None: it is of the one item in `lines`.
    """

    project_id: int
    cart_id: str | None
    asked: Asked
    lines: tuple[LineTrace, ...]
    findings: tuple[Finding, ...]
    cost: Cost | None

"""What a studio asks to be explained, and traces as it reads them."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BeforeValidator, Field

from haversack.catalog.items.wire.parts import MomentText
from haversack.explain.records import Asked, Cost, Finding, LineTrace, Trace
from haversack.http.wire import WireModel
from haversack.money import CurrencyCode
from haversack.text import FALLBACK, language_of


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


PlayerName = Annotated[str, Field(min_length=1, max_length=255, description="the player, as the game calls it")]


class ItemQuery(WireModel):
    """For whom, where, when and with what. Stock and uses are those of now, whatever the time is."""

    player: PlayerName | None = None
    country: Annotated[
        str | None, BeforeValidator(_upper), Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")
    ] = None
    currency: Annotated[CurrencyCode | None, BeforeValidator(_upper), Field(description="ISO 4217")] = None
    time: Annotated[MomentText | None, Field(description="by default now, by the project's clock")] = None
    code: Annotated[str | None, Field(min_length=1, max_length=128, description="a code that is given")] = None
    locale: Annotated[str, Field(description="language of names, of two or five letters")] = FALLBACK

    def asked(self, now: datetime) -> Asked:
        """The question."""
        return Asked(
            at=now if self.time is None else datetime.fromisoformat(self.time),
            player=self.player,
            country=self.country,
            currency=self.currency,
            code=self.code,
            language=language_of(self.locale) or FALLBACK,
        )


class CartQuery(ItemQuery):
    """The same of a cart, which has an owner."""

    player: PlayerName


class AskedView(WireModel):
    """For whom, where, when and with what the trace was made."""

    player: str | None
    country: str | None
    currency: str | None
    time: str
    code: str | None
    locale: str

    @classmethod
    def of(cls, asked: Asked) -> Self:
        """The view of a question."""
        return cls(
            player=asked.player,
            country=asked.country,
            currency=asked.currency,
            time=asked.at.isoformat(),
            code=asked.code,
            locale=asked.language,
        )


class FindingView(WireModel):
    """A rule that was looked at: whether it lets the item through or has its effect, and why."""

    topic: str
    rule: str
    is_kept: bool
    why: str

    @classmethod
    def of(cls, finding: Finding) -> Self:
        """The view of a finding."""
        return cls(topic=finding.topic.value, rule=finding.rule, is_kept=finding.is_kept, why=finding.why)


class CostView(WireModel):
    """What it costs, before and after discounts."""

    amount: str
    amount_without_discount: str
    currency: str

    @classmethod
    def of(cls, cost: Cost | None) -> Self | None:
        """The view of a cost; None where there is none."""
        if cost is None:
            return None
        return cls(
            amount=f"{cost.amount:f}",
            amount_without_discount=f"{cost.amount_without_discount:f}",
            currency=cost.currency,
        )


class LineTraceView(WireModel):
    """What becomes of so many of an item, and why. `item_id` null: it is gone. `price` is that of the quantity."""

    sku: str
    item_id: int | None
    name: str
    quantity: int
    is_shown: bool
    can_be_bought: bool
    price: CostView | None
    findings: list[FindingView]

    @classmethod
    def of(cls, line: LineTrace) -> Self:
        """The view of a line."""
        return cls(
            sku=line.sku,
            item_id=line.item_id,
            name=line.name,
            quantity=line.quantity,
            is_shown=line.is_shown,
            can_be_bought=line.can_be_bought,
            price=CostView.of(line.cost),
            findings=[FindingView.of(each) for each in line.findings],
        )


class ItemTraceView(WireModel):
    """Why an item is shown, sold and priced as it is for somebody."""

    asked: AskedView
    item: LineTraceView
    promotions: list[FindingView]

    @classmethod
    def of(cls, trace: Trace) -> Self:
        """The view of an item's trace."""
        (line,) = trace.lines
        return cls(
            asked=AskedView.of(trace.asked),
            item=LineTraceView.of(line),
            promotions=[FindingView.of(each) for each in trace.findings],
        )


class CartTraceView(WireModel):
    """Why each line of a cart can be bought or not, and why all of it costs what it does."""

    asked: AskedView
    cart_id: str
    lines: list[LineTraceView]
    promotions: list[FindingView]
    price: CostView | None

    @classmethod
    def of(cls, trace: Trace) -> Self:
        """The view of a cart's trace."""
        assert trace.cart_id is not None
        return cls(
            asked=AskedView.of(trace.asked),
            cart_id=trace.cart_id,
            lines=[LineTraceView.of(line) for line in trace.lines],
            promotions=[FindingView.of(each) for each in trace.findings],
            price=CostView.of(trace.cost),
        )

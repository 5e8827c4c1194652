"""What games are told of orders and payments: `order_paid`, `order_canceled`, `payment`, `refund`, `partial_refund`.

A project tells of a paid order either in one webhook with its billing (combined) or in two (separate): the payment
first, then the order. Bodies are those of the contract's webhooks.schemas.json, in both versions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar

from haversack.clock import wire_time
from haversack.money import exponent, number_on_wire
from haversack.orders.records import CurrencyType, Order, OrderLine
from haversack.payments.records import Payment, Refund
from haversack.payments.rules import METHODS
from haversack.projects.records import Project
from haversack.promotions.records import PromotionKind

# Store webhooks give amounts of real money with four decimals, as strings.
STORE_DECIMALS = Decimal("0.0001")
CURRENCY_TYPES = {CurrencyType.REAL: "real", CurrencyType.VIRTUAL: "virtual", CurrencyType.FREE: "unknown"}
_METHOD_BY_KIND = {method.kind.value: method for method in METHODS}
_METHOD_BY_CODE = {str(method.code): method for method in METHODS}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPaid:
    """Tells the game of an order that was paid, or that costs nothing. The order is done when the game has taken it.

    payment: for its `billing` in combined mode; None in separate mode, and for free and virtual-currency orders.
    """

    name: ClassVar[str] = "order_paid"
    is_event: ClassVar[bool] = True

    order: Order
    payment: Payment | None = None

    def payload(self, project: Project, *, version: int) -> Json:
        body = _order_body(self.order, version=version)
        if self.payment is not None:
            billing = {"notification_type": "payment", **_settings_of(project)}
            billing |= _money_body(self.order, self.payment, self.payment.amount)
            body["billing"] = billing
        return _with_parameters(body, self.order)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCanceled:
    """Tells the game that a paid order is canceled, and to take back what it gave.

    payment, refund: for its `billing` in combined mode.
    """

    name: ClassVar[str] = "order_canceled"
    is_event: ClassVar[bool] = True

    order: Order
    payment: Payment | None = None
    refund: Refund | None = None

    def payload(self, project: Project, *, version: int) -> Json:
        body = _order_body(self.order, version=version)
        if self.payment is not None and self.refund is not None:
            billing = {"notification_type": "refund", **_settings_of(project)}
            billing |= _money_body(self.order, self.payment, self.refund.amount, refund=self.refund)
            body["billing"] = billing
        return _with_parameters(body, self.order)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMade:
    """Tells the game of a payment: in separate mode before its order, and of payments that have no order."""

    name: ClassVar[str] = "payment"
    is_event: ClassVar[bool] = True

    payment: Payment
    order: Order | None = None
    custom_parameters: Json | None = None

    def payload(self, project: Project, *, version: int) -> Json:
        body = _payment_body(project, self.order, self.payment, self.payment.amount)
        return _with_parameters(body, self.order, self.custom_parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded:
    """Tells the game that a payment went back: in separate mode before `order_canceled`."""

    name: ClassVar[str] = "refund"
    is_event: ClassVar[bool] = True

    payment: Payment
    refund: Refund
    order: Order | None = None
    custom_parameters: Json | None = None

    def payload(self, project: Project, *, version: int) -> Json:
        body = _payment_body(project, self.order, self.payment, self.refund.amount, refund=self.refund)
        return _with_parameters(body, self.order, self.custom_parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPartlyRefunded:
    """Tells the game that a part of a payment went back. The player keeps what was bought; amounts are of that part."""

    name: ClassVar[str] = "partial_refund"
    is_event: ClassVar[bool] = True

    payment: Payment
    refund: Refund
    order: Order | None = None
    custom_parameters: Json | None = None

    def payload(self, project: Project, *, version: int) -> Json:
        body = _payment_body(project, self.order, self.payment, self.refund.amount, refund=self.refund)
        return _with_parameters(body, self.order, self.custom_parameters)


def _settings_of(project: Project) -> Json:
    return {"settings": {"project_id": project.project_id, "merchant_id": project.merchant_id}}


def _with_parameters(body: Json, order: Order | None, given: Json | None = None) -> Json:
    parameters = given if order is None else order.custom_parameters
    return {**body, "custom_parameters": parameters} if parameters else body


def _order_body(order: Order, *, version: int) -> Json:
    user = {"external_id": order.external_id, "email": order.email, "country": order.country}
    return {
        "items": [_item(order, line, version=version) for line in order.lines],
        "order": {
            "id": order.order_id,
            "mode": "sandbox" if order.is_sandbox else "default",
            "currency_type": CURRENCY_TYPES[order.currency_type],
            "currency": order.currency,
            "amount": _store_amount(order, order.amount) or "0",
            # The contract's samples say so in order_canceled too: it is what the order was to the game.
            "status": "paid",
            "platform": order.platform or "xsolla",
            "comment": order.comment,
            "invoice_id": None if order.payment_id is None else str(order.payment_id),
            "promotions": _promotions_of_cart(order),
            "promocodes": [
                {"code": each.code, "external_id": each.external_id}
                for each in order.promotions
                if each.kind is PromotionKind.PROMO_CODE
            ],
            # A coupon is redeemed by itself, without an order.
            "coupons": [],
        },
        "user": {name: value for name, value in user.items() if value is not None},
    }


def _item(order: Order, line: OrderLine, *, version: int) -> Json:
    is_content = line.parent_line_no is not None
    # What is contained has no amount of its own; what is free costs nothing.
    amount = None if is_content else _store_amount(order, line.amount) or "0"
    item: Json = {
        "sku": line.sku,
        "type": line.kind.wire_type,
        "is_pre_order": line.is_pre_order,
        "quantity": line.quantity,
        "amount": amount,
        "promotions": _promotions(order, line),
    }
    if line.custom_attributes is not None:
        item["custom_attributes"] = line.custom_attributes
    if version == 2:
        item |= {"is_free": line.is_free, "is_bonus": line.is_bonus, "is_bundle_content": is_content}
    return item


def _promotions(order: Order, line: OrderLine) -> list[Json]:
    """What promotions took off a line's item, one after the other; those of the cart are told with the order."""
    if line.amount_without_discount is None:
        return []
    of_item = [each.percent for each in line.discounts if not each.is_of_cart]
    is_last = len(of_item) == len(line.discounts)
    after = line.amount if is_last else None
    return _steps(order, line.amount_without_discount, of_item, after)


def _promotions_of_cart(order: Order) -> list[Json]:
    """What promotions took off the whole order, one after the other."""
    priced = [line for line in order.lines if line.amount is not None and line.amount_without_discount is not None]
    percents = {
        discount.promotion_id: discount.percent for line in priced for discount in line.discounts if discount.is_of_cart
    }
    before = Decimal(0)
    for line in priced:
        assert line.amount_without_discount is not None
        before += _less(line.amount_without_discount, [each.percent for each in line.discounts if not each.is_of_cart])
    return _steps(order, before, list(percents.values()), order.amount)


def _steps(order: Order, amount: Decimal, percents: Sequence[Decimal], last: Decimal | None) -> list[Json]:
    """Percents taken off an amount in their sequence; last: what is left after all of them, where it was rounded."""
    steps = []
    for sequence, percent in enumerate(percents, start=1):
        is_rounded = sequence == len(percents) and last is not None
        after = last if is_rounded else _less(amount, [percent])
        steps.append(
            {
                "amount_without_discount": _store_amount(order, amount),
                "amount_with_discount": _store_amount(order, after),
                "sequence": sequence,
            }
        )
        amount = amount if after is None else after
    return steps


def _less(amount: Decimal, percents: Iterable[Decimal]) -> Decimal:
    for percent in percents:
        amount = amount * (100 - percent) / 100
    return amount


def _store_amount(order: Order, amount: Decimal | None) -> str | None:
    """A decimal string; of a virtual currency digits only."""
    if amount is None:
        return None
    if order.currency_type is CurrencyType.VIRTUAL:
        return str(int(amount))
    return f"{amount.quantize(STORE_DECIMALS):f}"


def _payment_body(
    project: Project, order: Order | None, payment: Payment, amount: Decimal, *, refund: Refund | None = None
) -> Json:
    user = {"id": payment.external_id, "email": payment.email, "country": payment.country, "zip": payment.zip}
    money = _money_body(order, payment, amount, refund=refund)
    return {
        **_settings_of(project),
        "purchase": money.pop("purchase"),
        "user": {name: value for name, value in user.items() if value is not None},
        **money,
    }


def _money_body(order: Order | None, payment: Payment, amount: Decimal, *, refund: Refund | None = None) -> Json:
    """purchase, transaction, payment_details and refund_details. Amounts are JSON numbers here; `amount` is what was
    paid, or what went back, the tax in it."""
    tax = payment.tax if amount == payment.amount else _part_of_tax(payment, amount)
    purchase: Json = {"checkout": _money(payment, amount - tax), "total": _money(payment, amount - tax)}
    if order is not None and order.promotions:
        purchase["promotions"] = [{"technical_name": each.name, "id": each.promotion_id} for each in order.promotions]
    if order is not None:
        purchase["order"] = {"id": order.order_id, "lineitems": _line_items(order)}
    body: Json = {"purchase": purchase, "transaction": _transaction(payment, is_refund=refund is not None)}
    body["payment_details"] = _payment_details(payment, amount, tax)
    if refund is not None:
        body["refund_details"] = {
            "code": refund.code,
            "reason": refund.reason,
            "author": refund.author,
            "date": wire_time(refund.created_at),
        }
    return body


def _part_of_tax(payment: Payment, amount: Decimal) -> Decimal:
    step = Decimal(1).scaleb(-(exponent(payment.currency) or 0))
    return (payment.tax * amount / payment.amount).quantize(step, rounding=ROUND_HALF_UP)


def _line_items(order: Order) -> list[Json]:
    return [
        {
            "sku": line.sku,
            "quantity": line.quantity,
            "price": {"currency": order.currency, "amount": _store_amount(order, line.amount) or "0"},
        }
        for line in order.lines
        if line.parent_line_no is None
    ]


def _transaction(payment: Payment, *, is_refund: bool) -> Json:
    method = _METHOD_BY_KIND.get(payment.method) or _METHOD_BY_CODE.get(payment.method)
    transaction: Json = {"id": payment.payment_id}
    if payment.foreign_invoice is not None:
        transaction["external_id"] = payment.foreign_invoice
    if not is_refund:
        transaction["payment_date"] = wire_time(payment.paid_at or payment.changed_at)
    if method is not None:
        transaction["payment_method"] = method.code
    transaction["payment_method_name"] = payment.method if method is None else method.name
    if payment.provider_reference is not None:
        transaction["payment_method_order_id"] = payment.provider_reference
    if payment.is_sandbox:
        transaction["dry_run"] = 1
    return transaction


def _payment_details(payment: Payment, amount: Decimal, tax: Decimal) -> Json:
    """Nobody takes a fee here: the payout is what was paid without its tax."""
    nothing = _money(payment, Decimal(0))
    taxed = {**_money(payment, tax), "percent": number_on_wire(payment.tax_percent)}
    untaxed = {**nothing, "percent": 0}
    return {
        "payment": _money(payment, amount),
        "payment_method_sum": _money(payment, amount),
        "xsolla_balance_sum": nothing,
        "payout": _money(payment, amount - tax),
        "xsolla_fee": nothing,
        "payment_method_fee": nothing,
        "vat": taxed if payment.tax_name == "vat" else untaxed,
        "sales_tax": taxed if payment.tax_name == "sales_tax" else untaxed,
        "direct_wht": untaxed,
        "payout_currency_rate": "1",
        "repatriation_commission": nothing,
    }


def _money(payment: Payment, amount: Decimal) -> Json:
    return {"currency": payment.currency, "amount": number_on_wire(amount)}


ORDER_EVENTS = (OrderPaid, OrderCanceled, PaymentMade, PaymentRefunded, PaymentPartlyRefunded)

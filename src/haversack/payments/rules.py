"""What may become of a payment, what it costs with tax, and the words and numbers that the wire has for it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from haversack.errors import PARTIAL_REFUND_CODE, PAYMENT_NOT_REFUNDABLE, REFUND_TOO_LARGE
from haversack.money import exponent
from haversack.payments.records import Payment, PaymentState
from haversack.projects.records import Project

TOKEN_LIFE = timedelta(hours=24)
# A process that calls a provider gives up sooner. After this it is taken to be dead.
IN_FLIGHT = timedelta(seconds=30)
HUNDRED = Decimal(100)
REFUND_REASON_LENGTH_MAX = 1_000
NO_TAX = "sales_tax"

# Money that a provider has taken counts, whatever we thought of the payment before: hence the ways back to done.
PAYMENT_MOVES: Mapping[PaymentState, frozenset[PaymentState]] = {
    PaymentState.CREATED: frozenset({PaymentState.PROCESSING, PaymentState.FAILED, PaymentState.CANCELED}),
    PaymentState.PROCESSING: frozenset({PaymentState.DONE, PaymentState.FAILED, PaymentState.CANCELED}),
    PaymentState.CANCELED: frozenset({PaymentState.DONE}),
    PaymentState.FAILED: frozenset({PaymentState.DONE}),
    PaymentState.DONE: frozenset({PaymentState.PARTIALLY_REFUNDED, PaymentState.REFUNDED}),
    PaymentState.PARTIALLY_REFUNDED: frozenset({PaymentState.REFUNDED}),
    PaymentState.REFUNDED: frozenset(),
}
OPEN = frozenset({PaymentState.CREATED, PaymentState.PROCESSING})
# Money has come in, whether or not some of it went back.
PAID = frozenset({PaymentState.DONE, PaymentState.PARTIALLY_REFUNDED, PaymentState.REFUNDED})

# The numbers of `paystation2/api/payments/status`. Clients stop asking at 3, 5, 13 and 15.
WIRE_STATUS: Mapping[PaymentState, int] = {
    PaymentState.CREATED: 1,
    PaymentState.PROCESSING: 2,
    PaymentState.DONE: 3,
    PaymentState.CANCELED: 4,
    PaymentState.FAILED: 5,
    PaymentState.REFUNDED: 7,
    PaymentState.PARTIALLY_REFUNDED: 16,
}
# The words of return addresses.
RETURN_STATUS: Mapping[PaymentState, str] = {
    PaymentState.CREATED: "invoice",
    PaymentState.PROCESSING: "invoice",
    PaymentState.DONE: "done",
    PaymentState.CANCELED: "troubled",
    PaymentState.FAILED: "troubled",
    PaymentState.REFUNDED: "troubled",
    PaymentState.PARTIALLY_REFUNDED: "done",
}

REFUND_CODES = range(1, 14)
PARTIAL_REFUND_CODES = (1, 3, 5, 7, 9, 10)


class MethodKind(StrEnum):
    """What a player does to pay."""

    CARD = "card"
    PAYPAL = "paypal"
    GOOGLE_PAY = "google_pay"
    APPLE_PAY = "apple_pay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to pay. `code` is the number of `settings.payment_method` and of webhooks."""

    code: int
    name: str
    kind: MethodKind


METHODS: tuple[Method, ...] = (
    Method(code=1380, name="Credit/debit cards", kind=MethodKind.CARD),
    Method(code=24, name="PayPal", kind=MethodKind.PAYPAL),
    Method(code=3431, name="Google Pay", kind=MethodKind.GOOGLE_PAY),
    Method(code=3175, name="Apple Pay", kind=MethodKind.APPLE_PAY),
)
METHOD_OF_KIND: Mapping[MethodKind, Method] = {method.kind: method for method in METHODS}


def moves_no_money(project: Project) -> bool:
    """Whether every purchase of a project is one of the sandbox. The demo's keys are published."""
    return project.is_sandbox or project.is_demo


@dataclass(frozen=True, slots=True)
class Taxed:
    """A tax and the sum that is paid with it."""

    tax: Decimal
    total: Decimal


def with_tax(amount: Decimal, percent: Decimal, currency: str) -> Taxed:
    """The tax on an amount, rounded half up once at the currency's exponent, and what is paid in all."""
    step = Decimal(1).scaleb(-(exponent(currency) or 0))
    tax = (amount * percent / HUNDRED).quantize(step, rounding=ROUND_HALF_UP)
    return Taxed(tax=tax, total=amount + tax)


def may_move(state: PaymentState, to: PaymentState) -> bool:
    """Whether a payment may go from one state to another."""
    return to in PAYMENT_MOVES[state]


def move(state: PaymentState, to: PaymentState) -> PaymentState:
    """The state after a move that must be one of the table: the callers look first, under the payment's lock."""
    assert may_move(state, to), f"a payment does not go from {state} to {to}"
    return to


def is_in_flight(payment: Payment, *, real_now: datetime) -> bool:
    """Whether the process that works on an open payment may still be alive."""
    return payment.state in OPEN and real_now - payment.changed_at < IN_FLIGHT


def refundable(payment: Payment) -> Decimal:
    """What has not gone back yet, nor is about to."""
    return payment.amount - payment.refunded if payment.state in PAID else Decimal(0)


def check_refund(payment: Payment, *, amount: Decimal, code: int, is_partial: bool) -> None:
    """Raise what forbids a refund. A partial one takes nothing back from the player, so some reasons do not go with
    it, and neither does the whole sum."""
    left = refundable(payment)
    if left <= 0:
        raise PAYMENT_NOT_REFUNDABLE(payment_id=payment.payment_id, state=payment.state)
    if amount > left:
        raise REFUND_TOO_LARGE(amount=amount, left=left, currency=payment.currency)
    if is_partial and code not in PARTIAL_REFUND_CODES:
        raise PARTIAL_REFUND_CODE(code=code)


def state_after_refunds(payment: Payment, *, given: Decimal) -> PaymentState:
    """The payment's state once `given` has gone back in all."""
    return PaymentState.REFUNDED if given >= payment.amount else PaymentState.PARTIALLY_REFUNDED

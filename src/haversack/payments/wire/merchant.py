"""Refunds, as servers ask for them, and what clients ask of a payment."""

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field

from haversack.http.wire import WireModel
from haversack.money import AMOUNT_MAX
from haversack.payments.records import Payment
from haversack.payments.rules import REFUND_REASON_LENGTH_MAX, WIRE_STATUS
from haversack.payments.sessions import Session
from haversack.payments.wire.orders import amount_of


class RefundBody(WireModel):
    """Why a payment goes back. Other members are ignored. `code` is one of the reasons that webhooks carry."""

    model_config = ConfigDict(extra="ignore")

    description: Annotated[str, Field(min_length=1, max_length=REFUND_REASON_LENGTH_MAX)]
    email: Annotated[str, Field(max_length=255)] | None = None
    code: Annotated[int, Field(ge=1, le=13, description="1 (asked for by the user or the game) if it is left out")] = 1


class PartialRefundBody(RefundBody):
    """How much of it goes back, in the currency of the payment."""

    refund_amount: Annotated[Decimal, BeforeValidator(amount_of), Field(gt=0, lt=AMOUNT_MAX)]


class MessageView(WireModel):
    """What has become of a request."""

    message: str


class InvoiceView(WireModel):
    """A payment. `status`: 1 created, 2 processing, 3 done, 4 canceled, 5 error, 7 refunded, 16 refunded in part."""

    invoice_id: int
    status: str
    order_id: int | None

    @classmethod
    def of(cls, payment: Payment) -> Self:
        """The view of a payment."""
        return cls(invoice_id=payment.payment_id, status=str(WIRE_STATUS[payment.state]), order_id=payment.order_id)


class InvoicesView(WireModel):
    """The payments of a token, the one that counts first; none where nobody has tried to pay yet."""

    invoices_data: list[InvoiceView]


class PageUserView(WireModel):
    """For whom the page is."""

    id: str
    country: str | None


class PagePurchaseView(WireModel):
    """What the page asks for, the tax in it."""

    order_id: int | None
    amount: str
    currency: str


class PageConfigView(WireModel):
    """What the page of a token is about."""

    project_id: int
    sandbox: bool
    user: PageUserView
    purchase: PagePurchaseView
    settings: dict[str, Any]
    payment_methods: list[int]

    @classmethod
    def of(cls, session: Session) -> Self:
        """The view of a purchase."""
        return cls(
            project_id=session.project.project_id,
            sandbox=session.is_sandbox,
            user=PageUserView(id=session.token.external_id, country=session.country),
            purchase=PagePurchaseView(
                order_id=session.token.order_id, amount=f"{session.total:f}", currency=session.currency
            ),
            settings=dict(session.token.settings),
            payment_methods=[method.code for method in session.methods],
        )

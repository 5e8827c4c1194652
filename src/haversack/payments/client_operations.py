"""What clients ask of the payment page's back end with a payment token, and what payment providers tell it."""

from typing import Annotated

from fastapi import Path, Query

from haversack.errors import PAYMENT_TOKEN_UNKNOWN, PAYSTATION, PROVIDER_EVENT_REFUSED
from haversack.http.area import Area, Repeat
from haversack.http.calls import PublicCall
from haversack.payments.notices import take_stripe_event
from haversack.payments.queries.payments import list_payments
from haversack.payments.sessions import get_token, open_session
from haversack.payments.tokens import TOKEN_LENGTH_MAX
from haversack.payments.wire.merchant import InvoicesView, InvoiceView, PageConfigView

area = Area("payment-page", family=PAYSTATION)

INT32_MAX = 2**31 - 1
EVENT_BYTES_MAX = 512 * 1024


AccessToken = Annotated[str, Query(max_length=TOKEN_LENGTH_MAX, description="a payment token")]


@area.get("/paystation2/api/payments/status", errors=(PAYMENT_TOKEN_UNKNOWN,))
async def get_payment_status(call: PublicCall, access_token: AccessToken) -> InvoicesView:
    """Show where the payments of a token stand. Clients ask every few seconds while the page is open."""
    payments = await list_payments(call.db, await get_token(call.context, access_token))
    return InvoicesView(invoices_data=[InvoiceView.of(payment) for payment in payments])


@area.get("/paystation2/api/utils", errors=(PAYMENT_TOKEN_UNKNOWN,))
async def get_payment_page_config(call: PublicCall, access_token: AccessToken) -> PageConfigView:
    """Show what the page of a token is about."""
    return PageConfigView.of(await open_session(call.context, access_token))


@area.post(
    "/webhooks/stripe/{project_id}",
    status=204,
    errors=(PROVIDER_EVENT_REFUSED,),
    repeat=Repeat.NEVER,
    body_bytes_max=EVENT_BYTES_MAX,
)
async def take_stripe_notice(call: PublicCall, project_id: Annotated[int, Path(ge=1, le=INT32_MAX)]) -> None:
    """Take a signed event of Stripe and ask Stripe what has become of the payment that it names."""
    signature = call.request.headers.get("stripe-signature", "")
    await take_stripe_event(call.context, project_id, await call.request.body(), signature)

"""The merchant API: payment tokens without an order, and refunds."""

from decimal import Decimal
from typing import Annotated

from fastapi import Path

from haversack.errors import (
    MERCHANT,
    PARTIAL_REFUND_CODE,
    PAYMENT_NOT_REFUNDABLE,
    REFUND_REFUSED,
    REFUND_TOO_LARGE,
    TOKEN_PROJECT_UNKNOWN,
    TRANSACTION_NOT_FOUND,
    Fault,
)
from haversack.http.area import Area, Repeat
from haversack.http.calls import StudioCall
from haversack.http.idempotency import Answer, keep_answer
from haversack.http.problems import invalid
from haversack.login.rules import outside_player_id
from haversack.money import has_too_many_decimals
from haversack.payments.queries.payments import get_transaction
from haversack.payments.records import Payment, RefundState
from haversack.payments.refunding import refund_payment
from haversack.payments.rules import moves_no_money
from haversack.payments.tokens import issue_token
from haversack.payments.wire.merchant import MessageView, PartialRefundBody, RefundBody
from haversack.payments.wire.orders import MerchantTokenBody, TokenView
from haversack.projects.records import Project

area = Area("merchant-payments", family=MERCHANT, prefix="/merchant/v2/merchants/{merchant_id}")

INT32_MAX = 2**31 - 1
SANDBOX_MODE = "sandbox"
GIVEN = "The payment was refunded."
ACCEPTED = "The request for a refund has been accepted. It is repeated until the payment provider has answered."
REFUND_ERRORS = (TRANSACTION_NOT_FOUND, PAYMENT_NOT_REFUNDABLE, REFUND_TOO_LARGE, REFUND_REFUSED)

TransactionId = Annotated[int, Path(ge=1, le=INT32_MAX)]


@area.post("/token", errors=(TOKEN_PROJECT_UNKNOWN,), repeat=Repeat.NEVER)
async def create_payment_token(call: StudioCall, body: MerchantTokenBody) -> TokenView:
    """Make a token for a sum, without an order. The game gives what was bought when it hears of the payment."""
    project = await _project(call, body.settings.project_id)
    user_id = body.user.id.value
    token = await issue_token(
        call.db,
        project,
        order=None,
        player_id=outside_player_id(project.login_project_id, user_id),
        external_id=user_id,
        is_sandbox=body.settings.mode == SANDBOX_MODE or moves_no_money(project),
        user_details=body.user.stored(body.user.country_code),
        purchase=body.purchase.stored(),
        settings=body.settings.stored(),
        custom_parameters=body.custom_parameters,
        now=project.clock.now(),
    )
    return TokenView(token=token)


@area.put("/reports/transactions/{transaction_id}/refund", errors=REFUND_ERRORS, repeat=Repeat.RESUMABLE)
async def request_refund(call: StudioCall, transaction_id: TransactionId, body: RefundBody) -> MessageView:
    """Give back all that is left of a payment; its order is canceled, and what it gave is taken back."""
    payment, project = await _transaction(call, transaction_id)
    return await _refund(call, project, payment, body, amount=None)


@area.put(
    "/reports/transactions/{transaction_id}/partial_refund",
    errors=(*REFUND_ERRORS, PARTIAL_REFUND_CODE),
    repeat=Repeat.RESUMABLE,
)
async def request_partial_refund(
    call: StudioCall, transaction_id: TransactionId, body: PartialRefundBody
) -> MessageView:
    """Give a part of a payment back. The player keeps what was bought."""
    payment, project = await _transaction(call, transaction_id)
    if has_too_many_decimals(body.refund_amount, payment.currency):
        fault = Fault("refund_amount", f"has more decimals than {payment.currency}")
        raise invalid(MERCHANT.invalid, [fault])
    return await _refund(call, project, payment, body, amount=body.refund_amount)


async def _refund(
    call: StudioCall, project: Project, payment: Payment, body: RefundBody, *, amount: Decimal | None
) -> MessageView:
    _, state = await refund_payment(
        call.context,
        call.db,
        project,
        payment,
        amount=amount,
        code=body.code,
        reason=body.description,
        author=call.caller_name,
        caller=call.caller_name,
        request_id=call.request_id,
        when_asked=lambda: _keep_accepted(call),
    )
    return _message(state)


async def _keep_accepted(call: StudioCall) -> None:
    """Who repeats a call whose answer was lost must not ask for the money a second time."""
    body = _message(RefundState.PENDING).model_dump_json().encode()
    await keep_answer(call, Answer(200, body))


def _message(state: RefundState) -> MessageView:
    return MessageView(message=GIVEN if state is RefundState.DONE else ACCEPTED)


async def _project(call: StudioCall, project_id: int) -> Project:
    project = await call.context.directory.find_project(project_id)
    if project is None or not call.opens(project):
        raise TOKEN_PROJECT_UNKNOWN(project_id=project_id, merchant_id=call.merchant_id)
    return project


async def _transaction(call: StudioCall, transaction_id: int) -> tuple[Payment, Project]:
    payment = await get_transaction(
        call.db, merchant_id=call.merchant_id, project_id=call.project_id, transaction_id=transaction_id
    )
    project = await call.context.directory.find_project(payment.project_id)
    assert project is not None, "a payment belongs to a project"
    return payment, project

"""Refunds: the money, the order, what was bought and what the game is told."""

import asyncio
from decimal import Decimal

import httpx
import pytest

from haversack.context import Context
from haversack.orders.records import OrderState
from haversack.payments.outcomes import Done
from haversack.payments.queries.payments import list_refunds
from haversack.payments.records import Payment, PaymentState, RefundState
from haversack.payments.refund_requests import ask_for_refund
from haversack.payments.sweeping import sweep_payments
from haversack.projects.records import OrderWebhooks
from make.orders import Buyer, change_project, owned_of, project_of, stored
from make.payments import (
    CHALLENGED,
    NO_REFUND,
    Purchase,
    leave_alone,
    make_payable,
    payment_with,
    refund,
    told_of,
)
from make.projects import Studio


@pytest.fixture
async def purchase(client: httpx.AsyncClient, buyer: Buyer) -> Purchase:
    """An unpaid order of one item for 10 USD."""
    return await make_payable(client, buyer, amount=10)


async def paid(purchase: Purchase, **options: str) -> Payment:
    """The payment of a purchase that is paid."""
    outcome = await purchase.pay(**options)
    assert isinstance(outcome, Done)
    return outcome.payment


async def test_request_refund(client: httpx.AsyncClient, studio: Studio, buyer: Buyer, purchase: Purchase) -> None:
    payment = await paid(purchase)
    assert await owned_of(buyer, purchase.sku) == 1
    reply = await refund(client, studio, payment.payment_id, code=9)
    assert reply.status_code == 200, reply.text
    after = await payment_with(studio, payment.payment_id)
    assert (after.state, after.refunded) == (PaymentState.REFUNDED, Decimal(10))
    assert (await stored(studio, purchase.order_id)).state is OrderState.CANCELED
    assert await owned_of(buyer, purchase.sku) == 0
    [told] = await told_of(studio, "order_canceled", "refund")
    details = told["billing"]["refund_details"]
    assert (details["code"], details["reason"]) == (9, "the player asked for it")
    again = await refund(client, studio, payment.payment_id)
    assert again.status_code == 422
    assert again.json()["message"] == f"Transaction {payment.payment_id} is refunded: there is nothing to refund."
    assert await list_refunds(studio.context.database.session(), studio.project_id, payment.payment_id)


async def test_a_refund_in_separate_webhooks(client: httpx.AsyncClient, studio: Studio, purchase: Purchase) -> None:
    await change_project(studio, order_webhooks=OrderWebhooks.SEPARATE)
    payment = await paid(purchase)
    assert (await refund(client, studio, payment.payment_id)).status_code == 200
    kinds = ("payment", "order_paid", "refund", "order_canceled")
    assert sorted(told["notification_type"] for told in await told_of(studio, *kinds)) == sorted(kinds)


async def test_request_partial_refund(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, purchase: Purchase
) -> None:
    payment = await paid(purchase)
    first = await refund(client, studio, payment.payment_id, "3.50", code=10)
    assert first.status_code == 200, first.text
    second = await refund(client, studio, payment.payment_id, 1.5, code=1)
    assert second.status_code == 200, second.text
    after = await payment_with(studio, payment.payment_id)
    assert (after.state, after.refunded) == (PaymentState.PARTIALLY_REFUNDED, Decimal("5.00"))
    # The player keeps what was bought.
    assert (await stored(studio, purchase.order_id)).state is OrderState.DONE
    assert await owned_of(buyer, purchase.sku) == 1
    told = await told_of(studio, "partial_refund")
    assert {each["refund_details"]["code"] for each in told} == {1, 10}
    assert {each["payment_details"]["payment"]["amount"] for each in told} == {3.5, 1.5}
    # Then all the rest, with what was bought.
    rest = await refund(client, studio, payment.payment_id)
    assert rest.status_code == 200
    ended = await payment_with(studio, payment.payment_id)
    assert (ended.state, ended.refunded) == (PaymentState.REFUNDED, Decimal("10.00"))
    assert await owned_of(buyer, purchase.sku) == 0


@pytest.mark.parametrize("code", [2, 4, 6, 8, 11, 12, 13])
async def test_codes_of_partial_refunds(client: httpx.AsyncClient, studio: Studio, buyer: Buyer, code: int) -> None:
    purchase = await make_payable(client, buyer)
    payment = await paid(purchase)
    refused = await refund(client, studio, payment.payment_id, 1, code=code)
    assert refused.status_code == 422
    assert (await payment_with(studio, payment.payment_id)).refunded == 0
    # Of the whole payment each of them is one.
    assert (await refund(client, studio, payment.payment_id, code=code)).status_code == 200


@pytest.mark.parametrize("amount", ["10.01", 11, 0, -1, "0.001", "much"])
async def test_sums_that_cannot_go_back(
    client: httpx.AsyncClient, studio: Studio, purchase: Purchase, amount: object
) -> None:
    payment = await paid(purchase)
    reply = await refund(client, studio, payment.payment_id, amount)
    assert reply.status_code == 422
    assert (await payment_with(studio, payment.payment_id)).refunded == 0


async def test_more_than_is_left_cannot_go_back(client: httpx.AsyncClient, studio: Studio, purchase: Purchase) -> None:
    payment = await paid(purchase)
    replies = await asyncio.gather(*(refund(client, studio, payment.payment_id, 3) for _ in range(6)))
    assert sorted(reply.status_code for reply in replies) == [200, 200, 200, 422, 422, 422]
    assert (await payment_with(studio, payment.payment_id)).refunded == Decimal(9)


@pytest.mark.parametrize("code", [0, 14, "x"])
async def test_unknown_codes(client: httpx.AsyncClient, studio: Studio, purchase: Purchase, code: object) -> None:
    payment = await paid(purchase)
    reply = await refund(client, studio, payment.payment_id, code=code)
    assert reply.status_code == 422
    assert "code" in reply.json()["extended_message"]["property_errors"]


async def test_transactions_that_cannot_be_refunded(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, purchase: Purchase
) -> None:
    assert (await refund(client, studio, 2**31 - 1)).status_code == 404
    asked = await purchase.pay(CHALLENGED)
    payment_id = (await purchase.payment()).payment_id
    assert asked is not None
    assert (await refund(client, studio, payment_id)).status_code == 422
    # Another merchant's transaction does not exist.
    assert (await refund(client, other_studio, payment_id)).status_code == 404


async def test_a_provider_that_refuses(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, purchase: Purchase
) -> None:
    payment = await paid(purchase, number=NO_REFUND)
    reply = await refund(client, studio, payment.payment_id)
    assert reply.status_code == 422
    assert "takes no refunds" in reply.json()["message"]
    after = await payment_with(studio, payment.payment_id)
    assert (after.state, after.refunded) == (PaymentState.DONE, Decimal(0))
    assert await owned_of(buyer, purchase.sku) == 1
    [asked] = await list_refunds(studio.context.database.session(), studio.project_id, payment.payment_id)
    assert asked.state is RefundState.FAILED


async def test_a_refund_that_was_asked_for_is_given_by_the_sweep(
    context: Context, studio: Studio, buyer: Buyer, purchase: Purchase
) -> None:
    payment = await paid(purchase)
    project, db = await project_of(studio), context.database.session()
    async with db.begin():
        assert await ask_for_refund(db, project, payment.payment_id, reason="refused", now=project.clock.now())
    async with db.begin():
        assert not await ask_for_refund(db, project, payment.payment_id, reason="refused", now=project.clock.now())
    await sweep_payments(context)
    assert (await payment_with(studio, payment.payment_id)).state is PaymentState.DONE
    await leave_alone(studio)
    await sweep_payments(context)
    assert (await payment_with(studio, payment.payment_id)).state is PaymentState.REFUNDED
    assert (await stored(studio, purchase.order_id)).state is OrderState.CANCELED
    assert await owned_of(buyer, purchase.sku) == 0
    await leave_alone(studio)
    await sweep_payments(context)
    assert len(await told_of(studio, "order_canceled")) == 1


async def test_an_audit_row_is_left(client: httpx.AsyncClient, studio: Studio, purchase: Purchase) -> None:
    payment = await paid(purchase)
    await refund(client, studio, payment.payment_id)
    async with studio.context.database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT operation, subject FROM audit_entries WHERE project_id = $1 AND operation = 'refund'",
            studio.project_id,
        )
    assert row is not None
    assert row["subject"]["transaction_id"] == payment.payment_id

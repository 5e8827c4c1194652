"""The same purchase paid, given up, told of and refunded many times at once: one payment, one grant, no fault."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal

import httpx
import pytest

from haversack.context import Context
from haversack.orders.records import OrderState
from haversack.payments import paying
from haversack.payments.outcomes import Declined, Done, InBrowser, Pending, Refused, ThreeDSecure
from haversack.payments.queries.payments import list_payments
from haversack.payments.records import PaymentState
from haversack.payments.rules import OPEN, PAID
from haversack.payments.sweeping import sweep_payments
from make import catalog
from make.client_catalog import sell
from make.orders import Buyer, make_buyer, owned_of, stored
from make.payments import (
    CHALLENGED,
    LOST_ANSWER,
    SUCCESS,
    Purchase,
    leave_alone,
    make_payable,
    order_item,
    payment_with,
    refund,
    told_of,
)
from make.projects import Studio
from make.stripe import StripeStandIn, event, serve_stripe, signed

TIMES = 20


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    """A player of the studio."""
    return await make_buyer(studio)


async def check_given_once(studio: Studio, purchase: Purchase) -> None:
    """One payment, one grant, one webhook."""
    session = await purchase.open()
    payments = await list_payments(studio.context.database.session(), session.token)
    assert sum(payment.state in PAID for payment in payments) == 1
    assert not any(payment.state in OPEN for payment in payments)
    assert (await stored(studio, purchase.order_id)).state is OrderState.DONE
    assert await owned_of(purchase.buyer, purchase.sku) == 1
    assert len(await told_of(studio, "order_paid")) == 1


async def test_simultaneous_pays_of_one_token(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    purchase = await make_payable(client, buyer)
    outcomes = await asyncio.gather(*(purchase.pay() for _ in range(TIMES)))
    kinds = Counter(type(outcome) for outcome in outcomes)
    assert kinds[Done] >= 1
    assert set(kinds) <= {Done, Pending}
    assert len({outcome.payment.payment_id for outcome in outcomes if isinstance(outcome, Done | Pending)}) == 1
    await check_given_once(studio, purchase)


async def test_simultaneous_pays_by_different_cards(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    purchase = await make_payable(client, buyer)
    cards = [SUCCESS if number % 2 else CHALLENGED for number in range(TIMES)]
    outcomes = await asyncio.gather(*(purchase.pay(number) for number in cards))
    assert {type(outcome) for outcome in outcomes} <= {Done, Pending, ThreeDSecure, Declined}
    assert isinstance(await purchase.pay(), Done | Pending)
    await check_given_once(studio, purchase)


async def test_simultaneous_codes_of_one_challenge(
    client: httpx.AsyncClient, context: Context, studio: Studio, buyer: Buyer
) -> None:
    purchase = await make_payable(client, buyer)
    asked = await purchase.pay(CHALLENGED)
    assert isinstance(asked, ThreeDSecure)
    session = await purchase.open()
    outcomes = await asyncio.gather(
        *(paying.confirm_three_d_secure(context, session, asked.challenge_id, asked.code) for _ in range(TIMES))
    )
    assert {type(outcome) for outcome in outcomes} == {Done}
    await check_given_once(studio, purchase)


async def test_the_page_and_the_sweep_complete_together(
    client: httpx.AsyncClient, context: Context, studio: Studio, buyer: Buyer
) -> None:
    purchase = await make_payable(client, buyer)
    assert isinstance(await purchase.pay(LOST_ANSWER), Pending)
    await leave_alone(studio)
    session = await purchase.open()
    await asyncio.gather(
        *(sweep_payments(context) for _ in range(3)), *(paying.refresh(context, session) for _ in range(TIMES))
    )
    await check_given_once(studio, purchase)


async def test_paying_and_giving_up(client: httpx.AsyncClient, context: Context, studio: Studio, buyer: Buyer) -> None:
    for _ in range(5):
        purchase = await make_payable(client, buyer)
        session = await purchase.open()
        outcomes = await asyncio.gather(purchase.pay(), *(paying.cancel(context, session) for _ in range(5)))
        payment = await purchase.payment()
        order = await stored(studio, purchase.order_id)
        assert (order.state is OrderState.DONE) == (payment.state is PaymentState.DONE)
        assert isinstance(outcomes[0], Done if payment.state is PaymentState.DONE else Declined | Pending)
        assert await owned_of(buyer, purchase.sku) == (payment.state is PaymentState.DONE)


async def test_two_orders_of_one_limited_item(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    """Whoever pays first cancels the other order: money that came in for it goes back."""
    body = catalog.virtual_item(limits={"per_item": 5}, inventory_options={"consumable": {"usages_count": 1}})
    sku = await sell(client, studio, body)
    purchases = []
    for _ in range(2):
        reply = await order_item(client, buyer, sku)
        assert reply.status_code == 200
        purchases.append(Purchase(studio, buyer, sku, **reply.json()))
    outcomes = await asyncio.gather(*(purchase.pay() for purchase in purchases))
    kinds = sorted(type(outcome).__name__ for outcome in outcomes)
    assert kinds in (["Declined", "Done"], ["Done", "Refused"])
    assert await owned_of(buyer, sku) == 1
    db = studio.context.database.session()
    for purchase in purchases:
        for payment in await list_payments(db, (await purchase.open()).token):
            assert payment.state in (PaymentState.DONE, PaymentState.REFUNDED)


async def test_refunds_and_the_sweep_together(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    purchase = await make_payable(client, buyer, amount=10)
    outcome = await purchase.pay()
    assert isinstance(outcome, Done)
    payment_id = outcome.payment.payment_id
    replies = await asyncio.gather(
        *(refund(client, studio, payment_id) for _ in range(TIMES)),
        *(refund(client, studio, payment_id, 4) for _ in range(TIMES)),
    )
    assert {reply.status_code for reply in replies} <= {200, 422}
    after = await payment_with(studio, payment_id)
    assert (after.state, after.refunded) == (PaymentState.REFUNDED, Decimal(10))
    assert (await stored(studio, purchase.order_id)).state is OrderState.CANCELED
    assert await owned_of(buyer, purchase.sku) == 0
    assert len(await told_of(studio, "order_canceled")) == 1


@pytest.fixture
async def stripe(studio: Studio) -> AsyncIterator[StripeStandIn]:
    """What the studio's project takes real money by."""
    async with serve_stripe(studio) as stand_in:
        yield stand_in


async def test_notices_and_the_page_complete_together(
    client: httpx.AsyncClient, context: Context, studio: Studio, buyer: Buyer, stripe: StripeStandIn
) -> None:
    purchase = await make_payable(client, buyer, sandbox=False)
    session = await purchase.open()
    begun = await asyncio.gather(
        *(paying.begin_in_browser(context, session, email=None, save=False, client_ip=None) for _ in range(5))
    )
    assert {type(outcome) for outcome in begun} <= {InBrowser, Pending, Refused}
    assert len(stripe.intents) == 1
    body = event("payment_intent.succeeded", stripe.pay())
    results = await asyncio.gather(
        *(client.post(f"/webhooks/stripe/{studio.project_id}", content=body, headers=signed(body)) for _ in range(5)),
        *(paying.refresh(context, session) for _ in range(5)),
    )
    assert {reply.status_code for reply in results if isinstance(reply, httpx.Response)} == {204}
    assert {type(outcome) for outcome in results if not isinstance(outcome, httpx.Response)} == {Done}
    await check_given_once(studio, purchase)

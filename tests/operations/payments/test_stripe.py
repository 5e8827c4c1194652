"""Stripe against a stand-in on this machine: intents, the browser, signed events, refunds, and its bad days."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from haversack.context import Context
from haversack.orders.records import OrderState
from haversack.payments import paying
from haversack.payments.outcomes import Declined, Done, Faulty, InBrowser, Outcome, Pending, Refused
from haversack.payments.providers import CardEntry, ProviderRefused
from haversack.payments.providers.stripe import units_of
from haversack.payments.queries.payments import list_refunds
from haversack.payments.queries.taking import delete_provider
from haversack.payments.records import PaymentState, RefundState
from haversack.payments.sweeping import sweep_payments
from make.orders import Buyer, cancel, stored
from make.payments import Purchase, leave_alone, make_payable, move_clock, payment_path, payment_with, refund
from make.projects import Studio
from make.receiver import Answer, Fault
from make.stripe import PUBLISHABLE_KEY, StripeStandIn, event, serve_stripe, set_up_stripe, signed


@pytest.fixture
async def stripe(studio: Studio) -> AsyncIterator[StripeStandIn]:
    """What the studio's project takes real money by."""
    async with serve_stripe(studio) as stand_in:
        yield stand_in


@pytest.fixture
async def purchase(client: httpx.AsyncClient, buyer: Buyer, stripe: StripeStandIn) -> Purchase:
    """An unpaid order of one item for 9.99 USD, for real money."""
    return await make_payable(client, buyer, sandbox=False)


async def begin(context: Context, purchase: Purchase, *, save: bool = False) -> Outcome:
    """The page begins a payment."""
    session = await purchase.open()
    return await paying.begin_in_browser(context, session, email="hero@example.com", save=save, client_ip=None)


async def post_event(
    client: httpx.AsyncClient, studio: Studio, body: bytes, headers: Mapping[str, str | bytes] | None = None
) -> httpx.Response:
    return await client.post(f"/webhooks/stripe/{studio.project_id}", content=body, headers=headers or signed(body))


async def test_a_payment_in_the_browser(
    context: Context, studio: Studio, stripe: StripeStandIn, purchase: Purchase
) -> None:
    session = await purchase.open()
    assert (session.entry, session.publishable_key) == (CardEntry.PROVIDER, PUBLISHABLE_KEY)
    assert [method.code for method in session.methods] == [1380]
    begun = await begin(context, purchase)
    assert isinstance(begun, InBrowser)
    intent = stripe.last
    assert begun.client_secret == intent["client_secret"]
    assert begun.client_secret not in repr(begun)
    assert (intent["amount"], intent["currency"]) == (999, "usd")
    assert intent["metadata"]["payment_id"] == str(begun.payment.payment_id)
    # Reloading the page goes on with the same intent.
    again = await begin(context, purchase)
    assert isinstance(again, InBrowser)
    assert again.payment.payment_id == begun.payment.payment_id
    assert len(stripe.intents) == 1
    stripe.pay()
    outcome = await paying.refresh(context, await purchase.open())
    assert isinstance(outcome, Done)
    assert (outcome.payment.card_brand, outcome.payment.card_suffix) == ("visa", "4242")
    assert outcome.payment.provider_reference == intent["id"]
    assert not outcome.payment.is_sandbox
    assert (await stored(studio, purchase.order_id)).state is OrderState.DONE


async def test_take_stripe_notice(
    client: httpx.AsyncClient, context: Context, studio: Studio, stripe: StripeStandIn, purchase: Purchase
) -> None:
    await begin(context, purchase)
    body = event("payment_intent.succeeded", stripe.pay())
    for _ in range(2):
        reply = await post_event(client, studio, body)
        assert reply.status_code == 204, reply.text
    assert (await purchase.payment()).state is PaymentState.DONE
    assert (await stored(studio, purchase.order_id)).state is OrderState.DONE


async def test_a_notice_only_says_where_to_look(
    client: httpx.AsyncClient, context: Context, studio: Studio, stripe: StripeStandIn, purchase: Purchase
) -> None:
    await begin(context, purchase)
    said = {**stripe.last, "status": "succeeded"}
    assert (await post_event(client, studio, event("payment_intent.succeeded", said))).status_code == 204
    assert (await purchase.payment()).state is PaymentState.PROCESSING


async def test_notices_that_are_not_taken(
    client: httpx.AsyncClient, context: Context, studio: Studio, other_studio: Studio, purchase: Purchase
) -> None:
    body = event("payment_intent.succeeded", {"id": "pi_1", "object": "payment_intent"})
    for headers in (
        {"Content-Type": "application/json"},
        signed(body, secret="whsec_other"),
        signed(body, age_seconds=600),
        {**signed(body), "Stripe-Signature": "t=x,v1=y"},
        {"Stripe-Signature": signed(body)["Stripe-Signature"].encode() + b"\xe9"},
        signed(body + b" "),
    ):
        reply = await post_event(client, studio, body, headers)
        assert reply.status_code == 400, headers
        assert "signature" in reply.json()["errors"][0]["message"]
    assert (await post_event(client, other_studio, body)).status_code == 400
    broken = b"\xff"
    assert (await post_event(client, studio, broken)).status_code == 400


async def test_notices_about_something_else(client: httpx.AsyncClient, studio: Studio, stripe: StripeStandIn) -> None:
    for body in (
        event("payment_intent.succeeded", {"id": "pi_of_another_shop", "object": "payment_intent"}),
        event("charge.updated", {"id": "ch_1", "object": "charge"}),
        b"{}",
    ):
        assert (await post_event(client, studio, body)).status_code == 204


async def test_a_notice_is_repeated_where_stripe_is_away(
    client: httpx.AsyncClient, context: Context, studio: Studio, stripe: StripeStandIn, purchase: Purchase
) -> None:
    await begin(context, purchase)
    body = event("payment_intent.succeeded", stripe.pay())
    stripe.receiver.answer_always(Answer(500, b"{}"))
    assert (await post_event(client, studio, body)).status_code == 503
    stripe.receiver.answer_always(stripe.answer)
    assert (await post_event(client, studio, body)).status_code == 204
    assert (await purchase.payment()).state is PaymentState.DONE


async def test_the_sweep_finds_what_was_paid(
    context: Context, studio: Studio, stripe: StripeStandIn, purchase: Purchase
) -> None:
    await begin(context, purchase)
    await leave_alone(studio)
    await sweep_payments(context)
    # The player may still be typing.
    assert (await purchase.payment()).state is PaymentState.PROCESSING
    stripe.pay()
    await leave_alone(studio)
    await sweep_payments(context)
    assert (await purchase.payment()).state is PaymentState.DONE


async def test_the_sweep_ends_what_nobody_pays(
    context: Context, studio: Studio, stripe: StripeStandIn, purchase: Purchase
) -> None:
    begun = await begin(context, purchase)
    assert isinstance(begun, InBrowser)
    await move_clock(studio, timedelta(hours=25))
    await leave_alone(studio)
    await sweep_payments(context)
    assert stripe.last["status"] == "canceled"
    assert (await payment_with(studio, begun.payment.payment_id)).state is PaymentState.CANCELED


async def test_money_for_a_canceled_order_goes_back(
    context: Context, studio: Studio, stripe: StripeStandIn, purchase: Purchase
) -> None:
    await begin(context, purchase)
    stripe.pay()
    await cancel(studio, await stored(studio, purchase.order_id))
    outcome = await paying.refresh(context, await purchase.open())
    assert isinstance(outcome, Declined)
    assert [(each["amount"], each["status"]) for each in stripe.refunds] == [(999, "succeeded")]
    assert (await purchase.payment()).state is PaymentState.REFUNDED


async def test_a_saved_card(
    client: httpx.AsyncClient, context: Context, stripe: StripeStandIn, buyer: Buyer, purchase: Purchase
) -> None:
    await begin(context, purchase, save=True)
    assert (stripe.last["customer"], stripe.last["setup_future_usage"]) == ("cus_1", "off_session")
    stripe.pay()
    assert isinstance(await paying.refresh(context, await purchase.open()), Done)
    second = await make_payable(client, buyer, sandbox=False)
    session = await second.open()
    [saved] = session.saved_cards
    assert (saved.suffix, saved.expiry_month, saved.expiry_year) == ("4242", 8, 2031)
    outcome = await paying.pay_by_saved_card(context, session, saved.card_id)
    assert isinstance(outcome, Done)
    assert stripe.last["customer"] == "cus_1"


async def test_a_saved_card_that_is_declined(
    client: httpx.AsyncClient, context: Context, stripe: StripeStandIn, buyer: Buyer, purchase: Purchase
) -> None:
    await begin(context, purchase, save=True)
    stripe.pay()
    await paying.refresh(context, await purchase.open())
    second = await make_payable(client, buyer, sandbox=False)
    session = await second.open()
    stripe.confirms_to = "declined"
    outcome = await paying.pay_by_saved_card(context, session, session.saved_cards[0].card_id)
    assert isinstance(outcome, Declined)
    assert outcome.reason == "Your card was declined."
    stripe.confirms_to = "requires_action"
    asked = await paying.pay_by_saved_card(context, await second.open(), session.saved_cards[0].card_id)
    # The bank wants to ask the player: Stripe's script does that.
    assert isinstance(asked, InBrowser)
    stripe.pay()
    assert isinstance(await paying.refresh(context, await second.open()), Done)


async def test_a_card_number_is_never_taken(context: Context, purchase: Purchase) -> None:
    assert isinstance(await purchase.pay(), Faulty)
    assert isinstance(await paying.pay_simply(context, await purchase.open(), paying.MethodKind.PAYPAL), Refused)


async def test_sandbox_orders_go_to_the_sandbox(client: httpx.AsyncClient, buyer: Buyer, stripe: StripeStandIn) -> None:
    purchase = await make_payable(client, buyer, sandbox=True)
    assert isinstance(await purchase.pay(), Done)
    assert stripe.receiver.received == []


@pytest.mark.parametrize("answer", [Answer(500, b"{}"), Answer(429, b"{}"), Answer(fault=Fault.DROP)])
async def test_stripe_is_away_when_a_payment_begins(
    context: Context, stripe: StripeStandIn, purchase: Purchase, answer: Answer
) -> None:
    stripe.receiver.answer_always(answer)
    outcome = await begin(context, purchase)
    assert isinstance(outcome, Declined)
    assert "Nothing was charged" in outcome.reason
    stripe.receiver.answer_always(stripe.answer)
    assert isinstance(await begin(context, purchase), InBrowser)


async def test_stripe_refuses_our_key(
    context: Context, studio: Studio, stripe: StripeStandIn, purchase: Purchase
) -> None:
    await set_up_stripe(studio, stripe.base, secret_key="sk_test_wrong")
    outcome = await begin(context, purchase)
    assert isinstance(outcome, Declined)
    # What Stripe says of the account is for the operator.
    assert "API Key" not in outcome.reason


async def test_an_answer_is_lost_when_a_saved_card_is_charged(
    client: httpx.AsyncClient,
    context: Context,
    studio: Studio,
    stripe: StripeStandIn,
    buyer: Buyer,
    purchase: Purchase,
) -> None:
    await begin(context, purchase, save=True)
    stripe.pay()
    await paying.refresh(context, await purchase.open())
    second = await make_payable(client, buyer, sandbox=False)
    session = await second.open()

    def lose_confirmations(request: object) -> Answer:
        answer = stripe.answer(request)  # type: ignore[arg-type]
        return Answer(fault=Fault.DROP) if request.target.endswith("/confirm") else answer  # type: ignore[attr-defined]

    stripe.receiver.answer_always(lose_confirmations)
    assert isinstance(await paying.pay_by_saved_card(context, session, session.saved_cards[0].card_id), Pending)
    stripe.receiver.answer_always(stripe.answer)
    await leave_alone(studio)
    await sweep_payments(context)
    assert (await second.payment()).state is PaymentState.DONE
    assert sum(each["amount_received"] or 0 for each in stripe.intents.values()) >= 999


async def test_refunds(
    client: httpx.AsyncClient, context: Context, studio: Studio, stripe: StripeStandIn, purchase: Purchase
) -> None:
    await begin(context, purchase)
    stripe.pay()
    done = await paying.refresh(context, await purchase.open())
    assert isinstance(done, Done)
    assert (await refund(client, studio, done.payment.payment_id, "1.23", code=1)).status_code == 200
    assert (await refund(client, studio, done.payment.payment_id, code=13)).status_code == 200
    assert [(each["amount"], each["reason"]) for each in stripe.refunds] == [
        (123, "requested_by_customer"),
        (876, "duplicate"),
    ]
    assert (await purchase.payment()).state is PaymentState.REFUNDED


async def test_a_refund_whose_answer_is_lost(
    client: httpx.AsyncClient, context: Context, studio: Studio, stripe: StripeStandIn, purchase: Purchase
) -> None:
    await begin(context, purchase)
    stripe.pay()
    done = await paying.refresh(context, await purchase.open())
    assert isinstance(done, Done)
    payment_id = done.payment.payment_id

    def lose(request: object) -> Answer:
        stripe.answer(request)  # type: ignore[arg-type]
        return Answer(fault=Fault.DROP)

    stripe.receiver.answer_always(lose)
    reply = await refund(client, studio, payment_id)
    assert reply.status_code == 200
    assert "accepted" in reply.json()["message"]
    assert (await payment_with(studio, payment_id)).state is PaymentState.DONE
    # Stripe has forgotten the request meanwhile, and knows the refund.
    stripe.answers.clear()
    stripe.receiver.answer_always(stripe.answer)
    await leave_alone(studio)
    await sweep_payments(context)
    assert (await payment_with(studio, payment_id)).state is PaymentState.REFUNDED
    assert len(stripe.refunds) == 1


async def test_a_refund_that_stripe_refuses(
    client: httpx.AsyncClient, context: Context, studio: Studio, stripe: StripeStandIn, purchase: Purchase
) -> None:
    await begin(context, purchase)
    stripe.pay()
    done = await paying.refresh(context, await purchase.open())
    assert isinstance(done, Done)
    stripe.refunds_to = "failed"
    reply = await refund(client, studio, done.payment.payment_id)
    assert reply.status_code == 422
    [asked] = await list_refunds(context.database.session(), studio.project_id, done.payment.payment_id)
    assert asked.state is RefundState.FAILED
    assert (await payment_with(studio, done.payment.payment_id)).refunded == 0


async def test_settings_that_are_gone(
    client: httpx.AsyncClient, context: Context, studio: Studio, stripe: StripeStandIn, purchase: Purchase
) -> None:
    await begin(context, purchase)
    stripe.pay()
    await delete_provider(context.database.session(), studio.project_id, "stripe")
    assert isinstance(await paying.refresh(context, await purchase.open()), Pending)
    await leave_alone(studio)
    await sweep_payments(context)
    assert (await purchase.payment()).state is PaymentState.PROCESSING
    # Switched off for new payments, it still ends the old ones.
    await set_up_stripe(studio, stripe.base, is_enabled=False)
    assert (await purchase.open()).methods == ()
    assert isinstance(await paying.refresh(context, await purchase.open()), Done)


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("9.99", "USD", 999),
        ("0.01", "EUR", 1),
        ("500", "JPY", 500),
        ("1.230", "KWD", 1230),
        ("500", "ISK", 50000),
        ("500", "UGX", 50000),
    ],
)
def test_smallest_units(amount: str, currency: str, units: int) -> None:
    assert units_of(Decimal(amount), currency) == units


@pytest.mark.parametrize(("amount", "currency"), [("0.001", "USD"), ("0.5", "JPY"), ("1.234", "KWD")])
def test_sums_that_stripe_cannot_hold(amount: str, currency: str) -> None:
    with pytest.raises(ProviderRefused):
        units_of(Decimal(amount), currency)


async def test_a_sum_that_stripe_cannot_hold_has_no_way_to_be_paid(
    client: httpx.AsyncClient, studio: Studio, stripe: StripeStandIn, buyer: Buyer
) -> None:
    for amount, shown in (("1.235", "No way to pay here yet"), ("1.230", PUBLISHABLE_KEY)):
        body = {"purchase": {"checkout": {"amount": amount, "currency": "KWD"}}}
        made = await client.post(payment_path(studio, ""), json=body, headers=buyer.headers)
        page = await client.get("/paystation4/", params=made.json())
        assert page.status_code == 200
        assert shown in page.text
    unpayable = await client.post(
        payment_path(studio, ""),
        json={"purchase": {"checkout": {"amount": "0.001", "currency": "KWD"}}},
        headers=buyer.headers,
    )
    form = {**unpayable.json(), "method": "card"}
    assert (await client.post("/paystation4/pay", data=form)).status_code == 422
    assert stripe.intents == {}

"""Paying: what each test card does to the payment, to its order and to what the player owns."""

import httpx
import pytest

from haversack.context import Context
from haversack.orders.records import OrderState
from haversack.payments import paying
from haversack.payments.outcomes import Declined, Done, Faulty, Pending, Refused, ThreeDSecure
from haversack.payments.providers.test_cards import CHALLENGE_CODE, TEST_CARDS, Behaviour
from haversack.payments.records import PaymentState
from haversack.payments.rules import MethodKind
from haversack.payments.sweeping import sweep_payments
from make.orders import Buyer, make_buyer, stored
from make.payments import CHALLENGED, LATE, NEVER, TWICE, Purchase, card, make_payable
from make.projects import Studio


async def test_a_card_that_succeeds(studio: Studio, purchase: Purchase) -> None:
    outcome = await purchase.pay()
    assert isinstance(outcome, Done)
    payment = outcome.payment
    assert (payment.state, payment.card_brand, payment.card_suffix) == (PaymentState.DONE, "visa", "1111")
    order = await stored(studio, purchase.order_id)
    assert (order.state, order.payment_id) == (OrderState.DONE, payment.payment_id)


@pytest.mark.parametrize("test_card", TEST_CARDS, ids=lambda each: each.name)
async def test_every_test_card(studio: Studio, purchase: Purchase, test_card: object) -> None:
    """Each does at once what its list says; what comes later is tested below."""
    found = next(each for each in TEST_CARDS if each is test_card)
    outcome = await purchase.pay(found.number)
    order = await stored(studio, purchase.order_id)
    expected = {
        Behaviour.SUCCEEDS: Done,
        Behaviour.ANSWERS_TWICE: Done,
        Behaviour.REFUSES_REFUNDS: Done,
        Behaviour.CHALLENGES: ThreeDSecure,
        Behaviour.DECLINES: Declined,
        Behaviour.ANSWERS_LATE: Pending,
        Behaviour.NEVER_ANSWERS: Pending,
        Behaviour.ANSWER_IS_LOST: Pending,
    }[found.behaviour]
    assert type(outcome) is expected
    assert (order.state is OrderState.DONE) == (expected is Done)
    if isinstance(outcome, Declined):
        assert outcome.reason == found.reason
        assert outcome.payment.state is PaymentState.FAILED
        # The player tries again with another card.
        assert isinstance(await purchase.pay(), Done)


@pytest.mark.parametrize(
    ("number", "field"),
    [("4242424242424242", "number"), ("4000056655665556", "number"), ("1", "number"), ("", "number")],
)
async def test_a_real_looking_card_is_refused(studio: Studio, purchase: Purchase, number: str, field: str) -> None:
    outcome = await purchase.pay(number)
    assert isinstance(outcome, Faulty)
    assert "never a real one" in outcome.faults[field]
    session = await purchase.open()
    assert session.latest is None


async def test_an_expired_test_card_is_refused(context: Context, purchase: Purchase) -> None:
    session = await purchase.open()
    typed = card(expiry_year=2020)
    outcome = await paying.pay_by_card(context, session, typed, email=None, save=False, client_ip=None)
    assert isinstance(outcome, Faulty)
    assert list(outcome.faults) == ["expiry"]


async def test_three_d_secure(context: Context, studio: Studio, purchase: Purchase) -> None:
    asked = await purchase.pay(CHALLENGED)
    assert isinstance(asked, ThreeDSecure)
    assert asked.code == CHALLENGE_CODE
    session = await purchase.open()
    outcome = await paying.confirm_three_d_secure(context, session, asked.challenge_id, asked.code)
    assert isinstance(outcome, Done)
    assert (await stored(studio, purchase.order_id)).state is OrderState.DONE
    # The form is sent again: it is done.
    again = await paying.confirm_three_d_secure(context, session, asked.challenge_id, "123456")
    assert isinstance(again, Done)


async def test_three_d_secure_with_a_wrong_code(context: Context, studio: Studio, purchase: Purchase) -> None:
    asked = await purchase.pay(CHALLENGED)
    assert isinstance(asked, ThreeDSecure)
    session = await purchase.open()
    outcome = await paying.confirm_three_d_secure(context, session, asked.challenge_id, "123456")
    assert isinstance(outcome, Declined)
    assert "wrong" in outcome.reason
    assert (await stored(studio, purchase.order_id)).state is OrderState.NEW
    assert isinstance(await purchase.pay(), Done)


async def test_a_challenge_of_another_payment_changes_nothing(context: Context, purchase: Purchase) -> None:
    session = await purchase.open()
    assert isinstance(await paying.confirm_three_d_secure(context, session, "0" * 32, CHALLENGE_CODE), Refused)
    assert isinstance(await purchase.pay(CHALLENGED), ThreeDSecure)
    session = await purchase.open()
    outcome = await paying.confirm_three_d_secure(context, session, "0" * 32, CHALLENGE_CODE)
    assert isinstance(outcome, ThreeDSecure)


async def test_a_challenge_gives_way_to_a_new_payment(context: Context, studio: Studio, purchase: Purchase) -> None:
    """The player left the step in another tab, or typed another card."""
    asked = await purchase.pay(CHALLENGED)
    assert isinstance(asked, ThreeDSecure)
    paid = await purchase.pay()
    assert isinstance(paid, Done)
    assert paid.payment.payment_id != asked.payment.payment_id
    session = await purchase.open()
    assert session.latest is not None
    assert session.latest.payment_id == paid.payment.payment_id
    late = await paying.confirm_three_d_secure(context, session, asked.challenge_id, asked.code)
    assert isinstance(late, Done)
    assert (await stored(studio, purchase.order_id)).payment_id == paid.payment.payment_id


async def test_an_order_is_paid_once(purchase: Purchase) -> None:
    first = await purchase.pay(TWICE)
    second = await purchase.pay()
    assert isinstance(first, Done)
    assert second == first


async def test_a_pending_payment_stays(purchase: Purchase) -> None:
    first = await purchase.pay(NEVER)
    second = await purchase.pay()
    assert isinstance(first, Pending)
    assert isinstance(second, Pending)
    assert second.payment.payment_id == first.payment.payment_id


@pytest.mark.parametrize("kind", [MethodKind.PAYPAL, MethodKind.GOOGLE_PAY, MethodKind.APPLE_PAY])
async def test_wallets(context: Context, purchase: Purchase, kind: MethodKind) -> None:
    outcome = await paying.pay_simply(context, await purchase.open(), kind)
    assert isinstance(outcome, Done)
    assert (outcome.payment.method, outcome.payment.card_suffix) == (kind.value, None)


async def test_a_wallet_is_no_card(context: Context, purchase: Purchase) -> None:
    assert isinstance(await paying.pay_simply(context, await purchase.open(), MethodKind.CARD), Refused)


async def test_a_card_is_saved_where_the_player_wants_it(
    client: httpx.AsyncClient, context: Context, buyer: Buyer, purchase: Purchase
) -> None:
    assert isinstance(await purchase.pay(save=True), Done)
    second = await make_payable(client, buyer)
    session = await second.open()
    [saved] = session.saved_cards
    assert (saved.brand, saved.suffix, saved.expiry_month, saved.expiry_year) == ("visa", "1111", 12, 2040)
    assert "success" not in repr(saved)
    outcome = await paying.pay_by_saved_card(context, session, saved.card_id)
    assert isinstance(outcome, Done)
    assert outcome.payment.card_suffix == "1111"
    # Saved once, however often it is used.
    third = await make_payable(client, buyer)
    assert isinstance(await third.pay(save=True), Done)
    fourth = await make_payable(client, buyer)
    assert len((await fourth.open()).saved_cards) == 1


async def test_a_card_that_was_challenged_is_saved_too(
    client: httpx.AsyncClient, context: Context, buyer: Buyer, purchase: Purchase
) -> None:
    asked = await purchase.pay(CHALLENGED, save=True)
    assert isinstance(asked, ThreeDSecure)
    session = await purchase.open()
    assert session.saved_cards == ()
    await paying.confirm_three_d_secure(context, session, asked.challenge_id, asked.code)
    assert [saved.suffix for saved in (await purchase.open()).saved_cards] == ["1152"]


async def test_a_saved_card_belongs_to_its_player(
    client: httpx.AsyncClient, context: Context, studio: Studio, purchase: Purchase
) -> None:
    await purchase.pay(save=True)
    [saved] = (await purchase.open()).saved_cards
    other = await make_payable(client, await make_buyer(studio))
    session = await other.open()
    assert session.saved_cards == ()
    assert isinstance(await paying.pay_by_saved_card(context, session, saved.card_id), Refused)


async def test_giving_up(context: Context, studio: Studio, purchase: Purchase) -> None:
    assert await paying.cancel(context, await purchase.open()) is None
    assert isinstance(await purchase.pay(CHALLENGED), ThreeDSecure)
    outcome = await paying.cancel(context, await purchase.open())
    assert isinstance(outcome, Declined)
    assert outcome.payment.state is PaymentState.CANCELED
    assert (await stored(studio, purchase.order_id)).state is OrderState.NEW
    assert isinstance(await purchase.pay(), Done)
    assert isinstance(await paying.cancel(context, await purchase.open()), Done)


async def test_refresh_tells_what_became_of_it(context: Context, purchase: Purchase) -> None:
    assert await paying.refresh(context, await purchase.open()) is None
    pending = await purchase.pay(LATE)
    assert isinstance(pending, Pending)
    assert isinstance(await paying.refresh(context, await purchase.open()), Pending)


async def test_nothing_to_pay_by(client: httpx.AsyncClient, context: Context, buyer: Buyer) -> None:
    """A project that takes real money and has no provider yet."""
    purchase = await make_payable(client, buyer, sandbox=False)
    session = await purchase.open()
    assert session.methods == ()
    assert isinstance(await purchase.pay(), Refused)
    assert isinstance(await paying.pay_simply(context, session, MethodKind.PAYPAL), Refused)
    assert isinstance(await paying.pay_by_saved_card(context, session, 1), Refused)
    begun = await paying.begin_in_browser(context, session, email=None, save=False, client_ip=None)
    assert isinstance(begun, Refused)


async def test_the_sweep_leaves_ended_payments_alone(context: Context, purchase: Purchase) -> None:
    paid = await purchase.pay()
    assert isinstance(paid, Done)
    await sweep_payments(context)
    assert await purchase.payment() == paid.payment

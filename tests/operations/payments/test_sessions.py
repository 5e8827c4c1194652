"""What a token opens: taxes, countries, return addresses, and what the game is asked on the way."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from haversack.context import Context
from haversack.errors import Refusal
from haversack.orders.records import OrderState
from haversack.payments import paying
from haversack.payments.outcomes import Done, Refused, ThreeDSecure
from haversack.payments.queries.taking import delete_tax, list_taxes
from make.orders import Buyer, sell_for_money, stored
from make.payments import CHALLENGED, DECLINED, Purchase, make_payable, set_tax, told_of
from make.projects import Studio
from make.receiver import Answer, Fault, Receiver, refusal


async def test_the_page_adds_the_tax(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    await set_tax(studio, "US", "8.88")
    purchase = await make_payable(client, buyer, amount=1.99, country="US")
    session = await purchase.open()
    assert (session.amount, session.tax, session.total) == (Decimal("1.99"), Decimal("0.18"), Decimal("2.17"))
    assert (session.tax_name, session.tax_percent) == ("sales_tax", Decimal("8.88"))
    outcome = await purchase.pay()
    assert isinstance(outcome, Done)
    payment = outcome.payment
    assert (payment.amount, payment.tax, payment.tax_percent) == (Decimal("2.17"), Decimal("0.18"), Decimal("8.88"))
    # The catalog's price is untouched.
    assert (await stored(studio, purchase.order_id)).amount == Decimal("1.99")
    [told] = await told_of(studio, "order_paid")
    billing = told["billing"]
    assert billing["payment_details"]["payment"]["amount"] == 2.17
    assert billing["payment_details"]["sales_tax"] == {"currency": "USD", "amount": 0.18, "percent": 8.88}
    assert billing["purchase"]["total"]["amount"] == 1.99


async def test_taxes_are_kept_by_country(studio: Studio) -> None:
    db = studio.context.database.session()
    await set_tax(studio, "DE", "19", "vat")
    await set_tax(studio, "FR", "20", "vat")
    await set_tax(studio, "DE", "7", "vat")
    rates = [(rate.country, rate.percent) for rate in await list_taxes(db, studio.project_id)]
    assert rates == [("DE", Decimal(7)), ("FR", Decimal(20))]
    assert await delete_tax(db, studio.project_id, "DE")
    assert not await delete_tax(db, studio.project_id, "DE")


async def admin_purchase(client: httpx.AsyncClient, studio: Studio, buyer: Buyer, **country: Any) -> Purchase:
    """A purchase whose server says where the player is."""
    sku = await sell_for_money(client, studio, 10)
    body = {
        "sandbox": True,
        "user": {"id": {"value": str(buyer.player_id)}, "country": country},
        "purchase": {"items": [{"sku": sku, "quantity": 1}]},
    }
    path = f"/api/v3/project/{studio.project_id}/admin/payment/token"
    reply = await client.post(path, json=body, auth=studio.basic)
    assert reply.status_code == 201, reply.text
    return Purchase(studio, buyer, sku, **reply.json())


async def test_a_player_changes_the_country_where_allowed(
    client: httpx.AsyncClient, context: Context, studio: Studio, buyer: Buyer
) -> None:
    await set_tax(studio, "DE", "19", "vat")
    await set_tax(studio, "FR", "20", "vat")
    purchase = await admin_purchase(client, studio, buyer, value="DE", allow_modify=True)
    session = await purchase.open()
    assert (session.total, session.tax_name) == (Decimal("11.90"), "vat")
    changed = await paying.change_country(context, session, "FR")
    assert (changed.country, changed.total, changed.may_change_country) == ("FR", Decimal("12.00"), True)
    assert (await purchase.open()).total == Decimal("12.00")
    outcome = await purchase.pay()
    assert isinstance(outcome, Done)
    assert (outcome.payment.country, outcome.payment.amount) == ("FR", Decimal("12.00"))


async def test_a_player_keeps_the_country_elsewhere(
    client: httpx.AsyncClient, context: Context, studio: Studio, buyer: Buyer
) -> None:
    purchase = await admin_purchase(client, studio, buyer, value="DE")
    session = await purchase.open()
    assert not session.may_change_country
    assert await paying.change_country(context, session, "FR") == session
    assert (await purchase.open()).country == "DE"


async def test_the_way_back(client: httpx.AsyncClient, context: Context, studio: Studio, buyer: Buyer) -> None:
    settings = {"return_url": "https://example.com/back?shop=1", "external_id": "invoice 7"}
    purchase = await make_payable(client, buyer, settings=settings)
    session = await purchase.open()
    user = f"user_id={buyer.player_id}"
    assert paying.return_url(session, None) == f"https://example.com/back?shop=1&{user}"
    declined = await purchase.pay(DECLINED)
    assert not isinstance(declined, Done)
    failed = await purchase.payment()
    assert str(paying.return_url(session, failed)).endswith(f"invoice_id={failed.payment_id}&status=troubled")
    done = await purchase.pay()
    assert isinstance(done, Done)
    number = done.payment.payment_id
    assert paying.return_url(session, done.payment) == (
        f"https://example.com/back?shop=1&{user}&foreigninvoice=invoice%207&invoice_id={number}&status=done"
    )


async def test_there_may_be_no_way_back(client: httpx.AsyncClient, buyer: Buyer) -> None:
    purchase = await make_payable(client, buyer)
    assert paying.return_url(await purchase.open(), None) is None


async def test_an_unknown_token_opens_nothing(context: Context) -> None:
    with pytest.raises(Refusal) as caught:
        await paying.open_session(context, "x" * 32)
    assert caught.value.kind.status == 404


async def test_the_game_is_asked_when_pay_is_pressed(
    client: httpx.AsyncClient, context: Context, studio: Studio, buyer: Buyer, game: Receiver
) -> None:
    purchase = await make_payable(client, buyer, country="US")
    session = await purchase.open()
    # The page asks at the moments before.
    assert await paying.check_player(context, session, client_ip="203.0.113.7") is None
    assert isinstance(await purchase.pay(email="hero@example.com"), Done)
    asked = [each.json for each in game.received]
    assert [each["notification_type"] for each in asked] == ["user_validation", "user_validation"]
    assert asked[1]["user"] == {
        "ip": "203.0.113.7",
        "email": "hero@example.com",
        "id": str(buyer.player_id),
        "country": "US",
    }


async def test_a_game_that_does_not_know_the_player(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, game: Receiver
) -> None:
    purchase = await make_payable(client, buyer)
    game.answer_next(refusal("INVALID_USER", "Hero is banned."))
    outcome = await purchase.pay()
    assert isinstance(outcome, Refused)
    assert "Hero is banned." in outcome.reason
    assert (await purchase.open()).latest is None
    assert (await stored(studio, purchase.order_id)).state is OrderState.NEW
    assert isinstance(await purchase.pay(), Done)


@pytest.mark.parametrize("answer", [Answer(500), Answer(fault=Fault.DROP), Answer(fault=Fault.HANG)])
async def test_a_game_that_is_away_stops_the_payment(
    client: httpx.AsyncClient, buyer: Buyer, game: Receiver, answer: Answer
) -> None:
    purchase = await make_payable(client, buyer)
    game.answer_next(answer)
    assert isinstance(await purchase.pay(), Refused)
    # Never asked again by itself.
    assert len(game.received) == 1
    assert (await purchase.open()).latest is None


async def test_the_game_is_asked_before_a_wallet_and_a_saved_card_too(
    client: httpx.AsyncClient, context: Context, buyer: Buyer, game: Receiver
) -> None:
    purchase = await make_payable(client, buyer)
    asked = await purchase.pay(CHALLENGED, save=True)
    assert isinstance(asked, ThreeDSecure)
    await paying.confirm_three_d_secure(context, await purchase.open(), asked.challenge_id, asked.code)
    second = await make_payable(client, buyer)
    session = await second.open()
    game.answer_always(refusal("INVALID_USER"))
    assert isinstance(await paying.pay_by_saved_card(context, session, session.saved_cards[0].card_id), Refused)
    assert isinstance(await paying.pay_simply(context, session, paying.MethodKind.PAYPAL), Refused)

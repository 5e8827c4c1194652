"""Orders for money that players make, and purchases without an order."""

import base64
import string
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from haversack.app import build_application
from haversack.context import Context
from haversack.orders.records import OrderState
from haversack.payments import paying
from haversack.payments.holders import token_hash
from haversack.payments.outcomes import Done
from haversack.payments.tokens import find_token, forget_expired_tokens
from haversack.settings import Mode
from make import catalog
from make.client_catalog import sell
from make.orders import Buyer, fill, owned_of, sell_for, sell_for_money, sell_free, stock_of, stored
from make.payments import Purchase, make_payable, move_clock, order_item, pay_by, payment_path, told_of
from make.projects import Studio, make_project_beside


def refusal(reply: httpx.Response) -> tuple[int, int]:
    """Status and code of a refusal."""
    assert reply.json()["statusCode"] == reply.status_code
    return reply.status_code, reply.json()["errorCode"]


async def test_create_order_with_item(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, 9.99)
    reply = await order_item(client, buyer, sku, quantity=2, custom_parameters={"slot": 3, "is_gift": False})
    assert reply.status_code == 200, reply.text
    given = reply.json()
    assert set(given) == {"order_id", "token"}
    assert len(given["token"]) == 32
    assert set(given["token"]) <= set(string.ascii_letters + string.digits)
    order = await stored(studio, given["order_id"])
    assert (order.state, order.amount, order.currency) == (OrderState.NEW, Decimal("19.98"), "USD")
    assert order.is_sandbox
    assert order.custom_parameters == {"slot": 3, "is_gift": False}
    assert await owned_of(buyer, sku) == 0


async def test_create_order_with_item_without_a_body(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio)
    reply = await client.post(payment_path(studio, f"/item/{sku}"), headers=buyer.headers)
    assert reply.status_code == 200
    assert not (await stored(studio, reply.json()["order_id"])).is_sandbox


@pytest.mark.parametrize("by", ["item", "cart"])
async def test_a_repeat_with_its_key_orders_nothing_more(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, by: str
) -> None:
    sku = await sell_for_money(client, studio, limits={"per_item": 5})
    await fill(client, buyer, sku)
    path = payment_path(studio, f"/item/{sku}" if by == "item" else "/cart")
    headers = {**buyer.headers, "Idempotency-Key": uuid4().hex}
    first, again = [await client.post(path, json={"sandbox": True}, headers=headers) for _ in range(2)]
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    assert (await stock_of(studio, sku)).reserved == 1
    assert isinstance(await Purchase(studio, buyer, sku, **again.json()).pay(), Done)


async def test_create_order(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    first, second = await sell_for_money(client, studio, 1.10), await sell_for_money(client, studio, 2.20)
    await fill(client, buyer, first, second)
    reply = await client.post(payment_path(studio, "/cart"), json={"sandbox": True}, headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    purchase = Purchase(studio, buyer, first, **reply.json())
    assert (await stored(studio, purchase.order_id)).amount == Decimal("3.30")
    assert isinstance(await purchase.pay(), Done)
    assert (await owned_of(buyer, first), await owned_of(buyer, second)) == (1, 1)


async def test_create_order_by_cart_id(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio)
    await fill(client, buyer, sku, cart_id="mine")
    path = payment_path(studio, "/cart/mine")
    reply = await client.post(path, json={"sandbox": True, "settings": []}, headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    assert (await stored(studio, reply.json()["order_id"])).cart_id == "mine"


async def test_a_guest_orders_a_cart(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    email = base64.b64encode(b"guest@example.com").decode()
    headers = {"x-unauthorized-id": uuid4().hex, "x-user": email}
    path = f"/api/v2/project/{studio.project_id}/cart/fill"
    filled = await client.put(path, json={"items": [{"sku": sku, "quantity": 1}]}, headers=headers)
    assert filled.status_code == 200, filled.text
    reply = await client.post(payment_path(studio, "/cart"), json={"sandbox": True}, headers=headers)
    assert reply.status_code == 200, reply.text
    session = await paying.open_session(studio.context, reply.json()["token"])
    assert session.email == "guest@example.com"
    assert session.token.external_id == headers["x-unauthorized-id"]
    assert isinstance(await pay_by(studio.context, session), Done)


def _nested(levels: int, inner: str = "1") -> bytes:
    """The body of an order, with custom parameters of so many levels."""
    return f'{{"sandbox": true, "custom_parameters": {{"a": {"[" * levels}{inner}{"]" * levels}}}}}'.encode()


async def test_an_order_keeps_parameters_of_many_levels(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku = await sell_for_money(client, studio)
    headers = {**buyer.headers, "Content-Type": "application/json"}
    reply = await client.post(payment_path(studio, f"/item/{sku}"), content=_nested(62), headers=headers)
    assert reply.status_code == 200, reply.text
    assert isinstance(await Purchase(studio, buyer, sku, **reply.json()).pay(), Done)
    kept = (await stored(studio, reply.json()["order_id"])).custom_parameters
    assert kept is not None
    assert str(kept["a"]) == "[" * 62 + "1" + "]" * 62


@pytest.mark.parametrize("levels", [63, 251, 300, 1_000])
@pytest.mark.parametrize("inner", ["1", '"\\u0000"'])
async def test_an_order_that_could_not_be_told_is_refused(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, levels: int, inner: str
) -> None:
    sku = await sell_for_money(client, studio)
    headers = {**buyer.headers, "Content-Type": "application/json"}
    for method, path in (
        ("POST", payment_path(studio, f"/item/{sku}")),
        ("PUT", f"/api/v2/project/{studio.project_id}/cart/fill"),
    ):
        reply = await client.request(method, path, content=_nested(levels, inner), headers=headers)
        assert refusal(reply) == (422, 1102)
        assert "nested deeper than 64 levels" in reply.json()["errorMessage"]


async def test_a_token_signs_its_player_in(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    purchase = await make_payable(client, buyer)
    path = f"/api/v2/project/{studio.project_id}/cart"
    headers = {"Authorization": f"Bearer {purchase.token}"}
    assert (await client.get(path, headers=headers)).status_code == 200
    await move_clock(studio, timedelta(hours=25))
    assert (await client.get(path, headers=headers)).status_code == 401


async def test_only_the_hash_of_a_token_is_kept(client: httpx.AsyncClient, context: Context, buyer: Buyer) -> None:
    purchase = await make_payable(client, buyer)
    found = await find_token(context.database.session(), purchase.token)
    assert found is not None
    assert found.token_hash == token_hash(purchase.token)
    assert purchase.token not in repr(found)
    assert await find_token(context.database.session(), "x" * 32) is None
    assert await find_token(context.database.session(), "not a token") is None


async def test_tokens_are_forgotten_long_after_their_end(
    client: httpx.AsyncClient, context: Context, studio: Studio, buyer: Buyer
) -> None:
    purchase = await make_payable(client, buyer)
    await move_clock(studio, timedelta(days=170))
    await forget_expired_tokens(context)
    assert await find_token(context.database.session(), purchase.token) is not None
    await move_clock(studio, timedelta(days=20))
    await forget_expired_tokens(context)
    assert await find_token(context.database.session(), purchase.token) is None


# What SDKs send beside what is documented.
SDK_BODY: dict[str, Any] = {
    "sandbox": True,
    "currency": "USD",
    "locale": "en_US",
    "country": "us",
    "price": 0,
    "amount": "0.01",
    "is_free": True,
    "status": "done",
    "user": {"id": {"value": "somebody-else"}, "country": "US", "tracking_id": {"value": "x"}},
    "user_id": "somebody-else",
    "shipping_data": {"name": "x"},
    "shipping_method": {"code": "x"},
    "customParameters": {"a": 1},
    "settings": {
        "ui": {
            "theme": "dark",
            "size": "large",
            "version": "desktop",
            "license_url": "https://example.com/licence",
            "gp_quick_payment_button": True,
            "desktop": {"header": {"is_visible": True, "close_button_icon": "cross"}},
            "mobile": {"mode": "saved_accounts", "footer": {"is_visible": False}, "header": {"close_button": True}},
        },
        "return_url": "app://xpayment.com.example.game",
        "redirect_policy": {"redirect_conditions": "any", "return_url": "https://example.com/back", "delay": 3},
        "external_id": "invoice-7",
        "sdk": {"platform": "android", "browser_type": "custom_tabs", "external_transaction_token": "t"},
    },
}


async def test_what_clients_send_beside_it_is_ignored(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    """A client sets no price, no player and no state; what SDKs send for other servers is passed over."""
    sku = await sell_for_money(client, studio, 9.99)
    reply = await client.post(payment_path(studio, f"/item/{sku}"), json=SDK_BODY, headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    order = await stored(studio, reply.json()["order_id"])
    assert (order.state, order.amount, order.player_id) == (OrderState.NEW, Decimal("9.99"), buyer.player_id)
    session = await paying.open_session(studio.context, reply.json()["token"])
    assert session.country == "US"
    assert session.token.settings == {
        "language": "en",
        "ui": {
            "theme": "dark",
            "desktop": {"header": {"is_visible": True}},
            "mobile": {"header": {"close_button": True}},
        },
        "return_url": "app://xpayment.com.example.game",
        "redirect_policy": {"redirect_conditions": "any", "return_url": "https://example.com/back", "delay": 3},
        "external_id": "invoice-7",
    }


@pytest.mark.parametrize(
    ("body", "country"),
    [
        ({"user": {"country": "de"}}, "DE"),
        ({"user": {"country": "DE"}, "country": "FR"}, "FR"),
        ({"user": {"country": "DE"}, "country": ""}, "DE"),
        ({"user": {"country": {"value": "DE"}}}, None),
        ({"user": {"country": "Germany"}}, None),
        ({"user": "hero"}, None),
    ],
)
async def test_a_country_may_stand_with_the_user(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, body: dict[str, Any], country: str | None
) -> None:
    """One SDK has no other place for it; what is no country there is passed over like all that clients add."""
    reply = await order_item(client, buyer, await sell_for_money(client, studio), **body)
    assert reply.status_code == 200, reply.text
    assert (await stored(studio, reply.json()["order_id"])).country == country
    free = await sell_free(client, studio)
    given = await client.post(f"/api/v2/project/{studio.project_id}/free/item/{free}", json=body, headers=buyer.headers)
    assert (await stored(studio, given.json()["order_id"])).country == country


async def test_empty_texts_of_settings_say_nothing(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    """SDKs send the fields of their set-up as they are, also those that nobody has filled in."""
    sku = await sell_for_money(client, studio)
    policy = {"return_url": "", "redirect_conditions": "", "delay": 0, "redirect_button_caption": ""}
    settings = {"return_url": "", "external_id": "", "ui": {"theme": "", "layout": ""}, "redirect_policy": policy}
    reply = await order_item(client, buyer, sku, settings=settings)
    assert reply.status_code == 200, reply.text
    session = await paying.open_session(studio.context, reply.json()["token"])
    assert session.token.settings == {"language": "en", "ui": {}, "redirect_policy": {"delay": 0}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"quantity": 0}, "quantity"),
        ({"quantity": 1_000_001}, "quantity"),
        ({"quantity": 1.5}, "quantity"),
        ({"currency": "GLD"}, "currency"),
        ({"custom_parameters": {str(number): 1 for number in range(201)}}, "custom_parameters"),
        ({"custom_parameters": {"": 1}}, "custom_parameters"),
        ({"custom_parameters": [1]}, "custom_parameters"),
        ({"settings": {"return_url": "no uri"}}, "settings.return_url"),
        ({"settings": {"return_url": "https://example.com/" + "x" * 1000}}, "settings.return_url"),
        ({"settings": {"payment_method": 0}}, "settings.payment_method"),
        ({"settings": {"redirect_policy": {"delay": "soon"}}}, "settings.redirect_policy.delay"),
        ({"settings": {"ui": {"layout": "round"}}}, "settings.ui.layout"),
    ],
)
async def test_faulty_bodies(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, body: dict[str, Any], field: str
) -> None:
    sku = await sell_for_money(client, studio)
    reply = await order_item(client, buyer, sku, **body)
    assert refusal(reply) == (422, 1102)
    assert field in {fault["property"] for fault in reply.json()["errorMessageExtended"]}


async def test_items_that_cannot_be_bought_for_money(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    free = await sell_free(client, studio)
    virtual, _ = await sell_for(client, studio)
    dear = await sell_for_money(client, studio)
    assert refusal(await order_item(client, buyer, "nothing")) == (404, 4001)
    assert refusal(await order_item(client, buyer, free)) == (422, 1456)
    assert refusal(await order_item(client, buyer, virtual)) == (422, 4054)
    assert refusal(await order_item(client, buyer, dear, currency="EUR")) == (422, 4054)
    await fill(client, buyer, free, dear)
    reply = await client.post(payment_path(studio, "/cart"), json={}, headers=buyer.headers)
    assert refusal(reply) == (422, 1421)


async def test_carts_that_cannot_be_bought(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    empty = await client.post(payment_path(studio, "/cart"), json={}, headers=buyer.headers)
    assert refusal(empty) == (422, 1417)
    unknown = await client.post(payment_path(studio, "/cart/nowhere"), json={}, headers=buyer.headers)
    assert refusal(unknown) == (422, 1401)
    impossible = await client.post(payment_path(studio, f"/cart/{'x' * 300}"), json={}, headers=buyer.headers)
    assert refusal(impossible) == (422, 1401)


async def test_nobody_hoards_limited_items(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell(client, studio, catalog.virtual_item(limits={"per_item": 100}))
    for _ in range(20):
        assert (await order_item(client, buyer, sku)).status_code == 200
    assert refusal(await order_item(client, buyer, sku)) == (422, 1000)


async def test_a_player_chooses_no_sandbox_in_production(
    client: httpx.AsyncClient, context: Context, studio: Studio, buyer: Buyer
) -> None:
    """Whoever could would pay with test cards."""
    sku = await sell_for_money(client, studio)
    production = replace(context, settings=context.settings.model_copy(update={"mode": Mode.PRODUCTION}))
    transport = httpx.ASGITransport(app=build_application(production))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as outside:
        refused = await order_item(outside, buyer, sku)
        taken = await order_item(outside, buyer, sku, sandbox=False)
        path = payment_path(studio, "")
        body = {"sandbox": True, "purchase": {"checkout": {"amount": 1, "currency": "USD"}}}
        simple = await outside.post(path, json=body, headers=buyer.headers)
        inside = {**body, "sandbox": False, "settings": {"sandbox": True}}
        in_settings = await outside.post(path, json=inside, headers=buyer.headers)
    assert refusal(refused) == (422, 1102)
    assert "server may make sandbox orders" in refused.json()["errorMessage"]
    assert taken.status_code == 200
    assert not (await stored(studio, taken.json()["order_id"])).is_sandbox
    assert refusal(simple) == (422, 1102)
    assert refusal(in_settings) == (422, 1102)


async def test_create_simple_payment(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    body = {
        "sandbox": True,
        "purchase": {
            "checkout": {"amount": 9.99, "currency": "USD"},
            "items": [],
            "description": {"value": "A lamp"},
        },
        "settings": {"external_id": "invoice-9"},
        "custom_parameters": {"lamp": 1},
    }
    reply = await client.post(payment_path(studio, ""), json=body, headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    assert set(reply.json()) == {"token"}
    session = await paying.open_session(studio.context, reply.json()["token"])
    assert session.order is None
    assert (session.amount, session.currency, session.description) == (Decimal("9.99"), "USD", "A lamp")
    outcome = await pay_by(studio.context, session)
    assert isinstance(outcome, Done)
    assert outcome.payment.order_id is None
    assert isinstance(await pay_by(studio.context, session), Done)
    [told] = await told_of(studio, "payment")
    assert told["notification_type"] == "payment"
    assert told["transaction"]["id"] == outcome.payment.payment_id
    assert told["transaction"]["dry_run"] == 1
    assert told["purchase"]["checkout"] == {"currency": "USD", "amount": 9.99}
    assert told["custom_parameters"] == {"lamp": 1}


async def test_settings_of_a_sum_hold_its_language_and_the_sandbox(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    """Two SDKs say both in `settings`, and not at the top of the body as for orders."""
    body = {
        "purchase": {"checkout": {"amount": 9.99, "currency": "USD"}},
        "settings": {"sandbox": True, "locale": "de", "currency": "USD", "payment_method": "1380", "uiSettings": {}},
    }
    reply = await client.post(payment_path(studio, ""), json=body, headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    session = await paying.open_session(studio.context, reply.json()["token"])
    assert session.is_sandbox
    assert session.token.settings == {"locale": "de", "currency": "USD", "payment_method": 1380}
    page = await client.get("/paystation4/", params={"token": reply.json()["token"]})
    assert '<html lang="de"' in page.text


@pytest.mark.parametrize(
    ("checkout", "field"),
    [
        ({"amount": 0, "currency": "USD"}, "purchase.checkout.amount"),
        ({"amount": -1, "currency": "USD"}, "purchase.checkout.amount"),
        ({"amount": "nothing", "currency": "USD"}, "purchase.checkout.amount"),
        ({"amount": 1, "currency": "GLD"}, "purchase.checkout.currency"),
        ({"amount": 1.005, "currency": "USD"}, "purchase"),
        ({"amount": 0.5, "currency": "JPY"}, "purchase"),
        (None, "purchase.checkout"),
    ],
)
async def test_faulty_sums(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, checkout: dict[str, Any] | None, field: str
) -> None:
    body = {"purchase": {"checkout": checkout}}
    reply = await client.post(payment_path(studio, ""), json=body, headers=buyer.headers)
    assert refusal(reply) == (422, 1102)
    assert field in {fault["property"] for fault in reply.json()["errorMessageExtended"]}


async def test_a_token_opens_its_own_project_alone(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    purchase = await make_payable(client, buyer)
    beside = await make_project_beside(studio)
    path = f"/api/v2/project/{beside.project_id}/cart"
    reply = await client.get(path, headers={"Authorization": f"Bearer {purchase.token}"})
    assert reply.status_code == 401

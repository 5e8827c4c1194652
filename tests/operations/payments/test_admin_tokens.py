"""Tokens that a studio's back end makes: with an order by the store API, without one by the merchant API."""

from decimal import Decimal
from typing import Any

import httpx

from haversack.login.rules import outside_player_id
from haversack.payments import paying
from haversack.payments.outcomes import Done
from haversack.projects.records import OrderDestination
from make.orders import Buyer, sell_for_money, stored
from make.payment_page import card_form
from make.payments import order_item, pay_by, told_of
from make.projects import Studio, make_project_beside
from make.receiver import Receiver


def admin_body(*skus: str, **changes: Any) -> dict[str, Any]:
    """The body of an admin token."""
    body: dict[str, Any] = {
        "sandbox": True,
        "user": {"id": {"value": "hero-7"}, "country": {"value": "DE", "allow_modify": True}},
        "purchase": {"items": [{"sku": sku, "quantity": 1} for sku in skus]},
    }
    return {**body, **changes}


async def post_admin(client: httpx.AsyncClient, studio: Studio, body: Any, **headers: str) -> httpx.Response:
    path = f"/api/v3/project/{studio.project_id}/admin/payment/token"
    return await client.post(path, json=body, auth=studio.basic, headers=headers)


async def test_admin_create_payment_token(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio, 5)
    body = admin_body(
        sku,
        user={
            "id": {"value": "hero-7"},
            "name": {"value": "Hero"},
            "email": {"value": "hero@example.com"},
            "country": {"value": "DE", "allow_modify": True},
            "age": 30,
            "phone": {"value": "+49301234"},
            "tracking_id": {"value": "a" * 32},
            "steam_id": {"value": "7" * 17},
            "is_legal": True,
            "legal": {"name": "A", "address": "B", "vat_id": "C", "country": "DE"},
        },
        settings={"currency": "USD", "language": "de", "external_id": "invoice-1", "return_url": "https://example.com"},
        custom_parameters={"level": 3, "tags": ["a"], "more": {"b": 1}},
    )
    reply = await post_admin(client, studio, body)
    assert reply.status_code == 201, reply.text
    order = await stored(studio, reply.json()["order_id"])
    assert (order.external_id, order.email, order.country, order.locale) == ("hero-7", "hero@example.com", "DE", "de")
    assert order.player_id == outside_player_id(studio.login_project_id, "hero-7")
    session = await paying.open_session(studio.context, reply.json()["token"])
    assert (session.total, session.country, session.may_change_country) == (Decimal(5), "DE", True)
    assert session.email == "hero@example.com"
    assert isinstance(await pay_by(studio.context, session), Done)


async def test_the_game_is_asked_with_what_is_known(client: httpx.AsyncClient, studio: Studio, game: Receiver) -> None:
    """A game that knows one player by several characters tells them apart by its own parameters."""
    user = {
        "id": {"value": "hero-7"},
        "name": {"value": "Hero"},
        "phone": {"value": "+49301234"},
        "country": {"value": "US"},
    }
    body = admin_body(await sell_for_money(client, studio), user=user, custom_parameters={"character": "mage"})
    token = (await post_admin(client, studio, body)).json()["token"]
    assert (await client.post("/paystation4/check", data={"token": token})).status_code < 400
    assert (await client.post("/paystation4/pay", data=card_form(token, zip="10001"))).status_code == 303
    chosen, pressed = [each.json for each in game.received if each.json["notification_type"] == "user_validation"]
    known = {"id": "hero-7", "name": "Hero", "phone": "+49301234", "country": "US"}
    assert chosen["user"].items() >= known.items()
    assert pressed["user"].items() >= {**known, "zip": "10001"}.items()
    assert chosen["custom_parameters"] == pressed["custom_parameters"] == {"character": "mage"}


async def test_the_country_or_an_address_is_needed(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    body = admin_body(sku, user={"id": {"value": "hero-7"}})
    refused = await post_admin(client, studio, body)
    assert refused.status_code == 422
    assert refused.json()["errorCode"] == 1102
    sentence = "The parameter user.country.value or the header X-User-Ip must be specified"
    assert refused.json()["errorMessage"] == f"[0401-1102]: {sentence}"
    taken = await post_admin(client, studio, body, **{"X-User-Ip": "203.0.113.7"})
    assert taken.status_code == 201
    assert (await stored(studio, taken.json()["order_id"])).country is None
    session = await paying.open_session(studio.context, taken.json()["token"])
    # Nobody knows where the player is: the player says so on the page.
    assert session.may_change_country
    located = await post_admin(client, studio, body, **{"X-User-Ip": "203.0.113.7", "X-User-Country": "fr"})
    assert (await stored(studio, located.json()["order_id"])).country == "FR"


async def test_every_fault_of_an_admin_token_is_named(client: httpx.AsyncClient, studio: Studio) -> None:
    body = admin_body(
        "a",
        user={
            "id": {"value": ""},
            "email": {"value": "no address"},
            "country": {"value": "DEU"},
            "tracking_id": {"value": "short"},
            "nickname": "x",
        },
        purchase={"items": [{"sku": "a", "quantity": 0, "price": 1}], "checkout": {}},
        settings={"return_url": "x", "ui": {"size": "large"}, "mode": "sandbox"},
        price=1,
    )
    reply = await post_admin(client, studio, body)
    assert reply.status_code == 422
    assert {fault["property"] for fault in reply.json()["errorMessageExtended"]} == {
        "user.id.value",
        "user.email.value",
        "user.country.value",
        "user.tracking_id.value",
        "user.nickname",
        "purchase.items.0.quantity",
        "purchase.items.0.price",
        "purchase.checkout",
        "settings.return_url",
        "settings.ui.size",
        "settings.mode",
        "price",
    }
    empty = await post_admin(client, studio, {})
    assert {fault["property"] for fault in empty.json()["errorMessageExtended"]} == {"user", "purchase"}


async def test_a_server_sends_an_order_into_the_backpack(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    """A player's game cannot: who is given goods by the game's server would have them twice."""
    sku = await sell_for_money(client, studio)
    hero = outside_player_id(studio.login_project_id, "hero-7")
    for destination, held in (("inventory", []), ("backpack", [sku])):
        reply = await post_admin(client, studio, admin_body(sku, destination=destination))
        assert reply.status_code == 201, reply.text
        await pay_by(studio.context, await paying.open_session(studio.context, reply.json()["token"]))
        found = await client.get("/web/backpack/items", headers=await studio.player_headers(hero))
        assert [each["item_sku"] for each in found.json()] == held
    elsewhere = await post_admin(client, studio, admin_body(sku, destination="somewhere"))
    assert (elsewhere.status_code, elsewhere.json()["errorCode"]) == (422, 1102)
    own = await order_item(client, buyer, sku, destination="backpack")
    assert (await stored(studio, own.json()["order_id"])).destination is OrderDestination.INVENTORY


async def test_an_admin_token_for_what_does_not_exist(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await post_admin(client, studio, admin_body("nothing"))
    assert (reply.status_code, reply.json()["errorCode"]) == (404, 4001)


def merchant_body(studio: Studio, **changes: Any) -> dict[str, Any]:
    """The body of a token of the merchant API."""
    body: dict[str, Any] = {
        "user": {
            "id": {"value": "hero-7", "hidden": True},
            "name": {"value": "Hero"},
            "email": {"value": "hero@example.com"},
            "country": {"value": "US", "allow_modify": True},
            "attributes": {"level": 3},
        },
        "settings": {
            "project_id": studio.project_id,
            "currency": "USD",
            "language": "en",
            "external_id": "invoice-1",
            "mode": "sandbox",
            "return_url": "https://example.com/back",
            "ui": {"size": "large", "theme": "dark"},
        },
        "purchase": {
            "checkout": {"amount": 12.34, "currency": "USD"},
            "description": {"value": "Gold"},
            "virtual_items": {"items": []},
        },
        "custom_parameters": {"gold": 100},
    }
    return {**body, **changes}


async def post_merchant(
    client: httpx.AsyncClient, studio: Studio, body: Any, auth: httpx.BasicAuth | None = None
) -> httpx.Response:
    path = f"/merchant/v2/merchants/{studio.merchant_id}/token"
    return await client.post(path, json=body, auth=auth or studio.basic)


async def test_create_payment_token(client: httpx.AsyncClient, studio: Studio) -> None:
    by_project = await post_merchant(client, studio, merchant_body(studio))
    assert by_project.status_code == 200, by_project.text
    assert set(by_project.json()) == {"token"}
    session = await paying.open_session(studio.context, by_project.json()["token"])
    assert (session.order, session.total, session.currency) == (None, Decimal("12.34"), "USD")
    assert (session.is_sandbox, session.country, session.may_change_country) == (True, "US", True)
    assert session.token.external_id == "hero-7"
    assert session.token.settings["ui"] == {"theme": "dark"}
    outcome = await pay_by(studio.context, session)
    assert isinstance(outcome, Done)
    [told] = await told_of(studio, "payment")
    assert told["user"]["id"] == "hero-7"
    assert told["custom_parameters"] == {"gold": 100}
    assert "order" not in told["purchase"]
    assert told["transaction"]["external_id"] == "invoice-1"
    assert paying.return_url(session, outcome.payment) == (
        f"https://example.com/back?user_id=hero-7&foreigninvoice=invoice-1"
        f"&invoice_id={outcome.payment.payment_id}&status=done"
    )

    merchant = httpx.BasicAuth(str(studio.merchant_id), studio.merchant_key)
    by_merchant = await post_merchant(client, studio, merchant_body(studio), merchant)
    assert by_merchant.status_code == 200


async def test_a_key_makes_tokens_for_its_own_projects(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    beside = await make_project_beside(studio)
    merchant = httpx.BasicAuth(str(studio.merchant_id), studio.merchant_key)
    assert (await post_merchant(client, studio, merchant_body(beside), merchant)).status_code == 200
    for body, auth in (
        (merchant_body(beside), None),
        (merchant_body(other_studio), None),
        (merchant_body(other_studio), merchant),
    ):
        refused = await post_merchant(client, studio, body, auth)
        assert refused.status_code == 422
        assert refused.json()["http_status_code"] == 422
        assert "opens no project" in refused.json()["message"]
    foreign = await post_merchant(client, studio, merchant_body(studio), other_studio.basic)
    with_a_projects_key = httpx.BasicAuth(str(studio.merchant_id), studio.api_key)
    assert (await post_merchant(client, studio, merchant_body(studio), with_a_projects_key)).status_code == 200
    assert (await post_merchant(client, studio, merchant_body(beside), with_a_projects_key)).status_code == 422
    swapped = await post_merchant(
        client, studio, merchant_body(studio), httpx.BasicAuth(str(beside.project_id), studio.api_key)
    )
    nobody = await client.post(f"/merchant/v2/merchants/{studio.merchant_id}/token", json=merchant_body(studio))
    for refused in (foreign, swapped, nobody):
        assert refused.status_code == 401
        assert set(refused.json()) == {"http_status_code", "message", "extended_message", "request_id"}


async def test_faults_of_a_merchant_token(client: httpx.AsyncClient, studio: Studio) -> None:
    body = merchant_body(studio, settings={"return_url": "x"}, purchase={"virtual_currency": {"quantity": 1}})
    reply = await post_merchant(client, studio, body)
    assert reply.status_code == 422
    assert set(reply.json()["extended_message"]["property_errors"]) == {
        "settings.project_id",
        "settings.return_url",
        "purchase.checkout",
    }


async def test_a_token_with_more_attributes_than_anybody_has(client: httpx.AsyncClient, studio: Studio) -> None:
    """They are not looked at one by one: that would keep all others waiting."""
    user = {"id": {"value": "hero-7"}, "attributes": {str(number): [] for number in range(101)}}
    reply = await post_merchant(client, studio, merchant_body(studio, user=user))
    assert reply.status_code == 422
    assert list(reply.json()["extended_message"]["property_errors"]) == ["user.attributes"]

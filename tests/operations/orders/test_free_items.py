"""Orders of what costs nothing: items by SKU, carts of players and of guests. Done in the call."""

from base64 import b64encode
from uuid import uuid4

import httpx
import pytest

from haversack.orders.codes import list_codes
from haversack.orders.records import CurrencyType, OrderState
from make import catalog, keys
from make.client_catalog import sell
from make.orders import (
    Buyer,
    balance_of,
    fill,
    make_buyer,
    owned_of,
    read_order,
    sell_for_money,
    sell_free,
    stock_of,
    stored,
    take_free,
)
from make.projects import Studio
from make.taxonomy import faulty_fields, refusal


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    """A player."""
    return await make_buyer(studio)


def free_cart(studio: Studio, cart_id: str | None = None) -> str:
    """Where a cart of free items is ordered."""
    return f"/api/v2/project/{studio.project_id}/free/cart{'' if cart_id is None else '/' + cart_id}"


async def test_create_free_order_with_item(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_free(client, studio)
    reply = await take_free(client, buyer, sku, quantity=3, locale="de", custom_parameters={"from": "shop"})
    assert reply.status_code == 200, reply.text
    order = await stored(studio, reply.json()["order_id"])
    assert (order.state, order.currency_type, order.currency, order.amount) == (
        OrderState.DONE,
        CurrencyType.FREE,
        None,
        None,
    )
    assert (order.locale, order.custom_parameters) == ("de", {"from": "shop"})
    assert await owned_of(buyer, sku) == 3
    assert await read_order(client, buyer, order.order_id) == {
        "order_id": order.order_id,
        "status": "done",
        "content": {
            "price": None,
            "is_free": True,
            "items": [{"sku": sku, "quantity": 3, "is_free": True, "price": None}],
        },
    }


async def test_what_a_free_order_is_not_for(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio)
    assert refusal(await take_free(client, buyer, sku)) == (422, 1421)
    assert refusal(await take_free(client, buyer, "nothing")) == (404, 4001)
    free = await sell_free(client, studio)
    assert refusal(await take_free(client, buyer, free, quantity=0)) == (422, 1102)
    assert refusal(await take_free(client, buyer, free, currency="XXL")) == (422, 1102)
    assert refusal(await take_free(client, buyer, free, settings=[])) == (422, 1102)


async def test_games_cannot_be_ordered_themselves(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    await keys.make_game(studio, "opera")
    assert refusal(await take_free(client, buyer, "opera")) == (422, 1421)


async def test_limits_of_free_items(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    limited = await sell_free(client, studio, limits={"per_user": 1, "per_item": 3})
    assert refusal(await take_free(client, buyer, limited, quantity=2)) == (422, 1460)
    assert (await take_free(client, buyer, limited)).status_code == 200
    assert refusal(await take_free(client, buyer, limited)) == (422, 1460)
    others = [await make_buyer(studio) for _ in range(3)]
    statuses = [(await take_free(client, other, limited)).status_code for other in others]
    assert statuses == [200, 200, 422]
    assert (await stock_of(studio, limited)).sold == 3


async def test_create_free_order(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    first, second = await sell_free(client, studio), await sell_free(client, studio)
    await fill(client, buyer, first, second)
    reply = await client.post(free_cart(studio), json={"sandbox": True}, headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    order = await stored(studio, reply.json()["order_id"])
    assert {line.sku for line in order.lines} == {first, second}
    assert order.is_sandbox and order.cart_id is not None
    assert [await owned_of(buyer, sku) for sku in (first, second)] == [1, 1]
    # What was bought is not in the cart any more.
    again = await client.post(free_cart(studio), json={}, headers=buyer.headers)
    assert refusal(again) == (422, 1417)


async def test_create_free_order_by_cart_id(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku, cart_id = await sell_free(client, studio), str(uuid4())
    missing = await client.post(free_cart(studio, cart_id), headers=buyer.headers)
    assert refusal(missing) == (422, 1401)
    assert missing.json()["errorMessage"] == f"[0401-1401]: Cart for user {buyer.player_id} not found"
    await fill(client, buyer, sku, cart_id=cart_id)
    reply = await client.post(free_cart(studio, cart_id), headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    assert (await stored(studio, reply.json()["order_id"])).cart_id == cart_id
    other = await make_buyer(studio)
    assert refusal(await client.post(free_cart(studio, cart_id), headers=other.headers)) == (422, 1401)
    assert refusal(await client.post(free_cart(studio, "x" * 200), headers=buyer.headers)) == (422, 1401)


async def test_every_faulty_line_is_named(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    good, dear, gone = (
        await sell_free(client, studio),
        await sell_free(client, studio, limits={"per_item": 1}),
        await sell_free(client, studio, limits={"per_user": 1}),
    )
    await fill(client, buyer, good, dear, gone)
    assert (await take_free(client, buyer, gone)).status_code == 200
    assert (await take_free(client, await make_buyer(studio), dear)).status_code == 200
    reply = await client.post(free_cart(studio), headers=buyer.headers)
    assert reply.status_code == 422
    # Each with what stands in its way, as far as the catalog in memory knows.
    assert faulty_fields(reply) >= {f"items.{dear}", f"items.{gone}", f"items.{gone}.limit"}
    assert not any(field.startswith(f"items.{good}") for field in faulty_fields(reply))
    assert await owned_of(buyer, good) == 0


async def test_a_guest_gets_a_key(client: httpx.AsyncClient, studio: Studio) -> None:
    body = catalog.game(catalog.game_key("steam", sku="sea-steam", prices=[], is_free=True), sku="sea")
    await sell(client, studio, body, "game")
    await keys.upload(client, studio, "sea-steam", ["SEA-1", "SEA-2"])
    guest = {"x-unauthorized-id": f"guest-{uuid4()}", "x-user": b64encode(b"guest@example.com").decode()}
    path = f"/api/v2/project/{studio.project_id}/cart/fill"
    filled = await client.put(path, json={"items": [{"sku": "sea-steam", "quantity": 1}]}, headers=guest)
    assert filled.status_code == 200, filled.text
    reply = await client.post(free_cart(studio), headers=guest)
    assert reply.status_code == 200, reply.text
    order = await stored(studio, reply.json()["order_id"])
    assert (order.is_guest, order.external_id, order.email) == (True, guest["x-unauthorized-id"], "guest@example.com")
    found = await list_codes(studio.context.database.session(), studio.context.sealer, order)
    assert [(each.sku, each.code) for each in found] == [("sea-steam", "SEA-1")]
    path = f"/api/v2/project/{studio.project_id}/order/{order.order_id}"
    assert (await client.get(path, headers=guest)).json()["status"] == "done"
    stranger = {"x-unauthorized-id": f"guest-{uuid4()}"}
    assert refusal(await client.get(path, headers=stranger)) == (404, 9001)


async def test_keys_run_out(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    key = catalog.game_key("steam", sku="sea-steam", prices=[], is_free=True)
    await sell(client, studio, catalog.game(key, sku="sea"), "game")
    await keys.upload(client, studio, "sea-steam", ["SEA-1", "SEA-2"])
    assert refusal(await take_free(client, buyer, "sea-steam", quantity=3)) == (422, 1424)
    assert await keys.states_of(studio, "sea-steam") == ["available", "available"]
    assert (await take_free(client, buyer, "sea-steam", quantity=2)).status_code == 200
    assert await keys.states_of(studio, "sea-steam") == ["used", "used"]
    assert refusal(await take_free(client, buyer, "sea-steam")) == (422, 1424)


async def test_guests_without_a_proper_id(client: httpx.AsyncClient, studio: Studio) -> None:
    assert refusal(await client.post(free_cart(studio), headers={"x-unauthorized-id": "short"})) == (401, 1020)
    assert (await client.post(free_cart(studio))).status_code == 401


async def test_a_package_for_nothing(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    gems = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    sack = await sell(client, studio, catalog.package(gems, prices=[], is_free=True), "package")
    assert (await take_free(client, buyer, sack, quantity=2)).status_code == 200
    assert await balance_of(buyer, gems) == 1000


async def test_more_than_can_be_counted(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_free(client, studio)
    options = {"inventory_options": {"consumable": {"usages_count": 1}}}
    lamp = await sell(client, studio, catalog.virtual_item(**options))
    body = catalog.bundle({"sku": lamp, "quantity": 2000}, prices=[], is_free=True, is_show_in_store=True)
    crate = await sell(client, studio, body, "bundle")
    assert (await take_free(client, buyer, sku, quantity=1_000_000)).status_code == 200
    assert (await take_free(client, buyer, crate, quantity=1_000_000)).status_code == 200
    assert refusal(await take_free(client, buyer, crate, quantity=1_000_000)) == (422, 1102)
    assert await owned_of(buyer, lamp) == 2_000_000_000

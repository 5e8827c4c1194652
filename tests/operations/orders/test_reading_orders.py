"""Orders as their players and their studio read them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from haversack.clock import Clock
from haversack.projects.actions import set_clock
from make.orders import (
    Buyer,
    buy,
    fund,
    make_buyer,
    order_money,
    pay,
    read_order,
    sell_for,
    sell_for_money,
    sell_free,
    take_free,
)
from make.projects import Studio
from make.taxonomy import refusal

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    """A player."""
    return await make_buyer(studio)


async def search(client: httpx.AsyncClient, studio: Studio, **asked: Any) -> httpx.Response:
    """Look for orders as the studio."""
    path = f"/api/v3/project/{studio.project_id}/admin/order/search"
    return await client.post(path, json=asked, auth=studio.basic)


async def test_get_order(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, 4.5)
    order = await order_money(buyer, (sku, 2))
    price = {"amount": "9.00", "amount_without_discount": "9.00", "currency": "USD"}
    assert await read_order(client, buyer, order.order_id) == {
        "order_id": order.order_id,
        "status": "new",
        "content": {
            "price": price,
            "is_free": False,
            "items": [{"sku": sku, "quantity": 2, "is_free": False, "price": price}],
        },
    }
    await pay(studio, order)
    assert (await read_order(client, buyer, order.order_id))["status"] == "done"


async def test_orders_of_others_are_not_there(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, buyer: Buyer
) -> None:
    reply = await take_free(client, buyer, await sell_free(client, studio))
    order_id = reply.json()["order_id"]
    stranger = await make_buyer(studio)
    path = f"/api/v2/project/{studio.project_id}/order/"
    for headers, name in (
        (stranger.headers, order_id),
        (buyer.headers, order_id + 1),
        (buyer.headers, "abc"),
        (buyer.headers, "99999999999"),
        (buyer.headers, "-1"),
    ):
        assert refusal(await client.get(f"{path}{name}", headers=headers)) == (404, 9001), name
    elsewhere = await make_buyer(other_studio)
    other_path = f"/api/v2/project/{other_studio.project_id}/order/{order_id}"
    assert refusal(await client.get(other_path, headers=elsewhere.headers)) == (404, 9001)
    assert (await client.get(f"{path}{order_id}")).status_code == 401


async def test_admin_order_search(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    for_money = await sell_for_money(client, studio, 9.99)
    lamp, gold = await sell_for(client, studio, 70)
    await fund(buyer, gold, 100)
    await set_clock(studio.context, studio.project_id, Clock(frozen_at=NOON))
    order = await order_money(buyer, for_money, email="lea@example.com")
    await set_clock(studio.context, studio.project_id, Clock(frozen_at=NOON + timedelta(hours=1)))
    bought = (await buy(client, buyer, lamp, gold)).json()["order_id"]
    free = (await take_free(client, buyer, await sell_free(client, studio))).json()["order_id"]
    page = (await search(client, studio)).json()
    assert [each["order_id"] for each in page["orders"]] == [order.order_id, bought, free]
    assert (page["total_items_count"], page["has_more"]) == (3, False)
    first, second, third = page["orders"]
    assert first["price"] == {
        "amount": "9.9900",
        "amount_without_discount": "9.9900",
        "currency": "USD",
        "is_virtual_currency": False,
    }
    assert (first["status"], first["date_created"], first["mode"]) == ("new", "2027-03-01T12:00:00Z", "default")
    assert first["user"] == {
        "id": str(buyer.player_id),
        "country": "US",
        "email": "lea@example.com",
        "region_id": None,
    }
    assert second["price"]["amount"] == "70" and second["price"]["is_virtual_currency"]
    assert (third["is_free"], third["price"], third["items"][0]["is_free"]) == (True, None, True)
    assert first["items"][0]["description"]["name"] == "Lamp"


async def test_pages_and_spans(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_free(client, studio)
    made = []
    for hour in range(12):
        await set_clock(studio.context, studio.project_id, Clock(frozen_at=NOON + timedelta(hours=hour)))
        made.append((await take_free(client, buyer, sku)).json()["order_id"])
    first = (await search(client, studio, limit=10)).json()
    assert [each["order_id"] for each in first["orders"]] == made[:10]
    assert (first["total_items_count"], first["has_more"]) == (12, True)
    rest = (await search(client, studio, offset=10)).json()
    assert [each["order_id"] for each in rest["orders"]] == made[10:]
    assert (rest["total_items_count"], rest["has_more"]) == (12, False)
    beyond = (await search(client, studio, offset=50)).json()
    assert (beyond["orders"], beyond["total_items_count"], beyond["has_more"]) == ([], 12, False)
    span = {"created_date_from": "2027-03-01T14:00:00Z", "created_date_until": "2027-03-01T18:00:00+02:00"}
    some = (await search(client, studio, **span)).json()
    assert [each["order_id"] for each in some["orders"]] == made[2:5]
    for wrong in ({"limit": 0}, {"limit": 11}, {"offset": -1}, {"created_date_from": "yesterday"}):
        assert refusal(await search(client, studio, **wrong)) == (422, 1102), wrong


async def test_only_the_studio_searches(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    path = f"/api/v3/project/{studio.project_id}/admin/order/search"
    assert (await client.post(path, json={}, auth=other_studio.basic)).status_code == 401
    assert (await client.post(path, json={})).status_code == 401
    assert (await client.post(path, auth=studio.basic)).status_code == 200

"""Value points: what the studio says of them, what players see of them, and how they come and go with orders."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from make.catalog import bundle, faults, make_item, virtual_item
from make.chains import (
    PICTURE,
    earn,
    make_value_point,
    points_of,
    points_path,
    rewards_path,
    sell_with_points,
    set_rewards,
    value_point,
)
from make.client_catalog import read, sell
from make.inventory import differences_of
from make.orders import (
    Buyer,
    fill,
    ledger_of,
    make_buyer,
    order_money,
    pay,
    payment_of,
    refund,
    sell_for_money,
    sell_free,
    take_free,
)
from make.projects import Studio


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    """A player of the studio."""
    return await make_buyer(studio)


async def get_point(client: httpx.AsyncClient, studio: Studio, sku: str) -> dict[str, Any]:
    """What the studio reads of a value point."""
    reply = await client.get(points_path(studio, f"/sku/{sku}"), auth=studio.basic)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def rewards_of(client: httpx.AsyncClient, studio: Studio, sku: str) -> dict[str, int]:
    """What a value point comes with, by SKU."""
    reply = await client.get(rewards_path(studio, sku), auth=studio.basic)
    assert reply.status_code == 200, reply.text
    return {item["sku"]: item["amount"] for item in reply.json()["items"]}


# -- The items ------------------------------------------------------------------------------------------------------


async def test_admin_create_value_points(client: httpx.AsyncClient, studio: Studio) -> None:
    body = value_point(
        description={"en-US": "Short"},
        long_description={"en": "Long"},
        media_list=[{"type": "image", "url": PICTURE}],
        order=3,
        is_enabled=False,
        is_clan=True,
    )
    reply = await client.post(points_path(studio), json=body, auth=studio.basic)
    assert reply.status_code == 201
    assert reply.json()["sku"] == body["sku"]
    assert await get_point(client, studio, body["sku"]) == {
        "sku": body["sku"],
        "name": {"en": "Stars"},
        "description": {"en": "Short"},
        "long_description": {"en": "Long"},
        "media_list": [{"type": "image", "url": PICTURE}],
        "type": "value_point",
        "image_url": PICTURE,
        "is_enabled": False,
        "order": 3,
        "is_clan": True,
        "can_delete": True,
    }
    again = await client.post(points_path(studio), json=body, auth=studio.basic)
    assert (again.status_code, again.json()["errorCode"]) == (422, 4002)


async def test_admin_create_value_points_names_each_fault(client: httpx.AsyncClient, studio: Studio) -> None:
    body = {"sku": "a b", "name": {}, "is_clan": "yes", "price": 1}
    reply = await client.post(points_path(studio), json=body, auth=studio.basic)
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102)
    assert set(faults(reply)) == {"sku", "name", "is_clan", "price"}


async def test_admin_get_value_points_list(client: httpx.AsyncClient, studio: Studio) -> None:
    second, _ = await make_value_point(client, studio, order=2)
    first, _ = await make_value_point(client, studio, order=1)
    await make_item(client, studio)
    reply = await client.get(points_path(studio), auth=studio.basic)
    assert [item["sku"] for item in reply.json()["items"]] == [first, second]
    page = await client.get(points_path(studio), params={"limit": 1, "offset": 1}, auth=studio.basic)
    assert [item["sku"] for item in page.json()["items"]] == [second]


async def test_admin_update_value_point(client: httpx.AsyncClient, studio: Studio) -> None:
    sku, _ = await make_value_point(client, studio, is_clan=True, order=4)
    path = points_path(studio, f"/sku/{sku}")
    reply = await client.put(path, json={"sku": sku, "name": {"en": "Suns"}}, auth=studio.basic)
    assert reply.status_code == 204
    found = await get_point(client, studio, sku)
    assert (found["name"], found["order"], found["image_url"], found["is_clan"]) == ({"en": "Suns"}, 1, None, True)
    # Whether it belongs to clans is said once.
    changed = await client.put(path, json=value_point(sku=sku, is_clan=False), auth=studio.basic)
    assert (changed.status_code, set(faults(changed))) == (422, {"is_clan"})
    renamed = await client.put(path, json=value_point(is_clan=True), auth=studio.basic)
    assert (renamed.status_code, set(faults(renamed))) == (422, {"sku"})
    unknown = await client.put(points_path(studio, "/sku/nothing"), json=value_point(), auth=studio.basic)
    assert (unknown.status_code, unknown.json()["errorCode"]) == (404, 4001)


async def test_admin_get_value_point_of_another_kind(client: httpx.AsyncClient, studio: Studio) -> None:
    item = await make_item(client, studio)
    reply = await client.get(points_path(studio, f"/sku/{item['sku']}"), auth=studio.basic)
    assert (reply.status_code, reply.json()["errorCode"]) == (404, 4001)


async def test_admin_delete_value_point(client: httpx.AsyncClient, studio: Studio) -> None:
    sku, _ = await make_value_point(client, studio)
    path = points_path(studio, f"/sku/{sku}")
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    assert (await client.get(path, auth=studio.basic)).status_code == 404
    assert (await client.delete(path, auth=studio.basic)).status_code == 404


# -- What they come with --------------------------------------------------------------------------------------------


async def test_admin_set_items_value_point_reward(client: httpx.AsyncClient, studio: Studio) -> None:
    point, _ = await make_value_point(client, studio)
    lamp, rope = [(await make_item(client, studio))["sku"] for _ in range(2)]
    await set_rewards(client, studio, point, {lamp: 5, rope: 7})
    assert await rewards_of(client, studio, point) == {lamp: 5, rope: 7}
    # It is whole: what is not named has none afterwards.
    await set_rewards(client, studio, point, {rope: 8})
    assert await rewards_of(client, studio, point) == {rope: 8}
    await set_rewards(client, studio, point, {})
    assert await rewards_of(client, studio, point) == {}


async def test_admin_patch_items_value_point_reward(client: httpx.AsyncClient, studio: Studio) -> None:
    point, _ = await make_value_point(client, studio)
    lamp, rope, oil = [(await make_item(client, studio))["sku"] for _ in range(3)]
    await set_rewards(client, studio, point, {lamp: 5, rope: 7})
    body = [{"sku": lamp, "amount": 0}, {"sku": oil, "amount": 1}]
    reply = await client.patch(rewards_path(studio, point), json=body, auth=studio.basic)
    assert reply.status_code == 204
    assert await rewards_of(client, studio, point) == {rope: 7, oil: 1}
    many = [{"sku": f"item-{number}", "amount": 1} for number in range(101)]
    assert (await client.patch(rewards_path(studio, point), json=many, auth=studio.basic)).status_code == 422


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_rewards_of_what_is_not_there(client: httpx.AsyncClient, studio: Studio, method: str) -> None:
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    body = [{"sku": lamp, "amount": 1}, {"sku": "nothing", "amount": 1}]
    reply = await client.request(method, rewards_path(studio, point), json=body, auth=studio.basic)
    assert (reply.status_code, reply.json()["errorCode"]) == (404, 4001)
    assert reply.json()["errorMessage"] == "[0401-4001]: Items weren't found: nothing"
    assert set(faults(reply)) == {"1.sku"}
    unknown = await client.request(method, rewards_path(studio, "nothing"), json=[], auth=studio.basic)
    assert unknown.status_code == 404
    itself = await client.request(
        method, rewards_path(studio, point), json=[{"sku": point, "amount": 1}], auth=studio.basic
    )
    assert (itself.status_code, itself.json()["errorCode"]) == (422, 1102)
    negative = [{"sku": lamp, "amount": -1}]
    assert (
        await client.request(method, rewards_path(studio, point), json=negative, auth=studio.basic)
    ).status_code == 422
    assert await rewards_of(client, studio, point) == {}


async def test_admin_get_items_value_point_reward(client: httpx.AsyncClient, studio: Studio) -> None:
    point, _ = await make_value_point(client, studio)
    lamp = await make_item(client, studio)
    await set_rewards(client, studio, point, {lamp["sku"]: 5})
    reply = await client.get(rewards_path(studio, point), auth=studio.basic)
    assert reply.json()["items"] == [
        {
            "item_id": lamp["item_id"],
            "sku": lamp["sku"],
            "amount": 5,
            "name": {"en": "Lamp"},
            "image_url": lamp["image_url"],
        }
    ]
    assert (await client.get(rewards_path(studio, "nothing"), auth=studio.basic)).status_code == 404


async def test_admin_delete_items_value_point_reward(client: httpx.AsyncClient, studio: Studio) -> None:
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    await set_rewards(client, studio, point, {lamp: 5})
    assert (await client.delete(rewards_path(studio, point), auth=studio.basic)).status_code == 204
    assert await rewards_of(client, studio, point) == {}
    assert (await client.delete(rewards_path(studio, "nothing"), auth=studio.basic)).status_code == 404


# -- In catalog and cart --------------------------------------------------------------------------------------------


async def test_the_catalog_shows_value_points(client: httpx.AsyncClient, studio: Studio) -> None:
    point, point_id = await make_value_point(client, studio, name={"en": "Stars", "de": "Sterne"})
    lamp = await sell(client, studio, virtual_item())
    crate = await sell(client, studio, bundle(lamp, is_show_in_store=True), "bundle")
    assert (await read(client, studio, f"/sku/{lamp}"))["vp_rewards"] == []
    await set_rewards(client, studio, point, {lamp: 5, crate: 50})
    shown = {
        "item_id": point_id,
        "sku": point,
        "amount": 5,
        "name": "Stars",
        "image_url": PICTURE,
        "is_clan": False,
    }
    assert (await read(client, studio, f"/sku/{lamp}"))["vp_rewards"] == [shown]
    assert (await read(client, studio, f"/sku/{lamp}", locale="de"))["vp_rewards"][0]["name"] == "Sterne"
    listed = (await read(client, studio, "/virtual_items"))["items"]
    assert [item["vp_rewards"] for item in listed] == [[shown]]
    bundles = (await read(client, studio, "/bundle"))["items"]
    assert [item["vp_rewards"][0]["amount"] for item in bundles] == [50]

    # The point itself is for sale nowhere, and what changes of it is seen where it is shown.
    assert point not in [item["sku"] for item in (await read(client, studio))["items"]]
    path = points_path(studio, f"/sku/{point}")
    await client.put(path, json=value_point(sku=point, name={"en": "Suns"}), auth=studio.basic)
    assert (await read(client, studio, f"/sku/{lamp}"))["vp_rewards"][0]["name"] == "Suns"
    await client.put(path, json=value_point(sku=point, is_enabled=False), auth=studio.basic)
    assert (await read(client, studio, f"/sku/{lamp}"))["vp_rewards"] == []


async def test_the_cart_shows_value_points(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    point, _ = await make_value_point(client, studio)
    lamp = await sell_with_points(client, studio, point, 5)
    await fill(client, buyer, lamp)
    reply = await client.get(f"/api/v2/project/{studio.project_id}/cart", headers=buyer.headers)
    [line] = reply.json()["items"]
    assert [(reward["sku"], reward["amount"]) for reward in line["vp_rewards"]] == [(point, 5)]


# -- With orders ----------------------------------------------------------------------------------------------------


async def test_points_come_when_an_order_is_paid(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    point, point_id = await make_value_point(client, studio)
    other, other_id = await make_value_point(client, studio)
    lamp = await sell_with_points(client, studio, point, 5)
    await set_rewards(client, studio, other, {lamp: 2})
    order = await order_money(buyer, (lamp, 3))
    assert await points_of(buyer, point_id) == 0
    payment = payment_of(order)
    await pay(studio, order, payment)
    await pay(studio, order, payment)
    assert (await points_of(buyer, point_id), await points_of(buyer, other_id)) == (15, 6)
    rows = [(kind, subject, change) for kind, subject, change, _ in await ledger_of(buyer) if kind == "points"]
    assert rows == [("points", str(point_id), 15), ("points", str(other_id), 6)]


async def test_points_are_those_that_were_promised(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    point, point_id = await make_value_point(client, studio)
    lamp = await sell_with_points(client, studio, point, 5)
    order = await order_money(buyer, lamp)
    await set_rewards(client, studio, point, {lamp: 500})
    await pay(studio, order)
    assert await points_of(buyer, point_id) == 5


async def test_points_come_for_real_money_alone(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    point, point_id = await make_value_point(client, studio)
    gift = await sell_free(client, studio)
    lamp = await sell_for_money(client, studio)
    crate = await sell(client, studio, bundle(lamp, is_show_in_store=True), "bundle")
    await set_rewards(client, studio, point, {gift: 5, lamp: 7})
    assert (await take_free(client, buyer, gift)).status_code == 200
    # What is in a bundle is not bought: the bundle is.
    await earn(buyer, crate)
    assert await points_of(buyer, point_id) == 0


async def test_points_go_with_the_money(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    point, point_id = await make_value_point(client, studio)
    lamp = await sell_with_points(client, studio, point, 5)
    order = await order_money(buyer, (lamp, 2))
    payment = payment_of(order)
    await pay(studio, order, payment)
    await earn(buyer, lamp)
    await refund(studio, order, payment)
    await refund(studio, order, payment)
    assert await points_of(buyer, point_id) == 5
    changes = [change for kind, _, change, _ in await ledger_of(buyer) if kind == "points"]
    assert changes == [10, 5, -10]


async def test_a_changed_balance_is_found(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    point, point_id = await make_value_point(client, studio)
    await earn(buyer, await sell_with_points(client, studio, point, 5))
    database = studio.context.database

    async def add(amount: int) -> None:
        async with database.connection() as connection:
            await connection.execute(
                "UPDATE value_point_balances SET amount = amount + $1 WHERE project_id = $2 AND value_point_id = $3",
                amount,
                studio.project_id,
                point_id,
            )

    await add(1)
    found = await differences_of(studio)
    assert [(each.check, each.expected[:2], each.found[:2]) for each in found] == [("value points", "5 ", "6 ")]
    await add(-1)
    assert Decimal(await points_of(buyer, point_id)) == 5

"""The studio's calls on virtual currencies and the packages in which they are sold."""

from typing import Any

import httpx
import pytest
from sqlalchemy import bindparam, update

from haversack.inventory.ledger import STUDIO, stock_row
from haversack.limits.tables import item_stocks
from make.catalog import (
    PICTURE,
    admin_path,
    any_sku,
    faults,
    get_item,
    make_item,
    package,
    post_item,
    price,
    put_item,
    save_virtual_item,
    virtual_currency,
)
from make.inventory import book
from make.projects import Studio
from make.taxonomy import make_group, refusal

SELL = (
    update(item_stocks)
    .where(item_stocks.c.project_id == bindparam("project"), item_stocks.c.item_id == bindparam("item"))
    .values(available=item_stocks.c.available - 3, sold=item_stocks.c.sold + 3)
)


async def test_admin_create_virtual_currency(client: httpx.AsyncClient, studio: Studio) -> None:
    body = virtual_currency(is_hard=True, prices=[price(0.01)])
    reply = await post_item(client, studio, "virtual_currency", body)
    assert (reply.status_code, reply.json()) == (201, {"sku": body["sku"]})
    reply = await post_item(client, studio, "virtual_currency", {"is_hard": "yes"})
    assert refusal(reply) == (422, 1102)
    assert faults(reply).keys() == {"sku", "name", "is_hard"}


async def test_admin_get_virtual_currency(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "money")
    shells = (await make_item(client, studio, "virtual_currency"))["sku"]
    body = virtual_currency(
        is_hard=True,
        groups=[{"external_id": "money", "name": {"en": "Money"}}],
        vc_prices=[{"sku": shells, "amount": 3, "is_default": True}],
        prices=[price(1)],
    )
    found = await make_item(client, studio, "virtual_currency", body)
    assert found["type"] == "virtual_currency"
    assert found["is_hard"] is True
    assert found["prices"] == [price(1)]
    assert found["vc_prices"] == [{"sku": shells, "amount": 3, "is_default": True, "is_enabled": True}]
    assert found["groups"] == [{"external_id": "money", "name": {"en": "Money"}}]
    reply = await client.get(admin_path(studio, "virtual_item", f"/sku/{body['sku']}"), auth=studio.basic)
    assert refusal(reply) == (404, 4001), "another kind's item"


async def test_admin_get_virtual_currencies_list(client: httpx.AsyncClient, studio: Studio) -> None:
    skus = [(await make_item(client, studio, "virtual_currency"))["sku"] for _ in range(3)]
    await make_item(client, studio, "package", package(skus[0]))
    reply = await client.get(admin_path(studio, "virtual_currency"), params={"limit": 2}, auth=studio.basic)
    body = reply.json()
    assert [item["sku"] for item in body["items"]] == [skus[2], skus[1]]
    assert (body["has_more"], body["total_items_count"]) == (True, 3)


async def test_admin_update_virtual_currency(client: httpx.AsyncClient, studio: Studio) -> None:
    made = await make_item(client, studio, "virtual_currency", virtual_currency(is_hard=True, order=4))
    body = virtual_currency(sku=made["sku"], name={"en": "Shells"})
    reply = await put_item(client, studio, "virtual_currency", made["sku"], body)
    assert reply.status_code == 204
    found = await get_item(client, studio, "virtual_currency", made["sku"])
    assert found == {**made, "name": {"en": "Shells"}, "is_hard": False, "order": 1}
    itself = [{"sku": made["sku"], "amount": 1}]
    reply = await put_item(client, studio, "virtual_currency", made["sku"], {**body, "vc_prices": itself})
    assert faults(reply) == {"vc_prices.0.sku": "an item has no price in itself"}


async def test_admin_delete_virtual_currency(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = (await make_item(client, studio, "virtual_currency"))["sku"]
    sack = await make_item(client, studio, "package", package(sku))
    url = admin_path(studio, "virtual_currency", f"/sku/{sku}")
    assert (await client.delete(url, auth=studio.basic)).status_code == 204
    assert refusal(await client.delete(url, auth=studio.basic)) == (404, 4001)
    # What held it leaves it out, and cannot be given it again.
    assert (await get_item(client, studio, "package", sack["sku"]))["content"] == []
    reply = await put_item(client, studio, "package", sack["sku"], package(sku, sku=sack["sku"]))
    assert faults(reply) == {"content.0.sku": f"there is no virtual currency {sku}"}


async def test_admin_create_virtual_currency_package(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = (await make_item(client, studio, "virtual_currency"))["sku"]
    body = package(sku)
    reply = await post_item(client, studio, "package", body)
    assert (reply.status_code, reply.json()) == (201, {"sku": body["sku"]})
    free = package(sku, prices=[])
    assert (await post_item(client, studio, "package", free)).status_code == 201, "prices are said: there are none"


async def test_admin_get_virtual_currency_package(client: httpx.AsyncClient, studio: Studio) -> None:
    pearls = virtual_currency(image_url=PICTURE, description={"en": "Round."})
    await make_item(client, studio, "virtual_currency", pearls)
    body = package(pearls["sku"], content=[{"sku": pearls["sku"], "quantity": 300}])
    found = await make_item(client, studio, "package", body)
    assert (found["type"], found["bundle_type"]) == ("bundle", "virtual_currency_package")
    assert found["content"] == [
        {
            "sku": pearls["sku"],
            "name": {"en": "Pearls"},
            "type": "virtual_currency",
            "description": {"en": "Round."},
            "image_url": PICTURE,
            "quantity": 300,
        }
    ]
    assert found["is_show_in_store"] is True


async def test_admin_get_virtual_currency_packages_list(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = (await make_item(client, studio, "virtual_currency"))["sku"]
    made = [await make_item(client, studio, "package", package(sku, order=order)) for order in (2, 1)]
    reply = await client.get(admin_path(studio, "package"), auth=studio.basic)
    assert reply.json() == {"items": [made[1], made[0]], "has_more": False, "total_items_count": 2}


async def test_admin_update_virtual_currency_package(client: httpx.AsyncClient, studio: Studio) -> None:
    pearls, shells = [(await make_item(client, studio, "virtual_currency"))["sku"] for _ in range(2)]
    made = await make_item(client, studio, "package", package(pearls))
    sku = made["sku"]
    url = admin_path(studio, "package", f"/sku/{sku}")
    vc_prices = [{"sku": pearls, "amount": 9}]
    body = package(shells, sku=sku, vc_prices=vc_prices)
    del body["prices"]
    reply = await client.put(url, json=body, params={"promo_code": "ANY"}, auth=studio.basic)
    assert reply.status_code == 204
    found = await get_item(client, studio, "package", sku)
    assert (found["prices"], found["content"][0]["sku"], found["item_id"]) == ([], shells, made["item_id"])
    reply = await put_item(client, studio, "package", "nothing", package(pearls, sku="nothing"))
    assert refusal(reply) == (404, 4001)


async def test_admin_delete_virtual_currency_package(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = (await make_item(client, studio, "virtual_currency"))["sku"]
    sack = (await make_item(client, studio, "package", package(sku)))["sku"]
    url = admin_path(studio, "package", f"/sku/{sack}")
    assert (await client.delete(url, auth=studio.basic)).status_code == 204
    assert refusal(await client.get(url, auth=studio.basic)) == (404, 4001)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"content": []}, "content"),
        ({"content": ...}, "content"),
        ({"content": [{"sku": "pearls", "quantity": 1}, {"sku": "shells"}]}, "content"),
        ({"content": [{"sku": "lamp", "quantity": 1}]}, "content.0.sku"),
        ({"content": [{"sku": "nothing", "quantity": 1}]}, "content.0.sku"),
        ({"content": [{"sku": "pearls", "quantity": 0}]}, "content.0.quantity"),
        ({"content": [{"sku": "pearls", "quantity": 1.5}]}, "content.0.quantity"),
        ({"prices": ...}, "prices"),
        ({"description": ...}, "description"),
        ({"description": None}, "description"),
    ],
)
async def test_faulty_packages(client: httpx.AsyncClient, studio: Studio, changes: dict[str, Any], field: str) -> None:
    for sku in ("pearls", "shells"):
        await make_item(client, studio, "virtual_currency", virtual_currency(sku=sku))
    await save_virtual_item(studio, "lamp")
    body = {**package("pearls"), **changes}
    body = {key: value for key, value in body.items() if value is not ...}
    reply = await post_item(client, studio, "package", body)
    assert refusal(reply) == (422, 1102)
    assert faults(reply).keys() == {field}


async def test_stock_is_not_set_below_what_is_gone(client: httpx.AsyncClient, studio: Studio) -> None:
    made = await make_item(client, studio, "virtual_currency", virtual_currency(sku=any_sku(), limits={"per_item": 5}))
    assert made["limits"]["per_item"] == {"total": 5, "available": 5, "reserved": 0, "sold": 0}
    await studio.context.database.session().execute(SELL, project=studio.project_id, item=made["item_id"])
    await book(studio, STUDIO, stock_row(made["item_id"], "sold", 3))
    body = virtual_currency(sku=made["sku"], limits={"per_item": 2})
    reply = await put_item(client, studio, "virtual_currency", made["sku"], body)
    assert refusal(reply) == (422, 1023)
    body = virtual_currency(sku=made["sku"], limits={"per_item": 4})
    assert (await put_item(client, studio, "virtual_currency", made["sku"], body)).status_code == 204
    found = await get_item(client, studio, "virtual_currency", made["sku"])
    assert found["limits"]["per_item"] == {"total": 4, "available": 1, "reserved": 0, "sold": 3}

"""The studio's calls on bundles: content, circles, prices as text, and what is shown."""

import asyncio
from typing import Any

import httpx
import pytest

from make.catalog import (
    PICTURE,
    admin_path,
    any_sku,
    bundle,
    faults,
    game,
    game_key,
    get_item,
    make_item,
    package,
    post_item,
    price,
    put_item,
    save_virtual_item,
    virtual_currency,
    virtual_item,
)
from make.projects import Studio
from make.taxonomy import make_group, refusal


async def test_admin_create_bundle(client: httpx.AsyncClient, studio: Studio) -> None:
    await save_virtual_item(studio, "lamp")
    body = bundle("lamp", image_url=None, media_list=None, vc_prices=None)
    reply = await post_item(client, studio, "bundle", body)
    assert (reply.status_code, reply.json()) == (201, {"sku": body["sku"]})


async def test_admin_get_bundle(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await make_item(client, studio, body=virtual_item(image_url=PICTURE, prices=[price(3.99)]))
    pearls = (await make_item(client, studio, "virtual_currency"))["sku"]
    sack = await make_item(client, studio, "package", package(pearls, prices=[price(19.99)]))
    inner = await make_item(client, studio, "bundle", bundle(lamp["sku"], prices=[price("5.99")]))
    body = bundle(
        lamp["sku"],
        {"sku": sack["sku"], "quantity": 10},
        {"sku": inner["sku"], "quantity": 100},
        prices=[price("700.50"), price(600, "EUR", country_iso="DE")],
        vc_prices=[{"sku": pearls, "amount": 7000, "is_default": True, "is_enabled": True}],
    )
    found = await make_item(client, studio, "bundle", body)
    assert (found["type"], found["bundle_type"]) == ("bundle", "standard")
    assert (found["is_enabled"], found["is_show_in_store"], found["order"]) == (True, False, 1)
    assert found["prices"] == [
        {"amount": "700.50", "currency": "USD", "is_default": True, "is_enabled": True},
        {"amount": "600", "currency": "EUR", "country_iso": "DE", "is_default": False, "is_enabled": True},
    ]
    assert found["virtual_prices"] == [
        {
            "sku": pearls,
            "name": {"en": "Pearls"},
            "type": "virtual_currency",
            "description": None,
            "image_url": None,
            "amount": "7000",
            "is_default": True,
            "is_enabled": True,
        }
    ]
    assert found["content"][0] == {
        "sku": lamp["sku"],
        "name": {"en": "Lamp"},
        "type": "virtual_good",
        "description": {"en": "It gives light."},
        "image_url": PICTURE,
        "quantity": 1,
    }
    assert [(entry["sku"], entry["quantity"]) for entry in found["content"][1:]] == [
        (sack["sku"], 10),
        (inner["sku"], 100),
    ]
    # A contained bundle counts with its own price: 3.99 + 10 * 19.99 + 100 * 5.99.
    assert found["total_content_price"] == {
        "amount": "802.89",
        "amount_without_discount": "802.89",
        "currency": "USD",
    }
    reply = await client.get(admin_path(studio, "bundle", "/sku/nothing"), auth=studio.basic)
    assert refusal(reply) == (404, 4001)
    reply = await client.get(admin_path(studio, "bundle", f"/sku/{lamp['sku']}"), auth=studio.basic)
    assert refusal(reply) == (404, 4001)


async def test_content_without_a_price_has_no_total(client: httpx.AsyncClient, studio: Studio) -> None:
    await save_virtual_item(studio, "priced")
    await save_virtual_item(studio, "unpriced", prices=())
    found = await make_item(client, studio, "bundle", bundle("priced", "unpriced"))
    assert found["total_content_price"] is None


async def test_admin_get_bundle_list(client: httpx.AsyncClient, studio: Studio) -> None:
    await save_virtual_item(studio, "lamp")
    made = [await make_item(client, studio, "bundle", bundle("lamp", order=order)) for order in (2, 1, 3)]
    reply = await client.get(admin_path(studio, "bundle"), params={"limit": 2}, auth=studio.basic)
    assert reply.json() == {"items": [made[1], made[0]], "has_more": True, "total_items_count": 3}


async def test_admin_get_bundle_list_in_group_by_external_id(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "sets")
    await save_virtual_item(studio, "lamp", groups=("sets",))
    made = await make_item(client, studio, "bundle", bundle("lamp", groups=["sets"]))
    other = await make_item(client, studio, "bundle", bundle("lamp"))
    url = admin_path(studio, "bundle", "/group/external_id/")
    reply = await client.get(f"{url}sets", auth=studio.basic)
    assert reply.json() == {"items": [made], "has_more": False, "total_items_count": 1}
    reply = await client.get(f"{url}all", auth=studio.basic)
    assert reply.json()["items"] == [other, made]
    assert refusal(await client.get(f"{url}nothing", auth=studio.basic)) == (404, 4403)


async def test_admin_get_bundle_list_in_group_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    group_id = await make_group(client, studio, "sets")
    await save_virtual_item(studio, "lamp")
    made = await make_item(client, studio, "bundle", bundle("lamp", groups=[{"external_id": "sets"}]))
    url = admin_path(studio, "bundle", "/group/id/")
    reply = await client.get(f"{url}{group_id}", auth=studio.basic)
    assert reply.json() == {"items": [made], "has_more": False, "total_items_count": 1}
    assert refusal(await client.get(f"{url}1", auth=studio.basic)) == (404, 4403)
    assert refusal(await client.get(f"{url}sets", auth=studio.basic)) == (422, 1102)


async def test_admin_update_bundle(client: httpx.AsyncClient, studio: Studio) -> None:
    for sku in ("lamp", "rope"):
        await save_virtual_item(studio, sku)
    made = await make_item(client, studio, "bundle", bundle("lamp", is_show_in_store=True))
    sku = made["sku"]
    body = bundle({"sku": "rope"}, sku=sku, prices=[])
    assert (await put_item(client, studio, "bundle", sku, body)).status_code == 204
    found = await get_item(client, studio, "bundle", sku)
    assert [(entry["sku"], entry["quantity"]) for entry in found["content"]] == [("rope", 1)]
    assert (found["prices"], found["is_show_in_store"], found["item_id"]) == ([], False, made["item_id"])
    reply = await put_item(client, studio, "bundle", "nothing", bundle("lamp", sku="nothing"))
    assert refusal(reply) == (404, 4001)


async def test_admin_delete_bundle(client: httpx.AsyncClient, studio: Studio) -> None:
    await save_virtual_item(studio, "lamp")
    inner = (await make_item(client, studio, "bundle", bundle("lamp")))["sku"]
    outer = (await make_item(client, studio, "bundle", bundle(inner, "lamp")))["sku"]
    url = admin_path(studio, "bundle", f"/sku/{inner}")
    assert (await client.delete(url, auth=studio.basic)).status_code == 204
    assert refusal(await client.get(url, auth=studio.basic)) == (404, 4001)
    found = await get_item(client, studio, "bundle", outer)
    assert [entry["sku"] for entry in found["content"]] == ["lamp"], "holders leave it out"


async def test_admin_show_bundle(client: httpx.AsyncClient, studio: Studio) -> None:
    await save_virtual_item(studio, "lamp")
    made = await make_item(client, studio, "bundle", bundle("lamp"))
    url = admin_path(studio, "bundle", f"/sku/{made['sku']}/show")
    assert (await client.put(url, auth=studio.basic)).status_code == 204
    assert await get_item(client, studio, "bundle", made["sku"]) == {**made, "is_show_in_store": True}
    url = admin_path(studio, "bundle", "/sku/lamp/show")
    assert refusal(await client.put(url, auth=studio.basic)) == (404, 4001)


async def test_admin_hide_bundle(client: httpx.AsyncClient, studio: Studio) -> None:
    await save_virtual_item(studio, "lamp")
    made = await make_item(client, studio, "bundle", bundle("lamp", is_show_in_store=True))
    url = admin_path(studio, "bundle", f"/sku/{made['sku']}/hide")
    assert (await client.put(url, auth=studio.basic)).status_code == 204
    assert await get_item(client, studio, "bundle", made["sku"]) == {**made, "is_show_in_store": False}
    url = admin_path(studio, "bundle", "/sku/nothing/hide")
    assert refusal(await client.put(url, auth=studio.basic)) == (404, 4001)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"content": []}, {"content": "a bundle contains one item at least"}),
        (
            {"content": [{"sku": "lamp"}, {"sku": "nothing"}, {"sku": "gone"}]},
            {"content.1.sku": "there is no item nothing", "content.2.sku": "there is no item gone"},
        ),
        ({"sku": "own", "content": [{"sku": "own"}]}, {"content.0.sku": "a bundle cannot contain itself"}),
        (
            {"content": [{"sku": "lamp"}, {"sku": "lamp"}]},
            {"content.1.sku": "content.0 is lamp already: add their quantities"},
        ),
        ({"content": [{"sku": "saga"}]}, {"content.0.sku": "saga is a game: a bundle contains its keys"}),
        ({"content": [{"sku": "lamp", "quantity": 0}]}, {"content.0.quantity": ...}),
        ({"prices": [price("1,5"), {"amount": 1}]},
         {"prices.0.amount": ..., "prices.1.currency": ..., "prices.1.is_default": ..., "prices.1.is_enabled": ...}),
        ({"prices": [price("-1"), price("0", country_iso="US")]}, {"prices.0.amount": ..., "prices.1.amount": ...}),
        ({"description": None, "pre_order": None}, {"description": ..., "pre_order": ...}),
    ],
)  # fmt: skip
async def test_faulty_bundles(
    client: httpx.AsyncClient, studio: Studio, changes: dict[str, Any], named: dict[str, Any]
) -> None:
    for sku in ("lamp", "gone"):
        await save_virtual_item(studio, sku)
    await client.delete(admin_path(studio, "virtual_item", "/sku/gone"), auth=studio.basic)
    await make_item(client, studio, "game", game(game_key(sku="saga-steam"), sku="saga"))
    reply = await post_item(client, studio, "bundle", {**bundle("lamp", "saga-steam"), **changes})
    assert refusal(reply) == (422, 1102)
    found = faults(reply)
    assert found.keys() == named.keys()
    for field, message in named.items():
        assert message is ... or found[field] == message
    reply = await client.get(admin_path(studio, "bundle"), auth=studio.basic)
    assert reply.json()["items"] == []


async def test_bundles_cannot_hold_each_other(client: httpx.AsyncClient, studio: Studio) -> None:
    await save_virtual_item(studio, "lamp")
    first, second, third = any_sku("first"), any_sku("second"), any_sku("third")
    await make_item(client, studio, "bundle", bundle("lamp", sku=first))
    await make_item(client, studio, "bundle", bundle(first, sku=second))
    made = await make_item(client, studio, "bundle", bundle("lamp", second, sku=third))
    assert [entry["sku"] for entry in made["content"]] == ["lamp", second]
    for inner in (first, second, third):
        reply = await put_item(client, studio, "bundle", first, bundle("lamp", inner, sku=first))
        assert refusal(reply) == (422, 1102)
        assert faults(reply).keys() == ({"content.1.sku"} if inner == first else {"content"})
    assert (await put_item(client, studio, "bundle", third, bundle(first, second, sku=third))).status_code == 204


async def test_two_writers_close_no_circle(client: httpx.AsyncClient, studio: Studio) -> None:
    await save_virtual_item(studio, "lamp")
    for _ in range(5):
        one, two = any_sku("one"), any_sku("two")
        for sku in (one, two):
            await make_item(client, studio, "bundle", bundle("lamp", sku=sku))
        replies = await asyncio.gather(
            put_item(client, studio, "bundle", one, bundle(two, sku=one)),
            put_item(client, studio, "bundle", two, bundle(one, sku=two)),
        )
        assert sorted(reply.status_code for reply in replies) == [204, 422]


async def test_a_bundle_with_a_currency(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_item(client, studio, "virtual_currency", virtual_currency(sku="pearls"))
    found = await make_item(client, studio, "bundle", bundle({"sku": "pearls", "quantity": 250}))
    assert found["content"][0]["type"] == "virtual_currency"
    assert found["total_content_price"] is None

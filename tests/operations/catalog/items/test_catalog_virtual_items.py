"""The studio's calls on virtual items: what is written is what is read, whole, and every faulty field is named."""

import asyncio
from typing import Any

import httpx
import pytest

from make.catalog import (
    PICTURE,
    admin_path,
    any_sku,
    faults,
    get_item,
    make_item,
    post_item,
    price,
    put_item,
    save_virtual_item,
    virtual_currency,
    virtual_item,
)
from make.projects import Studio
from make.taxonomy import admin, make_group, make_region, refusal

NO_LIMITS = {"per_user": None, "per_item": None, "recurrent_schedule": None}


async def test_admin_create_virtual_item(client: httpx.AsyncClient, studio: Studio) -> None:
    body = virtual_item()
    reply = await post_item(client, studio, "virtual_item", body)
    assert (reply.status_code, reply.json()) == (201, {"sku": body["sku"]})


async def test_admin_get_virtual_item(client: httpx.AsyncClient, studio: Studio) -> None:
    """The least of an item has every default, and all of its keys."""
    sku = any_sku()
    found = await make_item(client, studio, body={"sku": sku, "name": {"en-US": "Lamp", "de": "Lampe"}})
    assert isinstance(found.pop("item_id"), int)
    assert found == {
        "sku": sku,
        "type": "virtual_good",
        "name": {"en": "Lamp", "de": "Lampe"},
        "description": None,
        "long_description": None,
        "image_url": None,
        "media_list": [],
        "groups": [],
        "attributes": [],
        "custom_attributes": {},
        "is_free": False,
        "is_enabled": True,
        "is_show_in_store": True,
        "order": 1,
        "regions": [],
        "limits": NO_LIMITS,
        "periods": [],
        "prices": [],
        "vc_prices": [],
        "inventory_options": {"consumable": None, "expiration_period": None},
        "virtual_item_type": "non_consumable",
        "is_paid_randomized_reward": False,
        "pre_order": None,
    }


async def test_everything_of_a_virtual_item_comes_back(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "lamps")
    await make_group(client, studio, "gifts")
    region = await make_region(client, studio)
    pearls = (await make_item(client, studio, "virtual_currency"))["sku"]
    body = {
        "sku": any_sku(),
        "name": {"en": "Lamp"},
        "description": {"de-DE": "Sie leuchtet.", "de": "Sie leuchtet hell.", "en": None},
        "long_description": {"en": "A lamp of brass."},
        "image_url": PICTURE,
        "media_list": [{"type": "video", "url": "https://videos.example.com/lamp"}],
        "groups": ["lamps", {"external_id": "gifts", "name": {"en": "anything"}}],
        "attributes": [
            {
                "external_id": "genre",
                "name": {"en": "Genre"},
                "values": [{"external_id": "puzzle", "value": {"en": "Puzzle"}}],
            }
        ],
        "custom_attributes": {"level": 3, "tags": ["a", None, {"b": 1.5}]},
        "prices": [price(9.99), price(999, "JPY", country_iso="jp"), price(8, country_iso="CA", is_enabled=False)],
        "vc_prices": [{"sku": pearls, "amount": 100, "is_default": True, "is_enabled": False}],
        "is_free": True,
        "is_enabled": False,
        "is_show_in_store": False,
        "is_deleted": False,
        "order": -3,
        "regions": [{"id": region}],
        "limits": {"per_user": {"total": 5, "limit_exceeded_visibility": "hide"}, "per_item": 100},
        "periods": [
            {"date_from": "2026-11-01T00:00:00+03:00", "date_until": "2026-11-02T00:00:00+03:00"},
            {"date_from": None, "date_until": "2020-01-01T00:00:00Z"},
        ],
        "inventory_options": {
            "consumable": {"usages_count": 3},
            "expiration_period": {"type": "day", "value": 7},
        },
        "is_paid_randomized_reward": True,
        "pre_order": {"release_date": "2027-01-01T00:00:00+05:30", "is_enabled": True, "description": "Soon"},
    }
    found = await make_item(client, studio, body=body)
    sku = body["sku"]
    assert found.pop("item_id") > 0
    assert found == {
        **{key: value for key, value in body.items() if key != "is_deleted"},
        "type": "virtual_good",
        "description": {"de": "Sie leuchtet hell."},
        "groups": [
            {"external_id": "lamps", "name": {"en": "Lamps"}},
            {"external_id": "gifts", "name": {"en": "Gifts"}},
        ],
        "prices": [
            {"amount": 9.99, "currency": "USD", "is_default": True, "is_enabled": True},
            {"amount": 999, "currency": "JPY", "country_iso": "JP", "is_default": False, "is_enabled": True},
            {"amount": 8, "currency": "USD", "country_iso": "CA", "is_default": False, "is_enabled": False},
        ],
        "limits": {
            "per_user": {
                "total": 5,
                "available": 5,
                "limit_exceeded_visibility": "hide",
                "recurrent_schedule": None,
            },
            "per_item": {"total": 100, "available": 100, "reserved": 0, "sold": 0},
            "recurrent_schedule": None,
        },
        "virtual_item_type": "non_renewing_subscription",
    }
    # A PUT is whole: what it leaves out falls back to its default.
    reply = await put_item(
        client, studio, "virtual_item", sku, {"sku": sku, "name": {"en": "Bare"}, "description": None}
    )
    assert reply.status_code == 204
    assert reply.content == b""
    bare = await get_item(client, studio, "virtual_item", sku)
    fresh = await make_item(client, studio, body={"sku": any_sku(), "name": {"en": "Bare"}})
    assert {**bare, "item_id": 0, "sku": ""} == {**fresh, "item_id": 0, "sku": ""}


async def test_admin_update_virtual_item(client: httpx.AsyncClient, studio: Studio) -> None:
    made = await make_item(client, studio)
    sku = made["sku"]
    body = virtual_item(sku=sku, name={"fr": "Lampe"}, order=7)
    assert (await put_item(client, studio, "virtual_item", sku, body)).status_code == 204
    found = await get_item(client, studio, "virtual_item", sku)
    assert found == {**made, "name": {"fr": "Lampe"}, "order": 7}
    # The description must be there, if only as null; an object without a language says neither.
    for description, status in ((None, 204), ({}, 422), (..., 422)):
        changed = {**body, "description": description}
        if description is ...:
            del changed["description"]
        reply = await put_item(client, studio, "virtual_item", sku, changed)
        assert reply.status_code == status, reply.text
        if status == 422:
            assert faults(reply).keys() == {"description"}
            assert refusal(reply) == (422, 1102)
    # No rename: the SKU that carts and orders hold stays.
    reply = await put_item(client, studio, "virtual_item", sku, {**body, "sku": "other"})
    assert refusal(reply) == (422, 1102)
    assert faults(reply).keys() == {"sku"}
    reply = await put_item(client, studio, "virtual_item", "nothing", {**body, "sku": "nothing"})
    assert refusal(reply) == (404, 4001)
    assert reply.json()["errorMessage"] == (
        f"[0401-4001]: Item with Project Id = {studio.project_id} and Sku = nothing not found"
    )


async def test_admin_delete_virtual_item(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "lamps")
    body = virtual_item(groups=["lamps"])
    sku = (await make_item(client, studio, body=body))["sku"]
    url = admin_path(studio, "virtual_item", f"/sku/{sku}")
    assert (await client.delete(url, auth=studio.basic)).status_code == 204
    for method in ("GET", "DELETE"):
        assert refusal(await client.request(method, url, auth=studio.basic)) == (404, 4001)
    assert refusal(await put_item(client, studio, "virtual_item", sku, body)) == (404, 4001)
    for path in ("", "/group/external_id/lamps"):
        reply = await client.get(admin_path(studio, "virtual_item", path), auth=studio.basic)
        assert reply.json() == {"items": [], "has_more": False, "total_items_count": 0}
    # What was sold once keeps its meaning: the SKU is never given again, to no kind.
    for kind, again in (("virtual_item", body), ("virtual_currency", virtual_currency(sku=sku))):
        assert refusal(await post_item(client, studio, kind, again)) == (422, 4002)


async def test_a_sku_is_given_once(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    body = virtual_item()
    replies = await asyncio.gather(*(post_item(client, studio, "virtual_item", body) for _ in range(20)))
    assert sorted(reply.status_code for reply in replies) == [201, *[422] * 19]
    refused = [reply.json() for reply in replies if reply.status_code == 422]
    assert {each["errorCode"] for each in refused} == {4002}
    assert (await post_item(client, other_studio, "virtual_item", body)).status_code == 201
    reply = await client.get(admin_path(studio, "virtual_item"), auth=studio.basic)
    assert [item["sku"] for item in reply.json()["items"]] == [body["sku"]]


async def test_admin_get_virtual_items_list(client: httpx.AsyncClient, studio: Studio) -> None:
    ids = {
        name: await save_virtual_item(studio, name, sort_order=order)
        for name, order in (("second", 1), ("first", 1), ("last", 2), ("zero", 0))
    }
    await make_item(client, studio, "virtual_currency")
    url = admin_path(studio, "virtual_item")
    reply = await client.get(url, params={"promo_code": "ANY"}, auth=studio.basic)
    body = reply.json()
    # By order, the newest first where it is the same.
    assert [item["sku"] for item in body["items"]] == ["zero", "first", "second", "last"]
    assert [item["item_id"] for item in body["items"]] == [ids[item["sku"]] for item in body["items"]]
    assert (body["has_more"], body["total_items_count"]) == (False, 4)
    reply = await client.get(url, params={"limit": 2, "offset": 1}, auth=studio.basic)
    body = reply.json()
    assert [item["sku"] for item in body["items"]] == ["first", "second"]
    assert (body["has_more"], body["total_items_count"]) == (True, 4)
    reply = await client.get(url, params={"limit": 1_000_000, "offset": 9}, auth=studio.basic)
    assert reply.json() == {"items": [], "has_more": False, "total_items_count": 4}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"offset": -1}, "offset"),
        ({"offset": 2**31}, "offset"),
        ({"promo_code": ""}, "promo_code"),
        ({"promo_code": "x" * 129}, "promo_code"),
    ],
)
async def test_pages_that_cannot_be(
    client: httpx.AsyncClient, studio: Studio, query: dict[str, Any], field: str
) -> None:
    reply = await client.get(admin_path(studio, "virtual_item"), params=query, auth=studio.basic)
    assert refusal(reply) == (422, 1102)
    assert faults(reply).keys() == {field}


async def test_a_page_has_fifty_items_at_most(client: httpx.AsyncClient, studio: Studio) -> None:
    for number in range(51):
        await save_virtual_item(studio, f"lamp-{number}")
    reply = await client.get(admin_path(studio, "virtual_item"), params={"limit": 99}, auth=studio.basic)
    body = reply.json()
    assert (len(body["items"]), body["has_more"], body["total_items_count"]) == (50, True, 51)


async def test_admin_get_virtual_items_list_by_group_external_id(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "lamps", isEnabled=False)
    for sku, groups in (("plain", ()), ("brass", ("lamps",)), ("glass", ("lamps",))):
        await save_virtual_item(studio, sku, groups=groups)
    await make_item(client, studio, "virtual_currency", virtual_currency(groups=["lamps"]))
    url = admin_path(studio, "virtual_item", "/group/external_id/")
    reply = await client.get(f"{url}lamps", auth=studio.basic)
    assert [item["sku"] for item in reply.json()["items"]] == ["glass", "brass"]
    assert reply.json()["total_items_count"] == 2
    reply = await client.get(f"{url}all", auth=studio.basic)
    assert [item["sku"] for item in reply.json()["items"]] == ["glass", "brass", "plain"]
    reply = await client.get(f"{url}nothing", auth=studio.basic)
    assert refusal(reply) == (404, 4403)
    assert reply.json()["errorMessageExtended"] == {
        "project_id": studio.project_id,
        "external_id_list": ["nothing"],
        "group_id_list": [],
    }


async def test_admin_get_virtual_items_list_by_group_id(client: httpx.AsyncClient, studio: Studio) -> None:
    group_id = await make_group(client, studio, "lamps")
    item_ids = [await save_virtual_item(studio, sku, groups=("lamps",)) for sku in ("brass", "glass", "clay")]
    url = admin_path(studio, "virtual_item", "/group/id/")
    # What was ordered by hand inside the group comes first.
    places = [{"item_id": item_ids[0], "order": 2}, {"item_id": item_ids[1], "order": 1}]
    reply = await client.put(f"{admin(studio)}/group/lamps/order/item", json=places, auth=studio.basic)
    assert reply.is_success, reply.text
    reply = await client.get(f"{url}{group_id}", params={"limit": 2}, auth=studio.basic)
    assert [item["sku"] for item in reply.json()["items"]] == ["glass", "brass"]
    assert reply.json()["has_more"] is True
    reply = await client.get(f"{url}{group_id + 1_000_000}", auth=studio.basic)
    assert refusal(reply) == (404, 4403)
    assert reply.json()["errorMessageExtended"]["group_id_list"] == [group_id + 1_000_000]


async def test_limits_by_a_schedule(client: httpx.AsyncClient, studio: Studio) -> None:
    weekly = {"interval_type": "weekly", "day_of_week": 1, "time": "08:00:00+03:00"}
    limits = {"per_user": 2, "recurrent_schedule": {"per_user": weekly}}
    found = await make_item(client, studio, body=virtual_item(limits=limits))
    read = found["limits"]["recurrent_schedule"]["per_user"]
    following = read.pop("reset_next_date")
    assert following > 0
    assert read.pop("displayable_reset_start_date") == read.pop("displayable_reset_next_date")
    assert read == {**weekly, "day_of_month": None}
    assert found["limits"]["per_user"] == {
        "total": 2,
        "available": 2,
        "limit_exceeded_visibility": "show",
        "recurrent_schedule": {"interval_type": "weekly", "reset_next_date": following},
    }
    # Computed keys and those of another branch are refused.
    wrong = {**weekly, "day_of_month": None, "reset_next_date": 1}
    body = virtual_item(limits={"per_user": 2, "recurrent_schedule": {"per_user": wrong}})
    reply = await post_item(client, studio, "virtual_item", body)
    assert refusal(reply) == (422, 1102)
    assert {name.rsplit(".", 1)[1] for name in faults(reply)} == {"day_of_month", "reset_next_date"}


async def test_a_type_that_is_said_outright(client: httpx.AsyncClient, studio: Studio) -> None:
    for given, consumable in (("consumable", {"usages_count": None}), ("non_consumable", None)):
        body = virtual_item(virtual_item_type=given, inventory_options={"consumable": consumable})
        if given == "consumable":
            del body["inventory_options"]
        found = await make_item(client, studio, body=body)
        assert found["virtual_item_type"] == given
        assert found["inventory_options"]["consumable"] == consumable

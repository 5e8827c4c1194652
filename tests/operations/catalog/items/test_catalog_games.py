"""The studio's calls on games: one game with a key for each platform, written as a whole."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import bindparam, func, insert, update

from haversack.catalog.tables import key_codes
from make.catalog import (
    PICTURE,
    admin_path,
    faults,
    game,
    game_key,
    get_item,
    make_item,
    post_item,
    price,
    put_item,
    save_virtual_item,
    virtual_currency,
)
from make.projects import Studio
from make.taxonomy import make_group, make_region, refusal

ADD_CODE = insert(key_codes).values(
    project_id=bindparam("project"),
    item_id=bindparam("item"),
    code_sealed=bindparam("code"),
    code_hash=bindparam("code"),
    state=bindparam("state"),
    uploaded_at=func.now(),
)
FREE_CODES = (
    update(key_codes)
    .where(key_codes.c.project_id == bindparam("project"), key_codes.c.state == "reserved")
    .values(state="available")
)
NO_PRE_ORDER = {"release_date": None, "is_enabled": False, "description": None}


def _url(studio: Studio, sku: str) -> str:
    return admin_path(studio, "game", f"/sku/{sku}")


def _url_by_id(studio: Studio, item_id: int) -> str:
    return admin_path(studio, "game", f"/id/{item_id}")


async def test_admin_create_game(client: httpx.AsyncClient, studio: Studio) -> None:
    body = game(game_key(), game_key("xbox"))
    reply = await post_item(client, studio, "game", body)
    assert reply.status_code == 201
    made = await get_item(client, studio, "game", body["sku"])
    assert reply.json() == {"item_id": made["item_id"], "sku": body["sku"]}


async def test_admin_get_game_by_sku(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "sea")
    region = await make_region(client, studio)
    pearls = (await make_item(client, studio, "virtual_currency", virtual_currency()))["sku"]
    key = game_key(
        name={"en": "For Steam"},
        groups=[{"external_id": "sea"}],
        attributes=[{"external_id": "genre", "values": []}],
        vc_prices=[{"sku": pearls, "amount": 50, "is_default": True, "is_enabled": True}],
        pre_order={"release_date": "2027-01-01T00:00:00+03:00", "is_enabled": True},
        regions=[{"id": region}],
        limits={"per_item": 3},
        periods=[{"date_from": "2026-11-01T00:00:00+03:00"}],
        order=2,
    )
    bare = game_key("nintendo_eshop", order=1, prices=[], is_free=True)
    body = game(
        key,
        bare,
        description={"en": "Of the sea."},
        long_description={"en": "Long, of the sea."},
        image_url=PICTURE,
        media_list=[{"type": "image", "url": PICTURE}],
        groups=["sea"],
        order=5,
        is_show_in_store=False,
    )
    found = await make_item(client, studio, "game", body)
    keys = found.pop("unit_items")
    assert found.pop("item_id") > 0
    assert found == {
        **{name: body[name] for name in body if name != "unit_items"},
        "type": "unit",
        "groups": [{"external_id": "sea", "name": {"en": "Sea"}}],
        "attributes": [],
        "is_enabled": True,
        "is_free": False,
    }
    assert [each["sku"] for each in keys] == [bare["sku"], key["sku"]], "in their order"
    assert keys[1].pop("item_id") > 0
    assert keys[1] == {
        "sku": key["sku"],
        "type": "game_key",
        "name": {"en": "For Steam"},
        "long_description": {"en": "Long, of the sea."},
        "groups": [{"external_id": "sea", "name": {"en": "Sea"}}],
        "attributes": [{"external_id": "genre", "name": {"en": "genre"}, "values": []}],
        "is_free": False,
        "prices": [price(29.99)],
        "virtual_prices": [
            {
                "sku": pearls,
                "name": {"en": "Pearls"},
                "type": "virtual_currency",
                "description": None,
                "image_url": None,
                "amount": 50,
                "is_default": True,
                "is_enabled": True,
            }
        ],
        "order": 2,
        "is_enabled": True,
        "is_show_in_store": True,
        "drm_name": "Steam",
        "drm_sku": "steam",
        "drm_image": None,
        "drm_id": 1,
        "keys": {"available": 0, "total": 0, "used": 0},
        "is_sales_exist": False,
        "pre_order": {"release_date": "2027-01-01T00:00:00+03:00", "is_enabled": True, "description": None},
        "regions": [{"id": region}],
        "limits": {
            "per_user": None,
            "per_item": {"total": 3, "available": 3, "reserved": 0, "sold": 0},
            "recurrent_schedule": None,
        },
        "periods": [{"date_from": "2026-11-01T00:00:00+03:00", "date_until": None}],
    }
    assert (keys[0]["name"], keys[0]["drm_id"]) == (body["name"], 9)
    assert (keys[0]["pre_order"], keys[0]["prices"], keys[0]["is_free"]) == (NO_PRE_ORDER, [], True)
    reply = await client.get(_url(studio, key["sku"]), auth=studio.basic)
    assert refusal(reply) == (404, 4001), "a key is no game"
    assert reply.json()["errorMessage"] == f"[0401-4001]: Item with sku = '{key['sku']}' not found"


async def test_codes_are_counted(client: httpx.AsyncClient, studio: Studio) -> None:
    made = await make_item(client, studio, "game", game(game_key()))
    states = ["available", "available", "used", "reserved", "requested", "deleted"]
    for number, state in enumerate(states):
        await studio.context.database.session().execute(
            ADD_CODE,
            project=studio.project_id,
            item=made["unit_items"][0]["item_id"],
            code=bytes([number]),
            state=state,
        )
    (key,) = (await get_item(client, studio, "game", made["sku"]))["unit_items"]
    assert key["keys"] == {"available": 2, "total": 5, "used": 3}
    assert key["is_sales_exist"] is True
    # No order keeps it: the books are looked at when all tests have run.
    assert await studio.context.database.session().execute(FREE_CODES, project=studio.project_id) == 1


async def test_admin_get_game_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    made = await make_item(client, studio, "game", game(game_key()))
    reply = await client.get(_url_by_id(studio, made["item_id"]), params={"promo_code": "A"}, auth=studio.basic)
    assert reply.json() == made
    key_id = made["unit_items"][0]["item_id"]
    for unknown in (key_id, 2**31 - 1):
        reply = await client.get(_url_by_id(studio, unknown), auth=studio.basic)
        assert refusal(reply) == (404, 4001)
        assert reply.json()["errorMessage"] == f"[0401-4001]: Item with id = {unknown} not found"
    reply = await client.get(admin_path(studio, "game", "/id/many"), auth=studio.basic)
    assert refusal(reply) == (422, 1102)


async def test_admin_get_game_list(client: httpx.AsyncClient, studio: Studio) -> None:
    made = [
        await make_item(client, studio, "game", game(game_key(), game_key("gog"), order=order)) for order in (2, 1, 3)
    ]
    reply = await client.get(admin_path(studio, "game"), params={"limit": 2}, auth=studio.basic)
    assert reply.json() == {"items": [made[1], made[0]], "has_more": True, "total_items_count": 3}


async def test_admin_update_game_by_sku(client: httpx.AsyncClient, studio: Studio) -> None:
    """Keys are changed, added and removed by their SKUs."""
    steam, gog, xbox = game_key(limits={"per_item": 4}), game_key("gog"), game_key("xbox")
    made = await make_item(client, studio, "game", game(steam, gog, image_url=PICTURE))
    sku = made["sku"]
    body = game({**steam, "prices": [price(1)], "limits": None}, xbox, sku=sku, name={"en": "Sea Stories II"})
    reply = await put_item(client, studio, "game", sku, body)
    assert (reply.status_code, reply.content) == (201, b"")
    found = await get_item(client, studio, "game", sku)
    assert (found["item_id"], found["name"], found["image_url"]) == (made["item_id"], body["name"], None)
    assert [key["sku"] for key in found["unit_items"]] == [steam["sku"], xbox["sku"]]
    changed = found["unit_items"][0]
    before = made["unit_items"][0]
    assert changed["item_id"] == before["item_id"]
    assert (changed["name"], changed["prices"], changed["limits"]["per_item"]) == (body["name"], [price(1)], None)
    # A key's SKU is given once, like any other.
    reply = await put_item(client, studio, "game", sku, game(gog, sku=sku))
    assert refusal(reply) == (422, 4002)
    assert await get_item(client, studio, "game", sku) == found
    reply = await put_item(client, studio, "game", sku, {**body, "sku": "other"})
    assert faults(reply).keys() == {"sku"}
    reply = await put_item(client, studio, "game", "nothing", {**body, "sku": "nothing"})
    assert refusal(reply) == (404, 4001)


async def test_admin_update_game_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    key = game_key()
    made = await make_item(client, studio, "game", game(key))
    body = game(key, sku=made["sku"], order=9)
    url = _url_by_id(studio, made["item_id"])
    reply = await client.put(url, json=body, auth=studio.basic)
    assert (reply.status_code, reply.content) == (201, b"")
    assert await get_item(client, studio, "game", made["sku"]) == {**made, "order": 9}
    url = _url_by_id(studio, 1)
    assert refusal(await client.put(url, json=body, auth=studio.basic)) == (404, 4001)


async def test_admin_delete_game_by_sku(client: httpx.AsyncClient, studio: Studio) -> None:
    key = game_key()
    made = await make_item(client, studio, "game", game(key))
    url = _url(studio, made["sku"])
    assert (await client.delete(url, auth=studio.basic)).status_code == 204
    for method in ("GET", "DELETE"):
        assert refusal(await client.request(method, url, auth=studio.basic)) == (404, 4001)
    assert refusal(await post_item(client, studio, "game", game(key))) == (422, 4002), "its keys' SKUs stay taken"


async def test_admin_delete_game_by_id(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    made = await make_item(client, studio, "game", game(game_key()))
    url = _url_by_id(other_studio, made["item_id"])
    assert refusal(await client.delete(url, auth=other_studio.basic)) == (404, 4001)
    url = _url_by_id(studio, made["item_id"])
    assert (await client.delete(url, auth=studio.basic)).status_code == 204
    assert refusal(await client.delete(url, auth=studio.basic)) == (404, 4001)
    reply = await client.get(admin_path(studio, "game"), auth=studio.basic)
    assert reply.json() == {"items": [], "has_more": False, "total_items_count": 0}


@pytest.mark.parametrize(
    ("keys", "fields"),
    [
        ([{}], {"unit_items.0.sku", "unit_items.0.drm_sku", "unit_items.0.prices"}),
        ([game_key("steam_key_1")], {"unit_items.0.drm_sku"}),
        (
            [game_key(prices=[{"amount": 1, "currency": "USD"}])],
            {"unit_items.0.prices.0.is_default", "unit_items.0.prices.0.is_enabled"},
        ),
        ([game_key(sku="a"), game_key("gog", sku="a"), game_key("xbox", sku="saga")],
         {"unit_items.1.sku", "unit_items.2.sku"}),
        ([game_key(), game_key(prices=[price(1.001)])], {"unit_items.1.prices.0.amount"}),
        ([game_key(), game_key(description={"en": "x"})], {"unit_items.1.description"}),
        ([game_key(vc_prices=[{"sku": "nothing", "amount": 1}])], {"unit_items.0.vc_prices.0.sku"}),
        ([game_key(pre_order={"is_enabled": True})], {"unit_items.0.pre_order.release_date"}),
    ],
)  # fmt: skip
async def test_faulty_games(
    client: httpx.AsyncClient, studio: Studio, keys: list[dict[str, Any]], fields: set[str]
) -> None:
    reply = await post_item(client, studio, "game", game(*keys, sku="saga"))
    assert refusal(reply) == (422, 1102)
    assert faults(reply).keys() == fields
    reply = await client.get(admin_path(studio, "game"), auth=studio.basic)
    assert reply.json()["items"] == []


async def test_every_fault_of_a_games_keys_has_its_code(client: httpx.AsyncClient, studio: Studio) -> None:
    await save_virtual_item(studio, "lamp")
    cases = [
        (game_key(prices=[price(1, country_iso="US")]), (422, 4055)),
        (game_key(groups=["nothing"]), (404, 4403)),
        (game_key(regions=[{"id": 7}]), (404, 9701)),
        (game_key(attributes=[{"external_id": f"a{n}", "values": []} for n in range(21)]), (422, 9908)),
        (game_key(sku="lamp"), (422, 4002)),
    ]
    for key, expected in cases:
        reply = await post_item(client, studio, "game", game(game_key(), key))
        assert refusal(reply) == expected
    assert faults(await post_item(client, studio, "game", game(game_key(), cases[2][0]))).keys() == {
        "unit_items.1.regions.0.id"
    }
    reply = await client.get(admin_path(studio, "game"), auth=studio.basic)
    assert reply.json()["items"] == [], "a game is written with all of its keys or not at all"


async def test_two_writers_of_one_game(client: httpx.AsyncClient, studio: Studio) -> None:
    key = game_key()
    made = await make_item(client, studio, "game", game(key))
    bodies = [game(key, game_key("gog"), sku=made["sku"], order=number) for number in range(6)]
    replies = await asyncio.gather(*(put_item(client, studio, "game", made["sku"], body) for body in bodies))
    assert {reply.status_code for reply in replies} == {201}
    found = await get_item(client, studio, "game", made["sku"])
    last = bodies[found["order"]]
    assert [each["sku"] for each in found["unit_items"]] == [each["sku"] for each in last["unit_items"]]

"""The lists of the client catalog: what stands on each, in which order, in pages, with which fields."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from haversack.catalog.items.drm import DRMS
from make.catalog import any_sku, bundle, game, game_key, package, price, virtual_currency, virtual_item
from make.client_catalog import catalog_path, freeze, id_of, new_player, read, read_skus, read_status, sell, use
from make.projects import Studio
from make.taxonomy import admin, faulty_fields, make_group, put_under, refusal


async def test_get_virtual_items(client: httpx.AsyncClient, studio: Studio) -> None:
    await freeze(studio, datetime(2027, 1, 1, tzinfo=UTC))
    await make_group(client, studio, "lights", name={"en": "Lights", "de": "Lichter"})
    pearls = await sell(client, studio, virtual_currency(name={"en": "Pearls", "de": "Perlen"}), "virtual_currency")
    attribute = {
        "external_id": "colour",
        "name": {"en": "Colour"},
        "values": [{"external_id": "red", "value": {"en": "Red", "de": "Rot"}}],
    }
    body = virtual_item(
        groups=["lights"],
        attributes=[attribute],
        prices=[price(5)],
        vc_prices=[{"sku": pearls, "amount": 10, "is_default": True}],
        inventory_options={"consumable": {"usages_count": 1}, "expiration_period": None},
        limits={"per_user": 3, "per_item": 7, "recurrent_schedule": None},
    )
    await sell(client, studio, body)
    found = await read(client, studio, "/virtual_items", locale="de")
    assert (found["has_more"], found["total_items_count"]) == (False, 1)
    (item,) = found["items"]
    item_id, vc_id = item.pop("item_id"), item["virtual_prices"][0].pop("item_id")
    assert isinstance(item_id, int)
    assert isinstance(vc_id, int)
    assert item == {
        "sku": body["sku"],
        "type": "virtual_good",
        "name": "Lamp",
        "description": "It gives light.",
        "image_url": body["image_url"],
        "groups": [{"external_id": "lights", "name": "Lichter"}],
        "attributes": [{"external_id": "colour", "name": "Colour", "values": [{"external_id": "red", "value": "Rot"}]}],
        "is_free": False,
        "price": {"amount": "5.00", "amount_without_discount": "5.00", "currency": "USD"},
        "virtual_prices": [
            {
                "sku": pearls,
                "name": "Perlen",
                "type": "virtual_currency",
                "description": "",
                "image_url": "",
                "amount": 10,
                "amount_without_discount": 10,
                "calculated_price": {"amount": "10.00", "amount_without_discount": "10.00"},
                "is_default": True,
            }
        ],
        "can_be_bought": True,
        "promotions": [],
        "limits": {
            "per_user": {
                "total": 3,
                "available": 3,
                "recurrent_schedule": None,
                "limit_exceeded_visibility": "show",
            },
            "per_item": {"total": 7, "available": 7},
        },
        "periods": [],
        "vp_rewards": [],
        "inventory_options": {"consumable": {"usages_count": 1}, "expiration_period": None},
        "virtual_item_type": "consumable",
    }


@pytest.mark.parametrize(
    ("options", "virtual_item_type"),
    [
        (None, "non_consumable"),
        ({"consumable": {"usages_count": 1}, "expiration_period": None}, "consumable"),
        ({"consumable": None, "expiration_period": {"type": "day", "value": 7}}, "non_renewing_subscription"),
    ],
)
async def test_get_virtual_items_says_how_each_is_used_up(
    client: httpx.AsyncClient, studio: Studio, options: Any, virtual_item_type: str
) -> None:
    changes = {} if options is None else {"inventory_options": options}
    await sell(client, studio, virtual_item(**changes))
    (item,) = (await read(client, studio, "/virtual_items"))["items"]
    assert item["virtual_item_type"] == virtual_item_type
    assert item["inventory_options"] == (options or {"consumable": None, "expiration_period": None})


async def test_get_virtual_items_in_pages(client: httpx.AsyncClient, studio: Studio) -> None:
    """By `order`, the newest of equals first; 50 at most; what is no number is refused."""
    skus = [await sell(client, studio, virtual_item(order=order)) for order in (2, 1, 2, 3, 1)]
    expected = [skus[4], skus[1], skus[2], skus[0], skus[3]]
    assert await read_skus(client, studio, "/virtual_items") == expected
    first = await read(client, studio, "/virtual_items", limit=2)
    assert [item["sku"] for item in first["items"]] == expected[:2]
    assert (first["has_more"], first["total_items_count"]) == (True, 5)
    last = await read(client, studio, "/virtual_items", limit=2, offset=4)
    assert [item["sku"] for item in last["items"]] == expected[4:]
    assert last["has_more"] is False
    assert (await read(client, studio, "/virtual_items", offset=5))["items"] == []
    assert await read_skus(client, studio, "/virtual_items", limit=10**9) == expected
    for wrong in ({"limit": 0}, {"limit": -1}, {"limit": "many"}, {"limit": ""}, {"limit": 1.5}, {"offset": -1}):
        reply = await client.get(catalog_path(studio, "/virtual_items"), params=wrong)
        assert refusal(reply) == (422, 1102)
        assert faulty_fields(reply) == set(wrong)
    reply = await client.get(
        catalog_path(studio, "/virtual_items"),
        params={"limit": "x", "offset": "y", "promo_code": "c" * 129, "show_inactive_time_limited_items": 2},
    )
    assert faulty_fields(reply) == {"limit", "offset", "promo_code", "show_inactive_time_limited_items"}


async def test_get_virtual_items_fifty_at_most(client: httpx.AsyncClient, studio: Studio) -> None:
    for _ in range(51):
        await sell(client, studio, virtual_item())
    for limit in (50, 51, 1000):
        found = await read(client, studio, "/virtual_items", limit=limit)
        assert (len(found["items"]), found["has_more"], found["total_items_count"]) == (50, True, 51)


@pytest.mark.parametrize("spelling", ["additional_fields[]", "additional_fields%5b%5d", "additional_fields"])
async def test_get_virtual_items_with_additional_fields(
    client: httpx.AsyncClient, studio: Studio, spelling: str
) -> None:
    await sell(
        client,
        studio,
        virtual_item(
            order=4,
            long_description={"en": "Long."},
            media_list=[{"type": "image", "url": "https://pictures.example.com/2.png"}],
            custom_attributes={"level": 3},
        ),
    )
    (plain,) = (await read(client, studio, "/virtual_items"))["items"]
    assert not {"order", "media_list", "long_description", "custom_attributes"} & plain.keys()
    names = ("order", "media_list", "long_description", "custom_attributes", "of_no_meaning")
    query = "&".join(f"{spelling}={name}" for name in names)
    reply = await client.get(f"{catalog_path(studio, '/virtual_items')}?{query}")
    (item,) = reply.json()["items"]
    assert {name: item.get(name) for name in names} == {
        "order": 4,
        "media_list": [{"type": "image", "url": "https://pictures.example.com/2.png"}],
        "long_description": "Long.",
        "custom_attributes": {"level": 3},
        "of_no_meaning": None,
    }


@pytest.mark.parametrize(("kind", "path"), [("virtual_item", "/virtual_items"), ("game", "/game")])
async def test_what_has_no_picture_has_an_empty_address(
    client: httpx.AsyncClient, studio: Studio, kind: str, path: str
) -> None:
    """The contract has a text there, and the iOS SDK loses the whole list by a null."""
    body = virtual_item() if kind == "virtual_item" else game(game_key())
    await sell(client, studio, {**body, "image_url": None}, kind)
    (item,) = (await read(client, studio, path))["items"]
    assert item["image_url"] == ""


@pytest.mark.parametrize("spelling", ["sku[]", "sku%5B%5D", "sku%5b%5d"])
async def test_get_virtual_items_by_their_skus(client: httpx.AsyncClient, studio: Studio, spelling: str) -> None:
    """A game asks for the products that it has named, as many as the page may have: they must be all of the page."""
    skus = [await sell(client, studio, virtual_item(order=order, limits={"per_user": 2})) for order in range(4)]
    player_id, headers = await new_player(studio)
    await use(studio, player_id, await id_of(client, studio, skus[3]), 1)

    async def ask(*named: str, limit: int) -> tuple[list[tuple[str, int]], bool, int]:
        query = "&".join(f"{spelling}={sku}" for sku in named)
        path = f"{catalog_path(studio, '/virtual_items')}?limit={limit}&offset=0&with_geo=False&{query}"
        found = (await client.get(path, headers=headers)).json()
        items = [(item["sku"], item["limits"]["per_user"]["available"]) for item in found["items"]]
        return items, found["has_more"], found["total_items_count"]

    assert await ask(skus[3], skus[1], "of-no-item", limit=3) == ([(skus[1], 2), (skus[3], 1)], False, 2)
    assert await ask(skus[3], skus[1], limit=1) == ([(skus[1], 2)], True, 2)
    assert await ask("of-no-item", limit=1) == ([], False, 0)


async def test_get_all_virtual_items(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "lights")
    body = virtual_item(groups=["lights"], name={"en": "Lamp", "de": "Lampe"})
    await sell(client, studio, body)
    await sell(client, studio, virtual_item(is_show_in_store=False))
    await sell(client, studio, virtual_currency(), "virtual_currency")
    found = await read(client, studio, "/virtual_items/all", locale="de")
    assert found == {
        "items": [
            {
                "sku": body["sku"],
                "name": "Lampe",
                "description": "It gives light.",
                "groups": [{"external_id": "lights", "name": "Lights"}],
                "promotions": [],
            }
        ]
    }


async def test_get_virtual_currency(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_currency(prices=[price(0.01)]), "virtual_currency")
    await sell(client, studio, virtual_item())
    (item,) = (await read(client, studio, "/virtual_currency"))["items"]
    assert (item["sku"], item["type"], item["price"]["amount"]) == (sku, "virtual_currency", "0.01")
    assert item["inventory_options"] == {"consumable": None, "expiration_period": None}
    assert not {"is_hard", "virtual_item_type"} & item.keys()


async def test_get_virtual_currency_package(client: httpx.AsyncClient, studio: Studio) -> None:
    pearls = await sell(client, studio, virtual_currency(), "virtual_currency")
    sku = await sell(client, studio, package(pearls), "package")
    (item,) = (await read(client, studio, "/virtual_currency/package"))["items"]
    assert (item["sku"], item["type"], item["bundle_type"]) == (sku, "bundle", "virtual_currency_package")
    (content,) = item["content"]
    assert content.pop("item_id") > 0
    assert content == {
        "sku": pearls,
        "name": "Pearls",
        "type": "virtual_currency",
        "description": "",
        "image_url": "",
        "limits": None,
        "inventory_options": {"consumable": None, "expiration_period": None},
        "quantity": 500,
    }


async def test_get_bundle_list(client: httpx.AsyncClient, studio: Studio) -> None:
    """Content is resolved however deep it stands, and priced by itself."""
    pearls = await sell(client, studio, virtual_currency(prices=[price(0.01)]), "virtual_currency")
    lamp = await sell(client, studio, virtual_item(prices=[price(3.99)]))
    inner_body = bundle({"sku": pearls, "quantity": 7}, prices=[price("19.99")], is_show_in_store=False)
    inner = await sell(client, studio, inner_body, "bundle")
    outer_body = bundle(lamp, {"sku": inner, "quantity": 10}, {"sku": pearls, "quantity": 100}, is_show_in_store=True)
    outer = await sell(client, studio, outer_body, "bundle")
    (item,) = (await read(client, studio, "/bundle"))["items"]
    assert (item["sku"], item["type"], item["bundle_type"]) == (outer, "bundle", "standard")
    total = "204.89"  # 3.99 + 10 x 19.99 + 100 x 0.01
    assert item["total_content_price"] == {"amount": total, "amount_without_discount": total, "currency": "USD"}
    assert [(each["sku"], each["quantity"]) for each in item["content"]] == [(lamp, 1), (inner, 10), (pearls, 100)]
    assert item["content"][0]["virtual_item_type"] == "non_consumable"
    assert [(each["sku"], each["quantity"]) for each in item["content"][1]["content"]] == [(pearls, 7)]
    assert (item["order"], item["media_list"], item["long_description"]) == (1, [], "")


async def test_get_bundle_list_without_a_price_of_content(client: httpx.AsyncClient, studio: Studio) -> None:
    pearls = await sell(client, studio, virtual_currency(), "virtual_currency")
    lamp = await sell(client, studio, virtual_item())
    gone = await sell(client, studio, virtual_item(is_enabled=False))
    await sell(client, studio, bundle(lamp, pearls, gone, is_show_in_store=True), "bundle")
    (item,) = (await read(client, studio, "/bundle"))["items"]
    assert item["total_content_price"] is None
    assert [each["sku"] for each in item["content"]] == [lamp, pearls], "what is not available is left out"


async def test_get_games_list(client: httpx.AsyncClient, studio: Studio) -> None:
    steam = game_key("steam", is_enabled=True)
    later = game_key("gog", pre_order={"release_date": "2030-01-01T00:00:00+00:00", "is_enabled": True})
    hidden = game_key("xbox", is_show_in_store=False)
    body = game(steam, later, hidden, name={"en": "Sea Stories", "de": "Meergeschichten"})
    await sell(client, studio, body, "game")
    (item,) = (await read(client, studio, "/game", locale="de"))["items"]
    assert (item["sku"], item["type"], item["unit_type"]) == (body["sku"], "unit", "game")
    assert item["name"] == "Meergeschichten"
    assert "price" not in item
    assert [unit["sku"] for unit in item["unit_items"]] == [steam["sku"], later["sku"]]
    first, second = item["unit_items"]
    assert (first["drm_sku"], first["drm_name"], first["price"]["amount"]) == ("steam", "Steam", "29.99")
    assert (first["has_keys"], first["is_pre_order"], first["release_date"]) == (False, False, None)
    assert first["can_be_bought"] is False, "it has no codes"
    assert (second["is_pre_order"], second["can_be_bought"]) == (True, True)
    assert second["release_date"] == "2030-01-01T00:00:00+00:00"


async def test_get_games_list_after_the_release(client: httpx.AsyncClient, studio: Studio) -> None:
    release = datetime(2030, 1, 1, tzinfo=UTC)
    key = game_key(pre_order={"release_date": release.isoformat(), "is_enabled": True})
    await sell(client, studio, game(key), "game")
    seen = []
    for second in (59, 60):
        await freeze(studio, datetime(2029, 12, 31, 23, 59, 59, tzinfo=UTC) if second == 59 else release)
        unit = (await read(client, studio, "/game"))["items"][0]["unit_items"][0]
        seen.append((unit["is_pre_order"], unit["can_be_bought"]))
    assert seen == [(True, True), (False, False)]


async def test_get_sellable_items(client: httpx.AsyncClient, studio: Studio) -> None:
    """Everything on sale stands in one list; games by their keys."""
    pearls = await sell(client, studio, virtual_currency(), "virtual_currency")
    lamp = await sell(client, studio, virtual_item())
    sack = await sell(client, studio, package(pearls), "package")
    crate = await sell(client, studio, bundle(lamp, is_show_in_store=True), "bundle")
    key = game_key()
    await sell(client, studio, game(key), "game")
    found = (await read(client, studio))["items"]
    assert [item["sku"] for item in found] == [key["sku"], crate, sack, lamp, pearls]
    types = [item["type"] for item in found]
    assert types == ["game_key", "bundle", "bundle", "virtual_good", "virtual_currency"]
    assert [item.get("bundle_type") for item in found][1:3] == ["standard", "virtual_currency_package"]


@pytest.mark.parametrize("path", ["/virtual_items/group", "/group"])
async def test_get_virtual_items_group(client: httpx.AsyncClient, studio: Studio, path: str) -> None:
    """In a group, places by hand come first; the group `all` stands for everything."""
    await make_group(client, studio, "lights")
    await make_group(client, studio, "empty")
    first, second, third = [await sell(client, studio, virtual_item(groups=["lights"])) for _ in range(3)]
    other = await sell(client, studio, virtual_item())
    assert await read_skus(client, studio, f"{path}/lights") == [third, second, first]
    assert await read_skus(client, studio, f"{path}/empty") == []
    assert await read_skus(client, studio, f"{path}/all") == [other, third, second, first]
    assert await read_status(client, studio, f"{path}/unknown") == (404, 4403)


async def test_get_sellable_items_group(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "all", name={"en": "Not everything"})
    inside = await sell(client, studio, virtual_item(groups=["all"]))
    await sell(client, studio, virtual_item())
    assert await read_skus(client, studio, "/group/all") == [inside], "a group of that name is a group"


async def test_get_virtual_items_group_that_is_disabled(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "lights")
    sku = await sell(client, studio, virtual_item(groups=["lights"]))
    url = f"{admin(studio)}/items/groups/lights"
    body = {"external_id": "lights", "name": {"en": "Lights"}, "isEnabled": False}
    assert (await client.put(url, auth=studio.basic, json=body)).is_success
    assert await read_status(client, studio, "/virtual_items/group/lights") == (404, 4403)
    assert (await read(client, studio, "/groups"))["groups"] == []
    (item,) = (await read(client, studio, "/virtual_items"))["items"]
    assert (item["sku"], item["groups"]) == (sku, [])


async def test_get_bundle_list_in_group(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "crates")
    lamp = await sell(client, studio, virtual_item(groups=["crates"]))
    crate = await sell(client, studio, bundle(lamp, groups=["crates"], is_show_in_store=True), "bundle")
    assert await read_skus(client, studio, "/bundle/group/crates") == [crate]
    assert await read_skus(client, studio, "/bundle/group/all") == [crate]
    assert await read_status(client, studio, "/bundle/group/unknown") == (404, 4403)


async def test_get_games_group(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "sea")
    body = game(game_key(), groups=["sea"])
    await sell(client, studio, body, "game")
    await sell(client, studio, game(game_key()), "game")
    assert await read_skus(client, studio, "/game/group/sea") == [body["sku"]]
    assert len(await read_skus(client, studio, "/game/group/all")) == 2
    assert await read_status(client, studio, "/game/group/unknown") == (404, 4403)


async def test_get_game_keys_group(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "sea")
    key, other = game_key(groups=["sea"]), game_key("gog")
    await sell(client, studio, game(key, other), "game")
    (item,) = (await read(client, studio, "/game/key/group/sea"))["items"]
    assert (item["sku"], item["type"], item["drm_sku"]) == (key["sku"], "game_key", "steam")
    assert set(await read_skus(client, studio, "/game/key/group/all")) == {key["sku"], other["sku"]}
    assert await read_status(client, studio, "/game/key/group/unknown") == (404, 4403)


async def test_get_item_groups(client: httpx.AsyncClient, studio: Studio) -> None:
    """A tree of what is enabled, by `order`, the newest of equals first."""
    top = await make_group(client, studio, "top", order=2, name={"en": "Top", "de": "Oben"})
    await make_group(client, studio, "other", order=1, description={"en": "Another."})
    for name in ("first", "second"):
        await make_group(client, studio, name)
        await put_under(studio, name, top)
    await make_group(client, studio, "hidden", isEnabled=False)
    # Nesting was done behind the API's back: a write tells the catalog.
    await make_group(client, studio, "last", order=3)
    found = (await read(client, studio, "/groups", locale="de"))["groups"]
    assert [(group["external_id"], group["name"], group["level"]) for group in found] == [
        ("other", "Other", 0),
        ("top", "Oben", 0),
        ("last", "Last", 0),
    ]
    assert found[0] == {
        "external_id": "other",
        "name": "Other",
        "description": "Another.",
        "image_url": None,
        "order": 1,
        "level": 0,
        "children": [],
        "parent_external_id": None,
    }
    inner = [(each["external_id"], each["level"], each["parent_external_id"]) for each in found[1]["children"]]
    assert inner == [("second", 1, "top"), ("first", 1, "top")]


async def test_get_drm_list(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await client.get(catalog_path(studio, "/game/drm"))
    drm = reply.json()["drm"]
    assert [(each["drm_id"], each["sku"]) for each in drm] == [(each.drm_id, each.sku) for each in DRMS.values()]
    for each in drm:
        picture = await client.get(httpx.URL(each["image"]).path)
        assert picture.status_code == 200, each["image"]
        assert picture.headers["content-type"].startswith("image/svg+xml")


@pytest.mark.parametrize("project", ["999999999", "0", "99999999999", "x", "-1"])
async def test_lists_of_unknown_projects(client: httpx.AsyncClient, project: str) -> None:
    reply = await client.get(f"/api/v2/project/{project}/items/virtual_items")
    assert refusal(reply) == (404, 0)


async def test_an_empty_catalog(client: httpx.AsyncClient, studio: Studio) -> None:
    for path in ("", "/virtual_items", "/virtual_currency", "/virtual_currency/package", "/bundle", "/game"):
        found = await read(client, studio, path)
        assert found == {"has_more": False, "items": [], "total_items_count": 0}
    assert await read(client, studio, "/virtual_items/all") == {"items": []}
    assert await read(client, studio, "/groups") == {"groups": []}
    assert await read_status(client, studio, f"/sku/{any_sku()}") == (404, 4001)

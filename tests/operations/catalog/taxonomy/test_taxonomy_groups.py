"""Groups: what may be written, what is counted, how their items are put in order, what a deletion leaves."""

import asyncio
from typing import Any

import httpx
import pytest

from haversack.catalog.records import ItemKind
from haversack.catalog.taxonomy.queries import lock_groups
from haversack.errors import Refusal
from make.catalog import version_of
from make.projects import Studio
from make.taxonomy import (
    admin,
    faulty_fields,
    make_group,
    new_group,
    parent_of,
    places_of,
    put_item,
    put_under,
    refusal,
)

ITEM_TYPES = {
    "virtual_items": ItemKind.VIRTUAL_GOOD,
    "virtual_currency": ItemKind.VIRTUAL_CURRENCY,
    "virtual_currency/package": ItemKind.VIRTUAL_CURRENCY_PACKAGE,
    "virtual_currency%2Fpackage": ItemKind.VIRTUAL_CURRENCY_PACKAGE,
    "game/key": ItemKind.GAME_KEY,
    "game%2Fkey": ItemKind.GAME_KEY,
    "bundle": ItemKind.BUNDLE,
    "game": ItemKind.GAME,
    "value_points": ItemKind.VALUE_POINT,
    "subscription_plans": None,
}


async def _get(client: httpx.AsyncClient, studio: Studio, path: str) -> Any:
    reply = await client.get(f"{admin(studio)}{path}", auth=studio.basic)
    assert reply.status_code == 200, reply.text
    return reply.json()


def _is_missing(reply: httpx.Response, studio: Studio, **lists: list[Any]) -> None:
    """The refusal of a group that there is not, with its object of ids."""
    assert refusal(reply) == (404, 4403)
    assert reply.json()["errorMessage"] == "[0401-4403]: Item group not found"
    expected = {"project_id": studio.project_id, "external_id_list": [], "group_id_list": [], **lists}
    assert reply.json()["errorMessageExtended"] == expected


async def test_admin_create_item_group(client: httpx.AsyncClient, studio: Studio) -> None:
    body = new_group(
        "Lamps_1-a",
        name={"en-US": "Lamps", "de": "Lampen", "fr": None},
        description={"en": "They shine"},
        iconUrl="https://pictures.example.com/lamp.png",
        isEnabled=False,
        order=7,
    )
    reply = await client.post(f"{admin(studio)}/items/groups", auth=studio.basic, json=body)
    assert (reply.status_code, reply.json()) == (201, {"external_id": "Lamps_1-a"})
    shown = await _get(client, studio, "/items/groups/Lamps_1-a")
    assert shown.pop("id") > 0
    assert shown == {
        "external_id": "Lamps_1-a",
        "name": {"en": "Lamps", "de": "Lampen"},
        "description": {"en": "They shine"},
        "image_url": "https://pictures.example.com/lamp.png",
        "is_enabled": False,
        "items_count": 0,
        "order": 7,
    }
    assert await version_of(studio) == 1


async def test_admin_create_item_group_with_defaults(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "lamps", description={"en": None}, iconUrl=None)
    shown = await _get(client, studio, "/items/groups/lamps")
    assert (shown["description"], shown["image_url"], shown["is_enabled"], shown["order"]) == (
        None,
        None,
        True,
        1,
    )


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"external_id": "a.b"}, {"external_id"}),
        ({"external_id": ""}, {"external_id"}),
        ({"external_id": "a" * 256}, {"external_id"}),
        ({"external_id": None, "name": {}}, {"external_id", "name"}),
        ({"name": {"en": "x", "de-AT": "y"}}, {"name.de-AT"}),
        ({"description": {}}, {"description"}),
        ({"description": {"sv": "Lampor"}}, {"description.sv"}),
        ({"iconUrl": 5}, {"iconUrl"}),
        ({"iconUrl": "h" * 2049}, {"iconUrl"}),
        ({"isEnabled": None}, {"isEnabled"}),
        ({"order": 2**31}, {"order"}),
        ({"order": None}, {"order"}),
        ({"is_enabled": True, "parent_external_id": "y"}, {"is_enabled", "parent_external_id"}),
    ],
)
async def test_admin_create_item_group_refuses(
    client: httpx.AsyncClient, studio: Studio, change: dict[str, Any], fields: set[str]
) -> None:
    reply = await client.post(f"{admin(studio)}/items/groups", auth=studio.basic, json=new_group() | change)
    assert refusal(reply) == (422, 1102)
    assert faulty_fields(reply) == fields
    assert (await _get(client, studio, "/items/groups"))["groups"] == []
    assert await version_of(studio) == 0


async def test_one_group_created_by_many_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    replies = await asyncio.gather(
        *(
            client.post(f"{admin(studio)}/items/groups", auth=studio.basic, json=new_group(order=number))
            for number in range(20)
        )
    )
    assert sorted(reply.status_code for reply in replies) == [201] + [422] * 19
    assert {faulty for reply in replies if reply.status_code == 422 for faulty in faulty_fields(reply)} == {
        "external_id"
    }
    assert len((await _get(client, studio, "/items/groups"))["groups"]) == 1
    assert await version_of(studio) == 1


async def test_admin_get_item_group_list(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    for external_id, order in (("old", 2), ("new", 2), ("last", 3), ("first", -1)):
        await make_group(client, studio, external_id, order=order, isEnabled=external_id != "new")
    await make_group(client, other_studio, "old")
    await put_item(studio, "lamp", groups=["old", "last"])
    await put_item(studio, "gems", kind=ItemKind.VIRTUAL_CURRENCY, groups=["old"])
    await put_item(studio, "loose")
    await put_item(other_studio, "lamp", groups=["old"])
    shown = await _get(client, studio, "/items/groups")
    counts = [(group["external_id"], group["items_count"]) for group in shown["groups"]]
    assert counts == [("first", 0), ("new", 0), ("old", 2), ("last", 1)], "of equals the newest stands first"
    assert (shown["total_items_count"], shown["has_more"]) == (4, False)


async def test_admin_get_item_group(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    group_id = await make_group(client, studio, "lamps")
    await put_item(studio, "lamp", groups=["lamps"])
    assert await _get(client, studio, "/items/groups/lamps") == {
        "id": group_id,
        "external_id": "lamps",
        "name": {"en": "Lamps"},
        "description": None,
        "image_url": None,
        "is_enabled": True,
        "items_count": 1,
        "order": 1,
    }
    reply = await client.get(f"{admin(studio)}/items/groups/other", auth=studio.basic)
    _is_missing(reply, studio, external_id_list=["other"])
    reply = await client.get(f"{admin(studio)}/items/groups/{group_id}", auth=studio.basic)
    _is_missing(reply, studio, external_id_list=[str(group_id)])
    reply = await client.get(f"{admin(other_studio)}/items/groups/lamps", auth=other_studio.basic)
    _is_missing(reply, other_studio, external_id_list=["lamps"])


async def test_admin_update_item_group(client: httpx.AsyncClient, studio: Studio) -> None:
    parent_id = await make_group(client, studio, "light")
    group_id = await make_group(client, studio, "lamps", description={"en": "Old"}, isEnabled=False, order=5)
    await put_under(studio, "lamps", parent_id)
    await put_item(studio, "lamp", groups=["lamps"])
    before = await version_of(studio)
    url = f"{admin(studio)}/items/groups/lamps"
    reply = await client.put(url, auth=studio.basic, json=new_group("lanterns", name={"de": "Laternen"}))
    assert (reply.status_code, reply.content) == (204, b"")
    assert await _get(client, studio, "/items/groups/lanterns") == {
        "id": group_id,
        "external_id": "lanterns",
        "name": {"de": "Laternen"},
        "description": None,
        "image_url": None,
        "is_enabled": True,
        "items_count": 1,
        "order": 1,
    }, "what is left out falls back to its default; items stay"
    assert await parent_of(studio, "lanterns") == parent_id
    _is_missing(await client.get(url, auth=studio.basic), studio, external_id_list=["lamps"])
    assert await version_of(studio) == before + 1


async def test_admin_update_item_group_refuses(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "lamps")
    await make_group(client, studio, "boats")
    before = await version_of(studio)
    url = f"{admin(studio)}/items/groups"
    taken = await client.put(f"{url}/lamps", auth=studio.basic, json=new_group("boats"))
    assert refusal(taken) == (422, 1102)
    assert faulty_fields(taken) == {"external_id"}
    unknown = await client.put(f"{url}/other", auth=studio.basic, json=new_group("other"))
    _is_missing(unknown, studio, external_id_list=["other"])
    faulty = await client.put(f"{url}/lamps", auth=studio.basic, json={"order": "first"})
    assert faulty_fields(faulty) == {"external_id", "name", "order"}
    listed = (await _get(client, studio, "/items/groups"))["groups"]
    assert {group["external_id"] for group in listed} == {"lamps", "boats"}
    assert await version_of(studio) == before


async def test_admin_delete_item_group(client: httpx.AsyncClient, studio: Studio) -> None:
    group_id = await make_group(client, studio, "lamps")
    await make_group(client, studio, "lanterns")
    await make_group(client, studio, "boats")
    await put_under(studio, "lanterns", group_id)
    both = await put_item(studio, "both", groups=["lamps", "boats"])
    before = await version_of(studio)
    url = f"{admin(studio)}/items/groups/lamps"
    numbered = await client.delete(f"{admin(studio)}/items/groups/{group_id}", auth=studio.basic)
    _is_missing(numbered, studio, external_id_list=[str(group_id)])
    reply = await client.delete(url, auth=studio.basic)
    assert (reply.status_code, reply.content) == (204, b"")
    _is_missing(await client.delete(url, auth=studio.basic), studio, external_id_list=["lamps"])
    assert await parent_of(studio, "lanterns") is None, "children move to the top"
    assert await places_of(studio, "boats") == {both: None}, "items stay, in their other groups too"
    assert await version_of(studio) == before + 1
    await make_group(client, studio, "lamps")
    assert (await _get(client, studio, "/items/groups/lamps"))["items_count"] == 0


async def _items_of_all_kinds(client: httpx.AsyncClient, studio: Studio) -> None:
    """Two groups: `all` with an item of each kind (two virtual items), `lamps` with a virtual item."""
    await make_group(client, studio, "all", order=1)
    await make_group(client, studio, "lamps", order=2)
    await make_group(client, studio, "empty", order=3)
    game = await put_item(studio, "game", kind=ItemKind.GAME, groups=["all"])
    for kind in set(ITEM_TYPES.values()) - {ItemKind.GAME, None}:
        assert kind is not None
        parent = game if kind is ItemKind.GAME_KEY else None
        await put_item(studio, kind.value, kind=kind, parent=parent, groups=["all"])
    await put_item(studio, "lamp", groups=["all", "lamps"])


async def test_admin_get_item_group_list_by_item_type(client: httpx.AsyncClient, studio: Studio) -> None:
    await _items_of_all_kinds(client, studio)
    for item_type, kind in ITEM_TYPES.items():
        shown = await _get(client, studio, f"/items/{item_type}/groups")
        found = [
            (group["external_id"], group["items_count"], group["is_contains_any_items"]) for group in shown["groups"]
        ]
        in_all = {ItemKind.VIRTUAL_GOOD: 2, None: 0}.get(kind, 1)
        in_lamps = 1 if kind is ItemKind.VIRTUAL_GOOD else 0
        assert found == [("all", in_all, True), ("lamps", in_lamps, True), ("empty", 0, False)], item_type
        assert (shown["total_items_count"], shown["has_more"]) == (3, False)


async def test_admin_get_item_group_list_by_item_type_refuses(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await client.get(f"{admin(studio)}/items/hats/groups", auth=studio.basic)
    assert refusal(reply) == (422, 1102)
    assert faulty_fields(reply) == {"item_type"}


async def test_admin_get_item_group_list_of_packages(client: httpx.AsyncClient, studio: Studio) -> None:
    await _items_of_all_kinds(client, studio)
    plain = await _get(client, studio, "/items/virtual_currency/package/groups")
    assert plain == await _get(client, studio, "/items/virtual_currency%2Fpackage/groups")
    assert plain["groups"][0]["items_count"] == 1


async def test_admin_get_item_group_list_of_game_keys(client: httpx.AsyncClient, studio: Studio) -> None:
    await _items_of_all_kinds(client, studio)
    plain = await _get(client, studio, "/items/game/key/groups")
    assert plain == await _get(client, studio, "/items/game%2Fkey/groups")
    assert plain["groups"][0]["items_count"] == 1


@pytest.mark.parametrize("item_type", ITEM_TYPES)
async def test_admin_get_item_group_by_item_type(client: httpx.AsyncClient, studio: Studio, item_type: str) -> None:
    """The test of admin_get_item_group_of_packages and admin_get_item_group_of_game_keys too."""
    await _items_of_all_kinds(client, studio)
    shown = await _get(client, studio, f"/items/{item_type}/groups/lamps")
    assert shown["external_id"] == "lamps"
    assert shown["items_count"] == (1 if item_type == "virtual_items" else 0)
    assert shown["is_contains_any_items"] is True
    reply = await client.get(f"{admin(studio)}/items/{item_type}/groups/other", auth=studio.basic)
    _is_missing(reply, studio, external_id_list=["other"])


async def test_admin_get_item_group_of_packages(client: httpx.AsyncClient, studio: Studio) -> None:
    await _items_of_all_kinds(client, studio)
    assert (await _get(client, studio, "/items/virtual_currency/package/groups/all"))["items_count"] == 1


async def test_admin_get_item_group_of_game_keys(client: httpx.AsyncClient, studio: Studio) -> None:
    await _items_of_all_kinds(client, studio)
    assert (await _get(client, studio, "/items/game/key/groups/all"))["items_count"] == 1


async def test_admin_reorder_items_in_group(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "lamps")
    await make_group(client, studio, "boats")
    one = await put_item(studio, "one", groups=["lamps", "boats"])
    two = await put_item(studio, "two", groups=["lamps"])
    three = await put_item(studio, "three", groups=["lamps"])
    before = await version_of(studio)
    url = f"{admin(studio)}/group/lamps/order/item"
    places = [{"item_id": two, "order": 1}, {"item_id": one, "order": 2}]
    reply = await client.put(url, auth=studio.basic, json=places)
    assert (reply.status_code, reply.content) == (204, b"")
    assert await places_of(studio, "lamps") == {one: 2, two: 1, three: None}
    assert await places_of(studio, "boats") == {one: None}, "other groups have an order of their own"
    reply = await client.put(url, auth=studio.basic, json=[{"item_id": three, "order": 0}])
    assert reply.status_code == 204
    assert await places_of(studio, "lamps") == {one: 2, two: 1, three: 0}
    assert await version_of(studio) == before + 2


async def test_admin_reorder_items_in_group_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    group_id = await make_group(client, studio, "lamps")
    one = await put_item(studio, "one", groups=["lamps"])
    url = f"{admin(studio)}/group/id/{group_id}/order/item"
    reply = await client.put(url, auth=studio.basic, json=[{"item_id": one, "order": 4}])
    assert (reply.status_code, reply.content) == (204, b"")
    assert await places_of(studio, "lamps") == {one: 4}
    unknown = await client.put(f"{admin(studio)}/group/id/7/order/item", auth=studio.basic, json=[])
    _is_missing(unknown, studio, group_id_list=[7])
    wrong = await client.put(f"{admin(studio)}/group/id/lamps/order/item", auth=studio.basic, json=[])
    assert refusal(wrong) == (422, 1102)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ([{"item_id": "one", "order": 9}, {"item_id": 1, "order": 1}], {"1.item_id"}),
        ([{"item_id": "loose", "order": 9}], {"0.item_id"}),
        ([{"item_id": "one", "order": 1}, {"item_id": "one", "order": 2}], {"1.item_id"}),
        ([{"item_id": "one"}, {"order": 2}], {"0.order", "1.item_id"}),
        ([{"item_id": "one", "order": None, "sku": "x"}], {"0.order", "0.sku"}),
        ([{"item_id": "one", "order": 2**31}, {"item_id": 2**31, "order": 1}], {"0.order", "1.item_id"}),
        ({"item_id": "one", "order": 1}, {"body"}),
    ],
)
async def test_admin_reorder_items_in_group_refuses(
    client: httpx.AsyncClient, studio: Studio, body: Any, fields: set[str]
) -> None:
    group_id = await make_group(client, studio, "lamps")
    ids = {"one": await put_item(studio, "one", groups=["lamps"]), "loose": await put_item(studio, "loose")}
    for entry in body if isinstance(body, list) else [body]:
        if "item_id" in entry:
            entry["item_id"] = ids.get(entry["item_id"], entry["item_id"])
    before = await version_of(studio)
    for url in (
        f"{admin(studio)}/group/lamps/order/item",
        f"{admin(studio)}/group/id/{group_id}/order/item",
    ):
        reply = await client.put(url, auth=studio.basic, json=body)
        assert refusal(reply) == (422, 1102), reply.text
        assert faulty_fields(reply) == fields
    assert await places_of(studio, "lamps") == {ids["one"]: None}, "all or nothing"
    assert await version_of(studio) == before


async def test_admin_reorder_items_in_unknown_group(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    group_id = await make_group(client, other_studio, "lamps")
    reply = await client.put(f"{admin(studio)}/group/lamps/order/item", auth=studio.basic, json=[])
    _is_missing(reply, studio, external_id_list=["lamps"])
    reply = await client.put(f"{admin(studio)}/group/id/{group_id}/order/item", auth=studio.basic, json=[])
    _is_missing(reply, studio, group_id_list=[group_id])


async def test_groups_of_an_item_are_all_named_where_they_are_missing(
    client: httpx.AsyncClient, studio: Studio
) -> None:
    await make_group(client, studio, "lamps")
    db = studio.context.database.session()
    async with db.begin():
        found = await lock_groups(db, studio.project_id, ["lamps", "lamps"])
        assert list(found) == ["lamps"]
        with pytest.raises(Refusal) as refused:
            await lock_groups(db, studio.project_id, ["boats", "lamps", "hats", "boats"])
    assert refused.value.kind.code == 4403
    assert refused.value.extended is not None
    assert refused.value.extended["external_id_list"] == ["boats", "hats"]


async def test_reorders_at_once_leave_one_of_their_orders(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_group(client, studio, "lamps")
    ids = [await put_item(studio, f"i{number}", groups=["lamps"]) for number in range(5)]
    url = f"{admin(studio)}/group/lamps/order/item"
    orders = [
        [{"item_id": item_id, "order": 10 * turn + place} for place, item_id in enumerate(ids[turn:] + ids[:turn])]
        for turn in range(5)
    ]
    replies = await asyncio.gather(*(client.put(url, auth=studio.basic, json=order) for order in orders * 4))
    assert {reply.status_code for reply in replies} == {204}
    stored = await places_of(studio, "lamps")
    assert stored in [{entry["item_id"]: entry["order"] for entry in order} for order in orders]

"""Filter rules: what a studio writes, reads, changes and deletes of them, and what is refused."""

import asyncio
from typing import Any

import httpx
import pytest

from haversack.catalog.items.queries import find_known_items
from haversack.personalization.queries import get_rule as find_rule
from haversack.personalization.queries import list_enabled_rules
from make.catalog import (
    admin_path,
    any_sku,
    bundle,
    game,
    game_key,
    make_item,
    package,
    post_item,
    save_virtual_item,
    version_of,
)
from make.codes import faults
from make.personalization import (
    ELVES,
    LEVEL_10,
    NEWCOMERS,
    filter_rule,
    get_rule,
    make_rule,
    post_rule,
    rule_path,
)
from make.projects import Studio


async def _lamp(studio: Studio) -> tuple[str, int]:
    sku = any_sku()
    return sku, await save_virtual_item(studio, sku)


async def test_create_filter_rule(client: httpx.AsyncClient, studio: Studio) -> None:
    pearls = await make_item(client, studio, "virtual_currency")
    sack, crate, story = package(pearls["sku"]), bundle(pearls["sku"]), game(game_key())
    for kind, body in (("package", sack), ("bundle", crate), ("game", story)):
        assert (await post_item(client, studio, kind, body)).status_code == 201
    before = await version_of(studio)
    rule_id = await make_rule(client, studio, filter_rule(pearls["sku"], sack["sku"], crate["sku"], story["sku"]))
    assert await version_of(studio) > before
    found = await get_rule(client, studio, rule_id)
    items = found.pop("items")
    assert found == {
        "rule_id": rule_id,
        "name": "For elves",
        "is_enabled": True,
        "attribute_conditions": [ELVES],
        "is_satisfied_for_unauth": False,
    }
    assert [(each["sku"], each["name"], each["type"], each.get("bundle_type")) for each in items] == [
        (pearls["sku"], "Pearls", "virtual_currency", None),
        (sack["sku"], "Sack", "bundle", "virtual_currency_package"),
        (crate["sku"], "Crate", "bundle", "standard"),
        (story["sku"], "Sea Stories", "unit", None),
    ]
    assert "bundle_type" not in items[0]


async def test_create_filter_rule_with_conditions_of_every_type(client: httpx.AsyncClient, studio: Studio) -> None:
    # The document has no rule of several types, and gives numbers the operators of dates. The guide has both.
    sku, _ = await _lamp(studio)
    rule_id = await make_rule(client, studio, filter_rule(sku, attribute_conditions=[ELVES, LEVEL_10, NEWCOMERS]))
    rule = await find_rule(studio.context.database.session(), studio.project_id, rule_id)
    assert [(each.type, each.operator, each.value, each.can_be_missing) for each in rule.conditions] == [
        ("string", "eq", "elf", False),
        ("number", "ge", "10", False),
        ("date", "lt", "2026-01-01", True),
    ]


async def test_create_filter_rule_by_item_ids(client: httpx.AsyncClient, studio: Studio) -> None:
    (first, first_id), (second, second_id) = await _lamp(studio), await _lamp(studio)
    # An item that is named twice is in it once.
    items = [{"item_id": second_id}, {"sku": first}, {"item_id": first_id, "sku": first}]
    rule_id = await make_rule(client, studio, filter_rule(items=items, is_satisfied_for_unauth=True))
    found = await get_rule(client, studio, rule_id)
    assert [(each["item_id"], each["sku"]) for each in found["items"]] == [(second_id, second), (first_id, first)]
    assert found["is_satisfied_for_unauth"] is True


@pytest.mark.parametrize(
    ("changes", "faulty"),
    [
        ({"name": ""}, {"name"}),
        ({"name": " For elves"}, {"name"}),
        ({"name": "x" * 256}, {"name"}),
        ({"name": None, "is_enabled": "yes"}, {"name", "is_enabled"}),
        ({"is_satisfied_for_unauth": 1}, {"is_satisfied_for_unauth"}),
        ({"attribute_conditions": []}, {"attribute_conditions"}),
        ({"attribute_conditions": [ELVES] * 101}, {"attribute_conditions"}),
        ({"attribute_conditions": [{**ELVES, "operator": "gt"}]}, {"attribute_conditions.0.string.operator"}),
        ({"attribute_conditions": [{**LEVEL_10, "operator": "er"}]}, {"attribute_conditions.0.number.operator"}),
        ({"attribute_conditions": [{**LEVEL_10, "value": "high"}]}, {"attribute_conditions.0.number.value"}),
        ({"attribute_conditions": [{**NEWCOMERS, "value": "soon"}]}, {"attribute_conditions.0.date.value"}),
        ({"attribute_conditions": [{**ELVES, "attribute": "a b"}]}, {"attribute_conditions.0.string.attribute"}),
        ({"items": []}, {"items"}),
        ({"items": [{"item_id": each} for each in range(1, 102)]}, {"items"}),
        ({"items": [{}]}, {"items.0"}),
        ({"items": [{"sku": "no such item!"}, {"item_id": "1"}]}, {"items.0.sku", "items.1.item_id"}),
        ({"items": [{"sku": "nothing-has-it"}, {"item_id": 1}]}, {"items.0.sku", "items.1.item_id"}),
        ({"rule_id": 5, "priority": 1}, {"rule_id", "priority"}),
    ],
)
async def test_create_filter_rule_names_every_fault(
    client: httpx.AsyncClient, studio: Studio, changes: dict[str, Any], faulty: set[str]
) -> None:
    sku, _ = await _lamp(studio)
    before = await version_of(studio)
    assert faults(await post_rule(client, studio, filter_rule(sku, **changes))) == faulty
    assert await version_of(studio) == before


async def test_create_filter_rule_needs_everything_but_one(client: httpx.AsyncClient, studio: Studio) -> None:
    assert faults(await post_rule(client, studio, {})) == {"name", "is_enabled", "attribute_conditions", "items"}


async def test_create_filter_rule_about_what_is_for_sale(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    story = game(game_key())
    assert (await post_item(client, studio, "game", story)).status_code == 201
    (lamp, lamp_id), (_, other_id) = await _lamp(studio), await _lamp(studio)
    foreign, foreign_id = await _lamp(other_studio)
    key = story["unit_items"][0]["sku"]
    items = [{"sku": key}, {"sku": foreign}, {"item_id": foreign_id}, {"item_id": other_id, "sku": lamp}]
    reply = await post_rule(client, studio, filter_rule(items=[*items, {"item_id": lamp_id, "sku": lamp}]))
    assert faults(reply) == {"items.0.sku", "items.1.sku", "items.2.item_id", "items.3.item_id"}
    messages = [fault["message"] for fault in reply.json()["errorMessageExtended"]]
    assert messages[0] == f"{key} is a key: name its game"
    assert messages[3] == f"there is no item {other_id} with the SKU {lamp}"


async def test_get_filter_rules(client: httpx.AsyncClient, studio: Studio) -> None:
    sku, _ = await _lamp(studio)
    made = [
        await make_rule(client, studio, filter_rule(sku, name=f"Rule {number}", is_enabled=number != 1))
        for number in range(3)
    ]

    async def page(**query: int) -> tuple[list[int], int, bool]:
        reply = await client.get(rule_path(studio), params=query, auth=studio.basic)
        assert reply.status_code == 200, reply.text
        body = reply.json()
        return [each["rule_id"] for each in body["items"]], body["total_items_count"], body["has_more"]

    assert await page() == (made, 3, False)
    assert await page(limit=2) == (made[:2], 3, True)
    assert await page(limit=2, offset=2) == (made[2:], 3, False)
    assert await page(limit=1_000, offset=3) == ([], 3, False)
    assert await page(is_enabled=1) == ([made[0], made[2]], 2, False)
    assert await page(is_enabled=0) == ([made[1]], 1, False)


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": "all"}, {"offset": -1}, {"offset": 2**31}, {"is_enabled": 2}, {"is_enabled": "x"}]
)
async def test_get_filter_rules_of_a_faulty_page(
    client: httpx.AsyncClient, studio: Studio, query: dict[str, Any]
) -> None:
    reply = await client.get(rule_path(studio), params=query, auth=studio.basic)
    assert faults(reply) == set(query)


async def test_get_all_filter_rules(client: httpx.AsyncClient, studio: Studio) -> None:
    sku, _ = await _lamp(studio)
    first = await make_rule(client, studio, filter_rule(sku))
    second = await make_rule(client, studio, filter_rule(sku, name="Off", is_enabled=False))
    reply = await client.get(rule_path(studio, "all"), auth=studio.basic)
    assert reply.json() == {
        "items": [
            {"rule_id": first, "name": "For elves", "is_enabled": True, "is_satisfied_for_unauth": False},
            {"rule_id": second, "name": "Off", "is_enabled": False, "is_satisfied_for_unauth": False},
        ]
    }


@pytest.mark.parametrize("rest", ["", "all"])
async def test_get_filter_rules_without_a_header(client: httpx.AsyncClient, studio: Studio, rest: str) -> None:
    reply = await client.get(rule_path(studio, rest))
    assert (reply.status_code, reply.json()["errorCode"]) == (403, 0)


async def test_get_filter_rule_by_id_without_deleted_items(client: httpx.AsyncClient, studio: Studio) -> None:
    (kept, _), (gone, _) = await _lamp(studio), await _lamp(studio)
    rule_id = await make_rule(client, studio, filter_rule(gone, kept))
    reply = await client.delete(admin_path(studio, "virtual_item", f"/sku/{gone}"), auth=studio.basic)
    assert reply.status_code == 204
    assert [each["sku"] for each in (await get_rule(client, studio, rule_id))["items"]] == [kept]


async def test_update_filter_rule_by_id_replaces_everything(client: httpx.AsyncClient, studio: Studio) -> None:
    (first, _), (second, _) = await _lamp(studio), await _lamp(studio)
    rule_id = await make_rule(client, studio, filter_rule(first, is_satisfied_for_unauth=True))
    before = await version_of(studio)
    body = filter_rule(second, name="For newcomers", is_enabled=False, attribute_conditions=[NEWCOMERS])
    reply = await client.put(rule_path(studio, rule_id), json=body, auth=studio.basic)
    assert (reply.status_code, reply.content) == (204, b"")
    assert await version_of(studio) > before
    found = await get_rule(client, studio, rule_id)
    assert [each["sku"] for each in found["items"]] == [second]
    assert (found["name"], found["is_enabled"]) == ("For newcomers", False)
    assert found["attribute_conditions"] == [NEWCOMERS]
    # It was not sent: it has its default again.
    assert found["is_satisfied_for_unauth"] is False


async def test_update_filter_rule_by_id_refuses_half_of_one(client: httpx.AsyncClient, studio: Studio) -> None:
    sku, _ = await _lamp(studio)
    rule_id = await make_rule(client, studio, filter_rule(sku))
    before = await get_rule(client, studio, rule_id)
    reply = await client.put(rule_path(studio, rule_id), json={"name": "Half"}, auth=studio.basic)
    assert faults(reply) == {"is_enabled", "attribute_conditions", "items"}
    assert await get_rule(client, studio, rule_id) == before


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"name": "Another"},
        {"is_enabled": False},
        {"attribute_conditions": [NEWCOMERS]},
        {"is_satisfied_for_unauth": False},
    ],
)
async def test_patch_filter_rule_by_id_keeps_the_rest(
    client: httpx.AsyncClient, studio: Studio, change: dict[str, Any]
) -> None:
    sku, _ = await _lamp(studio)
    rule_id = await make_rule(client, studio, filter_rule(sku, is_satisfied_for_unauth=True))
    before, version = await get_rule(client, studio, rule_id), await version_of(studio)
    reply = await client.patch(rule_path(studio, rule_id), json=change, auth=studio.basic)
    assert (reply.status_code, reply.content) == (204, b"")
    assert await get_rule(client, studio, rule_id) == {**before, **change}
    assert await version_of(studio) > version


async def test_patch_filter_rule_by_id_replaces_items(client: httpx.AsyncClient, studio: Studio) -> None:
    (first, _), (second, second_id) = await _lamp(studio), await _lamp(studio)
    rule_id = await make_rule(client, studio, filter_rule(first))
    change = {"items": [{"item_id": second_id}]}
    assert (await client.patch(rule_path(studio, rule_id), json=change, auth=studio.basic)).status_code == 204
    assert [each["sku"] for each in (await get_rule(client, studio, rule_id))["items"]] == [second]


@pytest.mark.parametrize(
    ("change", "faulty"),
    [
        (dict.fromkeys(("name", "is_enabled", "items")), {"name", "is_enabled", "items"}),
        (
            {"attribute_conditions": None, "is_satisfied_for_unauth": None},
            {"attribute_conditions", "is_satisfied_for_unauth"},
        ),
        ({"items": [], "title": "x"}, {"items", "title"}),
        ({"items": [{"sku": "nothing-has-it"}], "name": "Another"}, {"items.0.sku"}),
    ],
)
async def test_patch_filter_rule_by_id_names_every_fault(
    client: httpx.AsyncClient, studio: Studio, change: dict[str, Any], faulty: set[str]
) -> None:
    sku, _ = await _lamp(studio)
    rule_id = await make_rule(client, studio, filter_rule(sku))
    before = await get_rule(client, studio, rule_id)
    assert faults(await client.patch(rule_path(studio, rule_id), json=change, auth=studio.basic)) == faulty
    assert await get_rule(client, studio, rule_id) == before


async def test_patch_filter_rule_by_id_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    sku, _ = await _lamp(studio)
    rule_id = await make_rule(client, studio, filter_rule(sku))
    changes = [{"name": "Another"}, {"is_enabled": False}, {"is_satisfied_for_unauth": True}]
    url = rule_path(studio, rule_id)
    replies = await asyncio.gather(*(client.patch(url, json=change, auth=studio.basic) for change in changes))
    assert [reply.status_code for reply in replies] == [204, 204, 204]
    found = await get_rule(client, studio, rule_id)
    # None of them has undone another's.
    assert (found["name"], found["is_enabled"], found["is_satisfied_for_unauth"]) == ("Another", False, True)


async def test_delete_filter_rule_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    sku, _ = await _lamp(studio)
    rule_id, other = [await make_rule(client, studio, filter_rule(sku)) for _ in range(2)]
    before = await version_of(studio)
    reply = await client.delete(rule_path(studio, rule_id), auth=studio.basic)
    assert (reply.status_code, reply.content) == (204, b"")
    assert await version_of(studio) > before
    left = await list_enabled_rules(studio.context.database.session(), studio.project_id)
    assert [rule.rule_id for rule in left] == [other]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_get_filter_rule_by_id_that_is_not_there(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, method: str
) -> None:
    sku, _ = await _lamp(other_studio)
    foreign = await make_rule(client, other_studio, filter_rule(sku))
    mine, _ = await _lamp(studio)
    body = None if method in ("GET", "DELETE") else filter_rule(mine)
    before = await version_of(studio)
    for rule_id in (foreign, 2**31 - 1):
        reply = await client.request(method, rule_path(studio, rule_id), json=body, auth=studio.basic)
        assert reply.status_code == 404
        assert reply.json()["errorMessage"] == f"There is no filter rule {rule_id} in this project."
    for faulty in ("0", "one", 2**31):
        reply = await client.request(method, rule_path(studio, faulty), json=body, auth=studio.basic)
        assert faults(reply) == {"rule_id"}
    assert await version_of(studio) == before
    assert (await get_rule(client, other_studio, foreign))["name"] == "For elves"


async def test_rules_that_hold_name_the_keys_of_their_games(client: httpx.AsyncClient, studio: Studio) -> None:
    story = game(game_key(), game_key("drmfree"))
    assert (await post_item(client, studio, "game", story)).status_code == 201
    lamp, lamp_id = await _lamp(studio)
    await make_rule(client, studio, filter_rule(lamp, story["sku"]))
    await make_rule(client, studio, filter_rule(lamp, is_enabled=False))
    db = studio.context.database.session()
    (rule,) = await list_enabled_rules(db, studio.project_id)
    skus = [story["sku"], *(key["sku"] for key in story["unit_items"])]
    known = await find_known_items(db, studio.project_id, skus)
    assert set(rule.item_ids) == {lamp_id, *(item.item_id for item in known.values())}
    assert len(known) == 3

"""Lists, single reads and deletes."""

from uuid import uuid4

import httpx
import pytest

from make.backpack import give, held_items
from make.projects import Studio, make_project_beside


async def test_user_backpack_items_list(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    given = [await give(client, studio, player_id, "virtual_items", item_sku=f"i{n}") for n in range(55)]
    url = f"{studio.backpack}/users/{player_id}/items"
    headers = await studio.host_headers(client)
    everything = (await client.get(url, headers=headers)).json()
    assert [item["item_id"] for item in everything] == [item["item_id"] for item in reversed(given)]
    page = (await client.get(url, params={"offset": 2, "limit": 3}, headers=headers)).json()
    assert [item["item_sku"] for item in page] == ["i52", "i51", "i50"]
    assert len((await client.get(url, params={"limit": 0}, headers=headers)).json()) == 55
    for wrong in ({"limit": -1}, {"offset": "x"}, {"limit": 2**32}):
        assert (await client.get(url, params=wrong, headers=headers)).status_code == 400


async def test_items_of_one_call_stand_in_its_order(client: httpx.AsyncClient, studio: Studio) -> None:
    from make.backpack import new_virtual_item, post_items

    player_id = uuid4()
    await post_items(
        client,
        studio,
        "virtual_items",
        [new_virtual_item(item_sku=sku) for sku in "abc"],
        player_id=player_id,
    )
    assert [item["item_sku"] for item in await held_items(client, studio, player_id)] == ["a", "b", "c"]


async def test_get_user_backpack_items(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    headers = await studio.player_headers(player_id)
    for n in range(60):
        await give(client, studio, player_id, "virtual_items", item_sku=f"i{n}")
    assert len((await client.get("/web/backpack/items", headers=headers)).json()) == 50
    reply = await client.get("/web/backpack/items", params={"limit": 1000}, headers=headers)
    assert len(reply.json()) == 60
    for wrong in ({"limit": 0}, {"limit": "many"}, {"offset": -1}, {"group": "price"}, {"item_type": "hat"}):
        assert (await client.get("/web/backpack/items", params=wrong, headers=headers)).status_code == 400


async def test_list_over_the_projects_of_a_login_project(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    player_id = uuid4()
    beside = await make_project_beside(studio)
    await give(client, studio, player_id, "virtual_items", item_sku="one")
    await give(client, beside, player_id, "virtual_items", item_sku="two")
    await give(client, other_studio, player_id, "virtual_items", item_sku="foreign")
    held = await held_items(client, studio, player_id)
    assert [(item["item_sku"], item["project_id"]) for item in held] == [
        ("two", beside.project_id),
        ("one", studio.project_id),
    ]


@pytest.mark.parametrize(
    "query",
    [
        [("item_type", "game_key"), ("item_type", "promo_code")],
        [("item_type", "game_key,promo_code")],
        [("item_type", "game_key, promo_code")],
    ],
)
async def test_item_types(client: httpx.AsyncClient, studio: Studio, query: list[tuple[str, str]]) -> None:
    player_id = uuid4()
    for kind in ("game_keys", "promo_codes", "virtual_items"):
        await give(client, studio, player_id, kind)
    reply = await client.get("/web/backpack/items", params=query, headers=await studio.player_headers(player_id))
    assert {item["item_type"] for item in reply.json()} == {"game_key", "promo_code"}


async def test_grouped_by_game(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    for game in ("Zebra", "", "apple", "Zebra"):
        await give(client, studio, player_id, "game_keys", game_name=game)
    reply = await client.get(
        "/web/backpack/items", params={"group": "game_name"}, headers=await studio.player_headers(player_id)
    )
    assert [(group["game_name"], len(group["items"])) for group in reply.json()] == [
        ("apple", 1),
        ("Zebra", 2),
        ("", 1),
    ]


async def test_get_user_backpack_item(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "game_keys")
    url = f"/web/backpack/items/{item['item_id']}"
    own = await client.get(url, headers=await studio.player_headers(player_id))
    assert own.json()["code"] == item["code"]
    assert own.json()["image_proxy_url"].endswith("?w=620&h=233")
    foreign = await client.get(url, headers=await studio.player_headers(uuid4()))
    assert foreign.status_code == 404
    malformed = await client.get("/web/backpack/items/17", headers=await studio.player_headers(player_id))
    assert malformed.status_code == 400


async def test_delete_item(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "game_keys")
    headers = await studio.host_headers(client)
    url = f"{studio.backpack}/users/{player_id}/items/{item['item_id']}"
    wrong_player = await client.delete(f"{studio.backpack}/users/{uuid4()}/items/{item['item_id']}", headers=headers)
    assert wrong_player.status_code == 404
    assert len(await held_items(client, studio, player_id)) == 1
    assert (await client.delete(url, headers=headers)).status_code == 204
    assert await held_items(client, studio, player_id) == []
    assert (await client.delete(url, headers=headers)).status_code == 404


async def test_no_picture_address_for_what_is_no_address(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    await give(client, studio, player_id, "game_keys", image_url="lamp.png")
    (item,) = await held_items(client, studio, player_id)
    assert item["image_proxy_url"] is None

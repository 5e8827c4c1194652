"""Games gather items: creating, listing, renaming, and items that bring a game along."""

from uuid import UUID, uuid4

import httpx

from make.backpack import give, held_items
from make.projects import Studio

GAME = {"external_game_id": "lantern", "game_name": "Lantern", "game_image_url": "https://example.com/l.png"}


async def _create(client: httpx.AsyncClient, studio: Studio, **changes: object) -> httpx.Response:
    headers = await studio.host_headers(client)
    return await client.post(f"{studio.backpack}/games", json={**GAME, **changes}, headers=headers)


async def _games(client: httpx.AsyncClient, studio: Studio) -> list[dict[str, str]]:
    reply = await client.get(f"{studio.backpack}/games", headers=await studio.host_headers(client))
    assert reply.status_code == 200
    games: list[dict[str, str]] = reply.json()
    return games


async def test_create_game(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await _create(client, studio)
    assert reply.status_code == 201
    UUID(reply.json()["id"])
    assert await _games(client, studio) == [{"external_game_id": "lantern", "game_name": "Lantern"}]


async def test_get_games(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    await _create(client, studio)
    await _create(client, studio, external_game_id="cirrus", game_name="")
    assert [game["game_name"] for game in await _games(client, studio)] == ["Lantern", "cirrus"]
    assert await _games(client, other_studio) == []


async def test_ids_of_the_body_must_be_those_of_the_path(client: httpx.AsyncClient, studio: Studio) -> None:
    same = await _create(client, studio, merchant_id=studio.merchant_id, project_id=studio.project_id)
    assert same.status_code == 201
    other = await _create(client, studio, external_game_id="b", merchant_id=1, project_id=2)
    assert other.status_code == 400
    assert {fault["property"] for fault in other.json()["errors"]} == {"merchant_id", "project_id"}


async def test_second_game_with_one_external_id(client: httpx.AsyncClient, studio: Studio) -> None:
    await _create(client, studio)
    reply = await _create(client, studio, game_name="Other")
    assert reply.status_code == 400
    assert "lantern" in reply.json()["message"]
    assert [game["game_name"] for game in await _games(client, studio)] == ["Lantern"]


async def test_update_game_details(client: httpx.AsyncClient, studio: Studio) -> None:
    await _create(client, studio)
    player_id = uuid4()
    linked = await give(client, studio, player_id, "game_keys", external_game_id="lantern", game_name="Ignored")
    alone = await give(client, studio, player_id, "game_keys", game_name="Lantern")
    assert linked["game_name"] == "Lantern"
    reply = await client.put(
        f"{studio.backpack}/games",
        json={"external_game_id": "lantern", "game_name": "Lanternfall"},
        headers=await studio.host_headers(client),
    )
    assert reply.status_code == 204
    names = {item["item_id"]: item["game_name"] for item in await held_items(client, studio, player_id)}
    assert names == {linked["item_id"]: "Lanternfall", alone["item_id"]: "Lantern"}


async def test_update_of_an_unknown_or_faulty_game(client: httpx.AsyncClient, studio: Studio) -> None:
    headers = await studio.host_headers(client)
    unknown = await client.put(f"{studio.backpack}/games", json={"external_game_id": "no"}, headers=headers)
    faulty = await client.put(f"{studio.backpack}/games", json={"game_name": "x"}, headers=headers)
    assert (unknown.status_code, faulty.status_code) == (422, 422)
    assert faulty.json()["errors"][0]["property"] == "external_game_id"


async def test_item_with_an_unknown_id_and_a_name_makes_the_game(client: httpx.AsyncClient, studio: Studio) -> None:
    await give(client, studio, uuid4(), "game_keys", external_game_id="new", game_name="New game")
    await give(client, studio, uuid4(), "game_keys", external_game_id="nameless")
    assert await _games(client, studio) == [{"external_game_id": "new", "game_name": "New game"}]

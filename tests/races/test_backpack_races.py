"""The same Backpack call many times at once: one effect, clean refusals, no server error."""

import asyncio
from uuid import uuid4

import httpx

from haversack.context import Context
from make.backpack import connect_game, give, held_items, new_game_key, post_items
from make.inventory import balances_of, make_currency
from make.projects import Studio
from make.receiver import Answer, Receiver

CALLS = 50


async def test_simultaneous_moves_deliver_once(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items")
    headers = await studio.player_headers(player_id)
    body = {"item_id": item["item_id"], "user_game_id": "hero"}
    async with Receiver() as game:
        game.answer_always(Answer(delay_seconds=0.05))
        await connect_game(studio, game.url)
        replies = await asyncio.gather(
            *(client.post("/web/backpack/virtual_items/move_to_game", json=body, headers=headers) for _ in range(CALLS))
        )
        delivered = [each for each in game.received if each.json["notification_type"] == "order_paid"]
    statuses = sorted(reply.status_code for reply in replies)
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 400, 404}
    assert len(delivered) == 1
    assert await held_items(client, studio, player_id) == []


async def test_simultaneous_receives_grant_once(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    player_id = uuid4()
    await make_currency(studio, "gems", "Gems")
    item = await give(client, studio, player_id, "virtual_currency", item_sku="gems", quantity=300)
    headers = await studio.player_headers(player_id)
    body = {"item_id": item["item_id"]}
    replies = await asyncio.gather(
        *(client.post("/web/backpack/virtual_currency/receive", json=body, headers=headers) for _ in range(CALLS))
    )
    statuses = [reply.status_code for reply in replies]
    assert (statuses.count(200), statuses.count(404)) == (1, CALLS - 1)
    assert await balances_of(studio, player_id) == {"gems": 300}


async def test_many_wallet_items_of_one_player_add_up(
    client: httpx.AsyncClient, studio: Studio, context: Context
) -> None:
    player_id = uuid4()
    await make_currency(studio, "gems", "Gems")
    items = [
        await give(client, studio, player_id, "virtual_currency", item_sku="gems", quantity=n + 1) for n in range(30)
    ]
    headers = await studio.player_headers(player_id)
    replies = await asyncio.gather(
        *(
            client.post("/web/backpack/virtual_currency/receive", json={"item_id": item["item_id"]}, headers=headers)
            for item in items
        )
    )
    assert {reply.status_code for reply in replies} == {200}
    assert await balances_of(studio, player_id) == {"gems": sum(range(1, 31))}


async def test_equal_idempotent_grants_grant_once(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    body = [new_game_key(code="ONCE")]
    await studio.server_token(client)
    replies = await asyncio.gather(
        *(
            post_items(client, studio, "game_keys", body, player_id=player_id, headers={"Idempotency-Key": "grant-1"})
            for _ in range(CALLS)
        )
    )
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    assert sum("idempotency-replayed" not in reply.headers for reply in replies) == 1
    assert len(await held_items(client, studio, player_id)) == 1


async def test_move_races_with_delete(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    async with Receiver() as game:
        await connect_game(studio, game.url)
        for _ in range(10):
            player_id = uuid4()
            item = await give(client, studio, player_id, "virtual_items")
            url = f"{studio.backpack}/users/{player_id}/items/{item['item_id']}"
            player = await studio.player_headers(player_id)
            host = await studio.host_headers(client)
            game.received.clear()
            moved, deleted = await asyncio.gather(
                client.post(
                    "/web/backpack/virtual_items/move_to_game",
                    json={"item_id": item["item_id"], "user_game_id": "hero"},
                    headers=player,
                ),
                client.delete(url, headers=host),
            )
            told = [each for each in game.received if each.json["notification_type"] == "order_paid"]
            assert (moved.status_code == 200) == (len(told) == 1)
            assert not (moved.status_code == 200 and deleted.status_code == 204)
            assert await held_items(client, studio, player_id) == [] or deleted.status_code == 400

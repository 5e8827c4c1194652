"""Idempotency-Key: R1 to R3 of the reliability checks."""

import asyncio
from uuid import UUID, uuid4

import httpx
import pytest

from haversack.context import Context
from make.backpack import connect_game, give, held_items, new_game_key, new_promo_code, post_items
from make.projects import Studio
from make.receiver import Answer, Receiver


def _key(value: str) -> dict[str, str]:
    return {"Idempotency-Key": value}


async def test_repeat_gets_the_first_answer(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    body = [new_game_key()]
    first = await post_items(client, studio, "game_keys", body, player_id=player_id, headers=_key("k"))
    second = await post_items(client, studio, "game_keys", body, player_id=player_id, headers=_key("k"))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert len(await held_items(client, studio, player_id)) == 1


async def test_same_key_for_another_request(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    await post_items(client, studio, "game_keys", [new_game_key(code="A")], player_id=player_id, headers=_key("k"))
    other_body = await post_items(
        client, studio, "game_keys", [new_game_key(code="B")], player_id=player_id, headers=_key("k")
    )
    other_route = await post_items(
        client, studio, "promo_codes", [new_promo_code()], player_id=player_id, headers=_key("k")
    )
    assert (other_body.status_code, other_route.status_code) == (422, 422)
    assert "create_game_keys" in other_route.json()["message"]
    assert len(await held_items(client, studio, player_id)) == 1


async def test_validation_fault_does_not_burn_the_key(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    wrong = await post_items(client, studio, "game_keys", [{}], player_id=player_id, headers=_key("k"))
    right = await post_items(client, studio, "game_keys", [new_game_key()], player_id=player_id, headers=_key("k"))
    assert (wrong.status_code, right.status_code) == (400, 201)


@pytest.mark.parametrize(("key", "status"), [("k" * 255, 201), ("k" * 256, 400), ("", 400), ("a\tb", 400)])
async def test_form_of_the_key(client: httpx.AsyncClient, studio: Studio, key: str, status: int) -> None:
    reply = await post_items(client, studio, "game_keys", [new_game_key()], headers=_key(key))
    assert reply.status_code == status
    if status == 400:
        assert reply.json()["errors"][0]["property"] == "Idempotency-Key"


async def test_refusal_is_remembered(client: httpx.AsyncClient, studio: Studio) -> None:
    headers = {**await studio.host_headers(client), **_key("k")}
    url = f"{studio.backpack}/games"
    update = {"external_game_id": "later", "game_name": "Later"}
    first = await client.put(url, json=update, headers=headers)
    await client.post(url, json=update, headers=await studio.host_headers(client))
    second = await client.put(url, json=update, headers=headers)
    assert first.status_code == 422
    assert (second.status_code, second.content) == (422, first.content)


async def test_keys_of_callers_do_not_meet(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    for each in (studio, other_studio):
        reply = await post_items(client, each, "game_keys", [new_game_key()], headers=_key("shared"))
        assert reply.status_code == 201
        assert "idempotency-replayed" not in reply.headers


async def test_stored_answer_is_not_readable_in_the_database(
    client: httpx.AsyncClient, studio: Studio, context: Context
) -> None:
    await post_items(client, studio, "game_keys", [new_game_key(code="SEALED-ANSWER")], headers=_key("sealed"))
    async with context.database.connection() as connection:
        sealed = await connection.fetchval(
            "SELECT answer_sealed FROM idempotency_keys WHERE caller = $1", f"host:{studio.project_id}"
        )
    assert sealed
    assert b"SEALED-ANSWER" not in sealed


async def test_repeat_beside_a_call_that_asks_the_game(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items")
    headers = {**await studio.player_headers(player_id), **_key("move")}
    body = {"item_id": item["item_id"], "user_game_id": "hero"}
    url = "/web/backpack/virtual_items/move_to_game"
    async with Receiver() as game:
        await connect_game(studio, game.url)
        game.answer_next(Answer(delay_seconds=0.5))
        first = asyncio.create_task(client.post(url, json=body, headers=headers))
        await game.wait_for(1)
        beside = await client.post(url, json=body, headers=headers)
        assert (await first).status_code == 200
        after = await client.post(url, json=body, headers=headers)
        assert len(game.received) == 2
    assert beside.status_code == 409
    assert beside.headers["retry-after"] == "1"
    assert (after.status_code, after.headers["idempotency-replayed"]) == (200, "true")


async def test_fault_of_the_game_does_not_burn_the_key(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items")
    headers = {**await studio.player_headers(player_id), **_key("move")}
    body = {"item_id": item["item_id"], "user_game_id": "hero"}
    url = "/web/backpack/virtual_items/move_to_game"
    async with Receiver() as game:
        await connect_game(studio, game.url)
        game.answer_next(Answer(503))
        assert (await client.post(url, json=body, headers=headers)).status_code == 500
        assert (await client.post(url, json=body, headers=headers)).status_code == 200


async def test_a_key_outlives_its_process_and_is_taken_over(
    client: httpx.AsyncClient, studio: Studio, context: Context
) -> None:
    """A process that died while it asked the game leaves its key behind; later the request runs again."""
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items")
    player = await studio.player_headers(player_id)
    body = {"item_id": item["item_id"], "user_game_id": "hero"}
    url = "/web/backpack/virtual_items/move_to_game"
    async with Receiver() as game:
        await connect_game(studio, game.url)
        game.answer_next(Answer(delay_seconds=5))
        dying = asyncio.create_task(client.post(url, json=body, headers={**player, **_key("dies")}))
        await game.wait_for(1)
        async with context.database.connection() as connection:
            await connection.execute(
                "UPDATE idempotency_keys SET locked_until = now() - interval '1 second' WHERE caller LIKE $1",
                f"player:%{player_id}",
            )
            await connection.execute(
                "UPDATE backpack_items SET busy_until = now() - interval '1 second' WHERE player_id = $1",
                player_id,
            )
        again = await client.post(url, json=body, headers={**player, **_key("dies")})
        dying.cancel()
        told = [each for each in game.received if each.json["notification_type"] == "order_paid"]
    assert again.status_code == 200
    assert len(told) == 1


async def _let_time_pass(context: Context, player_id: UUID) -> None:
    """What a dead process held is free again."""
    async with context.database.connection() as connection:
        await connection.execute(
            "UPDATE idempotency_keys SET locked_until = now() - interval '1 second', answer_status = NULL"
            " WHERE caller LIKE $1",
            f"player:%{player_id}",
        )


async def test_a_repeat_gets_the_outcome_of_what_it_has_delivered_itself(
    client: httpx.AsyncClient, studio: Studio, context: Context
) -> None:
    """A process that dies between the game's yes and the answer has delivered: the repeat must not hear of a 404."""
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items")
    player = await studio.player_headers(player_id)
    body = {"item_id": item["item_id"], "user_game_id": "hero"}
    url = "/web/backpack/virtual_items/move_to_game"
    async with Receiver() as game:
        await connect_game(studio, game.url)
        assert (await client.post(url, json=body, headers={**player, **_key("own")})).status_code == 200
        await _let_time_pass(context, player_id)
        again = await client.post(url, json=body, headers={**player, **_key("own")})
        other = await client.post(url, json=body, headers={**player, **_key("other")})
        without = await client.post(url, json=body, headers=player)
        assert len(game.received) == 2
    assert (again.status_code, again.content) == (200, b"")
    assert "idempotency-replayed" not in again.headers
    assert (other.status_code, without.status_code) == (404, 404)


async def test_a_repeat_waits_for_its_own_delivery(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    """A process dies while it tells the game: the repeat waits for that delivery, and the game is not asked again."""
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items")
    player = await studio.player_headers(player_id)
    body = {"item_id": item["item_id"], "user_game_id": "hero"}
    url = "/web/backpack/virtual_items/move_to_game"
    async with Receiver() as game:
        await connect_game(studio, game.url)
        game.answer_next(Answer(), Answer(delay_seconds=1))
        dying = asyncio.create_task(client.post(url, json=body, headers={**player, **_key("own")}))
        await game.wait_for(2)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        await _let_time_pass(context, player_id)
        other = await client.post(url, json=body, headers={**player, **_key("other")})
        again = await client.post(url, json=body, headers={**player, **_key("own")})
        kinds = [each.json["notification_type"] for each in game.received]
    assert (other.status_code, again.status_code) == (400, 200)
    assert kinds == ["user_validation", "order_paid"]


async def test_a_repeat_goes_on_with_its_own_hold(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    """A process dies while it asks the game: the repeat need not wait until the item's hold has run out."""
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items")
    player = await studio.player_headers(player_id)
    body = {"item_id": item["item_id"], "user_game_id": "hero"}
    url = "/web/backpack/virtual_items/move_to_game"
    async with Receiver() as game:
        await connect_game(studio, game.url)
        game.answer_next(Answer(delay_seconds=5))
        dying = asyncio.create_task(client.post(url, json=body, headers={**player, **_key("own")}))
        await game.wait_for(1)
        await _let_time_pass(context, player_id)
        other = await client.post(url, json=body, headers={**player, **_key("other")})
        again = await client.post(url, json=body, headers={**player, **_key("own")})
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        told = [each for each in game.received if each.json["notification_type"] == "order_paid"]
    assert (other.status_code, again.status_code) == (400, 200)
    assert len(told) == 1
    assert await held_items(client, studio, player_id) == []


async def test_a_repeat_after_the_games_silence_learns_that_it_has_accepted(
    client: httpx.AsyncClient, studio: Studio, context: Context
) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items")
    headers = {**await studio.player_headers(player_id), **_key("own")}
    body = {"item_id": item["item_id"], "user_game_id": "hero"}
    url = "/web/backpack/virtual_items/move_to_game"
    async with Receiver() as game:
        await connect_game(studio, game.url)
        game.answer_next(Answer(), Answer(503))
        silent = await client.post(url, json=body, headers=headers)
        still_silent = await client.post(url, json=body, headers=headers)
        assert len(game.received) == 2
        async with context.database.connection() as connection:
            await connection.execute(
                "UPDATE webhook_deliveries SET next_attempt_at = created_at WHERE project_id = $1", studio.project_id
            )
        accepted = await client.post(url, json=body, headers=headers)
        kinds = [each.json["notification_type"] for each in game.received]
    assert [each.status_code for each in (silent, still_silent, accepted)] == [500, 500, 200]
    assert kinds == ["user_validation", "order_paid", "order_paid"]

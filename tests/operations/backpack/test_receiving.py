"""Receiving: what the game is asked and told, and where the item stands after each of its answers."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from haversack.clock import real_now
from haversack.context import Context
from haversack.login.actions import link_platform_account
from haversack.projects.actions import save_settings
from haversack.projects.records import BackpackWebhooks
from haversack.webhooks.signing import verify_signatures
from make.backpack import GAME_SECRET, connect_game, give, held_items
from make.inventory import balances_of, make_currency
from make.projects import Studio
from make.receiver import Answer, Fault, Receiver, refusal


@pytest.fixture
async def game(studio: Studio, context: Context) -> AsyncIterator[Receiver]:
    """The studio's game: a webhook receiver that accepts everything until told otherwise."""
    async with Receiver() as receiver:
        await connect_game(studio, receiver.url)
        yield receiver


async def _move(
    client: httpx.AsyncClient,
    studio: Studio,
    player_id: UUID,
    item: dict[str, Any],
    user_game_id: str = "hero-7",
) -> httpx.Response:
    kind = "virtual_currency" if item["item_type"] == "virtual_currency" else "virtual_items"
    return await client.post(
        f"/web/backpack/{kind}/move_to_game",
        json={"item_id": item["item_id"], "user_game_id": user_game_id},
        headers=await studio.player_headers(player_id),
    )


async def test_move_user_virtual_item_to_game(client: httpx.AsyncClient, studio: Studio, game: Receiver) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items", item_sku="lamp")
    reply = await _move(client, studio, player_id, item)
    assert (reply.status_code, reply.content) == (200, b"")
    asked, told = game.received
    assert asked.json == {
        "notification_type": "user_validation",
        "settings": {"project_id": studio.project_id, "merchant_id": studio.merchant_id},
        "user": {"id": "hero-7"},
    }
    assert told.json["notification_type"] == "order_paid"
    assert told.json["user"] == {"external_id": "hero-7"}
    assert told.json["items"][0]["sku"] == "lamp"
    assert told.json["items"][0]["type"] == "virtual_good"
    assert told.json["items"][0]["quantity"] == 1
    assert told.json["custom_parameters"] == {"backpack_item_id": item["item_id"]}
    assert 0 < told.json["order"]["id"] < 2**31
    for each in game.received:
        assert verify_signatures(each.body, each.headers, GAME_SECRET, now=real_now()).is_genuine
    assert await held_items(client, studio, player_id) == []
    assert (await _move(client, studio, player_id, item)).status_code == 404
    assert len(game.received) == 2


async def test_move_user_virtual_currency_to_game(client: httpx.AsyncClient, studio: Studio, game: Receiver) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_currency", quantity=500)
    assert (await _move(client, studio, player_id, item)).status_code == 200
    sent = game.received[1].json["items"][0]
    assert (sent["type"], sent["quantity"]) == ("virtual_currency", 500)


async def test_deprecated_webhooks(client: httpx.AsyncClient, studio: Studio, game: Receiver, context: Context) -> None:
    await save_settings(context, studio.project_id, backpack_webhooks=BackpackWebhooks.DEPRECATED)
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_currency", quantity=3)
    assert (await _move(client, studio, player_id, item)).status_code == 200
    asked, told = (each.json for each in game.received)
    settings = {"project_id": studio.project_id, "merchant_id": studio.merchant_id}
    assert asked == {"notification_type": "user_validation", "settings": settings, "user": {"id": "hero-7"}}
    assert told == {
        "notification_type": "move_to_game",
        "settings": settings,
        "items": [{"id": item["item_id"], "sku": "pearls", "type": "virtual_currency", "quantity": 3}],
        "user": {"id": "hero-7"},
    }


@pytest.mark.parametrize("answer", [refusal("INVALID_USER"), refusal("INVALID_USER", status=404)])
async def test_unknown_player(client: httpx.AsyncClient, studio: Studio, game: Receiver, answer: Answer) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items")
    game.answer_next(answer)
    reply = await _move(client, studio, player_id, item, "stranger")
    assert reply.status_code == 400
    assert "stranger" in reply.json()["message"]
    assert len(game.received) == 1
    assert len(await held_items(client, studio, player_id)) == 1
    assert (await _move(client, studio, player_id, item)).status_code == 200


@pytest.mark.parametrize("answer", [Answer(500), Answer(302), Answer(fault=Fault.DROP), Answer(fault=Fault.HANG)])
async def test_game_away_for_the_question(
    client: httpx.AsyncClient, studio: Studio, game: Receiver, answer: Answer
) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items")
    game.answer_next(answer)
    assert (await _move(client, studio, player_id, item)).status_code == 500
    assert len(await held_items(client, studio, player_id)) == 1
    assert (await _move(client, studio, player_id, item)).status_code == 200


async def test_game_without_a_webhook(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items")
    reply = await _move(client, studio, player_id, item)
    assert reply.status_code == 500
    assert "webhook" in reply.json()["message"]
    assert len(await held_items(client, studio, player_id)) == 1


async def test_refused_delivery_gives_the_item_back(client: httpx.AsyncClient, studio: Studio, game: Receiver) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items")
    game.answer_next(Answer(), refusal("INVALID_PARAMETER", "The bag is full."))
    reply = await _move(client, studio, player_id, item)
    assert reply.status_code == 400
    assert "The bag is full." in reply.json()["message"]
    assert (await _move(client, studio, player_id, item)).status_code == 200
    orders = [each.json["order"]["id"] for each in game.received if "order" in each.json]
    assert len(orders) == 2
    assert orders[0] == orders[1]


async def test_silent_delivery_holds_the_item(
    client: httpx.AsyncClient, studio: Studio, game: Receiver, context: Context
) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items")
    game.answer_next(Answer(), Answer(500))
    reply = await _move(client, studio, player_id, item)
    assert reply.status_code == 500
    assert "sent again" in reply.json()["message"]
    again = await _move(client, studio, player_id, item)
    assert again.status_code == 400
    url = f"{studio.backpack}/users/{player_id}/items/{item['item_id']}"
    assert (await client.delete(url, headers=await studio.host_headers(client))).status_code == 400
    assert len(game.received) == 2
    (held,) = await held_items(client, studio, player_id)
    assert held["item_status"] == "claimed"


async def test_wrong_items_are_refused(
    client: httpx.AsyncClient, studio: Studio, game: Receiver, context: Context
) -> None:
    player_id = uuid4()
    await make_currency(studio, "gems", "Gems")
    key = await give(client, studio, player_id, "game_keys")
    wallet = await give(client, studio, player_id, "virtual_currency", item_sku="gems")
    foreign = await give(client, studio, uuid4(), "virtual_items")
    assert (await _move(client, studio, player_id, key)).status_code == 400
    assert (await _move(client, studio, player_id, wallet)).status_code == 400
    assert (await _move(client, studio, player_id, foreign)).status_code == 404
    assert game.received == []
    headers = await studio.player_headers(player_id)
    for body, places in (
        ({"item_id": key["item_id"]}, ["user_game_id"]),
        ({"item_id": "17", "user_game_id": ""}, ["item_id", "user_game_id"]),
        ([], ["body"]),
    ):
        reply = await client.post("/web/backpack/virtual_items/move_to_game", json=body, headers=headers)
        assert reply.status_code == 400
        assert [fault["property"] for fault in reply.json()["errors"]] == places


async def test_platform_item_goes_to_the_linked_account(
    client: httpx.AsyncClient, studio: Studio, game: Receiver, context: Context
) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items", platform="steam")
    unlinked = await _move(client, studio, player_id, item)
    assert unlinked.status_code == 400
    assert game.received == []
    await studio.player_headers(player_id)
    await link_platform_account(
        context.database.session(), studio.login_project_id, player_id, platform="steam", account_id="7656119"
    )
    assert (await _move(client, studio, player_id, item, "7656120")).status_code == 400
    assert (await _move(client, studio, player_id, item, "7656119")).status_code == 200
    assert game.received[0].json["user"]["id"] == "7656119"


async def test_move_user_virtual_currency_to_wallet(
    client: httpx.AsyncClient, studio: Studio, context: Context
) -> None:
    player_id = uuid4()
    await make_currency(studio, "gems", "Gems")
    headers = await studio.player_headers(player_id)
    first = await give(client, studio, player_id, "virtual_currency", item_sku="gems", quantity=300)
    second = await give(client, studio, player_id, "virtual_currency", item_sku="gems", quantity=45)
    external = await give(client, studio, player_id, "virtual_currency", item_sku="pearls")
    lamp = await give(client, studio, player_id, "virtual_items")
    statuses = []
    for item in (first, second, first, external, lamp):
        reply = await client.post(
            "/web/backpack/virtual_currency/receive", json={"item_id": item["item_id"]}, headers=headers
        )
        statuses.append(reply.status_code)
    assert statuses == [200, 200, 404, 400, 400]
    assert await balances_of(studio, player_id) == {"gems": 345}
    assert len(await held_items(client, studio, player_id)) == 2

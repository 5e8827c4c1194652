"""The Event API: a player's game asks for what has become of the player's orders, and says what it has taken."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from haversack.clock import Clock, real_now
from haversack.context import Context
from haversack.orders.event_queries import prune_processed
from haversack.orders.records import OrderState
from haversack.orders.tables import processed_events
from haversack.projects.queries import set_clock
from haversack.projects.records import OrderWebhooks
from haversack.webhooks.actions import forget_old_deliveries
from haversack.webhooks.queries.lanes import list_due_lanes
from haversack.webhooks.queries.outbox import add_replays
from make.backpack import connect_game, give
from make.orders import (
    Buyer,
    buy,
    change_project,
    fund,
    make_buyer,
    order_money,
    pay,
    payment_of,
    refund,
    sell_for,
    sell_for_money,
    stored,
)
from make.projects import Studio, make_project_beside
from make.receiver import Answer, Receiver, refusal
from make.sockets import Follower, open_socket


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    """A player of the studio."""
    return await make_buyer(studio)


async def _ask(client: httpx.AsyncClient, buyer: Buyer, project_id: int | None = None) -> httpx.Response:
    params = {"project_id": project_id or buyer.studio.project_id}
    return await client.get("/events", params=params, headers=buyer.headers)


async def _list(client: httpx.AsyncClient, buyer: Buyer) -> list[dict[str, Any]]:
    reply = await _ask(client, buyer)
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()["events"]
    return found


async def _process(client: httpx.AsyncClient, buyer: Buyer, event_id: int, **options: Any) -> httpx.Response:
    params = {"project_id": buyer.studio.project_id}
    return await client.post(f"/events/{event_id}/processed", **{"params": params, "headers": buyer.headers, **options})


async def _deliver(context: Context, studio: Studio) -> None:
    """What the worker does with everything that is due."""
    for due in await list_due_lanes(context.database.session(), [studio.project_id]):
        for held in await context.deliverer.claim([due.lane]):
            await context.deliverer.work(held, must_stop=lambda: False)


async def test_get_unprocessed_events(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio)
    order = await order_money(buyer, sku)
    assert await _list(client, buyer) == []
    payment = payment_of(order)
    await pay(studio, order, payment)
    await refund(studio, order, payment)
    paid, canceled = await _list(client, buyer)
    assert paid.keys() == canceled.keys() == {"id", "status", "created_at", "data"}
    assert 0 < paid["id"] < canceled["id"] < 2**31
    assert (paid["status"], paid["created_at"][-1]) == (0, "Z")
    data = paid["data"]
    assert data["notification_type"] == "order_paid"
    assert data["settings"] == {"project_id": studio.project_id, "merchant_id": studio.merchant_id}
    assert data["user"]["external_id"] == str(buyer.player_id)
    assert data["order"]["id"] == order.order_id
    assert [item["sku"] for item in data["items"]] == [sku]
    assert data["billing"]["notification_type"] == "payment"
    assert canceled["data"]["notification_type"] == "order_canceled"


async def test_get_unprocessed_events_of_purchases_for_virtual_currency(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku, gold = await sell_for(client, studio, 5)
    await fund(buyer, gold, 10)
    order_ids = [(await buy(client, buyer, sku, gold)).json()["order_id"] for _ in range(2)]
    assert [event["data"]["order"]["id"] for event in await _list(client, buyer)] == order_ids


async def test_get_unprocessed_events_shows_nobody_elses(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, buyer: Buyer
) -> None:
    sku = await sell_for_money(client, studio)
    await pay(studio, await order_money(await make_buyer(studio), sku))
    assert await _list(client, buyer) == []
    beside = await make_project_beside(studio)
    await pay(studio, await order_money(buyer, sku))
    assert (await _ask(client, buyer, beside.project_id)).json() == {"events": []}
    for project_id, status in ((other_studio.project_id, 401), (2**31 - 1, 404), (2**31, 422)):
        assert (await _ask(client, buyer, project_id)).status_code == status
    assert (await client.get("/events", headers=buyer.headers)).status_code == 422
    assert (await client.get("/events", params={"project_id": studio.project_id})).status_code == 401


async def test_get_unprocessed_events_without_what_webhooks_brought(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, context: Context
) -> None:
    sku = await sell_for_money(client, studio)
    async with Receiver() as game:
        await connect_game(studio, game.url)
        taken, refused = await order_money(buyer, sku), await order_money(buyer, sku)
        await pay(studio, taken)
        await pay(studio, refused)
        # Until it is accepted an event may be taken either way.
        assert len(await _list(client, buyer)) == 2
        game.answer_next(Answer(), refusal("INVALID_PARAMETER"))
        await _deliver(context, studio)
        (left,) = await _list(client, buyer)
        assert left["data"]["order"]["id"] == refused.order_id
        # A replay is the same event.
        await add_replays(context.database.session(), studio.project_id, now=real_now())
        assert [event["id"] for event in await _list(client, buyer)] == [left["id"]]


async def test_get_unprocessed_events_without_the_backpack(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    """What the game did not take stays in the Backpack: it must not be had twice."""
    item = await give(client, studio, buyer.player_id, "virtual_items")
    async with Receiver() as game:
        await connect_game(studio, game.url)
        game.answer_next(Answer(), refusal("INVALID_PARAMETER"))
        reply = await client.post(
            "/web/backpack/virtual_items/move_to_game",
            json={"item_id": item["item_id"], "user_game_id": "hero-7"},
            headers=buyer.headers,
        )
        assert reply.status_code == 400
        assert len(game.received) == 2
    assert await _list(client, buyer) == []


async def test_mark_event_as_processed(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, context: Context, socket_url: str
) -> None:
    """The game has a server that refuses; on the player's machine it takes the order all the same."""
    await change_project(studio, order_webhooks=OrderWebhooks.SEPARATE)
    sku = await sell_for_money(client, studio)
    async with Receiver() as game:
        await connect_game(studio, game.url)
        order = await order_money(buyer, sku)
        await pay(studio, order)
        game.answer_next(refusal("INVALID_USER"))
        await _deliver(context, studio)
    assert (await stored(studio, order.order_id)).state is OrderState.PAID
    (event,) = await _list(client, buyer)
    follower = Follower(studio, buyer.player_id, buyer.headers["Authorization"].removeprefix("Bearer "))
    async with open_socket(socket_url) as tracking:
        await tracking.introduce(follower)
        assert await tracking.receive_status() == (order.order_id, "paid")
        reply = await _process(client, buyer, event["id"])
        assert (reply.status_code, reply.content) == (204, b"")
        assert await tracking.receive_status() == (order.order_id, "done")
    assert await _list(client, buyer) == []
    done = await stored(studio, order.order_id)
    assert done.state is OrderState.DONE
    # Once more is as good as once.
    assert (await _process(client, buyer, event["id"])).status_code == 204
    assert await stored(studio, order.order_id) == done


async def test_mark_event_as_processed_of_a_canceled_order(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio))
    payment = payment_of(order)
    await pay(studio, order, payment)
    await refund(studio, order, payment)
    paid, canceled = await _list(client, buyer)
    for event in (paid, canceled):
        assert (await _process(client, buyer, event["id"])).status_code == 204
    assert await _list(client, buyer) == []
    assert (await stored(studio, order.order_id)).state is OrderState.CANCELED


async def test_mark_event_as_processed_of_others(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, buyer: Buyer
) -> None:
    await pay(studio, await order_money(buyer, await sell_for_money(client, studio)))
    (event,) = await _list(client, buyer)
    stranger = await make_buyer(studio)
    foreigner = await make_buyer(other_studio)
    for player, status in ((stranger, 404), (foreigner, 404)):
        assert (await _process(client, player, event["id"])).status_code == status
    for project_id, status in ((other_studio.project_id, 401), (2**31 - 1, 404)):
        reply = await _process(client, buyer, event["id"], params={"project_id": project_id})
        assert reply.status_code == status
    assert (await _process(client, buyer, 2**63 - 1)).status_code == 404
    assert (await _process(client, buyer, 0)).status_code == 422
    assert (await client.post("/events/one/processed", headers=buyer.headers)).status_code == 422
    assert [each["id"] for each in await _list(client, buyer)] == [event["id"]]


async def test_processed_events_are_forgotten_after_their_deliveries(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, context: Context
) -> None:
    await pay(studio, await order_money(buyer, await sell_for_money(client, studio)))
    (event,) = await _list(client, buyer)
    await _process(client, buyer, event["id"])
    await _deliver(context, studio)
    db = context.database.session()
    await db.execute(
        update(processed_events)
        .where(processed_events.c.project_id == studio.project_id)
        .values(processed_at=real_now() - timedelta(days=100))
    )
    await prune_processed(db)
    # The event is still kept: forgotten, it would be listed again.
    assert await _list(client, buyer) == []
    await set_clock(db, studio.project_id, Clock(offset=timedelta(days=91)))
    await forget_old_deliveries(context.database)
    assert await prune_processed(db) >= 1
    assert await _list(client, buyer) == []

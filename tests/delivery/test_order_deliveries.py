"""How a paid order becomes done: when the game has taken its webhooks, against one that says no too."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from haversack.orders.overviews import list_stuck
from haversack.orders.records import OrderState
from haversack.payments.records import PaymentState
from haversack.payments.sweeping import sweep_payments
from haversack.projects.records import OrderWebhooks
from haversack.webhooks.delivery import settle
from haversack.webhooks.records import DeliveryStatus
from make import payments
from make.backpack import connect_game
from make.orders import (
    Buyer,
    buy,
    change_project,
    fund,
    make_buyer,
    order_money,
    owned_of,
    pay,
    payment_of,
    project_of,
    refund,
    sell_for,
    sell_for_money,
    sell_free,
    state_of,
    stored,
    take_free,
)
from make.projects import Studio
from make.receiver import Answer, Receiver
from make.receiver import refusal as game_refusal


@pytest.fixture
async def game(studio: Studio) -> AsyncIterator[Receiver]:
    """The studio's game: it accepts everything until told otherwise."""
    async with Receiver() as receiver:
        await connect_game(studio, receiver.url)
        yield receiver


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    """A player."""
    return await make_buyer(studio)


async def deliver(studio: Studio, delivery_id: int | None) -> DeliveryStatus:
    """Send a delivery now; how far it is then."""
    assert delivery_id is not None
    state = await settle(studio.context, await project_of(studio), delivery_id, timeout_seconds=10)
    return state.status


def told(game: Receiver) -> list[tuple[str, int | None]]:
    """What the game was told: types and numbers of orders."""
    return [(each.json["notification_type"], each.json.get("order", {}).get("id")) for each in game.received]


async def test_done_when_the_game_has_taken_it(
    client: httpx.AsyncClient, studio: Studio, game: Receiver, buyer: Buyer
) -> None:
    sku = await sell_for_money(client, studio)
    order = await order_money(buyer, sku)
    paid = await pay(studio, order)
    # The player has it; the game has not heard of it yet.
    assert (paid.state, await owned_of(buyer, sku)) == (OrderState.PAID, 1)
    assert await deliver(studio, paid.delivery_id) is DeliveryStatus.SUCCEEDED
    assert await state_of(studio, order) is OrderState.DONE
    [received] = game.received
    assert received.json["order"]["id"] == order.order_id
    assert received.json["billing"]["transaction"]["id"] == paid.payment_id


async def test_separate_webhooks(client: httpx.AsyncClient, studio: Studio, game: Receiver, buyer: Buyer) -> None:
    await change_project(studio, order_webhooks=OrderWebhooks.SEPARATE)
    order = await order_money(buyer, await sell_for_money(client, studio))
    payment = payment_of(order)
    paid = await pay(studio, order, payment)
    assert await deliver(studio, paid.delivery_id) is DeliveryStatus.SUCCEEDED
    assert told(game) == [("payment", None), ("order_paid", order.order_id)]
    assert "billing" not in game.received[1].json
    assert await state_of(studio, order) is OrderState.DONE
    await refund(studio, order, payment)
    await deliver_all(studio)
    assert told(game)[2:] == [("refund", None), ("order_canceled", order.order_id)]


async def deliver_all(studio: Studio) -> None:
    """Send everything that waits."""
    db = studio.context.database.session()
    async with studio.context.database.connection() as connection:
        waiting = await connection.fetch(
            "SELECT max(delivery_id) AS last FROM webhook_deliveries WHERE project_id = $1 AND settled_at IS NULL",
            studio.project_id,
        )
    assert not db.in_transaction
    if waiting[0]["last"] is not None:
        await deliver(studio, waiting[0]["last"])


async def test_a_refused_payment_stops_its_order(
    client: httpx.AsyncClient, studio: Studio, game: Receiver, buyer: Buyer
) -> None:
    await change_project(studio, order_webhooks=OrderWebhooks.SEPARATE)
    order = await order_money(buyer, await sell_for_money(client, studio))
    paid = await pay(studio, order)
    game.answer_next(game_refusal("INVALID_USER"))
    assert await deliver(studio, paid.delivery_id) is DeliveryStatus.CANCELLED
    assert told(game) == [("payment", None)]
    kept = await stored(studio, order.order_id)
    assert kept.state is OrderState.PAID
    assert kept.comment is not None and kept.comment.startswith("The game has not taken it")


async def test_refund_and_cancel_in_one(
    client: httpx.AsyncClient, studio: Studio, game: Receiver, buyer: Buyer
) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio))
    payment = payment_of(order)
    await pay(studio, order, payment)
    await refund(studio, order, payment)
    await deliver_all(studio)
    # The game hears of both in their order; the order stays canceled whatever it says to the first.
    assert told(game) == [("order_paid", order.order_id), ("order_canceled", order.order_id)]
    assert game.received[1].json["billing"]["refund_details"]["code"] == 1
    assert await state_of(studio, order) is OrderState.CANCELED


async def test_a_refused_order_stays_paid_and_is_named(
    client: httpx.AsyncClient, studio: Studio, game: Receiver, buyer: Buyer
) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio))
    paid = await pay(studio, order)
    game.answer_next(game_refusal("INVALID_PARAMETER"))
    assert await deliver(studio, paid.delivery_id) is DeliveryStatus.FAILED
    assert await state_of(studio, order) is OrderState.PAID
    stuck = await list_stuck(studio.context.database.session(), age=timedelta())
    [mine] = [each for each in stuck if each.order_id == order.order_id]
    assert mine.why.startswith("The game has not taken it")


async def test_no_game_no_waiting(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio))
    assert (await pay(studio, order)).state is OrderState.DONE


async def test_a_game_that_was_taken_away(
    client: httpx.AsyncClient, studio: Studio, game: Receiver, buyer: Buyer
) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio))
    paid = await pay(studio, order)
    path = f"/api/v2/project/{studio.project_id}/admin/webhook"
    off = {"url": game.url, "secret": "another", "is_enabled": False}
    assert (await client.put(path, json=off, auth=studio.basic)).status_code == 204
    assert await deliver(studio, paid.delivery_id) is DeliveryStatus.FAILED
    assert await state_of(studio, order) is OrderState.DONE


@pytest.mark.parametrize("version", [1, 2])
async def test_games_hear_of_virtual_and_free_orders(
    client: httpx.AsyncClient, studio: Studio, game: Receiver, buyer: Buyer, version: int
) -> None:
    path = f"/api/v2/project/{studio.project_id}/admin/webhook"
    settings = {"url": game.url, "secret": "a secret", "is_enabled": True, "version": version}
    assert (await client.put(path, json=settings, auth=studio.basic)).status_code == 204
    sku, gold = await sell_for(client, studio, 70)
    await fund(buyer, gold, 100)
    bought = (await buy(client, buyer, sku, gold)).json()["order_id"]
    free = (await take_free(client, buyer, await sell_free(client, studio))).json()["order_id"]
    await deliver_all(studio)
    assert told(game) == [("order_paid", bought), ("order_paid", free)]
    first: dict[str, Any] = game.received[0].json
    assert (first["order"]["currency_type"], first["order"]["amount"]) == ("virtual", "70")
    assert ("is_free" in first["items"][0]) is (version == 2)
    assert game.received[1].json["order"]["currency_type"] == "unknown"


async def test_silence_leaves_it_paid(client: httpx.AsyncClient, studio: Studio, game: Receiver, buyer: Buyer) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio))
    paid = await pay(studio, order)
    game.answer_next(Answer(500))
    assert await deliver(studio, paid.delivery_id) is DeliveryStatus.PENDING
    assert await state_of(studio, order) is OrderState.PAID


async def test_a_refused_order_is_refunded_where_the_project_wants_that(
    client: httpx.AsyncClient, studio: Studio, game: Receiver, buyer: Buyer
) -> None:
    await change_project(studio, refunds_refused_orders=True)
    purchase = await payments.make_payable(client, buyer)
    # The page asks the game about the player first.
    await purchase.pay()
    paid = await stored(studio, purchase.order_id)
    assert (paid.state, await owned_of(buyer, purchase.sku)) == (OrderState.PAID, 1)
    game.answer_next(game_refusal("INVALID_PARAMETER"))
    assert await deliver(studio, paid.delivery_id) is DeliveryStatus.FAILED
    assert (await stored(studio, purchase.order_id)).state is OrderState.PAID
    await payments.leave_alone(studio)
    await sweep_payments(studio.context)
    canceled = await stored(studio, purchase.order_id)
    assert (canceled.state, await owned_of(buyer, purchase.sku)) == (OrderState.CANCELED, 0)
    assert (await purchase.payment()).state is PaymentState.REFUNDED
    await deliver_all(studio)
    assert told(game)[-1] == ("order_canceled", purchase.order_id)

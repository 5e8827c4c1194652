"""What the order-status socket tells of orders as they are made, paid, taken, canceled and bought."""

from collections.abc import AsyncIterator

import httpx
import pytest

from haversack.app import OUTCOMES
from haversack.context import Context, open_context
from haversack.orders import actions
from haversack.orders.records import OrderState
from make.backpack import connect_game
from make.orders import (
    Buyer,
    buy,
    cancel,
    fund,
    order_money,
    pay,
    payment_of,
    project_of,
    refund,
    sell_for,
    sell_for_money,
    stored,
)
from make.projects import Studio
from make.receiver import Receiver
from make.sockets import Follower, Socket, open_socket


@pytest.fixture
async def buyer(studio: Studio, follower: Follower) -> Buyer:
    """The follower, who buys."""
    return Buyer(studio, follower.player_id, {"Authorization": f"Bearer {follower.token}"})


@pytest.fixture
async def tracking(socket_url: str, follower: Follower) -> AsyncIterator[Socket]:
    """A socket that tracks the buyer's orders."""
    async with open_socket(socket_url) as opened:
        assert "connect" in await opened.introduce(follower)
        yield opened


async def test_socket_of_an_order_that_the_game_takes(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, tracking: Socket, context: Context
) -> None:
    sku = await sell_for_money(client, studio)
    async with Receiver() as game:
        await connect_game(studio, game.url)
        order = await order_money(buyer, sku)
        assert await tracking.receive_status() == (order.order_id, "new")
        payment = payment_of(order)
        await pay(studio, order, payment)
        assert await tracking.receive_status() == (order.order_id, "paid")
        paid = await stored(studio, order.order_id)
        assert paid.delivery_id is not None
        state = await context.deliverer.settle(studio.project_id, paid.delivery_id, timeout_seconds=5)
        assert state.is_accepted
        assert await tracking.receive_status() == (order.order_id, "done")
        await refund(studio, order, payment)
        assert await tracking.receive_status() == (order.order_id, "canceled")
    assert await tracking.is_silent()


async def test_socket_of_an_order_that_another_process_delivers(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, tracking: Socket, context: Context
) -> None:
    sku = await sell_for_money(client, studio)
    async with Receiver() as game, open_context(context.settings, OUTCOMES) as other_process:
        await connect_game(studio, game.url)
        order = await order_money(buyer, sku)
        await pay(studio, order)
        paid = await stored(studio, order.order_id)
        assert paid.delivery_id is not None
        state = await other_process.deliverer.settle(studio.project_id, paid.delivery_id, timeout_seconds=5)
        assert state.is_accepted
        for status in ("new", "paid", "done"):
            assert await tracking.receive_status() == (order.order_id, status)


async def test_socket_of_a_purchase_for_a_virtual_currency(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, tracking: Socket
) -> None:
    sku, gold = await sell_for(client, studio, 70)
    await fund(buyer, gold, 100)
    reply = await buy(client, buyer, sku, gold)
    assert await tracking.receive_status() == (reply.json()["order_id"], "done")
    assert (await buy(client, buyer, sku, gold)).status_code == 422
    assert await tracking.is_silent()


async def test_socket_of_orders_that_end_unpaid(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, tracking: Socket
) -> None:
    sku = await sell_for_money(client, studio)
    order = await order_money(buyer, sku)
    await cancel(studio, order)
    assert await tracking.receive_status() == (order.order_id, "new")
    assert await tracking.receive_status() == (order.order_id, "canceled")


async def test_socket_is_told_of_nothing_that_was_undone(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, tracking: Socket, context: Context
) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio))
    assert await tracking.receive_status() == (order.order_id, "new")
    project, db = await project_of(studio), context.database.session()

    async def cancel_in_vain() -> None:
        async with db.begin():
            await actions.cancel_order(db, project, order.order_id, reason="", now=project.clock.now())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await cancel_in_vain()
    async with db.begin():
        with pytest.raises(KeyboardInterrupt):
            await cancel_in_vain()
        assert await db.fetch_one(actions.queries.FIND_ORDER, project=project.project_id, order=order.order_id)
    assert await tracking.is_silent()
    assert (await stored(studio, order.order_id)).state is OrderState.NEW

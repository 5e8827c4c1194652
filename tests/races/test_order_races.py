"""The last unit, the last use, one balance, one payment: many at once, one effect, clean refusals (R4, R6)."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import TypeVar

import httpx

from haversack.clock import Clock
from haversack.errors import Refusal
from haversack.orders.actions import expire_due_orders
from haversack.orders.gates import AT_ONCE, through_gates
from haversack.orders.records import Order, OrderState
from haversack.orders.rules import HOLDING_ORDERS_MAX, PAYABLE_FOR, MoveNotAllowed, OrderNotPayable
from haversack.projects.actions import set_clock
from make import catalog, keys
from make.client_catalog import sell
from make.inventory import differences_of
from make.orders import (
    NOW,
    Buyer,
    balance_of,
    buy,
    cancel,
    fund,
    make_buyer,
    order_money,
    owned_of,
    pay,
    payment_of,
    refund,
    sell_for,
    sell_for_money,
    sell_free,
    state_of,
    stock_of,
    take_free,
)
from make.projects import Studio

CALLS = 50
Found = TypeVar("Found")


def outcomes(replies: Sequence[httpx.Response]) -> Counter[tuple[int, int | None]]:
    """How often each status and code came back."""
    return Counter((reply.status_code, None if reply.is_success else reply.json()["errorCode"]) for reply in replies)


async def attempt(work: Awaitable[Found]) -> Found | str:
    """What came of it: its result, or the name of what it was refused with."""
    try:
        return await work
    except (Refusal, OrderNotPayable) as error:
        return type(error).__name__


async def test_the_last_units_of_a_stock(client: httpx.AsyncClient, studio: Studio) -> None:
    sku, gold = await sell_for(client, studio, 70, limits={"per_item": 3})
    buyers = [await make_buyer(studio) for _ in range(CALLS)]
    for buyer in buyers:
        await fund(buyer, gold, 100)
    replies = await asyncio.gather(*(buy(client, buyer, sku, gold) for buyer in buyers))
    assert outcomes(replies) == {(200, None): 3, (422, 1455): CALLS - 3}
    stock = await stock_of(studio, sku)
    assert (stock.available, stock.reserved, stock.sold) == (0, 0, 3)
    assert Counter([await balance_of(buyer, gold) for buyer in buyers]) == {30: 3, 100: CALLS - 3}
    assert sum([await owned_of(buyer, sku) for buyer in buyers]) == 3
    assert not await differences_of(studio)


async def test_a_balance_for_one_purchase(client: httpx.AsyncClient, studio: Studio) -> None:
    sku, gold = await sell_for(client, studio, 70)
    buyer = await make_buyer(studio)
    await fund(buyer, gold, 139)
    replies = await asyncio.gather(*(buy(client, buyer, sku, gold) for _ in range(CALLS)))
    assert outcomes(replies) == {(200, None): 1, (422, 5006): CALLS - 1}
    assert (await balance_of(buyer, gold), await owned_of(buyer, sku)) == (69, 1)
    assert not await differences_of(studio)


async def test_the_last_uses_of_a_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_free(client, studio, limits={"per_user": 2})
    buyer = await make_buyer(studio)
    replies = await asyncio.gather(*(take_free(client, buyer, sku) for _ in range(CALLS)))
    assert outcomes(replies) == {(200, None): 2, (422, 1460): CALLS - 2}
    assert await owned_of(buyer, sku) == 2
    assert not await differences_of(studio)


async def test_what_is_owned_once(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_free(client, studio, inventory_options={"consumable": None})
    buyer = await make_buyer(studio)
    replies = await asyncio.gather(*(take_free(client, buyer, sku) for _ in range(CALLS)))
    assert outcomes(replies) == {(200, None): 1, (422, 1468): CALLS - 1}
    assert await owned_of(buyer, sku) == 1


async def test_the_last_codes(client: httpx.AsyncClient, studio: Studio) -> None:
    key = catalog.game_key("steam", sku="sea-steam", prices=[], is_free=True)
    await sell(client, studio, catalog.game(key, sku="sea"), "game")
    await keys.upload(client, studio, "sea-steam", ["SEA-1", "SEA-2", "SEA-3"])
    buyers = [await make_buyer(studio) for _ in range(20)]
    replies = await asyncio.gather(*(take_free(client, buyer, "sea-steam") for buyer in buyers))
    # While others hold a code that they may yet give back, it counts as gone.
    found = outcomes(replies)
    assert set(found) == {(200, None), (422, 1424)}
    assert found[200, None] == Counter(await keys.states_of(studio, "sea-steam"))["used"] == 3
    assert not await differences_of(studio)


async def test_a_double_payment(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio, limits={"per_item": 5})
    buyer = await make_buyer(studio)
    order = await order_money(buyer, sku)
    payment = payment_of(order)
    done = await asyncio.gather(*(attempt(pay(studio, order, payment)) for _ in range(20)))
    assert all(isinstance(each, Order) and each.state is OrderState.DONE for each in done)
    assert await owned_of(buyer, sku) == 1
    second = await order_money(buyer, sku)
    payments = [payment_of(second) for _ in range(10)]
    found = await asyncio.gather(*(attempt(pay(studio, second, each)) for each in payments))
    assert Counter(isinstance(each, Order) for each in found) == {True: 1, False: 9}
    assert await owned_of(buyer, sku) == 2
    stock = await stock_of(studio, sku)
    assert (stock.available, stock.reserved, stock.sold) == (3, 0, 2)
    assert not await differences_of(studio)


async def test_paying_canceling_and_expiring_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio, limits={"per_item": 30})
    await set_clock(studio.context, studio.project_id, Clock(frozen_at=NOW))
    orders = [(buyer, await order_money(buyer, sku)) for buyer in [await make_buyer(studio) for _ in range(20)]]
    await set_clock(studio.context, studio.project_id, Clock(frozen_at=NOW + PAYABLE_FOR + timedelta(seconds=1)))
    work: list[Awaitable[object]] = [expire_due_orders(studio.context) for _ in range(3)]
    for place, (_, order) in enumerate(orders):
        work.append(attempt(pay(studio, order)))
        if place % 2:
            work.append(attempt(_cancel(studio, order)))
    random.Random(7).shuffle(work)
    await asyncio.gather(*work)
    states = Counter([await state_of(studio, order) for _, order in orders])
    assert set(states) <= {OrderState.DONE, OrderState.CANCELED, OrderState.EXPIRED}
    owned = sum([await owned_of(buyer, sku) for buyer, _ in orders])
    stock = await stock_of(studio, sku)
    assert (stock.available, stock.reserved, stock.sold) == (30 - owned, 0, owned)
    assert states[OrderState.DONE] == owned
    assert not await differences_of(studio)


async def _cancel(studio: Studio, order: Order) -> object:
    try:
        return await cancel(studio, order)
    except MoveNotAllowed:
        return None


async def test_rivals_paid_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    skus = [await sell_for_money(client, studio, limits={"per_item": 9}) for _ in range(2)]
    buyer = await make_buyer(studio)
    orders = [await order_money(buyer, *wanted) for wanted in (skus, skus[::-1], skus[:1], skus[1:])]
    found = await asyncio.gather(*(attempt(pay(studio, order)) for order in orders))
    # Whoever comes first ends the others for the same item; two with different items may both go through.
    paid = [order for order, each in zip(orders, found, strict=True) if isinstance(each, Order)]
    assert 1 <= len(paid) <= 2
    counted = Counter(line.sku for order in paid for line in order.lines)
    for sku in skus:
        stock = await stock_of(studio, sku)
        assert (stock.available, stock.reserved, stock.sold) == (9 - counted[sku], 0, counted[sku])
    assert not await differences_of(studio)


async def test_refunds_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    gems = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    sack = await sell(client, studio, catalog.package(gems, limits={"per_item": 5}), "package")
    buyer = await make_buyer(studio)
    await fund(buyer, gems, 7)
    order = await order_money(buyer, sack)
    payment = payment_of(order)
    await pay(studio, order, payment)
    await asyncio.gather(*(refund(studio, order, payment) for _ in range(10)))
    assert await balance_of(buyer, gems) == 7
    assert (await stock_of(studio, sack)).available == 5
    assert not await differences_of(studio)


async def test_orders_of_one_player_and_many_items(client: httpx.AsyncClient, studio: Studio) -> None:
    """Everything at once in every order: no deadlock reaches anybody, and the books fit."""
    chance = random.Random(11)
    gold = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    limits = {"per_item": 500, "per_user": 200}
    skus = [(await sell_for(client, studio, 1, currency=gold, limits=limits))[0] for _ in range(4)]
    for_money = [await sell_for_money(client, studio, limits={"per_item": 500}) for _ in range(3)]
    buyers = [await make_buyer(studio) for _ in range(3)]
    for buyer in buyers:
        await fund(buyer, gold, 10_000)

    async def once(buyer: Buyer) -> None:
        if chance.random() < 0.6:
            reply = await buy(client, buyer, chance.choice(skus), gold)
            assert reply.status_code == 200, reply.text
            return
        wanted = chance.sample(for_money, chance.randint(1, 3))
        order = await attempt(order_money(buyer, *wanted))
        if isinstance(order, Order) and chance.random() < 0.7:
            await attempt(pay(studio, order))

    await asyncio.gather(*(once(chance.choice(buyers)) for _ in range(150)))
    assert not await differences_of(studio)


async def test_hoarding_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio, limits={"per_item": 100})
    buyer = await make_buyer(studio)
    found = await asyncio.gather(*(attempt(order_money(buyer, sku)) for _ in range(CALLS)))
    assert Counter(isinstance(each, Order) for each in found)[True] == HOLDING_ORDERS_MAX
    assert (await stock_of(studio, sku)).reserved == HOLDING_ORDERS_MAX


async def test_a_rush_leaves_connections_to_others(studio: Studio) -> None:
    at_work, most = 0, 0

    async def work(number: int) -> None:
        nonlocal at_work, most
        async with through_gates(studio.context.database.session(), studio.project_id, [7, 8]):
            at_work += 1
            most = max(most, at_work)
            await asyncio.sleep(0)
            at_work -= 1

    await asyncio.gather(*(work(number) for number in range(CALLS)))
    assert most == AT_ONCE
    # Who holds a connection goes through: it must not keep it at the gate.
    async with through_gates(studio.context.database.session(), studio.project_id, [7]):
        db = studio.context.database.session()
        async with db.begin():
            for _ in range(AT_ONCE):
                async with through_gates(db, studio.project_id, [7]):
                    pass

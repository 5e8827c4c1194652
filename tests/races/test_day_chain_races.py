"""One step many times at once: one grant, one order, one payment that counts; all of it follows from the books."""

import asyncio

import httpx
import pytest
from test_order_races import attempt, outcomes

from haversack.orders.actions import expire_due_orders
from haversack.orders.records import OrderState
from haversack.orders.rules import OrderNotPayable
from make import catalog
from make.client_catalog import sell
from make.day_chains import (
    DAY,
    START,
    admin_path,
    claim,
    daily_chain,
    daily_step,
    gives,
    make_chain,
    offer_chain,
    offer_step,
    order_step,
    see_chain,
    stand_at,
    statuses_of,
    toggle,
)
from make.inventory import differences_of
from make.orders import balance_of, ledger_of, make_buyer, owned_of, pay, payment_of, sell_for_money, stored
from make.projects import Studio

CALLS = 200


async def test_one_day_is_claimed_once(client: httpx.AsyncClient, studio: Studio) -> None:
    gold = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    lamp = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    steps = [daily_step(1, gives(gold, 7), lamp), daily_step(2, gold)]
    chains = [
        await make_chain(client, studio, "daily", daily_chain(*steps, type=t)) for t in ("calendar_hard", "rolling")
    ]
    for number, chain_id in enumerate(chains, start=1):
        replies = await asyncio.gather(*(claim(client, buyer, "daily", chain_id, 1) for _ in range(CALLS)))
        assert outcomes(replies) == {(204, None): 1, (422, 9912): CALLS - 1}
        assert (await balance_of(buyer, gold), await owned_of(buyer, lamp)) == (7 * number, number)
    assert [kind for kind, *_ in await ledger_of(buyer)].count("chain") == 2
    assert not await differences_of(studio)


@pytest.mark.parametrize("times", [CALLS, 1_000])
async def test_a_free_step_is_taken_once(client: httpx.AsyncClient, studio: Studio, times: int) -> None:
    lamp = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(lamp, lamp))
    # Whoever presses has looked at the chain before: the token is known.
    assert (await see_chain(client, buyer, "offer", chain_id))["next_step_number"] == 1
    replies = await asyncio.gather(*(claim(client, buyer, "offer", chain_id, 1) for _ in range(times)))
    assert outcomes(replies) == {(200, None): 1, (422, 9912): times - 1}
    assert await owned_of(buyer, lamp) == 1
    assert (await see_chain(client, buyer, "offer", chain_id))["next_step_number"] == 2
    assert not await differences_of(studio)


async def test_all_steps_at_once_are_taken_in_their_order(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(*[lamp] * 5))
    taken = 0
    for _ in range(5):
        replies = await asyncio.gather(
            *(claim(client, buyer, "offer", chain_id, number) for number in range(1, 6) for _ in range(8))
        )
        found = outcomes(replies)
        assert set(found) <= {(200, None), (422, 9912)}
        taken += found[200, None]
    assert (taken, await owned_of(buyer, lamp)) == (5, 5)
    assert (await see_chain(client, buyer, "offer", chain_id))["next_step_number"] is None
    assert not await differences_of(studio)


async def test_a_paid_step_is_paid_once(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, lamp, is_free=False), lamp))
    replies = await asyncio.gather(*(order_step(client, buyer, chain_id, 1) for _ in range(10)))
    assert outcomes(replies) == {(200, None): 10}
    orders = [await stored(studio, reply.json()["order_id"]) for reply in replies]
    # Each of them is paid by two payments, all at the same time.
    paid = await asyncio.gather(*(attempt(pay(studio, order, payment_of(order))) for order in orders for _ in range(2)))
    kept = [each for each in paid if not isinstance(each, str)]
    assert (len(kept), {each for each in paid if isinstance(each, str)}) == (1, {OrderNotPayable.__name__})
    states = [(await stored(studio, order.order_id)).state for order in orders]
    assert sorted(states) == [*[OrderState.CANCELED] * 9, OrderState.DONE]
    assert await owned_of(buyer, lamp) == 1
    assert (await see_chain(client, buyer, "offer", chain_id))["next_step_number"] == 2
    assert not await differences_of(studio)


async def test_one_payment_that_comes_in_twice_counts_once(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, lamp, is_free=False)))
    order = await stored(studio, (await order_step(client, buyer, chain_id, 1)).json()["order_id"])
    payment = payment_of(order)
    paid = await asyncio.gather(*(pay(studio, order, payment) for _ in range(20)))
    assert {each.state for each in paid} == {OrderState.DONE}
    assert await owned_of(buyer, lamp) == 1
    assert not await differences_of(studio)


async def test_expired_orders_of_a_step_are_paid_once(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    start = await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, lamp, is_free=False)))
    replies = [await order_step(client, buyer, chain_id, 1) for _ in range(5)]
    await stand_at(studio, start + 2 * DAY)
    await expire_due_orders(studio.context)
    orders = [await stored(studio, reply.json()["order_id"]) for reply in replies]
    assert {order.state for order in orders} == {OrderState.EXPIRED}
    paid = await asyncio.gather(*(attempt(pay(studio, order, payment_of(order))) for order in orders))
    assert [isinstance(each, str) for each in paid].count(False) == 1
    assert await owned_of(buyer, lamp) == 1
    assert not await differences_of(studio)


async def test_claims_beside_changes_of_their_chain(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell_for_money(client, studio)
    buyers = [await make_buyer(studio) for _ in range(10)]
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "daily", daily_chain(lamp, lamp, type="rolling"))
    reset = admin_path(studio, "daily", f"/id/{chain_id}/reset")

    async def change() -> None:
        for _ in range(5):
            assert (await client.post(reset, auth=studio.basic)).status_code == 204
            await toggle(client, studio, "daily", chain_id)
            await toggle(client, studio, "daily", chain_id)

    async def keep_claiming(place: int) -> int:
        replies = [await claim(client, buyers[place], "daily", chain_id, 1) for _ in range(10)]
        assert set(outcomes(replies)) <= {(204, None), (422, 9912), (404, 7001)}
        return outcomes(replies)[204, None]

    _, *claimed = await asyncio.gather(change(), *(keep_claiming(place) for place in range(10)))
    assert [await owned_of(buyer, lamp) for buyer in buyers] == claimed
    assert (await client.post(reset, auth=studio.basic)).status_code == 204
    assert await statuses_of(client, buyers[0], chain_id) == ["claimable", "claim_in_future"]
    assert not await differences_of(studio)

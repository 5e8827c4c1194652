"""Many at a project's clock at once: it goes exactly as far as those that were told so."""

import asyncio
from datetime import timedelta

import httpx

from haversack.context import Context
from make.clocks import clock_path, freeze, now_of, rows_of
from make.inventory import differences_of
from make.orders import buy, fund, make_buyer, sell_for
from make.projects import Studio


async def test_steps_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    frozen_at = await freeze(client, studio)

    async def step() -> int:
        path = clock_path(studio, "/step")
        return (await client.post(path, json={"seconds": 3600}, auth=studio.basic)).status_code

    statuses = await asyncio.gather(*(step() for _ in range(12)))
    assert set(statuses) <= {200, 409}
    assert await now_of(client, studio) == frozen_at + timedelta(hours=statuses.count(200))


async def test_going_back_while_players_buy(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, context: Context
) -> None:
    """Each purchase is undone as a whole or made after; those of other projects are made."""
    shops = []
    for each in (studio, other_studio):
        sku, currency = await sell_for(client, each, 1, limits={"per_item": 500})
        buyers = [await make_buyer(each) for _ in range(4)]
        for buyer in buyers:
            await fund(buyer, currency, 100)
        shops.append((buyers, sku, currency))
    await freeze(client, studio)
    before = await rows_of(context, studio.project_id)

    async def shop(buyer_no: int, shop_no: int) -> list[int]:
        buyers, sku, currency = shops[shop_no]
        return [(await buy(client, buyers[buyer_no], sku, currency)).status_code for _ in range(8)]

    async def go_back() -> list[int]:
        path = clock_path(studio, "/back")
        return [(await client.put(path, auth=studio.basic)).status_code for _ in range(3)]

    back, *bought = await asyncio.gather(go_back(), *(shop(number % 4, number // 4) for number in range(8)))
    assert back == [204, 204, 204]
    assert [status for statuses in bought for status in statuses] == [200] * 64
    for each in (studio, other_studio):
        assert not await differences_of(each)
    async with context.database.connection() as connection:
        orders = await connection.fetchval("SELECT count(*) FROM orders WHERE project_id = $1", other_studio.project_id)
    assert orders == 32
    assert await go_back() == [204, 204, 204]
    assert await rows_of(context, studio.project_id) == before

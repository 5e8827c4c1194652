"""Many at once on one chain: a step is given once, points add up, a clan's sum is that of its members."""

import asyncio
from collections import Counter
from uuid import uuid4

import httpx
import pytest

from make.catalog import virtual_item
from make.chains import (
    claim,
    clan_chain,
    clan_points_of,
    earn,
    get_chain,
    make_member,
    make_reward_chain,
    make_value_point,
    points_of,
    reset_chain,
    reward_chain,
    see_chains,
    sell_with_points,
    set_attribute,
    step,
    update_clan,
)
from make.client_catalog import sell
from make.inventory import differences_of
from make.orders import Buyer, make_buyer, order_money, owned_of, pay, payment_of, refund
from make.projects import Studio

CONSUMABLE = {"inventory_options": {"consumable": {"usages_count": 1}}}


@pytest.mark.parametrize("times", [200, 1000])
async def test_many_claims_of_one_step_give_once(client: httpx.AsyncClient, studio: Studio, times: int) -> None:
    point, _ = await make_value_point(client, studio)
    gift = await sell(client, studio, virtual_item(**CONSUMABLE))
    chain_id = await make_reward_chain(client, studio, reward_chain(point, step(gift, 0), step(gift, 0)))
    first, second = [each["step_id"] for each in (await get_chain(client, studio, chain_id))["steps"]]
    buyer = await make_buyer(studio)
    # The player is known: what is raced for is the step.
    assert len(await see_chains(client, buyer)) == 1
    replies = await asyncio.gather(*(claim(client, buyer, chain_id, first) for _ in range(times)))
    told = Counter((reply.status_code, reply.json()["errorCode"] if reply.content else None) for reply in replies)
    assert told == {(204, None): 1, (422, 9912): times - 1}
    assert await owned_of(buyer, gift) == 1
    await asyncio.gather(*(claim(client, buyer, chain_id, each) for each in (first, second) * 10))
    assert await owned_of(buyer, gift) == 2
    assert not await differences_of(studio)


async def test_claims_and_resets_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    # However they fall between each other, a window gives once.
    point, _ = await make_value_point(client, studio)
    gift = await sell(client, studio, virtual_item(**CONSUMABLE))
    chain_id = await make_reward_chain(client, studio, reward_chain(point, step(gift, 0)))
    [first] = (await get_chain(client, studio, chain_id))["steps"]
    buyer = await make_buyer(studio)
    calls = [claim(client, buyer, chain_id, first["step_id"]) for _ in range(40)]
    replies = await asyncio.gather(*calls, *(reset_chain(client, studio, chain_id) for _ in range(4)))
    given = sum(reply is not None and reply.status_code == 204 for reply in replies)
    assert 1 <= given <= 5
    assert await owned_of(buyer, gift) == given
    assert not await differences_of(studio)


async def test_members_earn_for_their_clan_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    point, point_id = await make_value_point(client, studio, is_clan=True)
    own, own_id = await make_value_point(client, studio)
    item = await sell_with_points(client, studio, point, 10)
    both = await sell_with_points(client, studio, point, 1)
    await client.patch(
        f"/api/v2/project/{studio.project_id}/admin/items/{own}/value_points/rewards",
        json=[{"sku": both, "amount": 3}],
        auth=studio.basic,
    )
    gift = await sell(client, studio, virtual_item(**CONSUMABLE))
    chain_id = await make_reward_chain(client, studio, clan_chain(point, step(gift, 10)))
    [first] = (await get_chain(client, studio, chain_id))["steps"]
    members = [await make_member(client, studio, "Owls") for _ in range(6)]

    async def come_and_go(member: Buyer) -> None:
        order = await order_money(member, item)
        payment = payment_of(order)
        await pay(studio, order, payment)
        await refund(studio, order, payment)

    await asyncio.gather(
        *(earn(member, item) for member in members for _ in range(3)),
        *(earn(member, both) for member in members),
        *(come_and_go(member) for member in members),
    )
    assert await clan_points_of(studio, "Owls", point_id) == 6 * 31
    assert [await points_of(member, own_id) for member in members] == [3] * 6
    replies = await asyncio.gather(*(claim(client, member, chain_id, first["step_id"]) for member in members * 3))
    assert Counter(reply.status_code for reply in replies) == {204: 6, 422: 12}
    assert not await differences_of(studio)


async def test_a_clan_is_left_once(client: httpx.AsyncClient, studio: Studio) -> None:
    point, _ = await make_value_point(client, studio, is_clan=True)
    item = await sell_with_points(client, studio, point, 10)
    gift = await sell(client, studio, virtual_item(**CONSUMABLE))
    chain_id = await make_reward_chain(client, studio, clan_chain(point, step(gift, 5), step(gift, 10)))
    first, second = [each["step_id"] for each in (await get_chain(client, studio, chain_id))["steps"]]
    member = await make_member(client, studio, "Owls")
    await earn(member, item)
    await set_attribute(member, "clan_id", f"Owls {uuid4()}")
    given = await asyncio.gather(
        *(update_clan(client, member) for _ in range(10)),
        *(claim(client, member, chain_id, each) for each in (first, second) * 5),
    )
    assert await owned_of(member, gift) == 2
    assert sum(reward["quantity"] for left in given if isinstance(left, list) for reward in left) <= 2
    assert not await differences_of(studio)

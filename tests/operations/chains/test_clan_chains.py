"""Chains of clans: points that add up, who brought the most, and what is left when a player goes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from haversack.chains.queries.standing import READ_PLAYERS
from haversack.database.engine import compiled
from haversack.limits.records import FOR_EVER
from make.catalog import bundle, virtual_item
from make.chains import (
    PICTURE,
    WEEKLY,
    claim,
    clan_chain,
    clan_points_of,
    earn,
    get_chain,
    join_clan,
    make_member,
    make_reward_chain,
    make_value_point,
    points_of,
    see_chains,
    sell_with_points,
    set_attribute,
    step,
    update_clan,
    user_path,
)
from make.client_catalog import freeze, sell
from make.inventory import differences_of
from make.orders import Buyer, make_buyer, order_money, owned_of, pay, payment_of, refund
from make.projects import Studio

NOW = datetime(2026, 12, 2, 12, tzinfo=UTC)
NEXT = datetime(2026, 12, 7, tzinfo=UTC)


class ClanRoad:
    """A chain of clans with steps at 10 and 20 points, and an item that brings ten."""

    def __init__(self, chain_id: int, steps: list[int], point_id: int, item: str, gift: str) -> None:
        self.chain_id = chain_id
        self.steps = steps
        self.point_id = point_id
        self.item = item
        self.gift = gift


@pytest.fixture
async def road(client: httpx.AsyncClient, studio: Studio) -> ClanRoad:
    """Such a chain."""
    return await make_clan_road(client, studio)


async def make_clan_road(client: httpx.AsyncClient, studio: Studio, **changes: Any) -> ClanRoad:
    """Make one."""
    point, point_id = await make_value_point(client, studio, is_clan=True)
    item = await sell_with_points(client, studio, point, 10)
    gift = await sell(client, studio, virtual_item(inventory_options={"consumable": {"usages_count": 1}}))
    body = clan_chain(point, step(gift, 10), step(gift, 20), clan_type="guild", popup_image_url=PICTURE, **changes)
    chain_id = await make_reward_chain(client, studio, body)
    steps = [each["step_id"] for each in (await get_chain(client, studio, chain_id))["steps"]]
    return ClanRoad(chain_id, steps, point_id, item, gift)


async def name(buyer: Buyer, nickname: str) -> None:
    """Give a player the name that others see."""
    async with buyer.studio.context.database.connection() as connection:
        await connection.execute(
            "UPDATE players SET nickname = $1 WHERE login_project_id = $2 AND player_id = $3",
            nickname,
            buyer.studio.login_project_id,
            buyer.player_id,
        )


async def top_of(client: httpx.AsyncClient, buyer: Buyer, chain_id: int) -> list[tuple[str, int]]:
    """Who brought the most to the player's clan."""
    path = f"/api/v2/project/{buyer.studio.project_id}/user/clan/contributors/{chain_id}/top"
    reply = await client.get(path, headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    return [(each["name"], each["contributed_amount"]) for each in reply.json()]


async def amount_of(client: httpx.AsyncClient, buyer: Buyer, chain_id: int) -> int:
    """How many points a player's clan has."""
    reply = await client.get(user_path(buyer.studio, f"/{chain_id}/balance"), headers=buyer.headers)
    amount: int = reply.json()["amount"]
    return amount


async def test_points_of_all_members_add_up(client: httpx.AsyncClient, studio: Studio, road: ClanRoad) -> None:
    ada, ben, cleo = [await make_member(client, studio, clan) for clan in ("Owls", "Owls", "Foxes")]
    await earn(ada, road.item)
    await earn(ben, road.item)
    await earn(cleo, road.item)
    assert [await amount_of(client, each, road.chain_id) for each in (ada, ben, cleo)] == [20, 20, 10]
    assert await clan_points_of(studio, "Owls", road.point_id) == 20
    # What a clan has opened every member takes.
    for member in (ada, ben):
        assert (await claim(client, member, road.chain_id, road.steps[1])).status_code == 204
        assert await owned_of(member, road.gift) == 1
    assert (await claim(client, cleo, road.chain_id, road.steps[1])).json()["errorCode"] == 9913
    again = await claim(client, ada, road.chain_id, road.steps[1])
    assert again.json()["errorCode"] == 9912


async def test_without_a_clan_chains_are_closed(client: httpx.AsyncClient, studio: Studio) -> None:
    road = await make_clan_road(client, studio)
    loner = await make_buyer(studio)
    await earn(loner, road.item)
    assert await points_of(loner, road.point_id) == 0
    assert await amount_of(client, loner, road.chain_id) == 0
    assert (await claim(client, loner, road.chain_id, road.steps[0])).json()["errorCode"] == 9913
    assert await top_of(client, loner, road.chain_id) == []
    [chain] = await see_chains(client, loner)
    assert (chain["clan_type"], chain["top_contributors"], chain["value_point"]["is_clan"]) == ("guild", [], True)
    assert (chain["popup_header"], chain["popup_instruction"]) == ({"en": "Clans"}, {"en": "Join one."})
    assert chain["popup_image_url"] == PICTURE


async def test_a_step_for_nothing_is_for_members_alone(client: httpx.AsyncClient, studio: Studio) -> None:
    point, _ = await make_value_point(client, studio, is_clan=True)
    gift = await sell(client, studio, virtual_item())
    chain_id = await make_reward_chain(client, studio, clan_chain(point, step(gift, 0)))
    [first] = (await get_chain(client, studio, chain_id))["steps"]
    loner, member = await make_buyer(studio), await make_member(client, studio, "Owls")
    assert (await claim(client, loner, chain_id, first["step_id"])).status_code == 422
    assert (await claim(client, member, chain_id, first["step_id"])).status_code == 204


async def test_get_user_clan_top_contributors(client: httpx.AsyncClient, studio: Studio, road: ClanRoad) -> None:
    members = [await make_member(client, studio, "Owls") for _ in range(12)]
    for place, member in enumerate(members):
        if place != 11:
            await name(member, f"Owl {place:02}")
        await earn(member, road.item, 20 - place)
    stranger = await make_member(client, studio, "Foxes")
    await earn(stranger, road.item, 100)
    expected = [(f"Owl {place:02}", 10 * (20 - place)) for place in range(10)]
    assert await top_of(client, members[0], road.chain_id) == expected
    [chain] = await see_chains(client, members[11])
    listed = [(each["name"], each["contributed_amount"]) for each in chain["top_contributors"]]
    assert listed == expected
    assert len(await top_of(client, stranger, road.chain_id)) == 1
    # Who has chosen no name is shown by the beginning of the id.
    assert (await top_of(client, stranger, road.chain_id))[0][0] == str(stranger.player_id)[:8]
    path = f"/api/v2/project/{studio.project_id}/user/clan/contributors/1/top"
    unknown = await client.get(path, headers=stranger.headers)
    assert (unknown.status_code, unknown.json()["errorCode"]) == (404, 9901)


async def test_user_clan_update(client: httpx.AsyncClient, studio: Studio, road: ClanRoad) -> None:
    ada, ben = await make_member(client, studio, "Owls"), await make_member(client, studio, "Owls")
    await earn(ben, road.item)
    assert (await claim(client, ada, road.chain_id, road.steps[0])).status_code == 204
    await earn(ben, road.item)
    assert await update_clan(client, ada) == []
    # She goes: the second step is still hers to take, and is taken.
    await set_attribute(ada, "clan_id", "Foxes")
    assert await amount_of(client, ada, road.chain_id) == 20
    assert await update_clan(client, ada) == [
        {
            "sku": road.gift,
            "name": "Lamp",
            "type": "virtual_good",
            "description": "It gives light.",
            "image_url": "https://pictures.example.com/lamp.png",
            "quantity": 1,
        }
    ]
    assert await owned_of(ada, road.gift) == 2
    assert await amount_of(client, ada, road.chain_id) == 0
    assert await update_clan(client, ada) == []
    # Ben goes too, into none: both steps at once, equal items added up.
    left = await join_clan(client, ben, None)
    assert [(each["sku"], each["quantity"]) for each in left] == [(road.gift, 2)]
    assert await owned_of(ben, road.gift) == 2
    assert (await claim(client, ben, road.chain_id, road.steps[0])).json()["errorCode"] == 9912


async def test_what_is_left_may_be_a_bundle(client: httpx.AsyncClient, studio: Studio) -> None:
    point, _ = await make_value_point(client, studio, is_clan=True)
    item = await sell_with_points(client, studio, point, 10)
    sword = await sell(client, studio, virtual_item())
    crate = await sell(client, studio, bundle(sword), "bundle")
    await make_reward_chain(client, studio, clan_chain(point, step(crate, 10)))
    ada = await make_member(client, studio, "Owls")
    await earn(ada, item)
    [left] = await join_clan(client, ada, "Foxes")
    assert (left["type"], left["bundle_type"], left["sku"]) == ("bundle", "standard", crate)
    assert await owned_of(ada, sword) == 1


async def test_more_than_can_be_counted_is_left(client: httpx.AsyncClient, studio: Studio) -> None:
    point, _ = await make_value_point(client, studio, is_clan=True)
    gift = await sell(client, studio, virtual_item(inventory_options={"consumable": {"usages_count": 1}}))
    reward = [{"sku": gift, "quantity": 2**31 - 1}]
    body = clan_chain(point, step(gift, 0, reward=reward), step(gift, 0, reward=reward))
    await make_reward_chain(client, studio, body)
    ada = await make_member(client, studio, "Owls")
    await set_attribute(ada, "clan_id", None)
    path = f"/api/v2/project/{studio.project_id}/user/clan/update"
    reply = await client.put(path, headers=ada.headers)
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102)
    assert await owned_of(ada, gift) == 0


async def test_what_was_brought_stays_with_the_clan(client: httpx.AsyncClient, studio: Studio, road: ClanRoad) -> None:
    ada, ben = await make_member(client, studio, "Owls"), await make_member(client, studio, "Owls")
    order = await order_money(ada, (road.item, 2))
    payment = payment_of(order)
    await pay(studio, order, payment)
    await join_clan(client, ada, "Foxes")
    await earn(ada, road.item)
    assert await amount_of(client, ben, road.chain_id) == 20
    assert [amount for _, amount in await top_of(client, ben, road.chain_id)] == [20]
    assert [amount for _, amount in await top_of(client, ada, road.chain_id)] == [10]
    # A refund takes from where the points went.
    await refund(studio, order, payment)
    assert await amount_of(client, ben, road.chain_id) == 0
    assert await amount_of(client, ada, road.chain_id) == 10
    assert await top_of(client, ben, road.chain_id) == []


async def test_a_clan_begins_anew_with_the_window(client: httpx.AsyncClient, studio: Studio) -> None:
    await freeze(studio, NOW)
    road = await make_clan_road(client, studio, recurrent_schedule=WEEKLY)
    ada, ben = await make_member(client, studio, "Owls"), await make_member(client, studio, "Owls")
    order = await order_money(ada, road.item)
    payment = payment_of(order)
    await pay(studio, order, payment)
    await earn(ben, road.item)
    await freeze(studio, NEXT)
    assert await amount_of(client, ada, road.chain_id) == 0
    assert await top_of(client, ada, road.chain_id) == []
    await earn(ben, road.item)
    assert await amount_of(client, ada, road.chain_id) == 10
    assert [amount for _, amount in await top_of(client, ada, road.chain_id)] == [10]
    await refund(studio, order, payment)
    assert await amount_of(client, ada, road.chain_id) == 10
    # The project's clock goes back: the points of the later window are the clan's.
    await freeze(studio, NOW + timedelta(days=1))
    await earn(ada, road.item)
    assert await amount_of(client, ben, road.chain_id) == 10
    assert not await differences_of(studio)


async def _change(studio: Studio, statement: str) -> None:
    async with studio.context.database.connection() as connection:
        await connection.execute(statement, studio.project_id)


CLAIMED = "UPDATE chain_claims SET step_id = step_id + {} WHERE project_id = $1"
BALANCE = "UPDATE clan_balances SET amount = amount + {} WHERE project_id = $1"


@pytest.mark.parametrize(
    ("statement", "by", "checks"),
    [(CLAIMED, 1_000_000, ["steps of chains"] * 2), (BALANCE, 5, ["value points of clans"])],
)
async def test_what_was_changed_behind_the_books_is_found(
    client: httpx.AsyncClient, studio: Studio, road: ClanRoad, statement: str, by: int, checks: list[str]
) -> None:
    ada = await make_member(client, studio, "Owls")
    await earn(ada, road.item)
    assert (await claim(client, ada, road.chain_id, road.steps[0])).status_code == 204
    await _change(studio, statement.format(by))
    found = await differences_of(studio)
    await _change(studio, statement.format(-by))
    assert [each.check for each in found] == checks
    assert not await differences_of(studio)


async def test_a_clans_name_may_be_anything(client: httpx.AsyncClient, studio: Studio, road: ClanRoad) -> None:
    odd = "  The 'Owls' of  Ñandú %s "
    ada = await make_member(client, studio, odd)
    await earn(ada, road.item)
    assert await clan_points_of(studio, odd.strip(), road.point_id) == 10
    await set_attribute(ada, "clan_id", "   ")
    await update_clan(client, ada)
    assert await amount_of(client, ada, road.chain_id) == 0


MEMBERS = 100_000
FILL = """
INSERT INTO value_point_balances (project_id, player_id, value_point_id, clan, window_start, amount)
SELECT $1, gen_random_uuid(), $2, 'Owls', '1970-01-01T00:00:00Z', number % 5000
FROM generate_series(1, $3::int) AS number
"""
EMPTY = "DELETE FROM value_point_balances WHERE project_id = $1 AND player_id <> $2"


async def test_the_top_of_a_hundred_thousand_is_read_from_the_index(
    client: httpx.AsyncClient, studio: Studio, road: ClanRoad
) -> None:
    ada = await make_member(client, studio, "Owls")
    await earn(ada, road.item)
    async with studio.context.database.connection() as connection:
        await connection.execute(FILL, studio.project_id, road.point_id, MEMBERS)
        try:
            await connection.execute("ANALYZE value_point_balances")
            assert [amount for _, amount in await top_of(client, ada, road.chain_id)] == [4_999] * 10
            reads = await _reads(connection, ada, road)
        finally:
            # The books know nothing of these.
            await connection.execute(EMPTY, studio.project_id, ada.player_id)
    assert reads == [("ix_value_point_balances_clan", 10)]


async def _reads(
    connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", buyer: Buyer, road: ClanRoad
) -> list[tuple[str, int]]:
    """How the statement reads what players have brought, by PostgreSQL's own count: indexes and rows."""
    query = compiled(READ_PLAYERS)
    values = {
        "project": buyer.studio.project_id,
        "login": buyer.studio.login_project_id,
        "players": [buyer.player_id],
        "chains": [],
        "chain_starts": [],
        "own_points": [],
        "own_starts": [],
        "clan_points": [road.point_id],
        "clan_starts": [FOR_EVER],
        "most": 10,
    }
    plan = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {query.sql}", *query.arguments(values))
    return [
        (node.get("Index Name", node["Node Type"]), int(node["Actual Rows"]))
        for node in _nodes(plan[0]["Plan"])
        if node.get("Relation Name") == "value_point_balances" and node["Actual Rows"]
    ]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)

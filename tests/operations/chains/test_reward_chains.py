"""Reward chains as players see and claim them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from haversack.database.engine import Session
from make.catalog import bundle, make_item, package, virtual_currency, virtual_item
from make.chains import (
    GOLD,
    PICTURE,
    WEEKLY,
    chain_path,
    claim,
    earn,
    get_chain,
    make_reward_chain,
    make_value_point,
    points_path,
    reset_chain,
    reward_chain,
    see_chains,
    sell_with_points,
    set_attribute,
    step,
    toggle_chain,
    user_path,
    value_point,
)
from make.client_catalog import freeze, sell
from make.orders import Buyer, balance_of, ledger_of, make_buyer, order_money, owned_of, pay, payment_of, refund
from make.projects import Studio

# A Wednesday, and the resets of a weekly chain around it.
NOW = datetime(2026, 12, 2, 12, tzinfo=UTC)
NEXT = datetime(2026, 12, 7, tzinfo=UTC)


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    """A player of the studio."""
    return await make_buyer(studio)


@pytest.fixture
async def gift(client: httpx.AsyncClient, studio: Studio) -> str:
    """An item that steps give."""
    return await sell(client, studio, virtual_item(inventory_options={"consumable": {"usages_count": 1}}))


class Road:
    """A chain of three steps at 10, 20 and 30 points, with an item that brings ten."""

    def __init__(self, chain_id: int, steps: list[int], point: str, item: str) -> None:
        self.chain_id = chain_id
        self.steps = steps
        self.point = point
        self.item = item


async def make_road(client: httpx.AsyncClient, studio: Studio, gift: str, **changes: Any) -> Road:
    """Make one."""
    point, _ = await make_value_point(client, studio)
    item = await sell_with_points(client, studio, point, 10)
    body = reward_chain(point, *(step(gift, points) for points in (10, 20, 30)), **changes)
    chain_id = await make_reward_chain(client, studio, body)
    steps = [each["step_id"] for each in (await get_chain(client, studio, chain_id))["steps"]]
    return Road(chain_id, steps, point, item)


async def claimed_of(client: httpx.AsyncClient, buyer: Buyer, chain_id: int) -> list[bool]:
    """Which steps of a chain a player has taken."""
    [chain] = [each for each in await see_chains(client, buyer) if each["reward_chain_id"] == chain_id]
    return [each["is_claimed"] for each in chain["steps"]]


async def amount_of(client: httpx.AsyncClient, buyer: Buyer, chain_id: int) -> int:
    """How many value points a player has for a chain."""
    reply = await client.get(user_path(buyer.studio, f"/{chain_id}/balance"), headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    amount: int = reply.json()["amount"]
    return amount


# -- What is seen ---------------------------------------------------------------------------------------------------


async def test_get_reward_chains_list(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    await freeze(studio, NOW)
    gems = await sell(client, studio, virtual_currency(), "virtual_currency")
    lamp = await sell(client, studio, virtual_item())
    point, _ = await make_value_point(
        client, studio, name={"en": "Stars", "de": "Sterne"}, long_description={"en": "L"}
    )
    gifts = [{"sku": gems, "quantity": 50}, {"sku": lamp, "quantity": 1}]
    body = reward_chain(
        point,
        step(lamp, 10, reward=gifts, name={"en": "First", "de": "Zuerst"}, image_url=PICTURE),
        description={"en": "Short"},
        image_url=PICTURE,
        order=3,
        recurrent_schedule={"interval_type": "monthly", "day_of_month": 31, "time": "00:00:00+00:00"},
    )
    chain_id = await make_reward_chain(client, studio, body)
    await earn(buyer, await sell_with_points(client, studio, point, 4))
    reply = await client.get(user_path(studio), headers=buyer.headers)
    assert reply.status_code == 200
    assert reply.json() == {
        "has_more": False,
        "total_items_count": 1,
        "items": [
            {
                "reward_chain_id": chain_id,
                "name": "Road of stars",
                "description": "Short",
                "long_description": None,
                "image_url": PICTURE,
                "order": 3,
                "date_start": "2026-01-01T00:00:00Z",
                "date_end": None,
                "clan_type": None,
                "top_contributors": [],
                "value_point": {
                    "sku": point,
                    "name": "Stars",
                    "image_url": PICTURE,
                    "description": None,
                    "long_description": "L",
                    "amount": 4,
                    "is_clan": False,
                },
                "steps": [
                    {
                        "step_id": (await get_chain(client, studio, chain_id))["steps"][0]["step_id"],
                        "name": "First",
                        "is_claimed": False,
                        "image_url": PICTURE,
                        "price": {"amount": 10},
                        "reward": [
                            {
                                "sku": gems,
                                "name": "Pearls",
                                "type": "virtual_currency",
                                "description": "",
                                "image_url": None,
                                "quantity": 50,
                            },
                            {
                                "sku": lamp,
                                "name": "Lamp",
                                "type": "virtual_good",
                                "description": "It gives light.",
                                "image_url": "https://pictures.example.com/lamp.png",
                                "quantity": 1,
                            },
                        ],
                    }
                ],
                # Milliseconds.
                "recurrent_schedule": {
                    "interval_type": "monthly",
                    "reset_next_date": int(datetime(2026, 12, 31, tzinfo=UTC).timestamp()) * 1_000,
                },
                "popup_header": None,
                "popup_instruction": None,
                "popup_image_url": None,
            }
        ],
        "recurrent_schedule": None,
    }
    [german] = await see_chains(client, buyer, locale="de-DE")
    assert (german["value_point"]["name"], german["steps"][0]["name"]) == ("Sterne", "Zuerst")


async def test_who_is_not_signed_in_sees_chains_without_progress(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, gift: str
) -> None:
    road = await make_road(client, studio, gift)
    await earn(buyer, road.item)
    assert (await claim(client, buyer, road.chain_id, road.steps[0])).status_code == 204
    [chain] = await see_chains(client, studio)
    assert chain["value_point"]["amount"] == 0
    assert [each["is_claimed"] for each in chain["steps"]] == [False] * 3
    anonymous = await client.post(user_path(studio, f"/{road.chain_id}/step/{road.steps[1]}/claim"))
    assert anonymous.status_code == 401


async def test_pages_of_chains(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    ids = [
        await make_reward_chain(client, studio, reward_chain(point, step(lamp, 1), order=place)) for place in range(3)
    ]

    async def page(**parameters: int) -> tuple[list[int], bool, int]:
        reply = await client.get(user_path(studio), params=parameters, headers=buyer.headers)
        body = reply.json()
        return [each["reward_chain_id"] for each in body["items"]], body["has_more"], body["total_items_count"]

    assert await page() == (ids, False, 3)
    assert await page(limit=2) == (ids[:2], True, 3)
    assert await page(limit=2, offset=2) == (ids[2:], False, 3)
    assert await page(limit=1_000) == (ids, False, 3)
    assert await page(offset=10) == ([], False, 3)
    assert (await client.get(user_path(studio), params={"limit": 0})).status_code == 422
    assert (await client.get(user_path(studio), params={"offset": -1})).status_code == 422


async def test_whom_chains_are_shown_to(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    point, _ = await make_value_point(client, studio)
    lamp = (await make_item(client, studio))["sku"]
    bodies = {
        "plain": reward_chain(point, step(lamp, 1)),
        "filler": reward_chain(point, step(lamp, 1), is_always_visible=False),
        "golden": reward_chain(point, step(lamp, 1), attribute_conditions=[GOLD]),
        "off": reward_chain(point, step(lamp, 1), is_enabled=False),
        "over": reward_chain(point, step(lamp, 1), date_end="2026-02-01T00:00:00Z"),
        "to come": reward_chain(point, step(lamp, 1), date_start="2126-02-01T00:00:00Z"),
    }
    names = {await make_reward_chain(client, studio, body): name for name, body in bodies.items()}

    async def seen(who: Buyer | Studio) -> set[str]:
        return {names[chain["reward_chain_id"]] for chain in await see_chains(client, who)}

    assert await seen(studio) == {"plain", "filler"}
    assert await seen(buyer) == {"plain", "filler"}
    await set_attribute(buyer, "league", "gold")
    assert await seen(buyer) == {"plain", "golden"}
    # What is not seen can neither be read nor claimed.
    for chain_id, name in names.items():
        steps = (await get_chain(client, studio, chain_id))["steps"]
        expected = 422 if name in ("plain", "golden") else 404
        assert (await claim(client, buyer, chain_id, steps[0]["step_id"])).status_code == expected
        balance = await client.get(user_path(studio, f"/{chain_id}/balance"), headers=buyer.headers)
        assert balance.status_code == (200 if expected == 422 else 404)


async def test_get_user_reward_chain_balance(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, gift: str
) -> None:
    road = await make_road(client, studio, gift)
    await earn(buyer, road.item, 2)
    reply = await client.get(user_path(studio, f"/{road.chain_id}/balance"), headers=buyer.headers)
    assert reply.json() == {
        "sku": road.point,
        "name": "Stars",
        "image_url": PICTURE,
        "description": None,
        "long_description": None,
        "amount": 20,
        "is_clan": False,
    }
    unknown = await client.get(user_path(studio, "/1/balance"), headers=buyer.headers)
    assert (unknown.status_code, unknown.json()["errorCode"]) == (404, 9901)
    assert (await client.get(user_path(studio, f"/{road.chain_id}/balance"))).status_code == 401


async def test_changes_are_seen_at_once(client: httpx.AsyncClient, studio: Studio, buyer: Buyer, gift: str) -> None:
    road = await make_road(client, studio, gift)
    await see_chains(client, buyer)
    await toggle_chain(client, studio, road.chain_id)
    assert await see_chains(client, buyer) == []
    await toggle_chain(client, studio, road.chain_id)
    path = points_path(studio, f"/sku/{road.point}")
    await client.put(path, json=value_point(sku=road.point, name={"en": "Suns"}), auth=studio.basic)
    [chain] = await see_chains(client, buyer)
    assert chain["value_point"]["name"] == "Suns"


async def test_a_page_of_fifty_chains_is_two_queries(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lamp = (await make_item(client, studio))["sku"]
    points = [(await make_value_point(client, studio))[0] for _ in range(5)]
    for place in range(51):
        conditions = {"attribute_conditions": [{**GOLD, "can_be_missing": True}]} if place % 2 else {}
        body = reward_chain(points[place % 5], step(lamp, 1), step(lamp, 2), recurrent_schedule=WEEKLY, **conditions)
        await make_reward_chain(client, studio, body)
    assert len(await see_chains(client, buyer)) == 50
    asked: list[str] = []
    plain = Session.fetch_all

    async def counted(self: Session, statement: Any, **values: Any) -> Any:
        asked.append(str(statement))
        return await plain(self, statement, **values)

    monkeypatch.setattr(Session, "fetch_all", counted)
    assert len(await see_chains(client, buyer)) == 50
    assert len(asked) == 2, asked
    asked.clear()
    assert len(await see_chains(client, studio)) == 50
    assert not asked


# -- Claiming -------------------------------------------------------------------------------------------------------


async def test_claim_user_reward_chain_step_reward(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, gift: str
) -> None:
    road = await make_road(client, studio, gift)
    first, second, third = road.steps
    early = await claim(client, buyer, road.chain_id, first)
    assert (early.status_code, early.json()["errorCode"]) == (422, 9913)
    await earn(buyer, road.item, 2)
    # In any order: points are a threshold, and stay.
    assert (await claim(client, buyer, road.chain_id, second)).status_code == 204
    assert await owned_of(buyer, gift) == 1
    assert await amount_of(client, buyer, road.chain_id) == 20
    again = await claim(client, buyer, road.chain_id, second)
    assert (again.status_code, again.json()["errorCode"]) == (422, 9912)
    assert again.json()["errorMessage"] == "[0401-9912]: Reward already claimed."
    assert (await claim(client, buyer, road.chain_id, third)).json()["errorCode"] == 9913
    assert await claimed_of(client, buyer, road.chain_id) == [False, True, False]
    assert await owned_of(buyer, gift) == 1
    rows = [(subject, change) for kind, subject, change, _ in await ledger_of(buyer) if kind == "chain"]
    assert rows == [(str(road.chain_id), 1)]


async def test_what_is_not_there_cannot_be_claimed(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, gift: str
) -> None:
    road, other = await make_road(client, studio, gift), await make_road(client, studio, gift)
    missing = await claim(client, buyer, 1, road.steps[0])
    assert (missing.status_code, missing.json()["errorCode"]) == (404, 9901)
    foreign = await claim(client, buyer, road.chain_id, other.steps[0])
    assert (foreign.status_code, foreign.json()["errorCode"]) == (404, 9911)


async def test_all_that_steps_give(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    gems = await sell(client, studio, virtual_currency(), "virtual_currency")
    sack = await sell(client, studio, package(gems), "package")
    sword, rope = [await sell(client, studio, virtual_item()) for _ in range(2)]
    crate = await sell(client, studio, bundle(sword, sack), "bundle")
    point, _ = await make_value_point(client, studio)
    gifts = [
        {"sku": gems, "quantity": 7},
        {"sku": sack, "quantity": 2},
        {"sku": crate, "quantity": 1},
        {"sku": rope, "quantity": 1, "attribute_conditions": [GOLD]},
    ]
    body = reward_chain(point, step(gems, 0, reward=gifts), step(gems, 0, reward=gifts))
    chain_id = await make_reward_chain(client, studio, body)
    first, second = [each["step_id"] for each in (await get_chain(client, studio, chain_id))["steps"]]
    assert (await claim(client, buyer, chain_id, first)).status_code == 204
    assert (await balance_of(buyer, gems), await owned_of(buyer, sword), await owned_of(buyer, rope)) == (1_507, 1, 0)
    # What is owned once and is owned stays so.
    await set_attribute(buyer, "league", "gold")
    assert (await claim(client, buyer, chain_id, second)).status_code == 204
    assert (await balance_of(buyer, gems), await owned_of(buyer, sword), await owned_of(buyer, rope)) == (3_014, 1, 1)


async def test_rewards_are_shown_to_those_who_get_them(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, gift: str
) -> None:
    point, _ = await make_value_point(client, studio)
    gifts = [{"sku": gift, "quantity": 1}, {"sku": gift, "quantity": 5, "attribute_conditions": [GOLD]}]
    await make_reward_chain(client, studio, reward_chain(point, step(gift, 1, reward=gifts)))

    async def shown(who: Buyer | Studio) -> list[int]:
        [chain] = await see_chains(client, who)
        return [reward["quantity"] for reward in chain["steps"][0]["reward"]]

    assert (await shown(studio), await shown(buyer)) == ([1], [1])
    await set_attribute(buyer, "league", "gold")
    assert await shown(buyer) == [1, 5]


async def test_more_than_can_be_counted(client: httpx.AsyncClient, studio: Studio, buyer: Buyer, gift: str) -> None:
    point, _ = await make_value_point(client, studio)
    gifts = [{"sku": gift, "quantity": 2**31 - 1}]
    chain_id = await make_reward_chain(
        client, studio, reward_chain(point, step(gift, 0, reward=gifts), step(gift, 0, reward=gifts))
    )
    first, second = [each["step_id"] for each in (await get_chain(client, studio, chain_id))["steps"]]
    assert (await claim(client, buyer, chain_id, first)).status_code == 204
    refused = await claim(client, buyer, chain_id, second)
    assert (refused.status_code, refused.json()["errorCode"]) == (422, 1102)
    assert await claimed_of(client, buyer, chain_id) == [True, False]


async def test_a_refund_takes_the_points_and_not_the_step(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, gift: str
) -> None:
    road = await make_road(client, studio, gift)
    order = await order_money(buyer, road.item)
    payment = payment_of(order)
    await pay(studio, order, payment)
    assert (await claim(client, buyer, road.chain_id, road.steps[0])).status_code == 204
    await refund(studio, order, payment)
    assert await amount_of(client, buyer, road.chain_id) == 0
    assert await claimed_of(client, buyer, road.chain_id) == [True, False, False]
    assert await owned_of(buyer, gift) == 1


# -- Windows --------------------------------------------------------------------------------------------------------


async def test_a_reset_by_schedule_begins_anew(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, gift: str
) -> None:
    await freeze(studio, NOW)
    road = await make_road(client, studio, gift, recurrent_schedule=WEEKLY)
    await earn(buyer, road.item)
    assert (await claim(client, buyer, road.chain_id, road.steps[0])).status_code == 204
    await freeze(studio, NEXT - timedelta(seconds=1))
    assert await amount_of(client, buyer, road.chain_id) == 10
    await freeze(studio, NEXT)
    assert await amount_of(client, buyer, road.chain_id) == 0
    assert await claimed_of(client, buyer, road.chain_id) == [False] * 3
    [chain] = await see_chains(client, buyer)
    following = NEXT + timedelta(days=7)
    assert chain["recurrent_schedule"]["reset_next_date"] == int(following.timestamp()) * 1_000
    assert (await claim(client, buyer, road.chain_id, road.steps[0])).json()["errorCode"] == 9913
    await earn(buyer, road.item)
    assert await amount_of(client, buyer, road.chain_id) == 10
    assert (await claim(client, buyer, road.chain_id, road.steps[0])).status_code == 204
    assert await owned_of(buyer, gift) == 2


async def test_points_of_a_past_window_do_not_go_back(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, gift: str
) -> None:
    # A refund of what was bought before the reset takes nothing of what was earned after it.
    await freeze(studio, NOW)
    road = await make_road(client, studio, gift, recurrent_schedule=WEEKLY)
    order = await order_money(buyer, road.item)
    payment = payment_of(order)
    await pay(studio, order, payment)
    await freeze(studio, NEXT)
    await earn(buyer, road.item)
    await refund(studio, order, payment)
    assert await amount_of(client, buyer, road.chain_id) == 10


async def test_a_reset_by_hand_empties_the_point_for_all_chains(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, gift: str
) -> None:
    await freeze(studio, NOW)
    road = await make_road(client, studio, gift)
    other = await make_reward_chain(client, studio, reward_chain(road.point, step(gift, 10)))
    [other_step] = (await get_chain(client, studio, other))["steps"]
    await earn(buyer, road.item)
    for chain_id, step_id in ((road.chain_id, road.steps[0]), (other, other_step["step_id"])):
        assert (await claim(client, buyer, chain_id, step_id)).status_code == 204
    await reset_chain(client, studio, road.chain_id)
    assert await amount_of(client, buyer, road.chain_id) == await amount_of(client, buyer, other) == 0
    # Progress is that of each chain.
    assert await claimed_of(client, buyer, road.chain_id) == [False] * 3
    assert await claimed_of(client, buyer, other) == [True]
    await earn(buyer, road.item)
    assert (await claim(client, buyer, road.chain_id, road.steps[0])).status_code == 204
    # Twice in one moment is twice.
    await reset_chain(client, studio, road.chain_id)
    assert await claimed_of(client, buyer, road.chain_id) == [False] * 3
    assert await amount_of(client, buyer, other) == 0


async def test_resets_of_a_deleted_chain_stay(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, gift: str
) -> None:
    await freeze(studio, NOW)
    road = await make_road(client, studio, gift)
    other = await make_reward_chain(client, studio, reward_chain(road.point, step(gift, 10)))
    await earn(buyer, road.item)
    await reset_chain(client, studio, road.chain_id)
    assert (await client.delete(chain_path(studio, f"/id/{road.chain_id}"), auth=studio.basic)).status_code == 204
    assert await amount_of(client, buyer, other) == 0


async def test_progress_stays_through_updates_and_switches(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, gift: str
) -> None:
    await freeze(studio, NOW)
    road = await make_road(client, studio, gift, recurrent_schedule=WEEKLY)
    await freeze(studio, NEXT)
    await earn(buyer, road.item, 2)
    assert (await claim(client, buyer, road.chain_id, road.steps[0])).status_code == 204
    await toggle_chain(client, studio, road.chain_id)
    await freeze(studio, NEXT + timedelta(days=10))
    await toggle_chain(client, studio, road.chain_id)
    read = await get_chain(client, studio, road.chain_id)
    kept = {name: read[name] for name in ("name", "date_start", "is_enabled")}
    body = {**kept, "steps": list(reversed(read["steps"])), "recurrent_schedule": WEEKLY}
    path = chain_path(studio, f"/id/{road.chain_id}")
    assert (await client.put(path, json=body, auth=studio.basic)).status_code == 204
    assert await claimed_of(client, buyer, road.chain_id) == [False, False, True]
    assert await amount_of(client, buyer, road.chain_id) == 20
    await freeze(studio, NEXT + timedelta(days=14))
    assert await amount_of(client, buyer, road.chain_id) == 0

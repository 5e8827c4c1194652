"""Daily chains as players see and claim them."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from haversack.database.engine import Session
from make import catalog
from make.client_catalog import sell
from make.day_chains import (
    DAY,
    START,
    claim,
    daily_chain,
    daily_step,
    gives,
    make_chain,
    offer_chain,
    refusal_of,
    see_chain,
    stand_at,
    statuses_of,
    user_path,
)
from make.orders import Buyer, balance_of, ledger_of, make_buyer, owned_of, sell_for_money
from make.projects import Studio


async def test_get_user_daily_chain_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, catalog.virtual_item(sku="lamp"))
    gold = await sell(client, studio, catalog.virtual_currency(sku="gold"), "virtual_currency")
    sack = await sell(client, studio, catalog.package(gold, sku="sack"), "package")
    buyer = await make_buyer(studio)
    body = daily_chain(
        daily_step(1, gives(lamp, 2)),
        daily_step(2, sack),
        name={"en": "Two days", "de": "Zwei Tage"},
        order=4,
    )
    chain_id = await make_chain(client, studio, "daily", body)
    start = await stand_at(studio, START)
    found = await see_chain(client, buyer, "daily", chain_id)
    steps = found.pop("steps")
    assert found == {
        "id": chain_id,
        "name": "Two days",
        "description": None,
        "order": 4,
        "date_start": "2026-04-01T00:00:00Z",
        "date_end": "2026-04-02T23:59:59Z",
        "type": "calendar_hard",
    }
    opens = int(start.timestamp())
    assert [(step["step_number"], step["status"], step["unlocked_date"]) for step in steps] == [
        (1, "claimable", opens),
        (2, "claim_in_future", opens + 86_400),
    ]
    item = steps[0]["items"][0]
    assert item == {
        "item_id": item["item_id"],
        "sku": "lamp",
        "type": "virtual_good",
        "name": "Lamp",
        "description": "It gives light.",
        "image_url": catalog.PICTURE,
        "is_free": False,
        "quantity": 2,
        "order": 1,
        "bundle_type": None,
        "content": None,
    }
    bundle = steps[1]["items"][0]
    assert (bundle["type"], bundle["bundle_type"]) == ("bundle", "virtual_currency_package")
    assert [(part["sku"], part["quantity"], part["content"]) for part in bundle["content"]] == [("gold", 500, None)]
    path = user_path(studio, "daily", f"/{chain_id}")
    assert (await client.get(path, params={"locale": "de"})).json()["name"] == "Zwei Tage"
    assert refusal_of(await client.get(user_path(studio, "daily", "/1"), headers=buyer.headers)) == (404, 7001)


async def test_get_user_daily_chain_by_id_before_and_after_it(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    chain_id = await make_chain(client, studio, "daily", daily_chain(sku))
    path = user_path(studio, "daily", f"/{chain_id}")
    for moment, status in [
        ("2026-03-31T23:59:59+00:00", 404),
        (START, 200),
        ("2026-04-01T23:59:59+00:00", 200),
        ("2026-04-02T00:00:00+00:00", 404),
    ]:
        await stand_at(studio, moment)
        assert (await client.get(path, headers=buyer.headers)).status_code == status
        assert (await claim(client, buyer, "daily", chain_id, 7)).status_code == 404


async def test_get_user_daily_chain_by_id_that_recurs(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    chain_id = await make_chain(client, studio, "daily", daily_chain(sku, sku, is_recurrent=True))
    await stand_at(studio, "2026-04-06T12:00:00+00:00")
    found = await see_chain(client, buyer, "daily", chain_id)
    # The round that is under way.
    assert (found["date_start"], found["date_end"]) == ("2026-04-05T00:00:00Z", "2026-04-06T23:59:59Z")
    assert [step["status"] for step in found["steps"]] == ["blocked", "claimable"]


async def test_get_daily_chains_list(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    ids = [
        await make_chain(client, studio, "daily", daily_chain(sku, order=-number, type="rolling"))
        for number in range(52)
    ]
    await make_chain(client, studio, "daily", daily_chain(sku, is_enabled=False))
    await make_chain(client, studio, "daily", daily_chain(sku, date_start="2026-04-02T00:00:00Z"))
    ids.reverse()

    async def page(**query: Any) -> tuple[list[int], bool]:
        reply = await client.get(user_path(studio, "daily"), params=query, headers=buyer.headers)
        assert reply.status_code == 200, reply.text
        assert reply.json()["total_items_count"] == 52
        return [item["id"] for item in reply.json()["items"]], reply.json()["has_more"]

    assert await page() == (ids[:50], True)
    assert await page(limit=1_000) == (ids[:50], True)
    assert await page(limit=2, offset=50) == (ids[50:], False)
    assert await page(offset=60) == ([], False)
    assert (await claim(client, buyer, "daily", ids[0], 1)).status_code == 204
    reply = await client.get(user_path(studio, "daily"), params={"limit": 2}, headers=buyer.headers)
    assert [item["steps"][0]["status"] for item in reply.json()["items"]] == ["claimed", "claimable"]
    # Nobody in particular sees them too.
    reply = await client.get(user_path(studio, "daily"), params={"limit": 1})
    assert reply.json()["items"][0]["steps"][0]["status"] == "claimable"
    assert (await client.get(user_path(studio, "daily"), params={"limit": 0})).status_code == 422


async def test_claim_user_daily_chain_step_reward(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell_for_money(client, studio)
    gold = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    crate = await sell(client, studio, catalog.bundle(lamp, gives(gold, 30)), "bundle")
    buyer = await make_buyer(studio)
    body = daily_chain(daily_step(1, gives(lamp, 2), gives(gold, 5)), daily_step(2, crate))
    chain_id = await make_chain(client, studio, "daily", body)
    start = await stand_at(studio, START)
    reply = await claim(client, buyer, "daily", chain_id, 1)
    assert (reply.status_code, reply.content) == (204, b"")
    assert (await owned_of(buyer, lamp), await balance_of(buyer, gold)) == (2, 5)
    assert refusal_of(await claim(client, buyer, "daily", chain_id, 1)) == (422, 9912)
    assert refusal_of(await claim(client, buyer, "daily", chain_id, 2)) == (422, 9912)
    assert (await owned_of(buyer, lamp), await balance_of(buyer, gold)) == (2, 5)
    await stand_at(studio, start + DAY)
    assert (await claim(client, buyer, "daily", chain_id, 2)).status_code == 204
    # A bundle is unfolded.
    assert (await owned_of(buyer, lamp), await balance_of(buyer, gold)) == (3, 35)
    assert await statuses_of(client, buyer, chain_id) == ["claimed", "claimed"]
    assert [kind for kind, *_ in await ledger_of(buyer)].count("chain") == 2


async def test_claim_user_daily_chain_step_reward_that_was_missed(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    chain_id = await make_chain(client, studio, "daily", daily_chain(sku, sku, sku))
    start = await stand_at(studio, START)
    await stand_at(studio, start + DAY)
    assert refusal_of(await claim(client, buyer, "daily", chain_id, 1)) == (422, 9912)
    # A missed day does not block the later ones.
    assert (await claim(client, buyer, "daily", chain_id, 2)).status_code == 204
    assert await statuses_of(client, buyer, chain_id) == ["blocked", "claimed", "claim_in_future"]
    assert await owned_of(buyer, sku) == 1


async def test_claim_user_daily_chain_step_reward_at_the_own_pace(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer, other = await make_buyer(studio), await make_buyer(studio)
    chain_id = await make_chain(client, studio, "daily", daily_chain(sku, sku, type="rolling", is_recurrent=True))
    start = await stand_at(studio, START)
    await stand_at(studio, start + 9 * DAY)
    assert refusal_of(await claim(client, buyer, "daily", chain_id, 2)) == (422, 9912)
    assert (await claim(client, buyer, "daily", chain_id, 1)).status_code == 204
    assert refusal_of(await claim(client, buyer, "daily", chain_id, 2)) == (422, 9912)
    await stand_at(studio, start + 20 * DAY)
    assert (await claim(client, buyer, "daily", chain_id, 2)).status_code == 204
    assert await statuses_of(client, buyer, chain_id) == ["claimed", "claimed"]
    # Another player is elsewhere.
    assert await statuses_of(client, other, chain_id) == ["claimable", "claim_in_future"]
    # It begins anew on the day after.
    await stand_at(studio, start + 21 * DAY)
    assert await statuses_of(client, buyer, chain_id) == ["claimable", "claim_in_future"]
    assert (await claim(client, buyer, "daily", chain_id, 1)).status_code == 204
    assert await owned_of(buyer, sku) == 3


async def test_claim_user_daily_chain_step_reward_of_a_new_round(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    chain_id = await make_chain(client, studio, "daily", daily_chain(sku, is_recurrent=True))
    start = await stand_at(studio, START)
    for day in range(4):
        await stand_at(studio, start + day * DAY)
        assert (await claim(client, buyer, "daily", chain_id, 1)).status_code == 204
        assert refusal_of(await claim(client, buyer, "daily", chain_id, 1)) == (422, 9912)
    assert await owned_of(buyer, sku) == 4


async def test_claim_user_daily_chain_step_reward_that_is_owned_once(client: httpx.AsyncClient, studio: Studio) -> None:
    sword = await sell(client, studio, catalog.virtual_item(inventory_options={"consumable": None}))
    buyer = await make_buyer(studio)
    chain_id = await make_chain(client, studio, "daily", daily_chain(sword, is_recurrent=True))
    start = await stand_at(studio, START)
    for day in range(2):
        await stand_at(studio, start + day * DAY)
        # A reward of what is owned already changes nothing, and is no fault.
        assert (await claim(client, buyer, "daily", chain_id, 1)).status_code == 204
    assert await owned_of(buyer, sword) == 1


async def test_claim_user_daily_chain_step_reward_of_nothing(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "daily", daily_chain(sku))
    missing = await claim(client, buyer, "daily", chain_id, 2)
    assert refusal_of(missing) == (404, 7001)
    assert missing.json()["errorMessageExtended"] == {
        "chain_id": str(chain_id),
        "project_id": str(studio.project_id),
        "step_number": 2,
    }
    assert refusal_of(await claim(client, buyer, "daily", 1, 1)) == (404, 7001)
    # Who is not signed in may see, and not claim; a player of another shop is nobody here.
    assert (await claim(client, buyer, "daily", chain_id, 1, headers={})).status_code == 401
    guest = {"x-unauthorized-id": uuid4().hex}
    assert (await claim(client, buyer, "daily", chain_id, 1, headers=guest)).status_code == 401
    stranger = await make_buyer(other_studio)
    assert (await claim(client, buyer, "daily", chain_id, 1, headers=stranger.headers)).status_code == 401
    foreign = Buyer(other_studio, stranger.player_id, stranger.headers)
    assert refusal_of(await claim(client, foreign, "daily", chain_id, 1)) == (404, 7001)
    assert (await claim(client, buyer, "daily", chain_id, 0)).status_code == 422
    assert await owned_of(buyer, sku) == 0


async def test_claim_user_daily_chain_step_reward_again_with_its_key(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "daily", daily_chain(sku))
    headers = {**buyer.headers, "Idempotency-Key": uuid4().hex}
    for _ in range(2):
        assert (await claim(client, buyer, "daily", chain_id, 1, headers=headers)).status_code == 204
    assert await owned_of(buyer, sku) == 1


@pytest.mark.parametrize("kind", ["daily", "offer"])
async def test_a_page_of_fifty_chains_takes_two_queries(
    client: httpx.AsyncClient, studio: Studio, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    body = daily_chain(sku, sku) if kind == "daily" else offer_chain(sku, sku)
    if kind == "offer":
        condition = {"attribute": "league", "type": "string", "operator": "eq", "value": "gold", "can_be_missing": True}
        body["attribute_conditions"] = [condition]
    ids = [await make_chain(client, studio, kind, body) for _ in range(50)]
    assert (await claim(client, buyer, kind, ids[0], 1)).is_success
    first = await client.get(user_path(studio, kind), headers=buyer.headers)
    asked: list[str] = []

    def counted(name: str) -> None:
        really = getattr(Session, name)

        async def count(session: Session, *arguments: Any, **values: Any) -> Any:
            asked.append(name)
            return await really(session, *arguments, **values)

        monkeypatch.setattr(Session, name, count)

    for name in ("fetch_all", "fetch_one", "fetch_value", "execute", "execute_many"):
        counted(name)
    again = await client.get(user_path(studio, kind), headers=buyer.headers)
    assert again.content == first.content
    # What was claimed, and of personal chains the player's attributes.
    assert asked == ["fetch_all"] * (1 if kind == "daily" else 2)

"""Offer chains as players see them and take their steps: free ones, paid ones, resets, refunds."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from haversack.inventory.verifying import list_differences
from haversack.orders.actions import expire_due_orders
from haversack.orders.records import OrderState
from haversack.orders.rules import OrderNotPayable
from haversack.projects.records import OrderDestination
from make import catalog
from make.chains import make_value_point, points_of, set_rewards
from make.client_catalog import sell
from make.day_chains import (
    DAY,
    HOUR,
    START,
    claim,
    make_chain,
    offer_chain,
    offer_step,
    order_step,
    refusal_of,
    see_chain,
    stand_at,
    toggle,
    user_path,
)
from make.inventory import differences_of
from make.orders import (
    Buyer,
    balance_of,
    change_project,
    ledger_of,
    make_buyer,
    order_money,
    owned_of,
    pay,
    payment_of,
    read_order,
    sell_for_money,
    sell_free,
    state_of,
    stock_of,
    stored,
    take_free,
)
from make.orders import refund as refund_order
from make.payments import Purchase
from make.projects import Studio
from make.promotions import discount, make_promotion
from make.taxonomy import make_region

ORDERED = "steps of chains that orders have done"
HOURLY = {"interval_type": "hourly", "interval_hours": 4}


async def ordered(client: httpx.AsyncClient, buyer: Buyer, chain_id: int, number: int, **body: Any) -> Purchase:
    """An unpaid order of a step, with its token."""
    reply = await order_step(client, buyer, chain_id, number, json={"sandbox": True, **body})
    assert reply.status_code == 200, reply.text
    given = reply.json()
    return Purchase(buyer.studio, buyer, "", given["order_id"], given["token"])


async def next_of(client: httpx.AsyncClient, buyer: Buyer, chain_id: int) -> int | None:
    """The number of the step that is open to a player."""
    number: int | None = (await see_chain(client, buyer, "offer", chain_id))["next_step_number"]
    return number


async def test_get_user_offer_chain_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    prices = [catalog.price(2.5), catalog.price(3, "EUR", country_iso="DE")]
    lamp = await sell(client, studio, catalog.virtual_item(sku="lamp", prices=prices))
    crate = await sell(client, studio, catalog.bundle(lamp, sku="crate"), "bundle")
    point, point_id = await make_value_point(client, studio, sku="stars")
    await set_rewards(client, studio, point, {lamp: 5, crate: 7})
    buyer = await make_buyer(studio)
    await stand_at(studio, "2026-04-01T01:00:00+00:00")
    body = offer_chain(
        offer_step(1, crate),
        offer_step(2, lamp, is_free=False, quantity=2),
        name={"en": "Two steps", "de": "Zwei Schritte"},
        description={"en": "Free, then not."},
        recurrent_schedule=HOURLY,
        date_end="2026-06-01T00:00:00Z",
    )
    chain_id = await make_chain(client, studio, "offer", body)
    found = await see_chain(client, buyer, "offer", chain_id)
    steps = found.pop("steps")
    assert found == {
        "id": chain_id,
        "name": "Two steps",
        "description": "Free, then not.",
        "order": 1,
        "date_start": "2026-04-01T00:00:00Z",
        "date_end": "2026-06-01T00:00:00Z",
        # 04:00, in milliseconds.
        "recurrent_schedule": {"interval_type": "hourly", "reset_next_date": 1_775_016_000_000},
        "next_step_number": 1,
    }
    first, second = steps
    assert (first["step_number"], first["is_free"], first["is_claimed"], first["step_price"]) == (1, True, False, None)
    assert (first["items"][0]["bundle_type"], first["items"][0]["content"][0]["sku"]) == ("standard", "lamp")
    assert (first["step_vp_rewards"], first["step_loyalty_rewards"]) == ([], [])
    assert (second["is_free"], second["step_price"]) == (False, {"amount": 5, "currency": "USD"})
    item = second["items"][0]
    assert item == {
        "item_id": item["item_id"],
        "sku": "lamp",
        "type": "virtual_good",
        "name": "Lamp",
        "description": "It gives light.",
        "bundle_type": None,
        "image_url": catalog.PICTURE,
        "is_free": False,
        "quantity": 2,
        "order": 1,
        "content": None,
    }
    assert second["step_vp_rewards"] == [
        {
            "item_id": point_id,
            "sku": "stars",
            "amount": 10,
            "name": "Stars",
            "image_url": "https://pictures.example.com/star.png",
            "is_clan": False,
        }
    ]
    path = user_path(studio, "offer", f"/{chain_id}")
    german = await client.get(path, params={"locale": "de-DE"}, headers={"x-user-country": "de"})
    assert german.json()["name"] == "Zwei Schritte"
    assert german.json()["steps"][1]["step_price"] == {"amount": 6, "currency": "EUR"}
    missing = await client.get(user_path(studio, "offer", "/1"), headers=buyer.headers)
    assert refusal_of(missing) == (404, 7001)
    assert missing.json()["errorMessageExtended"] == {"chain_id": "1", "project_id": str(studio.project_id)}


async def test_get_offer_chains_list(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    ids = [await make_chain(client, studio, "offer", offer_chain(sku, sku, order=number)) for number in range(32)]
    await make_chain(client, studio, "offer", offer_chain(sku, is_enabled=False))
    await make_chain(client, studio, "offer", offer_chain(sku, date_start="2026-04-01T00:00:01Z"))
    ended = offer_chain(sku, date_start="2026-03-01T00:00:00Z", date_end=START)
    await make_chain(client, studio, "offer", ended)

    async def page(**query: Any) -> tuple[list[int], bool]:
        reply = await client.get(user_path(studio, "offer"), params=query, headers=buyer.headers)
        assert reply.status_code == 200, reply.text
        assert reply.json()["total_items_count"] == 32
        return [item["id"] for item in reply.json()["items"]], reply.json()["has_more"]

    assert await page() == (ids[:30], True)
    assert await page(limit=31) == (ids[:30], True)
    assert await page(limit=5, offset=28) == (ids[28:], False)
    assert (await claim(client, buyer, "offer", ids[0], 1)).status_code == 200
    reply = await client.get(user_path(studio, "offer"), params={"limit": 2}, headers=buyer.headers)
    assert [item["next_step_number"] for item in reply.json()["items"]] == [2, 1]


async def test_get_offer_chains_list_for_whom_they_are(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    await stand_at(studio, START)
    condition = {"attribute": "league", "type": "string", "operator": "eq", "value": "gold"}
    plain = await make_chain(client, studio, "offer", offer_chain(sku))
    filler = await make_chain(client, studio, "offer", offer_chain(sku, is_always_visible=False))
    golden = await make_chain(client, studio, "offer", offer_chain(sku, attribute_conditions=[condition]))

    async def seen(headers: dict[str, str]) -> list[int]:
        reply = await client.get(user_path(studio, "offer"), headers=headers)
        return [item["id"] for item in reply.json()["items"]]

    buyer = await make_buyer(studio)
    assert await seen(buyer.headers) == [plain, filler]
    assert refusal_of(await claim(client, buyer, "offer", golden, 1)) == (404, 7001)
    attributes = {"publisher_project_id": studio.project_id, "attributes": [{"key": "league", "value": "gold"}]}
    reply = await client.post("/api/attributes/users/me/update", json=attributes, headers=buyer.headers)
    assert reply.status_code == 204, reply.text
    assert await seen(buyer.headers) == [plain, golden]
    assert (await claim(client, buyer, "offer", golden, 1)).status_code == 200
    # Who is not signed in sees those that are for somebody too.
    assert await seen({}) == [plain, golden]


async def test_claim_user_offer_chain_step_reward(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, crown = await sell_for_money(client, studio), await sell_for_money(client, studio)
    gold = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    sack = await sell(client, studio, catalog.package(gold), "package")
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, lamp, quantity=3), sack, crown))
    reply = await claim(client, buyer, "offer", chain_id, 1)
    assert reply.status_code == 200, reply.text
    assert list(reply.json()) == ["order_id"]
    assert await owned_of(buyer, lamp) == 3
    order = await read_order(client, buyer, reply.json()["order_id"])
    # What the item costs is no matter.
    assert (order["status"], order["content"]["is_free"]) == ("done", True)
    assert [(item["sku"], item["quantity"]) for item in order["content"]["items"]] == [(lamp, 3)]
    assert refusal_of(await claim(client, buyer, "offer", chain_id, 1)) == (422, 9912)
    assert refusal_of(await claim(client, buyer, "offer", chain_id, 3)) == (422, 9912)
    assert (await claim(client, buyer, "offer", chain_id, 2)).status_code == 200
    assert await balance_of(buyer, gold) == 500
    assert (await claim(client, buyer, "offer", chain_id, 3)).status_code == 200
    # What is gone through stays there, done.
    found = await see_chain(client, buyer, "offer", chain_id)
    assert (found["next_step_number"], [step["is_claimed"] for step in found["steps"]]) == (None, [True] * 3)
    assert refusal_of(await claim(client, buyer, "offer", chain_id, 3)) == (422, 9912)
    assert [row[0] for row in await ledger_of(buyer)].count("chain") == 3
    assert not await differences_of(studio)


async def test_claim_user_offer_chain_step_reward_that_is_none(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, sku, is_free=False), sku))
    for call in (claim, None):
        reply = (
            await claim(client, buyer, "offer", chain_id, 3)
            if call is claim
            else await order_step(client, buyer, chain_id, 3)
        )
        assert refusal_of(reply) == (404, 7001)
        assert reply.json()["errorMessageExtended"] == {
            "chain_id": str(chain_id),
            "project_id": str(studio.project_id),
            "step_number": 3,
        }
    assert refusal_of(await claim(client, buyer, "offer", 1, 1)) == (404, 7001)
    # A paid step is not claimed.
    assert refusal_of(await claim(client, buyer, "offer", chain_id, 1)) == (422, 9912)
    assert (await claim(client, buyer, "offer", chain_id, 1, headers={})).status_code == 401
    guest = {"x-unauthorized-id": uuid4().hex}
    assert (await order_step(client, buyer, chain_id, 1, headers=guest)).status_code == 401
    stranger = await make_buyer(other_studio)
    foreign = Buyer(other_studio, stranger.player_id, stranger.headers)
    assert refusal_of(await claim(client, foreign, "offer", chain_id, 1)) == (404, 7001)
    assert (await claim(client, buyer, "offer", chain_id, 0)).status_code == 422
    assert await owned_of(buyer, sku) == 0


async def test_claim_user_offer_chain_step_reward_ignores_what_limits_items(
    client: httpx.AsyncClient, studio: Studio
) -> None:
    past = [{"date_from": "2026-01-01T00:00:00Z", "date_until": "2026-02-01T00:00:00Z"}]
    limited = await sell_for_money(client, studio, limits={"per_user": 1, "per_item": 1}, periods=past)
    hidden = await sell_for_money(client, studio, is_show_in_store=False)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(limited, limited, hidden))
    for number in (1, 2, 3):
        assert (await claim(client, buyer, "offer", chain_id, number)).status_code == 200
    assert (await owned_of(buyer, limited), await owned_of(buyer, hidden)) == (2, 1)
    assert (await stock_of(studio, limited)).available == 1
    assert not await differences_of(studio)


async def test_claim_user_offer_chain_step_reward_that_is_owned_once(client: httpx.AsyncClient, studio: Studio) -> None:
    sword = await sell(client, studio, catalog.virtual_item(inventory_options={"consumable": None}))
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(sword, sword))
    for number in (1, 2):
        # Else the steps after it would never open.
        assert (await claim(client, buyer, "offer", chain_id, number)).status_code == 200
    assert await owned_of(buyer, sword) == 1
    assert not await differences_of(studio)


async def test_claim_user_offer_chain_step_reward_of_what_is_gone(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(sku))
    path = f"/api/v2/project/{studio.project_id}/admin/items/virtual_items/sku/{sku}"
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    assert refusal_of(await claim(client, buyer, "offer", chain_id, 1)) == (422, 1455)
    assert await next_of(client, buyer, chain_id) == 1


async def test_claim_user_offer_chain_step_reward_in_its_regions(client: httpx.AsyncClient, studio: Studio) -> None:
    region = await make_region(client, studio, countries=["DE"])
    sku = await sell_for_money(client, studio, regions=[{"id": region}])
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(sku))
    abroad = await claim(client, buyer, "offer", chain_id, 1, headers={**buyer.headers, "x-user-country": "FR"})
    assert refusal_of(abroad) == (422, 1601)
    at_home = await claim(client, buyer, "offer", chain_id, 1, headers={**buyer.headers, "x-user-country": "DE"})
    assert at_home.status_code == 200


async def test_claim_user_offer_chain_step_reward_into_the_backpack(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    await change_project(studio, order_destination=OrderDestination.BACKPACK)
    chain_id = await make_chain(client, studio, "offer", offer_chain(sku))
    assert (await claim(client, buyer, "offer", chain_id, 1)).status_code == 200
    assert (await owned_of(buyer, sku), await next_of(client, buyer, chain_id)) == (0, None)


async def test_claim_user_offer_chain_step_reward_after_a_reset(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    start = await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(sku, sku, recurrent_schedule=HOURLY))
    for hours in range(0, 13, 4):
        await stand_at(studio, start + hours * HOUR)
        assert await next_of(client, buyer, chain_id) == 1
        assert (await claim(client, buyer, "offer", chain_id, 1)).status_code == 200
        await stand_at(studio, start + (hours + 3) * HOUR)
        assert refusal_of(await claim(client, buyer, "offer", chain_id, 1)) == (422, 9912)
        assert await next_of(client, buyer, chain_id) == 2
    assert await owned_of(buyer, sku) == 4
    # While it is switched off nothing is reset.
    await toggle(client, studio, "offer", chain_id)
    await stand_at(studio, start + 5 * DAY)
    await toggle(client, studio, "offer", chain_id)
    assert await next_of(client, buyer, chain_id) == 2
    assert not await differences_of(studio)


async def test_claim_user_offer_chain_step_reward_again_and_again(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    body = offer_chain(sku, sku, is_reset_on_completion=True)
    chain_id = await make_chain(client, studio, "offer", body)
    # The clock stands still meanwhile.
    for _ in range(3):
        for number in (1, 2):
            assert await next_of(client, buyer, chain_id) == number
            assert (await claim(client, buyer, "offer", chain_id, number)).status_code == 200
    assert (await owned_of(buyer, sku), await next_of(client, buyer, chain_id)) == (6, 1)
    assert not await differences_of(studio)


async def test_claim_user_offer_chain_step_reward_again_with_its_key(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(sku))
    headers = {**buyer.headers, "Idempotency-Key": uuid4().hex}
    replies = [await claim(client, buyer, "offer", chain_id, 1, headers=headers) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].json() == replies[1].json()
    assert await owned_of(buyer, sku) == 1


async def test_order_user_offer_chain_step_reward_again_with_its_key(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio, 2.5)
    buyer = await make_buyer(studio)
    chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, sku, is_free=False)))
    headers = {**buyer.headers, "Idempotency-Key": uuid4().hex}
    replies = [await order_step(client, buyer, chain_id, 1, json={"sandbox": True}, headers=headers) for _ in range(2)]
    assert replies[0].status_code == 200, replies[0].text
    assert replies[0].json() == replies[1].json()


async def test_order_user_offer_chain_step_reward(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, crown = await sell_for_money(client, studio, 2.5), await sell_for_money(client, studio, 9.99)
    point, point_id = await make_value_point(client, studio)
    await set_rewards(client, studio, point, {lamp: 5})
    buyer = await make_buyer(studio)
    chain_id = await make_chain(
        client, studio, "offer", offer_chain(offer_step(1, lamp, is_free=False, quantity=2), crown)
    )
    purchase = await ordered(client, buyer, chain_id, 1)
    order = await read_order(client, buyer, purchase.order_id)
    assert (order["status"], order["content"]["price"]["amount"]) == ("new", "5.00")
    # It is not done before it is paid.
    assert await next_of(client, buyer, chain_id) == 1
    assert refusal_of(await claim(client, buyer, "offer", chain_id, 2)) == (422, 9912)
    assert (await purchase.pay()).payment is not None
    assert (await read_order(client, buyer, purchase.order_id))["status"] == "done"
    assert (await owned_of(buyer, lamp), await next_of(client, buyer, chain_id)) == (2, 2)
    assert await points_of(buyer, point_id) == 10
    assert refusal_of(await order_step(client, buyer, chain_id, 1)) == (422, 9912)
    # A free step is not ordered.
    assert refusal_of(await order_step(client, buyer, chain_id, 2)) == (422, 9912)
    assert (await claim(client, buyer, "offer", chain_id, 2)).status_code == 200
    assert await next_of(client, buyer, chain_id) is None
    assert not await differences_of(studio)


async def test_order_user_offer_chain_step_reward_in_a_country(client: httpx.AsyncClient, studio: Studio) -> None:
    prices = [catalog.price(2.5), catalog.price(3, "EUR", country_iso="DE")]
    lamp = await sell(client, studio, catalog.virtual_item(prices=prices))
    buyer = await make_buyer(studio)
    chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, lamp, is_free=False)))
    headers = {**buyer.headers, "x-user-country": "DE"}
    # The body may be left out.
    reply = await order_step(client, buyer, chain_id, 1, headers=headers)
    assert reply.status_code == 200, reply.text
    order = await stored(studio, reply.json()["order_id"])
    assert (order.currency, order.amount, order.country) == ("EUR", 3, "DE")
    assert order.chain_step is not None
    assert order.chain_step.chain_id == chain_id
    # Members that set a price or a state are passed over.
    purchase = await ordered(client, buyer, chain_id, 1, price=1, is_free=True, country="DE", locale="de")
    assert (await stored(studio, purchase.order_id)).locale == "de"


async def test_order_user_offer_chain_step_reward_ignores_what_limits_items(
    client: httpx.AsyncClient, studio: Studio
) -> None:
    past = [{"date_from": "2026-01-01T00:00:00Z", "date_until": "2026-02-01T00:00:00Z"}]
    lamp = await sell_for_money(
        client, studio, 10, limits={"per_user": 1, "per_item": 1}, periods=past, is_show_in_store=False
    )
    await make_promotion(client, studio, "item", discount(lamp))
    buyer = await make_buyer(studio)
    chain_id = await make_chain(
        client, studio, "offer", offer_chain(*(offer_step(number, lamp, is_free=False) for number in (1, 2)))
    )
    for number in (1, 2):
        purchase = await ordered(client, buyer, chain_id, number)
        # The discount is not for steps of chains.
        assert (await stored(studio, purchase.order_id)).amount == 10
        await purchase.pay()
    assert (await owned_of(buyer, lamp), await next_of(client, buyer, chain_id)) == (2, None)
    assert (await stock_of(studio, lamp)).available == 1
    assert not await differences_of(studio)


async def test_order_user_offer_chain_step_reward_that_cannot_be_paid(
    client: httpx.AsyncClient, studio: Studio
) -> None:
    unpriced = await sell(client, studio, catalog.virtual_item(prices=[]))
    free, disabled = await sell_free(client, studio), await sell_for_money(client, studio, is_enabled=False)
    sword = await sell(client, studio, catalog.virtual_item(inventory_options={"consumable": None}, is_free=False))
    buyer = await make_buyer(studio)
    for sku, code in ((unpriced, 4054), (free, 1456), (disabled, 1455)):
        chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, sku, is_free=False)))
        reply = await order_step(client, buyer, chain_id, 1)
        assert refusal_of(reply) == (422, code), reply.text
        assert isinstance(reply.json().get("errorMessageExtended", {}), dict)
    # Nobody pays for what they own already.
    chain_id = await make_chain(
        client, studio, "offer", offer_chain(offer_step(1, sword), offer_step(2, sword, is_free=False))
    )
    assert (await claim(client, buyer, "offer", chain_id, 1)).status_code == 200
    assert refusal_of(await order_step(client, buyer, chain_id, 2)) == (422, 1468)


async def test_buying_the_item_itself_does_not_move_the_chain(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, gift = await sell_for_money(client, studio), await sell_free(client, studio)
    buyer = await make_buyer(studio)
    chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, lamp, is_free=False)))
    gifts = await make_chain(client, studio, "offer", offer_chain(gift))
    await pay(studio, await order_money(buyer, lamp))
    assert (await take_free(client, buyer, gift)).status_code == 200
    assert (await next_of(client, buyer, chain_id), await next_of(client, buyer, gifts)) == (1, 1)


async def test_of_two_orders_of_a_step_one_is_paid(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, lamp, is_free=False)))
    first, second = [await ordered(client, buyer, chain_id, 1) for _ in range(2)]
    await second.pay()
    assert (await stored(studio, first.order_id)).state is OrderState.CANCELED
    assert (await owned_of(buyer, lamp), await next_of(client, buyer, chain_id)) == (1, None)
    # The money that comes in for the other one all the same goes back.
    other = await stored(studio, first.order_id)
    with pytest.raises(OrderNotPayable):
        await pay(studio, other, payment_of(other))
    assert await owned_of(buyer, lamp) == 1
    assert not await differences_of(studio)


async def test_an_expired_order_of_a_step_that_is_done_is_not_paid(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    start = await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, lamp, is_free=False)))
    late = await ordered(client, buyer, chain_id, 1)
    await stand_at(studio, start + 2 * DAY)
    await expire_due_orders(studio.context)
    assert (await stored(studio, late.order_id)).state is OrderState.EXPIRED
    await (await ordered(client, buyer, chain_id, 1)).pay()
    with pytest.raises(OrderNotPayable, match="already claimed"):
        await pay(studio, await stored(studio, late.order_id))
    assert await owned_of(buyer, lamp) == 1


async def test_an_expired_order_of_a_step_is_paid_late(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell_for_money(client, studio, limits={"per_item": 1})
    buyer = await make_buyer(studio)
    start = await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, lamp, is_free=False)))
    late = await ordered(client, buyer, chain_id, 1)
    await stand_at(studio, start + 2 * DAY)
    await expire_due_orders(studio.context)
    await pay(studio, await stored(studio, late.order_id))
    assert (await owned_of(buyer, lamp), await next_of(client, buyer, chain_id)) == (1, None)
    assert (await stock_of(studio, lamp)).available == 1
    assert not await differences_of(studio)


async def test_what_is_paid_after_a_reset_is_given_and_moves_nothing(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    start = await stand_at(studio, START)
    body = offer_chain(offer_step(1, lamp, is_free=False), recurrent_schedule=HOURLY)
    chain_id = await make_chain(client, studio, "offer", body)
    purchase = await ordered(client, buyer, chain_id, 1)
    await stand_at(studio, start + 4 * HOUR)
    await purchase.pay()
    assert (await owned_of(buyer, lamp), await next_of(client, buyer, chain_id)) == (1, 1)
    # The new window has a first step of its own.
    await (await ordered(client, buyer, chain_id, 1)).pay()
    assert (await owned_of(buyer, lamp), await next_of(client, buyer, chain_id)) == (2, None)
    assert not await differences_of(studio)


async def test_a_refund_does_not_reopen_a_step(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, lamp, is_free=False), lamp))
    purchase = await ordered(client, buyer, chain_id, 1)
    order = await stored(studio, purchase.order_id)
    payment = payment_of(order)
    paid = await pay(studio, order, payment)
    await refund_order(studio, paid, payment)
    assert await state_of(studio, paid) is OrderState.CANCELED
    assert (await owned_of(buyer, lamp), await next_of(client, buyer, chain_id)) == (0, 2)
    assert not await differences_of(studio)


async def test_an_order_is_paid_though_its_chain_was_deleted(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, lamp, is_free=False)))
    purchase = await ordered(client, buyer, chain_id, 1)
    path = f"/api/v2/project/{studio.project_id}/admin/offer_chain/id/{chain_id}"
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    await purchase.pay()
    assert await owned_of(buyer, lamp) == 1
    assert not await differences_of(studio)


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("UPDATE orders SET chain_step = NULL WHERE project_id = $1", ORDERED),
        ("UPDATE orders SET paid_at = NULL WHERE project_id = $1", ORDERED),
        (
            "UPDATE chain_claims SET order_id = order_id + 1 WHERE project_id = $1",
            ORDERED,
        ),
        ("DELETE FROM chain_claims WHERE project_id = $1", "steps of chains"),
    ],
)
async def test_damage_to_steps_is_found(client: httpx.AsyncClient, studio: Studio, damage: str, check: str) -> None:
    lamp = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    chain_id = await make_chain(client, studio, "offer", offer_chain(lamp, offer_step(2, lamp, is_free=False)))
    assert (await claim(client, buyer, "offer", chain_id, 1)).status_code == 200
    await (await ordered(client, buyer, chain_id, 2)).pay()
    assert not await differences_of(studio)
    async with studio.context.database.connection() as connection:
        attempt = connection.transaction()
        await attempt.start()
        assert (await connection.execute(damage, studio.project_id)).rpartition(" ")[2] == "2"
        found = {difference.check for difference in await list_differences(connection, studio.project_id)}
        await attempt.rollback()
    assert check in found

"""Offer chains as a studio writes and reads them."""

from typing import Any

import httpx
import pytest

from make import catalog
from make.client_catalog import sell
from make.day_chains import (
    START,
    admin_path,
    claim,
    faults_of,
    gives,
    list_chains,
    make_chain,
    offer_chain,
    offer_step,
    post_chain,
    put_chain,
    read_chain,
    refusal_of,
    see_chain,
    shown_lamp,
    stand_at,
    toggle,
    user_path,
)
from make.orders import make_buyer, sell_for_money
from make.projects import Studio

GOLD_LEAGUE = {"attribute": "league", "type": "string", "operator": "eq", "value": "gold", "can_be_missing": False}


async def test_admin_create_offer_chain(client: httpx.AsyncClient, studio: Studio) -> None:
    prices = [catalog.price(2.5), catalog.price(3, "EUR", country_iso="DE")]
    lamp = await sell(client, studio, catalog.virtual_item(sku="lamp", prices=prices))
    gold = await sell(client, studio, catalog.virtual_currency(sku="gold"), "virtual_currency")
    sack = await sell(client, studio, catalog.package(gold, sku="sack"), "package")
    await stand_at(studio, START)
    body = offer_chain(
        offer_step(2, lamp, is_free=False, quantity=3),
        offer_step(1, sack),
        name={"en-US": "Two steps"},
        description={"en": "Free, then not."},
        order=3,
        date_end="2026-06-01T00:00:00+02:00",
        is_always_visible=False,
        is_reset_on_completion=True,
        attribute_conditions=[GOLD_LEAGUE],
        recurrent_schedule={"interval_type": "weekly", "day_of_week": 1, "time": "08:00:00+05:30"},
    )
    chain_id = await make_chain(client, studio, "offer", body)
    found = await read_chain(client, studio, "offer", chain_id)
    steps = found.pop("steps")
    assert found == {
        "id": chain_id,
        "name": {"en": "Two steps"},
        "description": {"en": "Free, then not."},
        "order": 3,
        "date_start": "2026-04-01T00:00:00Z",
        "date_end": "2026-05-31T22:00:00Z",
        "is_enabled": True,
        "is_always_visible": False,
        "is_reset_on_completion": True,
        "attribute_conditions": [GOLD_LEAGUE],
        "recurrent_schedule": {
            "interval_type": "weekly",
            "day_of_week": 1,
            "time": "08:00:00+05:30",
            # 6 April, in milliseconds.
            "reset_next_date": 1_775_442_600_000,
            "displayable_reset_start_date": "2026-04-06T02:30:00Z",
            "displayable_reset_next_date": "2026-04-06T02:30:00Z",
        },
        "number_of_steps": 2,
    }
    assert [(step["step_number"], step["is_free"], step["step_price"]) for step in steps] == [
        (1, True, None),
        (2, False, {"amount": 7.5, "currency": "USD"}),
    ]
    item = steps[1]["items"][0]
    assert item == shown_lamp(item, quantity=3)


@pytest.mark.parametrize(
    ("schedule", "reset", "more"),
    [
        (None, None, {}),
        (
            {"interval_type": "monthly", "day_of_month": 31, "time": "00:00:00+00:00"},
            "2026-04-30T00:00:00Z",
            {"day_of_month": 31, "time": "00:00:00+00:00"},
        ),
        ({"interval_type": "hourly"}, "2026-04-02T00:00:00Z", {"interval_hours": 1}),
        ({"interval_type": "hourly", "interval_hours": 5}, "2026-04-02T01:00:00Z", {"interval_hours": 5}),
    ],
)
async def test_admin_create_offer_chain_with_a_schedule(
    client: httpx.AsyncClient, studio: Studio, schedule: Any, reset: str | None, more: dict[str, Any]
) -> None:
    sku = await sell_for_money(client, studio)
    now = await stand_at(studio, "2026-04-01T23:30:00+00:00")
    chain_id = await make_chain(client, studio, "offer", offer_chain(sku, recurrent_schedule=schedule))
    found = (await read_chain(client, studio, "offer", chain_id))["recurrent_schedule"]
    if reset is None:
        assert found is None
        return
    assert found.pop("reset_next_date") > now.timestamp() * 1_000
    assert found == {
        "interval_type": schedule["interval_type"],
        "displayable_reset_start_date": reset,
        "displayable_reset_next_date": reset,
        **more,
    }


async def test_admin_create_offer_chain_with_faults(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    weekly = {"interval_type": "weekly", "day_of_week": 1, "time": "08:00:00+00:00"}
    faulty: list[tuple[dict[str, Any], list[str]]] = [
        (offer_chain(sku, name=None, date_start=1), ["name", "date_start"]),
        (offer_chain(sku, number_of_steps=1, type="linear"), ["number_of_steps", "type"]),
        (offer_chain(sku, date_end=START), ["date_end"]),
        (offer_chain(), ["steps"]),
        (offer_chain(*[sku] * 31), ["steps"]),
        ({**offer_chain(sku), "steps": [{"step_number": 1, "items": [gives(sku)]}]}, ["steps.0.is_free"]),
        # Exactly one item to a step.
        (offer_chain({"step_number": 1, "is_free": True, "items": []}), ["steps.0.items"]),
        (offer_chain({"step_number": 1, "is_free": True, "items": [gives(sku), gives(sku)]}), ["steps.0.items"]),
        (offer_chain(offer_step(1, sku), offer_step(1, sku)), ["steps.1.step_number"]),
        (offer_chain("nothing"), ["steps.0.items.0.sku"]),
        (offer_chain(sku, attribute_conditions=[]), ["attribute_conditions"]),
        (
            offer_chain(sku, attribute_conditions=[{**GOLD_LEAGUE, "operator": "gt"}]),
            ["attribute_conditions.0.string.operator"],
        ),
        (offer_chain(sku, recurrent_schedule={"interval_type": "daily"}), ["recurrent_schedule"]),
        (offer_chain(sku, recurrent_schedule={**weekly, "time": "08:30:00+00:00"}), ["recurrent_schedule.weekly.time"]),
        # What is computed, and what another interval has, is refused.
        (
            offer_chain(sku, recurrent_schedule={**weekly, "reset_next_date": 1}),
            ["recurrent_schedule.weekly.reset_next_date"],
        ),
        (
            offer_chain(sku, recurrent_schedule={**weekly, "day_of_month": None}),
            ["recurrent_schedule.weekly.day_of_month"],
        ),
        (
            offer_chain(sku, recurrent_schedule={"interval_type": "hourly", "interval_hours": 0}),
            ["recurrent_schedule.hourly.interval_hours"],
        ),
    ]
    for body, properties in faulty:
        assert faults_of(await post_chain(client, studio, "offer", body)) == properties


async def test_admin_get_offer_chain(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    chain_id = await make_chain(client, studio, "offer", offer_chain(sku, sku))
    found = await read_chain(client, studio, "offer", chain_id)
    # One item may stand in several steps.
    assert [step["items"][0]["sku"] for step in found["steps"]] == [sku, sku]
    assert (found["is_always_visible"], found["is_reset_on_completion"]) == (True, False)
    assert (found["attribute_conditions"], found["recurrent_schedule"]) == (None, None)
    missing = await client.get(admin_path(studio, "offer", "/id/1"), auth=studio.basic)
    assert refusal_of(missing) == (404, 7001)
    assert missing.json()["errorMessageExtended"] == {"chain_id": "1", "project_id": str(studio.project_id)}
    foreign = await client.get(admin_path(other_studio, "offer", f"/id/{chain_id}"), auth=other_studio.basic)
    assert refusal_of(foreign) == (404, 7001)
    # What has no price, and what is gone, shows none.
    lamp = await sell(client, studio, catalog.virtual_item(prices=[], sku="lamp"))
    chain_id = await make_chain(client, studio, "offer", offer_chain(offer_step(1, lamp, is_free=False)))
    assert (await read_chain(client, studio, "offer", chain_id))["steps"][0]["step_price"] is None
    path = f"/api/v2/project/{studio.project_id}/admin/items/virtual_items/sku/lamp"
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    assert (await read_chain(client, studio, "offer", chain_id))["steps"][0]["items"] == []


async def test_admin_get_offer_chains(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    ids = [
        await make_chain(client, studio, "offer", offer_chain(sku, is_enabled=number != 3, order=-number))
        for number in range(11)
    ]
    ids.reverse()

    async def page(**query: Any) -> tuple[list[int], bool]:
        return await list_chains(client, studio, "offer", **query)

    assert await page() == (ids[:10], True)
    assert await page(limit=11) == (ids[:10], True)
    assert await page(limit=3, offset=9) == (ids[9:], False)
    assert await page(enabled=0) == ([ids[7]], False)
    assert (await page(enabled=1))[1] is False
    listed = (await client.get(admin_path(studio, "offer"), auth=studio.basic)).json()["items"][0]
    whole = await read_chain(client, studio, "offer", ids[0])
    del whole["steps"]
    assert listed == whole


async def test_admin_update_offer_chain(client: httpx.AsyncClient, studio: Studio) -> None:
    first, second = await sell_for_money(client, studio), await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    weekly = {"interval_type": "weekly", "day_of_week": 1, "time": "00:00:00+00:00"}
    chain_id = await make_chain(client, studio, "offer", offer_chain(first, second, recurrent_schedule=weekly))
    assert (await claim(client, buyer, "offer", chain_id, 1)).status_code == 200
    await toggle(client, studio, "offer", chain_id)
    steps = (await read_chain(client, studio, "offer", chain_id))["steps"]
    body = offer_chain(
        offer_step(1, first, step_id=steps[0]["step_id"]),
        offer_step(2, first, is_free=False),
        offer_step(3, second, step_id=steps[1]["step_id"]),
        id=chain_id,
        name={"en": "Changed"},
    )
    reply = await put_chain(client, studio, "offer", chain_id, body)
    assert (reply.status_code, reply.content) == (204, b"")
    found = await read_chain(client, studio, "offer", chain_id)
    assert (found["name"], found["number_of_steps"], found["recurrent_schedule"]) == ({"en": "Changed"}, 3, None)
    assert [step["is_free"] for step in found["steps"]] == [True, False, True]
    # Who has done the first step goes on with the one after it.
    seen = await see_chain(client, buyer, "offer", chain_id)
    assert (seen["next_step_number"], [step["is_claimed"] for step in seen["steps"]]) == (2, [True, False, False])


async def test_admin_update_offer_chain_that_is_refused(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    chain_id = await make_chain(client, studio, "offer", offer_chain(sku))
    assert refusal_of(await put_chain(client, studio, "offer", chain_id, offer_chain(sku))) == (422, 6209)
    assert refusal_of(await put_chain(client, studio, "offer", 1, offer_chain(sku))) == (404, 7001)
    await toggle(client, studio, "offer", chain_id)
    body = offer_chain(offer_step(1, sku, step_id=1), offer_step(2, "nothing"), id=1)
    assert faults_of(await put_chain(client, studio, "offer", chain_id, body)) == [
        "id",
        "steps.0.step_id",
        "steps.1.items.0.sku",
    ]


async def test_admin_delete_offer_chain(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(sku))
    assert (await claim(client, buyer, "offer", chain_id, 1)).status_code == 200
    path = admin_path(studio, "offer", f"/id/{chain_id}")
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    assert refusal_of(await client.delete(path, auth=studio.basic)) == (404, 7001)
    assert refusal_of(await claim(client, buyer, "offer", chain_id, 1)) == (404, 7001)


async def test_admin_toggle_offer_chain(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "offer", offer_chain(sku, sku))
    assert (await claim(client, buyer, "offer", chain_id, 1)).status_code == 200
    await toggle(client, studio, "offer", chain_id)
    hidden = await client.get(user_path(studio, "offer", f"/{chain_id}"), headers=buyer.headers)
    assert refusal_of(hidden) == (404, 7001)
    assert refusal_of(await claim(client, buyer, "offer", chain_id, 2)) == (404, 7001)
    await toggle(client, studio, "offer", chain_id)
    # It goes on where the player was.
    assert (await see_chain(client, buyer, "offer", chain_id))["next_step_number"] == 2
    missing = await client.put(admin_path(studio, "offer", "/id/1/toggle"), auth=studio.basic)
    assert refusal_of(missing) == (404, 7001)

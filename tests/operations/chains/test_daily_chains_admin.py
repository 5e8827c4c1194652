"""Daily chains as a studio writes and reads them."""

from typing import Any

import httpx
import pytest

from make import catalog
from make.client_catalog import sell
from make.day_chains import (
    DAY,
    START,
    admin_path,
    claim,
    daily_chain,
    daily_step,
    faults_of,
    gives,
    list_chains,
    make_chain,
    post_chain,
    put_chain,
    read_chain,
    shown_lamp,
    stand_at,
    statuses_of,
    toggle,
    user_path,
)
from make.orders import make_buyer, sell_for_money
from make.projects import Studio


def assert_not_found(reply: httpx.Response, studio: Studio, chain_id: int) -> None:
    """The refusal of a chain that is not there."""
    found = reply.json()
    assert (reply.status_code, found["errorCode"]) == (404, 7001), reply.text
    assert found["errorMessageExtended"] == {
        "chain_id": str(chain_id),
        "project_id": str(studio.project_id),
    }


async def test_admin_create_daily_chain(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, catalog.virtual_item(sku="lamp"))
    gold = await sell(client, studio, catalog.virtual_currency(sku="gold"), "virtual_currency")
    body = daily_chain(
        # The last step first: steps go by their numbers.
        daily_step(2, gives(gold, 50), lamp),
        daily_step(1, gives(lamp, 2)),
        name={"en-US": "Two days", "de": "Zwei Tage"},
        description={"en": "Come back."},
        order=7,
        is_recurrent=True,
        date_start="2026-04-01T09:00:00+05:30",
    )
    chain_id = await make_chain(client, studio, "daily", body)
    found = await read_chain(client, studio, "daily", chain_id)
    steps = found.pop("steps")
    assert found == {
        "id": chain_id,
        "name": {"en": "Two days", "de": "Zwei Tage"},
        "description": {"en": "Come back."},
        "order": 7,
        "date_start": "2026-04-01T03:30:00Z",
        # It goes on for ever.
        "date_end": None,
        "is_enabled": True,
        "is_recurrent": True,
        "number_of_steps": 2,
        "type": "calendar_hard",
    }
    assert [(step["step_number"], [(i["sku"], i["quantity"]) for i in step["items"]]) for step in steps] == [
        (1, [("lamp", 2)]),
        (2, [("gold", 50), ("lamp", 1)]),
    ]
    item = steps[0]["items"][0]
    assert item == shown_lamp(item, quantity=2)
    assert steps[1]["items"][0]["type"] == "virtual_currency"


async def test_admin_create_daily_chain_of_each_kind_of_item(client: httpx.AsyncClient, studio: Studio) -> None:
    gold = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    sack = await sell(client, studio, catalog.package(gold), "package")
    crate = await sell(client, studio, catalog.bundle(sack), "bundle")
    chain_id = await make_chain(client, studio, "daily", daily_chain(gold, sack, crate))
    steps = (await read_chain(client, studio, "daily", chain_id))["steps"]
    assert [step["items"][0]["type"] for step in steps] == ["virtual_currency", "bundle", "bundle"]


async def test_admin_create_daily_chain_with_faults(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    await sell(client, studio, catalog.game(catalog.game_key(sku="sea-steam"), sku="sea"), "game")
    faulty: list[tuple[dict[str, Any], list[str]]] = [
        (daily_chain(sku, name={}), ["name"]),
        (daily_chain(sku, name={"en": "Ok", "xx": "no"}), ["name.xx"]),
        (daily_chain(sku, date_start="tomorrow", type="weekly"), ["date_start", "type"]),
        (daily_chain(sku, is_enabled="yes", number_of_steps=1), ["is_enabled", "number_of_steps"]),
        (daily_chain(), ["steps"]),
        (daily_chain(daily_step(1)), ["steps.0.items"]),
        (daily_chain(daily_step(1, gives(sku, 0))), ["steps.0.items.0.quantity"]),
        (daily_chain(daily_step(1, sku), daily_step(1, sku)), ["steps.1.step_number"]),
        (daily_chain(daily_step(1, sku), daily_step(3, sku)), ["steps"]),
        (daily_chain(daily_step(1, "nothing", sku)), ["steps.0.items.0.sku"]),
        (daily_chain("sea", "sea-steam"), ["steps.0.items.0.sku", "steps.1.items.0.sku"]),
        (daily_chain(sku, type="rolling", date_end=START), ["date_end"]),
        (daily_chain(daily_step(1, sku, step_id=1)), ["steps.0.step_id"]),
    ]
    for body, properties in faulty:
        assert faults_of(await post_chain(client, studio, "daily", body)) == properties
    reply = await client.get(admin_path(studio, "daily"), auth=studio.basic)
    assert reply.json() == {"has_more": False, "items": []}


@pytest.mark.parametrize("missing", ["name", "date_start", "steps", "is_enabled", "type"])
async def test_admin_create_daily_chain_without_a_member(
    client: httpx.AsyncClient, studio: Studio, missing: str
) -> None:
    body = daily_chain(await sell_for_money(client, studio))
    del body[missing]
    assert faults_of(await post_chain(client, studio, "daily", body)) == [missing]


async def test_admin_get_daily_chain(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    week = await make_chain(client, studio, "daily", daily_chain(*[sku] * 3))
    found = await read_chain(client, studio, "daily", week)
    # The last second of its last day.
    assert (found["date_start"], found["date_end"]) == ("2026-04-01T00:00:00Z", "2026-04-03T23:59:59Z")
    assert (found["order"], found["description"], found["is_recurrent"]) == (1, None, False)
    rolling = daily_chain(sku, type="rolling", date_end="2026-05-01T00:00:00Z")
    found = await read_chain(client, studio, "daily", await make_chain(client, studio, "daily", rolling))
    assert found["date_end"] == "2026-05-01T00:00:00Z"
    for path in (admin_path(studio, "daily", "/id/1"), admin_path(other_studio, "daily", f"/id/{week}")):
        owner = studio if str(studio.project_id) in path else other_studio
        reply = await client.get(path, auth=owner.basic)
        assert_not_found(reply, owner, 1 if path.endswith("/1") else week)
    # A chain of another kind is none of these.
    offer = {"name": {"en": "Offer"}, "date_start": START, "is_enabled": False}
    offer["steps"] = [{"step_number": 1, "is_free": True, "items": [gives(sku)]}]
    other = await make_chain(client, studio, "offer", offer)
    assert_not_found(await client.get(admin_path(studio, "daily", f"/id/{other}"), auth=studio.basic), studio, other)


async def test_admin_get_daily_chain_whose_item_was_deleted(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, sku = await sell(client, studio, catalog.virtual_item(sku="lamp")), await sell_for_money(client, studio)
    chain_id = await make_chain(client, studio, "daily", daily_chain(daily_step(1, lamp, sku)))
    path = f"/api/v2/project/{studio.project_id}/admin/items/virtual_items/sku/lamp"
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    steps = (await read_chain(client, studio, "daily", chain_id))["steps"]
    assert [item["sku"] for item in steps[0]["items"]] == [sku]


async def test_admin_get_daily_chains(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    ids = [
        await make_chain(client, studio, "daily", daily_chain(sku, is_enabled=number % 2 == 0)) for number in range(12)
    ]

    async def page(**query: Any) -> tuple[list[int], bool]:
        return await list_chains(client, studio, "daily", **query)

    # Ten at most, as by default.
    assert await page() == (ids[:10], True)
    assert await page(limit=50) == (ids[:10], True)
    assert await page(limit=2, offset=10) == (ids[10:], False)
    assert await page(offset=12) == ([], False)
    assert await page(enabled=1, limit=3) == (ids[0:6:2], True)
    assert await page(enabled=0, limit=6) == (ids[1::2], False)
    reply = await client.get(admin_path(studio, "daily"), params={"limit": 0, "enabled": 2}, auth=studio.basic)
    assert reply.status_code == 422
    listed = (await client.get(admin_path(studio, "daily"), auth=studio.basic)).json()["items"][0]
    whole = await read_chain(client, studio, "daily", ids[0])
    del whole["steps"]
    assert listed == whole


async def test_admin_update_daily_chain(client: httpx.AsyncClient, studio: Studio) -> None:
    first, second = await sell_for_money(client, studio), await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    now = await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "daily", daily_chain(first, first))
    assert (await claim(client, buyer, "daily", chain_id, 1)).status_code == 204
    await toggle(client, studio, "daily", chain_id)
    found = await read_chain(client, studio, "daily", chain_id)
    kept = found["steps"][0]["step_id"]
    body = daily_chain(
        daily_step(1, gives(second, 5)),
        daily_step(2, first, step_id=kept),
        id=chain_id,
        name={"en": "Changed"},
        is_enabled=True,
        # What was read can be written back: the end of a chain of the calendar follows from its steps.
        date_end=found["date_end"],
    )
    reply = await put_chain(client, studio, "daily", chain_id, body)
    assert reply.status_code == 204, reply.text
    changed = await read_chain(client, studio, "daily", chain_id)
    assert (changed["name"], changed["is_enabled"], changed["order"]) == ({"en": "Changed"}, True, 1)
    assert [(step["step_number"], step["items"][0]["sku"]) for step in changed["steps"]] == [(1, second), (2, first)]
    assert changed["steps"][1]["step_id"] == kept
    assert changed["steps"][0]["step_id"] not in (kept, found["steps"][1]["step_id"])
    # The step that has kept its id has kept what the player claimed.
    assert await statuses_of(client, buyer, chain_id) == ["claimable", "claimed"]
    await stand_at(studio, now + DAY)
    assert await statuses_of(client, buyer, chain_id) == ["blocked", "claimed"]


async def test_admin_update_daily_chain_that_is_active(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    chain_id = await make_chain(client, studio, "daily", daily_chain(sku))
    reply = await put_chain(client, studio, "daily", chain_id, daily_chain(sku, name={"en": "Changed"}))
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 6209)
    assert (await read_chain(client, studio, "daily", chain_id))["name"] == {"en": "Seven days"}


async def test_admin_update_daily_chain_with_faults(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    chain_id = await make_chain(client, studio, "daily", daily_chain(sku, sku, is_enabled=False))
    foreign = await make_chain(client, studio, "daily", daily_chain(sku))
    own = [step["step_id"] for step in (await read_chain(client, studio, "daily", chain_id))["steps"]]
    other = (await read_chain(client, studio, "daily", foreign))["steps"][0]["step_id"]
    faulty: list[tuple[dict[str, Any], list[str]]] = [
        (daily_chain(daily_step(1, sku, step_id=other)), ["steps.0.step_id"]),
        (
            daily_chain(daily_step(1, sku, step_id=own[0]), daily_step(2, sku, step_id=own[0])),
            ["steps.1.step_id"],
        ),
        (daily_chain(sku, id=foreign), ["id"]),
        (daily_chain("nothing", extra=1), ["extra"]),
        (daily_chain("nothing"), ["steps.0.items.0.sku"]),
    ]
    for body, properties in faulty:
        assert faults_of(await put_chain(client, studio, "daily", chain_id, body)) == properties
    assert_not_found(await put_chain(client, studio, "daily", 1, daily_chain(sku)), studio, 1)


async def test_admin_delete_daily_chain(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "daily", daily_chain(sku))
    assert (await claim(client, buyer, "daily", chain_id, 1)).status_code == 204
    path = admin_path(studio, "daily", f"/id/{chain_id}")
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    assert_not_found(await client.delete(path, auth=studio.basic), studio, chain_id)
    assert_not_found(await client.get(path, auth=studio.basic), studio, chain_id)
    seen = await client.get(user_path(studio, "daily", f"/{chain_id}"), headers=buyer.headers)
    assert_not_found(seen, studio, chain_id)


async def test_admin_toggle_daily_chain(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "daily", daily_chain(sku))
    assert (await claim(client, buyer, "daily", chain_id, 1)).status_code == 204
    await toggle(client, studio, "daily", chain_id)
    assert (await read_chain(client, studio, "daily", chain_id))["is_enabled"] is False
    hidden = await client.get(user_path(studio, "daily", f"/{chain_id}"), headers=buyer.headers)
    assert_not_found(hidden, studio, chain_id)
    # What was claimed is kept meanwhile.
    await toggle(client, studio, "daily", chain_id)
    assert await statuses_of(client, buyer, chain_id) == ["claimed"]
    missing = await client.put(admin_path(studio, "daily", "/id/1/toggle"), auth=studio.basic)
    assert_not_found(missing, studio, 1)


async def test_admin_reset_daily_chain(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    rolling = await make_chain(client, studio, "daily", daily_chain(sku, sku, type="rolling"))
    assert (await claim(client, buyer, "daily", rolling, 1)).status_code == 204
    assert await statuses_of(client, buyer, rolling) == ["claimed", "claim_in_future"]
    await stand_at(studio, "2026-04-01T01:00:00+00:00")
    reset = admin_path(studio, "daily", f"/id/{rolling}/reset")
    assert (await client.post(reset, auth=studio.basic)).status_code == 204
    assert await statuses_of(client, buyer, rolling) == ["claimable", "claim_in_future"]
    assert (await claim(client, buyer, "daily", rolling, 1)).status_code == 204
    assert_not_found(await client.post(admin_path(studio, "daily", "/id/1/reset"), auth=studio.basic), studio, 1)


async def test_admin_reset_daily_chain_of_the_calendar(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    buyer = await make_buyer(studio)
    await stand_at(studio, START)
    chain_id = await make_chain(client, studio, "daily", daily_chain(sku))
    assert (await claim(client, buyer, "daily", chain_id, 1)).status_code == 204
    reply = await client.post(admin_path(studio, "daily", f"/id/{chain_id}/reset"), auth=studio.basic)
    # Its days are those of the calendar: there is nothing to begin anew.
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102)
    assert await statuses_of(client, buyer, chain_id) == ["claimed"]

"""What refusals of orders say of each faulty line is what the trace of its item says, and no more than players may
know."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from make import catalog
from make.client_catalog import freeze, id_of, sell, sell_out, use
from make.explain import explain
from make.keys import make_region
from make.login import set_attributes
from make.orders import Buyer, make_buyer, sell_for, sell_for_money
from make.personalization import filter_rule, make_rule
from make.projects import Studio

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
TOLD = ("region", "period", "limit", "stock", "content")


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    await freeze(studio, NOON)
    return await make_buyer(studio)


async def order(client: httpx.AsyncClient, buyer: Buyer, sku: str, *, quantity: int = 1, country: str = "") -> Any:
    """Order an item for money."""
    path = f"/api/v2/project/{buyer.studio.project_id}/payment/item/{sku}"
    headers = {**buyer.headers, **({"X-User-Country": country} if country else {})}
    return await client.post(path, json={"sandbox": True, "quantity": quantity}, headers=headers)


def reasons(reply: httpx.Response, sku: str) -> list[tuple[str, str]]:
    """What stands in the way of a line, beside the refusal's own sentence."""
    assert reply.status_code == 422, reply.text
    first, *others = reply.json()["errorMessageExtended"]
    assert first == {"property": f"items.{sku}", "message": reply.json()["errorMessage"]}
    return [(each["property"].removeprefix(f"items.{sku}."), each["message"]) for each in others]


async def traced(
    client: httpx.AsyncClient, studio: Studio, sku: str, topics: tuple[str, ...] = TOLD, **about: Any
) -> list[tuple[str, str]]:
    """What the trace of one of an item has dropped."""
    line = (await explain(client, studio, f"item/{sku}", **about))["item"]
    return [
        (each["topic"], each["why"]) for each in line["findings"] if not each["is_kept"] and each["topic"] in topics
    ]


async def test_everything_that_stands_in_the_way(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    europe = await make_region(studio, "DE")
    over = {"date_from": None, "date_until": (NOON - timedelta(days=1)).isoformat()}
    body = catalog.virtual_item(periods=[over], regions=[{"id": europe}], limits={"per_user": 1, "per_item": 1})
    sku = await sell(client, studio, body)
    item_id = (await catalog.get_item(client, studio, "virtual_item", sku))["item_id"]
    await use(studio, buyer.player_id, item_id, 1)
    await sell_out(studio, item_id)
    found = reasons(await order(client, buyer, sku, country="US"), sku)
    assert found == await traced(client, studio, sku, player=str(buyer.player_id), country="US")
    assert {topic for topic, _ in found} >= {"region", "period", "stock"}


async def test_a_limit_with_its_next_window(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    daily = {"per_user": {"interval_type": "daily", "time": "00:00:00+00:00"}}
    sku = await sell(client, studio, catalog.virtual_item(limits={"per_user": 2, "recurrent_schedule": daily}))
    await use(studio, buyer.player_id, await id_of(client, studio, sku), 2, window_start=NOON.replace(hour=0))
    found = reasons(await order(client, buyer, sku), sku)
    assert found == await traced(client, studio, sku, player=str(buyer.player_id))
    why = "The limit is 2, and 0 are left to the player, until it begins anew at 2026-06-02T00:00:00+00:00."
    assert found[0] == ("limit", why)


async def test_more_than_is_left(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, limits={"per_user": 3, "per_item": 5})
    found = reasons(await order(client, buyer, sku, quantity=4), sku)
    assert found == [("limit", "The limit is 3, and 3 are left to the player.")]


async def test_no_price_that_applies(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell(client, studio, catalog.virtual_item(prices=[catalog.price(5, is_enabled=False)]))
    found = reasons(await order(client, buyer, sku), sku)
    assert found == await traced(client, studio, sku, ("price",), player=str(buyer.player_id))
    assert ("price", "It is switched off.") in found


async def test_what_is_not_for_a_player_is_not_explained(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    over = {"date_from": None, "date_until": (NOON - timedelta(days=1)).isoformat()}
    sku = await sell(client, studio, catalog.virtual_item(periods=[over]))
    await make_rule(client, studio, filter_rule(sku))
    await set_attributes(studio, buyer.player_id, {"race": "orc"})
    reply = await order(client, buyer, sku)
    assert reasons(reply, sku) == []
    assert "elves" not in reply.text.lower()


async def test_a_purchase_for_a_virtual_currency(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku, currency = await sell_for(client, studio, limits={"per_user": 1})
    await use(studio, buyer.player_id, await id_of(client, studio, sku), 1)
    path = f"/api/v2/project/{studio.project_id}/payment/item/{sku}/virtual/{currency}"
    reply = await client.post(path, headers=buyer.headers)
    assert reasons(reply, sku) == await traced(client, studio, sku, player=str(buyer.player_id))
    assert {topic for topic, _ in reasons(reply, sku)} == {"limit"}

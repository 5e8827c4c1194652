"""What a player may still have of an item: the calls with which a studio looks at it and changes it."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from haversack.clock import Clock
from haversack.context import Context
from haversack.inventory.ledger import STUDIO, stock_row, uses_row
from haversack.limits import queries
from haversack.limits.records import FOR_EVER
from haversack.limits.reserving import hold_stock
from haversack.projects.actions import set_clock
from make.inventory import book
from make.keys import new_player
from make.projects import Studio

SCHEDULE = {"per_user": {"interval_type": "daily", "time": "00:00:00+00:00"}}


async def _item(client: httpx.AsyncClient, studio: Studio, **limits: object) -> str:
    sku = f"item-{uuid4().hex[:8]}"
    reply = await client.post(
        f"/api/v2/project/{studio.project_id}/admin/items/virtual_items",
        json={
            "sku": sku,
            "name": {"en": "Lamp"},
            "description": None,
            "prices": [{"amount": 1.5, "currency": "USD", "is_default": True, "is_enabled": True}],
            **({"limits": limits} if limits else {}),
        },
        auth=studio.basic,
    )
    assert reply.status_code == 201, reply.text
    return sku


def _url(studio: Studio, sku: str) -> str:
    return f"/api/v2/project/{studio.project_id}/admin/user/limit/item/sku/{sku}"


async def _call(
    client: httpx.AsyncClient, studio: Studio, method: str, sku: str, player_id: object, available: int | None = None
) -> httpx.Response:
    if method == "GET":
        return await client.get(_url(studio, sku), params={"user_external_id": str(player_id)}, auth=studio.basic)
    body = {"user": {"user_external_id": str(player_id)}, "available": available}
    return await client.request(method, _url(studio, sku), json=body, auth=studio.basic)


async def _left(client: httpx.AsyncClient, studio: Studio, sku: str, player_id: UUID) -> int:
    reply = await _call(client, studio, "GET", sku, player_id)
    assert reply.status_code == 200, reply.text
    left: int = reply.json()["per_user"]["available"]
    return left


async def test_get_user_item_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await _item(client, studio, per_user=5)
    reply = await _call(client, studio, "GET", sku, await new_player(studio))
    assert reply.json() == {"per_user": {"total": 5, "available": 5}}


async def test_set_user_item_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await _item(client, studio, per_user=5)
    player_id, other = await new_player(studio), await new_player(studio)
    reply = await _call(client, studio, "PUT", sku, player_id, 2)
    assert reply.json() == {"per_user": {"total": 5, "available": 2}}
    assert await _left(client, studio, sku, other) == 5
    beyond = await _call(client, studio, "PUT", sku, player_id, 6)
    assert (beyond.status_code, beyond.json()["errorCode"]) == (422, 4510)
    assert await _left(client, studio, sku, player_id) == 2


async def test_add_user_item_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await _item(client, studio, per_user=5)
    player_id = await new_player(studio)
    await _call(client, studio, "PUT", sku, player_id, 1)
    assert (await _call(client, studio, "POST", sku, player_id, 3)).json()["per_user"]["available"] == 4
    beyond = await _call(client, studio, "POST", sku, player_id, 2)
    assert (beyond.status_code, beyond.json()["errorCode"]) == (422, 4510)
    untouched = await _call(client, studio, "POST", sku, await new_player(studio), 1)
    assert untouched.status_code == 422


async def test_remove_user_item_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await _item(client, studio, per_user=5)
    player_id = await new_player(studio)
    assert (await _call(client, studio, "DELETE", sku, player_id, 2)).json()["per_user"]["available"] == 3
    assert (await _call(client, studio, "DELETE", sku, player_id, 4)).status_code == 422
    assert await _left(client, studio, sku, player_id) == 3


async def test_reset_user_item_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await _item(client, studio, per_user=5)
    players = [await new_player(studio) for _ in range(3)]
    for player_id in players:
        await _call(client, studio, "PUT", sku, player_id, 0)
    one = {"user": {"user_external_id": str(players[0])}}
    reply = await client.request("DELETE", f"{_url(studio, sku)}/all", json=one, auth=studio.basic)
    assert reply.status_code == 200
    assert [await _left(client, studio, sku, each) for each in players] == [5, 0, 0]
    await client.request("DELETE", f"{_url(studio, sku)}/all", json={"user": None}, auth=studio.basic)
    assert [await _left(client, studio, sku, each) for each in players] == [5, 5, 5]


async def test_reset_all_user_items_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    skus = [await _item(client, studio, per_user=5) for _ in range(2)]
    player_id, other = await new_player(studio), await new_player(studio)
    for sku in skus:
        await _call(client, studio, "PUT", sku, player_id, 0)
        await _call(client, studio, "PUT", sku, other, 1)
    url = f"/api/v2/project/{studio.project_id}/admin/user/limit/item/all"
    body = {"user": {"user_external_id": str(player_id)}}
    assert (await client.request("DELETE", url, json=body, auth=studio.basic)).status_code == 200
    assert [await _left(client, studio, sku, player_id) for sku in skus] == [5, 5]
    assert [await _left(client, studio, sku, other) for sku in skus] == [1, 1]


async def test_uses_begin_anew_with_the_schedule(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    await set_clock(context, studio.project_id, Clock(frozen_at=noon))
    sku = await _item(client, studio, per_user=5, recurrent_schedule=SCHEDULE)
    player_id = await new_player(studio)
    await _call(client, studio, "PUT", sku, player_id, 0)
    await set_clock(context, studio.project_id, Clock(frozen_at=noon + timedelta(hours=12, seconds=-1)))
    assert await _left(client, studio, sku, player_id) == 0
    await set_clock(context, studio.project_id, Clock(frozen_at=noon + timedelta(hours=12)))
    assert await _left(client, studio, sku, player_id) == 5


@pytest.mark.parametrize(
    ("sku", "player", "status", "code"),
    [("nothing", "known", 404, 4001), ("unlimited", "known", 422, 4508), ("limited", "unknown", 404, 5008)],
)
async def test_refusals(
    client: httpx.AsyncClient, studio: Studio, sku: str, player: str, status: int, code: int
) -> None:
    skus = {
        "nothing": "nothing",
        "unlimited": await _item(client, studio),
        "limited": await _item(client, studio, per_user=1),
    }
    player_id = await new_player(studio) if player == "known" else uuid4()
    for method in ("GET", "POST", "PUT", "DELETE"):
        reply = await _call(client, studio, method, skus[sku], player_id, 1)
        assert (reply.status_code, reply.json()["errorCode"]) == (status, code), method


async def test_faulty_bodies(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await _item(client, studio, per_user=5)
    reply = await client.put(
        _url(studio, sku), json={"user": {"user_external_id": " "}, "available": -1, "more": 1}, auth=studio.basic
    )
    assert reply.status_code == 422
    places = {fault["property"] for fault in reply.json()["errorMessageExtended"]}
    assert places == {"user.user_external_id", "available", "more"}


async def test_the_last_use_is_given_once(context: Context, client: httpx.AsyncClient, studio: Studio) -> None:
    """R4: 60 at once for a limit of 7 uses."""
    await _item(client, studio, per_user=7)
    async with context.database.connection() as connection:
        item_id = await connection.fetchval("SELECT item_id FROM items WHERE project_id = $1", studio.project_id)
    player_id = uuid4()

    async def use() -> int | None:
        db = context.database.session()
        return await queries.change_uses(
            db, studio.project_id, player_id, item_id, change=1, limit=7, window_start=FOR_EVER
        )

    results = await asyncio.gather(*(use() for _ in range(60)))
    assert sorted(used for used in results if used is not None) == list(range(1, 8))
    await book(studio, player_id, uses_row(item_id, FOR_EVER, 7))


async def test_the_last_unit_is_reserved_once(context: Context, client: httpx.AsyncClient, studio: Studio) -> None:
    """R4: 60 at once for 7 units; what is given back can be had again; the counts always add up."""
    await _item(client, studio, per_item=7)
    async with context.database.connection() as connection:
        item_id = await connection.fetchval("SELECT item_id FROM items WHERE project_id = $1", studio.project_id)

    async def reserve() -> bool:
        return bool(await hold_stock(context.database.session(), studio.project_id, item_id, 1))

    results = await asyncio.gather(*(reserve() for _ in range(60)))
    assert sum(results) == 7
    db = context.database.session()
    assert await queries.release_stock(db, studio.project_id, item_id, 2)
    assert await queries.sell_reserved_stock(db, studio.project_id, item_id, 5)
    assert not await queries.release_stock(db, studio.project_id, item_id, 1)
    stock = (await queries.list_stocks(db, studio.project_id))[item_id]
    assert (stock.total, stock.available, stock.reserved, stock.sold) == (7, 2, 0, 5)
    await book(studio, STUDIO, stock_row(item_id, "sold", 5))

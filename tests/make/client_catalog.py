"""Reads the client catalog as games do, and sets what it depends on: the time, what is used and what is left."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import bindparam, update

from haversack.catalog.read_model.live import STOCK_CHANGED
from haversack.clock import Clock
from haversack.inventory.ledger import STUDIO, stock_row, uses_row
from haversack.limits import queries
from haversack.limits.records import FOR_EVER
from haversack.limits.tables import item_stocks
from haversack.projects.actions import set_clock
from make.catalog import post_item
from make.inventory import book
from make.projects import Studio

SELL_ALL = (
    update(item_stocks)
    .where(item_stocks.c.project_id == bindparam("project"), item_stocks.c.item_id == bindparam("item"))
    .values(sold=item_stocks.c.sold + item_stocks.c.available, available=0)
    .returning(item_stocks.c.sold)
)


def catalog_path(studio: Studio, rest: str = "") -> str:
    """Where games read the catalog."""
    return f"/api/v2/project/{studio.project_id}/items{rest}"


async def read(
    client: httpx.AsyncClient,
    studio: Studio,
    rest: str = "",
    *,
    headers: dict[str, str] | None = None,
    **parameters: Any,
) -> dict[str, Any]:
    """A part of the catalog. It is read twice: the second answer comes from what the first has left in memory."""
    path = catalog_path(studio, rest)
    first = await client.get(path, params=parameters, headers=headers)
    assert first.status_code == 200, first.text
    second = await client.get(path, params=parameters, headers=headers)
    assert (second.status_code, second.content) == (200, first.content)
    found: dict[str, Any] = first.json()
    return found


async def read_skus(client: httpx.AsyncClient, studio: Studio, rest: str = "", **options: Any) -> list[str]:
    """The SKUs on a page, in their order."""
    return [item["sku"] for item in (await read(client, studio, rest, **options))["items"]]


async def read_status(client: httpx.AsyncClient, studio: Studio, rest: str, **options: Any) -> tuple[int, Any]:
    """Status and code of an answer; the code is None where nothing was refused."""
    reply = await client.get(catalog_path(studio, rest), **options)
    return reply.status_code, None if reply.is_success else reply.json()["errorCode"]


async def sell(client: httpx.AsyncClient, studio: Studio, body: dict[str, Any], kind: str = "virtual_item") -> str:
    """Make an item through the API and return its SKU."""
    reply = await post_item(client, studio, kind, body)
    assert reply.status_code == 201, reply.text
    sku: str = body["sku"]
    return sku


async def id_of(client: httpx.AsyncClient, studio: Studio, sku: str) -> int:
    """The id of an item that is shown."""
    reply = await client.get(catalog_path(studio, f"/sku/{sku}"))
    item_id: int = reply.json()["item_id"]
    return item_id


async def freeze(studio: Studio, now: datetime) -> None:
    """Let the project's time stand still."""
    await set_clock(studio.context, studio.project_id, Clock(frozen_at=now))


async def use(studio: Studio, player_id: UUID, item_id: int, used: int, *, window_start: datetime = FOR_EVER) -> None:
    """Set what a player has used of an item's limit."""
    db, project_id = studio.context.database.session(), studio.project_id
    async with db.begin():
        before = await queries.lock_uses(db, project_id, player_id, item_id, window_start=window_start)
        await queries.set_used(db, project_id, player_id, item_id, used=used, window_start=window_start)
    change = used - (before.used if before.window_start == window_start else 0)
    await book(studio, player_id, uses_row(item_id, window_start, change))


async def sell_out(studio: Studio, item_id: int) -> None:
    """Sell all there is of an item, as purchases will: the catalog's version stays."""
    db = studio.context.database.session()
    before = (await queries.list_stocks(db, studio.project_id, [item_id]))[item_id]
    sold = await db.fetch_value(SELL_ALL, project=studio.project_id, item=item_id)
    await book(studio, STUDIO, stock_row(item_id, "sold", sold - before.sold))
    studio.context.notifications.publish_locally(STOCK_CHANGED, str(studio.project_id))


async def new_player(studio: Studio) -> tuple[UUID, dict[str, str]]:
    """A player and the headers of the player's calls."""
    player_id = uuid4()
    return player_id, await studio.player_headers(player_id)

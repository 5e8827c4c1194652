"""Makes value points and chains: bodies, the calls that send them, and what players then have."""

from collections.abc import Mapping
from typing import Any

import httpx
from sqlalchemy import bindparam, select

from haversack.chains.tables import clan_balances, value_point_balances
from make.catalog import any_sku
from make.orders import Buyer, order_money, pay, payment_of, sell_for_money
from make.projects import Studio

PICTURE = "https://pictures.example.com/star.png"
FIND_POINTS = select(value_point_balances.c.amount).where(
    value_point_balances.c.project_id == bindparam("project"),
    value_point_balances.c.player_id == bindparam("player"),
    value_point_balances.c.value_point_id == bindparam("point"),
)
FIND_CLAN_POINTS = select(clan_balances.c.amount).where(
    clan_balances.c.project_id == bindparam("project"),
    clan_balances.c.clan == bindparam("of_clan"),
    clan_balances.c.value_point_id == bindparam("point"),
)

# -- Value points ---------------------------------------------------------------------------------------------------


def value_point(**changes: Any) -> dict[str, Any]:
    """A body of a value point."""
    return {"sku": any_sku("stars"), "name": {"en": "Stars"}, "image_url": PICTURE, **changes}


def points_path(studio: Studio, rest: str = "") -> str:
    """Where the studio's calls on value points are."""
    return f"/api/v2/project/{studio.project_id}/admin/items/value_points{rest}"


def rewards_path(studio: Studio, sku: str) -> str:
    """Where the studio says what a value point comes with."""
    return f"/api/v2/project/{studio.project_id}/admin/items/{sku}/value_points/rewards"


async def make_value_point(client: httpx.AsyncClient, studio: Studio, **changes: Any) -> tuple[str, int]:
    """Make a value point and return its SKU and id."""
    reply = await client.post(points_path(studio), json=value_point(**changes), auth=studio.basic)
    assert reply.status_code == 201, reply.text
    return reply.json()["sku"], reply.json()["item_id"]


async def set_rewards(client: httpx.AsyncClient, studio: Studio, point: str, amounts: Mapping[str, int]) -> None:
    """Let a value point come with items."""
    body = [{"sku": sku, "amount": amount} for sku, amount in amounts.items()]
    reply = await client.put(rewards_path(studio, point), json=body, auth=studio.basic)
    assert reply.status_code == 204, reply.text


async def sell_with_points(client: httpx.AsyncClient, studio: Studio, point: str, amount: int, **changes: Any) -> str:
    """Put an item on sale for dollars that comes with value points; its SKU."""
    sku = await sell_for_money(client, studio, **changes)
    body = [{"sku": sku, "amount": amount}]
    reply = await client.patch(rewards_path(studio, point), json=body, auth=studio.basic)
    assert reply.status_code == 204, reply.text
    return sku


async def earn(buyer: Buyer, sku: str, quantity: int = 1) -> None:
    """Buy an item that comes with value points."""
    order = await order_money(buyer, (sku, quantity))
    await pay(buyer.studio, order, payment_of(order))


async def points_of(buyer: Buyer, value_point_id: int) -> int:
    """How many of a value point stand in a player's row, of whatever window."""
    db = buyer.studio.context.database.session()
    found = await db.fetch_value(
        FIND_POINTS, project=buyer.studio.project_id, player=buyer.player_id, point=value_point_id
    )
    return int(found or 0)


async def clan_points_of(studio: Studio, clan: str, value_point_id: int) -> int:
    """How many of a value point a clan has."""
    db = studio.context.database.session()
    found = await db.fetch_value(FIND_CLAN_POINTS, project=studio.project_id, of_clan=clan, point=value_point_id)
    return int(found or 0)

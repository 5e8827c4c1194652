"""Makes value points and chains: bodies, the calls that send them, and what players then have."""

from collections.abc import Mapping
from typing import Any

import httpx
from sqlalchemy import bindparam, delete, select

from haversack.chains.tables import clan_balances, value_point_balances
from haversack.login.tables import player_attributes
from make.catalog import any_sku
from make.login import set_attributes
from make.orders import Buyer, make_buyer, order_money, pay, payment_of, sell_for_money
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


# -- Reward chains --------------------------------------------------------------------------------------------------

FORGET_ATTRIBUTE = delete(player_attributes).where(
    player_attributes.c.login_project_id == bindparam("login"),
    player_attributes.c.player_id == bindparam("player"),
    player_attributes.c.key == bindparam("of_key"),
)
GOLD = {"attribute": "league", "type": "string", "operator": "eq", "value": "gold"}
WEEKLY = {"interval_type": "weekly", "day_of_week": 1, "time": "00:00:00+00:00"}


def step(sku: str, points: int, **changes: Any) -> dict[str, Any]:
    """A step of a body."""
    body = {"name": {"en": f"At {points}"}, "price": {"amount": points}}
    return {**body, "reward": [{"sku": sku, "quantity": 1}], **changes}


def reward_chain(point: str, *steps: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A body of an enabled reward chain since 2026."""
    body = {"name": {"en": "Road of stars"}, "date_start": "2026-01-01T00:00:00+00:00", "is_enabled": True}
    return {**body, "value_point": {"sku": point}, "steps": list(steps), **changes}


def clan_chain(point: str, *steps: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The same of a chain of clans."""
    texts = {"popup_header": {"en": "Clans"}, "popup_instruction": {"en": "Join one."}}
    return reward_chain(point, *steps, **{**texts, **changes})


def chain_path(studio: Studio, rest: str = "", *, version: str = "v2") -> str:
    """Where the studio's calls on reward chains are."""
    return f"/api/{version}/project/{studio.project_id}/admin/reward_chain{rest}"


async def post_chain(
    client: httpx.AsyncClient, studio: Studio, body: Mapping[str, Any], *, version: str = "v2"
) -> httpx.Response:
    """Send a create call as the studio."""
    return await client.post(chain_path(studio, version=version), json=body, auth=studio.basic)


async def make_reward_chain(client: httpx.AsyncClient, studio: Studio, body: Mapping[str, Any]) -> int:
    """Make a reward chain and return its id."""
    reply = await post_chain(client, studio, body)
    assert reply.status_code == 201, reply.text
    chain_id: int = reply.json()["reward_chain_id"]
    return chain_id


async def get_chain(client: httpx.AsyncClient, studio: Studio, chain_id: int, *, version: str = "v2") -> dict[str, Any]:
    """What the studio reads of a reward chain."""
    reply = await client.get(chain_path(studio, f"/id/{chain_id}", version=version), auth=studio.basic)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def toggle_chain(client: httpx.AsyncClient, studio: Studio, chain_id: int) -> None:
    """Switch a reward chain on or off."""
    reply = await client.put(chain_path(studio, f"/id/{chain_id}/toggle"), auth=studio.basic)
    assert reply.status_code == 204, reply.text


async def reset_chain(client: httpx.AsyncClient, studio: Studio, chain_id: int) -> None:
    """Let every player begin a reward chain anew."""
    reply = await client.post(chain_path(studio, f"/id/{chain_id}/reset"), auth=studio.basic)
    assert reply.status_code == 204, reply.text


def user_path(studio: Studio, rest: str = "") -> str:
    """Where players' calls on reward chains are."""
    return f"/api/v2/project/{studio.project_id}/user/reward_chain{rest}"


async def see_chains(client: httpx.AsyncClient, buyer: Buyer | Studio, **parameters: Any) -> list[dict[str, Any]]:
    """The reward chains that a player sees; a studio stands for nobody."""
    studio = buyer.studio if isinstance(buyer, Buyer) else buyer
    headers = buyer.headers if isinstance(buyer, Buyer) else None
    reply = await client.get(user_path(studio), params=parameters, headers=headers)
    assert reply.status_code == 200, reply.text
    items: list[dict[str, Any]] = reply.json()["items"]
    return items


async def claim(client: httpx.AsyncClient, buyer: Buyer, chain_id: int, step_id: int) -> httpx.Response:
    """Take a step as a player."""
    return await client.post(user_path(buyer.studio, f"/{chain_id}/step/{step_id}/claim"), headers=buyer.headers)


async def set_attribute(buyer: Buyer, key: str, value: str | None) -> None:
    """Say something of a player as the game's server does; None: take it back."""
    studio = buyer.studio
    if value is not None:
        await set_attributes(studio, buyer.player_id, {key: value})
        return
    db = studio.context.database.session()
    await db.execute(FORGET_ATTRIBUTE, login=studio.login_project_id, player=buyer.player_id, of_key=key)


async def update_clan(client: httpx.AsyncClient, buyer: Buyer) -> list[dict[str, Any]]:
    """Let a player's clan be read anew; what the old one had left."""
    path = f"/api/v2/project/{buyer.studio.project_id}/user/clan/update"
    reply = await client.put(path, headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    reward: list[dict[str, Any]] = reply.json()["reward"]
    return reward


async def join_clan(client: httpx.AsyncClient, buyer: Buyer, clan: str | None) -> list[dict[str, Any]]:
    """Let a player be in a clan, or in none; what the old one had left."""
    await set_attribute(buyer, "clan_id", clan)
    return await update_clan(client, buyer)


async def make_member(client: httpx.AsyncClient, studio: Studio, clan: str) -> Buyer:
    """A fresh player in a clan."""
    buyer = await make_buyer(studio)
    await join_clan(client, buyer, clan)
    return buyer

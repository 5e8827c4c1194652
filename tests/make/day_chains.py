"""Makes daily and offer chains through the API, and moves the clock of their project."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from haversack.clock import Clock
from haversack.projects.actions import set_clock
from make.catalog import PICTURE
from make.orders import Buyer
from make.projects import Studio

START = "2026-04-01T00:00:00+00:00"
# Long enough for any test, before it as well as after it.
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def stand_at(studio: Studio, moment: str | datetime) -> datetime:
    """Let the project's clock stand at a moment."""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    await set_clock(studio.context, studio.project_id, Clock(frozen_at=at))
    return at


def gives(sku: str, quantity: int = 1) -> dict[str, Any]:
    """So many of an item in a step."""
    return {"sku": sku, "quantity": quantity}


def daily_step(number: int, *items: dict[str, Any] | str, **more: Any) -> dict[str, Any]:
    """A day and what it gives."""
    given = [gives(each) if isinstance(each, str) else each for each in items]
    return {"step_number": number, "items": given, **more}


def daily_chain(*steps: dict[str, Any] | str, **changes: Any) -> dict[str, Any]:
    """A body of an enabled chain of the calendar that begins in April 2026; a SKU stands for a step of one of it."""
    made = [daily_step(number, each) if isinstance(each, str) else each for number, each in enumerate(steps, start=1)]
    body: dict[str, Any] = {
        "name": {"en": "Seven days"},
        "date_start": START,
        "is_enabled": True,
        "type": "calendar_hard",
        "steps": made,
    }
    return {**body, **changes}


def offer_step(number: int, sku: str, *, is_free: bool = True, quantity: int = 1, **more: Any) -> dict[str, Any]:
    """A step of an offer chain."""
    return {"step_number": number, "is_free": is_free, "items": [gives(sku, quantity)], **more}


def offer_chain(*steps: dict[str, Any] | str, **changes: Any) -> dict[str, Any]:
    """A body of an enabled offer chain since April 2026; a SKU stands for a free step."""
    made = [offer_step(number, each) if isinstance(each, str) else each for number, each in enumerate(steps, start=1)]
    body: dict[str, Any] = {
        "name": {"en": "Step by step"},
        "date_start": START,
        "date_end": None,
        "is_enabled": True,
        "steps": made,
    }
    return {**body, **changes}


def admin_path(studio: Studio, kind: str, rest: str = "") -> str:
    """Where the studio's calls on chains of a kind are; kind: daily or offer."""
    return f"/api/v2/project/{studio.project_id}/admin/{kind}_chain{rest}"


def user_path(studio: Studio, kind: str, rest: str = "") -> str:
    """Where players' calls on chains of a kind are."""
    return f"/api/v2/project/{studio.project_id}/user/{kind}_chain{rest}"


async def post_chain(client: httpx.AsyncClient, studio: Studio, kind: str, body: dict[str, Any]) -> httpx.Response:
    """Send a create call as the studio."""
    return await client.post(admin_path(studio, kind), json=body, auth=studio.basic)


async def make_chain(client: httpx.AsyncClient, studio: Studio, kind: str, body: dict[str, Any]) -> int:
    """Make a chain and return its id."""
    reply = await post_chain(client, studio, kind, body)
    assert reply.status_code == 201, reply.text
    chain_id: int = reply.json()["id"]
    return chain_id


async def put_chain(
    client: httpx.AsyncClient, studio: Studio, kind: str, chain_id: int, body: dict[str, Any]
) -> httpx.Response:
    """Send an update as the studio."""
    return await client.put(admin_path(studio, kind, f"/id/{chain_id}"), json=body, auth=studio.basic)


async def read_chain(client: httpx.AsyncClient, studio: Studio, kind: str, chain_id: int) -> dict[str, Any]:
    """What the studio reads of a chain."""
    reply = await client.get(admin_path(studio, kind, f"/id/{chain_id}"), auth=studio.basic)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def list_chains(client: httpx.AsyncClient, studio: Studio, kind: str, **query: Any) -> tuple[list[int], bool]:
    """The ids of a page of a studio's chains, and whether there are more."""
    reply = await client.get(admin_path(studio, kind), params=query, auth=studio.basic)
    assert reply.status_code == 200, reply.text
    return [chain["id"] for chain in reply.json()["items"]], reply.json()["has_more"]


def shown_lamp(item: dict[str, Any], *, quantity: int) -> dict[str, Any]:
    """So many lamps (`catalog.virtual_item(sku="lamp")`), alone in their step, as a studio reads them."""
    return {
        "item_id": item["item_id"],
        "sku": "lamp",
        "type": "virtual_good",
        "name": {"en": "Lamp"},
        "description": {"en": "It gives light."},
        "image_url": PICTURE,
        "is_free": False,
        "quantity": quantity,
        "order": 1,
    }


def refusal_of(reply: httpx.Response) -> tuple[int, int]:
    """The status and code of a refusal."""
    return reply.status_code, reply.json()["errorCode"]


def faults_of(reply: httpx.Response) -> list[str]:
    """Every faulty field."""
    assert refusal_of(reply) == (422, 1102), reply.text
    return list(reply.json()["errorMessageExtended"])


async def toggle(client: httpx.AsyncClient, studio: Studio, kind: str, chain_id: int) -> None:
    """Switch a chain on or off."""
    reply = await client.put(admin_path(studio, kind, f"/id/{chain_id}/toggle"), auth=studio.basic)
    assert reply.status_code == 204, reply.text


async def see_chain(client: httpx.AsyncClient, buyer: Buyer, kind: str, chain_id: int) -> dict[str, Any]:
    """What a player sees of a chain."""
    reply = await client.get(user_path(buyer.studio, kind, f"/{chain_id}"), headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def statuses_of(client: httpx.AsyncClient, buyer: Buyer, chain_id: int) -> list[str]:
    """How the days of a chain stand with a player."""
    return [step["status"] for step in (await see_chain(client, buyer, "daily", chain_id))["steps"]]


async def claim(
    client: httpx.AsyncClient, buyer: Buyer, kind: str, chain_id: int, number: int, **options: Any
) -> httpx.Response:
    """Claim a step as a player."""
    path = user_path(buyer.studio, kind, f"/{chain_id}/step/number/{number}/claim")
    return await client.post(path, **{"headers": buyer.headers, **options})


async def order_step(
    client: httpx.AsyncClient, buyer: Buyer, chain_id: int, number: int, **options: Any
) -> httpx.Response:
    """Order a paid step of an offer chain as a player."""
    path = user_path(buyer.studio, "offer", f"/{chain_id}/step/number/{number}/order")
    return await client.post(path, **{"headers": buyer.headers, **options})

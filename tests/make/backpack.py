"""Makes Backpack bodies and fills Backpacks through the API."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from haversack.webhooks.actions import save_endpoint
from haversack.webhooks.records import Purpose
from make.projects import Studio

PICTURE = "https://pictures.example.com/lamp.png"


def new_game_key(**changes: Any) -> dict[str, Any]:
    """A body element of create-game-keys."""
    return {"item_sku": "game.deluxe", "image_url": PICTURE, "code": f"KEY-{uuid4().hex[:8]}", **changes}


def new_promo_code(**changes: Any) -> dict[str, Any]:
    """A body element of create-promo-codes."""
    return {
        "item_sku": "crate",
        "item_name": "Crate",
        "image_url": PICTURE,
        "promo_code": "WELCOME",
        **changes,
    }


def new_virtual_item(**changes: Any) -> dict[str, Any]:
    """A body element of create-virtual-items."""
    return {"item_sku": "lamp", "item_name": "Lamp", "image_url": PICTURE, **changes}


def new_virtual_currency(**changes: Any) -> dict[str, Any]:
    """A body element of create-virtual-currency."""
    body = {"item_sku": "pearls", "item_name": "Pearls", "image_url": PICTURE}
    return {**body, "price": 4.99, "currency": "USD", "quantity": 500, **changes}


KINDS = {
    "game_keys": new_game_key,
    "promo_codes": new_promo_code,
    "virtual_items": new_virtual_item,
    "virtual_currency": new_virtual_currency,
}


async def post_items(
    client: httpx.AsyncClient,
    studio: Studio,
    kind: str,
    body: Any,
    *,
    player_id: UUID | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """Send a create call as the studio's server."""
    return await client.post(
        f"{studio.backpack}/user/{player_id or uuid4()}/{kind}",
        json=body,
        headers={**await studio.host_headers(client), **(headers or {})},
    )


async def give(client: httpx.AsyncClient, studio: Studio, player_id: UUID, kind: str, **changes: Any) -> dict[str, Any]:
    """Put one item into a player's Backpack and return its view."""
    reply = await post_items(client, studio, kind, [KINDS[kind](**changes)], player_id=player_id)
    assert reply.status_code == 201, reply.text
    item: dict[str, Any] = reply.json()[0]
    return item


async def held_items(client: httpx.AsyncClient, studio: Studio, player_id: UUID) -> list[dict[str, Any]]:
    """What the player sees in the Backpack."""
    reply = await client.get("/web/backpack/items", headers=await studio.player_headers(player_id))
    assert reply.status_code == 200, reply.text
    items: list[dict[str, Any]] = reply.json()
    return items


GAME_SECRET = "a secret of the game"


async def connect_game(studio: Studio, url: str, *, secret: str = GAME_SECRET) -> None:
    """Let the studio's webhooks go to an address."""
    project = await studio.context.directory.find_project(studio.project_id)
    assert project is not None
    await save_endpoint(
        studio.context,
        studio.context.database.session(),
        project,
        purpose=Purpose.STORE,
        url=url,
        secret=secret,
        is_enabled=True,
    )

"""Fills and reads carts as clients do."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

from make.projects import Studio


def cart_path(studio: Studio, rest: str = "", *, cart_id: str | None = None) -> str:
    """Where clients' carts are: the current one, or one by its id."""
    named = "" if cart_id is None else f"/{cart_id}"
    return f"/api/v2/project/{studio.project_id}/cart{named}{rest}"


def guest_headers() -> dict[str, str]:
    """The headers of somebody who has not signed in."""
    return {"x-unauthorized-id": str(uuid4())}


def fill_body(quantities: Mapping[str, Any]) -> dict[str, Any]:
    """The body that sets quantities by SKU."""
    return {"items": [{"sku": sku, "quantity": quantity} for sku, quantity in quantities.items()]}


async def fill(
    client: httpx.AsyncClient,
    studio: Studio,
    headers: dict[str, str],
    quantities: Mapping[str, Any],
    *,
    cart_id: str | None = None,
    **parameters: Any,
) -> dict[str, Any]:
    """Fill a cart and return what was answered."""
    path = cart_path(studio, "/fill", cart_id=cart_id)
    reply = await client.put(path, json=fill_body(quantities), headers=headers, params=parameters)
    assert reply.status_code == 200, reply.text
    cart: dict[str, Any] = reply.json()
    return cart


async def get_cart(
    client: httpx.AsyncClient,
    studio: Studio,
    headers: dict[str, str],
    *,
    cart_id: str | None = None,
    **parameters: Any,
) -> dict[str, Any]:
    """A cart as its owner sees it."""
    reply = await client.get(cart_path(studio, cart_id=cart_id), headers=headers, params=parameters)
    assert reply.status_code == 200, reply.text
    cart: dict[str, Any] = reply.json()
    return cart


def quantities_of(cart: Mapping[str, Any]) -> dict[str, int]:
    """What a cart holds, in its order."""
    return {item["sku"]: item["quantity"] for item in cart["items"]}


def codes_of(cart: Mapping[str, Any]) -> list[tuple[str, int]]:
    """What a cart warns of: SKUs and codes."""
    return [(warning["sku"], warning["errorCode"]) for warning in cart["warnings"]]

"""Makes items of every kind: bodies, the calls that send them, and items straight into the catalog."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx

from haversack.catalog.items.actions import save_item
from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.records import ItemKind, Price
from haversack.catalog.versions import find_version
from haversack.clock import real_now
from make.projects import Studio

PICTURE = "https://pictures.example.com/lamp.png"

# The paths of the kinds below the studio's items.
PATHS = {
    "virtual_item": "virtual_items",
    "virtual_currency": "virtual_currency",
    "package": "virtual_currency/package",
    "bundle": "bundle",
    "game": "game",
}


def any_sku(prefix: str = "item") -> str:
    """A SKU that nothing has yet."""
    return f"{prefix}-{uuid4().hex[:10]}"


def price(amount: Any = 9.99, currency: str = "USD", **changes: Any) -> dict[str, Any]:
    """The default price of a body; with `country_iso` one for a country."""
    is_default = "country_iso" not in changes
    return {
        "amount": amount,
        "currency": currency,
        "is_default": is_default,
        "is_enabled": True,
        **changes,
    }


def virtual_item(**changes: Any) -> dict[str, Any]:
    """A body of a virtual item."""
    body = {"sku": any_sku("lamp"), "name": {"en": "Lamp"}, "description": {"en": "It gives light."}}
    return {**body, "image_url": PICTURE, "prices": [price()], **changes}


def consumable(**changes: Any) -> dict[str, Any]:
    """A body of a virtual item that is used up, so that a player may own many."""
    return virtual_item(**{"inventory_options": {"consumable": {"usages_count": 1}}, **changes})


def virtual_currency(**changes: Any) -> dict[str, Any]:
    """A body of a virtual currency."""
    return {"sku": any_sku("pearls"), "name": {"en": "Pearls"}, **changes}


def package(currency_sku: str, **changes: Any) -> dict[str, Any]:
    """A body of a package of a virtual currency."""
    body = {"sku": any_sku("sack"), "name": {"en": "Sack"}, "description": {"en": "A sack of it."}}
    return {**body, "prices": [price()], "content": [{"sku": currency_sku, "quantity": 500}], **changes}


def bundle(*content: str | dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A body of a bundle; content by SKU alone is one piece."""
    entries = [{"sku": each, "quantity": 1} if isinstance(each, str) else each for each in content]
    body = {"sku": any_sku("crate"), "name": {"en": "Crate"}, "description": {"en": "Much in one."}}
    return {**body, "prices": [price("19.99")], "content": entries, **changes}


def game_key(drm_sku: str = "steam", **changes: Any) -> dict[str, Any]:
    """A key of a game's body."""
    return {"sku": any_sku("key"), "drm_sku": drm_sku, "prices": [price(29.99)], **changes}


def game(*keys: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A body of a game."""
    return {"sku": any_sku("game"), "name": {"en": "Sea Stories"}, "unit_items": list(keys), **changes}


def admin_path(studio: Studio, kind: str, rest: str = "") -> str:
    """Where the studio's calls on a kind of items are."""
    return f"/api/v2/project/{studio.project_id}/admin/items/{PATHS[kind]}{rest}"


async def post_item(client: httpx.AsyncClient, studio: Studio, kind: str, body: Mapping[str, Any]) -> httpx.Response:
    """Send a create call as the studio."""
    return await client.post(admin_path(studio, kind), json=body, auth=studio.basic)


async def put_item(
    client: httpx.AsyncClient, studio: Studio, kind: str, sku: str, body: Mapping[str, Any]
) -> httpx.Response:
    """Send an update call as the studio."""
    return await client.put(admin_path(studio, kind, f"/sku/{sku}"), json=body, auth=studio.basic)


async def get_item(client: httpx.AsyncClient, studio: Studio, kind: str, sku: str) -> dict[str, Any]:
    """What the studio reads of an item."""
    reply = await client.get(admin_path(studio, kind, f"/sku/{sku}"), auth=studio.basic)
    assert reply.status_code == 200, reply.text
    item: dict[str, Any] = reply.json()
    return item


async def make_item(
    client: httpx.AsyncClient, studio: Studio, kind: str = "virtual_item", body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Make an item through the API and return what the studio reads of it."""
    if body is None:
        body = {"virtual_item": virtual_item, "virtual_currency": virtual_currency}[kind]()
    reply = await post_item(client, studio, kind, body)
    assert reply.status_code == 201, reply.text
    return await get_item(client, studio, kind, body["sku"])


async def save_draft(studio: Studio, draft: ItemDraft) -> int:
    """Put an item straight into the catalog and return its id. Read models are not told."""
    db = studio.context.database.session()
    async with db.begin():
        return await save_item(db, studio.project_id, draft, now=real_now())


async def save_virtual_item(studio: Studio, sku: str | None = None, **changes: Any) -> int:
    """Put a virtual item straight into the catalog and return its id."""
    values: dict[str, Any] = {
        "kind": ItemKind.VIRTUAL_GOOD,
        "sku": sku or any_sku("lamp"),
        "name": {"en": "Lamp"},
        "prices": (Price(Decimal("9.99"), "USD", is_default=True),),
        **changes,
    }
    return await save_draft(studio, ItemDraft(**values))


def faults(reply: httpx.Response) -> dict[str, str]:
    """The faulty fields of a refusal, with what is wrong with each."""
    return {fault["property"]: fault["message"] for fault in reply.json()["errorMessageExtended"]}


async def version_of(studio: Studio) -> int:
    """How often the catalog has changed."""
    return await find_version(studio.context.database.session(), studio.project_id)

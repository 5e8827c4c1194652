"""Makes games with keys, and uploads codes of them through the API."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from sqlalchemy import bindparam, select

from haversack.catalog.items.actions import save_item
from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.items.queries import find_item_by_sku, list_keys_of_games
from haversack.catalog.keys.rules import code_hash
from haversack.catalog.records import Details, Item, ItemKind, PreOrder
from haversack.catalog.tables import items, key_codes
from haversack.catalog.taxonomy.queries.regions import add_region
from haversack.catalog.taxonomy.records import GivenAttribute
from haversack.clock import real_now
from make.projects import Studio
from make.taxonomy import admin

LIST_CODES = (
    select(key_codes)
    .join(items, (items.c.project_id == key_codes.c.project_id) & (items.c.item_id == key_codes.c.item_id))
    .where(key_codes.c.project_id == bindparam("project"), items.c.sku == bindparam("sku"))
    .order_by(key_codes.c.code_id)
)
FIND_STATE = select(key_codes.c.state).where(
    key_codes.c.project_id == bindparam("project"), key_codes.c.code_hash == bindparam("hash")
)

WHO = {"user_email": "press@example.com", "reason": "review copies"}


def keys_url(studio: Studio, what: str, key: str | int) -> str:
    """The address of a call about a key's codes: upload, request or delete, by SKU or by number."""
    kind = "id" if isinstance(key, int) else "sku"
    return f"{admin(studio)}/items/game/key/{what}/{kind}/{key}"


async def make_game(
    studio: Studio,
    sku: str = "opera",
    *,
    drms: Iterable[str] = ("drmfree",),
    pre_order: PreOrder | None = None,
    region_ids: tuple[int, ...] = (),
    **about: Any,
) -> dict[str, int]:
    """Make a game with a key for each platform, named `<game>_<drm>`; the keys' numbers by their SKUs."""
    db = studio.context.database.session()
    keys = tuple(
        ItemDraft(
            kind=ItemKind.GAME_KEY,
            sku=f"{sku}_{drm}",
            name={"en": sku.title()},
            pre_order=pre_order,
            region_ids=region_ids,
            details=Details(drm_sku=drm),
        )
        for drm in drms
    )
    draft = ItemDraft(kind=ItemKind.GAME, sku=sku, keys=keys, **{"name": {"en": sku.title()}, **about})
    async with db.begin():
        game_id = await save_item(db, studio.project_id, draft, now=real_now())
    made = await list_keys_of_games(db, studio.project_id, [game_id])
    return {key.sku: key.item_id for key in made}


def of_attributes(*external_ids: str) -> tuple[GivenAttribute, ...]:
    """Attributes without values, named as their ids."""
    return tuple(GivenAttribute(each, {"en": each.title()}, ()) for each in external_ids)


async def find_item(studio: Studio, sku: str) -> Item:
    """An item of the studio."""
    item = await find_item_by_sku(studio.context.database.session(), studio.project_id, sku)
    assert item is not None
    return item


async def make_region(studio: Studio, *countries: str) -> int:
    """Make a region and return its id."""
    return await add_region(
        studio.context.database.session(),
        studio.project_id,
        name={"en-US": "Region"},
        countries=countries,
        now=real_now(),
    )


async def send_file(
    client: httpx.AsyncClient, studio: Studio, key: str | int, content: bytes, *, region_id: int | None = None
) -> httpx.Response:
    """Upload a file of codes; the answer is that of the call, while the codes are being taken in."""
    return await client.post(
        keys_url(studio, "upload", key),
        files={"file": ("codes.txt", content, "text/plain")},
        data={} if region_id is None else {"region_id": str(region_id)},
        auth=studio.basic,
    )


async def upload(
    client: httpx.AsyncClient,
    studio: Studio,
    key: str | int,
    content: bytes | Iterable[str],
    *,
    region_id: int | None = None,
) -> dict[str, Any]:
    """Upload codes, wait until all are taken in, and return the session."""
    body = content if isinstance(content, bytes) else "\n".join(content).encode()
    reply = await send_file(client, studio, key, body, region_id=region_id)
    assert reply.status_code == 200, reply.text
    await studio.context.uploads.wait_until_idle()
    return await session_of(client, studio, reply.json()["session_id"])


async def session_of(client: httpx.AsyncClient, studio: Studio, session_id: str) -> dict[str, Any]:
    """An upload session as it is now."""
    reply = await client.get(f"{admin(studio)}/items/game/key/upload/session/{session_id}", auth=studio.basic)
    assert reply.status_code == 200, reply.text
    session: dict[str, Any] = reply.json()
    return session


async def request(
    client: httpx.AsyncClient, studio: Studio, key: str | int, quantity: int, **changes: Any
) -> httpx.Response:
    """Ask for codes."""
    return await client.get(
        keys_url(studio, "request", key), params={**WHO, "quantity": quantity, **changes}, auth=studio.basic
    )


async def rows_of(studio: Studio, sku: str) -> list[asyncpg.Record]:
    """A key's codes as they are stored, the oldest first."""
    return await studio.context.database.session().fetch_all(LIST_CODES, project=studio.project_id, sku=sku)


async def states_of(studio: Studio, sku: str) -> list[str]:
    """What has become of a key's codes, the oldest first."""
    return [row["state"] for row in await rows_of(studio, sku)]


async def state_of(studio: Studio, code: str) -> str:
    """What has become of a code."""
    hashed = code_hash(code, key=studio.context.sealer.mac_key, project_id=studio.project_id)
    state: str = await studio.context.database.session().fetch_value(FIND_STATE, project=studio.project_id, hash=hashed)
    return state


async def redeem(
    client: httpx.AsyncClient, studio: Studio, player_id: UUID, code: str, **changes: Any
) -> httpx.Response:
    """Redeem a code as a player."""
    return await client.post(
        f"/api/v2/project/{studio.project_id}/entitlement/redeem",
        json={"code": code, **changes},
        headers=await studio.player_headers(player_id),
    )


def new_grant(player_id: UUID, **changes: Any) -> dict[str, Any]:
    """A body of grant-entitlement-admin."""
    about = {"user_external_id": str(player_id), "game": {"sku": "opera"}, "drm": {"sku": "drmfree"}}
    return {**about, "mode": "default", **changes}


async def grant(client: httpx.AsyncClient, studio: Studio, player_id: UUID, **changes: Any) -> httpx.Response:
    """Give a player a game as the studio."""
    return await client.post(
        f"{admin(studio)}/entitlement/grant", json=new_grant(player_id, **changes), auth=studio.basic
    )


async def held_games(client: httpx.AsyncClient, studio: Studio, player_id: UUID, **asked: Any) -> dict[str, Any]:
    """What a player has a right to."""
    reply = await client.get(
        f"/api/v2/project/{studio.project_id}/entitlement",
        params=asked,
        headers=await studio.player_headers(player_id),
    )
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def new_player(studio: Studio) -> UUID:
    """A player that the login project knows."""
    player_id = uuid4()
    await studio.player_headers(player_id)
    return player_id

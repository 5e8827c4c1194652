"""The studio's operations on games, each with its keys."""

from typing import Annotated

from fastapi import Path

from haversack.catalog.items import actions
from haversack.catalog.items.actions import UPDATE_ERRORS, WRITE_ERRORS
from haversack.catalog.items.admin_operations import INT32_MAX, PAGE_MAX, ROOT, ItemPage, PromoCode
from haversack.catalog.items.queries import count_items, find_item_by_id, get_item_by_sku, list_page
from haversack.catalog.items.related import load_related
from haversack.catalog.items.wire.games import GameBody, GameIdView, GameView
from haversack.catalog.items.wire.views import PageView
from haversack.catalog.records import Item, ItemKind
from haversack.errors import ITEM_ID_NOT_FOUND, ITEM_SKU_NOT_FOUND, STORE
from haversack.http.area import Area
from haversack.http.calls import AdminCall

games_area = Area("game-keys-admin", family=STORE, prefix="/api")

GAMES = f"{ROOT}/game"
BY_SKU = f"{GAMES}/sku/{{item_sku}}"
BY_ID = f"{GAMES}/id/{{item_id}}"
KINDS = (ItemKind.GAME,)

ItemId = Annotated[int, Path(ge=1, le=INT32_MAX)]


async def _show(call: AdminCall, game: Item) -> GameView:
    return GameView.of(game, await load_related(call.db, call.project_id, [game]), call.now)


@games_area.post(GAMES, status=201, errors=WRITE_ERRORS, audit="game created")
async def admin_create_game(call: AdminCall, body: GameBody) -> GameIdView:
    """Create a game with its keys."""
    item_id = await actions.create_item(call, body.draft(call.now))
    return GameIdView(item_id=item_id, sku=body.sku)


@games_area.get(GAMES)
async def admin_get_game_list(call: AdminCall, page: ItemPage) -> PageView[GameView]:
    """Get a page of the games with their keys, in their order."""
    limit = min(page.limit, PAGE_MAX)
    found = await list_page(call.db, call.project_id, ItemKind.GAME, limit=limit, offset=page.offset)
    total = await count_items(call.db, call.project_id, ItemKind.GAME)
    related = await load_related(call.db, call.project_id, found)
    return PageView[GameView](
        items=[GameView.of(game, related, call.now) for game in found],
        has_more=page.offset + len(found) < total,
        total_items_count=total,
    )


@games_area.get(BY_SKU, errors=(ITEM_SKU_NOT_FOUND,))
async def admin_get_game_by_sku(call: AdminCall, item_sku: str, promo_code: PromoCode = None) -> GameView:
    """Get a game with its keys, by its SKU."""
    game = await get_item_by_sku(call.db, call.project_id, item_sku, KINDS, missing=ITEM_SKU_NOT_FOUND)
    return await _show(call, game)


@games_area.get(BY_ID, errors=(ITEM_ID_NOT_FOUND,))
async def admin_get_game_by_id(call: AdminCall, item_id: ItemId, promo_code: PromoCode = None) -> GameView:
    """Get a game with its keys, by its number."""
    game = await find_item_by_id(call.db, call.project_id, item_id, KINDS)
    if game is None:
        raise ITEM_ID_NOT_FOUND(item_id=item_id)
    return await _show(call, game)


@games_area.put(BY_SKU, status=201, errors=(ITEM_SKU_NOT_FOUND, *UPDATE_ERRORS), audit="game replaced")
async def admin_update_game_by_sku(call: AdminCall, item_sku: str, body: GameBody) -> None:
    """Replace a game, by its SKU. Keys that are left out are deleted."""
    await actions.update_item(call, body.draft(call.now), sku=item_sku, missing=ITEM_SKU_NOT_FOUND)


@games_area.put(BY_ID, status=201, errors=(ITEM_ID_NOT_FOUND, *UPDATE_ERRORS), audit="game replaced")
async def admin_update_game_by_id(call: AdminCall, item_id: ItemId, body: GameBody) -> None:
    """Replace a game, by its number. Keys that are left out are deleted."""
    await actions.update_item(call, body.draft(call.now), item_id=item_id, missing=ITEM_ID_NOT_FOUND)


@games_area.delete(BY_SKU, status=204, errors=(ITEM_SKU_NOT_FOUND,), audit="game deleted")
async def admin_delete_game_by_sku(call: AdminCall, item_sku: str) -> None:
    """Delete a game with its keys, by its SKU. The SKUs stay taken."""
    await actions.delete_item(call, ItemKind.GAME, sku=item_sku, missing=ITEM_SKU_NOT_FOUND)


@games_area.delete(BY_ID, status=204, errors=(ITEM_ID_NOT_FOUND,), audit="game deleted")
async def admin_delete_game_by_id(call: AdminCall, item_id: ItemId) -> None:
    """Delete a game with its keys, by its number. The SKUs stay taken."""
    await actions.delete_item(call, ItemKind.GAME, item_id=item_id, missing=ITEM_ID_NOT_FOUND)

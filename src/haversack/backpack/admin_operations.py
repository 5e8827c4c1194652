"""Backpack operations that a distributor's server calls, with its host id and a server token."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from haversack.backpack import actions, queries
from haversack.backpack.pictures import picture_address
from haversack.backpack.wire import (
    UINT32_MAX,
    GameDetailsBody,
    GameIdView,
    GameKeyView,
    GameView,
    ItemView,
    NewGameBody,
    NewGameKeys,
    NewPromoCodes,
    NewVirtualCurrencies,
    NewVirtualItems,
    PromoCodeView,
    VirtualCurrencyView,
    VirtualItemView,
)
from haversack.errors import (
    BACKPACK,
    BACKPACK_ITEM_NOT_FOUND,
    GAME_EXISTS,
    GAME_INVALID,
    GAME_NOT_FOUND,
    ITEM_IS_BEING_RECEIVED,
    Fault,
)
from haversack.http.area import Area
from haversack.http.calls import HostCall
from haversack.http.problems import invalid

PREFIX = "/web/backpack/merchants/{merchant_id}/projects/{project_id}"

items_area = Area("Items", family=BACKPACK, prefix=PREFIX)
games_area = Area("Game", family=BACKPACK, prefix=PREFIX)

Offset = Annotated[int, Query(ge=0, le=UINT32_MAX)]
Limit = Annotated[int, Query(ge=0, le=UINT32_MAX, description="0 and no limit: everything")]


@items_area.post("/user/{user_id}/game_keys", status=201, audit="game keys put into a Backpack")
async def create_game_keys(call: HostCall, user_id: UUID, body: NewGameKeys) -> list[GameKeyView]:
    """Put game keys into a player's Backpack, all or nothing."""
    items = await actions.add_items(call, user_id, [new.record() for new in body])
    return [GameKeyView.of(item) for item in items]


@items_area.post("/user/{user_id}/promo_codes", status=201, audit="promo codes put into a Backpack")
async def create_promo_codes(call: HostCall, user_id: UUID, body: NewPromoCodes) -> list[PromoCodeView]:
    """Put promo codes into a player's Backpack, all or nothing."""
    items = await actions.add_items(call, user_id, [new.record() for new in body])
    return [PromoCodeView.of(item) for item in items]


@items_area.post("/user/{user_id}/virtual_currency", status=201, audit="virtual currency put into a Backpack")
async def create_virtual_currency(
    call: HostCall, user_id: UUID, body: NewVirtualCurrencies
) -> list[VirtualCurrencyView]:
    """Put amounts of virtual currencies into a player's Backpack, all or nothing."""
    items = await actions.add_items(call, user_id, [new.record() for new in body])
    return [VirtualCurrencyView.of(item) for item in items]


@items_area.post("/user/{user_id}/virtual_items", status=201, audit="virtual items put into a Backpack")
async def create_virtual_items(call: HostCall, user_id: UUID, body: NewVirtualItems) -> list[VirtualItemView]:
    """Put virtual items into a player's Backpack, all or nothing."""
    items = await actions.add_items(call, user_id, [new.record() for new in body])
    return [VirtualItemView.of(item) for item in items]


@items_area.get("/users/{user_id}/items")
async def user_backpack_items_list(
    call: HostCall, user_id: UUID, offset: Offset = 0, limit: Limit = 0
) -> list[ItemView]:
    """List what a player holds of this project, newest first."""
    items = await queries.list_items_for_project(
        call.db,
        call.context.sealer,
        project_id=call.project_id,
        player_id=user_id,
        offset=offset,
        limit=limit or None,
    )
    return [ItemView.of(item, picture_address(call.context, item.image_url)) for item in items]


@items_area.delete(
    "/users/{user_id}/items/{item_id}",
    status=204,
    errors=(BACKPACK_ITEM_NOT_FOUND, ITEM_IS_BEING_RECEIVED),
    audit="item taken out of a Backpack",
)
async def delete_item(call: HostCall, user_id: UUID, item_id: UUID) -> None:
    """Take an item out of a player's Backpack."""
    await actions.delete_item(call, user_id, item_id)


@games_area.post("/games", status=201, errors=(GAME_EXISTS,), audit="Backpack game created")
async def create_game(call: HostCall, body: NewGameBody) -> GameIdView:
    """Create a game that gathers Backpack items under its name and picture."""
    faults = [
        Fault(name, "must be the one of the path")
        for name, given, expected in (
            ("merchant_id", body.merchant_id, call.project.merchant_id),
            ("project_id", body.project_id, call.project_id),
        )
        if given is not None and given != expected
    ]
    if faults:
        raise invalid(BACKPACK.invalid, faults)
    game_id = await actions.create_game(
        call,
        external_game_id=body.external_game_id,
        game_name=body.game_name or body.external_game_id,
        game_image_url=body.game_image_url,
    )
    return GameIdView(id=game_id)


@games_area.get("/games", invalid=GAME_INVALID)
async def get_games(call: HostCall) -> list[GameView]:
    """List the games of the project."""
    return [GameView.of(game) for game in await queries.list_games(call.db, call.project_id)]


@games_area.put(
    "/games",
    status=204,
    errors=(GAME_NOT_FOUND,),
    invalid=GAME_INVALID,
    audit="Backpack game details updated",
)
async def update_game_details(call: HostCall, body: GameDetailsBody) -> None:
    """Change the name or picture of a game, for the items it already gathers too."""
    await actions.update_game(
        call,
        external_game_id=body.external_game_id,
        game_name=body.game_name,
        game_image_url=body.game_image_url,
    )

"""Backpack operations that a player calls."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from haversack.backpack import queries, rules
from haversack.backpack.pictures import picture_address
from haversack.backpack.receiving import move_to_game, receive_to_wallet
from haversack.backpack.records import Item, ItemType
from haversack.backpack.wire import (
    LIST_MAX,
    UINT32_MAX,
    ItemGroupView,
    ItemView,
    MoveToGameBody,
    ReceiveBody,
)
from haversack.errors import (
    BACKPACK,
    BACKPACK_ITEM_NOT_FOUND,
    GAME_AWAY,
    GAME_REFUSED_ITEM,
    GAME_SILENT,
    GAME_WITHOUT_WEBHOOK,
    IS_WALLET_CURRENCY,
    ITEM_HAS_OTHER_TYPE,
    ITEM_IS_BEING_RECEIVED,
    NOT_WALLET_CURRENCY,
    PLATFORM_ACCOUNT_DIFFERS,
    PLATFORM_NOT_LINKED,
    PLAYER_NOT_IN_GAME,
    Fault,
)
from haversack.http.area import Area, Repeat
from haversack.http.calls import PlayerCall
from haversack.http.problems import invalid

area = Area("User", family=BACKPACK, prefix="/web/backpack")

MOVING_ERRORS = (
    BACKPACK_ITEM_NOT_FOUND,
    ITEM_HAS_OTHER_TYPE,
    ITEM_IS_BEING_RECEIVED,
    IS_WALLET_CURRENCY,
    PLATFORM_NOT_LINKED,
    PLATFORM_ACCOUNT_DIFFERS,
    PLAYER_NOT_IN_GAME,
    GAME_REFUSED_ITEM,
    GAME_AWAY,
    GAME_SILENT,
    GAME_WITHOUT_WEBHOOK,
)


async def _project_ids(call: PlayerCall) -> list[int]:
    """The projects whose items this player sees: those that share the login project of the token."""
    projects = await call.context.directory.list_projects_of_login(call.player.login_project_id)
    return [project.project_id for project in projects]


def _view(call: PlayerCall, item: Item) -> ItemView:
    return ItemView.of(item, picture_address(call.context, item.image_url))


def _item_types(given: list[str]) -> list[ItemType]:
    """`item_type` may be repeated or hold a list with commas."""
    names = [name.strip() for each in given for name in each.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(ItemType)]
    if unknown:
        allowed = ", ".join(ItemType)
        raise invalid(BACKPACK.invalid, [Fault("item_type", f"{unknown[0][:50]} is not one of {allowed}")])
    return [ItemType(name) for name in names]


@area.get("/items")
async def get_user_backpack_items(
    call: PlayerCall,
    offset: Annotated[int, Query(ge=0, le=UINT32_MAX)] = 0,
    limit: Annotated[int, Query(ge=1, le=UINT32_MAX, description="more than 100 are given in pages")] = 50,
    group: Annotated[str | None, Query(description="game_name: the items under their games")] = None,
    item_type: Annotated[list[str], Query(description="repeated, or separated by commas")] = [],  # noqa: B006
) -> list[ItemView] | list[ItemGroupView]:
    """List what the player holds over all projects, newest first."""
    if group not in (None, "game_name"):
        raise invalid(BACKPACK.invalid, [Fault("group", "must be game_name")])
    items = await queries.list_items_for_player(
        call.db,
        call.context.sealer,
        project_ids=await _project_ids(call),
        player_id=call.player_id,
        item_types=_item_types(item_type),
        offset=offset,
        limit=min(limit, LIST_MAX),
    )
    if group is None:
        return [_view(call, item) for item in items]
    return [
        ItemGroupView(game_name=name, items=[_view(call, item) for item in held])
        for name, held in rules.group_by_game(items)
    ]


@area.get("/items/{item_id}", errors=(BACKPACK_ITEM_NOT_FOUND,))
async def get_user_backpack_item(call: PlayerCall, item_id: UUID) -> ItemView:
    """Show one item of the player."""
    item = await queries.get_item_for_player(
        call.db,
        call.context.sealer,
        project_ids=await _project_ids(call),
        player_id=call.player_id,
        item_id=item_id,
    )
    return _view(call, item)


@area.post("/virtual_currency/move_to_game", errors=MOVING_ERRORS, repeat=Repeat.RESUMABLE)
async def move_user_virtual_currency_to_game(call: PlayerCall, body: MoveToGameBody) -> None:
    """Receive an amount of virtual currency in its game; it leaves the Backpack when the game has accepted it."""
    await _move(call, body, ItemType.VIRTUAL_CURRENCY)


@area.post("/virtual_items/move_to_game", errors=MOVING_ERRORS, repeat=Repeat.RESUMABLE)
async def move_user_virtual_item_to_game(call: PlayerCall, body: MoveToGameBody) -> None:
    """Receive a virtual item in its game; it leaves the Backpack when the game has accepted it."""
    await _move(call, body, ItemType.VIRTUAL_ITEM)


async def _move(call: PlayerCall, body: MoveToGameBody, expected: ItemType) -> None:
    await move_to_game(
        call.context,
        call.db,
        call.player,
        item_id=body.item_id,
        user_game_id=body.user_game_id,
        expected=expected,
        holder=rules.holder_of(call.caller_name, call.idempotency_key, body.user_game_id),
    )


@area.post(
    "/virtual_currency/receive",
    errors=(BACKPACK_ITEM_NOT_FOUND, ITEM_HAS_OTHER_TYPE, ITEM_IS_BEING_RECEIVED, NOT_WALLET_CURRENCY),
)
async def move_user_virtual_currency_to_wallet(call: PlayerCall, body: ReceiveBody) -> None:
    """Receive an amount of a wallet currency: it is added to the player's balance."""
    await receive_to_wallet(call.context, call.db, call.player, item_id=body.item_id)

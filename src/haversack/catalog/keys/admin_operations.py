"""The studio's operations on codes of game keys, on rights to games, and on pre-order limits.

Codes and pre-order limits have each operation twice, by SKU and by number: a loop declares both.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import File, Form, Path, Query, UploadFile
from starlette.responses import PlainTextResponse

from haversack.catalog.items.queries import find_item_by_id, get_item_by_sku
from haversack.catalog.items.wire.parts import INT32_MAX
from haversack.catalog.keys.actions import codes as code_actions
from haversack.catalog.keys.actions import entitlements as entitlement_actions
from haversack.catalog.keys.actions import pre_orders as pre_order_actions
from haversack.catalog.keys.queries.pre_orders import find_limit
from haversack.catalog.keys.wire import (
    CodesQuery,
    CodesRequestQuery,
    GrantBody,
    PreOrderLimitView,
    QuantityBody,
    RevokeBody,
    SetQuantityBody,
    ToggleBody,
    UploadView,
)
from haversack.catalog.records import Item, ItemKind
from haversack.errors import (
    AUTHORIZATION_NOT_SENT,
    CODES_TOO_FEW,
    DRM_NOT_FREE,
    ENTITLED_GAME_NOT_FOUND,
    ENTITLEMENT_HELD,
    GAME_CODE_NOT_FOUND,
    GAME_CODE_USED,
    GAME_NOT_IN_COUNTRY,
    ITEM_ID_NOT_FOUND,
    ITEM_SKU_NOT_FOUND,
    PLAYER_UNKNOWN,
    PRE_ORDERS_TOO_FEW,
    REGION_NOT_FOUND,
    STORE,
    UPLOAD_NOT_FOUND,
    ErrorKind,
)
from haversack.http.area import Area, Repeat
from haversack.http.calls import AdminCall

codes_area = Area("game-keys-admin", family=STORE, prefix="/api")
entitlements_area = Area("game-keys-entitlement", family=STORE, prefix="/api")
pre_orders_area = Area("common-pre-orders", family=STORE, prefix="/api")

ADMIN = "/v2/project/{project_id}/admin"
CODES = f"{ADMIN}/items/game/key"
UPLOAD_BYTES_MAX = 64 * 2**20

Function = TypeVar("Function", bound=Callable[..., Any])
ItemId = Annotated[int, Path(ge=1, le=INT32_MAX)]


@dataclass(frozen=True, slots=True)
class Address:
    """How an operation names its item: the end of the operation's name, the path, the parameter's type, and who finds
    the item, among those of some kinds or of all."""

    suffix: str
    path: str
    parameter: str
    type: Any
    find: Callable[[AdminCall, Any, tuple[ItemKind, ...] | None], Awaitable[Item]]
    missing: ErrorKind


async def _item_by_sku(call: AdminCall, sku: str, kinds: tuple[ItemKind, ...] | None) -> Item:
    return await get_item_by_sku(call.db, call.project_id, sku, kinds, missing=ITEM_SKU_NOT_FOUND)


async def _item_by_id(call: AdminCall, item_id: int, kinds: tuple[ItemKind, ...] | None) -> Item:
    item = await find_item_by_id(call.db, call.project_id, item_id, kinds)
    if item is None:
        raise ITEM_ID_NOT_FOUND(item_id=item_id)
    return item


BY_SKU = Address("sku", "/sku/{item_sku}", "item_sku", str, _item_by_sku, ITEM_SKU_NOT_FOUND)
BY_ID = Address("id", "/id/{item_id}", "item_id", ItemId, _item_by_id, ITEM_ID_NOT_FOUND)


def _named(name: str, address: Address) -> Callable[[Function], Function]:
    """Give a function of a family its operation's name, and its `item` the parameter that it comes from."""

    def rename(function: Function) -> Function:
        function.__name__ = function.__qualname__ = name
        function.__annotations__["item"] = Annotated[address.type, Path(alias=address.parameter)]
        return function

    return rename


# -- Codes ----------------------------------------------------------------------------------------------------------


def _text(codes: str) -> PlainTextResponse:
    """Codes for whoever asked, and for no cache on the way."""
    return PlainTextResponse(codes, headers={"Cache-Control": "no-store"})


@codes_area.get(f"{CODES}/upload/session/{{session_id}}", errors=(UPLOAD_NOT_FOUND,))
async def admin_get_codes_session(call: AdminCall, session_id: str) -> UploadView:
    """Show how far an upload of codes is."""
    try:
        session = UUID(hex=session_id)
    except ValueError:
        raise UPLOAD_NOT_FOUND(session_id=session_id[:64]) from None
    return UploadView.of(await code_actions.get_upload(call, session))


def _declare_code_operations(address: Address) -> None:
    async def key_of(call: AdminCall, item: Any) -> Item:
        return await address.find(call, item, (ItemKind.GAME_KEY,))

    refusals = (address.missing, REGION_NOT_FOUND)

    # Sending a file again adds nothing twice, so a repeat needs no key; and its answer holds no secret.
    @codes_area.post(
        f"{CODES}/upload{address.path}",
        errors=refusals,
        audit="game key codes uploaded",
        body_bytes_max=UPLOAD_BYTES_MAX,
        repeat=Repeat.NEVER,
    )
    @_named(f"admin_upload_codes_by_{address.suffix}", address)
    async def upload(
        call: AdminCall,
        item: Any,
        file: Annotated[UploadFile, File(description="TXT or CSV in UTF-8, one code a line")],
        region_id: Annotated[int | None, Form(ge=1, le=INT32_MAX)] = None,
    ) -> UploadView:
        """Upload codes of a game key; the answer comes at once, and the session says how far it is."""
        key = await key_of(call, item)
        return UploadView.of(await code_actions.start_upload(call, key, region_id, file.file))

    @codes_area.get(f"{CODES}/request{address.path}", errors=(*refusals, CODES_TOO_FEW))
    @_named(f"admin_get_codes_by_{address.suffix}", address)
    async def request(
        call: AdminCall,
        item: Any,
        asked: Annotated[CodesRequestQuery, Query()],
    ) -> PlainTextResponse:
        """Take codes out of stock for somebody. Separated by blanks; all that were asked for, or none."""
        if call.request.method == "HEAD":
            # It would take codes that nobody sees.
            raise STORE.method_not_allowed(methods="GET")
        codes = await code_actions.request_codes(
            call,
            await key_of(call, item),
            asked.region_id,
            quantity=asked.quantity,
            user_email=asked.user_email,
            reason=asked.reason,
        )
        return _text(codes)

    @codes_area.delete(
        f"{CODES}/delete{address.path}",
        errors=refusals,
        audit="unsold codes of a game key deleted",
        repeat=Repeat.NEVER,
    )
    @_named(f"admin_delete_codes_by_{address.suffix}", address)
    async def delete(
        call: AdminCall,
        item: Any,
        asked: Annotated[CodesQuery, Query()],
    ) -> PlainTextResponse:
        """Take all unsold codes out of stock. They are the answer, separated by blanks."""
        codes = await code_actions.delete_codes(
            call,
            await key_of(call, item),
            asked.region_id,
            user_email=asked.user_email,
            reason=asked.reason,
        )
        return _text(codes)


# -- Rights to games ------------------------------------------------------------------------------------------------


@entitlements_area.post(
    f"{ADMIN}/entitlement/grant",
    errors=(
        AUTHORIZATION_NOT_SENT,
        DRM_NOT_FREE,
        ENTITLED_GAME_NOT_FOUND,
        ENTITLEMENT_HELD,
        GAME_CODE_NOT_FOUND,
        GAME_CODE_USED,
        GAME_NOT_IN_COUNTRY,
        PLAYER_UNKNOWN,
    ),
    audit="entitlement granted",
)
async def grant_entitlement_admin(call: AdminCall, body: GrantBody) -> None:
    """Give a player a game, or the game of a code."""
    await entitlement_actions.grant_entitlement(
        call,
        body.user_external_id,
        game_sku=body.game.sku,
        drm_sku=body.drm.sku,
        code=body.code,
        mode=body.mode,
        country=body.user_country,
    )


@entitlements_area.post(
    f"{ADMIN}/entitlement/revoke",
    status=204,
    errors=(AUTHORIZATION_NOT_SENT, DRM_NOT_FREE, ENTITLED_GAME_NOT_FOUND, PLAYER_UNKNOWN),
    audit="entitlement revoked",
)
async def revoke_entitlement_admin(call: AdminCall, body: RevokeBody) -> None:
    """Take a game from a player."""
    await entitlement_actions.revoke_entitlement(
        call, body.user_external_id, game_sku=body.game.sku, drm_sku=body.drm.sku, mode=body.mode
    )


# -- Pre-order limits -----------------------------------------------------------------------------------------------


def _declare_pre_order_operations(address: Address) -> None:
    async def item_of(call: AdminCall, item: Any) -> Item:
        return await address.find(call, item, None)

    path = f"{ADMIN}/items/pre_order/limit/item{address.path}"
    ending = "" if address is BY_SKU else "_by_id"
    missing = (address.missing,)

    @pre_orders_area.get(path, errors=missing)
    @_named(f"get_pre_order_limit{ending}", address)
    async def get(call: AdminCall, item: Any) -> PreOrderLimitView:
        """Show how many of an item may be ordered before it is out."""
        found = await item_of(call, item)
        return PreOrderLimitView.of(found, await find_limit(call.db, call.project_id, found.item_id))

    @pre_orders_area.post(path, status=201, errors=missing, audit="pre-order limit raised")
    @_named(f"add_pre_order_limit{ending}", address)
    async def add(call: AdminCall, item: Any, body: QuantityBody) -> None:
        """Let more of an item be ordered before it is out."""
        await pre_order_actions.add_pre_orders(call, await item_of(call, item), body.quantity)

    @pre_orders_area.put(path, status=204, errors=missing, audit="pre-order limit set")
    @_named(f"set_pre_order_limit{ending}", address)
    async def set_(call: AdminCall, item: Any, body: SetQuantityBody) -> None:
        """Set how many of an item may still be ordered before it is out."""
        await pre_order_actions.set_pre_orders(call, await item_of(call, item), body.quantity)

    @pre_orders_area.delete(path, status=204, errors=(*missing, PRE_ORDERS_TOO_FEW), audit="pre-order limit lowered")
    @_named(f"remove_pre_order_limit{ending}", address)
    async def remove(call: AdminCall, item: Any, body: QuantityBody) -> None:
        """Let fewer of an item be ordered before it is out."""
        await pre_order_actions.remove_pre_orders(call, await item_of(call, item), body.quantity)

    @pre_orders_area.delete(f"{path}/all", status=204, errors=missing, audit="pre-order limit emptied")
    @_named(f"remove_all_pre_order_limit{ending}", address)
    async def remove_all(call: AdminCall, item: Any) -> None:
        """Let no more of an item be ordered before it is out."""
        await pre_order_actions.set_pre_orders(call, await item_of(call, item), 0)

    @pre_orders_area.put(f"{path}/toggle", status=204, errors=missing, audit="pre-order limit switched")
    @_named(f"toggle_pre_order_limit{ending}", address)
    async def toggle(call: AdminCall, item: Any, body: ToggleBody) -> None:
        """Switch the limit of an item's pre-orders on or off."""
        await pre_order_actions.enable_limit(
            call, await item_of(call, item), is_enabled=body.is_pre_order_limit_enabled
        )


for _address in (BY_SKU, BY_ID):
    _declare_code_operations(_address)
    _declare_pre_order_operations(_address)

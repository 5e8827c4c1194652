"""Carts that a studio's back end fills for players."""

from typing import Annotated

from fastapi import Header, Query

from haversack.carts import actions
from haversack.carts.actions import Owner, Wanted
from haversack.carts.answering import FillingShow
from haversack.carts.rules import checked_quantity
from haversack.carts.wire import AdminFillBody, CartAnswer, LanguageQuery
from haversack.catalog.selling import Shop
from haversack.errors import CART_FULL, CART_INVALID, PLAYER_UNKNOWN, QUANTITY_INVALID, STORE
from haversack.http.area import Area
from haversack.http.calls import AdminCall
from haversack.login.rules import outside_player_id

area = Area("cart-server-side", family=STORE, prefix="/api/v2/admin/project/{project_id}/cart")

Shown = Annotated[LanguageQuery, Query()]
UserId = Annotated[str, Header(alias="x-user-id", max_length=255, description="the player, as the game calls it")]
UserFor = Annotated[str, Header(alias="x-user-for", max_length=255, description="the same, where x-user-id is missing")]
ERRORS = (CART_INVALID, CART_FULL, QUANTITY_INVALID, PLAYER_UNKNOWN)


@area.put("/fill", errors=ERRORS, answer=CartAnswer, audit="current cart of a player filled")
async def admin_cart_fill(
    call: AdminCall, body: AdminFillBody, shown: Shown, user_id: UserId = "", user_for: UserFor = ""
) -> bytes:
    """Set the quantities of items in a player's current cart, and leave its other items."""
    return await _fill(call, None, body, shown, user_id or user_for)


@area.put("/{cart_id}/fill", errors=ERRORS, answer=CartAnswer, audit="cart of a player filled")
async def admin_fill_cart_by_id(
    call: AdminCall, cart_id: str, body: AdminFillBody, shown: Shown, user_id: UserId = "", user_for: UserFor = ""
) -> bytes:
    """Set the quantities of items in a player's cart, and leave its other items."""
    return await _fill(call, cart_id, body, shown, user_id or user_for)


async def _fill(call: AdminCall, cart_id: str | None, body: AdminFillBody, shown: LanguageQuery, user: str) -> bytes:
    if not user.strip():
        raise PLAYER_UNKNOWN()
    owner = Owner(
        project_id=call.project_id,
        # Players of games without Login are any string; an account need not exist.
        owner_id=outside_player_id(call.project.login_project_id, user.strip()),
        cart_id=cart_id,
        country=body.country,
        currency=body.currency,
    )
    wanted = [Wanted(line.sku, checked_quantity(line.quantity, least=1)) for line in body.items]
    held = await call.context.catalogs.get(call.project_id)
    show = FillingShow(call, held, owner, shown.language)
    filled, warnings = await actions.fill(call.db, Shop(held), owner, wanted, show.foresee)
    return await show.show(filled, warnings)

"""The operation with which a player's shop reads what it offers on top."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from haversack.catalog.read_model import wire
from haversack.catalog.read_model.records import Shelf
from haversack.errors import AUTHORIZATION_MISSING, STORE
from haversack.http.area import Area
from haversack.http.calls import BuyerCall
from haversack.upsell import choosing

area = Area("upsell-client", family=STORE, prefix="/api")


@area.get("/v2/project/{project_id}/items/upsell", errors=(AUTHORIZATION_MISSING,), answer=wire.ClientSellables)
async def get_upsell_for_project_client(call: BuyerCall, page: Annotated[wire.PageQuery, Query()]) -> Response:
    """List what the shop offers to the player on top of a purchase."""
    body = await choosing.answer(call, page.ask_for_page(Shelf.SELLABLE))
    return Response(body, media_type="application/json", headers={"Cache-Control": "private, no-store"})

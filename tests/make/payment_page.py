"""Makes purchases that wait on the payment page, and reads what its forms carry."""

import re
from typing import Any

import httpx

from haversack.orders.records import Order
from haversack.payments.tokens import issue_token
from make.orders import Buyer, make_buyer, order_money, project_of, sell_for_money
from make.payments import SUCCESS
from make.projects import Studio

FETCH = {"X-Requested-With": "fetch"}


async def token_of(studio: Studio, order: Order | None, *, buyer: Buyer | None = None, **options: Any) -> str:
    """A payment token for an order, or for a purchase without one of a player."""
    player = order.player_id if order is not None else None
    external = order.external_id if order is not None else None
    if buyer is not None:
        player, external = buyer.player_id, str(buyer.player_id)
    assert player is not None
    assert external is not None
    context = studio.context
    project = await project_of(studio)
    db = context.database.session()
    async with db.begin():
        return await issue_token(
            db,
            project,
            order=order,
            player_id=player,
            external_id=external,
            is_sandbox=options.pop("is_sandbox", True),
            user_details=options.pop("user", {"country": {"value": "DE"}}),
            purchase=options.pop("purchase", None),
            settings=options.pop("settings", {}),
            custom_parameters=None,
            now=options.pop("now", project.clock.now()),
        )


async def make_purchase(
    client: httpx.AsyncClient,
    studio: Studio,
    *,
    buyer: Buyer | None = None,
    order: dict[str, Any] | None = None,
    item: dict[str, Any] | None = None,
    **options: Any,
) -> tuple[str, Order]:
    """An unpaid order of one item for 9.99 USD, and a token that opens its page."""
    sku = await sell_for_money(client, studio, **(item or {}))
    placed = await order_money(buyer or await make_buyer(studio), sku, **{"is_sandbox": True, **(order or {})})
    return await token_of(studio, placed, **options), placed


def card_form(token: str, number: str = SUCCESS, **changes: str) -> dict[str, str]:
    """What the form sends for a card."""
    return {"token": token, "method": "card", "number": number, "expiry": "12 / 40", "cvv": "123", **changes}


def hidden(page: str, name: str) -> str:
    """The value of a hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, f"the page has no hidden {name}"
    return found[1]

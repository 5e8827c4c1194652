"""Orders for money, each with the token that opens the payment page for it."""

from collections.abc import Mapping
from typing import Any

from haversack.http.calls import AdminCall, BuyerCall
from haversack.orders.changes import note_order
from haversack.orders.checkout import order_for_money
from haversack.orders.preparing import Checkout
from haversack.orders.records import Order
from haversack.payments.tokens import issue_token


async def order_with_token(
    call: AdminCall | BuyerCall,
    checkout: Checkout,
    *,
    user_details: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> tuple[Order, str]:
    """Order what is wanted and make the order's token, in the caller's transaction. Who waits for the order is woken
    after the commit."""
    order = await order_for_money(call.context, call.db, checkout)
    token = await issue_token(
        call.db,
        checkout.project,
        order=order,
        player_id=order.player_id,
        external_id=order.external_id,
        is_sandbox=order.is_sandbox,
        user_details=user_details,
        purchase=None,
        settings=settings,
        custom_parameters=checkout.custom_parameters,
        now=call.now,
    )
    call.after_commit.append(lambda: note_order(call, order.project_id, order.player_id, order.order_id, order.state))
    return order, token

"""Payment operations that a studio's back end calls for its players."""

from typing import Annotated

from fastapi import Header

from haversack.clock import real_now
from haversack.errors import COUNTRY_NOT_SENT, STORE
from haversack.http.area import Area
from haversack.http.calls import AdminCall
from haversack.login.identities import PlayerIdentity
from haversack.login.rules import outside_player_id
from haversack.orders.player_operations import MONEY_ERRORS
from haversack.orders.preparing import Checkout, Wanted
from haversack.payments.ordering import order_with_token
from haversack.payments.rules import moves_no_money
from haversack.payments.wire.orders import AdminTokenBody, OrderTokenView
from haversack.payments.wire.settings import stored_settings
from haversack.text import FALLBACK, language_of

area = Area("payment-server-side", family=STORE, prefix="/api/v3/project/{project_id}/admin/payment")

UserIp = Annotated[
    str,
    Header(alias="X-User-Ip", max_length=45, description="in place of the country; its country is X-User-Country's"),
]
UserCountry = Annotated[str, Header(alias="X-User-Country", description="the country of X-User-Ip, where it is known")]


@area.post("/token", status=201, errors=(*MONEY_ERRORS, COUNTRY_NOT_SENT), audit="payment token made")
async def admin_create_payment_token(
    call: AdminCall, body: AdminTokenBody, user_ip: UserIp = "", user_country: UserCountry = ""
) -> OrderTokenView:
    """Make an order for a player and the token that opens the payment page for it."""
    country = body.user.country_code
    if country is None:
        if not user_ip.strip():
            raise COUNTRY_NOT_SENT()
        is_code = len(user_country) == 2 and user_country.isascii() and user_country.isalpha()
        country = user_country.upper() if is_code else None
    settings = body.settings
    locale = (settings.language if settings is not None else None) or FALLBACK
    player = _player(call, body, country)
    checkout = Checkout(
        project=call.project,
        player=player,
        wanted=[Wanted(item.sku, item.quantity) for item in body.purchase.items],
        currency=None if settings is None else settings.currency,
        country=country,
        locale=language_of(locale) or FALLBACK,
        is_sandbox=body.sandbox or moves_no_money(call.project),
        custom_parameters=body.custom_parameters,
        email=body.user.email_address,
        destination=body.destination,
    )
    order, token = await order_with_token(
        call, checkout, user_details=body.user.stored(country), settings=stored_settings(settings)
    )
    return OrderTokenView(order_id=order.order_id, token=token)


def _player(call: AdminCall, body: AdminTokenBody, country: str | None) -> PlayerIdentity:
    """The player that a server names; an account need not exist."""
    user_id = body.user.id.value
    return PlayerIdentity(
        login_project_id=call.project.login_project_id,
        player_id=outside_player_id(call.project.login_project_id, user_id),
        expires_at=real_now(),
        name=None if body.user.name is None else body.user.name.value,
        country=country,
        external_id=user_id,
        email=body.user.email_address,
        attributes=body.user.told,
    )

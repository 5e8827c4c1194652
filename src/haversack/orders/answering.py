"""Purchases for a virtual currency as most of them are sent: without a body, by a player whose token is known.

Reading a request and answering it the ordinary way takes longer than the purchase itself. Whatever has something
unusual in it goes that way all the same, which says what is wrong with it.
"""

from collections.abc import Awaitable

from starlette.types import Scope

from haversack.context import Context
from haversack.http.area import HotAnswer
from haversack.http.browsers import ANY_ORIGIN, EXPOSED
from haversack.http.route import TRANSIENT
from haversack.login.identities import PlayerIdentity
from haversack.orders.changes import note_order
from haversack.orders.checkout import order_for_virtual_currency
from haversack.orders.preparing import Checkout, Wanted
from haversack.orders.wire import PLATFORM_QUERIES
from haversack.projects.records import Project
from haversack.webhooks.actions import announce

Header = tuple[bytes, bytes]
_JSON: Header = (b"content-type", b"application/json")
# A body, or a promise to do it once, needs the ordinary way.
_UNUSUAL = frozenset((b"content-type", b"content-encoding", b"transfer-encoding", b"idempotency-key"))


def buy_hot(scope: Scope) -> Awaitable[HotAnswer | None] | None:
    """Buy one of an item, where the request is a usual one."""
    platform = PLATFORM_QUERIES.get(scope["query_string"])
    number = scope["path_params"]["project_id"]
    if platform is None or b"%" in scope["raw_path"] or not number.isdecimal() or len(number) > 10:
        return None
    token = country = ""
    exposed: tuple[Header, ...] = ()
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() != "bearer":
                return None
        elif name == b"x-user-country":
            country = value.decode("latin-1")
        elif name == b"origin":
            exposed = (EXPOSED,)
        elif name in _UNUSUAL or (name == b"content-length" and value != b"0"):
            return None
    context: Context = scope["app"].state.context
    project = context.directory.remembered_project(int(number))
    player = context.tokens.remembered_player(token.strip())
    if project is None or player is None or player.login_project_id != project.login_project_id:
        return None
    project = project.for_player(player.player_id)
    return _buy(context, project, player, scope["path_params"], country_of(player, country), platform, exposed)


def country_of(player: PlayerIdentity | None, header: str) -> str | None:
    """The token's country, else the header's, as in the catalog."""
    if player is not None and player.country is not None:
        return player.country
    return header.upper() if len(header) == 2 and header.isascii() and header.isalpha() else None


async def _buy(
    context: Context,
    project: Project,
    player: PlayerIdentity,
    path: dict[str, str],
    country: str | None,
    platform: str,
    exposed: tuple[Header, ...],
) -> HotAnswer | None:
    checkout = Checkout(
        project=project,
        player=player,
        wanted=(Wanted(path["item_sku"], 1),),
        country=country,
        is_sandbox=project.is_sandbox,
        platform=platform,
    )
    try:
        order = await order_for_virtual_currency(
            context, context.database.session(), checkout, path["virtual_currency_sku"]
        )
    except TRANSIENT:
        # Nothing has happened; the ordinary way tries again.
        return None
    note_order(context, order.project_id, order.player_id, order.order_id, order.state)
    if order.delivery_id is not None:
        announce(context, order.project_id)
    body = b'{"order_id":%d}' % order.order_id
    return 200, [_JSON, (b"content-length", b"%d" % len(body)), ANY_ORIGIN, *exposed], body

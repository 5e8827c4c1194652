"""The player's Backpack pages. They call the same queries and actions as the API."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Form as FormField
from fastapi import Query
from starlette.responses import RedirectResponse, Response

from haversack.backpack import queries, rules
from haversack.backpack.pictures import picture_address
from haversack.backpack.receiving import move_to_game, receive_to_wallet
from haversack.backpack.records import Flow, Item, ItemState, ItemType
from haversack.errors import (
    ACCOUNT_NOT_CONFIRMED,
    BACKPACK_ITEM_NOT_FOUND,
    CALL_UNAVAILABLE,
    GAME_AWAY,
    GAME_REFUSED_ITEM,
    GAME_SILENT,
    GAME_WITHOUT_WEBHOOK,
    ITEM_IS_BEING_RECEIVED,
    LOGIN,
    PAGE,
    PAGE_EXPIRED,
    PAGE_NOT_FOUND,
    PLATFORM_NOT_LINKED,
    PLAYER_BANNED,
    PLAYER_NOT_FOUND,
    PLAYER_NOT_IN_GAME,
    WRONG_PASSWORD,
    ErrorKind,
    Refusal,
)
from haversack.http.area import Area, Repeat
from haversack.http.browsers import is_from_elsewhere
from haversack.http.calls import PublicCall
from haversack.login.actions import create_linking_code, find_platform_account, sign_in_with_password
from haversack.login.identities import PlayerIdentity
from haversack.login.tokens import TokenRefused
from haversack.pages import sessions
from haversack.pages.html import render_page
from haversack.projects.queries import list_login_projects

area = Area("pages", family=PAGE, in_document=False)

WIDE = {"width": 1240, "height": 466}
# Long enough for any Backpack a person looks through; the API pages through larger ones.
SHOWN_MAX = 500
RECEIVED = "received"
IN_WALLET = "in_wallet"
NOTICES = {
    RECEIVED: {"kind": "success", "text": "Received. Look in your game."},
    IN_WALLET: {"kind": "success", "text": "Received. It is in your wallet now."},
    "on_its_way": {"kind": "info", "text": "Sent. The game has not confirmed it yet; we keep asking."},
}
LINK_REFUSED = "This link no longer works. Open the Backpack from your game again."
NO_SIGN_IN_HERE = "Open the Backpack from your game's menu."

# What the player is told, and what to do about it. The API's sentences speak to developers.
ADVICE: dict[ErrorKind, str] = {
    PLAYER_NOT_IN_GAME: "The game does not know this player id. Check it in the game's settings and try again.",
    GAME_REFUSED_ITEM: "The game did not take the item: {reason}",
    GAME_AWAY: "The game cannot be reached right now. Your item stays here; try again later.",
    GAME_WITHOUT_WEBHOOK: "This game cannot receive items yet. Your item stays here.",
    GAME_SILENT: "Sent, and waiting for the game to confirm. There is nothing you need to do.",
    ITEM_IS_BEING_RECEIVED: "This item is on its way to the game already.",
    PLATFORM_NOT_LINKED: "Link your platform account first.",
    BACKPACK_ITEM_NOT_FOUND: "This item has already left your Backpack.",
}
AT_THE_FIELD = (PLAYER_NOT_IN_GAME, GAME_REFUSED_ITEM)


@area.get("/")
async def front_page(call: PublicCall) -> Response:
    """Lead to the Backpack."""
    return _redirect("/backpack")


@area.get("/backpack")
async def backpack_page(
    call: PublicCall,
    item_type: Annotated[str | None, Query()] = None,
    token: Annotated[str | None, Query(description="a player's token: how games open the page")] = None,
    login: Annotated[UUID | None, Query(description="whose players may sign in")] = None,
    done: Annotated[str | None, Query()] = None,
) -> Response:
    """Show the player's Backpack, or where to sign in."""
    if token is not None:
        return await _sign_in_by_token(call, token)
    player = await sessions.find_player(call.context, call.request)
    if player is None:
        return await _sign_in_page(call, login=login)
    wanted = ItemType(item_type) if item_type in set(ItemType) else None
    return await _backpack(call, player, item_type=wanted, notice=NOTICES.get(done or ""))


@area.get("/backpack/sign-in")
async def sign_in_page(
    call: PublicCall,
    login: Annotated[UUID | None, Query()] = None,
    refused: Annotated[str | None, Query(description="set where a game's link has led here in vain")] = None,
) -> Response:
    """Show the sign-in form."""
    return await _sign_in_page(call, login=login, error=LINK_REFUSED if refused else None)


@area.post("/backpack/sign-in", errors=(PAGE_EXPIRED,), repeat=Repeat.NEVER)
async def sign_in_to_backpack(
    call: PublicCall,
    username: Annotated[str, FormField(max_length=255)] = "",
    password: Annotated[str, FormField(max_length=1024)] = "",
    csrf_token: Annotated[str, FormField()] = "",
) -> Response:
    """Sign a player in by name and password."""
    _check_form(call, csrf_token)
    login_project_id = await _login_project(call)
    if login_project_id is None:
        return await _sign_in_page(call, username=username, error=NO_SIGN_IN_HERE, status=400)
    try:
        token = await sign_in_with_password(call, login_project_id, username=username, password=password)
    except Refusal as refusal:
        return await _sign_in_refused(call, username, refusal)
    return await _sign_in_by_token(call, token)


async def _sign_in_refused(call: PublicCall, username: str, refusal: Refusal) -> Response:
    if refusal.kind is LOGIN.too_many:
        seconds = refusal.retry_after or 60
        minutes = -(-seconds // 60)
        error = f"Too many tries. Wait {minutes} {'minute' if minutes == 1 else 'minutes'}, then try again."
        response = await _sign_in_page(call, username=username, error=error, status=429)
        response.headers["Retry-After"] = str(seconds)
        return response
    if refusal.kind is CALL_UNAVAILABLE:
        return await _sign_in_page(call, username=username, error=NO_SIGN_IN_HERE, status=400)
    if refusal.kind in (WRONG_PASSWORD, ACCOUNT_NOT_CONFIRMED, PLAYER_BANNED):
        return await _sign_in_page(call, username=username, error=refusal.message, status=401)
    raise refusal


@area.post("/backpack/sign-out", errors=(PAGE_EXPIRED,), repeat=Repeat.NEVER)
async def sign_out_of_backpack(call: PublicCall, csrf_token: Annotated[str, FormField()] = "") -> Response:
    """Forget the player in this browser."""
    _check_form(call, csrf_token)
    response = _redirect("/backpack/sign-in")
    sessions.sign_out(call.context, call.request, response)
    return response


@area.get("/backpack/link/{platform}", errors=(PAGE_NOT_FOUND,))
async def link_page(call: PublicCall, platform: str) -> Response:
    """Show a code that links a platform account."""
    player = await sessions.find_player(call.context, call.request)
    if player is None:
        return _redirect("/backpack/sign-in")
    if platform != "steam":
        raise PAGE_NOT_FOUND()
    try:
        code, seconds = await create_linking_code(call.db, player)
    except Refusal as refusal:
        if refusal.kind is PLAYER_NOT_FOUND:
            return _redirect("/backpack/sign-in")
        if refusal.kind is LOGIN.too_many:
            raise PAGE.too_many(seconds=refusal.retry_after, retry_after=refusal.retry_after) from None
        raise
    return _page(call, "link.html", player, platform=platform, code=code, expires_in_minutes=max(1, seconds // 60))


@area.post("/backpack/items/{item_id}/receive", errors=(PAGE_EXPIRED,), repeat=Repeat.NEVER)
async def receive_item(
    call: PublicCall,
    item_id: UUID,
    user_game_id: Annotated[str, FormField(max_length=256)] = "",
    csrf_token: Annotated[str, FormField()] = "",
) -> Response:
    """Receive an item: in its game, on its platform or in the wallet."""
    _check_form(call, csrf_token)
    player = await sessions.find_player(call.context, call.request)
    if player is None:
        return _redirect("/backpack/sign-in")
    given = user_game_id.strip()
    is_fetch = call.request.headers.get("x-requested-with") == "fetch"
    try:
        done = await _receive(call, player, item_id, given)
    except Refusal as refusal:
        if refusal.kind not in ADVICE:
            raise
        if is_fetch:
            return _refusal_answer(refusal)
        if refusal.kind is GAME_SILENT:
            return _redirect("/backpack?done=on_its_way")
        return await _backpack(call, player, refusal=refusal, refused_item=item_id, given=given)
    if is_fetch:
        return _answer(200, is_ok=True, message=NOTICES[done]["text"], field=None, state=RECEIVED)
    return _redirect(f"/backpack?done={done}")


async def _receive(call: PublicCall, player: PlayerIdentity, item_id: UUID, given: str) -> str:
    """Receive by the item's own flow; the name of the notice that says so."""
    item = await queries.get_item_for_player(
        call.db,
        call.context.sealer,
        project_ids=await _project_ids(call, player),
        player_id=player.player_id,
        item_id=item_id,
    )
    if item.flow is Flow.WALLET:
        await receive_to_wallet(call.context, call.db, player, item_id=item_id)
        return IN_WALLET
    if item.flow is Flow.COPY:
        raise BACKPACK_ITEM_NOT_FOUND(item_id=item_id)
    if item.flow is Flow.ID and not given:
        raise PLAYER_NOT_IN_GAME(user_game_id="")
    await move_to_game(
        call.context,
        call.db,
        player,
        item_id=item_id,
        user_game_id=given if item.flow is Flow.ID else "",
        expected=item.item_type,
    )
    return RECEIVED


def _refusal_answer(refusal: Refusal) -> Response:
    """What backpack.js is told of a refusal: where the item stands, and at which field the message belongs."""
    if refusal.kind is GAME_SILENT:
        state = "held"
    elif refusal.kind is ITEM_IS_BEING_RECEIVED:
        state = "receiving"
    else:
        state = RECEIVED if refusal.kind is BACKPACK_ITEM_NOT_FOUND else "claimed"
    is_ok = state in ("held", "receiving")
    return _answer(
        200 if is_ok else refusal.kind.status,
        is_ok=is_ok,
        message=_advice(refusal),
        field="user_game_id" if refusal.kind in AT_THE_FIELD else None,
        state=state,
    )


def _answer(status: int, *, is_ok: bool, message: str, field: str | None, state: str) -> Response:
    body = {"ok": is_ok, "message": message, "field": field, "state": state}
    return Response(orjson.dumps(body), status, {"Cache-Control": "no-store"}, "application/json")


def _advice(refusal: Refusal) -> str:
    if refusal.kind is GAME_REFUSED_ITEM:
        return ADVICE[refusal.kind].format(reason=refusal.message.partition(": ")[2])
    return ADVICE[refusal.kind]


async def _project_ids(call: PublicCall, player: PlayerIdentity) -> list[int]:
    projects = await call.context.directory.list_projects_of_login(player.login_project_id)
    return [project.project_id for project in projects]


async def _backpack(
    call: PublicCall,
    player: PlayerIdentity,
    *,
    item_type: ItemType | None = None,
    notice: dict[str, str] | None = None,
    refusal: Refusal | None = None,
    refused_item: UUID | None = None,
    given: str = "",
) -> Response:
    project_ids = await _project_ids(call, player)
    counts = await queries.count_items_for_player(call.db, project_ids=project_ids, player_id=player.player_id)
    items = await queries.list_items_for_player(
        call.db,
        call.context.sealer,
        project_ids=project_ids,
        player_id=player.player_id,
        item_types=[item_type] if item_type else [],
        offset=0,
        limit=SHOWN_MAX,
    )
    accounts = {
        platform: await find_platform_account(call.db, player.login_project_id, player.player_id, platform)
        for platform in sorted({item.platform for item in items if item.platform})
    }
    groups = [
        {
            "game_name": name,
            "game_image_url": _picture(
                call, next((item.game_image_url for item in held if item.game_image_url), ""), **WIDE
            ),
            "items": [
                _card(call, item, accounts, refusal, given)
                if item.item_id == refused_item
                else _card(call, item, accounts)
                for item in held
            ],
        }
        for name, held in rules.group_by_game(items)
    ]
    return _page(
        call,
        "backpack.html",
        player,
        status=200 if refusal is None or refusal.kind.status >= 500 else refusal.kind.status,
        groups=groups,
        filter=item_type,
        counts={str(kind): number for kind, number in counts.items()},
        notice=notice or ({"kind": "error", "text": _advice(refusal)} if refusal else None),
    )


def _picture(call: PublicCall, image_url: str, **size: int) -> str | None:
    """A resized picture by its path: the page may have been opened under another name than the public one."""
    address = picture_address(call.context, image_url, **size)
    return None if address is None else address.removeprefix(call.context.settings.public_url)


def _card(
    call: PublicCall,
    item: Item,
    accounts: dict[str, str | None],
    refusal: Refusal | None = None,
    given: str = "",
) -> dict[str, Any]:
    states = {ItemState.CLAIMED: "claimed", ItemState.DELIVERING: "held"}
    return {
        "item_id": item.item_id,
        "item_sku": item.item_sku,
        "item_name": item.item_name,
        "description": item.description,
        "image_url": _picture(call, item.image_url),
        "image_url_2x": _picture(call, item.image_url, **WIDE),
        "item_type": str(item.item_type),
        "platform": item.platform,
        "code": item.code,
        "promo_code": item.code,
        "quantity": item.quantity,
        "created_at": item.created_at,
        "flow": str(item.flow),
        "state": states.get(item.state, "receiving" if item.is_busy else "claimed"),
        "error": _advice(refusal) if refusal else None,
        "last_user_game_id": given or item.user_game_id,
        "linked_account": accounts.get(item.platform),
    }


def _page(
    call: PublicCall, template: str, player: PlayerIdentity | None, *, status: int = 200, **values: Any
) -> Response:
    form = sessions.Form(call.context, call.request)
    shown = {"name": player.name or "Player"} if player else None
    response = render_page(template, status=status, player=shown, csrf_token=form.token, **values)
    form.keep(response)
    return response


async def _sign_in_page(
    call: PublicCall,
    *,
    login: UUID | None = None,
    username: str = "",
    error: str | None = None,
    status: int = 200,
) -> Response:
    response = _page(call, "sign_in.html", None, status=status, username=username, error=error)
    if login is not None:
        sessions.remember_login_project(call.context, response, login)
    return response


async def _sign_in_by_token(call: PublicCall, token: str) -> Response:
    try:
        player = await call.context.tokens.verify_player(token)
    except TokenRefused:
        # Elsewhere, so that not even a refused token stays in the address bar and the history.
        return _redirect("/backpack/sign-in?refused=link")
    response = _redirect("/backpack")
    sessions.sign_in(call.context, call.request, response, token, player)
    return response


async def _login_project(call: PublicCall) -> UUID | None:
    """Whose players sign in here: as a link or this browser's last player said, or the only one there is."""
    chosen = sessions.remembered_login_project(call.request)
    if chosen is not None and await call.context.directory.list_projects_of_login(chosen):
        return chosen
    known = await list_login_projects(call.db, limit=2)
    return known[0] if len(known) == 1 else None


def _check_form(call: PublicCall, csrf_token: str) -> None:
    # Our pages' forms say their true origin: PAGE_HEADERS let them.
    if is_from_elsewhere(call.request, call.context.settings.public_url):
        raise PAGE_EXPIRED()
    sessions.Form(call.context, call.request).check(csrf_token)


def _redirect(path: str) -> Response:
    return RedirectResponse(
        path, status_code=303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    )

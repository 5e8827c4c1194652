"""Login operations that a player calls: the account, logout, attributes, linking codes."""

from typing import Annotated, Literal

from fastapi import Query

from haversack.errors import (
    BIRTHDAY_IS_SET,
    LOGIN,
    LOGIN_PARAMETERS_INVALID,
    PLAYER_NOT_FOUND,
    TOKEN_NOT_FOR_THIS,
    TOO_MANY_ATTRIBUTES,
)
from haversack.http.area import Area, Repeat
from haversack.http.calls import PlayerCall
from haversack.login.actions import accounts
from haversack.login.actions.accounts import ProfileChange
from haversack.login.actions.attributes import check_project, update_attributes
from haversack.login.actions.linking import create_linking_code
from haversack.login.queries.attributes import Shelf, list_attributes
from haversack.login.queries.linked import list_devices
from haversack.login.queries.players import find_player
from haversack.login.records import AttributeType, Player
from haversack.login.wire.accounts import LinkingCodeView, ProfileBody, UserView
from haversack.login.wire.attributes import AttributesQueryBody, AttributesUpdateBody, AttributeView

area = Area("login", family=LOGIN, prefix="/api")


@area.get("/oauth2/logout", status=204)
async def log_user_out(call: PlayerCall, sessions: Annotated[Literal["sso", "all"], Query()]) -> None:
    """End every session of the player (`all`), or the browser's alone (`sso`), of which this server keeps none."""
    if sessions == "all":
        await accounts.log_out_player(call.context, call.player.login_project_id, call.player_id, now=call.now)


@area.get("/users/me", errors=(PLAYER_NOT_FOUND,))
async def get_user_details(call: PlayerCall) -> UserView:
    """Show the player's account."""
    player = await find_player(call.db, call.player.login_project_id, call.player_id)
    if player is None:
        raise PLAYER_NOT_FOUND()
    return await _view(call, player)


@area.patch("/users/me", errors=(LOGIN_PARAMETERS_INVALID, BIRTHDAY_IS_SET, PLAYER_NOT_FOUND))
async def update_user_details(call: PlayerCall, body: ProfileBody) -> UserView:
    """Change the player's account; the birthday can be set once."""
    change = ProfileChange(
        first_name=body.first_name,
        last_name=body.last_name,
        nickname=body.nickname,
        gender=body.gender,
        birthday=body.birthday,
    )
    return await _view(call, await accounts.save_profile(call, change))


async def _view(call: PlayerCall, player: Player) -> UserView:
    devices = await list_devices(call.db, player.login_project_id, player.player_id)
    return UserView.of(player, devices, now=call.now)


@area.post(
    "/users/account/code",
    errors=(PLAYER_NOT_FOUND,),
    invalid=LOGIN_PARAMETERS_INVALID,
    repeat=Repeat.NEVER,
)
async def create_code_for_linking_accounts(call: PlayerCall) -> LinkingCodeView:
    """Give the player a code that links a platform account; it lives ten minutes, the one before is void."""
    code, _ = await create_linking_code(call.db, call.player)
    return LinkingCodeView(code=code)


@area.post(
    "/attributes/users/me/get",
    errors=(TOKEN_NOT_FOR_THIS,),
    invalid=LOGIN_PARAMETERS_INVALID,
    repeat=Repeat.NEVER,
)
async def get_users_attributes_from_client(call: PlayerCall, body: AttributesQueryBody) -> list[AttributeView]:
    """Show the player's attributes, or the public ones of another player."""
    return await _list(call, body, AttributeType.CLIENT)


@area.post(
    "/attributes/users/me/get_read_only",
    errors=(TOKEN_NOT_FOR_THIS,),
    invalid=LOGIN_PARAMETERS_INVALID,
    repeat=Repeat.NEVER,
)
async def get_users_read_only_attributes_from_client(
    call: PlayerCall, body: AttributesQueryBody
) -> list[AttributeView]:
    """Show the attributes that servers keep for the player, or the public ones of another player."""
    return await _list(call, body, AttributeType.SERVER)


async def _list(call: PlayerCall, body: AttributesQueryBody, attr_type: AttributeType) -> list[AttributeView]:
    shelf = Shelf(
        login_project_id=call.player.login_project_id,
        project_id=await check_project(call, call.player.login_project_id, body.publisher_project_id),
        attr_type=attr_type,
    )
    of_player = body.user_id or call.player_id
    found = await list_attributes(
        call.db, shelf, of_player, keys=body.keys or (), only_public=of_player != call.player_id
    )
    return [AttributeView.of(attribute) for attribute in found]


@area.post(
    "/attributes/users/me/update",
    status=204,
    errors=(LOGIN_PARAMETERS_INVALID, TOKEN_NOT_FOR_THIS, TOO_MANY_ATTRIBUTES, PLAYER_NOT_FOUND),
)
async def update_users_attributes_from_client(call: PlayerCall, body: AttributesUpdateBody) -> None:
    """Set and remove attributes of the player, all or nothing."""
    login_project_id = call.player.login_project_id
    await update_attributes(
        call,
        login_project_id,
        call.player_id,
        project_id=await check_project(call, login_project_id, body.publisher_project_id),
        changed=[attribute.record(AttributeType.CLIENT) for attribute in body.attributes],
        removing_keys=body.removing_keys or (),
        removed_from=AttributeType.CLIENT,
    )

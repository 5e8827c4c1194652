"""Login operations that a game's server calls: players it registers and numbers, their attributes, signing keys."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from haversack.errors import (
    CALL_UNAVAILABLE,
    EMAIL_TAKEN,
    LINKED_ELSEWHERE,
    LINKING_ATTEMPTS_USED_UP,
    LINKING_CODE_WRONG,
    LOGIN,
    LOGIN_PARAMETERS_INVALID,
    LOGIN_PROJECT_NOT_FOUND,
    PHONE_TAKEN,
    PLAYER_BANNED,
    PLAYER_NOT_FOUND,
    TOKEN_NOT_FOR_THIS,
    TOKENS_CANNOT_BE_SIGNED,
    TOO_MANY_ATTRIBUTES,
)
from haversack.http.area import Area, Repeat
from haversack.http.calls import ServerCall
from haversack.login.actions import accounts, linking, sign_in
from haversack.login.actions.attributes import check_project, check_publisher, update_attributes
from haversack.login.actions.projects import rotate_signing_key_for
from haversack.login.actions.tenancy import check_login_project
from haversack.login.queries.attributes import (
    Shelf,
    list_attributes,
    list_attributes_of_holders,
    list_holders,
)
from haversack.login.queries.linked import list_platform_accounts
from haversack.login.queries.players import find_player
from haversack.login.records import AttributeType
from haversack.login.wire.accounts import (
    AdminUserView,
    CustomIdBody,
    ExternalIdBody,
    LinkByCodeBody,
    LinkingInfoBody,
    LinkingInfoView,
    NewUserBody,
    NewUserView,
)
from haversack.login.wire.attributes import (
    AttributeSearchBody,
    AttributeView,
    HoldersView,
    HolderView,
    ServerAttributesQueryBody,
    ServerAttributesUpdateBody,
    ServerReadOnlyUpdateBody,
)
from haversack.login.wire.fields import Payload, ProjectNumber, WithLogout
from haversack.login.wire.signing_in import CustomIdSignInBody, KeyView, TokenView

area = Area("login", family=LOGIN, prefix="/api")


@area.post(
    "/projects/{project_id}/keys",
    errors=(LOGIN_PROJECT_NOT_FOUND,),
    invalid=LOGIN_PARAMETERS_INVALID,
)
async def post_projects_key(call: ServerCall, project_id: UUID) -> KeyView:
    """Make a new signing key; the old one verifies until the tokens that it signed have expired."""
    login_project_id = await check_login_project(call, project_id)
    return KeyView.of(await rotate_signing_key_for(call, login_project_id))


@area.post(
    "/users/login/server_custom_id",
    errors=(
        LOGIN_PARAMETERS_INVALID,
        LOGIN_PROJECT_NOT_FOUND,
        PLAYER_BANNED,
        PLAYER_NOT_FOUND,
        CALL_UNAVAILABLE,
        LINKED_ELSEWHERE,
        TOO_MANY_ATTRIBUTES,
        TOKENS_CANNOT_BE_SIGNED,
    ),
    repeat=Repeat.NEVER,
)
async def auth_by_custom_id(
    call: ServerCall,
    body: CustomIdSignInBody,
    project_id: Annotated[UUID | None, Query(alias="projectId")] = None,
    payload: Annotated[Payload | None, Query()] = None,
    publisher_project_id: Annotated[ProjectNumber | None, Query()] = None,
    with_logout: Annotated[WithLogout, Query()] = "0",
) -> TokenView:
    """Sign the player of a server's id in, a new one at the first time, and answer a token."""
    login_project_id = await check_login_project(call, project_id, publisher_project_id)
    profile = body.social_profile
    token = await sign_in.sign_custom_id_in(
        call,
        login_project_id,
        custom_id=body.server_custom_id,
        payload=payload,
        with_logout=with_logout == "1",
        project_id=publisher_project_id or 0,
        attributes=[attribute.record() for attribute in body.attributes],
        platform_account=None if profile is None else (profile.platform, profile.user_id),
    )
    return TokenView(token=token)


@area.post(
    "/users",
    errors=(LOGIN_PARAMETERS_INVALID, LOGIN_PROJECT_NOT_FOUND, EMAIL_TAKEN, PHONE_TAKEN, LINKED_ELSEWHERE),
)
async def register_new_user_from_server(
    call: ServerCall, body: NewUserBody, project_id: Annotated[UUID, Query(alias="projectId")]
) -> NewUserView:
    """Register a player by e-mail address or phone number."""
    login_project_id = await check_login_project(call, project_id)
    player_id = await sign_in.register_player_of_server(
        call,
        login_project_id,
        email=body.email,
        phone_number=body.phone_number,
        is_phone_verified=body.phone_number_verified,
        external_account_id=body.external_account_id,
    )
    return NewUserView(user_id=player_id)


@area.put(
    "/projects/{project_id}/users/{user_id}/server_custom_id",
    status=204,
    errors=(LOGIN_PARAMETERS_INVALID, LOGIN_PROJECT_NOT_FOUND, PLAYER_NOT_FOUND),
)
async def put_user_custom_id(call: ServerCall, project_id: UUID, user_id: UUID, body: CustomIdBody) -> None:
    """Give a player a server's id, or take it away."""
    login_project_id = await check_login_project(call, project_id)
    await accounts.set_custom_id(call, login_project_id, user_id, body.server_custom_id)


@area.get("/projects/{project_id}/users/search/by_id/{user_id}", errors=(LOGIN_PROJECT_NOT_FOUND, PLAYER_NOT_FOUND))
async def get_user(call: ServerCall, project_id: UUID, user_id: UUID) -> AdminUserView:
    """Show a player's account."""
    player = await find_player(call.db, await check_login_project(call, project_id), user_id)
    if player is None:
        raise PLAYER_NOT_FOUND()
    return AdminUserView.of(player, now=call.now)


# -- Linking --------------------------------------------------------------------------------------------------------


@area.post(
    "/users/account/link",
    status=204,
    errors=(
        LOGIN_PARAMETERS_INVALID,
        LOGIN_PROJECT_NOT_FOUND,
        LINKING_CODE_WRONG,
        LINKED_ELSEWHERE,
        LINKING_ATTEMPTS_USED_UP,
    ),
    # The count of attempts is committed by itself, before the code is tried.
    repeat=Repeat.RESUMABLE,
)
async def link_accounts_by_code(call: ServerCall, body: LinkByCodeBody) -> None:
    """Link a platform account to the player whose code its owner typed."""
    login_project_id = await check_login_project(call, body.project_id, body.publisher_project_id)
    await linking.link_by_code(
        call, login_project_id, code=body.code_text, platform=body.platform, platform_user_id=body.user_id
    )


@area.post(
    "/users/account/link_external_id",
    status=204,
    errors=(LOGIN_PARAMETERS_INVALID, PLAYER_NOT_FOUND, LINKED_ELSEWHERE),
)
async def link_user_ids_via_external_id(call: ServerCall, body: ExternalIdBody) -> None:
    """Give a player the id of the studio's own system: once, and to one player alone."""
    await accounts.set_external_id(call, call.server.login_project_id, body.user_id, body.external_account_id)


@area.post(
    "/users/linking_info",
    errors=(LOGIN_PROJECT_NOT_FOUND,),
    invalid=LOGIN_PARAMETERS_INVALID,
    repeat=Repeat.NEVER,
)
async def get_users_ids_by_social_id_and_platform(call: ServerCall, body: LinkingInfoBody) -> list[LinkingInfoView]:
    """Show which players the given platform accounts are linked to, in the order given."""
    login_project_id = await check_login_project(call, body.project_id, body.publisher_project_id)
    found = await list_platform_accounts(call.db, login_project_id, [sought.user_id for sought in body.users])
    return [LinkingInfoView.of(sought, found.get((sought.platform, sought.user_id))) for sought in body.users]


# -- Attributes -----------------------------------------------------------------------------------------------------


@area.post(
    "/attributes/users/{user_id}/get",
    errors=(TOKEN_NOT_FOR_THIS,),
    invalid=LOGIN_PARAMETERS_INVALID,
    repeat=Repeat.NEVER,
)
async def get_users_attributes_from_server(
    call: ServerCall, user_id: UUID, body: ServerAttributesQueryBody
) -> list[AttributeView]:
    """Show the attributes that a player's client keeps."""
    return await _list(call, user_id, body, AttributeType.CLIENT)


@area.post(
    "/attributes/users/{user_id}/get_read_only",
    errors=(TOKEN_NOT_FOR_THIS,),
    invalid=LOGIN_PARAMETERS_INVALID,
    repeat=Repeat.NEVER,
)
async def get_users_read_only_attributes_from_server(
    call: ServerCall, user_id: UUID, body: ServerAttributesQueryBody
) -> list[AttributeView]:
    """Show the attributes that servers keep for a player."""
    return await _list(call, user_id, body, AttributeType.SERVER)


async def _shelf(call: ServerCall, publisher_id: int | None, project_id: int | None, attr_type: AttributeType) -> Shelf:
    check_publisher(call, publisher_id)
    login_project_id = call.server.login_project_id
    return Shelf(
        login_project_id=login_project_id,
        project_id=await check_project(call, login_project_id, project_id),
        attr_type=attr_type,
    )


async def _list(
    call: ServerCall, user_id: UUID, body: ServerAttributesQueryBody, attr_type: AttributeType
) -> list[AttributeView]:
    shelf = await _shelf(call, body.publisher_id, body.publisher_project_id, attr_type)
    found = await list_attributes(call.db, shelf, user_id, keys=body.keys or (), only_public=False)
    return [AttributeView.of(attribute) for attribute in found]


UPDATE_ERRORS = (LOGIN_PARAMETERS_INVALID, TOKEN_NOT_FOR_THIS, TOO_MANY_ATTRIBUTES, PLAYER_NOT_FOUND)


@area.post("/attributes/users/{user_id}/update", status=204, errors=UPDATE_ERRORS)
async def update_users_attributes_from_server(
    call: ServerCall, user_id: UUID, body: ServerAttributesUpdateBody
) -> None:
    """Set attributes of a player, each of its own type, and remove some of the client's; all or nothing."""
    shelf = await _shelf(call, body.publisher_id, body.publisher_project_id, AttributeType.CLIENT)
    await update_attributes(
        call,
        shelf.login_project_id,
        user_id,
        project_id=shelf.project_id,
        changed=[attribute.record() for attribute in body.attributes],
        removing_keys=body.removing_keys or (),
        removed_from=AttributeType.CLIENT,
    )


@area.post("/attributes/users/{user_id}/update_read_only", status=204, errors=UPDATE_ERRORS)
async def update_users_read_only_attributes_from_server(
    call: ServerCall, user_id: UUID, body: ServerReadOnlyUpdateBody
) -> None:
    """Set and remove attributes that a player can only read, all or nothing."""
    shelf = await _shelf(call, body.publisher_id, body.publisher_project_id, AttributeType.SERVER)
    await update_attributes(
        call,
        shelf.login_project_id,
        user_id,
        project_id=shelf.project_id,
        changed=[attribute.record(AttributeType.SERVER) for attribute in body.attributes],
        removing_keys=body.removing_keys or (),
        removed_from=AttributeType.SERVER,
    )


@area.post(
    "/attributes/users/get",
    errors=(TOKEN_NOT_FOR_THIS,),
    invalid=LOGIN_PARAMETERS_INVALID,
    repeat=Repeat.NEVER,
)
async def get_users_by_attribute_from_server(call: ServerCall, body: AttributeSearchBody) -> HoldersView:
    """Find players by an attribute, a page at a time."""
    shelf = await _shelf(call, body.publisher_id, body.publisher_project_id, body.attr_type)
    if body.login_project_id not in (None, shelf.login_project_id):
        raise TOKEN_NOT_FOR_THIS(what=f"the login project {body.login_project_id}")
    # One more than asked for tells whether there is a next page.
    found = await list_holders(
        call.db,
        shelf,
        key=body.attribute.key,
        value=body.attribute.value,
        after=body.after,
        limit=body.limit + 1,
    )
    shown = found[: body.limit]
    attributes = await list_attributes_of_holders(call.db, shelf, shown, keys=body.keys or ())
    return HoldersView(
        users=[
            HolderView(user_id=player_id, attributes=[AttributeView.of(each) for each in attributes[player_id]])
            for player_id in shown
        ],
        after=str(shown[-1]) if shown and len(found) > len(shown) else None,
    )

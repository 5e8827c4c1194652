"""Operations on the rights to games that a player calls."""

from typing import Annotated

from fastapi import Path, Query

from haversack.catalog.items.wire.parts import INT32_MAX
from haversack.catalog.keys.actions.entitlements import redeem_code
from haversack.catalog.keys.queries.entitlements import count_held_games, list_held_games
from haversack.catalog.keys.wire import HeldGamesView, HeldGameView, HeldQuery, RedeemBody
from haversack.catalog.read_model.rules import clamped
from haversack.catalog.taxonomy.queries import list_attributes
from haversack.errors import (
    AUTHORIZATION_NOT_SENT,
    DRM_NOT_FREE,
    ENTITLEMENT_HELD,
    GAME_CODE_NOT_FOUND,
    GAME_CODE_USED,
    GAME_IN_PRE_ORDER,
    GAME_NOT_IN_COUNTRY,
    STORE,
)
from haversack.http.area import Area, Repeat
from haversack.http.calls import PlayerCall
from haversack.projects.records import Project

area = Area("game-keys-entitlement", family=STORE, prefix="/api/v2/project/{project_id}/entitlement")

ProjectId = Annotated[int, Path(ge=1, le=INT32_MAX)]


async def _project(call: PlayerCall, project_id: int) -> Project:
    """The project of the path, which must be one of the player's. One that does not exist is told no apart."""
    project = await call.context.directory.find_project(project_id)
    if project is None or project.login_project_id != call.player.login_project_id:
        raise STORE.unauthorized(reason="The token is of another login project than this project's.")
    return project


@area.get("")
async def get_user_games(
    call: PlayerCall, project_id: ProjectId, asked: Annotated[HeldQuery, Query()]
) -> HeldGamesView:
    """List the games that the player has a right to, the newest right first."""
    project = await _project(call, project_id)
    limit = clamped(asked.limit)
    games = await list_held_games(
        call.db, project_id, call.player_id, mode=asked.mode, limit=limit, offset=asked.offset
    )
    total = await count_held_games(call.db, project_id, call.player_id, mode=asked.mode)
    known = await list_attributes(call.db, project_id) if asked.wants_attributes and games else []
    attributes = {attribute.attribute_id: attribute for attribute in known}
    now = project.clock.now()
    return HeldGamesView(
        has_more=asked.offset + len(games) < total,
        total_items_count=total,
        items=[HeldGameView.of(game, attributes, now) for game in games],
    )


# The count of attempts is committed by itself, before the code is tried.
@area.post(
    "/redeem",
    status=201,
    errors=(
        AUTHORIZATION_NOT_SENT,
        DRM_NOT_FREE,
        ENTITLEMENT_HELD,
        GAME_CODE_NOT_FOUND,
        GAME_CODE_USED,
        GAME_IN_PRE_ORDER,
        GAME_NOT_IN_COUNTRY,
    ),
    repeat=Repeat.RESUMABLE,
)
async def redeem_game_pin_code(call: PlayerCall, project_id: ProjectId, body: RedeemBody) -> None:
    """Get the game that a code opens. After ten codes in a row that open none, the player waits for a while."""
    await redeem_code(call, await _project(call, project_id), body.code, mode=body.mode)

"""Changes of players' attributes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from haversack.database.engine import Session
from haversack.errors import (
    LOGIN,
    LOGIN_PARAMETERS_INVALID,
    PLAYER_NOT_FOUND,
    TOKEN_NOT_FOR_THIS,
    TOO_MANY_ATTRIBUTES,
)
from haversack.http.calls import Call, ServerCall
from haversack.http.problems import invalid
from haversack.login import rules
from haversack.login.queries import attributes as queries
from haversack.login.queries.attributes import Shelf
from haversack.login.queries.players import lock_player
from haversack.login.records import AttributeType, Permission, Player


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedAttribute:
    """An attribute as it shall be; a permission of None keeps the present one."""

    key: str
    value: str
    permission: Permission | None
    attr_type: AttributeType
    data_type: str = "string"
    description: str | None = None
    format: str | None = None


async def check_project(call: Call, login_project_id: UUID, project_id: int | None) -> int:
    """The number under which a project's attributes stand, 0 for those of none; refused where the caller's token
    does not open the project."""
    if project_id is None:
        return 0
    project = await call.context.directory.find_project(project_id)
    if project is None or project.login_project_id != login_project_id:
        raise TOKEN_NOT_FOR_THIS(what=f"the project {project_id}")
    return project_id


def check_publisher(call: ServerCall, publisher_id: int | None) -> None:
    """Refuse a merchant that is not the token's."""
    if publisher_id not in (None, call.server.merchant_id):
        raise TOKEN_NOT_FOR_THIS(what=f"the publisher {publisher_id}")


async def update_attributes(
    call: Call,
    login_project_id: UUID,
    player_id: UUID,
    *,
    project_id: int,
    changed: Sequence[ChangedAttribute],
    removing_keys: Sequence[str],
    removed_from: AttributeType,
) -> None:
    """Set and remove attributes of one player, all or nothing; a key in both lists survives."""
    faults = rules.repeated_keys([attribute.key for attribute in changed])
    if faults:
        raise invalid(LOGIN_PARAMETERS_INVALID, faults)
    faults = rules.check_attribute_values([(attribute.value, attribute.data_type) for attribute in changed])
    if faults:
        raise invalid(LOGIN.invalid, faults)
    async with call.db.begin():
        player = await lock_player(call.db, login_project_id, player_id)
        if player is None:
            raise PLAYER_NOT_FOUND()
        kept = [attribute.key for attribute in changed if attribute.attr_type is removed_from]
        removed = rules.keys_to_remove(removing_keys, kept)
        if removed:
            shelf = Shelf(login_project_id=login_project_id, project_id=project_id, attr_type=removed_from)
            await queries.remove_attributes(call.db, shelf, player_id, removed)
        await save_attributes(call.db, player, project_id, changed, now=call.now)


async def save_attributes(
    db: Session, player: Player, project_id: int, changed: Sequence[ChangedAttribute], *, now: datetime
) -> None:
    """Set attributes of a player, inside the caller's transaction."""
    assert db.in_transaction
    for attr_type in AttributeType:
        of_type = [attribute for attribute in changed if attribute.attr_type is attr_type]
        if not of_type:
            continue
        shelf = Shelf(login_project_id=player.login_project_id, project_id=project_id, attr_type=attr_type)
        # One order of locks for everybody: by key.
        for attribute in sorted(of_type, key=lambda attribute: attribute.key):
            await queries.save_attribute(
                db,
                shelf,
                player.player_id,
                key=attribute.key,
                value=attribute.value,
                permission=attribute.permission,
                data_type=attribute.data_type,
                description=attribute.description,
                value_format=attribute.format,
                now=now,
            )
        if await queries.count_attributes(db, shelf, player.player_id) > rules.ATTRIBUTES_MAX:
            raise TOO_MANY_ATTRIBUTES(limit=rules.ATTRIBUTES_MAX)

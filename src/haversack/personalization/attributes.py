"""What is known of a player: the attributes that Login keeps, as conditions read them."""

import uuid
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from sqlalchemy import UUID, Integer, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from haversack.database.engine import Database, Session
from haversack.database.shared_reads import SharedReads
from haversack.login.identities import PlayerIdentity
from haversack.login.tables import player_attributes as attributes
from haversack.personalization.records import Attributes

# Those of no particular project come first, and what a player can write before what the studio has written: of several
# with one key the last counts.
LIST_ATTRIBUTES = (
    select(attributes.c.player_id, attributes.c.key, attributes.c.value)
    .where(
        attributes.c.login_project_id == bindparam("login"),
        attributes.c.player_id == any_(bindparam("players", type_=ARRAY(UUID(as_uuid=True)))),
        attributes.c.project_id == any_(bindparam("projects", type_=ARRAY(Integer))),
    )
    .order_by(attributes.c.attr_type, attributes.c.project_id)
)


# By login project and project: what players are.
_Reads = SharedReads[tuple[uuid.UUID, int], uuid.UUID, Attributes]

_reads: WeakKeyDictionary[Database, _Reads] = WeakKeyDictionary()


async def read_attributes(db: Session, project_id: int, player: PlayerIdentity | None) -> Attributes | None:
    """A player's attributes by name; none of a guest, and None where nobody is signed in. What the token says counts
    before what Login keeps."""
    if player is None:
        return None
    if player.is_guest:
        return {}
    key = (player.login_project_id, project_id)
    found = (await _list_attributes(db, key, [player.player_id])).get(player.player_id, {})
    return {**found, **dict(player.attributes)}


async def read_attributes_together(database: Database, project_id: int, player: PlayerIdentity) -> Attributes:
    """The same outside a transaction, for all who ask at once in one statement."""
    if player.is_guest:
        return {}
    reads = _reads.get(database)
    if reads is None:
        reads = _reads[database] = SharedReads(database, _list_attributes, nothing={})
    found = await reads.read((player.login_project_id, project_id), player.player_id)
    return {**found, **dict(player.attributes)}


async def _list_attributes(
    db: Session, key: tuple[uuid.UUID, int], players: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Attributes]:
    login_project_id, project_id = key
    rows = await db.fetch_all(LIST_ATTRIBUTES, login=login_project_id, players=list(players), projects=[0, project_id])
    found: dict[uuid.UUID, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row["player_id"], {})[row["key"]] = row["value"]
    return dict(found)

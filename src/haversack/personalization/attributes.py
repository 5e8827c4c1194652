"""What is known of a player: the attributes that Login keeps, as conditions read them."""

from sqlalchemy import Integer, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from haversack.database.engine import Session
from haversack.login.identities import PlayerIdentity
from haversack.login.tables import player_attributes as attributes
from haversack.personalization.records import Attributes

# Those of no particular project come first, and what a player can write before what the studio has written: of several
# with one key the last counts.
LIST_ATTRIBUTES = (
    select(attributes.c.key, attributes.c.value)
    .where(
        attributes.c.login_project_id == bindparam("login"),
        attributes.c.player_id == bindparam("player"),
        attributes.c.project_id == any_(bindparam("projects", type_=ARRAY(Integer))),
    )
    .order_by(attributes.c.attr_type, attributes.c.project_id)
)


async def read_attributes(db: Session, project_id: int, player: PlayerIdentity | None) -> Attributes | None:
    """A player's attributes by name; none of a guest, and None where nobody is signed in. What the token says counts
    before what Login keeps."""
    if player is None:
        return None
    if player.is_guest:
        return {}
    rows = await db.fetch_all(
        LIST_ATTRIBUTES, login=player.login_project_id, player=player.player_id, projects=[0, project_id]
    )
    return {**{row["key"]: row["value"] for row in rows}, **dict(player.attributes)}

"""`grant`: the one way in which a player receives anything."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from haversack.database.engine import Session
from haversack.inventory import queries


@dataclass(frozen=True, slots=True)
class CurrencyGrant:
    """An amount of a virtual currency, in whole units."""

    sku: str
    quantity: int


async def grant(
    db: Session,
    *,
    project_id: int,
    player_id: UUID,
    source: str,
    content: Sequence[CurrencyGrant],
    now: datetime,
) -> bool:
    """Give the content to the player, inside the caller's transaction. A source gives once: False the second time.

    `source` names what is given for, such as `backpack:<item_id>`.
    """
    assert db.in_transaction, "a grant belongs to the transaction of what it is given for"
    is_first = await queries.add_grant(
        db,
        project_id=project_id,
        source=source,
        player_id=player_id,
        content=[asdict(given) for given in content],
        now=now,
    )
    if not is_first:
        return False
    # One order of locks for everybody: by SKU.
    for given in sorted(content, key=lambda given: given.sku):
        await queries.add_to_balance(
            db,
            project_id=project_id,
            player_id=player_id,
            sku=given.sku,
            change=given.quantity,
            source=source,
            now=now,
        )
    return True

"""Takes uses of promotions and gives them back, with nothing around it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from haversack.database.engine import Session
from haversack.inventory.ledger import write_ledger
from haversack.promotions.records import TakenUse
from haversack.promotions.uses import Use, count_uses, uncount_uses


async def take_uses(
    db: Session,
    project_id: int,
    player_id: UUID,
    uses: Iterable[Use],
    *,
    source: str,
    now: datetime,
    is_final: bool = False,
) -> tuple[TakenUse, ...]:
    """Count a use of each promotion as `count_uses` does, and write the ledger: the last step of the transaction."""
    taken, rows = await count_uses(db, project_id, player_id, uses, now=now, is_final=is_final)
    await write_ledger(db, project_id=project_id, player_id=player_id, source=source, rows=rows, now=now)
    return taken


async def give_back_uses(
    db: Session, project_id: int, player_id: UUID, taken: Sequence[TakenUse], *, source: str, now: datetime
) -> None:
    """Give uses back as `uncount_uses` does, and write the ledger: the last step of the transaction."""
    rows = await uncount_uses(db, project_id, player_id, taken)
    await write_ledger(db, project_id=project_id, player_id=player_id, source=source, rows=rows, now=now)

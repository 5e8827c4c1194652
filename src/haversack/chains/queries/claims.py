"""Reads and writes of what players have taken from chains."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Integer, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from haversack.chains.records import Progress
from haversack.chains.tables import chain_claims as claims
from haversack.database.engine import Session

_player = (claims.c.project_id == bindparam("project"), claims.c.player_id == bindparam("player"))
_asked = (
    func.unnest(
        bindparam("ids", type_=ARRAY(Integer)),
        bindparam("starts", type_=ARRAY(DateTime(timezone=True))),
    )
    .table_valued(column("chain_id", Integer), column("start", DateTime(timezone=True)), name="asked")
    .render_derived()
)
# Of each chain the newest window alone: the first entry of the key's index from behind.
_newest = (
    select(claims.c.window_start)
    .where(*_player, claims.c.chain_id == _asked.c.chain_id, claims.c.window_start >= _asked.c.start)
    .order_by(claims.c.window_start.desc())
    .limit(1)
    .correlate(_asked)
    .scalar_subquery()
)
LIST_CLAIMS = (
    select(claims.c.chain_id, claims.c.window_start, claims.c.step_id, claims.c.claimed_at)
    .select_from(_asked)
    .join(claims, claims.c.chain_id == _asked.c.chain_id)
    .where(*_player, claims.c.window_start == _newest)
    .order_by(claims.c.chain_id, claims.c.claimed_at)
)
ADD_CLAIM = (
    insert(claims)
    .values(
        project_id=bindparam("project"),
        player_id=bindparam("player"),
        chain_id=bindparam("chain"),
        window_start=bindparam("start"),
        step_id=bindparam("step"),
        claimed_at=bindparam("now"),
        order_id=bindparam("order", type_=Integer),
    )
    .on_conflict_do_nothing()
    .returning(claims.c.step_id)
)


async def list_progress(
    db: Session, project_id: int, player_id: UUID, starts: Mapping[int, datetime]
) -> dict[int, Progress]:
    """What a player has taken, by chain; starts: the window of each chain that is asked for. Chains of which
    nothing was taken since then are not in it."""
    if not starts:
        return {}
    rows = await db.fetch_all(
        LIST_CLAIMS, project=project_id, player=player_id, ids=list(starts), starts=list(starts.values())
    )
    return progress_of(rows)


def progress_of(rows: Iterable[Mapping[str, object]]) -> dict[int, Progress]:
    """Progress by chain of rows with chain_id, window_start, step_id and claimed_at."""
    found: dict[int, tuple[datetime, dict[int, datetime]]] = {}
    for row in rows:
        chain_id, start, step_id, at = row["chain_id"], row["window_start"], row["step_id"], row["claimed_at"]
        assert isinstance(chain_id, int)
        assert isinstance(step_id, int)
        assert isinstance(start, datetime)
        assert isinstance(at, datetime)
        found.setdefault(chain_id, (start, {}))[1][step_id] = at
    return {chain_id: Progress(start, claimed) for chain_id, (start, claimed) in found.items()}


async def add_claim(
    db: Session,
    project_id: int,
    player_id: UUID,
    *,
    chain_id: int,
    window_start: datetime,
    step_id: int,
    now: datetime,
    order_id: int | None = None,
) -> bool:
    """Note that a player has taken a step in a window; False where they had."""
    taken = await db.fetch_one(
        ADD_CLAIM,
        project=project_id,
        player=player_id,
        chain=chain_id,
        start=window_start,
        step=step_id,
        now=now,
        order=order_id,
    )
    return taken is not None

"""Value points that a paid order brings, and that go when its money goes back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from haversack.catalog.items.queries import list_items_by_ids
from haversack.chains.queries import points as queries
from haversack.chains.queries.chains import list_chains_of_points
from haversack.chains.queries.points import Points
from haversack.chains.rules import points_window
from haversack.database.engine import Session
from haversack.inventory.ledger import points_row, write_ledger
from haversack.inventory.queries.giving import add_grant, claim_sources, find_content


def points_source_of(source: str) -> str:
    """What the points that come with a grant are written under."""
    return f"points:{source}"


async def earn_points(
    db: Session, *, project_id: int, player_id: UUID, source: str, amounts: Mapping[int, int], now: datetime
) -> None:
    """Give a player value points, by the ids of their items, in the caller's transaction. A source gives once.

    Points of clans go to the clan that the player is in; who is in none gets none of these. Call it after all else that
    the transaction locks: the members of a clan wait for each other.
    """
    assert db.in_transaction, "points belong to the transaction of what they are given for"
    if not amounts or await claim_sources(db, project_id, [source]):
        return
    points = await _points_of(db, project_id, player_id, amounts, now)
    given = await queries.add_points(db, project_id, player_id, points)
    await _note(db, project_id, player_id, source, given, sign=1, now=now)
    await queries.add_to_clans(db, project_id, given)


async def take_back_points(
    db: Session, *, project_id: int, player_id: UUID, grant_source: str, source: str, now: datetime
) -> None:
    """Take back what `earn_points` gave for a source, in the caller's transaction: what is left of it in the window and
    the clan that it went to. Steps that were taken stay taken."""
    assert db.in_transaction, "taking back belongs to the transaction of its reason"
    entries = await find_content(db, project_id, grant_source, player_id)
    if not entries or await claim_sources(db, project_id, [source]):
        return
    given = [
        Points(entry["value_point_id"], entry["clan"], datetime.fromisoformat(entry["window_start"]), entry["quantity"])
        for entry in entries
    ]
    taken = await queries.take_points(db, project_id, player_id, given)
    await _note(db, project_id, player_id, source, taken, sign=-1, now=now)
    await queries.take_from_clans(db, project_id, taken)


async def _points_of(
    db: Session, project_id: int, player_id: UUID, amounts: Mapping[int, int], now: datetime
) -> list[Points]:
    """The amounts with where they go. A value point that has been deleted is nothing any more."""
    items = await list_items_by_ids(db, project_id, sorted(amounts))
    clan = None
    if any(item.details.is_clan for item in items):
        clan = await queries.find_clan(db, project_id, player_id)
    chains = await list_chains_of_points(db, project_id, [item.item_id for item in items])
    resets = await queries.list_resets(db, project_id)
    found = []
    for item in items:
        goes_to = clan if item.details.is_clan else ""
        if goes_to is not None:
            start = points_window(item.item_id, chains, resets, now)
            found.append(Points(item.item_id, goes_to, start, amounts[item.item_id]))
    return found


async def _note(
    db: Session,
    project_id: int,
    player_id: UUID,
    source: str,
    points: Sequence[Points],
    *,
    sign: int,
    now: datetime,
) -> None:
    """Write down what was given or taken: once under its source, and in the ledger."""
    entries = [
        {
            "kind": "points",
            "value_point_id": each.value_point_id,
            "quantity": each.amount,
            "clan": each.clan,
            "window_start": each.window_start.isoformat(),
        }
        for each in points
    ]
    await add_grant(db, project_id=project_id, source=source, player_id=player_id, content=entries, now=now)
    rows = [points_row(each.value_point_id, each.window_start, each.clan, sign * each.amount) for each in points]
    await write_ledger(db, project_id=project_id, player_id=player_id, source=source, rows=rows, now=now)

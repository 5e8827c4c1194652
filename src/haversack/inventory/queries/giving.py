"""Giving and charging in one statement each: the ways that purchases take, with their rows of the ledger."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Text,
    any_,
    bindparam,
    case,
    cast,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.dialects.postgresql import UUID as UUID_COLUMN

from haversack.database.engine import Session
from haversack.inventory.ledger import BALANCE
from haversack.inventory.tables import balances, grants, ledger, owned_items

_project = bindparam("project", type_=Integer)
_player = bindparam("player", type_=UUID_COLUMN(as_uuid=True))
_source = bindparam("of_source", type_=Text)
_now = bindparam("now", type_=DateTime(timezone=True))
_change = bindparam("change", type_=BigInteger)
_sku = bindparam("of_sku", type_=Text)
_LEDGER = ["project_id", "player_id", "kind", "subject", "change", "source", "changed_at"]

ADD_GRANT = (
    insert(grants)
    .values(
        project_id=_project,
        source=_source,
        player_id=_player,
        content=bindparam("of_content", type_=JSONB),
        granted_at=_now,
    )
    .on_conflict_do_nothing()
    .returning(grants.c.source)
)
_sources = bindparam("sources", type_=ARRAY(Text))
_each_source = func.unnest(_sources).table_valued(column("source", Text), name="wanted").render_derived()
# A grant is written when it is known what it gives, so its source is claimed by a lock until then.
LOCK_SOURCES = select(
    func.pg_advisory_xact_lock(
        func.hashtextextended(_each_source.c.source, cast(bindparam("project", type_=Integer), BigInteger))
    )
)
LIST_USED_SOURCES = select(grants.c.source, grants.c.content).where(
    grants.c.project_id == _project, grants.c.source == any_(_sources)
)
FIND_GRANT = select(grants.c.content).where(
    grants.c.project_id == _project, grants.c.source == _source, grants.c.player_id == _player
)


def _paid_in(is_first: ColumnElement[bool]) -> CTE:
    """Amounts that are added to balances, by SKU."""
    amounts = (
        func.unnest(bindparam("skus", type_=ARRAY(Text)), bindparam("amounts", type_=ARRAY(BigInteger)))
        .table_valued(column("sku", Text), column("amount", BigInteger), name="amounts")
        .render_derived()
    )
    new = insert(balances).from_select(
        ["project_id", "player_id", "sku", "amount"],
        select(_project, _player, amounts.c.sku, amounts.c.amount).where(is_first).order_by(amounts.c.sku),
    )
    added = new.on_conflict_do_update(
        index_elements=["project_id", "player_id", "sku"], set_={"amount": balances.c.amount + new.excluded.amount}
    )
    return added.returning(balances.c.sku).cte("paid")


def _put_in(is_first: ColumnElement[bool]) -> CTE:
    """Numbers of items, by id. What can be owned once only is given to those who do not have it; the others are missing
    in what comes back."""
    goods = (
        func.unnest(bindparam("items", type_=ARRAY(Integer)), bindparam("quantities", type_=ARRAY(Integer)))
        .table_valued(column("item_id", Integer), column("quantity", Integer), name="goods")
        .render_derived()
    )
    new = insert(owned_items).from_select(
        ["project_id", "player_id", "item_id", "quantity", "changed_at"],
        select(_project, _player, goods.c.item_id, goods.c.quantity, _now).where(is_first).order_by(goods.c.item_id),
    )
    is_single = owned_items.c.item_id == any_(bindparam("singles", type_=ARRAY(Integer)))
    quantity = case((is_single, 1), else_=owned_items.c.quantity + new.excluded.quantity)
    added = new.on_conflict_do_update(
        index_elements=["project_id", "player_id", "item_id"],
        set_={"quantity": quantity, "changed_at": _now},
        where=or_(~is_single, owned_items.c.quantity == 0),
    )
    return added.returning(owned_items.c.item_id).cte("put")


def _written(is_first: ColumnElement[bool]) -> CTE:
    """The rows of the ledger, in their order."""
    changes = (
        func.unnest(
            bindparam("kinds", type_=ARRAY(Text)),
            bindparam("subjects", type_=ARRAY(Text)),
            bindparam("changes", type_=ARRAY(BigInteger)),
        )
        .table_valued(column("kind", Text), column("subject", Text), column("change", BigInteger), name="changes")
        .render_derived()
    )
    rows = select(_project, _player, changes.c.kind, changes.c.subject, changes.c.change, _source, _now)
    return insert(ledger).from_select(_LEDGER, rows.where(is_first)).returning(ledger.c.seq).cte("written")


def _give() -> Select[Any]:
    """Everything hangs on the first part: a source that was used before gives nothing. The parts run in the order in
    which the last lines name them, which is the order of locks."""
    first = ADD_GRANT.cte("first")
    is_first = exists(select(first.c.source))
    paid, put, written = _paid_in(is_first), _put_in(is_first), _written(is_first)
    return select(
        select(func.count()).select_from(first).scalar_subquery().label("is_first"),
        select(func.count()).select_from(paid).scalar_subquery().label("paid"),
        select(func.array_agg(put.c.item_id)).scalar_subquery().label("put"),
        select(func.count()).select_from(written).scalar_subquery().label("written"),
    )


GIVE = _give()
_charged = (
    update(balances)
    .where(
        balances.c.project_id == _project,
        balances.c.player_id == _player,
        balances.c.sku == _sku,
        balances.c.amount >= _change,
    )
    .values(amount=balances.c.amount - _change)
    .returning(balances.c.sku)
    .cte("charged")
)
CHARGE = insert(ledger).from_select(
    _LEDGER, select(_project, _player, literal(BALANCE, Text), _charged.c.sku, -_change, _source, _now)
)


async def add_grant(
    db: Session, *, project_id: int, source: str, player_id: UUID, content: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Record a grant whose source was claimed and not used before."""
    row = await db.fetch_one(
        ADD_GRANT, project=project_id, of_source=source, player=player_id, of_content=list(content), now=now
    )
    assert row is not None, f"{source} was used by somebody who did not claim it"


async def claim_sources(db: Session, project_id: int, sources: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Keep others from giving for the sources until the transaction ends; what those gave that were used before."""
    await db.execute(LOCK_SOURCES, project=project_id, sources=sorted(sources))
    return await list_contents(db, project_id, sources)


async def list_contents(db: Session, project_id: int, sources: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """What was given for each of the sources that were used."""
    rows = await db.fetch_all(LIST_USED_SOURCES, project=project_id, sources=list(sources)) if sources else []
    return {row["source"]: row["content"] for row in rows}


async def find_content(db: Session, project_id: int, source: str, player_id: UUID) -> list[dict[str, Any]] | None:
    """What a grant to a player has given; None where there was none."""
    found: list[dict[str, Any]] | None = await db.fetch_value(
        FIND_GRANT, project=project_id, of_source=source, player=player_id
    )
    return found


async def give(
    db: Session,
    *,
    project_id: int,
    player_id: UUID,
    source: str,
    content: Sequence[Mapping[str, Any]],
    amounts: Mapping[str, int],
    quantities: Mapping[int, int],
    singles: Sequence[int],
    changes: Sequence[tuple[str, str, int]],
    now: datetime,
) -> frozenset[int] | None:
    """Give amounts of currencies by SKU and quantities of items by id, with their changes (kind, subject, change) in
    the ledger; the ids of the items that were given, None if the source was used before.

    singles: the ids of items that are owned once; those that the player has are not given, while the ledger says so:
    who wants fewer than all must let the transaction fail.
    """
    row = await db.fetch_one(
        GIVE,
        project=project_id,
        player=player_id,
        of_source=source,
        of_content=list(content),
        skus=list(amounts),
        amounts=list(amounts.values()),
        items=list(quantities),
        quantities=list(quantities.values()),
        singles=list(singles),
        kinds=[kind for kind, _, _ in changes],
        subjects=[subject for _, subject, _ in changes],
        changes=[change for _, _, change in changes],
        now=now,
    )
    assert row is not None, "counts have one row"
    return frozenset(row["put"] or ()) if row["is_first"] else None


async def charge(
    db: Session, *, project_id: int, player_id: UUID, sku: str, amount: int, source: str, now: datetime
) -> bool:
    """Take an amount off a balance, with its row in the ledger; False, and nothing taken, where there is less."""
    charged = await db.execute(
        CHARGE, project=project_id, player=player_id, of_sku=sku, change=amount, of_source=source, now=now
    )
    return charged == 1

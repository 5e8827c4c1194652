"""Reads and writes of balances and grants."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from haversack.database.engine import Session
from haversack.inventory.tables import balance_changes, balances, grants, virtual_currencies

WALLET_CURRENCIES = select(virtual_currencies.c.sku).where(
    virtual_currencies.c.project_id == bindparam("project"),
    virtual_currencies.c.sku == any_(bindparam("skus", type_=ARRAY(Text))),
)
ADD_VIRTUAL_CURRENCY = (
    insert(virtual_currencies)
    .values(
        project_id=bindparam("project"),
        sku=bindparam("of_sku"),
        name=bindparam("of_name"),
        created_at=func.now(),
    )
    .on_conflict_do_update(index_elements=["project_id", "sku"], set_={"name": bindparam("of_name")})
)
ADD_GRANT = (
    insert(grants)
    .values(
        project_id=bindparam("project"),
        source=bindparam("of_source"),
        player_id=bindparam("player"),
        content=bindparam("of_content", type_=JSONB),
        granted_at=bindparam("now"),
    )
    .on_conflict_do_nothing()
    .returning(grants.c.source)
)
_added = insert(balances).values(
    project_id=bindparam("project"),
    player_id=bindparam("player"),
    sku=bindparam("of_sku"),
    amount=bindparam("change"),
)
ADD_TO_BALANCE = _added.on_conflict_do_update(
    index_elements=["project_id", "player_id", "sku"],
    set_={"amount": balances.c.amount + _added.excluded.amount},
).returning(balances.c.amount)
ADD_BALANCE_CHANGE = insert(balance_changes).values(
    project_id=bindparam("project"),
    player_id=bindparam("player"),
    sku=bindparam("of_sku"),
    amount=bindparam("change"),
    source=bindparam("of_source"),
    changed_at=bindparam("now"),
)
LIST_BALANCES = (
    select(balances.c.project_id, balances.c.sku, balances.c.amount, virtual_currencies.c.name)
    .join(
        virtual_currencies,
        (virtual_currencies.c.project_id == balances.c.project_id) & (virtual_currencies.c.sku == balances.c.sku),
    )
    .where(balances.c.project_id == any_(bindparam("projects", type_=ARRAY(balances.c.project_id.type))))
    .where(balances.c.player_id == bindparam("player"))
    .order_by(balances.c.project_id, balances.c.sku)
)


async def list_wallet_currencies(db: Session, project_id: int, skus: Sequence[str]) -> set[str]:
    """Which of the SKUs are virtual currencies configured in the project."""
    return {row["sku"] for row in await db.fetch_all(WALLET_CURRENCIES, project=project_id, skus=list(skus))}


async def add_virtual_currency(db: Session, *, project_id: int, sku: str, name: str) -> None:
    """Configure a virtual currency of the project, or rename it."""
    await db.execute(ADD_VIRTUAL_CURRENCY, project=project_id, of_sku=sku, of_name=name)


async def add_grant(
    db: Session,
    *,
    project_id: int,
    source: str,
    player_id: UUID,
    content: list[dict[str, Any]],
    now: datetime,
) -> bool:
    """Record a grant; False if its source was used before."""
    row = await db.fetch_one(
        ADD_GRANT, project=project_id, of_source=source, player=player_id, of_content=content, now=now
    )
    return row is not None


async def add_to_balance(
    db: Session, *, project_id: int, player_id: UUID, sku: str, change: int, source: str, now: datetime
) -> int:
    """Change a balance, with its ledger row, and return what it is now."""
    amount = await db.fetch_value(ADD_TO_BALANCE, project=project_id, player=player_id, of_sku=sku, change=change)
    await db.execute(
        ADD_BALANCE_CHANGE,
        project=project_id,
        player=player_id,
        of_sku=sku,
        change=change,
        of_source=source,
        now=now,
    )
    return int(amount)


async def list_balances(db: Session, *, project_ids: Sequence[int], player_id: UUID) -> list[tuple[int, str, str, int]]:
    """A player's balances: (project_id, sku, name, amount)."""
    rows = await db.fetch_all(LIST_BALANCES, projects=list(project_ids), player=player_id)
    return [(row["project_id"], row["sku"], row["name"], row["amount"]) for row in rows]

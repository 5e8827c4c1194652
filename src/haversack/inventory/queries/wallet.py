"""Reads of the wallet: which currencies it keeps, and what is in it."""

from collections.abc import Sequence

from sqlalchemy import Text, any_, bindparam, null, select
from sqlalchemy.dialects.postgresql import ARRAY

from haversack.catalog.records import ItemKind
from haversack.catalog.tables import items
from haversack.database.engine import Session

WALLET_CURRENCIES = select(items.c.sku).where(
    items.c.project_id == bindparam("project"),
    items.c.kind == ItemKind.VIRTUAL_CURRENCY.value,
    items.c.deleted_at.is_(null()),
    items.c.sku == any_(bindparam("skus", type_=ARRAY(Text))),
)


async def list_wallet_currencies(db: Session, project_id: int, skus: Sequence[str]) -> set[str]:
    """Which of the SKUs are virtual currencies configured in the project."""
    return {row["sku"] for row in await db.fetch_all(WALLET_CURRENCIES, project=project_id, skus=list(skus))}

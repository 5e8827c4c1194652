"""How many codes are left of every key of every project: for those who run the server."""

from sqlalchemy import Integer, Text, func, literal_column, select, union_all

from haversack.catalog.keys.records import KeyStock
from haversack.catalog.tables import items, key_codes
from haversack.database.engine import Session

# Written out: as a parameter it would keep the planner from the two indexes that have all codes between them.
_AVAILABLE = literal_column("'available'", Text)
_counts = union_all(
    select(
        key_codes.c.project_id,
        key_codes.c.item_id,
        func.count().label("available"),
        literal_column("0", Integer).label("gone"),
    )
    .where(key_codes.c.state == _AVAILABLE)
    .group_by(key_codes.c.project_id, key_codes.c.item_id),
    select(key_codes.c.project_id, key_codes.c.item_id, literal_column("0", Integer), func.count())
    .where(key_codes.c.state != _AVAILABLE, key_codes.c.state != literal_column("'deleted'", Text))
    .group_by(key_codes.c.project_id, key_codes.c.item_id),
).subquery("counts")
_available, _gone = func.sum(_counts.c.available), func.sum(_counts.c.gone)
LIST_KEY_STOCKS = (
    select(items.c.project_id, items.c.item_id, items.c.sku, _available.label("available"), _gone.label("gone"))
    .join(_counts, (_counts.c.project_id == items.c.project_id) & (_counts.c.item_id == items.c.item_id))
    .where(items.c.deleted_at.is_(None))
    .group_by(items.c.project_id, items.c.item_id, items.c.sku)
    .order_by(items.c.project_id, items.c.sku)
)


async def list_key_stocks(db: Session) -> list[KeyStock]:
    """Every key that codes were uploaded of, by project and SKU. Counts them all: not for requests."""
    return [
        KeyStock(
            project_id=row["project_id"],
            item_id=row["item_id"],
            sku=row["sku"],
            available=int(row["available"]),
            total=int(row["available"] + row["gone"]),
        )
        for row in await db.fetch_all(LIST_KEY_STOCKS)
    ]

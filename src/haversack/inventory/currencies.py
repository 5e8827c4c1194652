"""Virtual currencies of a project's wallet: items of its catalog like all others."""

from dataclasses import replace
from datetime import datetime

from haversack.catalog.items import queries
from haversack.catalog.items.actions import save_item
from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.records import ItemKind
from haversack.catalog.versions import raise_version
from haversack.database.engine import Session
from haversack.errors import ITEM_EXISTS
from haversack.text import FALLBACK


async def save_currency(db: Session, project_id: int, *, sku: str, name: str, now: datetime) -> None:
    """Make a virtual currency with an English name, or give it another one; ITEM_EXISTS where the SKU is another
    item's."""
    async with db.begin():
        existing = await queries.find_item_by_sku(db, project_id, sku)
        if existing is not None and existing.kind is not ItemKind.VIRTUAL_CURRENCY:
            raise ITEM_EXISTS(project_id=project_id, sku=sku)
        if existing is None:
            draft = ItemDraft(kind=ItemKind.VIRTUAL_CURRENCY, sku=sku, name={FALLBACK: name})
            await save_item(db, project_id, draft, now=now)
        else:
            renamed = replace(existing, name={**existing.name, FALLBACK: name}, updated_at=now)
            await queries.replace_item(db, renamed)
        await raise_version(db, project_id)

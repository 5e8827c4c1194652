"""`grant`, `take_back` and `charge`: the ways in which what a player owns changes for a reason of another feature.

Each belongs to the transaction of its reason, has a source that works once, and writes its rows into the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from haversack.catalog.records import VirtualItemType
from haversack.database.engine import Session
from haversack.errors import NON_CONSUMABLE_OWNED, NOT_ENOUGH_CURRENCY, OWNED_TOO_MANY
from haversack.inventory import taking
from haversack.inventory.ledger import BALANCE, ITEM
from haversack.inventory.parcels import Entry, Parcel, give_parcels
from haversack.inventory.queries import giving as queries
from haversack.inventory.records import CurrencyGrant, Granted, ItemGrant, KeyGrant
from haversack.inventory.rules import OWNED_MAX, merged

__all__ = ["CurrencyGrant", "Granted", "ItemGrant", "KeyGrant", "charge", "grant", "simple_of", "take_back"]


@dataclass(slots=True)
class Simple:
    """Content that one statement can give: currencies, and items that are numbers. `changes` are those of the ledger,
    `entries` what the grant's row keeps, `singles` the items that can be owned once (SKUs by id)."""

    entries: list[Entry] = field(default_factory=list)
    amounts: dict[str, int] = field(default_factory=dict)
    quantities: dict[int, int] = field(default_factory=dict)
    singles: dict[int, str] = field(default_factory=dict)
    changes: list[tuple[str, str, int]] = field(default_factory=list)


async def grant(
    db: Session,
    *,
    project_id: int,
    player_id: UUID,
    source: str,
    content: Sequence[Granted],
    now: datetime,
    keeps_owned: bool = False,
) -> bool:
    """Give the content to the player, inside the caller's transaction. A source gives once: False the second time.

    `source` names what is given for, such as `order:1000001`; whoever gives for it holds that under a lock. Refuses
    with NON_CONSUMABLE_OWNED what is owned once and owned already (keeps_owned: it stays as it is), with KEYS_TOO_FEW
    where codes have run out, with OWNED_TOO_MANY beyond what can be counted. Codes are read by their source.
    """
    assert db.in_transaction, "a grant belongs to the transaction of what it is given for"
    content = merged(content)
    simple = None if keeps_owned else simple_of(content)
    if simple is None:
        parcel = Parcel(player_id, source, (tuple(content),))
        return source in await give_parcels(db, project_id, [parcel], now=now, keeps_owned=keeps_owned)
    try:
        given = await queries.give(
            db,
            project_id=project_id,
            player_id=player_id,
            source=source,
            content=simple.entries,
            amounts=simple.amounts,
            quantities=simple.quantities,
            singles=list(simple.singles),
            changes=simple.changes,
            now=now,
        )
    except asyncpg.NumericValueOutOfRangeError:
        raise OWNED_TOO_MANY(sku=" or ".join(entry["sku"] for entry in simple.entries)) from None
    if given is None:
        return False
    for item_id, sku in simple.singles.items():
        if item_id not in given:
            raise NON_CONSUMABLE_OWNED(sku=sku)
    return True


def simple_of(content: Sequence[Granted]) -> Simple | None:
    """The content for one statement; None where it takes more. In the order of locks."""
    found = Simple()
    for given in sorted(content, key=lambda each: each.sku if isinstance(each, CurrencyGrant) else ""):
        match given:
            case CurrencyGrant():
                found.amounts[given.sku] = given.quantity
                found.changes.append((BALANCE, given.sku, given.quantity))
                found.entries.append({"kind": "currency", "sku": given.sku, "quantity": given.quantity})
            case ItemGrant() if _is_number(given) and given.item_id not in found.quantities:
                is_single = given.virtual_item_type is VirtualItemType.NON_CONSUMABLE
                quantity = 1 if is_single else given.quantity
                if quantity > OWNED_MAX:
                    raise OWNED_TOO_MANY(sku=given.sku)
                if is_single:
                    found.singles[given.item_id] = given.sku
                found.quantities[given.item_id] = quantity
                found.changes.append((ITEM, str(given.item_id), quantity))
                found.entries.append({"kind": "item", "item_id": given.item_id, "sku": given.sku, "quantity": quantity})
            case _:
                return None
    return found


def _is_number(given: ItemGrant) -> bool:
    is_timed = given.virtual_item_type is VirtualItemType.NON_RENEWING_SUBSCRIPTION
    return not is_timed and given.usages_count is None


async def take_back(
    db: Session, *, project_id: int, player_id: UUID, grant_source: str, source: str, now: datetime
) -> bool:
    """Take back what a grant gave, as far as the player still has it; what was consumed stays consumed.

    `source` works once like that of a grant: False the second time, and where there was no such grant. Its row keeps
    what was taken and what was missing. Rights to games go; codes that were seen stay used.
    """
    assert db.in_transaction, "taking back belongs to the transaction of its reason"
    entries = await queries.find_content(db, project_id, grant_source, player_id)
    if entries is None:
        return False
    if source in await queries.claim_sources(db, project_id, [source]):
        return False
    await taking.take_entries(db, project_id, player_id, entries=entries, source=source, now=now)
    return True


async def charge(
    db: Session, *, project_id: int, player_id: UUID, sku: str, amount: int, source: str, now: datetime
) -> None:
    """Take an amount of a virtual currency off a player's balance, or NOT_ENOUGH_CURRENCY. `source` is named in the
    ledger; charging twice for it charges twice."""
    assert db.in_transaction, "a charge belongs to the transaction of what it pays"
    assert amount >= 0, "giving is done by grant"
    if amount and not await queries.charge(
        db, project_id=project_id, player_id=player_id, sku=sku, amount=amount, source=source, now=now
    ):
        raise NOT_ENOUGH_CURRENCY()

"""Coupons that give nothing but numbers, by one call of a function in the database.

The same rules as `redeeming` has, and the same rows. Statement by statement, the rows that all who redeem a coupon
change would be locked while each of them goes back and forth; here they are for the length of a commit. What needs more
(keys, pieces with uses of their own, items with an end) takes the general way, and so does what the function finds
changed.
"""

from datetime import datetime
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import text

from haversack.database.engine import Session
from haversack.errors import NON_CONSUMABLE_OWNED, OWNED_TOO_MANY
from haversack.inventory.actions import Simple
from haversack.inventory.ledger import moment_text
from haversack.limits.schedule import window_of
from haversack.promotions.records import Promotion
from haversack.promotions.use_queries import UNLIMITED
from haversack.promotions.uses import WORDS, UsesExhausted

# In the order of the function's parameters.
PARAMETERS = (
    "project",
    "player",
    "promotion",
    "updated",
    "code",
    "now",
    "source",
    "window",
    "window_detail",
    "user_most",
    "code_most",
    "total_most",
    "skus",
    "amounts",
    "items",
    "quantities",
    "singles",
    "content",
)
REDEEM_AT_ONCE = text(f"SELECT redeem_at_once({', '.join(f':{name}' for name in PARAMETERS)})")

USED_UP_BY_PLAYER, OWNED, USED_UP, CHANGED = "HV001", "HV003", "HV005", "HV900"


async def redeem_at_once(
    db: Session, promotion: Promotion, code: str, player_id: UUID, simple: Simple, *, source: str, now: datetime
) -> bool:
    """Give what a coupon gives and count its use; False, and nothing changed, where it has to take the general way.
    Refuses as that does."""
    values = _values(promotion, code, player_id, simple, source, now)
    try:
        if not db.in_transaction:
            await db.fetch_value(REDEEM_AT_ONCE, **values)
            return True
        # Inside a transaction of the caller (one with an Idempotency-Key) a refusal must undo this call alone.
        async with db.begin():
            await db.fetch_value(REDEEM_AT_ONCE, **values)
    except asyncpg.NumericValueOutOfRangeError:
        raise OWNED_TOO_MANY(sku=" or ".join(entry["sku"] for entry in simple.entries)) from None
    except asyncpg.PostgresError as error:
        if error.sqlstate == CHANGED:
            return False
        refusal = _refusal(error, promotion, simple)
        if refusal is None:
            raise
        raise refusal from None
    return True


def _refusal(error: asyncpg.PostgresError, promotion: Promotion, simple: Simple) -> Exception | None:
    """What a refusal of the function means; None for what is none."""
    if error.sqlstate == OWNED:
        return NON_CONSUMABLE_OWNED(sku=next(iter(simple.singles.values())))
    if error.sqlstate in (USED_UP, USED_UP_BY_PLAYER):
        return UsesExhausted(WORDS[promotion.kind], is_players=error.sqlstate == USED_UP_BY_PLAYER)
    return None


def _values(
    promotion: Promotion, code: str, player_id: UUID, simple: Simple, source: str, now: datetime
) -> dict[str, object]:
    limits, window = promotion.limits, window_of(promotion.limits.schedule, now).start
    return {
        "project": promotion.project_id,
        "player": player_id,
        "promotion": promotion.promotion_id,
        # It may have been changed since it was read.
        "updated": promotion.updated_at,
        "code": code,
        "now": now,
        "source": source,
        "window": window,
        "window_detail": moment_text(window),
        "user_most": UNLIMITED if limits.per_user is None else limits.per_user,
        "code_most": UNLIMITED if limits.per_code is None else limits.per_code,
        "total_most": UNLIMITED if limits.total is None else limits.total,
        "skus": list(simple.amounts) or None,
        "amounts": list(simple.amounts.values()) or None,
        "items": list(simple.quantities) or None,
        "quantities": list(simple.quantities.values()) or None,
        "singles": list(simple.singles) or None,
        "content": orjson.dumps(simple.entries).decode(),
    }

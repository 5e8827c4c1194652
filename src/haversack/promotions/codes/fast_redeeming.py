"""Coupons that give nothing but numbers, by one call of a function in the database.

The same rules as `redeeming` has, and the same rows. Statement by statement, the rows that all who redeem a coupon
change would be locked while each of them goes back and forth; here they are for the length of a commit. What needs more
(keys, pieces with uses of their own, items with an end) takes the general way, and so does what the function finds
changed.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from weakref import WeakKeyDictionary

import asyncpg
import orjson
from sqlalchemy import text

from haversack.database.engine import Database, Session
from haversack.errors import NON_CONSUMABLE_OWNED, OWNED_TOO_MANY, Refusal
from haversack.inventory.actions import Simple
from haversack.inventory.ledger import moment_text
from haversack.limits.schedule import window_of
from haversack.promotions.records import Promotion
from haversack.promotions.use_queries import UNLIMITED
from haversack.promotions.uses import UsesExhausted

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
_parameters = ", ".join(f":{name}" for name in PARAMETERS)
REDEEM_AT_ONCE = text(f"SELECT redeem_at_once({_parameters})")
# The same for several players, each with a source.
REDEEM_TOGETHER = text(f"SELECT redeem_together({_parameters})")

USED_UP_BY_PLAYER, OWNED, USED_UP, CHANGED, TOO_MANY = "HV001", "HV003", "HV005", "HV900", "22003"
TOO_FEW_LEFT = "HV901"
# As many as PostgreSQL keeps within a transaction without effort, each undone by itself where it is refused.
TOGETHER_MAX = 60


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon's code with what it gives, where that is nothing but numbers."""

    promotion: Promotion
    code: str
    simple: Simple


async def redeem_at_once(db: Session, coupon: Coupon, player_id: UUID, *, source: str, now: datetime) -> bool:
    """Give what a coupon gives and count its use; False, and nothing changed, where it has to take the general way.
    Refuses as that does."""
    values = _values(coupon, now) | {"player": player_id, "source": source}
    try:
        if not db.in_transaction:
            await db.fetch_value(REDEEM_AT_ONCE, **values)
            return True
        # Inside a transaction of the caller (one with an Idempotency-Key) a refusal must undo this call alone.
        async with db.begin():
            await db.fetch_value(REDEEM_AT_ONCE, **values)
    except asyncpg.PostgresError as error:
        if error.sqlstate not in (USED_UP_BY_PLAYER, OWNED, USED_UP, CHANGED, TOO_MANY):
            raise
        return _outcome(error.sqlstate, coupon)
    return True


@dataclass(slots=True)
class _Waiting:
    """Somebody who redeems a coupon while others do."""

    player_id: UUID
    source: str
    now: datetime
    outcome: asyncio.Future[bool]


# By the coupon's identity: what is given together is the same for all.
_waiting: WeakKeyDictionary[Database, dict[int, list[_Waiting]]] = WeakKeyDictionary()
_running: set[asyncio.Task[None]] = set()


async def redeem_together(database: Database, coupon: Coupon, player_id: UUID, *, source: str, now: datetime) -> bool:
    """The same as `redeem_at_once`, in one transaction with all who came while the one before was under way: those who
    redeem one code at once wait for one commit, not for that of each before them."""
    rushes = _waiting.setdefault(database, {})
    mine = _Waiting(player_id, source, now, asyncio.get_running_loop().create_future())
    if id(coupon) in rushes:
        rushes[id(coupon)].append(mine)
    else:
        rushes[id(coupon)] = [mine]
        task = asyncio.create_task(_redeem_waiting(database, coupon, rushes), name="coupon")
        _running.add(task)
        task.add_done_callback(_running.discard)
    return await mine.outcome


async def _redeem_waiting(database: Database, coupon: Coupon, rushes: dict[int, list[_Waiting]]) -> None:
    """Redeem until nobody waits."""
    key = id(coupon)
    while rushes[key]:
        several, rushes[key] = rushes[key][:TOGETHER_MAX], rushes[key][TOGETHER_MAX:]
        try:
            await _redeem_several(database, coupon, several)
        except Exception as error:
            for each in several:
                if not each.outcome.done():
                    each.outcome.set_exception(error)
    del rushes[key]


async def _redeem_several(database: Database, coupon: Coupon, several: Sequence[_Waiting]) -> None:
    several = sorted(several, key=lambda each: each.player_id)
    values = _values(coupon, several[-1].now)
    values |= {"player": [each.player_id for each in several], "source": [each.source for each in several]}
    try:
        states: list[str] = await database.session().fetch_value(REDEEM_TOGETHER, **values)
    except asyncpg.PostgresError as error:
        if error.sqlstate != TOO_FEW_LEFT and not isinstance(error, asyncpg.DeadlockDetectedError):
            raise
        for each in several:
            await _redeem_alone(database, coupon, each)
        return
    for each, state in zip(several, states, strict=True):
        _settle(each, coupon, state)


async def _redeem_alone(database: Database, coupon: Coupon, each: _Waiting) -> None:
    try:
        given = await redeem_at_once(database.session(), coupon, each.player_id, source=each.source, now=each.now)
    except Exception as error:
        if not each.outcome.done():
            each.outcome.set_exception(error)
    else:
        if not each.outcome.done():
            each.outcome.set_result(given)


def _settle(each: _Waiting, coupon: Coupon, state: str) -> None:
    if each.outcome.done():
        # Whoever has gone meanwhile has it all the same.
        return
    try:
        each.outcome.set_result(not state or _outcome(state, coupon))
    except (Refusal, UsesExhausted) as refusal:
        each.outcome.set_exception(refusal)


def _outcome(state: str, coupon: Coupon) -> bool:
    """What a state of the function means: a refusal, or False where the general way has to be taken."""
    if state == CHANGED:
        return False
    if state == OWNED:
        raise NON_CONSUMABLE_OWNED(sku=next(iter(coupon.simple.singles.values())))
    if state == TOO_MANY:
        raise OWNED_TOO_MANY(sku=" or ".join(entry["sku"] for entry in coupon.simple.entries))
    assert state in (USED_UP, USED_UP_BY_PLAYER), f"the function has no state {state}"
    raise UsesExhausted(coupon.promotion, is_players=state == USED_UP_BY_PLAYER)


def _values(coupon: Coupon, now: datetime) -> dict[str, object]:
    """The parameters that do not depend on who redeems it."""
    promotion, simple = coupon.promotion, coupon.simple
    limits, window = promotion.limits, window_of(promotion.limits.schedule, now).start
    return {
        "project": promotion.project_id,
        "promotion": promotion.promotion_id,
        # It may have been changed since it was read.
        "updated": promotion.updated_at,
        "code": coupon.code,
        "now": now,
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

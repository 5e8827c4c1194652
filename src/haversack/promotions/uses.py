"""What was used of promotions: read before prices are made, counted when an order is, given back when it ends unpaid.

A use of a discount or bonus counts for its player where it has a limit for each. What has codes counts for the player,
for the code and for everybody, limited or not, so that a limit that is set later knows what was before.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from haversack.database.engine import Session
from haversack.inventory.ledger import (
    LedgerRow,
    promotion_code_row,
    promotion_row,
    promotion_total_row,
)
from haversack.limits.schedule import window_of
from haversack.promotions import use_queries as queries
from haversack.promotions.records import Promotion, PromotionKind, TakenUse
from haversack.promotions.use_queries import UNLIMITED, Take

WORDS = {
    PromotionKind.COUPON: "coupon",
    PromotionKind.PROMO_CODE: "promo code",
    PromotionKind.UNIQUE_OFFER: "unique offer",
}


class UsesExhausted(Exception):
    """A limit leaves nothing: of the promotion, of the code, or of the player (`is_players`). `what`: the wire's word
    for its kind."""

    def __init__(self, promotion: Promotion, *, is_players: bool = False) -> None:
        self.promotion = promotion
        self.what = WORDS.get(promotion.kind, "promotion")
        self.is_players = is_players
        super().__init__(f"the {self.what} has been used as often as it may be")


@dataclass(frozen=True, slots=True)
class Use:
    """A promotion that applies to a purchase, with the code that opened it where it has codes."""

    promotion: Promotion
    code: str | None = None


async def count_uses(
    db: Session,
    project_id: int,
    player_id: UUID,
    uses: Iterable[Use],
    *,
    now: datetime,
    is_final: bool = False,
    before_shared: Callable[[], Awaitable[None]] | None = None,
) -> tuple[tuple[TakenUse, ...], list[LedgerRow]]:
    """Count a use of each promotion for a player, in the caller's transaction, or raise UsesExhausted; the
    caller writes the rows to the ledger once it has locked all else.

    The counts are reserved until `settle_uses` or `uncount_uses` ends them; is_final: they are used
    at once, as coupons are. before_shared: done once the player's own uses are counted, and before the rows are locked
    that all players share.
    """
    assert db.in_transaction, "uses belong to the transaction of what uses them"
    counted = sorted((use for use in uses if _counts(use.promotion)), key=lambda use: use.promotion.promotion_id)
    if not counted:
        return (), []
    windows = await _take_from_player(db, project_id, player_id, counted, now)
    rows = [promotion_row(promotion_id, window_start, 1) for promotion_id, window_start in sorted(windows.items())]
    if before_shared is not None:
        await before_shared()
    rows += await _take_codes(db, project_id, counted, is_final=is_final)
    totals = await _take_totals(db, project_id, counted, is_final=is_final)
    rows += [promotion_total_row(promotion_id, 1) for promotion_id in sorted(totals)]
    taken = tuple(
        TakenUse(
            use.promotion.promotion_id,
            windows[use.promotion.promotion_id],
            use.code,
            use.promotion.promotion_id in totals,
        )
        for use in counted
    )
    return taken, rows


async def uncount_uses(db: Session, project_id: int, player_id: UUID, taken: Sequence[TakenUse]) -> list[LedgerRow]:
    """Give back what an order that ends unpaid has reserved, in its transaction; the caller writes the rows to the
    ledger. What the studio has reset or deleted meanwhile stays as it is."""
    assert db.in_transaction, "uses belong to the transaction of what gives them back"
    rows: list[LedgerRow] = []
    ordered = sorted(taken, key=lambda each: each.promotion_id)
    for each in ordered:
        if await queries.give_back_use(db, project_id, each.promotion_id, player_id, window_start=each.window_start):
            rows.append(promotion_row(each.promotion_id, each.window_start, -1))
    for each in ordered:
        if each.code is not None:
            code_no = await queries.end_code(db, project_id, each.promotion_id, each.code, is_used=False)
            if code_no is not None:
                rows.append(promotion_code_row(each.promotion_id, code_no, -1))
    for each in ordered:
        if each.is_in_total and await queries.end_total(db, project_id, each.promotion_id, is_used=False):
            rows.append(promotion_total_row(each.promotion_id, -1))
    return rows


async def settle_uses(db: Session, project_id: int, taken: Sequence[TakenUse]) -> None:
    """Count as used what a paid order had reserved. The sums of the books stay: a reserved use counts as one."""
    assert db.in_transaction, "uses belong to the transaction of what pays for them"
    ordered = sorted(taken, key=lambda each: each.promotion_id)
    for each in ordered:
        if each.code is not None:
            await queries.end_code(db, project_id, each.promotion_id, each.code, is_used=True)
    for each in ordered:
        if each.is_in_total:
            await queries.end_total(db, project_id, each.promotion_id, is_used=True)


def _counts(promotion: Promotion) -> bool:
    return _has_total(promotion) or promotion.limits.per_user is not None


async def _take_from_player(
    db: Session, project_id: int, player_id: UUID, uses: Sequence[Use], now: datetime
) -> dict[int, datetime]:
    takes = [
        Take(
            use.promotion.promotion_id,
            window_of(use.promotion.limits.schedule, now).start,
            _most(use.promotion.limits.per_user),
        )
        for use in uses
    ]
    windows = await queries.take_uses(db, project_id, player_id, takes, now=now)
    for use in uses:
        if use.promotion.promotion_id not in windows:
            raise UsesExhausted(use.promotion, is_players=True)
    return windows


async def _take_codes(db: Session, project_id: int, uses: Sequence[Use], *, is_final: bool) -> list[LedgerRow]:
    rows = []
    for use in uses:
        if use.code is None:
            continue
        promotion_id, most = use.promotion.promotion_id, _most(use.promotion.limits.per_code)
        code_no = await queries.take_code(db, project_id, promotion_id, use.code, most=most, is_final=is_final)
        if code_no is None:
            raise UsesExhausted(use.promotion)
        rows.append(promotion_code_row(promotion_id, code_no, 1))
    return rows


async def _take_totals(db: Session, project_id: int, uses: Sequence[Use], *, is_final: bool) -> set[int]:
    mosts = {use.promotion.promotion_id: _most(use.promotion.limits.total) for use in uses if _has_total(use.promotion)}
    taken = await queries.take_totals(db, project_id, mosts, is_final=is_final) if mosts else set()
    for use in uses:
        if use.promotion.promotion_id in mosts and use.promotion.promotion_id not in taken:
            raise UsesExhausted(use.promotion)
    return taken


def _has_total(promotion: Promotion) -> bool:
    return promotion.kind.has_codes or promotion.limits.total is not None


def _most(limit: int | None) -> int:
    return UNLIMITED if limit is None else limit

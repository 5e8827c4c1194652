"""Changes of what players may still use of promotions: a studio looks at it, sets it, and lets players begin anew."""

from collections.abc import Callable
from uuid import UUID

from haversack.errors import (
    PROMOTION_LIMIT_OUT_OF_RANGE,
    PROMOTION_WITHOUT_USER_LIMIT,
    ErrorKind,
)
from haversack.http.calls import AdminCall
from haversack.inventory.ledger import promotion_row, write_ledger
from haversack.limits.records import Window
from haversack.limits.rules import since_reset, used_in
from haversack.limits.schedule import window_of
from haversack.login.actions import get_player_id
from haversack.promotions import use_queries as queries
from haversack.promotions.records import Promotion

SOURCE = "studio:limit"


async def find_left(call: AdminCall, promotion: Promotion, external_id: str) -> tuple[int, int]:
    """A player's limit of a promotion: the total and what is left of it."""
    limit, window = _limit_of(promotion), await _window(call, promotion)
    player_id = await get_player_id(call, external_id)
    uses = await queries.find_uses(call.db, call.project_id, promotion.promotion_id, player_id)
    return limit, max(0, limit - used_in(uses, window))


async def add_left(
    call: AdminCall,
    promotion: Promotion,
    external_id: str,
    quantity: int,
    *,
    out_of_range: ErrorKind = PROMOTION_LIMIT_OUT_OF_RANGE,
) -> tuple[int, int]:
    """Let a player use it more often (a negative quantity: less); `out_of_range` beyond the limit and below nothing."""
    return await _change(call, promotion, external_id, lambda left: left + quantity, out_of_range)


async def set_left(
    call: AdminCall,
    promotion: Promotion,
    external_id: str,
    available: int,
    *,
    out_of_range: ErrorKind = PROMOTION_LIMIT_OUT_OF_RANGE,
) -> tuple[int, int]:
    """Set how often a player may still use it; `out_of_range` beyond the limit."""
    return await _change(call, promotion, external_id, lambda _: available, out_of_range)


async def reset_promotion(call: AdminCall, promotion: Promotion, external_id: str | None) -> None:
    """Let a player begin anew with a promotion, or everybody."""
    _limit_of(promotion)
    async with call.db.begin():
        if external_id is None:
            await queries.reset_promotion(call.db, call.project_id, promotion.promotion_id, now=call.now)
        else:
            await _forget(call, await get_player_id(call, external_id), promotion.promotion_id)


async def reset_player(call: AdminCall, external_id: str) -> None:
    """Let a player begin anew with every promotion."""
    async with call.db.begin():
        await _forget(call, await get_player_id(call, external_id), None)


async def _change(
    call: AdminCall, promotion: Promotion, external_id: str, then: Callable[[int], int], out_of_range: ErrorKind
) -> tuple[int, int]:
    limit, promotion_id = _limit_of(promotion), promotion.promotion_id
    async with call.db.begin():
        player_id = await get_player_id(call, external_id)
        window = (await _window(call, promotion)).start
        uses = await queries.lock_uses(call.db, call.project_id, promotion_id, player_id, window=window)
        before = uses.used if uses.window_start >= window else 0
        # A limit that was lowered since leaves less than nothing.
        left = then(limit - before)
        if not 0 <= left <= limit:
            raise out_of_range()
        used = limit - left
        await queries.set_used(call.db, call.project_id, promotion_id, player_id, used=used, window=window)
        # The books begin each window with nothing.
        counted = uses.used if uses.window_start == window else 0
        await write_ledger(
            call.db,
            project_id=call.project_id,
            player_id=player_id,
            source=SOURCE,
            rows=[promotion_row(promotion_id, window, used - counted)],
            now=call.now,
        )
    return limit, left


async def _forget(call: AdminCall, player_id: UUID, promotion_id: int | None) -> None:
    forgotten = await queries.forget_uses(call.db, call.project_id, player_id, promotion_id)
    await write_ledger(
        call.db,
        project_id=call.project_id,
        player_id=player_id,
        source=SOURCE,
        rows=[promotion_row(each, uses.window_start, -uses.used) for each, uses in sorted(forgotten.items())],
        now=call.now,
    )


def _limit_of(promotion: Promotion) -> int:
    if promotion.limits.per_user is None:
        raise PROMOTION_WITHOUT_USER_LIMIT()
    return promotion.limits.per_user


async def _window(call: AdminCall, promotion: Promotion) -> Window:
    reset_at = await queries.find_reset(call.db, call.project_id, promotion.promotion_id)
    return since_reset(window_of(promotion.limits.schedule, call.now), call.now, reset_at=reset_at)

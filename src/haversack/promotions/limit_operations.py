"""Operations with which a studio looks at and changes how often a player may still use a promotion."""

from typing import Annotated

from fastapi import Path, Query

from haversack.errors import (
    PLAYER_UNKNOWN,
    PROMOTION_LIMIT_OUT_OF_RANGE,
    PROMOTION_NOT_FOUND,
    PROMOTION_WITHOUT_USER_LIMIT,
    STORE,
)
from haversack.http.area import Area
from haversack.http.calls import AdminCall
from haversack.limits.wire import (
    AddBody,
    ExternalId,
    ResetAllBody,
    ResetItemBody,
    SetBody,
    UserLimitView,
)
from haversack.promotions import uses_admin
from haversack.promotions.actions import get_promotion
from haversack.promotions.records import Promotion
from haversack.promotions.wire.parts import INT32_MAX

area = Area("user-limits-admin", family=STORE, prefix="/api/v2/project/{project_id}/admin/user/limit/promotion")

REFUSALS = (PROMOTION_NOT_FOUND, PROMOTION_WITHOUT_USER_LIMIT, PLAYER_UNKNOWN)
PromotionIdPath = Annotated[int, Path(ge=1, le=INT32_MAX)]


async def _promotion(call: AdminCall, promotion_id: int) -> Promotion:
    return await get_promotion(call.db, call.project_id, promotion_id)


@area.get("/id/{promotion_id}", errors=REFUSALS)
async def get_user_promotion_limit(
    call: AdminCall, promotion_id: PromotionIdPath, user_external_id: Annotated[ExternalId, Query()]
) -> UserLimitView:
    """Show how often a player may still use a promotion."""
    return UserLimitView.of(await uses_admin.find_left(call, await _promotion(call, promotion_id), user_external_id))


@area.post(
    "/id/{promotion_id}",
    errors=(*REFUSALS, PROMOTION_LIMIT_OUT_OF_RANGE),
    audit="user limit of a promotion raised",
)
async def add_user_promotion_limit(call: AdminCall, promotion_id: PromotionIdPath, body: AddBody) -> UserLimitView:
    """Let a player use a promotion more often."""
    promotion = await _promotion(call, promotion_id)
    return UserLimitView.of(await uses_admin.add_left(call, promotion, body.user.user_external_id, body.available))


@area.put(
    "/id/{promotion_id}",
    errors=(*REFUSALS, PROMOTION_LIMIT_OUT_OF_RANGE),
    audit="user limit of a promotion set",
)
async def set_user_promotion_limit(call: AdminCall, promotion_id: PromotionIdPath, body: SetBody) -> UserLimitView:
    """Set how often a player may still use a promotion."""
    promotion = await _promotion(call, promotion_id)
    return UserLimitView.of(await uses_admin.set_left(call, promotion, body.user.user_external_id, body.available))


@area.delete(
    "/id/{promotion_id}",
    errors=(*REFUSALS, PROMOTION_LIMIT_OUT_OF_RANGE),
    audit="user limit of a promotion lowered",
)
async def remove_user_promotion_limit(call: AdminCall, promotion_id: PromotionIdPath, body: AddBody) -> UserLimitView:
    """Let a player use a promotion less often."""
    promotion = await _promotion(call, promotion_id)
    return UserLimitView.of(await uses_admin.add_left(call, promotion, body.user.user_external_id, -body.available))


@area.delete("/id/{promotion_id}/all", errors=REFUSALS, audit="user limit of a promotion reset")
async def reset_user_promotion_limit(call: AdminCall, promotion_id: PromotionIdPath, body: ResetItemBody) -> None:
    """Let a player begin anew with a promotion; without a user, everybody."""
    promotion = await _promotion(call, promotion_id)
    await uses_admin.reset_promotion(call, promotion, body.user.user_external_id if body.user else None)


@area.delete("/all", errors=(PLAYER_UNKNOWN,), audit="user limits of all promotions reset")
async def reset_all_user_promotions_limit(call: AdminCall, body: ResetAllBody) -> None:
    """Let a player begin anew with every promotion."""
    await uses_admin.reset_player(call, body.user.user_external_id)

"""Operations with which a studio looks at uses of coupons, promo codes and their codes, and changes what is left."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from pydantic import Field

from haversack.errors import (
    COUPON_LIMIT_OUT_OF_RANGE,
    PLAYER_UNKNOWN,
    PROMO_CODE_LIMIT_OUT_OF_RANGE,
    PROMOTION_WITHOUT_USER_LIMIT,
    STORE,
    ErrorKind,
)
from haversack.families import named
from haversack.http.area import Area
from haversack.http.calls import AdminCall
from haversack.limits.wire import AddBody, ExternalId, SetBody, UserLimitView
from haversack.promotions import uses_admin
from haversack.promotions.actions import get_promotion
from haversack.promotions.admin_operations import PAGE_MAX
from haversack.promotions.codes.admin_operations import (
    CODES_PAGE_MAX,
    COUPONS,
    PROMO_CODES,
    CodedFamily,
    ExternalIdPath,
)
from haversack.promotions.codes.queries import count_codes, list_page_of_codes
from haversack.promotions.codes.rules import CODE_LENGTH_MAX
from haversack.promotions.codes.wire.admin import CodeLimitsView
from haversack.promotions.records import Promotion
from haversack.promotions.wire.parts import INT32_MAX

NAMED_MAX = 1_000

UserId = Annotated[ExternalId, Query(alias="user_external_id")]
AskedCode = Annotated[str, Field(min_length=1, max_length=CODE_LENGTH_MAX)]
AskedCodes = Annotated[
    list[AskedCode] | None, Query(alias="codes[]", max_length=NAMED_MAX, description="these codes alone")
]
Limit = Annotated[int, Query(ge=1)]
Offset = Annotated[int, Query(ge=0, le=INT32_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitFamily:
    """A kind whose limits a studio looks at; `one` stands in the names of the operations."""

    area: Area
    family: CodedFamily
    one: str
    out_of_range: ErrorKind

    @property
    def refusals(self) -> tuple[ErrorKind, ...]:
        """What all calls on a player's limit refuse."""
        return (self.family.missing, PROMOTION_WITHOUT_USER_LIMIT, PLAYER_UNKNOWN)

    def url(self, of: str) -> str:
        """Where the operations are; of: user or code."""
        return f"/v2/project/{{project_id}}/admin/{of}/limit/{self.family.path}/external_id/{{external_id}}"

    async def promotion(self, call: AdminCall, external_id: str) -> Promotion:
        """The promotion of an external id."""
        return await get_promotion(call.db, call.project_id, external_id, self.family.kind, missing=self.family.missing)


coupons_area = Area("promotions-coupons", family=STORE, prefix="/api")
promo_codes_area = Area("promotions-promo-codes", family=STORE, prefix="/api")
LIMIT_FAMILIES = (
    LimitFamily(area=coupons_area, family=COUPONS, one="coupon", out_of_range=COUPON_LIMIT_OUT_OF_RANGE),
    LimitFamily(
        area=promo_codes_area, family=PROMO_CODES, one="promo_code", out_of_range=PROMO_CODE_LIMIT_OUT_OF_RANGE
    ),
)


def _declare_get(limits: LimitFamily) -> None:
    async def get_operation(call: AdminCall, external_id: ExternalIdPath, user_id: UserId) -> UserLimitView:
        return UserLimitView.of(await uses_admin.find_left(call, await limits.promotion(call, external_id), user_id))

    sentence = f"Show how often a player may still use a {limits.family.words}."
    limits.area.get(limits.url("user"), errors=limits.refusals)(
        named(get_operation, f"get_{limits.one}_user_limit", sentence)
    )


def _declare_add(limits: LimitFamily) -> None:
    async def add_operation(call: AdminCall, external_id: ExternalIdPath, body: AddBody) -> UserLimitView:
        promotion, user_id = await limits.promotion(call, external_id), body.user.user_external_id
        left = await uses_admin.add_left(call, promotion, user_id, body.available, out_of_range=limits.out_of_range)
        return UserLimitView.of(left)

    sentence = f"Let a player use a {limits.family.words} more often."
    limits.area.post(
        limits.url("user"),
        errors=(*limits.refusals, limits.out_of_range),
        audit=f"user limit of a {limits.family.words} raised",
    )(named(add_operation, f"add_{limits.one}_user_promotion_limit", sentence))


def _declare_set(limits: LimitFamily) -> None:
    async def set_operation(call: AdminCall, external_id: ExternalIdPath, body: SetBody) -> UserLimitView:
        promotion, user_id = await limits.promotion(call, external_id), body.user.user_external_id
        left = await uses_admin.set_left(call, promotion, user_id, body.available, out_of_range=limits.out_of_range)
        return UserLimitView.of(left)

    sentence = f"Set how often a player may still use a {limits.family.words}."
    limits.area.put(
        limits.url("user"),
        errors=(*limits.refusals, limits.out_of_range),
        audit=f"user limit of a {limits.family.words} set",
    )(named(set_operation, f"set_{limits.one}_user_promotion_limit", sentence))


def _declare_remove(limits: LimitFamily) -> None:
    async def remove_operation(call: AdminCall, external_id: ExternalIdPath, body: AddBody) -> UserLimitView:
        promotion, user_id = await limits.promotion(call, external_id), body.user.user_external_id
        left = await uses_admin.add_left(call, promotion, user_id, -body.available, out_of_range=limits.out_of_range)
        return UserLimitView.of(left)

    sentence = f"Let a player use a {limits.family.words} less often."
    limits.area.delete(
        limits.url("user"),
        errors=(*limits.refusals, limits.out_of_range),
        audit=f"user limit of a {limits.family.words} lowered",
    )(named(remove_operation, f"remove_{limits.one}_user_promotion_limit", sentence))


def _declare_code_limit(limits: LimitFamily) -> None:
    async def code_limit_operation(
        call: AdminCall,
        external_id: ExternalIdPath,
        codes: AskedCodes = None,
        limit: Limit = PAGE_MAX,
        offset: Offset = 0,
    ) -> CodeLimitsView:
        promotion = await limits.promotion(call, external_id)
        page = await list_page_of_codes(
            call.db,
            call.project_id,
            promotion.promotion_id,
            limit=min(limit, CODES_PAGE_MAX),
            offset=offset,
            named=codes,
        )
        total = await count_codes(call.db, call.project_id, promotion.promotion_id, named=codes)
        return CodeLimitsView.of(promotion, page, offset=offset, total=total)

    sentence = f"Show how often the codes of a {limits.family.words} have been used, and may still be."
    limits.area.get(limits.url("code"), errors=(limits.family.missing,))(
        named(code_limit_operation, f"get_{limits.one}_code_limit", sentence)
    )


for _limits in LIMIT_FAMILIES:
    _declare_get(_limits)
    _declare_add(_limits)
    _declare_set(_limits)
    _declare_remove(_limits)
    _declare_code_limit(_limits)

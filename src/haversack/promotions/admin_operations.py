"""The studio's operations on discounts and bonuses, and those on promotions of every kind.

v2 and v3 differ by how they say when a promotion runs, and in their names: those of v3 end so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, Field

from haversack.catalog.items.queries import list_items_by_ids
from haversack.catalog.items.related import load_related
from haversack.errors import (
    CODE_NOT_FOUND,
    PROMOTION_NOT_FOUND,
    PROMOTION_NOT_SWITCHED,
    PROMOTION_UNKNOWN,
    STORE,
    ErrorKind,
)
from haversack.families import named
from haversack.http.area import Area
from haversack.http.calls import AdminCall
from haversack.http.wire import WireModel
from haversack.promotions import actions, queries
from haversack.promotions.drafts import named_item_ids
from haversack.promotions.records import Promotion, PromotionKind
from haversack.promotions.use_queries import find_total
from haversack.promotions.wire.item_promotions import (
    BonusPromotionBodyV2,
    BonusPromotionBodyV3,
    BonusPromotionViewV2,
    BonusPromotionViewV3,
    DiscountBodyV2,
    DiscountBodyV3,
    DiscountViewV2,
    DiscountViewV3,
    PromotionBody,
)
from haversack.promotions.wire.overview import (
    OverviewViewV2,
    OverviewViewV3,
    RedeemableViewV2,
    RedeemableViewV3,
)
from haversack.promotions.wire.parts import INT32_MAX, PromotionIdView, PromotionPageView

discounts_area = Area("promotions-discounts", family=STORE, prefix="/api")
bonuses_area = Area("promotions-bonuses", family=STORE, prefix="/api")
common_area = Area("promotions-common", family=STORE, prefix="/api")

PAGE_MAX = 50
ROOT = "/project/{project_id}/admin/promotion"

PromotionIdPath = Annotated[int, Path(ge=1, le=INT32_MAX)]
CodePath = Annotated[str, Path(min_length=1, max_length=128)]


class PromotionPageQuery(WireModel):
    """Which page of a list; at most 50 promotions at once."""

    limit: int = Field(default=PAGE_MAX, ge=1)
    offset: int = Field(default=0, ge=0, le=INT32_MAX)


class OverviewPageQuery(PromotionPageQuery):
    """The same of promotions that are enabled (1) or not (0)."""

    enabled: Literal["0", "1"] | None = None


PromotionPage = Annotated[PromotionPageQuery, Query()]
OverviewPage = Annotated[OverviewPageQuery, Query()]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionFamily:
    """A kind of promotion in a version of the wire. `one` stands in the names of its operations."""

    area: Area
    kind: PromotionKind
    version: str
    path: str
    one: str
    words: str
    body: type[BaseModel]
    view: Any
    # What the update refuses where the promotion is not there: one of v2 has no 404.
    missing: ErrorKind = PROMOTION_NOT_FOUND

    def name(self, verb: str, rest: str = "") -> str:
        """An operation's name."""
        return f"{verb}_{self.one}{rest}{'_v3' if self.version == 'v3' else ''}"


FAMILIES = (
    PromotionFamily(
        area=discounts_area,
        kind=PromotionKind.DISCOUNT,
        version="v2",
        path="item",
        one="item_promotion",
        words="discount",
        body=DiscountBodyV2,
        view=DiscountViewV2,
    ),
    PromotionFamily(
        area=discounts_area,
        kind=PromotionKind.DISCOUNT,
        version="v3",
        path="item",
        one="item_promotion",
        words="discount",
        body=DiscountBodyV3,
        view=DiscountViewV3,
    ),
    PromotionFamily(
        area=bonuses_area,
        kind=PromotionKind.BONUS,
        version="v2",
        path="bonus",
        one="bonus_promotion",
        words="bonus",
        body=BonusPromotionBodyV2,
        view=BonusPromotionViewV2,
        missing=PROMOTION_UNKNOWN,
    ),
    PromotionFamily(
        area=bonuses_area,
        kind=PromotionKind.BONUS,
        version="v3",
        path="bonus",
        one="bonus_promotion",
        words="bonus",
        body=BonusPromotionBodyV3,
        view=BonusPromotionViewV3,
    ),
)

# -- Discounts and bonuses ------------------------------------------------------------------------------------------


async def skus_of(call: AdminCall, promotions: Sequence[Promotion]) -> Mapping[int, str]:
    """The SKUs of all items that promotions name, by id, without deleted ones."""
    item_ids = {item_id for promotion in promotions for item_id in named_item_ids(promotion)}
    return await queries.find_skus(call.db, call.project_id, item_ids)


def _declare_create(family: PromotionFamily) -> None:
    async def create_operation(call: AdminCall, body: PromotionBody) -> PromotionIdView:
        return PromotionIdView(promotion_id=await actions.create_promotion(call, body.draft(call.now)))

    family.area.post(f"/{family.version}{ROOT}/{family.path}", status=201, audit=f"{family.words} created")(
        named(create_operation, family.name("create"), f"Create a {family.words}.", body=family.body)
    )


def _declare_list(family: PromotionFamily) -> None:
    async def list_operation(call: AdminCall, page: PromotionPage) -> Any:
        kinds = (family.kind,)
        limit = min(page.limit, PAGE_MAX)
        found = await queries.list_page_of_promotions(call.db, call.project_id, kinds, limit=limit, offset=page.offset)
        total, active = await queries.count_promotions(call.db, call.project_id, kinds, now=call.now)
        skus = await skus_of(call, found)
        return PromotionPageView[family.view](  # type: ignore[name-defined]
            promotions=[family.view.of(promotion, skus, call.now) for promotion in found],
            total_promotions_count=total,
            active_promotions_count=active,
            inactive_promotions_count=total - active,
        )

    name, sentence = family.name("get", "_list"), f"Get a page of the {family.words} promotions, by their ids."
    answer = PromotionPageView[family.view]  # type: ignore[name-defined]
    family.area.get(f"/{family.version}{ROOT}/{family.path}")(
        named(list_operation, name, sentence, **{"return": answer})
    )


def _declare_get(family: PromotionFamily) -> None:
    async def get_operation(call: AdminCall, promotion_id: PromotionIdPath) -> Any:
        found = await actions.get_promotion(call.db, call.project_id, promotion_id, family.kind)
        return family.view.of(found, await skus_of(call, [found]), call.now)

    family.area.get(f"/{family.version}{ROOT}/{{promotion_id}}/{family.path}", errors=(PROMOTION_NOT_FOUND,))(
        named(get_operation, family.name("get"), f"Get a {family.words}.", **{"return": family.view})
    )


def _declare_update(family: PromotionFamily) -> None:
    async def update_operation(call: AdminCall, promotion_id: PromotionIdPath, body: PromotionBody) -> None:
        await actions.update_promotion(call, body.draft(call.now), promotion_id, missing=family.missing)

    sentence = f"Replace a {family.words}. What is left out falls back to its default; enabled stays as it is."
    family.area.put(
        f"/{family.version}{ROOT}/{{promotion_id}}/{family.path}",
        status=204,
        errors=(family.missing,),
        audit=f"{family.words} replaced",
    )(named(update_operation, family.name("update"), sentence, body=family.body))


def _declare_delete(family: PromotionFamily) -> None:
    async def delete_operation(call: AdminCall, promotion_id: PromotionIdPath) -> None:
        await actions.delete_promotion(call, family.kind, promotion_id)

    family.area.delete(
        f"/{family.version}{ROOT}/{{promotion_id}}/{family.path}",
        status=204,
        errors=(PROMOTION_NOT_FOUND,),
        audit=f"{family.words} deleted",
    )(named(delete_operation, family.name("delete"), f"Delete a {family.words} for good."))


for _family in FAMILIES:
    _declare_create(_family)
    _declare_list(_family)
    _declare_get(_family)
    _declare_update(_family)
    _declare_delete(_family)

# -- All kinds ------------------------------------------------------------------------------------------------------


async def _overview(call: AdminCall, page: OverviewPageQuery, view: Any) -> Any:
    found = await queries.list_page_of_promotions(
        call.db,
        call.project_id,
        None,
        limit=min(page.limit, PAGE_MAX),
        offset=page.offset,
        is_enabled=None if page.enabled is None else page.enabled == "1",
    )
    total, active = await queries.count_promotions(call.db, call.project_id, None, now=call.now)
    named = sorted({item_id for promotion in found for item_id in named_item_ids(promotion)})
    items = await list_items_by_ids(call.db, call.project_id, named) if named else []
    related = await load_related(call.db, call.project_id, items)
    by_id = {item.item_id: item for item in items}
    return PromotionPageView[view](
        promotions=[view.of(promotion, by_id, related, call.now) for promotion in found],
        total_promotions_count=total,
        active_promotions_count=active,
        inactive_promotions_count=total - active,
    )


@common_area.get(f"/v2{ROOT}")
async def get_promotion_list(call: AdminCall, page: OverviewPage) -> PromotionPageView[OverviewViewV2]:
    """Get a page of the promotions of every kind, by their ids; the counts are of all of them."""
    shown = await _overview(call, page, OverviewViewV2)
    assert isinstance(shown, PromotionPageView)
    return shown


@common_area.get(f"/v3{ROOT}")
async def get_promotion_list_v3(call: AdminCall, page: OverviewPage) -> PromotionPageView[OverviewViewV3]:
    """Get a page of the promotions of every kind, by their ids; the counts are of all of them."""
    shown = await _overview(call, page, OverviewViewV3)
    assert isinstance(shown, PromotionPageView)
    return shown


@common_area.put(
    f"/v2{ROOT}/{{promotion_id}}/activate",
    status=204,
    errors=(PROMOTION_UNKNOWN, PROMOTION_NOT_SWITCHED),
    audit="promotion switched on",
)
async def activate_promotion(call: AdminCall, promotion_id: PromotionIdPath) -> None:
    """Switch a promotion of any kind on."""
    await actions.switch_promotion(call, promotion_id, is_enabled=True, missing=PROMOTION_UNKNOWN)


@common_area.put(
    f"/v2{ROOT}/{{promotion_id}}/deactivate", status=204, errors=(PROMOTION_UNKNOWN,), audit="promotion switched off"
)
async def deactivate_promotion(call: AdminCall, promotion_id: PromotionIdPath) -> None:
    """Switch a promotion of any kind off."""
    await actions.switch_promotion(call, promotion_id, is_enabled=False, missing=PROMOTION_UNKNOWN)


async def _behind_code(call: AdminCall, code: str, view: Any) -> Any:
    found = await queries.find_by_code(call.db, call.project_id, code)
    if found is None:
        raise CODE_NOT_FOUND()
    promotion = found.promotion
    counts = await find_total(call.db, call.project_id, promotion.promotion_id)
    return view.of(promotion, await skus_of(call, [promotion]), counts, call.now)


@common_area.get(f"/v2{ROOT}/redeemable/code/{{code}}", errors=(CODE_NOT_FOUND,))
async def get_redeemable_promotion_by_code(call: AdminCall, code: CodePath) -> RedeemableViewV2:
    """Get the coupon, promo code or unique offer that a code opens, whether it may be used or not."""
    shown = await _behind_code(call, code, RedeemableViewV2)
    assert isinstance(shown, RedeemableViewV2)
    return shown


@common_area.get(f"/v3{ROOT}/redeemable/code/{{code}}", errors=(CODE_NOT_FOUND,))
async def get_redeemable_promotion_by_code_v3(call: AdminCall, code: CodePath) -> RedeemableViewV3:
    """Get the coupon, promo code or unique offer that a code opens, whether it may be used or not."""
    shown = await _behind_code(call, code, RedeemableViewV3)
    assert isinstance(shown, RedeemableViewV3)
    return shown

"""The studio's operations on coupons, promo codes and unique offers, and on their codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, Field

from haversack.errors import (
    CODE_EXISTS,
    COUPON_NOT_FOUND,
    PROMO_CODE_NOT_FOUND,
    PROMOTION_NOT_SWITCHED,
    STORE,
    ErrorKind,
)
from haversack.families import named
from haversack.http.area import Area
from haversack.http.calls import AdminCall
from haversack.http.wire import WireModel
from haversack.promotions import actions
from haversack.promotions.admin_operations import PAGE_MAX, PromotionPage, skus_of
from haversack.promotions.codes import actions as code_actions
from haversack.promotions.codes.queries import count_codes, list_page_of_codes, list_totals
from haversack.promotions.codes.wire.admin import (
    AddCodeBody,
    CodedBody,
    CodedPageView,
    CodesView,
    CodeView,
    CouponBodyV2,
    CouponBodyV3,
    CouponViewV2,
    CouponViewV3,
    GenerateCodesBody,
    GeneratedView,
    NewCouponBodyV2,
    NewCouponBodyV3,
    NewPromoCodeBodyV2,
    NewPromoCodeBodyV3,
    NewPromotionView,
    NewUniqueOfferBodyV2,
    NewUniqueOfferBodyV3,
    PromoCodeBodyV2,
    PromoCodeBodyV3,
    PromoCodeViewV2,
    PromoCodeViewV3,
    UniqueOfferBodyV2,
    UniqueOfferBodyV3,
    UniqueOfferViewV2,
    UniqueOfferViewV3,
)
from haversack.promotions.queries import count_promotions, list_page_of_promotions
from haversack.promotions.records import Promotion, PromotionKind
from haversack.promotions.wire.parts import INT32_MAX

coupons_area = Area("promotions-coupons", family=STORE, prefix="/api")
promo_codes_area = Area("promotions-promo-codes", family=STORE, prefix="/api")
unique_offers_area = Area("promotions-unique-catalog-offers", family=STORE, prefix="/api")

ExternalIdPath = Annotated[str, Path(min_length=1, max_length=255)]
# Codes are short, and there may be a million of them.
CODES_PAGE_MAX = 1_000


class CodesPageQuery(WireModel):
    """Which page of codes; at most 1,000 at once."""

    limit: int = Field(default=PAGE_MAX, ge=1)
    offset: int = Field(default=0, ge=0, le=INT32_MAX)


CodesPage = Annotated[CodesPageQuery, Query()]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedForm:
    """A kind as a version of the wire has it."""

    version: str
    new: type[BaseModel]
    body: type[BaseModel]
    view: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedFamily:
    """A kind of promotion that has codes. `names` are those of its operations: the contract's have no pattern."""

    area: Area
    kind: PromotionKind
    path: str
    words: str
    missing: ErrorKind
    names: dict[str, str]
    forms: tuple[CodedForm, CodedForm]

    def url(self, rest: str = "", *, version: str = "v2") -> str:
        """Where its operations are."""
        return f"/{version}/project/{{project_id}}/admin/{self.path}{rest}"

    def name(self, verb: str, form: CodedForm) -> str:
        """The name of an operation that both versions have."""
        return f"{self.names[verb]}{'_v3' if form.version == 'v3' else ''}"


ONE = "/{external_id}"
COUPONS = CodedFamily(
    area=coupons_area,
    kind=PromotionKind.COUPON,
    path="coupon",
    words="coupon",
    missing=COUPON_NOT_FOUND,
    names={
        "create": "admin_create_coupon",
        "list": "get_coupons",
        "get": "get_coupon",
        "update": "update_coupon_promotion",
        "delete": "delete_coupon_promotion",
        "activate": "activate_coupon",
        "deactivate": "deactivate_coupon",
        "add code": "create_coupon_code",
        "list codes": "get_coupon_codes",
        "generate codes": "generate_coupon_codes",
    },
    forms=(
        CodedForm(version="v2", new=NewCouponBodyV2, body=CouponBodyV2, view=CouponViewV2),
        CodedForm(version="v3", new=NewCouponBodyV3, body=CouponBodyV3, view=CouponViewV3),
    ),
)
PROMO_CODES = CodedFamily(
    area=promo_codes_area,
    kind=PromotionKind.PROMO_CODE,
    path="promocode",
    words="promo code",
    missing=PROMO_CODE_NOT_FOUND,
    names={
        "create": "create_promo_code",
        "list": "get_promo_codes",
        "get": "get_promo_code",
        "update": "update_promo_code",
        "delete": "delete_promo_code",
        "activate": "activate_promo_code",
        "deactivate": "deactivate_promo_code",
        "add code": "create_promo_code_code",
        "list codes": "get_promocode_codes",
        "generate codes": "generate_promo_code_codes",
    },
    forms=(
        CodedForm(version="v2", new=NewPromoCodeBodyV2, body=PromoCodeBodyV2, view=PromoCodeViewV2),
        CodedForm(version="v3", new=NewPromoCodeBodyV3, body=PromoCodeBodyV3, view=PromoCodeViewV3),
    ),
)
UNIQUE_OFFERS = CodedFamily(
    area=unique_offers_area,
    kind=PromotionKind.UNIQUE_OFFER,
    path="unique_catalog_offer",
    words="unique offer",
    missing=COUPON_NOT_FOUND,
    names={
        "create": "admin_create_unique_catalog_offer",
        "list": "get_unique_catalog_offers",
        "get": "get_unique_catalog_offer",
        "update": "update_unique_catalog_offer_promotion",
        "delete": "delete_unique_catalog_offer_promotion",
        "activate": "activate_unique_catalog_offer",
        "deactivate": "deactivate_unique_catalog_offer",
        "add code": "create_unique_catalog_offer_code",
        "list codes": "get_unique_catalog_offer_codes",
        "generate codes": "generate_unique_catalog_offer_codes",
    },
    forms=(
        CodedForm(version="v2", new=NewUniqueOfferBodyV2, body=UniqueOfferBodyV2, view=UniqueOfferViewV2),
        CodedForm(version="v3", new=NewUniqueOfferBodyV3, body=UniqueOfferBodyV3, view=UniqueOfferViewV3),
    ),
)
FAMILIES = (COUPONS, PROMO_CODES, UNIQUE_OFFERS)


async def _views(call: AdminCall, form: CodedForm, promotions: Sequence[Promotion]) -> list[Any]:
    skus = await skus_of(call, promotions)
    totals = await list_totals(call.db, call.project_id, [each.promotion_id for each in promotions])
    return [form.view.of(each, skus, totals.get(each.promotion_id, (0, 0)), call.now) for each in promotions]


# -- Promotions -----------------------------------------------------------------------------------------------------


def _declare_create(family: CodedFamily, form: CodedForm) -> None:
    async def create_operation(call: AdminCall, body: CodedBody) -> NewPromotionView:
        draft = body.draft(call.now)
        assert draft.external_id is not None, "the body of a new one has it"
        await actions.create_promotion(call, draft)
        return NewPromotionView(external_id=draft.external_id)

    sentence = f"Create a {family.words}, switched off."
    family.area.post(family.url(version=form.version), status=201, audit=f"{family.words} created")(
        named(create_operation, family.name("create", form), sentence, body=form.new)
    )


def _declare_list(family: CodedFamily, form: CodedForm) -> None:
    async def list_operation(call: AdminCall, page: PromotionPage) -> Any:
        kinds, limit = (family.kind,), min(page.limit, PAGE_MAX)
        found = await list_page_of_promotions(call.db, call.project_id, kinds, limit=limit, offset=page.offset)
        total, active = await count_promotions(call.db, call.project_id, kinds, now=call.now)
        return CodedPageView[form.view](  # type: ignore[name-defined]
            items=await _views(call, form, found),
            total_promotions_count=total,
            active_promotions_count=active,
            inactive_promotions_count=total - active,
        )

    answer = CodedPageView[form.view]  # type: ignore[name-defined]
    sentence = f"Get a page of the {family.words} promotions, the oldest first."
    family.area.get(family.url(version=form.version))(
        named(list_operation, family.name("list", form), sentence, **{"return": answer})
    )


def _declare_get(family: CodedFamily, form: CodedForm) -> None:
    async def get_operation(call: AdminCall, external_id: ExternalIdPath) -> Any:
        found = await actions.get_promotion(call.db, call.project_id, external_id, family.kind, missing=family.missing)
        return (await _views(call, form, [found]))[0]

    family.area.get(family.url(ONE, version=form.version), errors=(family.missing,))(
        named(get_operation, family.name("get", form), f"Get a {family.words}.", **{"return": form.view})
    )


def _declare_update(family: CodedFamily, form: CodedForm) -> None:
    async def update_operation(call: AdminCall, external_id: ExternalIdPath, body: CodedBody) -> None:
        await actions.update_promotion(call, body.draft(call.now), external_id, missing=family.missing)

    sentence = f"Replace a {family.words}. What is left out falls back to its default; enabled stays as it is."
    family.area.put(
        family.url(ONE, version=form.version),
        status=204,
        errors=(family.missing,),
        audit=f"{family.words} replaced",
    )(named(update_operation, family.name("update", form), sentence, body=form.body))


def _declare_delete(family: CodedFamily, form: CodedForm) -> None:
    async def delete_operation(call: AdminCall, external_id: ExternalIdPath) -> None:
        await actions.delete_promotion(call, family.kind, external_id, missing=family.missing)

    sentence = f"Delete a {family.words} for good. Its codes may be given to another promotion."
    family.area.delete(
        family.url(ONE, version=form.version),
        status=204,
        errors=(family.missing,),
        audit=f"{family.words} deleted",
    )(named(delete_operation, family.name("delete", form), sentence))


def _declare_activate(family: CodedFamily) -> None:
    async def activate_operation(call: AdminCall, external_id: ExternalIdPath) -> None:
        await actions.switch_promotion(call, external_id, family.kind, is_enabled=True, missing=family.missing)

    family.area.put(
        family.url(f"{ONE}/activate"),
        status=204,
        errors=(family.missing, PROMOTION_NOT_SWITCHED),
        audit=f"{family.words} switched on",
    )(named(activate_operation, family.names["activate"], f"Switch a {family.words} on."))


def _declare_deactivate(family: CodedFamily) -> None:
    async def deactivate_operation(call: AdminCall, external_id: ExternalIdPath) -> None:
        await actions.switch_promotion(call, external_id, family.kind, is_enabled=False, missing=family.missing)

    family.area.put(
        family.url(f"{ONE}/deactivate"),
        status=204,
        errors=(family.missing,),
        audit=f"{family.words} switched off",
    )(named(deactivate_operation, family.names["deactivate"], f"Switch a {family.words} off."))


# -- Codes ----------------------------------------------------------------------------------------------------------


def _declare_add_code(family: CodedFamily) -> None:
    async def add_code_operation(call: AdminCall, external_id: ExternalIdPath, body: AddCodeBody) -> CodeView:
        await code_actions.add_code(call, family.kind, external_id, body.coupon_code, missing=family.missing)
        return CodeView(code=body.coupon_code)

    family.area.post(
        family.url(f"{ONE}/code"),
        status=201,
        errors=(family.missing, CODE_EXISTS),
        audit=f"code of a {family.words} added",
    )(named(add_code_operation, family.names["add code"], f"Add a code to a {family.words}."))


def _declare_list_codes(family: CodedFamily) -> None:
    async def list_codes_operation(call: AdminCall, external_id: ExternalIdPath, page: CodesPage) -> CodesView:
        promotion = await actions.get_promotion(
            call.db, call.project_id, external_id, family.kind, missing=family.missing
        )
        limit = min(page.limit, CODES_PAGE_MAX)
        found = await list_page_of_codes(
            call.db, call.project_id, promotion.promotion_id, limit=limit, offset=page.offset
        )
        total = await count_codes(call.db, call.project_id, promotion.promotion_id)
        return CodesView(codes=[CodeView(code=each.code) for each in found], total_count=total)

    sentence = f"Get a page of the codes of a {family.words}, in the order in which they were added."
    family.area.get(family.url(f"{ONE}/code"), errors=(family.missing,))(
        named(list_codes_operation, family.names["list codes"], sentence)
    )


def _declare_generate_codes(family: CodedFamily) -> None:
    async def generate_operation(
        call: AdminCall, external_id: ExternalIdPath, body: GenerateCodesBody
    ) -> GeneratedView:
        await code_actions.generate_codes(call, family.kind, external_id, body.count, missing=family.missing)
        return GeneratedView(count=body.count)

    sentence = f"Make many random codes for a {family.words}, none of which the project has yet."
    family.area.put(
        family.url(f"{ONE}/code/generate"),
        errors=(family.missing,),
        audit=f"codes of a {family.words} generated",
    )(named(generate_operation, family.names["generate codes"], sentence))


for _family in FAMILIES:
    for _form in _family.forms:
        _declare_create(_family, _form)
        _declare_list(_family, _form)
        _declare_get(_family, _form)
        _declare_update(_family, _form)
        _declare_delete(_family, _form)
    _declare_activate(_family)
    _declare_deactivate(_family)
    _declare_add_code(_family)
    _declare_list_codes(_family)
    _declare_generate_codes(_family)

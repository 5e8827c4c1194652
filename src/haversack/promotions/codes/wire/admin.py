"""Coupons, promo codes, unique offers and their codes as a studio writes and reads them, in v2 and v3."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, Protocol, Self, TypeVar

from pydantic import AfterValidator, Field

from haversack.catalog.items.wire.parts import Sku, StrictBody
from haversack.catalog.records import Period
from haversack.errors import Fault
from haversack.http.wire import WireModel
from haversack.promotions.codes.queries import CodeUses
from haversack.promotions.codes.rules import CODE_LENGTH_MAX, CODE_PATTERN
from haversack.promotions.drafts import NamedItem, PromotionDraft
from haversack.promotions.records import Promotion, PromotionKind, RevealedItems
from haversack.promotions.wire.dates import DatesBody, DatesView, PeriodsBody, PeriodsView
from haversack.promotions.wire.item_promotions import named_bonuses
from haversack.promotions.wire.overview import DiscountedItemView, whole_percents
from haversack.promotions.wire.parts import (
    ITEMS_MAX,
    AttributeConditionsBody,
    AttributeConditionsView,
    AttributeConditionView,
    BonusesBody,
    BonusView,
    DiscountBody,
    DiscountView,
    ExcludedBody,
    ExternalId,
    NameBody,
    Percent,
    PriceConditionsBody,
    PriceConditionView,
    RedeemLimitsBody,
    TotalLimitStateView,
    attribute_conditions,
    comparisons,
    is_none,
)

GENERATED_MAX = 100_000

Code = Annotated[str, Field(min_length=1, max_length=CODE_LENGTH_MAX, pattern=CODE_PATTERN)]


class CodedBody(Protocol):
    """A body of a kind with codes, in either version."""

    def draft(self, now: datetime) -> PromotionDraft:
        """The promotion as it is given. A new one is switched off."""


class _CodedFields(RedeemLimitsBody):
    """What all kinds with codes have in both versions."""

    name: NameBody

    def shared(self, periods: tuple[Period, ...]) -> dict[str, Any]:
        """The members of the draft that all kinds have."""
        return {
            "name": self.name,
            # Bodies of updates have none: it stays as it is.
            "external_id": getattr(self, "external_id", None),
            "is_enabled": False,
            "periods": periods,
            "limits": self.limits,
        }


class _New(StrictBody):
    external_id: ExternalId


# -- Coupons --------------------------------------------------------------------------------------------------------


class _CouponFields(_CodedFields):
    """A code that gives items at once."""

    bonus: BonusesBody | None = None
    attribute_conditions: AttributeConditionsBody | None = None

    def _draft(self, periods: tuple[Period, ...]) -> PromotionDraft:
        return PromotionDraft(
            kind=PromotionKind.COUPON,
            bonuses=named_bonuses(self.bonus),
            attributes=attribute_conditions(self.attribute_conditions),
            **self.shared(periods),
        )


class CouponBodyV2(DatesBody, _CouponFields):
    """A coupon."""

    def draft(self, now: datetime) -> PromotionDraft:
        """The coupon as it is given."""
        return self._draft(self.periods)


class CouponBodyV3(PeriodsBody, _CouponFields):
    """A coupon."""

    def draft(self, now: datetime) -> PromotionDraft:
        """The coupon as it is given."""
        return self._draft(self.periods)


class NewCouponBodyV2(CouponBodyV2, _New):
    """A new coupon."""


class NewCouponBodyV3(CouponBodyV3, _New):
    """A new coupon."""


class _CodedFieldsView(WireModel):
    """What all kinds with codes have in both versions."""

    external_id: str
    name: dict[str, str]
    is_enabled: bool
    redeem_total_limit: int | None
    redeem_user_limit: int | None
    redeem_code_limit: int | None
    total_limit_state: TotalLimitStateView | None


def _coded(promotion: Promotion, counts: tuple[int, int]) -> dict[str, Any]:
    """What views of every kind have; `counts` is how often it has been used and is reserved."""
    return {
        "external_id": promotion.external_id,
        "name": dict(promotion.name),
        "is_enabled": promotion.is_enabled,
        "redeem_total_limit": promotion.limits.total,
        "redeem_user_limit": promotion.limits.per_user,
        "redeem_code_limit": promotion.limits.per_code,
        "total_limit_state": TotalLimitStateView.of(promotion.limits.total, *counts),
    }


class _CouponFieldsView(_CodedFieldsView):
    bonus: list[BonusView] | None
    attribute_conditions: AttributeConditionsView


def _coupon(promotion: Promotion, skus: Mapping[int, str], counts: tuple[int, int]) -> dict[str, Any]:
    return {
        "bonus": BonusView.of_promotion(promotion, skus),
        "attribute_conditions": AttributeConditionView.of_promotion(promotion),
        **_coded(promotion, counts),
    }


class CouponViewV2(DatesView, _CouponFieldsView):
    """A coupon."""

    @classmethod
    def of(cls, promotion: Promotion, skus: Mapping[int, str], counts: tuple[int, int], now: datetime) -> Self:
        """The view of a coupon."""
        return cls(**_coupon(promotion, skus, counts), **cls.members(promotion, now))


class CouponViewV3(PeriodsView, _CouponFieldsView):
    """A coupon."""

    @classmethod
    def of(cls, promotion: Promotion, skus: Mapping[int, str], counts: tuple[int, int], now: datetime) -> Self:
        """The view of a coupon."""
        return cls(**_coupon(promotion, skus, counts), **cls.members(promotion, now))


# -- Promo codes ----------------------------------------------------------------------------------------------------


class WholeDiscountBody(StrictBody):
    """Percents off the whole cart, or off what item_price_conditions choose; null: none."""

    percent: Percent | None


class DiscountedItemBody(StrictBody):
    """Percents off one item."""

    sku: Sku
    discount: DiscountBody


DiscountedItems = Annotated[list[DiscountedItemBody], Field(min_length=1, max_length=ITEMS_MAX)]


class _PromoCodeFields(_CodedFields):
    """A code that makes a cart cheaper, or puts items into it."""

    bonus: BonusesBody | None = None
    discount: WholeDiscountBody | None = None
    discounted_items: DiscountedItems | None = None
    attribute_conditions: AttributeConditionsBody | None = None
    price_conditions: PriceConditionsBody | None = None
    item_price_conditions: PriceConditionsBody | None = None
    excluded_promotions: ExcludedBody | None = None

    def _faults(self) -> tuple[Fault, ...]:
        items = self.discounted_items or ()
        if items and (self.price_conditions or self.item_price_conditions):
            message = "must be null beside price_conditions or item_price_conditions"
            return (Fault("discounted_items", message),)
        first = {item.sku: index for index, item in reversed(list(enumerate(items)))}
        return tuple(
            Fault(f"discounted_items.{index}.sku", "is named twice")
            for index, item in enumerate(items)
            if first[item.sku] != index
        )

    def _draft(self, periods: tuple[Period, ...]) -> PromotionDraft:
        percent = DiscountBody(percent=self.discount.percent).value if self.discount and self.discount.percent else None
        chooses = bool(self.item_price_conditions)
        discounts = [
            (item.discount.value, (NamedItem(f"discounted_items.{index}.sku", item.sku),))
            for index, item in enumerate(self.discounted_items or ())
        ]
        return PromotionDraft(
            kind=PromotionKind.PROMO_CODE,
            bonuses=named_bonuses(self.bonus),
            cart_percent=None if chooses else percent,
            item_discounts=((percent, None),) if chooses and percent is not None else tuple(discounts),
            attributes=attribute_conditions(self.attribute_conditions),
            cart_prices=comparisons(self.price_conditions),
            item_prices=comparisons(self.item_price_conditions),
            excluded=tuple(self.excluded_promotions or ()),
            faults=self._faults(),
            **self.shared(periods),
        )


class PromoCodeBodyV2(DatesBody, _PromoCodeFields):
    """A promo code."""

    def draft(self, now: datetime) -> PromotionDraft:
        """The promo code as it is given."""
        return self._draft(self.periods)


class PromoCodeBodyV3(PeriodsBody, _PromoCodeFields):
    """A promo code."""

    def draft(self, now: datetime) -> PromotionDraft:
        """The promo code as it is given."""
        return self._draft(self.periods)


class NewPromoCodeBodyV2(PromoCodeBodyV2, _New):
    """A new promo code."""


class NewPromoCodeBodyV3(PromoCodeBodyV3, _New):
    """A new promo code."""


class _PromoCodeFieldsView(_CouponFieldsView):
    discount: DiscountView | None
    discounted_items: list[DiscountedItemView] | None
    price_conditions: list[PriceConditionView] | None
    item_price_conditions: list[PriceConditionView] | None
    excluded_promotions: list[int]


def _promo_code(promotion: Promotion, skus: Mapping[int, str], counts: tuple[int, int]) -> dict[str, Any]:
    percents = whole_percents(promotion)
    return {
        "discount": DiscountView.of(percents[0]) if percents else None,
        "discounted_items": DiscountedItemView.of_promotion(promotion, skus),
        "price_conditions": PriceConditionView.of_cart(promotion),
        "item_price_conditions": PriceConditionView.of_items(promotion),
        "excluded_promotions": list(promotion.excluded_promotion_ids),
        **_coupon(promotion, skus, counts),
    }


class PromoCodeViewV2(DatesView, _PromoCodeFieldsView):
    """A promo code."""

    @classmethod
    def of(cls, promotion: Promotion, skus: Mapping[int, str], counts: tuple[int, int], now: datetime) -> Self:
        """The view of a promo code."""
        return cls(**_promo_code(promotion, skus, counts), **cls.members(promotion, now))


class PromoCodeViewV3(PeriodsView, _PromoCodeFieldsView):
    """A promo code."""

    @classmethod
    def of(cls, promotion: Promotion, skus: Mapping[int, str], counts: tuple[int, int], now: datetime) -> Self:
        """The view of a promo code."""
        return cls(**_promo_code(promotion, skus, counts), **cls.members(promotion, now))


# -- Unique offers --------------------------------------------------------------------------------------------------


def _each_once(skus: list[str]) -> list[str]:
    return list(dict.fromkeys(skus))


class _UniqueOfferFields(_CodedFields):
    """A code that shows and sells items that nobody else sees."""

    items: Annotated[list[Sku], Field(max_length=ITEMS_MAX), AfterValidator(_each_once)] | None = None

    def _draft(self, periods: tuple[Period, ...]) -> PromotionDraft:
        revealed = tuple(NamedItem(f"items.{index}", sku) for index, sku in enumerate(self.items or ()))
        return PromotionDraft(kind=PromotionKind.UNIQUE_OFFER, revealed=revealed, **self.shared(periods))


class UniqueOfferBodyV2(DatesBody, _UniqueOfferFields):
    """A unique offer."""

    def draft(self, now: datetime) -> PromotionDraft:
        """The offer as it is given."""
        return self._draft(self.periods)


class UniqueOfferBodyV3(PeriodsBody, _UniqueOfferFields):
    """A unique offer."""

    def draft(self, now: datetime) -> PromotionDraft:
        """The offer as it is given."""
        return self._draft(self.periods)


class NewUniqueOfferBodyV2(UniqueOfferBodyV2, _New):
    """A new unique offer."""


class NewUniqueOfferBodyV3(UniqueOfferBodyV3, _New):
    """A new unique offer."""


class _UniqueOfferFieldsView(_CodedFieldsView):
    items: list[str]


def _unique_offer(promotion: Promotion, skus: Mapping[int, str], counts: tuple[int, int]) -> dict[str, Any]:
    revealed = [each.item_ids for each in promotion.rewards if isinstance(each, RevealedItems)]
    return {
        "items": [skus[item_id] for item_ids in revealed for item_id in item_ids if item_id in skus],
        **_coded(promotion, counts),
    }


class UniqueOfferViewV2(DatesView, _UniqueOfferFieldsView):
    """A unique offer."""

    @classmethod
    def of(cls, promotion: Promotion, skus: Mapping[int, str], counts: tuple[int, int], now: datetime) -> Self:
        """The view of a unique offer."""
        return cls(**_unique_offer(promotion, skus, counts), **cls.members(promotion, now))


class UniqueOfferViewV3(PeriodsView, _UniqueOfferFieldsView):
    """A unique offer."""

    @classmethod
    def of(cls, promotion: Promotion, skus: Mapping[int, str], counts: tuple[int, int], now: datetime) -> Self:
        """The view of a unique offer."""
        return cls(**_unique_offer(promotion, skus, counts), **cls.members(promotion, now))


# -- All of them ----------------------------------------------------------------------------------------------------

View = TypeVar("View", bound=WireModel)


class CodedPageView(WireModel, Generic[View]):
    """A page of promotions of a kind, and how many there are in all; active are those that are enabled and in a
    period."""

    items: list[View]
    total_promotions_count: int
    active_promotions_count: int
    inactive_promotions_count: int


class NewPromotionView(WireModel):
    """A new promotion, as its studio calls it."""

    external_id: str


class AddCodeBody(StrictBody):
    """A code to be added."""

    coupon_code: Code


class CodeView(WireModel):
    """A code."""

    code: str


class CodesView(WireModel):
    """A page of codes in the order in which they were added, and how many there are in all."""

    codes: list[CodeView]
    total_count: int


class GenerateCodesBody(StrictBody):
    """How many codes are to be made."""

    count: Annotated[int, Field(strict=True, ge=1, le=GENERATED_MAX)]


class GeneratedView(WireModel):
    """How many codes were made."""

    count: int


class PerCodeView(WireModel):
    """How often a code has been used and is held by unpaid orders, and how often it may still be used where that is
    limited."""

    total: Annotated[int | None, Field(exclude_if=is_none)]
    available: Annotated[int | None, Field(exclude_if=is_none)]
    used: int
    reserved: int


class CodeLimitView(WireModel):
    """A code with its uses."""

    code: str
    per_code: PerCodeView

    @classmethod
    def of(cls, uses: CodeUses, most: int | None) -> Self:
        """The view of a code that may be used so often."""
        available = None if most is None else max(0, most - uses.used - uses.reserved)
        per_code = PerCodeView(total=most, available=available, used=uses.used, reserved=uses.reserved)
        return cls(code=uses.code, per_code=per_code)


class CodeLimitsView(WireModel):
    """A page of codes with their uses."""

    promotion_id: int
    items: list[CodeLimitView]
    total_items_count: int
    has_more: bool

    @classmethod
    def of(cls, promotion: Promotion, page: Sequence[CodeUses], *, offset: int, total: int) -> Self:
        """The view of a page."""
        return cls(
            promotion_id=promotion.promotion_id,
            items=[CodeLimitView.of(uses, promotion.limits.per_code) for uses in page],
            total_items_count=total,
            has_more=offset + len(page) < total,
        )

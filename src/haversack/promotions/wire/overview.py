"""Promotions of every kind in one list, and what stands behind a code, on the wire of v2 and v3."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field

from haversack.catalog.items.drm import DRMS
from haversack.catalog.items.related import Related
from haversack.catalog.items.wire.parts import ContentView
from haversack.catalog.items.wire.views import InventoryOptionsView
from haversack.catalog.records import Item, ItemKind
from haversack.catalog.taxonomy.wire import TranslationsView
from haversack.http.wire import WireModel
from haversack.promotions.records import (
    BonusItems,
    CartPercent,
    HasItems,
    ItemPercent,
    Promotion,
)
from haversack.promotions.wire.dates import DatesView, PeriodsView
from haversack.promotions.wire.parts import (
    BonusView,
    DiscountView,
    PromotionLimitsView,
    TotalLimitStateView,
    is_none,
)
from haversack.text import FALLBACK, reading


class UnitItemView(WireModel):
    """A key of a game that is a bonus."""

    sku: str
    is_free: bool
    type: str
    name: str
    drm_name: str
    drm_sku: str

    @classmethod
    def of(cls, key: Item) -> Self:
        """The view of a game key."""
        drm = DRMS[key.details.drm_sku or ""]
        return cls(
            sku=key.sku,
            is_free=key.is_free,
            type=key.kind.wire_type,
            name=reading(key.name, FALLBACK),
            drm_name=drm.name,
            drm_sku=drm.sku,
        )


class PromotedItemView(WireModel):
    """An item that a promotion gives. What its kind does not have is left out."""

    sku: str
    name: TranslationsView
    type: str
    description: str | None
    image_url: str | None
    inventory_options: Annotated[InventoryOptionsView | None, Field(exclude_if=is_none)]
    bundle_type: Annotated[str | None, Field(exclude_if=is_none)]
    content: Annotated[list[ContentView] | None, Field(exclude_if=is_none)]
    unit_items: Annotated[list[UnitItemView] | None, Field(exclude_if=is_none)]

    @classmethod
    def of(cls, item: Item, related: Related) -> Self:
        """The view of an item."""
        is_bundle = item.kind.bundle_type is not None
        keys = related.keys.get(item.item_id, ())
        return cls(
            sku=item.sku,
            name=dict(item.name),
            type=item.kind.wire_type,
            description=_description(item),
            image_url=item.image_url,
            inventory_options=_inventory_options(item),
            bundle_type=item.kind.bundle_type,
            content=ContentView.of_content(item, related.content) if is_bundle else None,
            unit_items=[UnitItemView.of(key) for key in keys] if item.kind is ItemKind.GAME else None,
        )


def _description(item: Item) -> str | None:
    return reading(item.description, FALLBACK) if item.description else None


def _inventory_options(item: Item) -> InventoryOptionsView | None:
    return InventoryOptionsView.of(item.details) if item.kind is ItemKind.VIRTUAL_GOOD else None


class PromotedBonusView(WireModel):
    """An item that is given on top, with how many."""

    item: PromotedItemView
    quantity: int


class ConditionItemView(WireModel):
    """What a purchase must hold: an item, or the coupon, promo code or offer whose code is needed."""

    sku: str
    name: dict[str, str]
    type: str
    description: str | None
    image_url: str | None
    inventory_options: InventoryOptionsView
    external_id: Annotated[str | None, Field(exclude_if=is_none)]
    is_enabled: bool
    redeem_total_limit: int | None
    redeem_user_limit: int | None
    redeem_code_limit: int | None


class ConditionView(WireModel):
    """One thing that a purchase must hold."""

    item: ConditionItemView

    @classmethod
    def of_item(cls, item: Item) -> Self:
        """The view of an item that is needed."""
        return cls(
            item=ConditionItemView(
                sku=item.sku,
                name=dict(item.name),
                type=item.kind.wire_type,
                description=_description(item),
                image_url=item.image_url,
                inventory_options=InventoryOptionsView.of(item.details),
                external_id=None,
                is_enabled=item.is_enabled,
                redeem_total_limit=None,
                redeem_user_limit=None,
                redeem_code_limit=None,
            )
        )

    @classmethod
    def of_codes(cls, promotion: Promotion) -> Self:
        """The view of a promotion's codes, one of which is needed."""
        return cls(
            item=ConditionItemView(
                sku=promotion.external_id or "",
                name=dict(promotion.name),
                type=promotion.kind.value.removesuffix("_bonus"),
                description=None,
                image_url=None,
                inventory_options=InventoryOptionsView(consumable=None, expiration_period=None),
                external_id=promotion.external_id,
                is_enabled=promotion.is_enabled,
                redeem_total_limit=promotion.limits.total,
                redeem_user_limit=promotion.limits.per_user,
                redeem_code_limit=promotion.limits.per_code,
            )
        )


class _OverviewFieldsView(WireModel):
    """What the list has of a promotion in both versions."""

    id: int
    type: str
    name: dict[str, str]
    is_enabled: bool
    bonus: list[PromotedBonusView]
    condition: list[ConditionView] | None
    discount: DiscountView | None
    limits: PromotionLimitsView


def _overview(promotion: Promotion, items: Mapping[int, Item], related: Related, now: datetime) -> dict[str, Any]:
    """The members that both versions have; `items` are those that promotions name, by id, without deleted ones."""
    percents = [each.percent for each in promotion.rewards if isinstance(each, CartPercent | ItemPercent)]
    return {
        "id": promotion.promotion_id,
        "type": promotion.kind.value,
        "name": dict(promotion.name),
        "is_enabled": promotion.is_enabled,
        "bonus": [
            PromotedBonusView(item=PromotedItemView.of(items[item_id], related), quantity=quantity)
            for reward in promotion.rewards
            if isinstance(reward, BonusItems)
            for item_id, quantity in reward.items
            if item_id in items
        ],
        "condition": _condition(promotion, items),
        "discount": DiscountView.of(percents[0]) if percents else None,
        "limits": PromotionLimitsView.of(promotion.limits, now),
    }


def _condition(promotion: Promotion, items: Mapping[int, Item]) -> list[ConditionView] | None:
    if promotion.kind.has_codes:
        return [ConditionView.of_codes(promotion)]
    needed = next((each.item_ids for each in promotion.conditions if isinstance(each, HasItems)), None)
    return None if needed is None else [ConditionView.of_item(items[each]) for each in needed if each in items]


class OverviewViewV2(DatesView, _OverviewFieldsView):
    """A promotion of any kind."""

    @classmethod
    def of(cls, promotion: Promotion, items: Mapping[int, Item], related: Related, now: datetime) -> Self:
        """The view of a promotion."""
        return cls(**_overview(promotion, items, related, now), **cls.members(promotion, now))


class OverviewViewV3(PeriodsView, _OverviewFieldsView):
    """A promotion of any kind."""

    @classmethod
    def of(cls, promotion: Promotion, items: Mapping[int, Item], related: Related, now: datetime) -> Self:
        """The view of a promotion."""
        return cls(**_overview(promotion, items, related, now), **cls.members(promotion, now))


# -- Behind a code --------------------------------------------------------------------------------------------------


class DiscountedItemView(WireModel):
    """An item with the percents off it."""

    sku: str
    discount: DiscountView

    @classmethod
    def of_promotion(cls, promotion: Promotion, skus: Mapping[int, str]) -> list[Self] | None:
        """The items that a promotion discounts one by one; None where it does not. `skus` are by id."""
        found = [
            cls(sku=skus[item_id], discount=DiscountView.of(reward.percent))
            for reward in promotion.rewards
            if isinstance(reward, ItemPercent)
            for item_id in reward.item_ids or ()
            if item_id in skus
        ]
        return found or None


class _RedeemableFieldsView(WireModel):
    """What stands behind a code, in both versions."""

    external_id: str
    name: dict[str, str]
    bonus: list[BonusView] | None
    is_enabled: bool
    redeem_total_limit: int | None
    redeem_user_limit: int | None
    redeem_code_limit: int | None
    total_limit_state: TotalLimitStateView | None
    discount: DiscountView | None
    discounted_items: list[DiscountedItemView] | None


def whole_percents(promotion: Promotion) -> list[Decimal]:
    """The percents off the whole cart, or off every item that a promotion's conditions choose."""
    return [
        each.percent
        for each in promotion.rewards
        if isinstance(each, CartPercent) or (isinstance(each, ItemPercent) and each.item_ids is None)
    ]


def _redeemable(promotion: Promotion, skus: Mapping[int, str], counts: tuple[int, int]) -> dict[str, Any]:
    """The members that both versions have; `skus` are by id, `counts` how often it has been used and is reserved."""
    whole = whole_percents(promotion)
    return {
        "external_id": promotion.external_id or "",
        "name": dict(promotion.name),
        "bonus": BonusView.of_promotion(promotion, skus),
        "is_enabled": promotion.is_enabled,
        "redeem_total_limit": promotion.limits.total,
        "redeem_user_limit": promotion.limits.per_user,
        "redeem_code_limit": promotion.limits.per_code,
        "total_limit_state": TotalLimitStateView.of(promotion.limits.total, *counts),
        "discount": DiscountView.of(whole[0]) if whole else None,
        "discounted_items": DiscountedItemView.of_promotion(promotion, skus),
    }


class RedeemableViewV2(DatesView, _RedeemableFieldsView):
    """The coupon, promo code or unique offer that a code opens."""

    @classmethod
    def of(cls, promotion: Promotion, skus: Mapping[int, str], counts: tuple[int, int], now: datetime) -> Self:
        """The view of a promotion with codes."""
        return cls(**_redeemable(promotion, skus, counts), **cls.members(promotion, now))


class RedeemableViewV3(PeriodsView, _RedeemableFieldsView):
    """The coupon, promo code or unique offer that a code opens."""

    @classmethod
    def of(cls, promotion: Promotion, skus: Mapping[int, str], counts: tuple[int, int], now: datetime) -> Self:
        """The view of a promotion with codes."""
        return cls(**_redeemable(promotion, skus, counts), **cls.members(promotion, now))

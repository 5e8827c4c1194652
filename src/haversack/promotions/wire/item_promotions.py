"""Discounts and bonuses on the wire: bodies, drafts and views, with the dates of v2 and the periods of v3."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Protocol, Self

from pydantic import Field

from haversack.catalog.items.wire.parts import StrictBody
from haversack.catalog.records import Period
from haversack.errors import Fault
from haversack.http.wire import WireModel
from haversack.promotions.drafts import NamedItem, PromotionDraft
from haversack.promotions.records import HasItems, ItemPercent, Promotion, PromotionKind, PromotionLimits
from haversack.promotions.wire.dates import DatesBody, DatesView, PeriodsBody, PeriodsView
from haversack.promotions.wire.parts import (
    ITEMS_MAX,
    AttributeConditionsBody,
    AttributeConditionsView,
    AttributeConditionView,
    BonusBody,
    BonusesBody,
    BonusView,
    DiscountBody,
    DiscountView,
    ExcludedBody,
    ItemRefBody,
    ItemRefView,
    NameBody,
    NestedAttributeConditionsBody,
    PriceConditionsBody,
    PriceConditionView,
    PromotionLimitsBody,
    PromotionLimitsView,
    attribute_conditions,
    comparisons,
    is_none,
)

Items = Annotated[list[ItemRefBody], Field(max_length=ITEMS_MAX)]


class PromotionBody(Protocol):
    """A body of a discount or bonus, in either version."""

    def draft(self, now: datetime) -> PromotionDraft:
        """The promotion as it is given; a schedule of its limits begins at its next reset after `now`."""


def named_bonuses(bonuses: Sequence[BonusBody] | None) -> tuple[tuple[NamedItem, int], ...]:
    """The bonuses of a body, with where it names them."""
    return tuple(
        (NamedItem(f"bonus.{index}.sku", bonus.sku), bonus.quantity) for index, bonus in enumerate(bonuses or ())
    )


def named_items(member: str, items: Sequence[ItemRefBody] | None) -> tuple[NamedItem, ...]:
    """The items of a body's member, with where it names them."""
    return tuple(NamedItem(f"{member}.{index}.sku", item.sku) for index, item in enumerate(items or ()))


class _ItemPromotionBody(StrictBody):
    """What discounts and bonuses have in both versions."""

    name: NameBody
    attribute_conditions: AttributeConditionsBody | None = None
    price_conditions: PriceConditionsBody | None = None
    limits: PromotionLimitsBody | None = None
    excluded_promotions: ExcludedBody | None = None

    def shared(self, periods: tuple[Period, ...], now: datetime) -> dict[str, Any]:
        """The members of the draft that both kinds have."""
        return {
            "name": self.name,
            "periods": periods,
            "attributes": attribute_conditions(self.attribute_conditions),
            "item_prices": comparisons(self.price_conditions),
            "limits": self.limits.record(now) if self.limits else PromotionLimits(),
            "excluded": tuple(self.excluded_promotions or ()),
        }


# -- Discounts ------------------------------------------------------------------------------------------------------


class _DiscountFields(_ItemPromotionBody):
    """Percents off items that are named, or (null) that the conditions on prices choose."""

    discount: DiscountBody
    items: Items | None

    def _faults(self) -> tuple[Fault, ...]:
        if self.items and self.price_conditions:
            return (Fault("items", "must be null where price_conditions choose the items"),)
        if not self.items and not self.price_conditions:
            return (Fault("items", "must name items; null is for price_conditions, which choose them"),)
        return ()

    def _draft(self, periods: tuple[Period, ...], now: datetime) -> PromotionDraft:
        items = named_items("items", self.items) if self.items else None
        return PromotionDraft(
            kind=PromotionKind.DISCOUNT,
            item_discounts=((self.discount.value, items),),
            faults=self._faults(),
            **self.shared(periods, now),
        )


class DiscountBodyV2(DatesBody, _DiscountFields):
    """A discount on items."""

    attribute_conditions: NestedAttributeConditionsBody | None = None

    def draft(self, now: datetime) -> PromotionDraft:
        """The discount as it is given."""
        return self._draft(self.periods, now)


class DiscountBodyV3(PeriodsBody, _DiscountFields):
    """A discount on items."""

    def draft(self, now: datetime) -> PromotionDraft:
        """The discount as it is given."""
        return self._draft(self.periods, now)


class _ItemPromotionView(WireModel):
    """What discounts and bonuses have in both versions."""

    id: int
    is_enabled: bool
    name: dict[str, str]
    attribute_conditions: AttributeConditionsView
    limits: PromotionLimitsView
    excluded_promotions: list[int]
    price_conditions: list[PriceConditionView] | None


def _shared(promotion: Promotion, now: datetime) -> dict[str, Any]:
    return {
        "id": promotion.promotion_id,
        "is_enabled": promotion.is_enabled,
        "name": dict(promotion.name),
        "attribute_conditions": AttributeConditionView.of_promotion(promotion),
        "limits": PromotionLimitsView.of(promotion.limits, now),
        "excluded_promotions": list(promotion.excluded_promotion_ids),
        "price_conditions": PriceConditionView.of_items(promotion),
    }


def _refs(item_ids: Sequence[int] | None, skus: Mapping[int, str]) -> list[ItemRefView] | None:
    if item_ids is None:
        return None
    return [ItemRefView(sku=skus[item_id]) for item_id in item_ids if item_id in skus]


class _DiscountFieldsView(_ItemPromotionView):
    discount: DiscountView
    items: list[ItemRefView] | None


def _discount(promotion: Promotion, skus: Mapping[int, str], now: datetime) -> dict[str, Any]:
    (reward,) = (each for each in promotion.rewards if isinstance(each, ItemPercent))
    return {
        "discount": DiscountView.of(reward.percent),
        "items": _refs(reward.item_ids, skus),
        **_shared(promotion, now),
    }


class DiscountViewV2(DatesView, _DiscountFieldsView):
    """A discount on items."""

    @classmethod
    def of(cls, promotion: Promotion, skus: Mapping[int, str], now: datetime) -> Self:
        """The view of a discount."""
        return cls(**_discount(promotion, skus, now), **cls.members(promotion, now))


class DiscountViewV3(PeriodsView, _DiscountFieldsView):
    """A discount on items."""

    @classmethod
    def of(cls, promotion: Promotion, skus: Mapping[int, str], now: datetime) -> Self:
        """The view of a discount."""
        return cls(**_discount(promotion, skus, now), **cls.members(promotion, now))


# -- Bonuses --------------------------------------------------------------------------------------------------------


class _BonusFields(_ItemPromotionBody):
    """Items that are given on top of a purchase of all items of `condition`, or (null) of any."""

    condition: Items | None
    bonus: BonusesBody | None

    def _faults(self) -> tuple[Fault, ...]:
        found = []
        if self.condition and self.price_conditions:
            found.append(Fault("condition", "must be null where price_conditions choose the items"))
        if not self.bonus:
            found.append(Fault("bonus", "must name at least one item"))
        return tuple(found)

    def _draft(self, periods: tuple[Period, ...], now: datetime) -> PromotionDraft:
        return PromotionDraft(
            kind=PromotionKind.BONUS,
            needs_items=named_items("condition", self.condition),
            bonuses=named_bonuses(self.bonus),
            faults=self._faults(),
            **self.shared(periods, now),
        )


class BonusPromotionBodyV2(DatesBody, _BonusFields):
    """A bonus with a purchase. Its id is not looked at: bodies made of answers carry it."""

    id: int | None = None

    def draft(self, now: datetime) -> PromotionDraft:
        """The bonus as it is given."""
        return self._draft(self.periods, now)


class BonusPromotionBodyV3(PeriodsBody, _BonusFields):
    """A bonus with a purchase."""

    def draft(self, now: datetime) -> PromotionDraft:
        """The bonus as it is given."""
        return self._draft(self.periods, now)


class _BonusFieldsView(_ItemPromotionView):
    condition: list[ItemRefView] | None
    bonus: list[BonusView] | None


def _bonus(promotion: Promotion, skus: Mapping[int, str], now: datetime) -> dict[str, Any]:
    needed = next((each.item_ids for each in promotion.conditions if isinstance(each, HasItems)), None)
    return {
        "condition": _refs(needed, skus),
        "bonus": BonusView.of_promotion(promotion, skus),
        **_shared(promotion, now),
    }


class BonusPromotionViewV2(DatesView, _BonusFieldsView):
    """A bonus with a purchase. An open start is left out: this view's is never null."""

    date_start: Annotated[str | None, Field(exclude_if=is_none)]

    @classmethod
    def of(cls, promotion: Promotion, skus: Mapping[int, str], now: datetime) -> Self:
        """The view of a bonus."""
        return cls(**_bonus(promotion, skus, now), **cls.members(promotion, now))


class BonusPromotionViewV3(PeriodsView, _BonusFieldsView):
    """A bonus with a purchase."""

    @classmethod
    def of(cls, promotion: Promotion, skus: Mapping[int, str], now: datetime) -> Self:
        """The view of a bonus."""
        return cls(**_bonus(promotion, skus, now), **cls.members(promotion, now))

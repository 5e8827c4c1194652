"""What a writer says of a promotion before the project is asked, items by SKU: what is wrong with it, what it makes."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import assert_never

from haversack.catalog.items.drafts import KnownItem
from haversack.catalog.records import SELLABLE_KINDS, ItemKind, Period
from haversack.errors import Fault
from haversack.personalization.records import AttributeCondition
from haversack.promotions.records import (
    BonusItems,
    CartPercent,
    CartPrice,
    Comparison,
    Condition,
    HasCode,
    HasItems,
    ItemPercent,
    ItemPrice,
    Promotion,
    PromotionKind,
    PromotionLimits,
    RevealedItems,
    Reward,
    UserAttributes,
)

# What promotions may be about. A game stands for its keys.
PROMOTED_KINDS = (*SELLABLE_KINDS, ItemKind.GAME)


@dataclass(frozen=True, slots=True)
class NamedItem:
    """An item that a body names, with where it does: `bonus.0.sku`."""

    property: str
    sku: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionDraft:
    """A promotion of any kind as a studio gives it, whole: what is left out has its default.

    needs_items: these are bought. item_prices chooses items, cart_prices compares the cart's sum. item_discounts:
    percents with the items they are off, None: off those that `item_prices` chooses. revealed: of unique offers.
    """

    kind: PromotionKind
    name: Mapping[str, str]
    external_id: str | None = None
    is_enabled: bool = True
    periods: tuple[Period, ...] = ()
    attributes: tuple[AttributeCondition, ...] = ()
    needs_items: tuple[NamedItem, ...] = ()
    item_prices: tuple[Comparison, ...] = ()
    cart_prices: tuple[Comparison, ...] = ()
    cart_percent: Decimal | None = None
    item_discounts: tuple[tuple[Decimal, tuple[NamedItem, ...] | None], ...] = ()
    bonuses: tuple[tuple[NamedItem, int], ...] = ()
    revealed: tuple[NamedItem, ...] = ()
    limits: PromotionLimits = field(default_factory=PromotionLimits)
    excluded: tuple[int, ...] = ()
    # What is wrong with it by itself.
    faults: tuple[Fault, ...] = ()

    @property
    def named_items(self) -> tuple[NamedItem, ...]:
        """Every item that it names."""
        discounted = (named for _, items in self.item_discounts for named in items or ())
        return (*self.needs_items, *discounted, *(named for named, _ in self.bonuses), *self.revealed)


@dataclass(frozen=True, slots=True)
class Known:
    """What a draft is held against: the items of the project among those it names, by SKU, its promotions, and the one
    that has the draft's external id."""

    items: Mapping[str, KnownItem]
    promotion_ids: Collection[int]
    id_of_external: int | None = None


def draft_faults(draft: PromotionDraft, known: Known, own_id: int | None) -> list[Fault]:
    """What is wrong with a draft in its project; own_id: the promotion that it replaces."""
    return [*draft.faults, *_faults(draft, known, own_id)]


def _faults(draft: PromotionDraft, known: Known, own_id: int | None) -> Iterator[Fault]:
    if known.id_of_external not in (None, own_id):
        yield Fault("external_id", f"promotion {known.id_of_external} has it already")
    for named in draft.named_items:
        item = known.items.get(named.sku)
        if item is None:
            yield Fault(named.property, f"there is no item {named.sku}")
        elif item.kind not in PROMOTED_KINDS:
            yield Fault(named.property, f"{named.sku} is a {item.kind.value.replace('_', ' ')}, which is not for sale")
    for index, promotion_id in enumerate(draft.excluded):
        if promotion_id == own_id:
            yield Fault(f"excluded_promotions.{index}", "a promotion does not exclude itself")
        elif promotion_id not in known.promotion_ids:
            yield Fault(f"excluded_promotions.{index}", f"there is no promotion {promotion_id}")


def promotion_of(draft: PromotionDraft, known: Known, project_id: int, *, now: datetime) -> Promotion:
    """The promotion that a draft without faults makes; its id is given when it is stored."""
    return Promotion(
        project_id=project_id,
        promotion_id=0,
        kind=draft.kind,
        external_id=draft.external_id,
        name=draft.name,
        is_enabled=draft.is_enabled,
        periods=draft.periods,
        conditions=tuple(_conditions(draft, known)),
        rewards=tuple(_rewards(draft, known)),
        limits=draft.limits,
        excluded_promotion_ids=tuple(dict.fromkeys(draft.excluded)),
        created_at=now,
        updated_at=now,
    )


def _conditions(draft: PromotionDraft, known: Known) -> Iterator[Condition]:
    if draft.kind.has_codes:
        yield HasCode()
    if draft.needs_items:
        yield HasItems(_ids(draft.needs_items, known))
    if draft.item_prices:
        yield ItemPrice(draft.item_prices)
    if draft.cart_prices:
        yield CartPrice(draft.cart_prices)
    if draft.attributes:
        yield UserAttributes(draft.attributes)


def _rewards(draft: PromotionDraft, known: Known) -> Iterator[Reward]:
    if draft.cart_percent is not None:
        yield CartPercent(draft.cart_percent)
    for percent, items in draft.item_discounts:
        yield ItemPercent(percent, None if items is None else _ids(items, known))
    if draft.bonuses:
        yield BonusItems(tuple((known.items[named.sku].item_id, quantity) for named, quantity in draft.bonuses))
    if draft.revealed:
        yield RevealedItems(_ids(draft.revealed, known))


def named_item_ids(promotion: Promotion) -> frozenset[int]:
    """Every item that a promotion names."""
    found: set[int] = set()
    for condition in promotion.conditions:
        if isinstance(condition, HasItems):
            found.update(condition.item_ids)
    for reward in promotion.rewards:
        match reward:
            case ItemPercent(_, item_ids):
                found.update(item_ids or ())
            case BonusItems(items):
                found.update(item_id for item_id, _ in items)
            case RevealedItems(item_ids):
                found.update(item_ids)
            case CartPercent():
                pass
            case _:
                assert_never(reward)
    return frozenset(found)


def _ids(items: tuple[NamedItem, ...], known: Known) -> tuple[int, ...]:
    return tuple(dict.fromkeys(known.items[named.sku].item_id for named in items))

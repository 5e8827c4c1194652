"""Which items a promotion of items is about, for upsells that show these. Pure."""

from collections.abc import Iterable, Sequence

from haversack.personalization.rules import meets_all
from haversack.pricing.records import Line
from haversack.promotions.records import (
    BonusItems,
    HasCode,
    HasItems,
    ItemPercent,
    ItemPrice,
    Promotion,
    Situation,
    UserAttributes,
)
from haversack.promotions.rules import chosen_items, is_in_period, used_up


def promoted_items(promotions: Iterable[Promotion], situation: Situation, lines: Sequence[Line]) -> frozenset[int]:
    """The items that an active promotion discounts, or for which one gives something on top. `lines` holds one of each
    item on sale with its price."""
    found: set[int] = set()
    for promotion in promotions:
        if is_active(promotion, situation):
            found |= items_of(promotion, lines)
    return frozenset(found)


def is_active(promotion: Promotion, situation: Situation) -> bool:
    """Whether a promotion applies to this player now, whatever is in the cart. One that needs a code does not."""
    if not promotion.is_enabled or not is_in_period(promotion.periods, situation.now):
        return False
    for condition in promotion.conditions:
        if isinstance(condition, HasCode):
            return False
        if isinstance(condition, UserAttributes) and not _is_met(condition, situation):
            return False
    return used_up(promotion, situation) is None


def items_of(promotion: Promotion, lines: Sequence[Line]) -> frozenset[int]:
    """The items that a promotion is about; none where it is about any purchase."""
    named: frozenset[int] = frozenset()
    for condition in promotion.conditions:
        if isinstance(condition, HasItems):
            named |= frozenset(condition.item_ids)
    chooses = any(isinstance(condition, ItemPrice) for condition in promotion.conditions)
    found: frozenset[int] = frozenset()
    for reward in promotion.rewards:
        if isinstance(reward, ItemPercent):
            found |= chosen_items(promotion, lines) if reward.item_ids is None else frozenset(reward.item_ids)
        elif isinstance(reward, BonusItems):
            found |= named or (chosen_items(promotion, lines) if chooses else frozenset())
    return found


def _is_met(condition: UserAttributes, situation: Situation) -> bool:
    return meets_all(condition.conditions, situation.attributes)

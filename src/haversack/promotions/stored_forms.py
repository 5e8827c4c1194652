"""The forms in which the parts of a promotion stand in the table's JSON columns."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, assert_never

from haversack.catalog.items.stored_forms import Json, schedule_form, schedule_of
from haversack.personalization.stored_forms import attribute_conditions_form, attribute_conditions_of
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
    PromotionLimits,
    RevealedItems,
    Reward,
    UserAttributes,
)


def condition_form(condition: Condition) -> Json:
    """A condition, told apart by `condition`."""
    match condition:
        case HasItems(item_ids):
            return {"condition": "has_items", "item_ids": list(item_ids)}
        case ItemPrice(comparisons):
            return {"condition": "item_price", "comparisons": _comparisons_form(comparisons)}
        case CartPrice(comparisons):
            return {"condition": "cart_price", "comparisons": _comparisons_form(comparisons)}
        case UserAttributes(conditions):
            return {"condition": "user_attributes", "conditions": attribute_conditions_form(conditions)}
        case HasCode():
            return {"condition": "has_code"}
        case _:
            assert_never(condition)


def condition_of(stored: Mapping[str, Any]) -> Condition:
    """A condition."""
    match stored["condition"]:
        case "has_items":
            return HasItems(tuple(stored["item_ids"]))
        case "item_price":
            return ItemPrice(_comparisons_of(stored["comparisons"]))
        case "cart_price":
            return CartPrice(_comparisons_of(stored["comparisons"]))
        case "user_attributes":
            return UserAttributes(attribute_conditions_of(stored["conditions"]))
        case "has_code":
            return HasCode()
    raise AssertionError(f"no such condition: {stored['condition']}")


def reward_form(reward: Reward) -> Json:
    """A reward, told apart by `reward`. Percents are kept as text, to the last digit."""
    match reward:
        case ItemPercent(percent, item_ids):
            return {
                "reward": "item_percent",
                "percent": str(percent),
                "item_ids": None if item_ids is None else list(item_ids),
            }
        case CartPercent(percent):
            return {"reward": "cart_percent", "percent": str(percent)}
        case BonusItems(items):
            return {"reward": "bonus_items", "items": [list(each) for each in items]}
        case RevealedItems(item_ids):
            return {"reward": "revealed_items", "item_ids": list(item_ids)}
        case _:
            assert_never(reward)


def reward_of(stored: Mapping[str, Any]) -> Reward:
    """A reward."""
    match stored["reward"]:
        case "item_percent":
            item_ids = stored["item_ids"]
            return ItemPercent(Decimal(stored["percent"]), None if item_ids is None else tuple(item_ids))
        case "cart_percent":
            return CartPercent(Decimal(stored["percent"]))
        case "bonus_items":
            return BonusItems(tuple((item_id, quantity) for item_id, quantity in stored["items"]))
        case "revealed_items":
            return RevealedItems(tuple(stored["item_ids"]))
    raise AssertionError(f"no such reward: {stored['reward']}")


def limits_form(limits: PromotionLimits) -> Json:
    """Limits of uses; what is null is left out."""
    form = {"per_user": limits.per_user, "total": limits.total, "per_code": limits.per_code}
    schedule = None if limits.schedule is None else schedule_form(limits.schedule)
    return {name: value for name, value in (*form.items(), ("schedule", schedule)) if value is not None}


def limits_of(stored: Mapping[str, Any]) -> PromotionLimits:
    """Limits of uses."""
    schedule = stored.get("schedule")
    return PromotionLimits(
        per_user=stored.get("per_user"),
        schedule=None if schedule is None else schedule_of(schedule),
        total=stored.get("total"),
        per_code=stored.get("per_code"),
    )


def _comparisons_form(comparisons: Sequence[Comparison]) -> list[Json]:
    return [{"operator": each.operator, "value": str(each.value)} for each in comparisons]


def _comparisons_of(stored: Sequence[Mapping[str, Any]]) -> tuple[Comparison, ...]:
    return tuple(Comparison(form["operator"], Decimal(form["value"])) for form in stored)

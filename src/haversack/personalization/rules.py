"""Whether a player's attributes meet conditions. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from haversack.personalization.records import AttributeCondition, Attributes, AttributeType, FilterRule

ATTRIBUTES_MAX = 100
ATTRIBUTE_LENGTH_MAX = 255
OPERATORS: dict[AttributeType, tuple[str, ...]] = {
    AttributeType.STRING: ("eq", "ne"),
    AttributeType.NUMBER: ("eq", "ne", "gt", "ge", "lt", "le"),
    # Earlier, earlier or equal, and then later, later or equal: of dates `lt` and `le` mean the opposite of numbers.
    AttributeType.DATE: ("eq", "ne", "er", "ee", "lt", "le"),
}


def meets(condition: AttributeCondition, attributes: Attributes) -> bool:
    """Whether the attributes meet a condition. A value that cannot be read as the condition's type meets none."""
    found = attributes.get(condition.attribute)
    if found is None:
        return condition.can_be_missing
    match condition.type:
        case AttributeType.STRING:
            return _compare(condition.operator, found, condition.value)
        case AttributeType.NUMBER:
            return _compare_read(condition.operator, number_of(found), number_of(condition.value))
        case AttributeType.DATE:
            operator = {"er": "lt", "ee": "le", "lt": "gt", "le": "ge"}.get(condition.operator, condition.operator)
            return _compare_read(operator, moment_of(found), moment_of(condition.value))


def meets_all(conditions: Iterable[AttributeCondition], attributes: Attributes | None) -> bool:
    """Whether every condition is met. Somebody who is not signed in has no attributes at all."""
    return all(meets(condition, attributes or {}) for condition in conditions)


def shows(rule: FilterRule, attributes: Attributes | None) -> bool:
    """Whether an enabled rule shows its items to this player, or to somebody who is not signed in."""
    if attributes is None:
        return rule.is_satisfied_for_unauth
    return meets_all(rule.conditions, attributes)


def hidden_items(rules: Iterable[FilterRule], attributes: Attributes | None) -> frozenset[int]:
    """The items that enabled rules name and none of them shows to this player; items without a rule are for all."""
    shown: set[int] = set()
    withheld: set[int] = set()
    for rule in rules:
        if rule.is_enabled:
            (shown if shows(rule, attributes) else withheld).update(rule.item_ids)
    return frozenset(withheld - shown)


def number_of(text: str) -> Decimal | None:
    """The number in a text; None where there is none."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def moment_of(text: str) -> datetime | None:
    """The moment in a text of ISO 8601, a date being its first one; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _compare_read(operator: str, found: Any, wanted: Any) -> bool:
    return found is not None and wanted is not None and _compare(operator, found, wanted)


def _compare(operator: str, found: Any, wanted: Any) -> bool:
    match operator:
        case "eq":
            return bool(found == wanted)
        case "ne":
            return bool(found != wanted)
        case "gt":
            return bool(found > wanted)
        case "ge":
            return bool(found >= wanted)
        case "lt":
            return bool(found < wanted)
        case "le":
            return bool(found <= wanted)
    raise AssertionError(f"no such operator: {operator}")


def readable_attributes(told: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What a token says of its player, as attributes are kept: text by name. What is neither text, number nor truth
    value is passed over, and so are names and values that are too long."""
    found = ((name, text_of(value)) for name, value in list(told.items())[:ATTRIBUTES_MAX])
    return tuple(
        (name, text)
        for name, text in found
        if text is not None and 1 <= len(name) <= ATTRIBUTE_LENGTH_MAX and len(text) <= ATTRIBUTE_LENGTH_MAX
    )


def text_of(value: Any) -> str | None:
    """A value as Login keeps it; None for what is no value of an attribute."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return str(value)
        case _:
            return None

"""Conditions on the attributes of a player, and the rules that show items to those who meet them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

# Attribute -> its value as text, as Login keeps it; None: nobody is signed in.
Attributes = Mapping[str, str]


class AttributeType(StrEnum):
    """How a condition reads the attribute's text."""

    STRING = "string"
    NUMBER = "number"
    DATE = "date"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeCondition:
    """A comparison with one attribute. `can_be_missing`: who lacks the attribute meets it."""

    attribute: str
    type: AttributeType
    operator: str
    value: str
    can_be_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterRule:
    """Items that are shown to those who meet all conditions. An item in several rules needs one of them."""

    project_id: int
    rule_id: int
    name: str
    is_enabled: bool
    conditions: tuple[AttributeCondition, ...]
    item_ids: tuple[int, ...]
    is_satisfied_for_unauth: bool

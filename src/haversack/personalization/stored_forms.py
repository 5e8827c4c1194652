"""The form in which conditions on attributes stand in JSON columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from haversack.catalog.items.stored_forms import Json
from haversack.personalization.records import AttributeCondition, AttributeType


def attribute_conditions_form(conditions: Sequence[AttributeCondition]) -> list[Json]:
    """Conditions on attributes."""
    return [
        {
            "attribute": each.attribute,
            "type": each.type.value,
            "operator": each.operator,
            "value": each.value,
            "can_be_missing": each.can_be_missing,
        }
        for each in conditions
    ]


def attribute_conditions_of(stored: Sequence[Mapping[str, Any]]) -> tuple[AttributeCondition, ...]:
    """Conditions on attributes."""
    return tuple(
        AttributeCondition(
            attribute=form["attribute"],
            type=AttributeType(form["type"]),
            operator=form["operator"],
            value=form["value"],
            can_be_missing=form["can_be_missing"],
        )
        for form in stored
    )

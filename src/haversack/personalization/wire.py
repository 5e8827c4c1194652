"""Filter rules on the wire."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from haversack.catalog.items.wire.parts import Flag, Sku, StrictBody
from haversack.catalog.records import Item
from haversack.http.wire import WireModel
from haversack.personalization.drafts import NamedItem, RuleDraft
from haversack.personalization.records import FilterRule
from haversack.projects.records import Personalization
from haversack.promotions.wire.parts import (
    INT32_MAX,
    AttributeConditionsBody,
    AttributeConditionView,
    attribute_conditions,
    is_none,
)
from haversack.text import FALLBACK, reading

ITEMS_MAX = 100

RuleName = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^\S")]


class NamedItemBody(StrictBody):
    """An item, by its id or by its SKU."""

    item_id: Annotated[int, Field(strict=True, ge=1, le=INT32_MAX)] | None = None
    sku: Sku | None = None

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if self.item_id is None and self.sku is None:
            raise ValueError("must have an item_id or a sku")
        return self


NamedItemsBody = Annotated[list[NamedItemBody], Field(min_length=1, max_length=ITEMS_MAX)]


def _items(given: list[NamedItemBody]) -> tuple[NamedItem, ...]:
    return tuple(NamedItem(body.item_id, body.sku) for body in given)


class FilterRuleBody(StrictBody):
    """A rule, whole: what is left out has its default."""

    name: RuleName
    is_enabled: Flag
    attribute_conditions: AttributeConditionsBody
    items: NamedItemsBody
    is_satisfied_for_unauth: Flag = False

    def draft(self) -> RuleDraft:
        """The rule as its writer means it."""
        return RuleDraft(
            name=self.name,
            is_enabled=self.is_enabled,
            conditions=attribute_conditions(self.attribute_conditions),
            items=_items(self.items),
            is_satisfied_for_unauth=self.is_satisfied_for_unauth,
        )


def _given(value: Any) -> Any:
    if value is None:
        raise ValueError("must not be null: leave it out to keep what is there")
    return value


_Given = BeforeValidator(_given)


class FilterRulePatchBody(StrictBody):
    """What is to change of a rule: what is left out stays."""

    name: Annotated[RuleName | None, _Given] = None
    is_enabled: Annotated[Flag | None, _Given] = None
    attribute_conditions: Annotated[AttributeConditionsBody | None, _Given] = None
    items: Annotated[NamedItemsBody | None, _Given] = None
    is_satisfied_for_unauth: Annotated[Flag | None, _Given] = None

    def draft(self) -> RuleDraft:
        """The changes as their writer means them."""
        given = self.attribute_conditions
        return RuleDraft(
            name=self.name,
            is_enabled=self.is_enabled,
            conditions=None if given is None else attribute_conditions(given),
            items=None if self.items is None else _items(self.items),
            is_satisfied_for_unauth=self.is_satisfied_for_unauth,
        )


class PersonalizationBody(StrictBody):
    """Who says which items a player sees."""

    personalization: Personalization


class PersonalizationView(WireModel):
    """Who says which items a player sees: the project's filter rules (platform), or its game (partner)."""

    personalization: Personalization


class FilterRuleIdView(WireModel):
    """The id of a new rule."""

    rule_id: int


class NamedItemView(WireModel):
    """An item that a rule names."""

    item_id: int
    sku: str
    name: str
    type: str
    bundle_type: Annotated[str | None, Field(exclude_if=is_none)]

    @classmethod
    def of(cls, item: Item) -> Self:
        """The view of an item."""
        return cls(
            item_id=item.item_id,
            sku=item.sku,
            name=reading(item.name, FALLBACK),
            type=item.kind.wire_type,
            bundle_type=item.kind.bundle_type,
        )


class FilterRuleView(WireModel):
    """A rule."""

    rule_id: int
    name: str
    is_enabled: bool
    attribute_conditions: list[AttributeConditionView]
    items: list[NamedItemView]
    is_satisfied_for_unauth: bool

    @classmethod
    def of(cls, rule: FilterRule, items: Mapping[int, Item]) -> Self:
        """The view of a rule, without items that are deleted; `items` are by id."""
        return cls(
            rule_id=rule.rule_id,
            name=rule.name,
            is_enabled=rule.is_enabled,
            attribute_conditions=[AttributeConditionView.of(each) for each in rule.conditions],
            items=[NamedItemView.of(items[item_id]) for item_id in rule.item_ids if item_id in items],
            is_satisfied_for_unauth=rule.is_satisfied_for_unauth,
        )


class FilterRulePageView(WireModel):
    """A page of rules, and how many there are in all."""

    items: list[FilterRuleView]
    total_items_count: int
    has_more: bool


class FilterRuleNameView(WireModel):
    """A rule by its name."""

    rule_id: int
    name: str
    is_enabled: bool
    is_satisfied_for_unauth: bool

    @classmethod
    def of(cls, rule: FilterRule) -> Self:
        """The short view of a rule."""
        return cls(
            rule_id=rule.rule_id,
            name=rule.name,
            is_enabled=rule.is_enabled,
            is_satisfied_for_unauth=rule.is_satisfied_for_unauth,
        )


class FilterRuleNamesView(WireModel):
    """Every rule of a project by its name."""

    items: list[FilterRuleNameView]

"""What a writer says of a filter rule before the project's catalog is asked: what is wrong with it, what it makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from haversack.catalog.items.drafts import KnownItem
from haversack.catalog.records import ItemKind
from haversack.errors import Fault
from haversack.personalization.records import AttributeCondition, FilterRule

# What rules may name. Keys go with their game.
NAMED_KINDS = (
    ItemKind.VIRTUAL_GOOD,
    ItemKind.VIRTUAL_CURRENCY,
    ItemKind.VIRTUAL_CURRENCY_PACKAGE,
    ItemKind.BUNDLE,
    ItemKind.GAME,
    ItemKind.PHYSICAL_GOOD,
)


@dataclass(frozen=True, slots=True)
class NamedItem:
    """An item that a body names, by its id, by its SKU, or by both."""

    item_id: int | None
    sku: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDraft:
    """A filter rule as a studio gives it. None: it stays as it is; a new rule has everything but the last, which is
    False then."""

    name: str | None = None
    is_enabled: bool | None = None
    conditions: tuple[AttributeCondition, ...] | None = None
    items: tuple[NamedItem, ...] | None = None
    is_satisfied_for_unauth: bool | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """The items of the project among those that a draft names, by SKU and by id."""

    by_sku: Mapping[str, KnownItem]
    by_id: Mapping[int, KnownItem]

    def find(self, named: NamedItem) -> KnownItem | None:
        """The item, or None where there is none, or where id and SKU are those of two."""
        of_sku = None if named.sku is None else self.by_sku.get(named.sku)
        of_id = None if named.item_id is None else self.by_id.get(named.item_id)
        if named.item_id is None:
            return of_sku
        return of_id if named.sku is None or of_id == of_sku else None


def rule_faults(items: Sequence[NamedItem], known: Known) -> list[Fault]:
    """What is wrong with the items that a draft names."""
    faults = []
    for index, named in enumerate(items):
        found = known.find(named)
        where = f"items.{index}.{'sku' if named.item_id is None else 'item_id'}"
        if found is None:
            faults.append(Fault(where, f"there is no item {_words(named)}"))
        elif found.kind is ItemKind.GAME_KEY:
            faults.append(Fault(where, f"{_words(named)} is a key: name its game"))
        elif found.kind not in NAMED_KINDS:
            kind = found.kind.value.replace("_", " ")
            faults.append(Fault(where, f"{_words(named)} is a {kind}, which is not for sale"))
    return faults


def _words(named: NamedItem) -> str:
    if named.sku is None or named.item_id is None:
        return str(named.sku if named.item_id is None else named.item_id)
    return f"{named.item_id} with the SKU {named.sku}"


def new_rule(project_id: int) -> FilterRule:
    """What a new rule is before anything is said of it; its id is given when it is stored."""
    return FilterRule(
        project_id=project_id,
        rule_id=0,
        name="",
        is_enabled=False,
        conditions=(),
        item_ids=(),
        is_satisfied_for_unauth=False,
    )


def changed(rule: FilterRule, draft: RuleDraft, known: Known) -> FilterRule:
    """A rule with what a draft without faults says of it."""
    item_ids = rule.item_ids
    if draft.items is not None:
        found = (known.find(named) for named in draft.items)
        item_ids = tuple(dict.fromkeys(item.item_id for item in found if item is not None))
    unauth = draft.is_satisfied_for_unauth
    return replace(
        rule,
        name=rule.name if draft.name is None else draft.name,
        is_enabled=rule.is_enabled if draft.is_enabled is None else draft.is_enabled,
        conditions=rule.conditions if draft.conditions is None else draft.conditions,
        item_ids=item_ids,
        is_satisfied_for_unauth=rule.is_satisfied_for_unauth if unauth is None else unauth,
    )

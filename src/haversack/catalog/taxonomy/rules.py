"""Decisions about attributes and groups: their limits, what of them is new, what is left of links."""

from collections.abc import Iterable, Mapping, Sequence

from haversack.catalog.records import Attribute, AttributeLink, ItemKind
from haversack.catalog.taxonomy.records import GivenAttribute, GivenValue
from haversack.errors import (
    ATTRIBUTE_VALUES_USED_UP,
    GROUP_NOT_FOUND,
    TOO_MANY_ITEM_ATTRIBUTE_VALUES,
    TOO_MANY_ITEM_ATTRIBUTES,
    Fault,
    Refusal,
)
from haversack.text import FALLBACK, Translations

ITEM_ATTRIBUTES_MAX = 20
ITEM_ATTRIBUTE_VALUES_MAX = 6
ATTRIBUTE_VALUES_MAX = 20

# How paths of the wire call the kinds of items. There are no subscription plans in this catalog.
KINDS_OF_PATH: dict[str, tuple[ItemKind, ...]] = {
    "virtual_items": (ItemKind.VIRTUAL_GOOD,),
    "virtual_currency": (ItemKind.VIRTUAL_CURRENCY,),
    "virtual_currency/package": (ItemKind.VIRTUAL_CURRENCY_PACKAGE,),
    "game/key": (ItemKind.GAME_KEY,),
    "bundle": (ItemKind.BUNDLE,),
    "game": (ItemKind.GAME,),
    "value_points": (ItemKind.VALUE_POINT,),
    "subscription_plans": (),
}


def fold_attributes(given: Sequence[GivenAttribute]) -> tuple[GivenAttribute, ...]:
    """The attributes of an item, each once with each value once, or the refusal of too many.

    One that is given twice has the values of both; the first name and the first text of a value count.
    """
    names: dict[str, Translations | None] = {}
    values: dict[str, dict[str, GivenValue]] = {}
    for attribute in given:
        names[attribute.external_id] = names.get(attribute.external_id) or attribute.name
        of_attribute = values.setdefault(attribute.external_id, {})
        for value in attribute.values:
            of_attribute.setdefault(value.external_id, value)
    if len(names) > ITEM_ATTRIBUTES_MAX:
        raise TOO_MANY_ITEM_ATTRIBUTES()
    if any(len(of_attribute) > ITEM_ATTRIBUTE_VALUES_MAX for of_attribute in values.values()):
        raise TOO_MANY_ITEM_ATTRIBUTE_VALUES()
    return tuple(GivenAttribute(each, name, tuple(values[each].values())) for each, name in names.items())


def new_names(given: Iterable[GivenAttribute], known: Mapping[str, Attribute]) -> dict[str, Translations]:
    """The attributes that are not known yet, with the names that they get: the one given, else the external id."""
    return {
        each.external_id: each.name or {FALLBACK: each.external_id} for each in given if each.external_id not in known
    }


def new_values(given: GivenAttribute, known: Attribute) -> dict[str, Translations]:
    """The values that an attribute does not have yet, or ATTRIBUTE_VALUES_USED_UP."""
    had = {value.external_id for value in known.values}
    new = {value.external_id: value.value for value in given.values if value.external_id not in had}
    if len(had) + len(new) > ATTRIBUTE_VALUES_MAX:
        raise ATTRIBUTE_VALUES_USED_UP()
    return new


def link_of(given: GivenAttribute, known: Attribute) -> AttributeLink:
    """The link of an item to a known attribute with known values, in the given order."""
    ids = {value.external_id: value.value_id for value in known.values}
    return AttributeLink(known.attribute_id, tuple(ids[value.external_id] for value in given.values))


def without_attribute(links: Iterable[AttributeLink], attribute_id: int) -> tuple[AttributeLink, ...]:
    """The links without those to an attribute."""
    return tuple(link for link in links if link.attribute_id != attribute_id)


def without_value(links: Iterable[AttributeLink], attribute_id: int, value_id: int) -> tuple[AttributeLink, ...]:
    """The links without a value. An attribute of which nothing is left goes too: it would say nothing."""
    left = []
    for link in links:
        if link.attribute_id == attribute_id and value_id in link.value_ids:
            link = AttributeLink(attribute_id, tuple(each for each in link.value_ids if each != value_id))
            if not link.value_ids:
                continue
        left.append(link)
    return tuple(left)


def group_missing(project_id: int, *, external_ids: Sequence[str] = (), group_ids: Sequence[int] = ()) -> Refusal:
    """GROUP_NOT_FOUND with the groups that there are not."""
    return GROUP_NOT_FOUND(
        extended={
            "project_id": project_id,
            "external_id_list": list(external_ids),
            "group_id_list": list(group_ids),
        }
    )


def faults_of_places(item_ids: Sequence[int], members: Iterable[int]) -> list[Fault]:
    """What is wrong with places: items that are not in the group, and items with two places."""
    known = set(members)
    seen: set[int] = set()
    faults = []
    for index, item_id in enumerate(item_ids):
        if item_id not in known:
            faults.append(Fault(f"{index}.item_id", f"there is no item {item_id} in this group"))
        elif item_id in seen:
            faults.append(Fault(f"{index}.item_id", f"item {item_id} has a place already"))
        seen.add(item_id)
    return faults

"""Writes a project's catalog as JSON: the same catalog is the same bytes, in whatever project it is."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from haversack.catalog.items.queries import list_items
from haversack.catalog.records import (
    Attribute,
    AttributeLink,
    Details,
    Group,
    Item,
    ItemKind,
    ItemLimits,
    Region,
    Schedule,
)
from haversack.catalog.taxonomy.queries import list_attributes, list_groups, list_regions
from haversack.catalog.transfer import queries
from haversack.catalog.transfer.reading import FORMAT, VERSION
from haversack.database.engine import Session

Json = dict[str, Any]

# Items that are written before other requests of the process have their turn.
SLICE = 200
# What a kind's form has beside what all have.
_PRICED = (
    ItemKind.VIRTUAL_GOOD,
    ItemKind.VIRTUAL_CURRENCY,
    ItemKind.VIRTUAL_CURRENCY_PACKAGE,
    ItemKind.PHYSICAL_GOOD,
    ItemKind.VALUE_POINT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """How things are called outside the project, by their ids in it; regions have numbers in the file."""

    regions: Mapping[int, int]
    groups: Mapping[int, str]
    attributes: Mapping[int, Attribute]
    skus: Mapping[int, str]


async def export_catalog(db: Session, project_id: int) -> bytes:
    """The whole catalog of a project as JSON, as `read_catalog` takes it.

    It holds no codes, nothing of players and stock, and no ids but external ones. Regions, attributes, groups and items
    stand in the order in which they were made, which decides between equals in lists.
    """
    async with db.begin():
        await queries.read_one_moment(db)
        regions = await list_regions(db, project_id)
        attributes = await list_attributes(db, project_id)
        groups = sorted(await list_groups(db, project_id), key=lambda group: group.group_id)
        places = await queries.list_places(db, project_id)
        items = await list_items(db, project_id)
    names = _Names(
        regions={region.region_id: number for number, region in enumerate(regions, start=1)},
        groups={group.group_id: group.external_id for group in groups},
        attributes={attribute.attribute_id: attribute for attribute in attributes},
        skus={item.item_id: item.sku for item in items},
    )
    return orjson.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "regions": [_region(region, names) for region in regions],
            "attributes": [_attribute(attribute) for attribute in attributes],
            "groups": [_group(group, names, places.get(group.external_id, {})) for group in groups],
            "items": await _items(items, names),
        },
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )


async def _items(items: Sequence[Item], names: _Names) -> list[Json]:
    keys: dict[int, list[Item]] = {}
    for item in items:
        if item.parent_item_id is not None:
            keys.setdefault(item.parent_item_id, []).append(item)
    written = []
    for number, item in enumerate(items, start=1):
        if item.kind is not ItemKind.GAME_KEY:
            written.append(_item(item, names, keys.get(item.item_id, ())))
        if number % SLICE == 0:
            await asyncio.sleep(0)
    return written


def _region(region: Region, names: _Names) -> Json:
    return {
        "id": names.regions[region.region_id],
        "name": _texts(region.name),
        "countries": list(region.countries),
    }


def _attribute(attribute: Attribute) -> Json:
    return {
        "external_id": attribute.external_id,
        "name": _texts(attribute.name),
        "values": [{"external_id": value.external_id, "value": _texts(value.value)} for value in attribute.values],
    }


def _group(group: Group, names: _Names, places: Mapping[str, int]) -> Json:
    parent = None if group.parent_group_id is None else names.groups.get(group.parent_group_id)
    return _filled(
        {
            "external_id": group.external_id,
            "parent_external_id": parent,
            "name": _texts(group.name),
            "description": _texts(group.description),
            "image_url": group.image_url,
        }
    ) | {
        "is_enabled": group.is_enabled,
        "order": group.sort_order,
        "places": [
            {"sku": sku, "order": place} for sku, place in sorted(places.items(), key=lambda one: (one[1], one[0]))
        ],
    }


def _item(item: Item, names: _Names, keys: Sequence[Item]) -> Json:
    """An item as the body with which it is made, and its kind."""
    form: Json = {"kind": item.kind.value, **_described(item, names)}
    match item.kind:
        case ItemKind.GAME:
            form["unit_items"] = [_key(key, item, names) for key in keys]
        case ItemKind.BUNDLE | ItemKind.VIRTUAL_CURRENCY_PACKAGE:
            form |= _sold(item, names)
            form["content"] = [
                {"sku": names.skus[entry.item_id], "quantity": entry.quantity}
                for entry in item.details.content
                # What was deleted since is in nothing any more.
                if entry.item_id in names.skus
            ]
        case ItemKind.VIRTUAL_CURRENCY:
            form |= _sold(item, names) | {"is_hard": item.details.is_hard}
        case ItemKind.VALUE_POINT:
            form |= _sold(item, names) | {"is_clan": item.details.is_clan}
        case _:
            form |= _sold(item, names) | _owned(item.details)
    if item.kind in _PRICED:
        form |= _filled({"pre_order": _pre_order(item)})
    return form


def _key(key: Item, game: Item, names: _Names) -> Json:
    """A key as its game's body has it. What is described by the game is left out."""
    form: Json = {"sku": key.sku, "drm_sku": key.details.drm_sku}
    if key.name != game.name:
        form["name"] = _texts(key.name)
    form |= _filled({"groups": _groups(key, names), "attributes": _attributes(key.attributes, names)})
    form |= _flags(key) | _sold(key, names) | _filled({"pre_order": _pre_order(key)})
    return form


def _described(item: Item, names: _Names) -> Json:
    form = {
        "sku": item.sku,
        "name": _texts(item.name),
        "description": _texts(item.description),
        "long_description": _texts(item.long_description),
        "image_url": item.image_url,
        "media_list": [{"type": media.type, "url": media.url} for media in item.media_list],
        "groups": _groups(item, names),
        "attributes": _attributes(item.attributes, names),
        "custom_attributes": dict(item.custom_attributes or {}),
    }
    return _filled(form) | _flags(item)


def _flags(item: Item) -> Json:
    return {
        "is_enabled": item.is_enabled,
        "is_show_in_store": item.is_show_in_store,
        "order": item.sort_order,
    }


def _sold(item: Item, names: _Names) -> Json:
    """What it costs, where, when, and how often. Amounts are text, to the last digit."""
    prices = [
        _filled({"amount": f"{price.amount:f}", "currency": price.currency, "country_iso": price.country_iso})
        | {"is_default": price.is_default, "is_enabled": price.is_enabled}
        for price in item.prices
    ]
    virtual_prices = [
        {
            "sku": price.sku,
            "amount": price.amount,
            "is_default": price.is_default,
            "is_enabled": price.is_enabled,
        }
        for price in item.virtual_prices
    ]
    periods = [{"date_from": period.date_from, "date_until": period.date_until} for period in item.periods]
    optional = {
        "vc_prices": virtual_prices,
        "regions": [{"id": names.regions[region_id]} for region_id in item.region_ids if region_id in names.regions],
        "periods": periods,
        "limits": _limits(item.limits),
    }
    return {"is_free": item.is_free, "prices": prices, **_filled(optional)}


def _owned(details: Details) -> Json:
    consumable = _filled({"usages_count": details.usages_count}) if details.is_consumable else None
    expiration = details.expiration
    options = {
        "consumable": consumable,
        "expiration_period": None if expiration is None else {"type": expiration.type, "value": expiration.value},
    }
    given = details.virtual_item_type
    form: Json = {"inventory_options": {name: value for name, value in options.items() if value is not None}}
    form["virtual_item_type"] = None if given is None else given.value
    return _filled(form) | {"is_paid_randomized_reward": details.is_paid_randomized_reward}


def _limits(limits: ItemLimits | None) -> Json | None:
    if limits is None:
        return None
    per_user = None
    if limits.per_user is not None:
        visibility = limits.limit_exceeded_visibility
        per_user = {"total": limits.per_user, "limit_exceeded_visibility": visibility}
    schedule = None if limits.schedule is None else {"per_user": _schedule(limits.schedule)}
    return _filled({"per_user": per_user, "per_item": limits.per_item, "recurrent_schedule": schedule})


def _schedule(schedule: Schedule) -> Json:
    if schedule.interval_type == "hourly":
        return {"interval_type": "hourly"}
    return _filled(
        {
            "interval_type": schedule.interval_type,
            "day_of_week": schedule.day_of_week,
            "day_of_month": schedule.day_of_month,
            "time": schedule.time,
        }
    )


def _pre_order(item: Item) -> Json | None:
    pre_order = item.pre_order
    if pre_order is None:
        return None
    release = pre_order.release_date
    return {
        "release_date": None if release is None else release.isoformat(),
        "is_enabled": pre_order.is_enabled,
        **_filled({"description": pre_order.description}),
    }


def _groups(item: Item, names: _Names) -> list[str]:
    return [names.groups[group_id] for group_id in sorted(item.group_ids) if group_id in names.groups]


def _attributes(links: Iterable[AttributeLink], names: _Names) -> list[Json]:
    """Links by external ids; the texts stand where the attributes are."""
    forms = []
    for link in links:
        attribute = names.attributes.get(link.attribute_id)
        if attribute is None:
            continue
        values = {value.value_id: value for value in attribute.values}
        forms.append(
            {
                "external_id": attribute.external_id,
                "values": [
                    {"external_id": values[value_id].external_id, "value": _texts(values[value_id].value)}
                    for value_id in link.value_ids
                    if value_id in values
                ],
            }
        )
    return forms


def _texts(texts: Mapping[str, str] | None) -> Json | None:
    return None if texts is None else dict(sorted(texts.items()))


def _filled(form: Json) -> Json:
    """A form without what says nothing: null, empty lists and empty objects."""
    return {name: value for name, value in form.items() if value not in (None, [], {})}

"""What a game's answer does to the compiled catalog: what it hides from the player, and how many may be bought."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary, ref

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.records import ALWAYS
from haversack.catalog.read_model.rules import interval_at
from haversack.personalization.records import PartnerAnswer, PartnerItem


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PartnerView:
    """The catalog as the game offers it, from `since` up to `until`.

    named: what it says of items, by id; a game stands for its keys that are not named. hidden: what it does not offer
    now; a game is shown where one of its keys is. left: how many may be bought of what it gives a number for.
    """

    named: Mapping[int, PartnerItem]
    hidden: frozenset[int]
    left: Mapping[int, int]
    since: datetime
    until: datetime


# What was made of answers, for as long as they are remembered.
_views: WeakKeyDictionary[PartnerAnswer, tuple["ref[Catalog]", PartnerView]] = WeakKeyDictionary()


def partner_view(catalog: Catalog, answer: PartnerAnswer, now: datetime) -> PartnerView:
    """What an answer does to a catalog at a moment, made once until one of the three changes it."""
    of_catalog, found = _views.get(answer, (None, None))
    if found is None or of_catalog is None or of_catalog() is not catalog or not found.since <= now < found.until:
        found = _made(catalog, answer, now)
        _views[answer] = ref(catalog), found
    return found


def _made(catalog: Catalog, answer: PartnerAnswer, now: datetime) -> PartnerView:
    named = _named(catalog, answer)
    offered = {item_id: item for item_id, item in named.items() if item.is_offered(now)}
    shown = set(offered)
    shown.update(parent for item_id in offered if (parent := catalog.entries[item_id].parent_id) is not None)
    moments = {moment for item in named.values() for moment in (item.date_from, item.date_until) if moment is not None}
    since, until = interval_at(sorted(moments), now) if moments else ALWAYS
    return PartnerView(
        named=named,
        hidden=frozenset(catalog.entries.keys() - shown),
        left={item_id: item.quantity for item_id, item in offered.items() if item.quantity is not None},
        since=since,
        until=until,
    )


def _named(catalog: Catalog, answer: PartnerAnswer) -> dict[int, PartnerItem]:
    """What the game says of the items that exist. Of an item named by SKU and by id the SKU counts."""
    named = {item_id: item for item_id, item in answer.by_id.items() if item_id in catalog.entries}
    for sku, item in answer.by_sku.items():
        entry = catalog.by_sku.get(sku)
        if entry is not None:
            named[entry.item_id] = item
    of_games = {key.item_id: item for item_id, item in named.items() for key in catalog.keys_of.get(item_id, ())}
    return of_games | named

"""What is given when something is bought, and until when. Pure: the time is a parameter."""

import calendar
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from haversack.catalog.records import Expiration, ItemKind, VirtualItemType
from haversack.catalog.selling import SellableItem
from haversack.inventory.records import CurrencyGrant, Granted, ItemGrant, KeyGrant

# No count of what a player owns is larger: the columns and the clients' numbers end there.
OWNED_MAX = 2**31 - 1
# Pieces have a row each; so many of one item may be given at once by a server.
PIECES_MAX = 1_000
# What lasts longer than this lasts for ever.
LAST_MOMENT = datetime(9999, 12, 31, tzinfo=UTC)

_FIXED: Mapping[str, timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_MONTHS: Mapping[str, int] = {"month": 1, "year": 12}


def unfold(item: SellableItem, quantity: int, *, country: str | None) -> tuple[Granted, ...]:
    """What a player receives for a quantity of an item: bundles and packages by their contents, equal entries in one.

    Physical goods, value points and games themselves are not received here. country: where codes must be valid.
    """
    return merged(tuple(_unfolded(item, quantity, country)))


def _unfolded(item: SellableItem, quantity: int, country: str | None) -> Iterator[Granted]:
    match item.kind:
        case ItemKind.VIRTUAL_CURRENCY:
            yield CurrencyGrant(item.sku, quantity)
        case ItemKind.VIRTUAL_GOOD:
            yield _good(item, quantity)
        case ItemKind.GAME_KEY:
            yield KeyGrant(item.item_id, item.sku, quantity, country, item.pre_order)
        case ItemKind.BUNDLE | ItemKind.VIRTUAL_CURRENCY_PACKAGE:
            for part in item.content:
                yield from _unfolded(part.item, quantity * part.quantity, country)
        case _:
            return


def _good(item: SellableItem, quantity: int) -> ItemGrant:
    details, kind = item.details, item.details.used_up_as
    is_consumable = kind is VirtualItemType.CONSUMABLE
    uses = details.usages_count if is_consumable else None
    return ItemGrant(
        item_id=item.item_id,
        sku=item.sku,
        quantity=quantity,
        virtual_item_type=kind,
        # A piece that is gone after one use is counted like any other that stacks.
        usages_count=uses if uses is not None and uses > 1 else None,
        expiration=details.expiration if kind is VirtualItemType.NON_RENEWING_SUBSCRIPTION else None,
    )


def merged(content: Sequence[Granted]) -> tuple[Granted, ...]:
    """The same content with equal entries added up, in the order in which they first stand there."""
    totals: dict[Granted, int] = {}
    for given in content:
        if given.quantity > 0:
            key = replace(given, quantity=0)
            totals[key] = totals.get(key, 0) + given.quantity
    return tuple(replace(given, quantity=total) for given, total in totals.items())


def extended(expires_at: datetime | None, expiration: Expiration, quantity: int, now: datetime) -> datetime:
    """Until when a time-limited item is owned after so many more of it: from its end, or from now where that is past.

    Months are those of the calendar in UTC; a day that a month does not have is its last one.
    """
    base = now.astimezone(UTC) if expires_at is None else max(expires_at, now).astimezone(UTC)
    count = expiration.value * quantity
    try:
        if expiration.type in _FIXED:
            return min(base + _FIXED[expiration.type] * count, LAST_MOMENT)
        return _months_later(base, _MONTHS[expiration.type] * count)
    except OverflowError:
        return LAST_MOMENT


def _months_later(base: datetime, months: int) -> datetime:
    count = base.year * 12 + base.month - 1 + months
    year, month = count // 12, count % 12 + 1
    if year >= LAST_MOMENT.year:
        return LAST_MOMENT
    return base.replace(year=year, month=month, day=min(base.day, calendar.monthrange(year, month)[1]))

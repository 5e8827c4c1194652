"""Which price applies, who sees an item and when, and whether it can be bought. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from haversack.catalog.read_model.records import ALWAYS, Offer, PriceShape, Window
from haversack.catalog.records import PreOrder

PAGE_SIZE_MAX = 50


def choose_price(offers: Sequence[Offer], *, country: str, currency: str | None) -> int | None:
    """The place of the price that applies in a country ("": in none), None where none does.

    The country's own price comes before the default one. Where all items are shown in one currency, only prices in it
    are looked at, and any that is bound to no other country will do.
    """
    best, best_worth = None, 0
    for place, offer in enumerate(offers):
        if offer.country not in ("", country) or (currency is not None and offer.currency != currency):
            continue
        worth = 3 if offer.country else 2 if offer.is_default else 1 if currency is not None else 0
        if worth > best_worth:
            best, best_worth = place, worth
    return best


def common_currency(shapes: Iterable[PriceShape], *, country: str) -> str | None:
    """The currency that everything is shown in because a country's prices would be in several; None where each item
    is shown in its own. It is the default currency of the first item that has one, in the catalog's order."""
    picked: set[str] = set()
    default: str | None = None
    for shape in shapes:
        place = choose_price(shape, country=country, currency=None)
        if place is not None:
            picked.add(shape[place].currency)
        if default is None:
            default = next((offer.currency for offer in shape if offer.is_default), None)
    return default if len(picked) > 1 else None


def is_inside(windows: Sequence[Window], now: datetime) -> bool:
    """Whether an item is on sale by its periods: inside any of them, or it has none."""
    return not windows or any(
        (window.start is None or window.start <= now) and (window.end is None or now < window.end) for window in windows
    )


def edges_of(windows: Iterable[Window], releases: Iterable[datetime]) -> list[datetime]:
    """The moments at which the catalog changes of itself, in their order."""
    moments = {moment for window in windows for moment in window if moment is not None}
    return sorted(moments | set(releases))


def interval_at(edges: Sequence[datetime], now: datetime) -> tuple[datetime, datetime]:
    """From which moment up to which one what holds now holds."""
    place = bisect_right(edges, now)
    return (edges[place - 1] if place else ALWAYS[0], edges[place] if place < len(edges) else ALWAYS[1])


def is_sold_in(countries: frozenset[str] | None, country: str) -> bool:
    """Whether an item is sold in a country. What is kept to regions is not sold to who is in no known country."""
    return countries is None or country in countries


def is_before_release(pre_order: PreOrder | None, now: datetime) -> bool:
    """Whether an item is sold before it is out; a release that is not announced lies ahead."""
    if pre_order is None or not pre_order.is_enabled:
        return False
    return pre_order.release_date is None or now < pre_order.release_date


def is_key_deliverable(*, has_code: bool, is_pre_order: bool, pre_orders_left: int | None) -> bool:
    """Whether a game key may be sold: a code is there, or the release lies ahead and its pre-orders are not used up."""
    return has_code or (is_pre_order and pre_orders_left != 0)


def slice_without(length: int, gone: Sequence[int], *, offset: int, limit: int) -> tuple[list[int], int]:
    """Places of a page in a list from which some sorted places are taken out, and how many are left in all."""
    left = length - len(gone)
    places: list[int] = []
    place, skipped = offset, 0
    # Each place taken out before the page moves its beginning on by one.
    while skipped < len(gone) and gone[skipped] <= place:
        place += 1
        skipped += 1
    while place < length and len(places) < limit:
        if skipped < len(gone) and gone[skipped] == place:
            skipped += 1
        else:
            places.append(place)
        place += 1
    return places, left


def clamped(limit: int) -> int:
    """The size of a page: what is asked, within what is given."""
    return min(limit, PAGE_SIZE_MAX)


def group_forest(parents: Mapping[int, int | None], shown: Sequence[int]) -> dict[int | None, list[int]]:
    """The shown groups under their parents (None: at the top), in the order given. What stands under a group that is
    not shown is not shown either; a group that is its own ancestor stands at the top."""
    visible = set(shown)
    children: dict[int | None, list[int]] = {}
    for group in shown:
        parent, seen = parents.get(group), {group}
        ancestor = parent
        while ancestor is not None and ancestor in visible and ancestor not in seen:
            seen.add(ancestor)
            ancestor = parents.get(ancestor)
        if ancestor is None:
            children.setdefault(parent, []).append(group)
        elif ancestor in seen:
            children.setdefault(None, []).append(group)
    return children

"""The demo's shop: what both games sell, in six groups, with one thing at least of all that a catalog can have."""

from collections.abc import Callable
from dataclasses import replace

from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.records import Media
from haversack.catalog.transfer.records import CatalogDraft
from haversack.demo.shop import cirrus_couriers, lanternfall
from haversack.demo.shop.games import BUNDLES, GAMES
from haversack.demo.shop.parts import ATTRIBUTES, GROUPS, REGIONS
from haversack.demo.shop.purse import CURRENCIES, PACKAGES


def demo_shop(picture: Callable[[str], str]) -> CatalogDraft:
    """The whole catalog. picture: the address of one of the demo's pictures, by its file's name."""
    shelves = (GAMES, BUNDLES, lanternfall.GOODS, cirrus_couriers.GOODS, PACKAGES, CURRENCIES)
    items = [
        replace(_pictured(item, picture), sort_order=place)
        for place, item in enumerate((item for shelf in shelves for item in shelf), start=1)
    ]
    return CatalogDraft(regions=REGIONS, attributes=ATTRIBUTES, groups=GROUPS, items=items, total=len(items))


def _pictured(item: ItemDraft, picture: Callable[[str], str]) -> ItemDraft:
    assert item.image_url is not None, f"{item.sku} has no picture"
    return replace(
        item,
        image_url=picture(item.image_url),
        media_list=tuple(Media(media.type, picture(media.url)) for media in item.media_list),
        keys=tuple(_pictured(key, picture) for key in item.keys),
    )

"""What a code gives, as players read it: texts from the catalog that is held in memory."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from haversack.catalog.items.drm import DRMS
from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.pieces import Form, Hole, Reader, encode_piece
from haversack.catalog.read_model.records import Entry
from haversack.catalog.records import ItemKind
from haversack.catalog.selling import SellableItem
from haversack.promotions.codes.opening import Opened
from haversack.promotions.codes.wire.player import (
    BonusRewards,
    CouponRewards,
    DiscountedItem,
    PromoCodeRewards,
    RedeemedItem,
    RewardItem,
    RewardKey,
)
from haversack.promotions.records import ItemPercent
from haversack.promotions.wire.overview import whole_percents
from haversack.promotions.wire.parts import DiscountView
from haversack.text import FALLBACK, reading

KEPT_MAX = 10_000
# The calls on codes have no parameter for a language.
READER = Reader(FALLBACK, "", frozenset())
OF_ITEM = ("sku", "name", "type", "description", "image_url", "inventory_options", "bundle_type")
OF_CONTENT = ("sku", "name", "type", "description", "image_url", "quantity")
OF_REDEEMED = (
    "sku",
    "type",
    "name",
    "description",
    "image_url",
    "groups",
    "attributes",
    "bundle_type",
    "virtual_item_type",
    "inventory_options",
)

# Forms of items, as long as their version of the catalog lives.
_forms: WeakKeyDictionary[Catalog, dict[tuple[int, Form], dict[str, Any]]] = WeakKeyDictionary()


def redeemed_items(catalog: Catalog, given: Sequence[tuple[SellableItem, int]]) -> list[RedeemedItem]:
    """What a coupon has given."""
    return [_redeemed(catalog, item, quantity) for item, quantity in given]


def _redeemed(catalog: Catalog, item: SellableItem, quantity: int) -> RedeemedItem:
    shown = _picked(_form(catalog, item.entry, Form.CART), OF_REDEEMED)
    shown |= {"quantity": quantity, "is_free": True, "price": None, "virtual_prices": []}
    return shown  # type: ignore[return-value]


def bonus_rewards(opened: Opened) -> BonusRewards:
    """The items that a code gives."""
    return {
        "bonus": [{"item": _item(opened, item), "quantity": quantity} for item, quantity in opened.bonuses],
        "is_selectable": any(len(keys) > 1 for keys in opened.keys.values()),
    }


def coupon_rewards(opened: Opened) -> CouponRewards:
    """What a coupon gives."""
    return {**bonus_rewards(opened), "discount": None}


def promo_code_rewards(opened: Opened) -> PromoCodeRewards:
    """What a promo code gives, and what it makes cheaper."""
    percents = whole_percents(opened.promotion)
    discounted: list[DiscountedItem] = [
        {**_item(opened, item), "discount": {"percent": DiscountView.of(reward.percent).percent}}
        for reward in opened.promotion.rewards
        if isinstance(reward, ItemPercent)
        for item in opened.items_of(reward.item_ids or ())
    ]
    return {
        **bonus_rewards(opened),
        "discount": {"percent": DiscountView.of(percents[0]).percent} if percents else None,
        "discounted_items": discounted or None,
    }


def _item(opened: Opened, item: SellableItem) -> RewardItem:
    form = _form(opened.shop.catalog, item.entry, Form.WHOLE)
    shown = _picked(form, OF_ITEM)
    if "content" in form:
        shown["content"] = [_picked(each, OF_CONTENT) for each in form["content"]]
    if item.kind is ItemKind.GAME:
        shown["unit_items"] = [_key(key) for key in opened.keys_of(item)]
    return shown  # type: ignore[return-value]


def _key(key: SellableItem) -> RewardKey:
    drm = DRMS[key.details.drm_sku or ""]
    return {
        "sku": key.sku,
        "type": key.kind.wire_type,
        "is_free": key.is_free,
        "name": reading(key.name, FALLBACK),
        "drm_name": drm.name,
        "drm_sku": drm.sku,
    }


def _picked(form: dict[str, Any], members: Sequence[str]) -> dict[str, Any]:
    return {member: form[member] for member in members if member in form}


def _form(catalog: Catalog, entry: Entry, form: Form) -> dict[str, Any]:
    """A wire form of an item; what time and players change is null in it."""
    known = _forms.setdefault(catalog, {})
    found = known.get((entry.item_id, form))
    if found is None:
        if len(known) >= KEPT_MAX:
            known.clear()
        piece = encode_piece(catalog, entry, READER, form)
        encoded = b"".join(b"null" if isinstance(part, Hole) else part for part in piece)
        found = known[entry.item_id, form] = orjson.loads(encoded)
    return found

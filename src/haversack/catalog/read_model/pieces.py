"""The wire forms of items, encoded once for each language and country, with holes for what time and players change.

A piece is bytes, or bytes with holes between them: `can_be_bought`, limits, free codes, what promotions touch. The
holes are filled for each page (`filling.py`), so that neither a purchase nor a reset makes anything be encoded anew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from haversack.catalog.items.drm import DRMS
from haversack.catalog.items.stored_forms import details_of
from haversack.catalog.read_model import rules
from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.queries import DOCUMENT
from haversack.catalog.read_model.records import Entry, Offer
from haversack.catalog.records import Details, ItemKind, VirtualItemType
from haversack.money import exponent
from haversack.text import reading

NESTING_MAX = 10


class HoleKind(StrEnum):
    """What a hole is filled with."""

    CAN_BE_BOUGHT = "B"
    LIMITS = "L"
    HAS_KEYS = "K"
    IS_PRE_ORDER = "P"
    UNIT_ITEMS = "U"
    PLACE_IN_GROUP = "G"
    PRICE = "A"
    PROMOTIONS = "M"


class Hole(NamedTuple):
    """A value that is filled in for an item."""

    kind: HoleKind
    item_id: int


# Bytes and holes in turn, beginning and ending with bytes.
Piece = tuple[bytes | Hole, ...]


class Form(StrEnum):
    """Which wire form of an item."""

    WHOLE = "whole"
    SHORT = "short"
    UNIT = "unit"
    CART = "cart"


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a piece is encoded: a language, a country ("": none), and the additional fields asked for."""

    language: str
    country: str
    fields: frozenset[str]


# What `additional_fields[]` may ask for; anything else in it is ignored.
MEDIA_LIST, ORDER, LONG_DESCRIPTION, CUSTOM_ATTRIBUTES, ORDER_IN_GROUP = ADDITIONAL_FIELDS = (
    "media_list",
    "order",
    "long_description",
    "custom_attributes",
    "item_order_in_group",
)
# Bundles are documented with these, asked for or not.
ALWAYS_OF_BUNDLES = frozenset((MEDIA_LIST, ORDER, LONG_DESCRIPTION))


def encode_piece(catalog: Catalog, entry: Entry, reader: Reader, form: Form) -> Piece:
    """Encode an item for a reader."""
    value = _FORMS[form](_Writer(catalog, reader), entry)
    return _cut(orjson.dumps(value))


def _cut(encoded: bytes) -> Piece:
    """Take encoded JSON apart at its holes. NUL never stands in JSON, so it can mark them."""
    parts = encoded.split(b"\x00")
    if len(parts) == 1:
        # What orjson gives holds several times the memory of its text; a copy holds what it needs.
        return (memoryview(encoded).tobytes(),)
    return tuple(_hole(part) if place % 2 else part for place, part in enumerate(parts))


def _hole(mark: bytes) -> Hole:
    text = mark.decode()
    return Hole(HoleKind(text[0]), int(text[1:]))


def _leave(kind: HoleKind, entry: Entry) -> orjson.Fragment:
    return orjson.Fragment(f"\x00{kind.value}{entry.item_id}\x00".encode())


class _Writer:
    """Makes the values that are encoded. It reads documents of items as it needs them."""

    def __init__(self, catalog: Catalog, reader: Reader) -> None:
        self.catalog = catalog
        self.reader = reader

    def document(self, entry: Entry) -> dict[str, Any]:
        return dict(zip(DOCUMENT, orjson.loads(entry.document), strict=True))

    def text(self, texts: Mapping[str, str] | None) -> str:
        return reading(texts, self.reader.language) if texts else ""

    def whole(self, entry: Entry) -> dict[str, Any]:
        """An item of any kind as lists and single reads give it."""
        document = self.document(entry)
        details = details_of(document["details"])
        value = self._opening(entry, document)
        match entry.kind:
            case ItemKind.GAME:
                value |= {"unit_type": "game", "unit_items": _leave(HoleKind.UNIT_ITEMS, entry)}
                # Its keys have prices, and promotions with them.
                value |= {"promotions": [], "vp_rewards": self._value_points(entry)}
            case ItemKind.GAME_KEY:
                value |= self._sale(entry, document) | self._key(entry, details)
            case ItemKind.BUNDLE | ItemKind.VIRTUAL_CURRENCY_PACKAGE:
                value |= self._sale(entry, document) | self._contents(entry)
            case ItemKind.VIRTUAL_GOOD:
                value |= self._sale(entry, document) | _options(details)
                value["virtual_item_type"] = _virtual_item_type(details)
            case ItemKind.VIRTUAL_CURRENCY:
                value |= self._sale(entry, document) | _options(details)
            case ItemKind.PHYSICAL_GOOD | ItemKind.VALUE_POINT:
                value |= self._sale(entry, document)
        return value | self._additional(entry, document)

    def short(self, entry: Entry) -> dict[str, Any]:
        """An item in the list of all virtual items."""
        document = self.document(entry)
        return {
            "sku": entry.sku,
            "name": self.text(document["name"]),
            "description": self.text(document["description"]),
            "groups": self.groups(entry),
            "promotions": self._promotions(entry),
        }

    def unit(self, entry: Entry) -> dict[str, Any]:
        """A key as its game lists it."""
        document = self.document(entry)
        return {
            "item_id": entry.item_id,
            "sku": entry.sku,
            "type": entry.kind.wire_type,
            "name": self.text(document["name"]),
            **self._sale(entry, document),
            **self._key(entry, details_of(document["details"])),
        }

    def cart(self, entry: Entry) -> dict[str, Any]:
        """An item as a line of a cart gives it, without what belongs to the line: its quantity and its price, and
        whether it can be bought."""
        document = self.document(entry)
        details = details_of(document["details"])
        value = self._opening(entry, document) | _options(details)
        if entry.kind is ItemKind.VIRTUAL_GOOD:
            value["virtual_item_type"] = _virtual_item_type(details)
        return value | {
            "virtual_prices": [] if entry.is_free else self._virtual_prices(document["virtual_prices"]),
            # Codes and other lines of the cart bring promotions in too.
            "promotions": _leave(HoleKind.PROMOTIONS, entry) if self.catalog.promotions.by_id else [],
            "vp_rewards": self._value_points(entry),
            "limits": self._limits(entry),
            "periods": document["periods"],
        }

    def groups(self, entry: Entry) -> list[dict[str, str]]:
        """The groups of an item, without those that are hidden."""
        known = self.catalog.groups
        return [
            {"external_id": known[group_id].external_id, "name": self.text(known[group_id].name)}
            for group_id in self.catalog.groups_of.get(entry.item_id, ())
            if group_id in known
        ]

    def _opening(self, entry: Entry, document: Mapping[str, Any]) -> dict[str, Any]:
        value = {
            "item_id": entry.item_id,
            "sku": entry.sku,
            "type": entry.kind.wire_type,
            "name": self.text(document["name"]),
            "description": self.text(document["description"]),
            "image_url": document["image_url"] or "",
            "groups": self.groups(entry),
            "attributes": self._attributes(document["attributes"]),
        }
        if entry.kind.bundle_type is not None:
            value["bundle_type"] = entry.kind.bundle_type
        return value

    def _sale(self, entry: Entry, document: Mapping[str, Any]) -> dict[str, Any]:
        """Prices, promotions, limits and periods."""
        virtual_prices = [] if entry.is_free else self._virtual_prices(document["virtual_prices"])
        amount = self.price(entry, document)
        # What has no price here is refused by orders and warned of in carts.
        is_priced = entry.is_free or amount is not None or bool(virtual_prices)
        return {
            "is_free": entry.is_free,
            "price": self._price(entry, amount),
            "virtual_prices": virtual_prices,
            "can_be_bought": self._can_be_bought(entry) if is_priced else False,
            "promotions": self._promotions(entry),
            "limits": self._limits(entry),
            "periods": document["periods"],
            "vp_rewards": self._value_points(entry),
        }

    def _value_points(self, entry: Entry) -> list[dict[str, Any]]:
        """The value points that come with a purchase of one, without those that are switched off or deleted."""
        found = []
        for reward in self.catalog.value_points.get(entry.item_id, ()):
            point = self.catalog.entries.get(reward.value_point_id)
            if point is not None and point.is_enabled:
                document = self.document(point)
                found.append(
                    {
                        "item_id": point.item_id,
                        "sku": point.sku,
                        "amount": reward.amount,
                        "name": self.text(document["name"]),
                        "image_url": document["image_url"] or "",
                        "is_clan": details_of(document["details"]).is_clan,
                    }
                )
        return found

    def _price(self, entry: Entry, amount: tuple[Decimal, str] | None) -> Any:
        """What one of it costs, by itself; amount: before promotions."""
        if self._is_promoted(entry):
            return _leave(HoleKind.PRICE, entry)
        return amount and price_form(*amount)

    def _promotions(self, entry: Entry) -> Any:
        return _leave(HoleKind.PROMOTIONS, entry) if self._is_promoted(entry) else []

    def _is_promoted(self, entry: Entry) -> bool:
        return entry.kind is not ItemKind.GAME and self.catalog.promotions.touch(entry.item_id, entry.parent_id)

    def _can_be_bought(self, entry: Entry) -> Any:
        return _leave(HoleKind.CAN_BE_BOUGHT, entry) if self._may_be_kept_back(entry) else True

    def _may_be_kept_back(self, entry: Entry) -> bool:
        return bool(entry.windows or entry.limits is not None or entry.kind is ItemKind.GAME_KEY or entry.content)

    def _limits(self, entry: Entry) -> Any:
        limits = entry.limits
        if limits is None or (limits.per_item is None and limits.per_user is None):
            return None
        return _leave(HoleKind.LIMITS, entry)

    def price(self, entry: Entry, document: Mapping[str, Any]) -> tuple[Decimal, str] | None:
        """The amount and currency that apply to the reader, None for what is free or has no such price."""
        return None if entry.is_free else price_at(self.catalog, document, self.reader.country)

    def _virtual_prices(self, stored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Prices in virtual currencies; discounts do not touch them, so both amounts are equal."""
        found = []
        for price in stored:
            shown = self._currency(price["sku"]) if price["is_enabled"] else None
            if shown is not None:
                amount = price["amount"]
                decimal = f"{amount}.00"
                found.append(
                    {
                        **shown,
                        "amount": amount,
                        "amount_without_discount": amount,
                        "calculated_price": {"amount": decimal, "amount_without_discount": decimal},
                        "is_default": price["is_default"],
                    }
                )
        return found

    def _currency(self, sku: str) -> dict[str, Any] | None:
        """What a virtual price says of its currency; the same for all prices in it."""
        key = (sku, self.reader.language)
        if key in self.catalog.texts:
            return self.catalog.texts[key]
        entry = self.catalog.by_sku.get(sku)
        if entry is None:
            return None
        document = self.document(entry)
        found = {
            "item_id": entry.item_id,
            "sku": sku,
            "name": self.text(document["name"]),
            "type": entry.kind.wire_type,
            "description": self.text(document["description"]),
            "image_url": document["image_url"] or "",
        }
        self.catalog.texts[key] = found
        return found

    def _attributes(self, stored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        found = []
        for link in stored:
            attribute = self.catalog.attributes.get(link["attribute_id"])
            if attribute is not None:
                values = {value.value_id: value for value in attribute.values}
                found.append(
                    {
                        "external_id": attribute.external_id,
                        "name": self.text(attribute.name),
                        "values": [
                            {"external_id": values[each].external_id, "value": self.text(values[each].value)}
                            for each in link["value_ids"]
                            if each in values
                        ],
                    }
                )
        return found

    def _key(self, entry: Entry, details: Details) -> dict[str, Any]:
        drm = DRMS.get(details.drm_sku or "")
        pre_order = entry.pre_order
        release = None if pre_order is None else pre_order.release_date
        return {
            "drm_name": drm.name if drm is not None else details.drm_sku or "",
            "drm_sku": details.drm_sku,
            "has_keys": _leave(HoleKind.HAS_KEYS, entry),
            "is_pre_order": False if pre_order is None else _leave(HoleKind.IS_PRE_ORDER, entry),
            "release_date": None if release is None else release.isoformat(timespec="seconds"),
        }

    def _contents(self, entry: Entry) -> dict[str, Any]:
        if entry.kind is ItemKind.VIRTUAL_CURRENCY_PACKAGE:
            return {"content": self._content(entry, (entry.item_id,), is_short=True)}
        total = self._total_content_price(entry)
        return {
            "total_content_price": total and price_form(*total),
            "content": self._content(entry, (entry.item_id,), is_short=False),
        }

    def _content(self, entry: Entry, trail: tuple[int, ...], *, is_short: bool) -> list[dict[str, Any]]:
        """What a bundle holds. What is no longer available is left out; a period outside of it does not matter."""
        found = []
        for held in entry.content:
            inner = self.catalog.entries.get(held.item_id)
            if inner is None or not inner.is_enabled or inner.item_id in trail or len(trail) > NESTING_MAX:
                continue
            value = self._short_content(inner) if is_short else self._whole_content(inner, trail)
            found.append(value | {"quantity": held.quantity})
        return found

    def _short_content(self, inner: Entry) -> dict[str, Any]:
        document = self.document(inner)
        return {
            "item_id": inner.item_id,
            "sku": inner.sku,
            "name": self.text(document["name"]),
            "type": inner.kind.wire_type,
            "description": self.text(document["description"]),
            "image_url": document["image_url"] or "",
            "limits": self._limits(inner),
            **_options(details_of(document["details"])),
        }

    def _whole_content(self, inner: Entry, trail: tuple[int, ...]) -> dict[str, Any]:
        document = self.document(inner)
        details = details_of(document["details"])
        amount = self.price(inner, document)
        value = self._opening(inner, document) | {
            "is_free": inner.is_free,
            "price": amount and price_form(*amount),
            "virtual_prices": [] if inner.is_free else self._virtual_prices(document["virtual_prices"]),
            "limits": self._limits(inner),
        }
        if inner.kind in (ItemKind.VIRTUAL_GOOD, ItemKind.VIRTUAL_CURRENCY):
            value |= _options(details)
        if inner.kind is ItemKind.VIRTUAL_GOOD:
            value["virtual_item_type"] = _virtual_item_type(details)
        if inner.kind is ItemKind.GAME_KEY:
            drm = DRMS.get(details.drm_sku or "")
            value |= {"drm_sku": details.drm_sku, "drm_name": drm.name if drm else details.drm_sku or ""}
        if inner.content:
            is_short = inner.kind is ItemKind.VIRTUAL_CURRENCY_PACKAGE
            value["content"] = self._content(inner, (*trail, inner.item_id), is_short=is_short)
        return value

    def _total_content_price(self, entry: Entry) -> tuple[Decimal, str] | None:
        """What a bundle's content costs by itself; None where a price in the one currency is missing."""
        total, currency = Decimal(), None
        for held in entry.content:
            inner = self.catalog.entries.get(held.item_id)
            if inner is None or not inner.is_enabled:
                continue
            amount = self.price(inner, self.document(inner))
            if inner.is_free:
                continue
            if amount is None or (currency is not None and amount[1] != currency):
                return None
            total, currency = total + amount[0] * held.quantity, amount[1]
        return None if currency is None else (total, currency)

    def _additional(self, entry: Entry, document: Mapping[str, Any]) -> dict[str, Any]:
        fields = self.reader.fields | ALWAYS_OF_BUNDLES if entry.kind is ItemKind.BUNDLE else self.reader.fields
        value: dict[str, Any] = {}
        if MEDIA_LIST in fields:
            value["media_list"] = document["media_list"]
        if ORDER in fields:
            value["order"] = entry.rank[0]
        if LONG_DESCRIPTION in fields:
            value["long_description"] = self.text(document["long_description"])
        if CUSTOM_ATTRIBUTES in fields:
            value["custom_attributes"] = document["custom_attributes"] or {}
        if ORDER_IN_GROUP in fields:
            value["item_order_in_group"] = _leave(HoleKind.PLACE_IN_GROUP, entry)
        return value


_FORMS: dict[Form, Callable[[_Writer, Entry], dict[str, Any]]] = {
    Form.WHOLE: _Writer.whole,
    Form.SHORT: _Writer.short,
    Form.UNIT: _Writer.unit,
    Form.CART: _Writer.cart,
}


def price_at(catalog: Catalog, document: Mapping[str, Any], country: str) -> tuple[Decimal, str] | None:
    """The amount and currency of a priced item's document that apply in a country; None where none do."""
    offered = [price for price in document["prices"] if price["is_enabled"]]
    offers = [Offer(price["country_iso"] or "", price["currency"], price["is_default"]) for price in offered]
    place = rules.choose_price(offers, country=country, currency=catalog.currency_of(country))
    return None if place is None else (Decimal(offered[place]["amount"]), offers[place].currency)


def price_form(amount: Decimal, currency: str, *, discounted: Decimal | None = None) -> dict[str, str]:
    """A price; discounted: what is left of it after discounts, None where none applies."""
    text = _decimal(amount, currency)
    after = text if discounted is None else _decimal(discounted, currency)
    return {"amount": after, "amount_without_discount": text, "currency": currency}


def _decimal(amount: Decimal, currency: str) -> str:
    """With the decimals of its currency, or its own where it has more."""
    decimals = exponent(currency)
    _, _, own = amount.as_tuple()
    if decimals is not None and isinstance(own, int) and -own < decimals:
        amount = amount.quantize(Decimal(1).scaleb(-decimals))
    return f"{amount:f}"


def _options(details: Details) -> dict[str, Any]:
    expiration = details.expiration
    return {
        "inventory_options": {
            "consumable": {"usages_count": details.usages_count} if details.is_consumable else None,
            "expiration_period": expiration and {"type": expiration.type, "value": expiration.value},
        }
    }


def _virtual_item_type(details: Details) -> VirtualItemType:
    if details.virtual_item_type is not None:
        return details.virtual_item_type
    if details.expiration is not None:
        return VirtualItemType.NON_RENEWING_SUBSCRIPTION
    return VirtualItemType.CONSUMABLE if details.is_consumable else VirtualItemType.NON_CONSUMABLE

"""The bytes of a cart's answer. An item's part is encoded once for a version of the catalog, a language, a country."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from weakref import WeakKeyDictionary

import orjson

from haversack.carts.looking import LookedCart, LookedLine, Onlooker, Warned
from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.pieces import Form, Piece, Reader, encode_piece
from haversack.catalog.read_model.promoting import Reading, cart_promotion_form, is_about_items, promotion_form
from haversack.catalog.selling import SellableItem

PIECES_KEPT_MAX = 20_000
_FLAGS = (b"false", b"true")

_pieces: WeakKeyDictionary[Catalog, dict[tuple[int, str, str], Piece]] = WeakKeyDictionary()


def encode_cart(looked: LookedCart, eyes: Onlooker, language: str, more: Sequence[Warned] = ()) -> bytes:
    """The answer that shows a cart; `more`: what is to be told of SKUs that are not in it."""
    priced, currency = looked.priced, (looked.priced.currency or "").encode()
    pieces = _pieces.get(eyes.shop.catalog)
    if pieces is None:
        pieces = _pieces[eyes.shop.catalog] = {}
    told = _promotions(looked, eyes)
    items = b",".join([_item(line, eyes, language, currency, pieces, told) for line in looked.lines])
    warnings = [
        {"sku": each.sku, "quantity": each.quantity, "errorCode": each.code, "errorMessage": each.message}
        for each in (*more, *looked.warnings)
    ]
    return b'{"cart_id":%b,"is_free":%b,"price":%b,"items":[%b],"promotions":%b,"warnings":%b}' % (
        orjson.dumps(looked.cart.cart_id),
        _FLAGS[priced.is_free],
        _price(priced.amount, priced.amount_without_discount, currency),
        items,
        _of_cart(looked, eyes),
        orjson.dumps(warnings) if warnings else b"[]",
    )


def _price(amount: Decimal | None, before: Decimal | None, currency: bytes) -> bytes:
    """A price of a cart with the sixteen decimals of the documented samples."""
    if amount is None:
        return b"null"
    text = f"{amount:.16f}".encode()
    full = text if before == amount else f"{before:.16f}".encode()
    return b'{"amount":"%b","amount_without_discount":"%b","currency":"%b"}' % (text, full, currency)


def _promotions(looked: LookedCart, eyes: Onlooker) -> dict[int, bytes]:
    """What the lines say of promotions: of those that apply the ones that are about their items."""
    kept = looked.applied.kept
    at = Reading(eyes.language, eyes.filler.country, eyes.filler.now)
    return {
        line.item.item_id: orjson.dumps(
            [
                promotion_form(eyes.shop.catalog, each, line.priced, eyes.situation, at)
                for each in kept
                if is_about_items(each, line.priced)
            ]
        )
        for line in (looked.lines if kept else ())
        if line.item is not None and line.priced is not None and not line.priced.line.is_bonus
    }


def _of_cart(looked: LookedCart, eyes: Onlooker) -> bytes:
    """What the cart says of promotions: of those that apply the ones that no line tells of."""
    lines = [line.priced for line in looked.lines if line.priced is not None and not line.priced.line.is_bonus]
    at = Reading(eyes.language, eyes.filler.country, eyes.filler.now)
    forms = [
        cart_promotion_form(eyes.shop.catalog, each, looked.priced, eyes.situation, at)
        for each in looked.applied.kept
        if not any(is_about_items(each, line) for line in lines)
    ]
    return orjson.dumps(forms)


def _item(
    looked: LookedLine,
    eyes: Onlooker,
    language: str,
    currency: bytes,
    pieces: dict[tuple[int, str, str], Piece],
    told: Mapping[int, bytes],
) -> bytes:
    item, priced = looked.item, looked.priced
    if item is None or priced is None:
        return _gone(looked)
    eyes.filler.of_line = b"[]" if priced.line.is_bonus else told.get(item.item_id, b"[]")
    return b'%b,"quantity":%d,"is_free":%b,"is_bonus":%b,"can_be_bought":%b,"price":%b}' % (
        # All of the object but its end.
        eyes.filler.fill(_piece(item, eyes, language, pieces))[:-1],
        looked.line.quantity,
        _FLAGS[priced.line.costs_nothing],
        _FLAGS[priced.line.is_bonus],
        _FLAGS[looked.fault is None],
        _price(priced.amount, priced.amount_without_discount, currency),
    )


def _piece(item: SellableItem, eyes: Onlooker, language: str, pieces: dict[tuple[int, str, str], Piece]) -> Piece:
    key = (item.item_id, language, eyes.filler.country)
    found = pieces.get(key)
    if found is None:
        if len(pieces) >= PIECES_KEPT_MAX:
            pieces.clear()
        reader = Reader(language, eyes.filler.country, frozenset())
        found = pieces[key] = encode_piece(eyes.shop.catalog, item.entry, reader, Form.CART)
    return found


def _gone(looked: LookedLine) -> bytes:
    """A line whose item was deleted: what the cart itself remembers of it."""
    line = looked.line
    return orjson.dumps(
        {
            "item_id": line.item_id,
            "sku": line.sku,
            "type": line.kind.wire_type,
            "name": None,
            "description": "",
            "image_url": "",
            "groups": [],
            "attributes": [],
            "inventory_options": {"consumable": None, "expiration_period": None},
            "virtual_prices": [],
            "promotions": [],
            "vp_rewards": [],
            "limits": None,
            "periods": [],
            "quantity": line.quantity,
            "is_free": False,
            "is_bonus": False,
            "can_be_bought": False,
            "price": None,
        }
    )

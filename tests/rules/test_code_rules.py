"""What codes look like, why one opens nothing, which keys are given, and how guesses are counted. No database."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haversack.catalog.records import Period
from haversack.personalization.records import AttributeCondition, AttributeType
from haversack.promotions.codes.actions import random_codes
from haversack.promotions.codes.guessing import WINDOW, Misses
from haversack.promotions.codes.rules import (
    ALPHABET,
    GENERATED_LENGTH,
    CodeFault,
    Unit,
    choose_keys,
    codes_of,
    fault_of,
)
from haversack.promotions.codes.wire.admin import NewCouponBodyV2, NewPromoCodeBodyV3, NewUniqueOfferBodyV2
from haversack.promotions.drafts import NamedItem
from haversack.promotions.records import HasCode, Promotion, PromotionKind, UserAttributes

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
OWLS = UserAttributes(
    (
        AttributeCondition(
            attribute="guild", type=AttributeType.STRING, operator="eq", value="Owls", can_be_missing=False
        ),
    )
)


def make_promotion(**given: Any) -> Promotion:
    fields: dict[str, Any] = {
        "project_id": 1,
        "promotion_id": 1,
        "kind": PromotionKind.COUPON,
        "external_id": "welcome",
        "name": {"en-US": "Welcome"},
        "is_enabled": True,
        "conditions": (HasCode(),),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Promotion(**{**fields, **given})


def test_every_sign_is_as_likely() -> None:
    assert len(set(ALPHABET)) == 32
    codes = list(codes_of(bytes(range(256)) * GENERATED_LENGTH))
    assert len(codes) == 256
    assert set(Counter("".join(codes)).values()) == {256 * GENERATED_LENGTH // 32}
    assert list(codes_of(b"\x00" * (GENERATED_LENGTH * 2 - 1))) == ["A" * GENERATED_LENGTH]


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 1_001, 25_000])
def test_random_codes(count: int) -> None:
    codes = list(random_codes(count))
    assert len(codes) == len(set(codes)) == count


def _period(start: int | None, end: int | None) -> Period:
    """A period from so many days after now, or before it."""
    days = [None if day is None else (NOW + timedelta(days=day)).isoformat() for day in (start, end)]
    return Period(*days)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        ({"is_enabled": False}, CodeFault.UNKNOWN),
        ({"periods": (_period(-1, 1),)}, None),
        ({"periods": (_period(None, 1),)}, None),
        ({"periods": (_period(-1, None),)}, None),
        ({"periods": (_period(-1, 0),)}, CodeFault.EXPIRED),
        ({"periods": (_period(-3, -2), _period(-2, -1))}, CodeFault.EXPIRED),
        ({"periods": (_period(-3, -2), _period(2, 3))}, CodeFault.UNKNOWN),
        ({"periods": (_period(1, None),)}, CodeFault.UNKNOWN),
        ({"periods": (_period(-3, -2),), "is_enabled": False}, CodeFault.UNKNOWN),
    ],
)
def test_fault_of(given: dict[str, Any], expected: CodeFault | None) -> None:
    assert fault_of(make_promotion(**given), None, now=NOW) is expected


def test_fault_of_players() -> None:
    promotion = make_promotion(conditions=(HasCode(), OWLS))
    assert fault_of(promotion, {"guild": "Owls"}, now=NOW) is None
    for attributes in ({"guild": "Ravens"}, {}, None):
        assert fault_of(promotion, attributes, now=NOW) is CodeFault.UNKNOWN


def test_choose_keys() -> None:
    opera, ballet, lost = Unit("opera", ("steam", "gog")), Unit("ballet", ("only",)), Unit("lost", ())
    assert choose_keys([opera, ballet], {"opera": "gog", "else": "x"}) == ({"opera": "gog", "ballet": "only"}, [])
    keys, faults = choose_keys([opera, ballet, lost], {"ballet": "steam"})
    assert keys == {}
    assert [(fault.property, fault.message) for fault in faults] == [
        ("selected_unit_items.opera", "must be one of steam, gog"),
        ("selected_unit_items.ballet", "must be one of only"),
        ("selected_unit_items.lost", "must be one of none"),
    ]


def test_misses() -> None:
    misses = Misses(kept_max=2)
    for _ in range(3):
        assert misses.wait_of(b"a", 3, now=NOW) is None
        misses.add(b"a", now=NOW)
    assert misses.wait_of(b"a", 3, now=NOW + timedelta(minutes=5)) == WINDOW - timedelta(minutes=5)
    assert misses.wait_of(b"a", 4, now=NOW) is None
    assert misses.wait_of(b"a", 3, now=NOW + WINDOW) is None
    misses.add(b"a", now=NOW + WINDOW)
    assert misses.wait_of(b"a", 2, now=NOW + WINDOW) is None
    # The oldest window is forgotten where there are too many.
    misses.add(b"b", now=NOW)
    misses.add(b"c", now=NOW)
    assert misses.wait_of(b"a", 1, now=NOW + WINDOW) is None
    assert misses.wait_of(b"c", 1, now=NOW) == WINDOW


def test_drafts() -> None:
    common: dict[str, Any] = {"external_id": "x", "name": {"en-US": "X"}, "redeem_user_limit": 2}
    draft = NewCouponBodyV2(**common, bonus=[{"sku": "lamp", "quantity": 3}]).draft(NOW)
    assert (draft.kind, draft.external_id, draft.is_enabled) == (PromotionKind.COUPON, "x", False)
    assert draft.bonuses == ((NamedItem("bonus.0.sku", "lamp"), 3),)
    assert (draft.limits.per_user, draft.limits.total, draft.limits.per_code) == (2, None, None)
    off = NewPromoCodeBodyV3(**common, discount={"percent": "12.5"}).draft(NOW)
    assert (str(off.cart_percent), off.item_discounts) == ("12.5", ())
    prices = [{"operator": "ge", "value": "5"}]
    chosen = NewPromoCodeBodyV3(**common, discount={"percent": "12.5"}, item_price_conditions=prices).draft(NOW)
    assert (chosen.cart_percent, [(str(percent), items) for percent, items in chosen.item_discounts]) == (
        None,
        [("12.5", None)],
    )
    nothing = NewPromoCodeBodyV3(**common, discount={"percent": None}).draft(NOW)
    assert (nothing.cart_percent, nothing.item_discounts) == (None, ())
    twice = [{"sku": sku, "discount": {"percent": "5"}} for sku in ("a", "b", "a")]
    faulty = NewPromoCodeBodyV3(**common, discounted_items=twice).draft(NOW)
    assert [fault.property for fault in faulty.faults] == ["discounted_items.2.sku"]
    offer = NewUniqueOfferBodyV2(**common, items=["a", "b", "a"]).draft(NOW)
    assert offer.revealed == (NamedItem("items.0", "a"), NamedItem("items.1", "b"))

"""Rules of items without a database: prices, content, periods, keys, types and the price of a bundle's content."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.catalog.items import rules
from haversack.catalog.items import stored_forms as forms
from haversack.catalog.items.drafts import ContentDraft, ItemDraft, Known, KnownItem
from haversack.catalog.records import (
    AttributeLink,
    ContentEntry,
    Details,
    Expiration,
    Item,
    ItemKind,
    ItemLimits,
    Media,
    Period,
    PreOrder,
    Price,
    Schedule,
    VirtualItemType,
    VirtualPrice,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
KNOWN = Known(
    {
        "pearls": KnownItem(1, ItemKind.VIRTUAL_CURRENCY),
        "lamp": KnownItem(2, ItemKind.VIRTUAL_GOOD),
        "crate": KnownItem(3, ItemKind.BUNDLE),
        "saga": KnownItem(4, ItemKind.GAME),
        "mug": KnownItem(5, ItemKind.PHYSICAL_GOOD),
        "points": KnownItem(6, ItemKind.VALUE_POINT),
        "saga_steam": KnownItem(7, ItemKind.GAME_KEY),
        "sack": KnownItem(8, ItemKind.VIRTUAL_CURRENCY_PACKAGE),
    }
)


def _price(amount: str = "9.99", currency: str = "USD", **changes: Any) -> Price:
    return replace(Price(Decimal(amount), currency, is_default=not changes.get("country_iso")), **changes)


def _draft(**changes: Any) -> ItemDraft:
    return ItemDraft(**{"kind": ItemKind.VIRTUAL_GOOD, "sku": "new", "name": {"en": "New"}, **changes})


def _bundle(*skus: str, **changes: Any) -> ItemDraft:
    return _draft(kind=ItemKind.BUNDLE, content=tuple(ContentDraft(sku, 1) for sku in skus), **changes)


def _fields(draft: ItemDraft, known: Known = KNOWN, own_id: int | None = None) -> list[str]:
    return [fault.property for fault in rules.draft_faults(draft, known, own_id)]


@pytest.mark.parametrize(
    ("prices", "fields"),
    [
        ([], []),
        ([_price()], []),
        ([_price("9.999")], ["prices.0.amount"]),
        ([_price("9.9900")], []),
        ([_price("100.5", "JPY")], ["prices.0.amount"]),
        ([_price("1.234", "KWD")], []),
        ([_price(), _price(country_iso="US"), _price(country_iso="CA")], []),
        ([_price(), _price(currency="EUR", is_default=False)], []),
        ([_price(), _price(currency="EUR")], ["prices.1.is_default"]),
        ([_price(is_enabled=False), _price(currency="EUR")], ["prices.1.is_default"]),
        ([_price(country_iso="US", is_default=True)], ["prices.0.country_iso"]),
        ([_price(), _price(is_default=False)], ["prices.1"]),
        ([_price(), _price(country_iso="US"), _price(country_iso="US", amount=Decimal(1))], ["prices.2"]),
        ([_price(), _price(country_iso="US"), _price(country_iso="US", currency="EUR")], []),
    ],
)
def test_prices(prices: list[Price], fields: list[str]) -> None:
    assert _fields(_draft(prices=tuple(prices))) == fields


@pytest.mark.parametrize(
    ("prices", "lacks"),
    [
        ([], False),
        ([_price()], False),
        ([_price(is_enabled=False)], False),
        ([_price(is_default=False)], True),
        ([_price(country_iso="US"), _price(country_iso="CA")], True),
    ],
)
def test_lacks_default_price(prices: list[Price], lacks: bool) -> None:
    assert rules.lacks_default_price(prices) is lacks
    key = _draft(kind=ItemKind.GAME_KEY, sku="key", prices=tuple(prices))
    found = rules.default_price_faults(_draft(kind=ItemKind.GAME, keys=(key,)))
    assert [(sku, fault.property) for sku, fault in found] == ([("key", "unit_items.0.prices")] if lacks else [])


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        (["lamp", "pearls", "sack", "crate", "saga_steam"], []),
        ([], ["content"]),
        (["saga"], ["content.0.sku"]),
        (["lamp", "mug", "points"], ["content.1.sku", "content.2.sku"]),
        (["lamp", "lamp"], ["content.1.sku"]),
        (["nothing", "lamp", "naught"], ["content.0.sku", "content.2.sku"]),
        (["new"], ["content.0.sku"]),
    ],
)
def test_bundle_content(content: list[str], fields: list[str]) -> None:
    assert _fields(_bundle(*content)) == fields


def test_a_bundle_inside_itself() -> None:
    inside = replace(KNOWN, item_ids_inside=frozenset({2, 3, 9}))
    assert _fields(_bundle("crate"), inside, own_id=9) == ["content"]
    assert _fields(_bundle("crate"), inside, own_id=10) == []


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        (["pearls"], []),
        ([], ["content"]),
        (["lamp"], ["content.0.sku"]),
        (["nothing"], ["content.0.sku"]),
        (["pearls", "sack"], ["content", "content.1.sku"]),
    ],
)
def test_package_content(content: list[str], fields: list[str]) -> None:
    assert _fields(replace(_bundle(*content), kind=ItemKind.VIRTUAL_CURRENCY_PACKAGE)) == fields


@pytest.mark.parametrize(
    ("date_from", "date_until", "is_faulty"),
    [
        (None, None, False),
        (None, "2026-01-01T00:00:00Z", False),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", False),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", True),
        ("2026-01-01T00:00:00+03:00", "2025-12-31T21:00:00Z", True),
        ("2026-01-01T00:00:00+03:00", "2025-12-31T21:00:01Z", False),
        ("2026-01-01T00:00:00Z", "2026-01-01T02:00:00+03:00", True),
    ],
)
def test_periods(date_from: str | None, date_until: str | None, is_faulty: bool) -> None:
    draft = _draft(periods=(Period(None, None), Period(date_from, date_until)))
    assert _fields(draft) == (["periods.1.date_until"] if is_faulty else [])


def test_custom_attributes_are_counted_in_characters() -> None:
    for length, fields in ((492, []), (493, ["custom_attributes"])):
        assert _fields(_draft(custom_attributes={"a": "é" * length})) == fields


def test_keys_have_skus_of_their_own() -> None:
    keys = tuple(_draft(kind=ItemKind.GAME_KEY, sku=sku) for sku in ("a", "b", "a", "saga"))
    draft = _draft(kind=ItemKind.GAME, sku="saga", keys=keys)
    assert _fields(draft) == ["unit_items.2.sku", "unit_items.3.sku"]


EXPIRING = Expiration("day", 7)


@pytest.mark.parametrize(
    ("options", "given_type", "expected"),
    [
        (Details(), None, "non_consumable"),
        (Details(is_consumable=True), None, "consumable"),
        (Details(expiration=EXPIRING), None, "non_renewing_subscription"),
        (Details(is_consumable=True, expiration=EXPIRING), None, "non_renewing_subscription"),
        (Details(), "consumable", "consumable"),
        (Details(is_consumable=True, usages_count=3), "non_consumable", "non_consumable"),
        (Details(is_consumable=True, expiration=EXPIRING), "consumable", "consumable"),
        (Details(expiration=EXPIRING), "non_renewing_subscription", "non_renewing_subscription"),
    ],
)
def test_virtual_item_type(options: Details, given_type: str | None, expected: str) -> None:
    details = rules.with_type(options, None if given_type is None else VirtualItemType(given_type))
    assert _item(details=details).virtual_item_type == expected
    if given_type is not None:
        # The type that is said outright wins for its flag.
        assert details.is_consumable is (given_type == "consumable")
        assert details.expiration == options.expiration


def test_a_subscription_must_expire() -> None:
    details = rules.with_type(Details(), VirtualItemType.NON_RENEWING_SUBSCRIPTION)
    assert _fields(_draft(details=details)) == ["inventory_options.expiration_period"]


def _item(item_id: int = 1, **changes: Any) -> Item:
    values = {"project_id": 1, "sku": "item", "kind": ItemKind.VIRTUAL_GOOD, "name": {}, **changes}
    return Item(item_id=item_id, created_at=NOW, updated_at=NOW, **values)


def _holding(*entries: tuple[int, int]) -> Item:
    content = tuple(ContentEntry(item_id, quantity) for item_id, quantity in entries)
    return _item(9, kind=ItemKind.BUNDLE, details=Details(content=content))


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([(1, 1), (2, 10), (3, 100)], (Decimal("802.89"), "USD")),
        ([(1, 2)], (Decimal("7.98"), "USD")),
        ([(1, 1), (4, 1)], None),  # no price
        ([(1, 1), (5, 1)], None),  # another currency
        ([(5, 3)], (Decimal(300), "JPY")),
        ([(1, 1), (6, 5)], (Decimal("3.99"), "USD")),  # free
        ([(1, 1), (7, 5)], (Decimal("3.99"), "USD")),  # deleted since
        ([(8, 1)], None),  # switched off
        ([], None),
    ],
)
def test_content_price(entries: list[tuple[int, int]], expected: tuple[Decimal, str] | None) -> None:
    items = {
        1: _item(1, prices=(_price("3.99"), _price("1", country_iso="US"))),
        2: _item(2, prices=(_price("1", country_iso="US"), _price("19.99"))),
        3: _item(3, kind=ItemKind.BUNDLE, prices=(_price("5.99"),)),
        4: _item(4),
        5: _item(5, prices=(_price("100", "JPY"),)),
        6: _item(6, prices=(_price("8"),), is_free=True),
        8: _item(8, prices=(_price("8", is_enabled=False),)),
    }
    assert rules.content_price(_holding(*entries), items) == expected


_texts = st.text(max_size=10)
_whole = st.integers(min_value=1, max_value=2**31 - 1)
_prices = st.builds(
    Price,
    st.decimals(min_value="0.01", max_value="999999999999", places=2),
    st.sampled_from(["USD", "JPY"]),
    st.none() | st.just("US"),
    st.booleans(),
    st.booleans(),
)
_moments = st.datetimes(timezones=st.just(UTC))
_details = st.builds(
    Details,
    is_consumable=st.booleans(),
    usages_count=st.none() | _whole,
    expiration=st.none() | st.builds(Expiration, st.just("day"), _whole),
    virtual_item_type=st.none() | st.sampled_from(VirtualItemType),
    is_paid_randomized_reward=st.booleans(),
    content=st.lists(st.builds(ContentEntry, _whole, _whole), max_size=3).map(tuple),
    drm_sku=st.none() | st.just("steam"),
    is_hard=st.booleans(),
    is_clan=st.booleans(),
)
_schedules = st.builds(
    Schedule, st.just("daily"), st.just("08:00:00+03:00"), st.none(), st.none(), st.none() | _moments
)
_limits = st.builds(
    ItemLimits,
    per_item=st.none() | _whole,
    per_user=_whole,
    limit_exceeded_visibility=st.sampled_from(["show", "hide"]),
    schedule=st.none() | _schedules,
)


@given(st.lists(_prices, max_size=3), _details, st.none() | _limits, st.none() | _moments)
def test_what_is_stored_comes_back(
    prices: list[Price], details: Details, limits: ItemLimits | None, release: datetime | None
) -> None:
    assert forms.prices_of(forms.prices_form(prices)) == tuple(prices)
    assert forms.details_of(forms.details_form(details)) == details
    assert forms.limits_of(forms.limits_form(limits)) == limits
    pre_order = PreOrder(release, True, "soon")
    assert forms.pre_order_of(forms.pre_order_form(pre_order)) == pre_order


@given(_texts, _whole, st.lists(_whole, max_size=3))
def test_small_parts_come_back(text: str, number: int, numbers: list[int]) -> None:
    media = (Media("image", text),)
    assert forms.media_of(forms.media_form(media)) == media
    periods = (Period(text, None), Period(None, text))
    assert forms.periods_of(forms.periods_form(periods)) == periods
    links = (AttributeLink(number, tuple(numbers)),)
    assert forms.attributes_of(forms.attributes_form(links)) == links
    virtual = (VirtualPrice(text, number, True, False),)
    assert forms.virtual_prices_of(forms.virtual_prices_form(virtual)) == virtual

"""What lines and carts cost: tables of cases and properties."""

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.money import AMOUNT_MAX, exponent
from haversack.pricing.records import Discount, Line, PricedCart, Step
from haversack.pricing.rules import price_cart, reasons_of, rounded

CURRENCIES = ("USD", "EUR", "JPY", "KWD")

amounts = st.decimals(min_value=0, max_value=AMOUNT_MAX, places=3)
quantities = st.integers(min_value=1, max_value=1_000_000)
percents = st.decimals(min_value=0, max_value=100, places=2)
currencies = st.sampled_from(CURRENCIES)


def _line(item_id: int = 1, amount: str | Decimal | None = "9.99", quantity: int = 1, **changes: bool) -> Line:
    unit_amount = None if amount is None else Decimal(amount)
    return Line(item_id=item_id, sku=f"item-{item_id}", quantity=quantity, unit_amount=unit_amount, **changes)


def _off(percent: str | Decimal, *item_ids: int, promotion_id: int = 1) -> Discount:
    items = frozenset(item_ids) or None
    return Discount(promotion_id=promotion_id, name="Sale", percent=Decimal(percent), item_ids=items)


@st.composite
def carts(draw: st.DrawFn) -> list[Line]:
    """Lines of every kind; each item once."""
    return [
        Line(
            item_id=item_id,
            sku=f"item-{item_id}",
            quantity=draw(quantities),
            unit_amount=draw(st.none() | amounts),
            is_free=draw(st.booleans()),
            is_bonus=draw(st.booleans()),
        )
        for item_id in range(draw(st.integers(min_value=0, max_value=6)))
    ]


@st.composite
def discounts(draw: st.DrawFn) -> list[Discount]:
    """Discounts of items and of carts."""
    items = st.frozensets(st.integers(min_value=0, max_value=6), min_size=1)
    return [
        Discount(promotion_id=number, name=f"Sale {number}", percent=draw(percents), item_ids=draw(st.none() | items))
        for number in range(draw(st.integers(min_value=0, max_value=5)))
    ]


def _amounts(priced: PricedCart) -> list[Decimal | None]:
    return [line.amount for line in priced.lines]


@given(carts(), discounts(), currencies)
def test_lines_sum_to_the_total(lines: list[Line], off: list[Discount], currency: str) -> None:
    priced = price_cart(lines, currency=currency, discounts=off)
    known = [line for line in priced.lines if line.amount is not None]
    assert [line.line for line in priced.lines] == lines
    if not known:
        assert (priced.amount, priced.amount_without_discount, priced.currency) == (None, None, None)
        return
    assert priced.amount == sum(line.amount or 0 for line in known)
    assert priced.amount_without_discount == sum(line.amount_without_discount or 0 for line in known)


@given(carts(), discounts(), currencies)
def test_nothing_is_negative_or_dearer_than_without_discounts(
    lines: list[Line], off: list[Discount], currency: str
) -> None:
    for line in price_cart(lines, currency=currency, discounts=off).lines:
        if line.amount is not None and line.amount_without_discount is not None:
            assert 0 <= line.amount <= line.amount_without_discount


@given(carts(), discounts(), currencies)
def test_amounts_have_the_decimals_of_their_currency(lines: list[Line], off: list[Discount], currency: str) -> None:
    priced = price_cart(lines, currency=currency, discounts=off)
    decimals = exponent(currency)
    assert decimals is not None
    for amount in (*_amounts(priced), priced.amount):
        assert amount is None or -amount.as_tuple().exponent == decimals  # type: ignore[operator]


@given(carts(), discounts(), currencies)
def test_the_last_reason_is_the_amount(lines: list[Line], off: list[Discount], currency: str) -> None:
    for line in price_cart(lines, currency=currency, discounts=off).lines:
        assert reasons_of(line)
        assert reasons_of(line)[-1].amount == line.amount


@given(amounts, quantities, st.lists(percents, max_size=4), currencies)
def test_the_order_of_discounts_does_not_matter(
    amount: Decimal, quantity: int, off: list[Decimal], currency: str
) -> None:
    applied = [_off(percent, promotion_id=number) for number, percent in enumerate(off)]
    found = {
        price_cart([_line(amount=amount, quantity=quantity)], currency=currency, discounts=order).amount
        for order in permutations(applied)
    }
    assert len(found) == 1


@given(carts(), st.lists(percents, min_size=7, max_size=7), currencies)
def test_discounts_of_one_item_do_not_touch_others(lines: list[Line], off: list[Decimal], currency: str) -> None:
    each = [_off(percent, item_id, promotion_id=item_id) for item_id, percent in enumerate(off)]
    together = price_cart(lines, currency=currency, discounts=each)
    assert together == price_cart(lines, currency=currency, discounts=each[::-1])
    for line, priced in zip(lines, together.lines, strict=True):
        alone = price_cart([line], currency=currency, discounts=[each[line.item_id]])
        assert priced == alone.lines[0]


@given(amounts, quantities, currencies)
def test_a_line_is_rounded_once(amount: Decimal, quantity: int, currency: str) -> None:
    priced = price_cart([_line(amount=amount, quantity=quantity)], currency=currency)
    assert priced.amount == rounded(amount * quantity, currency)
    half = Decimal(5).scaleb(-(exponent(currency) or 0) - 1)
    assert priced.amount is not None
    assert abs(priced.amount - amount * quantity) <= half


@pytest.mark.parametrize(
    ("amount", "quantity", "percent", "currency", "total"),
    [
        ("9.99", 1, "0", "USD", "9.99"),
        ("0.01", 1, "50", "USD", "0.01"),  # half a cent rounds up
        ("0.01", 1, "51", "USD", "0.00"),
        ("0.01", 3, "50", "USD", "0.02"),  # 1.5 cents for the line, not three times one
        ("9.99", 3, "33.33", "USD", "19.98"),
        ("100", 1, "33.34", "JPY", "67"),
        ("1", 1, "50", "JPY", "1"),
        ("1", 1, "50.01", "JPY", "0"),
        ("0.005", 1, "50", "KWD", "0.003"),
        ("0.001", 1, "0", "KWD", "0.001"),
        ("0", 5, "0", "USD", "0.00"),
        ("1000000000000", 1_000_000, "0", "USD", "1000000000000000000.00"),
        ("9.999", 1, "0", "USD", "10.00"),
    ],
)
def test_rounding(amount: str, quantity: int, percent: str, currency: str, total: str) -> None:
    priced = price_cart([_line(amount=amount, quantity=quantity)], currency=currency, discounts=[_off(percent)])
    assert str(priced.amount) == total


@pytest.mark.parametrize(("sku", "total"), [("gold", "2"), ("USD", "2"), ("KWD", "2")])
def test_virtual_currencies_have_whole_units(sku: str, total: str) -> None:
    priced = price_cart([_line(amount="3")], currency=sku, discounts=[_off("50")], is_virtual=True)
    assert (str(priced.amount), priced.currency) == (total, sku)


def test_reasons_say_how_an_amount_came_to_be() -> None:
    off = [_off("10", 1, promotion_id=7), _off("50", promotion_id=8), _off("99", 2, promotion_id=9)]
    line = price_cart([_line(amount="9.99", quantity=3)], currency="USD", discounts=off).lines[0]
    assert [(reason.step, reason.text, reason.amount) for reason in reasons_of(line)] == [
        (Step.LIST_PRICE, "3 x 9.99 USD", Decimal("29.97")),
        (Step.ITEM_DISCOUNT, "Sale: 10 % off", Decimal("26.973")),
        (Step.CART_DISCOUNT, "Sale: 50 % off", Decimal("13.4865")),
        (Step.ROUNDING, "half up to the decimals of USD", Decimal("13.49")),
    ]
    assert (line.promotion_ids, line.amount_without_discount) == ((7, 8), Decimal("29.97"))


@pytest.mark.parametrize(
    ("lines", "off", "is_free"),
    [
        ([], [], False),
        ([_line(amount=None, is_free=True)], [], True),
        ([_line(amount=None, is_free=True), _line(2, None, is_bonus=True)], [], True),
        ([_line(amount="0")], [], True),
        ([_line()], [_off("100")], True),
        ([_line(), _line(2)], [_off("100", 1)], False),
        ([_line(), _line(2, None, is_free=True)], [_off("100")], True),
        ([_line()], [_off("99.99")], True),  # less than half a cent is left
        ([_line(amount=None)], [], False),
        ([_line(amount=None), _line(2, None, is_free=True)], [], False),
        ([_line()], [], False),
    ],
)
def test_what_is_free(lines: list[Line], off: list[Discount], is_free: bool) -> None:
    assert price_cart(lines, currency="USD", discounts=off).is_free is is_free


def test_without_a_currency_nothing_has_a_price() -> None:
    priced = price_cart([_line(), _line(2, None, is_free=True)], currency=None)
    assert (priced.currency, priced.amount, _amounts(priced)) == (None, None, [None, None])
    assert [reasons_of(line)[0].step for line in priced.lines] == [Step.NO_PRICE, Step.FREE]


def test_what_has_no_price_is_left_out_of_the_sum() -> None:
    priced = price_cart([_line(amount=None), _line(2, "1.00", 2)], currency="USD")
    assert (priced.amount, reasons_of(priced.lines[0])[0].text) == (
        Decimal("2.00"),
        "The item has no price in USD.",
    )


@pytest.mark.parametrize("percent", ["-0.01", "100.01"])
def test_discounts_outside_of_the_whole_are_faults(percent: str) -> None:
    with pytest.raises(AssertionError):
        _off(percent)


@pytest.mark.parametrize(("amount", "quantity"), [("-0.01", 1), ("1", -1)])
def test_lines_below_nothing_are_faults(amount: str, quantity: int) -> None:
    with pytest.raises(AssertionError):
        price_cart([_line(amount=amount, quantity=quantity)], currency="USD")

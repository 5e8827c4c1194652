"""States of orders and what lines give: every move, every state, the same content as the catalog unfolds."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from haversack.catalog.records import VirtualItemType
from haversack.errors import ITEM_UNAVAILABLE, PRICE_NOT_FOUND
from haversack.orders import rules
from haversack.orders.records import NOTHING_RESERVED, OrderState, Reserved
from haversack.orders.rules import ORDER_MOVES, MoveNotAllowed, OrderNotPayable, Way
from haversack.orders.stored_forms import codes_form, details_form, line_of
from haversack.payments.records import Payment
from haversack.pricing.records import Discount, Line
from haversack.pricing.rules import price_cart
from make.orders import NOW, line, order, payment_of


def test_every_state_is_known_and_reached() -> None:
    assert set(ORDER_MOVES) == set(OrderState)
    reached = {OrderState.NEW}
    while True:
        more = {to for state in reached for to in ORDER_MOVES[state]} - reached
        if not more:
            break
        reached |= more
    assert reached == set(OrderState)


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("to", OrderState)
def test_moves(state: OrderState, to: OrderState) -> None:
    if to in ORDER_MOVES[state]:
        assert rules.move(state, to) is to
        rules.check_move(state, to)
    else:
        with pytest.raises(MoveNotAllowed):
            rules.move(state, to)


def test_paid_and_done_in_one_go() -> None:
    rules.check_move(OrderState.NEW, OrderState.DONE)
    rules.check_move(OrderState.EXPIRED, OrderState.DONE)
    for state in (OrderState.CANCELED, OrderState.DONE):
        with pytest.raises(MoveNotAllowed):
            rules.check_move(state, OrderState.DONE)


def paid(**changes: object) -> Payment:
    """A payment of the lamp's order."""
    return payment_of(order(), **changes)


def test_what_a_payment_pays() -> None:
    rules.check_payable(order(), paid())
    rules.check_payable(order(state=OrderState.EXPIRED), paid(tax=Decimal("0.80")))
    # In another currency the sums are those of the page.
    rules.check_payable(order(), paid(currency="EUR", amount=Decimal("8.70")))
    for state in (OrderState.CANCELED, OrderState.DONE):
        with pytest.raises(OrderNotPayable):
            rules.check_payable(order(state=state), paid())
    with pytest.raises(OrderNotPayable):
        rules.check_payable(order(), paid(amount=Decimal("9.97")))


def test_what_holds_something_limited() -> None:
    held = line(1, reserved=Reserved(stock=1))
    used = line(2, reserved=Reserved(uses=1, uses_window=NOW))
    assert rules.holds_limited(order(held, used, line(3))) == {100_001, 100_002}
    assert NOTHING_RESERVED.is_nothing and not Reserved(codes=((1, 2),)).is_nothing


def test_what_was_bought_counts_each_item_once() -> None:
    lines = (line(1), replace(line(2), item_id=100_001, quantity=3), line(3, parent_line_no=1), line(4, is_bonus=True))
    assert rules.bought(order(*lines)) == [(100_001, 5)]


def test_what_is_owned_once() -> None:
    once = VirtualItemType.NON_CONSUMABLE
    lines = (line(1, virtual_item_type=once), replace(line(2, virtual_item_type=once), item_id=100_001), line(3))
    assert rules.owned_once(lines) == {100_001: ("lamp-2", 4)}


def test_lines_are_stored_whole() -> None:
    stored = line(
        7,
        parent_line_no=1,
        description={"en": "It gives light."},
        image_url="https://pictures.example.com/lamp.png",
        custom_attributes={"a": [1]},
        is_pre_order=True,
        promotion_ids=(3, 4),
        usages_count=5,
        reserved=Reserved(stock=1, uses=2, uses_window=NOW, pre_orders=3, codes=((8, 1), (8, 2), (9, 1))),
        codes_owed=2,
    )
    row = {
        **{name: getattr(stored, name) for name in ("line_no", "parent_line_no", "item_id", "sku", "quantity")},
        **{name: getattr(stored, name) for name in ("amount", "amount_without_discount", "is_free", "is_bonus")},
        "kind": stored.kind.value,
        "region_id": None,
        "codes_owed": 2,
        "details": json.loads(json.dumps(details_form(stored))),
        "stock_reserved": 1,
        "uses_reserved": 2,
        "uses_window": NOW,
        "pre_orders_reserved": 3,
        "codes_reserved": codes_form(stored.reserved),
    }
    assert line_of(row) == stored


def _priced(*lines: Line, percent: int = 0) -> list[object]:
    discount = Discount(promotion_id=1, name="Sale", percent=Decimal(percent), item_ids=None)
    cart = price_cart(lines, currency="USD", discounts=(discount,) if percent else ())
    return [
        None if fault is None else fault.kind.code
        for way in (Way.MONEY, Way.FREE)
        for each in cart.lines
        for fault in [rules.find_price_fault(each, cart, way)]
    ]


def test_free_and_not_free() -> None:
    costs = Line(item_id=1, sku="a", quantity=1, unit_amount=Decimal(5))
    free = Line(item_id=2, sku="b", quantity=1, unit_amount=None, is_free=True)
    priceless = Line(item_id=3, sku="c", quantity=1, unit_amount=None)
    bonus = Line(item_id=4, sku="d", quantity=1, unit_amount=Decimal(5), is_bonus=True)
    assert _priced(costs) == [None, 1421]
    assert _priced(free) == [1456, None]
    assert _priced(costs, free, bonus) == [None, 1421, None, 1421, None, None]
    assert _priced(priceless) == [4054, 1421]
    # A discount of 100 % makes a thing free that has a price.
    assert _priced(costs, percent=100) == [None, None]


def test_one_refusal_names_each_faulty_line() -> None:
    found = rules.refusal_of([("a", ITEM_UNAVAILABLE(sku="a", reason="it is not for sale")), ("b", PRICE_NOT_FOUND())])
    assert (found.kind, found.message) == (
        ITEM_UNAVAILABLE,
        "[0401-1455]: Item a is not available: it is not for sale.",
    )
    assert [fault.property for fault in found.faults] == ["items.a", "items.b"]

"""Which cart an id names, what a quantity may be, and what filling makes of lines."""

from uuid import UUID, uuid4

import pytest

from haversack.carts.records import CartLine
from haversack.carts.rules import cart_key, checked_quantity, current_cart_id, filled
from haversack.catalog.records import ItemKind
from haversack.errors import CART_INVALID, QUANTITY_INVALID, Refusal

OWNER = UUID("6f8a3c1e-2b4d-4e6f-8a0c-1d3e5f708192")


@pytest.mark.parametrize("cart_id", [None, "", "current"])
def test_the_current_cart(cart_id: str | None) -> None:
    assert cart_key(1, OWNER, cart_id) == current_cart_id(1, OWNER)


def test_each_owner_and_project_has_its_own_current_cart() -> None:
    assert len({current_cart_id(1, OWNER), current_cart_id(2, OWNER), current_cart_id(1, uuid4())}) == 3


@pytest.mark.parametrize("cart_id", ["a", "x" * 128, "Ünïcode cart/1", str(OWNER), "null"])
def test_ids_of_callers(cart_id: str) -> None:
    assert cart_key(1, OWNER, cart_id) == cart_id


@pytest.mark.parametrize("cart_id", ["x" * 129, "a\nb", "a\x00b"])
def test_ids_that_are_none(cart_id: str) -> None:
    with pytest.raises(Refusal) as refused:
        cart_key(1, OWNER, cart_id)
    assert refused.value.kind is CART_INVALID


@pytest.mark.parametrize("quantity", [0, 1, 1_000_000])
def test_quantities(quantity: int) -> None:
    assert checked_quantity(quantity) == quantity


@pytest.mark.parametrize("quantity", [-1, 1_000_001, 2**31, 1.5, True, "1", None])
def test_quantities_that_are_none(quantity: object) -> None:
    with pytest.raises(Refusal) as refused:
        checked_quantity(quantity)
    assert refused.value.kind is QUANTITY_INVALID


def test_the_least_quantity() -> None:
    with pytest.raises(Refusal):
        checked_quantity(0, least=1)


def line(sku: str, quantity: int = 1, **shown: str) -> CartLine:
    return CartLine(len(sku), sku, ItemKind.VIRTUAL_GOOD, quantity, shown)


@pytest.mark.parametrize(
    ("before", "put", "gone", "after"),
    [
        ([], [line("a")], [], [line("a")]),
        ([line("a"), line("b")], [line("c")], [], [line("a"), line("b"), line("c")]),
        ([line("a"), line("b")], [line("a", 5)], [], [line("a", 5), line("b")]),
        ([line("a"), line("b")], [], ["a"], [line("b")]),
        ([line("a"), line("b")], [line("c"), line("b", 2)], ["a"], [line("b", 2), line("c")]),
        ([line("a")], [], ["c"], [line("a")]),
        # What was seen stays until it has been told, in another currency too.
        ([line("a", USD="1")], [line("a", 2, USD="3", EUR="2")], [], [line("a", 2, USD="1", EUR="2")]),
    ],
)
def test_filling(before: list[CartLine], put: list[CartLine], gone: list[str], after: list[CartLine]) -> None:
    assert filled(before, put, gone) == tuple(after)

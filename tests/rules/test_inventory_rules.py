"""What is given when something is bought, and until when; what changes of holdings do to them and to the books."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.catalog.read_model.records import Entry
from haversack.catalog.records import Details, Expiration, ItemKind, VirtualItemType
from haversack.catalog.selling import Content, SellableItem
from haversack.errors import Refusal
from haversack.inventory.holdings import BALANCE_MAX, Holdings
from haversack.inventory.records import CurrencyGrant, ItemGrant, KeyGrant, Owned, Piece
from haversack.inventory.rules import LAST_MOMENT, OWNED_MAX, extended, merged, unfold

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PLAYER = UUID(int=7)


def item(item_id: int, kind: ItemKind = ItemKind.VIRTUAL_GOOD, *content: Content, **details: Any) -> SellableItem:
    """An item as it is sold."""
    entry = Entry(
        item_id=item_id,
        sku=f"sku-{item_id}",
        kind=kind,
        parent_id=None,
        rank=(1, 0, 0),
        is_free=False,
        is_enabled=True,
        is_shown=True,
        region_ids=(),
        windows=(),
        limits=None,
        pre_order=None,
        shape=(),
        currencies=(),
        content=(),
        document=b"",
        row_mark=0,
    )
    return SellableItem(
        entry=entry,
        name={},
        description=None,
        long_description=None,
        image_url=None,
        attributes=(),
        custom_attributes=None,
        prices=(),
        virtual_prices=(),
        details=Details(**details),
        content=content,
        value_points=(),
        is_listed=True,
    )


def test_unfold_what_is_in_a_bundle() -> None:
    potion = item(1, is_consumable=True)
    kit = item(2, is_consumable=True, usages_count=3)
    sword = item(3)
    coins = item(4, ItemKind.VIRTUAL_CURRENCY)
    key = item(5, ItemKind.GAME_KEY)
    sack = item(6, ItemKind.VIRTUAL_CURRENCY_PACKAGE, Content(coins, 100))
    shirt = item(7, ItemKind.PHYSICAL_GOOD)
    points = item(8, ItemKind.VALUE_POINT)
    pass_ = item(9, expiration=Expiration("day", 30))
    inner = item(10, ItemKind.BUNDLE, Content(potion, 2), Content(sack, 3))
    crate = item(
        11, ItemKind.BUNDLE, *(Content(each, 1) for each in (inner, kit, sword, key, shirt, points, pass_, potion))
    )
    assert unfold(crate, 2, country="DE") == (
        ItemGrant(1, "sku-1", 6, VirtualItemType.CONSUMABLE),
        CurrencyGrant("sku-4", 600),
        ItemGrant(2, "sku-2", 2, VirtualItemType.CONSUMABLE, usages_count=3),
        ItemGrant(3, "sku-3", 2, VirtualItemType.NON_CONSUMABLE),
        KeyGrant(5, "sku-5", 2, "DE"),
        ItemGrant(9, "sku-9", 2, VirtualItemType.NON_RENEWING_SUBSCRIPTION, expiration=Expiration("day", 30)),
    )


def test_unfold_by_the_type_that_was_given() -> None:
    """The type given outright wins over the inventory options; one use is no count of uses."""
    outright = item(1, expiration=Expiration("day", 1), usages_count=1, virtual_item_type=VirtualItemType.CONSUMABLE)
    assert unfold(outright, 1, country=None) == (ItemGrant(1, "sku-1", 1, VirtualItemType.CONSUMABLE),)
    once = item(2, usages_count=5, virtual_item_type=VirtualItemType.NON_CONSUMABLE)
    assert unfold(once, 1, country=None) == (ItemGrant(2, "sku-2", 1, VirtualItemType.NON_CONSUMABLE),)
    assert unfold(item(3, ItemKind.GAME), 1, country=None) == ()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1000))))
def test_merging_loses_nothing(amounts: list[tuple[str, int]]) -> None:
    found = merged([CurrencyGrant(sku, quantity) for sku, quantity in amounts])
    totals: Counter[str] = Counter()
    for sku, quantity in amounts:
        totals[sku] += quantity
    assert {each.sku: each.quantity for each in found if isinstance(each, CurrencyGrant)} == +totals


@pytest.mark.parametrize(
    ("expires_at", "expiration", "quantity", "expected"),
    [
        (None, ("minute", 5), 1, NOW + timedelta(minutes=5)),
        (None, ("hour", 2), 3, NOW + timedelta(hours=6)),
        (None, ("week", 1), 2, NOW + timedelta(weeks=2)),
        (NOW - timedelta(days=1), ("day", 1), 1, NOW + timedelta(days=1)),
        (NOW + timedelta(days=1), ("day", 1), 1, NOW + timedelta(days=2)),
        (None, ("month", 1), 1, datetime(2026, 2, 28, 12, tzinfo=UTC)),
        (None, ("month", 1), 2, datetime(2026, 3, 31, 12, tzinfo=UTC)),
        (None, ("month", 11), 1, datetime(2026, 12, 31, 12, tzinfo=UTC)),
        (None, ("year", 2), 1, datetime(2028, 1, 31, 12, tzinfo=UTC)),
        (datetime(2028, 2, 29, tzinfo=UTC), ("year", 1), 1, datetime(2029, 2, 28, tzinfo=UTC)),
        (None, ("year", 2**31 - 1), 5, LAST_MOMENT),
        (None, ("week", 2**31 - 1), 2**31 - 1, LAST_MOMENT),
        (LAST_MOMENT, ("month", 1), 1, LAST_MOMENT),
        (LAST_MOMENT, ("minute", 1), 1, LAST_MOMENT),
    ],
)
def test_ends_move_out(
    expires_at: datetime | None, expiration: tuple[str, int], quantity: int, expected: datetime
) -> None:
    assert extended(expires_at, Expiration(*expiration), quantity, NOW) == expected


@given(st.sampled_from(["minute", "hour", "day", "week", "month", "year"]), st.integers(1, 200), st.integers(1, 50))
def test_an_end_never_moves_back(unit: str, value: int, quantity: int) -> None:
    end = extended(None, Expiration(unit, value), quantity, NOW)
    assert NOW < end <= LAST_MOMENT
    assert extended(end, Expiration(unit, value), 1, NOW) > end or end == LAST_MOMENT


# -- Holdings -------------------------------------------------------------------------------------------------------


def holdings(quantity: int = 0, *uses: int, amount: int = 0) -> Holdings:
    """One item of one player, in number and in pieces, and one balance."""
    pieces = [Piece(UUID(int=place), each) for place, each in enumerate(uses, start=1)]
    return Holdings({(PLAYER, "coins"): amount}, {(PLAYER, 1): Owned(quantity)}, {(PLAYER, 1): pieces})


def uses_of(held: Holdings) -> list[int]:
    """The uses of the pieces, the oldest first."""
    return [piece.remaining_uses for piece in held.pieces[PLAYER, 1]]


def test_what_is_stacked_is_used_first() -> None:
    held = holdings(2, 3, 3)
    held.consume(PLAYER, 1, 4, "s")
    assert (held.items[PLAYER, 1].quantity, uses_of(held)) == (0, [1, 3])
    held.consume(PLAYER, 1, 4, "s")
    assert uses_of(held) == []


def test_units_are_taken_from_the_newest_pieces() -> None:
    held = holdings(1, 3, 2, 1)
    held.remove_units(PLAYER, 1, 3, "s")
    assert (held.items[PLAYER, 1].quantity, uses_of(held)) == (0, [3])


@pytest.mark.parametrize("count", [9, 100])
def test_what_is_not_there_is_not_taken(count: int) -> None:
    held = holdings(1, 3, 3, amount=8)
    before = (held.items[PLAYER, 1], uses_of(held))
    for change in (
        lambda: held.consume(PLAYER, 1, count, "s"),
        lambda: held.remove_units(PLAYER, 1, count, "s"),
        lambda: held.change_balance(PLAYER, "coins", -count, "s"),
        lambda: held.change_quantity(PLAYER, 1, -count, "s"),
    ):
        with pytest.raises(Refusal) as refused:
            change()
        assert refused.value.kind.code == 5004
    assert ((held.items[PLAYER, 1], uses_of(held)), held.rows) == (before, [])


def test_what_cannot_be_counted_is_refused() -> None:
    held = holdings(OWNED_MAX, amount=BALANCE_MAX)
    with pytest.raises(Refusal):
        held.change_quantity(PLAYER, 1, 1, "s")
    with pytest.raises(Refusal):
        held.change_balance(PLAYER, "coins", 1, "s")


def test_ends_in_the_books() -> None:
    held = holdings(1)
    end = NOW + timedelta(hours=1)
    for moved in (end, end, end + timedelta(hours=1), None):
        held.move_end(PLAYER, 1, moved, "s", now=NOW)
    rows = [(each.row.change, each.row.detail) for each in held.rows]
    assert rows == [
        (3600, "2026-01-31T13:00:00+00:00"),
        (3600, "2026-01-31T14:00:00+00:00"),
        (-7200, ""),
    ]


_moves = st.one_of(
    st.tuples(st.just("balance"), st.integers(-50, 50)),
    st.tuples(st.just("quantity"), st.integers(-5, 5)),
    st.tuples(st.just("pieces"), st.integers(1, 3)),
    st.tuples(st.just("consume"), st.integers(1, 6)),
    st.tuples(st.just("remove"), st.integers(1, 4)),
)


@given(st.lists(_moves, max_size=40))
def test_the_books_equal_what_is_held(moves: list[tuple[str, int]]) -> None:
    """Over random histories, refused changes among them: nothing below nothing, and every unit has its row."""
    held = holdings()
    made = 100
    for word, number in moves:
        try:
            match word:
                case "balance":
                    held.change_balance(PLAYER, "coins", number, "s")
                case "quantity":
                    held.change_quantity(PLAYER, 1, number, "s")
                case "pieces":
                    made += number
                    new = [Piece(UUID(int=made + place), 3) for place in range(number)]
                    held.add_pieces(PLAYER, 1, [replace(piece) for piece in new], "s")
                    made += number
                case "consume":
                    held.consume(PLAYER, 1, number, "s")
                case "remove":
                    held.remove_units(PLAYER, 1, number, "s")
        except Refusal as refusal:
            assert refusal.kind.code == 5004
    sums: Counter[tuple[str, str]] = Counter()
    for each in held.rows:
        sums[each.row.kind, each.row.subject] += each.row.change
    kept: Counter[tuple[str, str]] = Counter()
    kept["balance", "coins"] = held.balances[PLAYER, "coins"]
    kept["item", "1"] = held.items[PLAYER, 1].quantity
    for piece in held.pieces[PLAYER, 1]:
        kept["instance", piece.instance_id.hex] = piece.remaining_uses
    assert min(kept.values()) >= 0
    assert {key: value for key, value in sums.items() if value} == {key: value for key, value in kept.items() if value}

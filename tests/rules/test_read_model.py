"""The read model's rules: periods to the second, countries, pages with items taken out, groups as a tree, and what
time and a player's uses do to an item that is shown."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.catalog.read_model import rules
from haversack.catalog.read_model.compiled import Catalog, Taxonomy, is_listed
from haversack.catalog.read_model.filling import Filler
from haversack.catalog.read_model.personal import known_personal, personal_of
from haversack.catalog.read_model.pieces import Hole, HoleKind
from haversack.catalog.read_model.queries import unpacked_standing
from haversack.catalog.read_model.records import ALWAYS, NOBODY, Entry, PackedUses, PlayerUses, Standing, Stocks, Window
from haversack.catalog.records import ContentEntry, ItemKind, ItemLimits, PreOrder, Region, Schedule
from haversack.limits.records import FOR_EVER, Uses
from make.rehearsal import entry

NOW = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MIDNIGHT = NOW + SECOND


@pytest.mark.parametrize(
    ("windows", "now", "is_on_sale"),
    [
        ((), NOW, True),
        ((Window(MIDNIGHT, None),), NOW, False),
        ((Window(MIDNIGHT, None),), MIDNIGHT - timedelta(microseconds=1), False),
        ((Window(MIDNIGHT, None),), MIDNIGHT, True),
        ((Window(None, MIDNIGHT),), MIDNIGHT - timedelta(microseconds=1), True),
        ((Window(None, MIDNIGHT),), MIDNIGHT, False),
        ((Window(None, None),), NOW, True),
        ((Window(None, NOW), Window(MIDNIGHT, None)), NOW, False),
        ((Window(None, NOW), Window(MIDNIGHT, None)), MIDNIGHT, True),
        # The same moment in another offset.
        ((Window(datetime.fromisoformat("2027-01-01T05:30:00+05:30"), None),), MIDNIGHT, True),
        ((Window(datetime.fromisoformat("2026-12-31T13:00:00-11:00"), None),), NOW, False),
        (
            (Window(datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),),
            datetime(2028, 2, 29, 12, tzinfo=UTC),
            True,
        ),
    ],
)
def test_periods(windows: tuple[Window, ...], now: datetime, is_on_sale: bool) -> None:
    assert rules.is_inside(windows, now) is is_on_sale


def test_a_page_knows_from_when_until_when_it_is_true() -> None:
    edges = rules.edges_of([Window(NOW, MIDNIGHT), Window(None, MIDNIGHT), Window(None, None)], [NOW + 2 * SECOND])
    assert edges == [NOW, MIDNIGHT, NOW + 2 * SECOND]
    assert rules.interval_at(edges, NOW - SECOND) == (ALWAYS[0], NOW)
    assert rules.interval_at(edges, NOW) == (NOW, MIDNIGHT)
    assert rules.interval_at(edges, MIDNIGHT - timedelta(microseconds=1)) == (NOW, MIDNIGHT)
    assert rules.interval_at(edges, MIDNIGHT) == (MIDNIGHT, NOW + 2 * SECOND)
    assert rules.interval_at(edges, NOW + 9 * SECOND) == (NOW + 2 * SECOND, ALWAYS[1])
    assert rules.interval_at([], NOW) == ALWAYS


@pytest.mark.parametrize(
    ("countries", "country", "is_sold"),
    [
        (None, "", True),
        (None, "DE", True),
        (frozenset({"DE", "AT"}), "DE", True),
        (frozenset({"DE", "AT"}), "FR", False),
        (frozenset({"DE", "AT"}), "", False),
        (frozenset(), "DE", False),
    ],
)
def test_regions(countries: frozenset[str] | None, country: str, is_sold: bool) -> None:
    assert rules.is_sold_in(countries, country) is is_sold


@pytest.mark.parametrize(
    ("pre_order", "is_before"),
    [
        (None, False),
        (PreOrder(None, True), True),
        (PreOrder(None, False), False),
        (PreOrder(MIDNIGHT, True), True),
        (PreOrder(NOW, True), False),
    ],
)
def test_pre_orders(pre_order: PreOrder | None, is_before: bool) -> None:
    assert rules.is_before_release(pre_order, NOW) is is_before


@pytest.mark.parametrize(
    ("has_code", "is_pre_order", "left", "is_deliverable"),
    [
        (True, False, None, True),
        (False, False, None, False),
        (False, True, None, True),
        (False, True, 1, True),
        (False, True, 0, False),
        (True, True, 0, True),
    ],
)
def test_keys_without_codes(has_code: bool, is_pre_order: bool, left: int | None, is_deliverable: bool) -> None:
    found = rules.is_key_deliverable(has_code=has_code, is_pre_order=is_pre_order, pre_orders_left=left)
    assert found is is_deliverable


@given(
    st.integers(0, 30).flatmap(
        lambda length: st.tuples(
            st.just(length),
            st.sets(st.integers(0, max(0, length - 1)), max_size=length),
            st.integers(0, 35),
            st.integers(1, 10),
        )
    )
)
def test_a_page_without_some_items(case: tuple[int, set[int], int, int]) -> None:
    length, gone, offset, limit = case
    gone = {place for place in gone if place < length}
    kept = [place for place in range(length) if place not in gone]
    found, total = rules.slice_without(length, sorted(gone), offset=offset, limit=limit)
    assert found == kept[offset : offset + limit]
    assert total == len(kept)


def test_groups_as_a_tree() -> None:
    parents = {1: None, 2: 1, 3: 2, 4: None, 5: 9, 6: 7, 7: 6, 8: 6}
    assert rules.group_forest(parents, [4, 1, 3, 2]) == {None: [4, 1], 2: [3], 1: [2]}
    # Under a group that is not shown nothing is.
    assert rules.group_forest(parents, [3, 1, 5]) == {None: [1]}
    # Groups that are each other's ancestors hide nothing.
    assert rules.group_forest(parents, [6, 7, 8]) == {None: [6, 7, 8]}


DAILY = Schedule("daily", "00:00:00+00:00")


def _entry(item_id: int, kind: ItemKind = ItemKind.VIRTUAL_GOOD, **changes: Any) -> Entry:
    return entry(item_id, f"item-{item_id}", kind, **{"document": b"", **changes})


def _catalog(*entries: Entry, holders: dict[int, frozenset[int]] | None = None) -> Catalog:
    by_id = {entry.item_id: entry for entry in entries}
    return Catalog(
        project_id=1,
        version=1,
        entries=by_id,
        ordered=entries,
        listed=[entry for entry in entries if is_listed(entry, by_id)],
        taxonomy=Taxonomy((), (), (Region(1, {}, ("DE",)), Region(2, {}, ("US",)))),
        members={},
        by_sku={entry.sku: entry for entry in entries},
        groups_of={},
        keys_of={},
        containers={},
        countries_of={},
        limited=frozenset(),
        value_points={},
        holders=holders or {entry.item_id: frozenset({entry.item_id}) for entry in entries},
        stamps={},
        edges=(),
        shapes=(),
        countries=frozenset({"DE", "US"}),
        has_stocks=True,
        groups={},
        attributes={},
        forest={},
        _groups_by_name={},
    )


def _filler(catalog: Catalog, **changes: Any) -> Filler:
    values: dict[str, Any] = {
        "catalog": catalog,
        "stocks": Stocks(),
        "now": NOW,
        "country": "",
        "personal": NOBODY,
        "group": None,
        "with_inactive": False,
        "unit_piece": lambda entry: (entry.sku.encode(),),
        "since": ALWAYS[0],
        "until": ALWAYS[1],
    }
    return Filler(**{**values, **changes})


def _used(count: int, start: datetime = FOR_EVER, reset_at: datetime | None = None) -> PlayerUses:
    return PlayerUses(Uses(start, count), reset_at)


def _standing(items: dict[int, PlayerUses]) -> Standing:
    return Standing(items, {}, {})


TODAY = datetime(2026, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("limits", "used", "left", "is_hidden"),
    [
        (ItemLimits(per_user=3), _used(1), 2, False),
        # Without a schedule it never comes back, whatever the visibility says.
        (ItemLimits(per_user=3, limit_exceeded_visibility="show"), _used(3), 0, True),
        (ItemLimits(per_user=3, schedule=DAILY), _used(3, TODAY), 0, False),
        (ItemLimits(per_user=3, schedule=DAILY, limit_exceeded_visibility="hide"), _used(3, TODAY), 0, True),
        (ItemLimits(per_user=3, schedule=DAILY, limit_exceeded_visibility="hide"), _used(2, TODAY), 1, False),
        # Yesterday's uses count no more, nor do those before a reset by hand.
        (ItemLimits(per_user=3, schedule=DAILY), _used(3, TODAY - SECOND), None, False),
        (ItemLimits(per_user=3), _used(3, FOR_EVER, reset_at=TODAY), None, False),
        (ItemLimits(per_user=3), _used(3, TODAY, reset_at=TODAY), 0, True),
        # The studio has lowered the limit below what was used.
        (ItemLimits(per_user=1), _used(3), 0, True),
        (ItemLimits(per_item=5), _used(3), None, False),
        (None, _used(3), None, False),
    ],
)
def test_a_player_who_has_used_a_limit(
    limits: ItemLimits | None, used: PlayerUses, left: int | None, is_hidden: bool
) -> None:
    personal = personal_of(_catalog(_entry(1, limits=limits)), _standing({1: used, 404: used}), NOW)
    assert personal.left.get(1) == left
    assert (1 in personal.hidden) is is_hidden
    assert bool(personal.touched) is (left is not None)


def test_packed_uses_say_what_was_used() -> None:
    start, reset = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC), datetime(1969, 12, 31, tzinfo=UTC)
    packed = f"7,2,{int(start.timestamp()) * 1_000_000 + 1};12,1,0,{int(reset.timestamp()) * 1_000_000}"
    assert unpacked_standing(PackedUses(packed)).items == {7: _used(2, start), 12: _used(1, FOR_EVER, reset_at=reset)}
    assert unpacked_standing(PackedUses("")) == _standing({})


def _micros(moment: datetime) -> int:
    return (moment - FOR_EVER) // timedelta(microseconds=1)


def test_what_uses_do_is_remembered_until_a_window_ends_or_a_reset_comes() -> None:
    catalog = _catalog(
        _entry(1, limits=ItemLimits(per_user=3, schedule=DAILY)), _entry(2, limits=ItemLimits(per_user=3))
    )
    packed = PackedUses(f"1,2,{_micros(TODAY)};2,1,0")
    personal = known_personal(catalog, packed, NOW)
    assert (personal.left, personal.since, personal.until) == ({1: 1, 2: 2}, TODAY, MIDNIGHT)
    assert known_personal(catalog, packed, MIDNIGHT - SECOND) is personal
    assert known_personal(catalog, packed, MIDNIGHT).left == {2: 2}
    # A clock that was moved back.
    assert known_personal(catalog, packed, NOW).left == {1: 1, 2: 2}
    soon = PackedUses(f"2,1,0,{_micros(NOW + SECOND)}")
    assert known_personal(catalog, soon, NOW).until == NOW + SECOND
    assert known_personal(catalog, soon, NOW + SECOND).left == {}


def test_a_bundle_goes_with_what_it_holds() -> None:
    shown_when_used_up = ItemLimits(per_user=1, schedule=DAILY)
    inside = _entry(1, limits=shown_when_used_up)
    bundle = _entry(2, ItemKind.BUNDLE, content=(ContentEntry(1, 1),))
    game = _entry(3, ItemKind.GAME)
    catalog = _catalog(inside, bundle, game, holders={1: frozenset({1, 2, 3})})
    personal = personal_of(catalog, _standing({1: _used(1, TODAY)}), NOW)
    assert personal.hidden == {2}
    assert personal.touched == {1, 2, 3}
    assert not _filler(catalog, personal=personal).can_be_bought(inside)


KEY = ItemKind.GAME_KEY


@pytest.mark.parametrize(
    ("entry", "changes", "can_be_bought"),
    [
        (_entry(1), {}, True),
        (_entry(1, windows=(Window(MIDNIGHT, None),)), {}, False),
        (_entry(1, limits=ItemLimits(per_item=3)), {"stocks": Stocks(units={1: (3, 1)})}, True),
        (_entry(1, limits=ItemLimits(per_item=3)), {"stocks": Stocks(units={1: (3, 0)})}, False),
        (_entry(1, KEY), {}, False),
        (_entry(1, KEY), {"stocks": Stocks(codes={1: frozenset({None})})}, True),
        # Codes of a region are for those who are in it.
        (_entry(1, KEY), {"stocks": Stocks(codes={1: frozenset({1})}), "country": "DE"}, True),
        (_entry(1, KEY), {"stocks": Stocks(codes={1: frozenset({1})}), "country": "US"}, False),
        (_entry(1, KEY), {"stocks": Stocks(codes={1: frozenset({1})})}, False),
        (_entry(1, KEY, pre_order=PreOrder(MIDNIGHT, True)), {}, True),
        (_entry(1, KEY, pre_order=PreOrder(MIDNIGHT, True)), {"now": MIDNIGHT}, False),
        (_entry(1, KEY, pre_order=PreOrder(MIDNIGHT, True)), {"stocks": Stocks(pre_orders={1: 0})}, False),
        # A bundle without one of its keys cannot be delivered.
        (_entry(1, ItemKind.BUNDLE, content=(ContentEntry(9, 1),)), {}, False),
        (
            _entry(1, ItemKind.BUNDLE, content=(ContentEntry(9, 1),)),
            {"stocks": Stocks(codes={9: frozenset({None})})},
            True,
        ),
    ],
)
def test_can_be_bought(entry: Entry, changes: dict[str, Any], can_be_bought: bool) -> None:
    catalog = _catalog(entry, _entry(9, KEY))
    assert _filler(catalog, **changes).can_be_bought(entry) is can_be_bought


def test_limits_are_filled_in_and_bound_the_page() -> None:
    entry = _entry(1, limits=ItemLimits(per_item=9, per_user=3, schedule=DAILY, limit_exceeded_visibility="hide"))
    catalog = _catalog(entry)
    filler = _filler(catalog, stocks=Stocks(units={1: (9, 4)}))
    filled = filler.fill((b'{"limits":', Hole(HoleKind.LIMITS, 1), b"}"))
    assert filled == (
        b'{"limits":{"per_user":{"total":3,"available":3,"recurrent_schedule":{"interval_type":"daily",'
        b'"reset_next_date":1798761600},"limit_exceeded_visibility":"hide"},"per_item":{"total":9,"available":4}}}'
    )
    assert (filler.since, filler.until) == (TODAY, MIDNIGHT)


def test_a_bundle_that_holds_itself_does_not_hang() -> None:
    first = _entry(1, ItemKind.BUNDLE, content=(ContentEntry(2, 1),))
    second = _entry(2, ItemKind.BUNDLE, content=(ContentEntry(1, 1),))
    assert _filler(_catalog(first, second)).can_be_bought(first)

"""Decisions about many items at once: what fits together, in which order it is written, what stays the same."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import pytest

from haversack.catalog.items.drafts import ContentDraft, ItemDraft, Known, KnownItem
from haversack.catalog.records import Details, Item, ItemKind, ItemLimits, Price, Schedule, VirtualPrice
from haversack.catalog.taxonomy.records import GivenAttribute, NewGroup
from haversack.catalog.transfer.records import GroupDraft, TakenSku
from haversack.catalog.transfer.rules import (
    Surroundings,
    find_refusal,
    first_of_each_sku,
    group_faults,
    is_same,
    write_order,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def good(sku: str, **changes: object) -> ItemDraft:
    return replace(ItemDraft(kind=ItemKind.VIRTUAL_GOOD, sku=sku, name={"en": sku}), **changes)  # type: ignore[arg-type]


def currency(sku: str) -> ItemDraft:
    return good(sku, kind=ItemKind.VIRTUAL_CURRENCY)


def bundle(sku: str, *content: str) -> ItemDraft:
    return good(sku, kind=ItemKind.BUNDLE, content=tuple(ContentDraft(each, 1) for each in content))


def game(sku: str, *keys: str) -> ItemDraft:
    drafts = tuple(good(key, kind=ItemKind.GAME_KEY, details=Details(drm_sku="steam")) for key in keys)
    return good(sku, kind=ItemKind.GAME, keys=drafts)


def around(**changes: object) -> Surroundings:
    return replace(Surroundings(project_id=7, groups={"lamps"}, region_ids={1}, taken={}), **changes)  # type: ignore[arg-type]


NOTHING = Known({})


# -- What fits ------------------------------------------------------------------------------------------------------


def test_the_first_of_each_sku() -> None:
    kept, faults = first_of_each_sku([good("a"), game("g", "a_steam"), good("a"), bundle("a_steam", "a"), good("b")])
    assert [draft.sku for draft in kept] == ["a", "g", "b"]
    assert [(fault.sku, fault.code) for fault in faults] == [("a", 4002), ("a_steam", 4002)]


@pytest.mark.parametrize(
    ("draft", "code", "words"),
    [
        (good("a", prices=(Price(Decimal(5), "USD"),)), 4055, "default price"),
        (good("a", prices=(Price(Decimal("5.001"), "USD", is_default=True),)), 1102, "prices.0.amount"),
        (good("a", virtual_prices=(VirtualPrice("gold", 5),)), 1102, "vc_prices.0.sku: there is no virtual currency"),
        (good("a", groups=("lamps", "hats")), 4403, "group"),
        (good("a", region_ids=(1, 2)), 9701, "Region"),
        (bundle("a", "b"), 1102, "content.0.sku: there is no item b"),
        (good("a", attributes=tuple(GivenAttribute(str(n), None, ()) for n in range(21))), 9908, "attributes"),
    ],
)
def test_a_row_that_is_refused(draft: ItemDraft, code: int, words: str) -> None:
    refusal = find_refusal(draft, NOTHING, around())
    assert refusal is not None
    assert refusal.kind.code == code
    assert words in refusal.message


def test_a_row_that_fits() -> None:
    draft = good("a", groups=("lamps",), region_ids=(1,), virtual_prices=(VirtualPrice("gold", 5),))
    assert find_refusal(draft, Known({"gold": KnownItem(0, ItemKind.VIRTUAL_CURRENCY)}), around()) is None


@pytest.mark.parametrize(
    ("taken", "is_refused"),
    [
        (TakenSku(1, ItemKind.VIRTUAL_GOOD, None, is_deleted=False), False),
        (TakenSku(1, ItemKind.VIRTUAL_GOOD, None, is_deleted=True), True),
        (TakenSku(1, ItemKind.BUNDLE, None, is_deleted=False), True),
    ],
)
def test_a_sku_that_is_taken(taken: TakenSku, is_refused: bool) -> None:
    refusal = find_refusal(good("a"), NOTHING, around(taken={"a": taken}))
    assert (refusal is not None and refusal.kind.code == 4002) == is_refused


def test_a_key_belongs_to_its_game() -> None:
    own = TakenSku(1, ItemKind.GAME, None, is_deleted=False)
    key = TakenSku(2, ItemKind.GAME_KEY, 1, is_deleted=False)
    assert find_refusal(game("g", "k"), NOTHING, around(taken={"g": own, "k": key})) is None
    stranger = replace(key, parent_item_id=9)
    assert find_refusal(game("g", "k"), NOTHING, around(taken={"g": own, "k": stranger})) is not None
    assert find_refusal(game("new", "k"), NOTHING, around(taken={"k": key})) is not None


# -- Order ----------------------------------------------------------------------------------------------------------


def test_content_is_written_before_what_holds_it() -> None:
    drafts = [bundle("c", "b", "g_steam"), bundle("b", "a"), good("a"), game("g", "g_steam"), currency("gold")]
    ordered, faults = write_order(drafts, {})
    assert not faults
    assert [draft.sku for draft in ordered] == ["gold", "a", "b", "g", "c"]


def test_bundles_in_a_circle() -> None:
    drafts = [
        bundle("a", "b"),
        bundle("b", "c"),
        bundle("c", "a"),
        bundle("outside", "a"),
        bundle("fine", "x"),
        good("x"),
    ]
    ordered, faults = write_order(drafts, {})
    assert {fault.sku for fault in faults} == {"a", "b", "c"}
    assert [draft.sku for draft in ordered] == ["outside", "x", "fine"]


def test_a_circle_through_what_the_project_has() -> None:
    ordered, faults = write_order([bundle("a", "b")], {"b": ["a"], "a": ["x"]})
    assert [fault.sku for fault in faults] == ["a"]
    assert not ordered
    # The file itself opens the circle that the project would have.
    ordered, faults = write_order([bundle("a", "b"), bundle("b", "x"), good("x")], {"b": ["a"]})
    assert not faults
    assert [draft.sku for draft in ordered] == ["x", "b", "a"]


def test_a_long_chain_of_bundles() -> None:
    drafts = [bundle(f"b{n}", f"b{n + 1}") for n in range(5000)] + [good("b5000")]
    ordered, faults = write_order(drafts, {})
    assert not faults
    assert [draft.sku for draft in ordered] == [f"b{n}" for n in range(5000, -1, -1)]


@pytest.mark.parametrize("seed", range(30))
def test_any_order_of_any_bundles(seed: int) -> None:
    random = Random(seed)
    names = [f"b{n}" for n in range(12)]
    # Without a circle by making: each holds only what stands behind it.
    drafts = [bundle(name, *random.sample(names[at + 1 :], min(2, 11 - at))) for at, name in enumerate(names)]
    random.shuffle(drafts)
    ordered, faults = write_order(drafts, {})
    assert not faults
    places = {draft.sku: place for place, draft in enumerate(ordered)}
    assert len(places) == 12
    assert all(places[entry.sku] < places[draft.sku] for draft in drafts for entry in draft.content)


# -- What stays the same --------------------------------------------------------------------------------------------


def stored(**changes: object) -> Item:
    item = Item(
        project_id=7,
        item_id=5,
        sku="a",
        kind=ItemKind.VIRTUAL_GOOD,
        name={"en": "A"},
        group_ids=(1, 2),
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(item, **changes)  # type: ignore[arg-type]


def test_nothing_has_changed() -> None:
    later = NOW.replace(hour=5)
    assert is_same(stored(), stored(item_id=0, group_ids=(2, 1), created_at=later, updated_at=later))
    for change in (
        {"name": {"en": "B"}},
        {"group_ids": (1,)},
        {"is_free": True},
        {"prices": (Price(Decimal(1), "USD"),)},
    ):
        assert not is_same(stored(), stored(**change))


def test_a_schedule_that_stays_does_not_begin_again() -> None:
    schedule = Schedule("daily", "08:00:00+03:00", started_at=NOW)
    old = stored(limits=ItemLimits(per_user=2, schedule=schedule))
    again = replace(schedule, started_at=NOW.replace(hour=9))
    assert is_same(old, stored(limits=ItemLimits(per_user=2, schedule=again)))
    assert not is_same(old, stored(limits=ItemLimits(per_user=3, schedule=again)))
    assert not is_same(old, stored(limits=ItemLimits(per_user=2, schedule=replace(again, time="09:00:00+03:00"))))
    assert not is_same(old, stored(limits=ItemLimits(per_user=2)))


# -- Groups ---------------------------------------------------------------------------------------------------------


def group(external_id: str, parent: str | None = None) -> GroupDraft:
    return GroupDraft(NewGroup(external_id=external_id, name={"en": external_id}), parent)


def test_groups_below_each_other() -> None:
    assert not group_faults([group("a", "b"), group("b"), group("c", "had")], {"had": None})
    faults = group_faults([group("a", "none"), group("b", "c"), group("c", "b"), group("d", "d")], {})
    assert {fault.sku: fault.message.rpartition(": ")[2] for fault in faults} == {
        "a": "there is no group none",
        "b": "stands below itself",
        "c": "stands below itself",
        "d": "stands below itself",
    }
    # Below a group that is refused: it has nowhere to go.
    assert {fault.sku for fault in group_faults([group("w", "x"), group("x", "y"), group("y", "y")], {})} == {
        "w",
        "x",
        "y",
    }
    # Below one that keeps the place it has.
    assert {fault.sku for fault in group_faults([group("x", "y"), group("y", "y")], {"y": None})} == {"y"}

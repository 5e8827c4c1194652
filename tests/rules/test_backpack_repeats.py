"""What a repeat of a request is known by, and what it may do with an item that its first run holds."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from haversack.backpack import rules
from haversack.backpack.records import Item, ItemState, ItemType
from haversack.errors import BACKPACK_ITEM_NOT_FOUND, ITEM_IS_BEING_RECEIVED, ErrorKind, Refusal

OWN = rules.holder_of("player:1", "key", "hero")
STRANGE = rules.holder_of("player:1", "other key", "hero")
ITEM = ItemType.VIRTUAL_ITEM


def _item(state: ItemState, held_by: bytes | None = OWN, *, is_busy: bool = False) -> Item:
    return Item(
        project_id=1,
        merchant_id=1,
        item_id=UUID(int=1),
        player_id=UUID(int=2),
        item_type=ITEM,
        item_sku="lamp",
        item_name="Lamp",
        image_url="",
        description=None,
        code="",
        price=None,
        currency="USD",
        quantity=1,
        platform="",
        game_id=None,
        external_game_id="",
        game_name="",
        game_image_url="",
        is_external_vc=False,
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        state=state,
        is_busy=is_busy,
        held_by=held_by,
    )


def test_holder_of_tells_requests_apart() -> None:
    parts = [("a", "bc", "d"), ("ab", "c", "d"), ("a", "b", "cd"), ("a", "bc", "e"), ("b", "bc", "d")]
    assert len({rules.holder_of(*each) for each in parts}) == len(parts)
    assert rules.holder_of("a", "b", "c") == rules.holder_of("a", "b", "c")
    assert rules.holder_of("a", None, "c") is None


@pytest.mark.parametrize("state", ItemState)
def test_has_handed_over(state: ItemState) -> None:
    is_handed_over = state in (ItemState.DELIVERING, ItemState.RECEIVED)
    assert rules.has_handed_over(_item(state), ITEM, OWN) is is_handed_over
    assert not rules.has_handed_over(_item(state), ItemType.VIRTUAL_CURRENCY, OWN)
    assert not rules.has_handed_over(_item(state), ITEM, STRANGE)
    # Two requests without keys are not each other's repeats.
    assert not rules.has_handed_over(_item(state, None), ITEM, None)


def test_a_hold_of_its_own_stops_nobody() -> None:
    held = _item(ItemState.CHECKING, is_busy=True)
    rules.check_may_move_to_game(held, ITEM, OWN)
    for holder in (STRANGE, None):
        with pytest.raises(Refusal) as refused:
            rules.check_may_move_to_game(held, ITEM, holder)
        assert refused.value.kind is ITEM_IS_BEING_RECEIVED
    with pytest.raises(Refusal):
        rules.check_may_move_to_game(_item(ItemState.CHECKING, None, is_busy=True), ITEM, None)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (ItemState.DELIVERING, ITEM_IS_BEING_RECEIVED),
        (ItemState.RECEIVED, BACKPACK_ITEM_NOT_FOUND),
        (ItemState.DELETED, BACKPACK_ITEM_NOT_FOUND),
    ],
)
def test_what_is_handed_over_is_not_handed_over_again(state: ItemState, kind: ErrorKind) -> None:
    with pytest.raises(Refusal) as refused:
        rules.check_may_move_to_game(_item(state), ITEM, OWN)
    assert refused.value.kind is kind

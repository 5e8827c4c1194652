"""What a game says that a player sees: how its list is read, and what of it is offered when."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from haversack.personalization.partner_answers import (
    ANSWER_BYTES_MAX,
    ENTRIES_MAX,
    FAULTS_KEPT_MAX,
    UnreadableAnswer,
    read_offer,
)
from haversack.personalization.records import PartnerItem

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def test_items_by_sku_and_by_id() -> None:
    offer = read_offer(
        orjson.dumps(
            [
                {"sku": "lamp", "quantity": None, "name": "My lamp"},
                {"item_id": 17, "quantity": 0},
                {"item_id": "18", "quantity": 3, "date_from": "2026-11-30T12:00:00+03:00", "date_until": ""},
                {"sku": "rope", "item_id": 19, "date_until": "2026-12-01T00:00:00"},
            ]
        )
    )
    assert offer.by_sku == {
        "lamp": PartnerItem(),
        "rope": PartnerItem(date_until=datetime(2026, 12, 1, tzinfo=UTC)),
    }
    assert offer.by_id == {17: PartnerItem(0), 18: PartnerItem(3, NOON - timedelta(hours=3))}
    assert offer.faults == ()


def test_of_an_item_that_is_named_twice_the_last_counts() -> None:
    assert read_offer(b'[{"sku":"lamp","quantity":1},{"sku":"lamp","quantity":2}]').by_sku == {"lamp": PartnerItem(2)}


@pytest.mark.parametrize(
    "entry",
    [
        1,
        None,
        {},
        {"sku": ""},
        {"sku": 5},
        {"item_id": 0},
        {"item_id": True},
        {"item_id": 2**31},
        {"item_id": "one"},
        {"item_id": "-1"},
        {"sku": "lamp", "quantity": -1},
        {"sku": "lamp", "quantity": 1.5},
        {"sku": "lamp", "quantity": True},
        {"sku": "lamp", "quantity": "3"},
        {"sku": "lamp", "date_from": "soon"},
        {"sku": "lamp", "date_until": 1_800_000_000},
    ],
)
def test_an_entry_that_cannot_be_read_hides_its_item_alone(entry: object) -> None:
    offer = read_offer(orjson.dumps([{"sku": "rope"}, entry, {"item_id": 5}]))
    assert (list(offer.by_sku), list(offer.by_id)) == (["rope"], [5])
    [fault] = offer.faults
    assert fault.startswith("1: ")


def test_faults_are_not_kept_without_end() -> None:
    assert len(read_offer(orjson.dumps([1] * 1_000)).faults) == FAULTS_KEPT_MAX


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b'{"items": []}', "not a list"),
        (b"null", "not a list"),
        (b"[" + b"1," * ENTRIES_MAX + b"1]", "more than"),
        (b'["' + b"x" * ANSWER_BYTES_MAX, "longer than"),
    ],
)
def test_what_is_no_list_is_no_answer(body: bytes, why: str) -> None:
    with pytest.raises(UnreadableAnswer, match=why):
        read_offer(body)


def test_an_empty_list_is_an_answer() -> None:
    offer = read_offer(b"[]")
    assert not offer.by_sku and not offer.by_id and not offer.faults


def test_what_is_offered_when() -> None:
    hour = timedelta(hours=1)
    moments = [NOON - hour, NOON, NOON + hour / 2, NOON + hour]

    def shown(item: PartnerItem) -> list[bool]:
        return [item.is_offered(moment) for moment in moments]

    assert shown(PartnerItem(0)) == [True] * 4
    assert shown(PartnerItem(5, NOON, NOON + hour)) == [False, True, True, False]
    assert shown(PartnerItem(date_from=NOON)) == [False, True, True, True]
    assert shown(PartnerItem(date_until=NOON)) == [True, False, False, False]

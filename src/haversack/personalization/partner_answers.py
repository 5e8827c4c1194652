"""The body in which a game says which items a player sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from haversack.personalization.records import PartnerItem
from haversack.personalization.rules import moment_of

ANSWER_BYTES_MAX = 2_000_000
ENTRIES_MAX = 20_000
FAULTS_KEPT_MAX = 20
INT32_MAX = 2**31 - 1


class UnreadableAnswer(ValueError):
    """A body that is no list of items."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The items of an answer, by SKU and by id, and what is wrong with entries that were left out."""

    by_sku: Mapping[str, PartnerItem]
    by_id: Mapping[int, PartnerItem]
    faults: tuple[str, ...]


def read_offer(body: bytes) -> Offer:
    """The items of an answer. Of an item that is named twice the last entry counts.

    An entry that cannot be read hides its item and no other: one wrong date must not empty the shop.
    """
    by_sku: dict[str, PartnerItem] = {}
    by_id: dict[int, PartnerItem] = {}
    faults: list[str] = []
    for index, entry in enumerate(_entries(body)):
        try:
            item_id, sku, item = _read_entry(entry)
        except ValueError as fault:
            if len(faults) < FAULTS_KEPT_MAX:
                faults.append(f"{index}: {fault}")
            continue
        if sku is not None:
            by_sku[sku] = item
        elif item_id is not None:
            by_id[item_id] = item
    return Offer(by_sku, by_id, tuple(faults))


def _entries(body: bytes) -> list[Any]:
    try:
        entries = orjson.loads(body)
    except orjson.JSONDecodeError:
        if len(body) >= ANSWER_BYTES_MAX:
            raise UnreadableAnswer(f"The answer is longer than {ANSWER_BYTES_MAX} bytes.") from None
        raise UnreadableAnswer("The answer is not JSON.") from None
    if not isinstance(entries, list):
        raise UnreadableAnswer("The answer is not a list of items.")
    if len(entries) > ENTRIES_MAX:
        raise UnreadableAnswer(f"The answer has more than {ENTRIES_MAX} items.")
    return entries


def _read_entry(entry: Any) -> tuple[int | None, str | None, PartnerItem]:
    if not isinstance(entry, dict):
        raise ValueError("is not an object")
    item = PartnerItem(
        quantity=_quantity(entry.get("quantity")),
        date_from=_moment(entry, "date_from"),
        date_until=_moment(entry, "date_until"),
    )
    sku = entry.get("sku")
    if isinstance(sku, str) and sku:
        return None, sku, item
    if sku is not None:
        raise ValueError("sku is not a text")
    return _item_id(entry.get("item_id")), None, item


def _item_id(given: Any) -> int:
    # The document lets it be a number or text.
    is_text = isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= 10
    item_id = int(given) if is_text else given
    if isinstance(item_id, bool) or not isinstance(item_id, int) or not 0 < item_id <= INT32_MAX:
        raise ValueError("has neither a sku nor an item_id")
    return item_id


def _quantity(given: Any) -> int | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise ValueError("quantity is not a whole number from 0 on")
    return min(given, INT32_MAX)


def _moment(entry: Mapping[str, Any], name: str) -> datetime | None:
    given = entry.get(name)
    if given is None or given == "":
        return None
    found = moment_of(given) if isinstance(given, str) else None
    if found is None:
        raise ValueError(f"{name} is not a date of ISO 8601")
    return found

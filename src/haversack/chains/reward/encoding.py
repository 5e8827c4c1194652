"""Reward chains as players see them, encoded once for each language, with holes for what players and time change."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.selling import SellableItem, Shop
from haversack.chains.records import Chain, Contributor, by_points
from haversack.chains.rules import rewards_for
from haversack.chains.wire import milliseconds
from haversack.clock import wire_time
from haversack.text import Translations, reading

# What each step gives to a player: items (ids) with quantities.
Shown = tuple[tuple[tuple[int, int], ...], ...]

AMOUNT, TOP, SCHEDULE, CLAIMED = b"amount", b"top", b"schedule", b"step "
PIECES_KEPT_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Piece:
    """An encoded chain: bytes and names of holes in turn, beginning and ending with bytes. `fresh` is for who has taken
    none of its steps: it has the fewest holes."""

    whole: tuple[bytes, ...]
    fresh: tuple[bytes, ...]


_pieces: WeakKeyDictionary[Catalog, dict[tuple[int, str, Shown | None], Piece]] = WeakKeyDictionary()


def find_piece(shop: Shop, chain: Chain, language: str, shown: Shown | None) -> Piece:
    """The encoded chain; the same as long as its version of the catalog lives. shown None: what steps give depends on
    nobody."""
    pieces = _pieces.setdefault(shop.catalog, {})
    key = (chain.chain_id, language, shown)
    found = pieces.get(key)
    if found is None:
        if len(pieces) >= PIECES_KEPT_MAX:
            pieces.clear()
        given = shown or tuple(tuple(rewards_for(step, None)) for step in chain.steps)
        # NUL never stands in JSON, so it can mark holes.
        whole = orjson.dumps(_value(shop, chain, language, given)).split(b"\x00")
        found = pieces[key] = Piece(tuple(whole), tuple(_without_claims(whole).split(b"\x00")))
    return found


def _without_claims(whole: Sequence[bytes]) -> bytes:
    """The chain with none of its steps taken; its other holes are still marked."""
    return b"".join(
        part if not place % 2 else b"false" if part.startswith(CLAIMED) else b"\x00" + part + b"\x00"
        for place, part in enumerate(whole)
    )


def fill(piece: Piece, *, points: int, claimed: Container[int], top: Sequence[Contributor], schedule: bytes) -> bytes:
    """The chain for one player. `schedule`: see `schedule_text`."""
    parts = list(piece.whole if claimed else piece.fresh)
    for place in range(1, len(parts), 2):
        hole = parts[place]
        if hole == AMOUNT:
            parts[place] = b"%d" % points
        elif hole == SCHEDULE:
            parts[place] = schedule
        elif hole == TOP:
            parts[place] = _contributors(top)
        else:
            parts[place] = b"true" if int(hole[len(CLAIMED) :]) in claimed else b"false"
    return b"".join(parts)


def point_value(point: SellableItem, language: str, amount: Any) -> dict[str, Any]:
    """A value point as players see it."""
    return {
        "sku": point.sku,
        "name": reading(point.name, language),
        "image_url": point.image_url,
        "description": _text(point.description, language),
        "long_description": _text(point.long_description, language),
        "amount": amount,
        "is_clan": point.details.is_clan,
    }


def reward_value(item: SellableItem, quantity: int, language: str) -> dict[str, Any]:
    """So many of an item that a step gives."""
    return {
        "sku": item.sku,
        "name": reading(item.name, language),
        "type": item.kind.wire_type,
        "description": reading(item.description, language) if item.description else "",
        "image_url": item.image_url,
        "quantity": quantity,
    }


def contributor_values(top: Sequence[Contributor]) -> list[dict[str, Any]]:
    """Members of a clan with what they brought."""
    return [{"name": each.name, "contributed_amount": each.amount} for each in top]


def _contributors(top: Sequence[Contributor]) -> bytes:
    return orjson.dumps(contributor_values(top)) if top else b"[]"


def schedule_text(chain: Chain, following: datetime | None) -> bytes:
    """When a chain begins anew; null where it does not."""
    if chain.schedule is None or following is None:
        return b"null"
    return b'{"interval_type":"%b","reset_next_date":%d}' % (
        chain.schedule.interval_type.encode(),
        milliseconds(following),
    )


def _leave(hole: bytes) -> orjson.Fragment:
    return orjson.Fragment(b"\x00" + hole + b"\x00")


def _value(shop: Shop, chain: Chain, language: str, shown: Shown) -> Mapping[str, Any]:
    opening = by_points(chain)
    point = shop.find_by_id(opening.value_point_id)
    assert point is not None, "chains whose point is not known yet are not shown"
    return {
        "reward_chain_id": chain.chain_id,
        "name": reading(chain.name, language),
        "description": _text(chain.description, language),
        "long_description": _text(chain.long_description, language),
        "image_url": chain.image_url,
        "order": chain.sort_order,
        "date_start": wire_time(chain.starts_at),
        "date_end": None if chain.ends_at is None else wire_time(chain.ends_at),
        "clan_type": opening.clan_type,
        "top_contributors": _leave(TOP) if opening.is_clan else [],
        "value_point": point_value(point, language, _leave(AMOUNT)),
        "steps": [
            {
                "step_id": step.step_id,
                "name": _text(step.name, language) or "",
                "is_claimed": _leave(CLAIMED + b"%d" % step.step_id),
                "image_url": step.image_url,
                "price": {"amount": step.points},
                "reward": [
                    reward_value(item, quantity, language)
                    for item_id, quantity in given
                    if (item := shop.find_by_id(item_id)) is not None
                ],
            }
            for step, given in zip(chain.steps, shown, strict=True)
        ],
        "recurrent_schedule": _leave(SCHEDULE),
        "popup_header": opening.popup_header,
        "popup_instruction": opening.popup_instruction,
        "popup_image_url": opening.popup_image_url,
    }


def _text(texts: Translations | None, language: str) -> str | None:
    return reading(texts, language) if texts else None

"""Reward chains as players see them, encoded once for each language, with holes for what players and time change."""

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.selling import SellableItem, Shop
from haversack.chains.records import ByPoints, Chain, Contributor, Standing
from haversack.chains.reward.wire.views import milliseconds
from haversack.clock import wire_time
from haversack.text import Translations, reading

# Bytes and names of holes in turn, beginning and ending with bytes.
Piece = tuple[bytes, ...]
# What each step gives to a player: items (ids) with quantities.
Shown = tuple[tuple[tuple[int, int], ...], ...]

AMOUNT, TOP, SCHEDULE, CLAIMED = b"amount", b"top", b"schedule", b"step "
PIECES_KEPT_MAX = 5_000

_pieces: WeakKeyDictionary[Catalog, dict[tuple[int, str, Shown], Piece]] = WeakKeyDictionary()


def find_piece(shop: Shop, chain: Chain, language: str, shown: Shown) -> Piece:
    """The encoded chain; the same as long as its version of the catalog lives."""
    pieces = _pieces.setdefault(shop.catalog, {})
    key = (chain.chain_id, language, shown)
    found = pieces.get(key)
    if found is None:
        if len(pieces) >= PIECES_KEPT_MAX:
            pieces.clear()
        # NUL never stands in JSON, so it can mark holes.
        encoded = orjson.dumps(_value(shop, chain, language, shown))
        found = pieces[key] = tuple(encoded.split(b"\x00"))
    return found


def fill(piece: Piece, chain: Chain, standing: Standing, top: Sequence[Contributor]) -> bytes:
    """The chain for one player."""
    parts = list(piece)
    claimed = standing.progress.claimed
    for place in range(1, len(parts), 2):
        hole = parts[place]
        if hole == AMOUNT:
            parts[place] = b"%d" % standing.points
        elif hole == TOP:
            parts[place] = _contributors(top)
        elif hole == SCHEDULE:
            parts[place] = _schedule(chain, standing)
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


def _schedule(chain: Chain, standing: Standing) -> bytes:
    following = standing.window.next
    if chain.schedule is None or following is None:
        return b"null"
    return b'{"interval_type":"%b","reset_next_date":%d}' % (
        chain.schedule.interval_type.encode(),
        milliseconds(following),
    )


def _leave(hole: bytes) -> orjson.Fragment:
    return orjson.Fragment(b"\x00" + hole + b"\x00")


def _value(shop: Shop, chain: Chain, language: str, shown: Shown) -> Mapping[str, Any]:
    opening = chain.opening
    assert isinstance(opening, ByPoints), "only reward chains are shown as such"
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

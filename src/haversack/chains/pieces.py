"""Daily and offer chains as players see them, encoded once for each version of the catalog.

What time and players change is put in for each answer. A page of fifty chains has hundreds of items, and encoding them
for every player took most of its time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from starlette.responses import Response

from haversack.catalog.read_model.compiled import Catalog
from haversack.chains.records import Chain, Step

PIECES_KEPT_MAX = 5_000

JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Piece:
    """A chain without what changes: its members and those of each step, as JSON that is still open at its end.
    `source` is what was encoded."""

    source: Chain
    chain: bytes
    steps: tuple[bytes, ...]


# Which chain, for whom: a language and, where there are prices, a country.
Key = tuple[int, str, str]

_pieces: WeakKeyDictionary[Catalog, dict[Key, Piece]] = WeakKeyDictionary()


def find_piece(
    catalog: Catalog,
    chain: Chain,
    reader: tuple[str, str],
    chain_value: Callable[[Chain], Mapping[str, Any]],
    step_value: Callable[[Step], Mapping[str, Any]],
) -> Piece:
    """The piece of a chain for a reader, made of what it and its steps are; the same as long as its version of the
    catalog lives. Two that ask at once may have read the chains one before and one after a change."""
    kept = _pieces.setdefault(catalog, {})
    key = (chain.chain_id, *reader)
    found = kept.get(key)
    if found is None or found.source is not chain:
        if len(kept) >= PIECES_KEPT_MAX:
            kept.clear()
        found = kept[key] = Piece(
            chain, _opened(chain_value(chain)), tuple(_opened(step_value(step)) for step in chain.steps)
        )
    return found


def _opened(value: Mapping[str, Any]) -> bytes:
    return orjson.dumps(value)[:-1]


def chain_answer(chain: bytes) -> Response:
    """One encoded chain."""
    return Response(chain, media_type=JSON_TYPE)


def joined(piece: Piece, steps: Sequence[bytes], rest: bytes) -> bytes:
    """A piece with the end of each step, and the rest of the chain; each ends with its brace."""
    filled = b",".join(step + end for step, end in zip(piece.steps, steps, strict=True))
    return b'%b,"steps":[%b],%b' % (piece.chain, filled, rest)

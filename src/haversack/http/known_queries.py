"""Reads the queries of calls that must be fast: clients send the same few again and again."""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import ValidationError

from haversack.http.wire import WireModel

# Somebody who makes them up only empties this.
QUERIES_KEPT_MAX = 1_000

Query = TypeVar("Query", bound=WireModel)


def query_reader(model: type[Query]) -> Callable[[bytes], Query | None]:
    """Gives what a query says, read once for all who send the same; None for one with a fault, or with a name given
    twice. FastAPI has to read that, and its faults are told."""

    @lru_cache(maxsize=QUERIES_KEPT_MAX)
    def read(text: bytes) -> Query | None:
        pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True)
        values = dict(pairs)
        try:
            return model.model_validate(values) if len(values) == len(pairs) else None
        except ValidationError:
            return None

    return read

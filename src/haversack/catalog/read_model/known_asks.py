"""Remembers addresses that passed every check, so that what they ask for is read and checked once."""

from collections import OrderedDict
from dataclasses import dataclass
from weakref import ref

from haversack.catalog.read_model.pages import Page
from haversack.catalog.read_model.records import Ask

ASKS_KEPT_MAX = 20_000
ADDRESS_BYTES_MAX = 2_000


@dataclass(slots=True, eq=False)
class KnownAsk:
    """What an address asks for. `page` is the answer that it got last, for as long as that is kept."""

    project_id: int
    ask: Ask
    key: tuple[object, ...]
    page: "ref[Page] | None" = None


class KnownAsks:
    """Asks by path and query, exactly as they were sent. The oldest are forgotten first."""

    def __init__(self) -> None:
        self._asks: OrderedDict[tuple[bytes, bytes], KnownAsk] = OrderedDict()

    def find(self, path: bytes, query: bytes) -> KnownAsk | None:
        """What an address asks for, if it was asked before."""
        return self._asks.get((path, query))

    def remember(self, path: bytes, query: bytes, ask: KnownAsk) -> None:
        """Know an address from now on."""
        if len(path) + len(query) > ADDRESS_BYTES_MAX:
            return
        self._asks[path, query] = ask
        if len(self._asks) > ASKS_KEPT_MAX:
            self._asks.popitem(last=False)

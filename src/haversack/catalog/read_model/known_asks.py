"""What an address of the client catalog asks for: read and checked once, and remembered."""

from dataclasses import dataclass
from weakref import ref

from haversack.catalog.read_model.pages import Page
from haversack.catalog.read_model.records import Ask


@dataclass(slots=True, eq=False)
class KnownAsk:
    """What an address asks for. `page` is the answer that it got last, for as long as that is kept."""

    project_id: int
    ask: Ask
    key: tuple[object, ...]
    page: "ref[Page] | None" = None

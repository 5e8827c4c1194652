"""What is left of something: for everybody, and for one player."""

from dataclasses import dataclass
from datetime import UTC, datetime

# The window of a limit that never begins anew.
FOR_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stock:
    """How many of an item there are: `available + reserved + sold` is `total`."""

    total: int
    available: int
    reserved: int
    sold: int


@dataclass(frozen=True, slots=True)
class Uses:
    """How much of an item a player has used in the window that began at `window_start`."""

    window_start: datetime
    used: int


@dataclass(frozen=True, slots=True)
class Window:
    """From one reset to the next; `next` None: it is the only one."""

    start: datetime
    next: datetime | None

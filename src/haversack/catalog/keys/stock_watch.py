"""Tells those who run the server when the codes of a game key come to an end: this server sends no mail."""

import logging

from haversack.catalog.keys.queries.stock import list_key_stocks
from haversack.catalog.keys.records import KeyStock
from haversack.catalog.keys.rules import stock_level
from haversack.database.engine import Database

log = logging.getLogger("haversack.stock")

# Counting is for the operator's eyes: a million codes take a tenth of a second.
LOOK_SECONDS = 600.0


class StockWatch:
    """Warns in the log each time a key falls to 25, 10 or 0 % of its codes. One in each worker; it remembers what it
    has said, so that a worker that starts says once how things are."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._levels: dict[tuple[int, int], int] = {}

    async def look(self) -> None:
        """Count the codes, and warn of keys that have fallen to a lower level since the last look."""
        found = {(stock.project_id, stock.item_id): stock for stock in await list_key_stocks(self._database.session())}
        levels = {key: level for key, stock in found.items() if (level := stock_level(stock)) is not None}
        for key, level in levels.items():
            if key not in self._levels or level < self._levels[key]:
                log.warning("%s", stock_sentence(found[key]))
        self._levels = levels


def stock_sentence(stock: KeyStock) -> str:
    """What is told of a key whose codes come to an end."""
    left = "No code is left" if stock.available == 0 else f"{stock.available} of {stock.total} codes are left"
    return f"{left} of game key {stock.sku} in project {stock.project_id}."

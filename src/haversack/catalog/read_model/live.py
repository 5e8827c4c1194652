"""The compiled catalogs of one process: loaded when first asked for, renewed when somebody writes.

Who reads in the process that wrote waits until the write is in the catalog. Other processes hear of it and go on with
the old one while they renew it. A process that cannot hear looks for the version at each request.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from uuid import UUID

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.compiling import compile_catalog
from haversack.catalog.read_model.known_asks import KnownAsk
from haversack.catalog.read_model.pages import PageMaker
from haversack.catalog.read_model.queries import Knowing, list_players, list_stocks
from haversack.catalog.read_model.records import PackedUses, Stocks
from haversack.catalog.versions import CATALOG_CHANGED, HERE, find_version
from haversack.database.engine import Database
from haversack.database.notifications import Notifications
from haversack.database.shared_reads import SharedReads
from haversack.http.hot_requests import KnownAddresses

log = logging.getLogger("haversack.catalog")

# Published by `project_id` where stock or codes have changed without the catalog.
STOCK_CHANGED = "stock"

# Purchases of other processes are seen after this at the latest; from half of it on they are looked for beforehand.
STOCK_SECONDS_MAX = 1.0
# The projects that are read least are forgotten when the process holds more items than this.
ENTRIES_MAX = 1_000_000
# After renewing, other processes' writes wait this many times as long as it took: imports must not take a core.
REST_FACTOR = 2.0


@dataclass(slots=True, eq=False)
class Held:
    """A project's catalog as this process holds it.

    required: the version that readers here must see; announced: the newest that the process heard of.
    seen: the newest version that is surely in the catalog. is_checked: whether the version was looked for since the
    process listens. stock_news: how often it was heard that the stocks have changed.
    """

    project_id: int
    catalog: Catalog | None = None
    stocks: Stocks = field(default_factory=Stocks)
    stocks_read_at: float = float("-inf")
    stock_news: int = 0
    required: int = 0
    announced: int = 0
    seen: int = -1
    is_checked: bool = False
    reads: int = 0
    renewing: "asyncio.Task[None] | None" = None
    counting: "asyncio.Task[None] | None" = None


class LiveCatalogs:
    """What the client catalog of one process is served from."""

    def __init__(self, database: Database, notifications: Notifications) -> None:
        self._database = database
        self._notifications = notifications
        self._held: dict[int, Held] = {}
        # Raised when notifications may have been missed.
        self._generation = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._new_stamp = count(1).__next__
        # What is known of players: the one query of a signed-in page.
        self.players: SharedReads[Knowing, UUID, PackedUses] = SharedReads(
            database, list_players, nothing=PackedUses("")
        )
        self.pages = PageMaker()
        self.asks: KnownAddresses[KnownAsk] = KnownAddresses()
        notifications.subscribe(CATALOG_CHANGED, self._hear_of_catalog)
        notifications.subscribe(STOCK_CHANGED, self._hear_of_stock)

    def find_ready(self, project_id: int) -> Held | None:
        """The catalog, if it may be read at once."""
        held = self._held.get(project_id)
        # Whoever loses the notifications is told to check again, so that checked means listening.
        if held is None or held.catalog is None or not held.is_checked or held.seen < held.required:
            return None
        held.reads += 1
        if held.catalog.has_stocks:
            age = time.monotonic() - held.stocks_read_at
            if age > STOCK_SECONDS_MAX:
                return None
            if age > STOCK_SECONDS_MAX / 2 and held.counting is None:
                held.counting = self._start(self._count(held))
        return held

    async def get(self, project_id: int) -> Held:
        """The catalog, as new as its reader may expect; DatabaseAway where it cannot be looked for."""
        ready = self.find_ready(project_id)
        if ready is not None:
            return ready
        held = self._held.setdefault(project_id, Held(project_id))
        if held.catalog is not None and not held.is_checked:
            await self._check(held)
        while held.catalog is None or held.seen < held.required:
            await asyncio.shield(self._renewal(held))
        if held.catalog.has_stocks and time.monotonic() - held.stocks_read_at > STOCK_SECONDS_MAX:
            if held.counting is None:
                held.counting = self._start(self._count(held))
            await asyncio.shield(held.counting)
        return held

    async def get_at(self, project_id: int, version: int) -> Held:
        """The catalog of a version at least: for who knows of a write that this process has not heard of yet."""
        held = self._held.setdefault(project_id, Held(project_id))
        held.required = max(held.required, version)
        return await self.get(project_id)

    async def close(self) -> None:
        """Stop what is being renewed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _hear_of_catalog(self, key: str) -> None:
        if not key:
            self._generation += 1
            for held in self._held.values():
                held.is_checked = False
            return
        project, _, rest = key.partition(":")
        version, _, where = rest.partition(":")
        held_here = self._held.get(int(project))
        if held_here is None:
            return
        held_here.announced = max(held_here.announced, int(version))
        if where == HERE:
            held_here.required = max(held_here.required, int(version))
        elif held_here.catalog is not None and held_here.seen < held_here.announced:
            self._renewal(held_here)

    def _hear_of_stock(self, key: str) -> None:
        for held in self._held.values():
            if not key or held.project_id == int(key):
                held.stocks_read_at = float("-inf")
                held.stock_news += 1

    @property
    def _hearing(self) -> int | None:
        """What to hand to `_has_heard_since`; None where the process cannot hear."""
        return self._generation if self._notifications.is_listening else None

    def _has_heard_since(self, generation: int | None) -> bool:
        """Whether no notification can have been missed since then."""
        return generation is not None and generation == self._generation

    async def _check(self, held: Held) -> None:
        generation = self._hearing
        held.required = max(held.required, await find_version(self._database.session(), held.project_id))
        held.stocks_read_at = float("-inf")
        held.is_checked = self._has_heard_since(generation)

    def _renewal(self, held: Held) -> "asyncio.Task[None]":
        if held.renewing is None:
            held.renewing = self._start(self._renew(held))
        return held.renewing

    async def _renew(self, held: Held) -> None:
        """Bring a catalog to the newest version, and again while newer ones are heard of."""
        try:
            while True:
                started = time.monotonic()
                wanted = max(held.required, held.announced)
                held.seen = max(wanted, await self._compile(held))
                self._forget_unused(held)
                if held.seen >= held.announced:
                    return
                rest = (time.monotonic() - started) * REST_FACTOR
                # A reader that waits does not rest.
                if held.seen >= held.required:
                    await asyncio.sleep(rest)
        except Exception:
            held.is_checked = False  # the next reader tries again
            raise
        finally:
            held.renewing = None

    async def _compile(self, held: Held) -> int:
        """Compile a catalog and return its version; everything that was written before is in it."""
        generation = self._hearing
        is_first = held.catalog is None
        db = self._database.session()
        # So many new objects would have the collector walk over all of them again and again, each time for longer than
        # a request may wait. They hold no cycles.
        was_enabled = is_first and gc.isenabled()
        if was_enabled:
            gc.disable()
        try:
            catalog = await compile_catalog(db, held.project_id, held.catalog)
        finally:
            if was_enabled:
                gc.enable()
        held.catalog = catalog
        if is_first:
            held.is_checked = self._has_heard_since(generation)
            gc.freeze()
        if catalog.has_stocks:
            await self._count(held)
        return catalog.version

    async def _count(self, held: Held) -> None:
        """Read what is left for everybody. Where nothing has changed the old counts stay, and what was made of them."""
        try:
            news = None
            # What was heard of while they were read may not be among them, and who wrote it waits here.
            while news != held.stock_news:
                news, read_at = held.stock_news, time.monotonic()
                stocks = await list_stocks(self._database.session(), held.project_id)
            if stocks != held.stocks:
                held.stocks = replace(stocks, stamp=self._new_stamp())
            held.stocks_read_at = read_at
        finally:
            held.counting = None

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # Whoever waits for it is told as well.
            log.warning("a catalog could not be renewed: %s", task.exception())

    def _forget_unused(self, kept: Held) -> None:
        """Forget the projects that are read least, where the process holds too many items."""
        others = sorted((held for held in self._held.values() if held is not kept), key=lambda held: held.reads)
        total = _size(kept) + sum(map(_size, others))
        for held in others:
            if total <= ENTRIES_MAX:
                return
            total -= _size(held)
            del self._held[held.project_id]


def _size(held: Held) -> int:
    return 0 if held.catalog is None else len(held.catalog.entries)

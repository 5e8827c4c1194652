"""What sells most in each project, counted when it is asked for and remembered for a while."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from haversack.database.engine import Database
from haversack.database.notifications import Notifications
from haversack.projects.directory import PROJECTS_CHANGED
from haversack.upsell.queries import list_most_sold

# How far back purchases count.
COUNTED = timedelta(days=30)
# How old a count may be, both in real time and in the project's.
KEPT = timedelta(minutes=1)
PROJECTS_MAX = 1_000


@dataclass(slots=True)
class _Count:
    items: tuple[int, ...]
    now: datetime
    counted_at: float


class BestSellers:
    """The counts of one process. Whoever asks while a project's sales are counted waits for that count."""

    def __init__(self, database: Database, notifications: Notifications) -> None:
        self._database = database
        self._counts: dict[int, _Count] = {}
        self._counting: dict[int, asyncio.Lock] = {}
        # A project that goes back has not sold what it will have sold.
        notifications.subscribe(PROJECTS_CHANGED, lambda _: self._counts.clear())

    async def list_items(self, project_id: int, now: datetime) -> tuple[int, ...]:
        """The items that were paid for within the last 30 days, the most sold first."""
        found = self._find(project_id, now)
        if found is not None:
            return found
        async with self._counting.setdefault(project_id, asyncio.Lock()):
            found = self._find(project_id, now)
            if found is None:
                found = await list_most_sold(self._database.session(), project_id, since=now - COUNTED)
                if len(self._counts) >= PROJECTS_MAX:
                    self._counts.clear()
                    self._counting.clear()
                self._counts[project_id] = _Count(found, now, time.monotonic())
        return found

    def _find(self, project_id: int, now: datetime) -> tuple[int, ...] | None:
        count = self._counts.get(project_id)
        if count is None or time.monotonic() - count.counted_at > KEPT.total_seconds():
            return None
        return count.items if timedelta() <= now - count.now <= KEPT else None

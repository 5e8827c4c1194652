"""Projects and keys as one process remembers them, so that most requests identify their caller without a query."""

from collections import OrderedDict
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from haversack.clock import real_now
from haversack.database.engine import Database
from haversack.database.notifications import Notifications
from haversack.images.once import OnceAtATime
from haversack.projects import queries
from haversack.projects.keys import hash_of, is_well_formed, may_open
from haversack.projects.records import FoundHostId, FoundKey, Project

Key = TypeVar("Key")
Value = TypeVar("Value")

PROJECTS_CHANGED = "projects"


class BoundedCache(Generic[Key, Value]):
    """The last `size` values used, each for as long as it holds."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Key, tuple[Value, datetime | None]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """The remembered value, or None."""
        found = self._values.get(key)
        if found is None:
            return None
        value, until = found
        if until is not None and until <= real_now():
            del self._values[key]
            return None
        self._values.move_to_end(key)
        return value

    def put(self, key: Key, value: Value, *, until: datetime | None = None) -> None:
        """Remember a value until a moment, forgetting the one used longest ago."""
        self._values[key] = (value, until)
        self._values.move_to_end(key)
        if len(self._values) > self._size:
            self._values.popitem(last=False)

    def pop(self, key: Key) -> None:
        """Forget one value."""
        self._values.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        self._values.clear()


class ProjectDirectory:
    """Looks projects, keys and host ids up. Only what exists is remembered: a refused key is asked for each time."""

    def __init__(self, database: Database, notifications: Notifications, *, is_development: bool) -> None:
        self._database = database
        self._notifications = notifications
        self._is_development = is_development
        self._projects: BoundedCache[int, Project] = BoundedCache(5_000)
        self._of_login: BoundedCache[UUID, list[Project]] = BoundedCache(5_000)
        self._keys: BoundedCache[bytes, FoundKey] = BoundedCache(5_000)
        self._host_ids: BoundedCache[tuple[int, bytes], FoundHostId] = BoundedCache(5_000)
        self._looked_up: OnceAtATime[Project | None] = OnceAtATime()
        self._generation = 0
        notifications.subscribe(PROJECTS_CHANGED, self._forget)

    def _forget(self, key: str) -> None:
        # Changes of projects are rare: forgetting everything is simpler than knowing what hangs on what.
        self._generation += 1
        for cache in (self._projects, self._of_login, self._keys, self._host_ids):
            cache.clear()

    def _may_remember(self, generation: int) -> bool:
        # What was read before a change must not be remembered after it.
        return self._notifications.is_listening and generation == self._generation

    def remembered_project(self, project_id: int) -> Project | None:
        """The project, if it is known without a query."""
        return self._projects.get(project_id)

    async def find_project(self, project_id: int) -> Project | None:
        """The project, or None."""
        found = self._projects.get(project_id)
        if found is None:
            # A server that has just started is asked for its project by everybody at once.
            found = await self._looked_up.run_after(project_id, lambda: self._look_up(project_id))
        return found

    async def _look_up(self, project_id: int) -> Project | None:
        found = self._projects.get(project_id)
        if found is None:
            generation = self._generation
            found = await queries.find_project(self._database.session(), project_id)
            if found is not None and self._may_remember(generation):
                self._projects.put(project_id, found)
        return found

    async def list_projects_of_login(self, login_project_id: UUID) -> list[Project]:
        """The projects that share a login project."""
        found = self._of_login.get(login_project_id)
        if found is None:
            generation = self._generation
            found = await queries.list_projects_of_login(self._database.session(), login_project_id)
            if found and self._may_remember(generation):
                self._of_login.put(login_project_id, found)
        return found

    async def find_key(self, key: str) -> FoundKey | None:
        """What the key opens, or None. A mistyped key, and a test key in production, are refused without a query."""
        if not is_well_formed(key) or not may_open(key, is_development=self._is_development):
            return None
        key_hash = hash_of(key)
        found = self._keys.get(key_hash)
        if found is None:
            generation = self._generation
            found = await queries.find_key(self._database.session(), key_hash)
            if found is not None and self._may_remember(generation):
                self._keys.put(key_hash, found, until=found.expires_at)
        return found

    async def is_host_id(self, project_id: int, host_id: UUID) -> bool:
        """Whether the host id was issued for the project."""
        key = (project_id, hash_of(str(host_id)))
        if self._host_ids.get(key) is not None:
            return True
        generation = self._generation
        found = await queries.find_host_id(self._database.session(), *key)
        if found is not None and self._may_remember(generation):
            self._host_ids.put(key, found, until=found.expires_at)
        return found is not None

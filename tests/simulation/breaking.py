"""Connections that break where the simulation wants it: before a statement, after one, or with the request itself.

What is broken off is counted in the statements of one request, whichever task of it runs them, so that the same plan
breaks the same request at the same place each time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

import asyncpg

Result = TypeVar("Result")


class How(StrEnum):
    """What happens at the chosen statement."""

    BEFORE = "before"  # the connection is lost before the statement has reached the database
    AFTER = "after"  # the statement is done, and its answer is lost with the connection
    ENDED = "ended"  # the statement is done, and then the request's task is cancelled


@dataclass(slots=True)
class Plan:
    """Where one request is broken off. `task`: the request's own, which others may work for."""

    how: How
    at: int
    seen: int = 0
    has_broken: bool = False
    task: "asyncio.Task[Any] | None" = None


PLAN: ContextVar[Plan | None] = ContextVar("plan", default=None)


class BreakableConnection(asyncpg.Connection):  # type: ignore[type-arg]
    """A connection that looks at the plan of the request it works for."""

    async def execute(self, *given: Any, **options: Any) -> Any:
        return await self._meet(lambda: asyncpg.Connection.execute(self, *given, **options))

    async def fetch(self, *given: Any, **options: Any) -> Any:
        return await self._meet(lambda: asyncpg.Connection.fetch(self, *given, **options))

    async def fetchrow(self, *given: Any, **options: Any) -> Any:
        return await self._meet(lambda: asyncpg.Connection.fetchrow(self, *given, **options))

    async def executemany(self, *given: Any, **options: Any) -> Any:
        return await self._meet(lambda: asyncpg.Connection.executemany(self, *given, **options))

    async def copy_records_to_table(self, *given: Any, **options: Any) -> Any:
        return await self._meet(lambda: asyncpg.Connection.copy_records_to_table(self, *given, **options))

    async def _meet(self, run: Callable[[], Awaitable[Result]]) -> Result:
        plan = PLAN.get()
        if plan is None or plan.has_broken:
            return await run()
        plan.seen += 1
        if plan.seen < plan.at:
            return await run()
        plan.has_broken = True
        if plan.how is How.BEFORE:
            await self._be_lost()
        result = await run()
        if plan.how is How.AFTER:
            await self._be_lost()
        assert plan.task is not None
        plan.task.cancel()
        # The cancellation arrives here and not at the next statement, which would reach the database or not by chance.
        await asyncio.sleep(0)
        return result

    async def _be_lost(self) -> NoReturn:
        # What the database does when it sees that the connection is gone: at once, so that nothing depends on chance.
        if self.is_in_transaction():
            await asyncpg.Connection.execute(self, "ROLLBACK")
        self.terminate()
        raise asyncpg.ConnectionDoesNotExistError("the simulation has broken the connection")

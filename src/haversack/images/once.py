"""Doing a piece of work once for everybody who asks for it at the same time, within one process."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


class OnceAtATime(Generic[Result]):
    """Runs one task per key; whoever asks while it runs waits for the same result or gets the same error."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Result]] = {}

    def __len__(self) -> int:
        """How much is under way."""
        return len(self._running)

    def __contains__(self, key: Hashable) -> bool:
        """Whether somebody has asked for it already, and it is not done."""
        return key in self._running

    async def run(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Return what `work` returns; a caller that goes away does not stop the work for the others."""
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(work())
            self._running[key] = task
            task.add_done_callback(lambda done: self._finish(key, done))
        return await asyncio.shield(task)

    async def run_after(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """The same for a result that must not be older than the question: who asks while it runs waits until it ends,
        and then for one more run with all others who have waited."""
        running = self._running.get(key)
        if running is not None:
            await asyncio.wait([running])
        return await self.run(key, work)

    def _finish(self, key: Hashable, task: asyncio.Task[Result]) -> None:
        del self._running[key]
        if not task.cancelled():
            # Every caller may have gone away; asking for the error keeps asyncio from reporting it as lost.
            task.exception()

    async def close(self) -> None:
        """Stop the work under way and wait until it has stopped."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

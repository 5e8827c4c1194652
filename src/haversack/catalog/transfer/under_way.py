"""Imports that calls of a process have begun, and that go on behind them until they are done or the process ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class ImportsUnderWay:
    """The imports of one process. Stopped before its database is closed, so that their records can say so."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        """Work on an import from now on."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait(self) -> None:
        """Return when none is under way."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def stop(self) -> None:
        """Break them off; their records say so. What they have done stays done."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

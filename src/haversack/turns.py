"""Long work on the event loop, done in slices of time, so that other requests of the process have their turn."""

import asyncio
import time

SLICE_SECONDS = 0.005


class Turns:
    """Made where the work begins; `offer` is awaited between its steps, as often as one likes."""

    __slots__ = ("_began",)

    def __init__(self) -> None:
        self._began = time.monotonic()

    async def offer(self) -> None:
        """Let others run, if the work has held the loop for as long as it may."""
        if time.monotonic() - self._began >= SLICE_SECONDS:
            await asyncio.sleep(0)
            self._began = time.monotonic()

"""Leases of lanes: one worker at a time works a lane, in any number of processes, and a dead one loses it soon."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from haversack.database.engine import Database, DatabaseAway
from haversack.webhooks.queries import lanes as queries
from haversack.webhooks.queries.lanes import ClaimedLane
from haversack.webhooks.records import Lane

log = logging.getLogger("haversack.webhooks")

LEASE_SECONDS = 10.0
RENEWALS_A_LEASE = 3


class LeaseLost(Exception):
    """Another worker has taken the lane over, so what this one has just done is not recorded by it."""


@dataclass(eq=False, slots=True)
class HeldLane:
    """A lane that this process works. `is_lost` as soon as it knows that it does not any more."""

    claimed: ClaimedLane
    is_lost: bool = False

    @property
    def lane(self) -> Lane:
        """The lane."""
        return self.claimed.lane


class Leases:
    """The leases of one process. While any is held, all are renewed by one statement now and then."""

    def __init__(self, database: Database, *, seconds: float = LEASE_SECONDS) -> None:
        self._database = database
        self._seconds = seconds
        self._held: dict[UUID, HeldLane] = {}
        self._renewing: asyncio.Task[None] | None = None

    @property
    def length(self) -> timedelta:
        """How long a lease lasts without being renewed, in real time."""
        return timedelta(seconds=self._seconds)

    async def claim(self, lanes: Sequence[Lane]) -> list[HeldLane]:
        """Lease those of the lanes that are free. Each must be given back with `released`."""
        claimed = await queries.claim_lanes(self._database.session(), lanes, lease=self.length)
        held = [HeldLane(each) for each in claimed]
        self._held.update((each.claimed.token, each) for each in held)
        if self._held and self._renewing is None:
            self._renewing = asyncio.create_task(self._renew_while_held(), name="lane leases")
        return held

    @asynccontextmanager
    async def released(self, held: HeldLane) -> AsyncIterator[None]:
        """Give the lane back at the end, however it comes. If that fails the lease ends by itself."""
        try:
            yield
        finally:
            self._held.pop(held.claimed.token, None)
            if not held.is_lost:
                try:
                    await queries.release_lease(self._database.session(), held.claimed)
                except DatabaseAway as error:
                    log.warning("a lane of project %d stays leased for a moment: %s", held.lane.project_id, error)

    async def close(self) -> None:
        """Stop renewing."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
            self._renewing = None

    async def _renew_while_held(self) -> None:
        while True:
            await asyncio.sleep(self._seconds / RENEWALS_A_LEASE)
            if not self._held:
                self._renewing = None
                return
            tokens = list(self._held)
            try:
                kept = await queries.renew_leases(self._database.session(), tokens, lease=self.length)
            except DatabaseAway as error:
                log.warning("leases of %d lanes were not renewed: %s", len(tokens), error)
                continue
            except Exception:
                # As when it is away: a task that ended here would let every later lease of the process run out.
                log.exception("leases of %d lanes were not renewed", len(tokens))
                continue
            for token in tokens:
                held = self._held.get(token)
                if held is not None and token not in kept:
                    held.is_lost = True

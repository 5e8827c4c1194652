"""Takes lanes and works them: for the worker whatever is due, for a request the one delivery it must know about."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from haversack.database.engine import Database, DatabaseAway
from haversack.outbound.client import OutboundClient
from haversack.projects.records import Project
from haversack.sealing import Sealer
from haversack.settings import Settings
from haversack.webhooks.lane_run import LaneRun, Tools
from haversack.webhooks.leases import LEASE_SECONDS, HeldLane, LeaseLost, Leases
from haversack.webhooks.outcomes import Outcomes
from haversack.webhooks.queries.inspector import find_state
from haversack.webhooks.records import DeliveryState, Lane, SettledDelivery

if TYPE_CHECKING:
    from haversack.context import Context

__all__ = ["Deliverer", "DeliveryState", "SettledDelivery", "settle"]

log = logging.getLogger("haversack.webhooks")

# Recording may not take the connections that requests need.
RECORDS_AT_ONCE_MAX = 4
# While another process works the lane its result is looked for at first soon, then less often.
FIRST_LOOK_SECONDS = 0.005
LOOK_SECONDS_MAX = 0.2
LOOK_GROWTH = 1.5


class Deliverer:
    """Delivers for one process. Made once, inside the event loop; closed before its database and its client."""

    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        sealer: Sealer,
        outbound: OutboundClient,
        outcomes: Outcomes,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._database = database
        self._leases = Leases(database, seconds=lease_seconds)
        self._tools = Tools(
            database=database,
            sealer=sealer,
            outbound=outbound,
            outcomes=outcomes,
            timeout_seconds=settings.delivery_timeout_seconds,
            records=asyncio.Semaphore(RECORDS_AT_ONCE_MAX),
        )
        # Settling goes on when the request that wanted it has run out of time.
        self._settling: set[asyncio.Task[None]] = set()
        self._is_closing = False

    @property
    def outcomes(self) -> Outcomes:
        """Who is told of final results."""
        return self._tools.outcomes

    @property
    def database(self) -> Database:
        """The database whose outbox is delivered."""
        return self._database

    async def claim(self, lanes: Sequence[Lane]) -> list[HeldLane]:
        """Lease those of the lanes that are free; each must then be worked."""
        return await self._leases.claim(lanes)

    async def work(self, held: HeldLane, *, must_stop: Callable[[], bool]) -> bool:
        """Send what is due in a held lane and give it back. Whether something due may be left in it."""
        async with self._leases.released(held):
            return await LaneRun(self._tools, held, lease=self._leases.length, must_stop=must_stop).run()

    async def settle(self, project_id: int, delivery_id: int, *, timeout_seconds: float) -> DeliveryState:
        """Send a delivery now, after what must go before it, and say what became of it within the time.

        Pending when the time is over or the delivery has to wait (for a retry, or behind one); it is then
        delivered in the background. LookupError when there is no such delivery.
        """
        deadline = time.monotonic() + timeout_seconds
        pause = FIRST_LOOK_SECONDS
        while True:
            found = await find_state(self._database.session(), project_id, delivery_id)
            if found is None:
                raise LookupError(f"project {project_id} has no delivery {delivery_id}")
            lane, state = found
            left = deadline - time.monotonic()
            if not state.is_pending or left <= 0 or self._is_closing:
                return state
            held = await self._leases.claim([lane])
            if held:
                return await self._settle_in(held[0], delivery_id, timeout_seconds=left)
            await asyncio.sleep(min(pause, left))
            pause = min(pause * LOOK_GROWTH, LOOK_SECONDS_MAX)

    async def close(self, *, timeout_seconds: float = 3.0) -> None:
        """Let what is being settled come to an end for a short time, then leave it to the next process."""
        self._is_closing = True
        if self._settling:
            await asyncio.wait(self._settling, timeout=timeout_seconds)
        for task in self._settling:
            task.cancel()
        await asyncio.gather(*self._settling, return_exceptions=True)
        await self._leases.close()

    async def _settle_in(self, held: HeldLane, delivery_id: int, *, timeout_seconds: float) -> DeliveryState:
        """Work the lane until the delivery is settled or the lane is blocked; then look at the delivery."""
        # A call that is under way when the time ends is not cut off: its result is recorded by the task.
        task = asyncio.create_task(self._work_until_settled(held, delivery_id), name="settle delivery")
        self._settling.add(task)
        task.add_done_callback(self._settled)
        deadline = time.monotonic() + timeout_seconds
        await asyncio.wait((task,), timeout=timeout_seconds)
        if not task.done():
            found = await find_state(self._database.session(), held.lane.project_id, delivery_id)
            assert found is not None, "a pending delivery does not vanish"
            return found[1]
        error = task.exception()
        if isinstance(error, LeaseLost):
            left = max(deadline - time.monotonic(), 0)
            return await self.settle(held.lane.project_id, delivery_id, timeout_seconds=left)
        if error is not None:
            raise error
        found = await find_state(self._database.session(), held.lane.project_id, delivery_id)
        assert found is not None, "a pending delivery does not vanish"
        return found[1]

    async def _work_until_settled(self, held: HeldLane, delivery_id: int) -> None:
        async with self._leases.released(held):
            may_be_left = True
            while may_be_left and not self._is_closing:
                run = LaneRun(
                    self._tools,
                    held,
                    lease=self._leases.length,
                    must_stop=lambda: self._is_closing,
                    target=delivery_id,
                )
                may_be_left = await run.run() and not run.has_settled_target

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._settling.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, DatabaseAway | LeaseLost):
            log.warning("a delivery that a request waits for is left to the worker: %s", error)
        elif error is not None:
            log.error("a delivery that a request waits for could not be settled", exc_info=error)


async def settle(context: "Context", project: Project, delivery_id: int, *, timeout_seconds: float) -> DeliveryState:
    """Send a delivery of the project now and say what became of it; see `Deliverer.settle`."""
    return await context.deliverer.settle(project.project_id, delivery_id, timeout_seconds=timeout_seconds)

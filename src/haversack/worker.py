"""The worker of a process: finds lanes with something due, works many at once, and does what is scheduled."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from haversack.database.engine import DatabaseAway
from haversack.database.notifications import Notifications
from haversack.webhooks.actions import OUTBOX, SETTLED_KEPT, forget_old_deliveries
from haversack.webhooks.delivery import Deliverer
from haversack.webhooks.leases import HeldLane, LeaseLost
from haversack.webhooks.queries.lanes import DueLane, list_due_lanes
from haversack.webhooks.records import Lane

log = logging.getLogger("haversack.worker")

# Other processes publish too, so the outbox is looked at this often; less often where looking is expensive.
POLL_SECONDS = 0.25
LOOKING_PART_MAX = 0.1
# Lanes worked at once. Those whose last attempt failed have places of their own: however many receivers hang,
# the others find a place.
HEALTHY_LANES_MAX = 200
FAILING_LANES_MAX = 100
# Lanes leased by one statement.
CLAIMED_AT_ONCE_MAX = 50
# After a fault of ours or of the database a lane rests, longer each time.
FIRST_REST_SECONDS = 1.0
REST_SECONDS_MAX = 60.0
STOP_SECONDS = 3.0
FORGET_EVERY_SECONDS = 3600.0

Job = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class _Pool:
    """Lanes of one kind: who waits for a place, in order, and who has one."""

    places: int
    waiting: deque[Lane] = field(default_factory=deque)
    working: set[Lane] = field(default_factory=set)

    @property
    def free(self) -> int:
        return self.places - len(self.working)


class Worker:
    """Delivers webhooks and runs scheduled jobs. One in each process that wants one; they share the work by leases."""

    def __init__(
        self,
        deliverer: Deliverer,
        notifications: Notifications,
        *,
        poll_seconds: float = POLL_SECONDS,
        healthy_lanes_max: int = HEALTHY_LANES_MAX,
        failing_lanes_max: int = FAILING_LANES_MAX,
        settled_kept: timedelta = SETTLED_KEPT,
    ) -> None:
        self._deliverer = deliverer
        self._poll_seconds = poll_seconds
        self._pools = {False: _Pool(healthy_lanes_max), True: _Pool(failing_lanes_max)}
        self._rests: dict[Lane, tuple[float, float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._jobs: list[tuple[float, Job]] = []
        self._woken: set[int] = set()
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._has_ended = asyncio.Event()
        self._has_ended.set()
        notifications.subscribe(OUTBOX, self._hear)
        self.every(FORGET_EVERY_SECONDS, lambda: forget_old_deliveries(deliverer.database, kept=settled_kept))

    def every(self, seconds: float, job: Job) -> None:
        """Run a job at this distance of real time while the worker runs. A failure is logged and not the end
        of it.

        Every process with a worker runs it, so it must be harmless to run twice at once.
        """
        assert self._has_ended.is_set(), "jobs are registered before the worker runs"
        self._jobs.append((seconds, job))

    def wake(self, project_id: int) -> None:
        """Look at a project's outbox at once: something was published and committed in this process."""
        self._woken.add(project_id)
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`."""
        self._has_ended.clear()
        jobs = [asyncio.create_task(self._repeat(seconds, job)) for seconds, job in self._jobs]
        try:
            while not self._is_stopping:
                try:
                    await self._look_and_work()
                except Exception:
                    # A fault of ours must not end the deliveries of everybody.
                    log.exception("looking at the outbox failed")
                    await self._rest()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
        finally:
            for task in (*jobs, *self._tasks):
                task.cancel()
            await asyncio.gather(*jobs, *self._tasks, return_exceptions=True)
            self._has_ended.set()

    async def stop(self) -> None:
        """Take no further delivery, let those under way come to an end for a short time, and return.

        What is cut off is sent again by the next worker, under the same id.
        """
        self._is_stopping = True
        self._wake.set()
        await self._has_ended.wait()

    async def _rest(self) -> None:
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_REST_SECONDS):
                await self._wake.wait()

    def _hear(self, key: str) -> None:
        if key:
            self.wake(int(key))
        else:
            self._wake.set()

    async def _look_and_work(self) -> None:
        """One look at the outbox: all of it, or the projects that were just published to."""
        started = time.monotonic()
        pause = self._poll_seconds
        try:
            self._enqueue(await list_due_lanes(self._deliverer.database.session()))
            await self._fill_places()
        except DatabaseAway as error:
            log.warning("the outbox cannot be read: %s", error)
            pause = FIRST_REST_SECONDS
        took = time.monotonic() - started
        next_look = started + max(pause, took / LOOKING_PART_MAX)
        while not self._is_stopping and (left := next_look - time.monotonic()) > 0:
            self._wake.clear()
            if not await self._serve_woken():
                try:
                    async with asyncio.timeout(left):
                        await self._wake.wait()
                except TimeoutError:
                    return

    async def _serve_woken(self) -> bool:
        """Work what was published in this process and what found a free place. Whether there may be more already."""
        woken, self._woken = self._woken, set()
        try:
            if woken:
                self._enqueue(await list_due_lanes(self._deliverer.database.session(), sorted(woken)))
            await self._fill_places()
        except DatabaseAway as error:
            log.warning("the outbox cannot be read: %s", error)
            return False
        return bool(self._woken)

    def _enqueue(self, due: list[DueLane]) -> None:
        now = time.monotonic()
        taken = {lane for pool in self._pools.values() for lane in (*pool.working, *pool.waiting)}
        for each in due:
            if each.lane in taken:
                continue
            rest = self._rests.get(each.lane)
            if rest is None or rest[0] <= now:
                self._pools[each.is_failing].waiting.append(each.lane)

    async def _fill_places(self) -> None:
        for pool in self._pools.values():
            while pool.free > 0 and pool.waiting and not self._is_stopping:
                count = min(pool.free, CLAIMED_AT_ONCE_MAX, len(pool.waiting))
                wanted = [pool.waiting.popleft() for _ in range(count)]
                for held in await self._deliverer.claim(wanted):
                    self._start(pool, held)

    def _start(self, pool: _Pool, held: HeldLane) -> None:
        pool.working.add(held.lane)
        task = asyncio.create_task(self._work(pool, held), name=f"lane {held.lane.project_id} {held.lane.purpose}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, pool: _Pool, held: HeldLane) -> None:
        lane = held.lane
        has_more = False
        try:
            has_more = await self._deliverer.work(held, must_stop=lambda: self._is_stopping)
            self._rests.pop(lane, None)
        except LeaseLost as error:
            log.warning("%s", error)
        except DatabaseAway as error:
            log.warning("deliveries of project %d rest: %s", lane.project_id, error)
            self._let_rest(lane)
        except Exception:
            log.exception("deliveries of project %d (%s) rest after a fault", lane.project_id, lane.purpose)
            self._let_rest(lane)
        finally:
            pool.working.discard(lane)
        if has_more:
            # To the end of the queue: others wait for the place.
            pool.waiting.append(lane)
        if has_more or pool.waiting:
            self._wake.set()

    def _let_rest(self, lane: Lane) -> None:
        _, last = self._rests.get(lane, (0.0, FIRST_REST_SECONDS / 2))
        length = min(last * 2, REST_SECONDS_MAX)
        self._rests[lane] = (time.monotonic() + length, length)

    async def _repeat(self, seconds: float, job: Job) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await job()
            except DatabaseAway as error:
                log.warning("a scheduled job waits for its next time: %s", error)
            except Exception:
                log.exception("a scheduled job failed; it runs again at its next time")

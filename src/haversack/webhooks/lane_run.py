"""Works one leased lane: what is due is sent in the order of the project's mode, and results are recorded in groups."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from haversack.database.engine import Database, DatabaseAway
from haversack.outbound.client import OutboundClient
from haversack.projects.records import DeliveryMode
from haversack.sealing import Sealer
from haversack.webhooks import rules
from haversack.webhooks.leases import HeldLane, LeaseLost
from haversack.webhooks.outcomes import Outcomes
from haversack.webhooks.queries import lanes as queries
from haversack.webhooks.recording import Result, record_results
from haversack.webhooks.records import DeliveryStatus, FailureReason, LaneView, Waiting
from haversack.webhooks.rules import Failed, Retried, Succeeded
from haversack.webhooks.sending import send_once

# Results are recorded together while deliveries succeed quickly, and none stays unrecorded for longer than
# this while the next one is under way.
GROUP_MAX = 20
UNRECORDED_SECONDS_MAX = 0.05
# How many players' deliveries of one project are under way at once in native mode.
PLAYERS_AT_ONCE_MAX = 16
# A lane with a long queue gives way to others after this time.
TURN_SECONDS = 2.0

MESSAGES_WITHOUT_CALL = {
    FailureReason.NO_ENDPOINT: "The project has no webhook address set up.",
    FailureReason.ENDPOINT_DISABLED: "The project's webhook is switched off.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What working a lane needs of its process. `records` bounds the database connections used at once."""

    database: Database
    sealer: Sealer
    outbound: OutboundClient
    outcomes: Outcomes
    timeout_seconds: float
    records: asyncio.Semaphore


class LaneRun:
    """One turn at a lane.

    must_stop: asked before each delivery. target: a delivery that somebody waits for; its result is recorded
    at once, and the turn ends with it.
    """

    def __init__(
        self,
        tools: Tools,
        held: HeldLane,
        *,
        lease: timedelta,
        must_stop: Callable[[], bool],
        target: int | None = None,
    ) -> None:
        self._tools = tools
        self._held = held
        self._lease = lease
        self._must_stop = must_stop
        self._turn_ends = time.monotonic() + TURN_SECONDS
        self._target = target
        self.has_settled_target = False

    async def run(self) -> bool:
        """Send what is due until nothing is, the turn is over, or it must stop. Whether something may be left."""
        while not self._is_over():
            view = await queries.get_lane_view(self._tools.database.session(), self._tools.sealer, self._held.lane)
            if view.endpoint is None or not view.endpoint.is_enabled:
                went_on = await self._fail_without_call(view)
            elif view.is_paused:
                return False
            elif view.mode is DeliveryMode.XSOLLA:
                went_on = await self._send_in_order(view)
            else:
                went_on = await self._send_by_player(view)
            if not went_on:
                return False
        return True

    def _is_over(self) -> bool:
        if self._held.is_lost:
            raise LeaseLost(f"the {self._held.lane.purpose} lane of project {self._held.lane.project_id} was lost")
        return self.has_settled_target or self._must_stop() or time.monotonic() >= self._turn_ends

    async def _fail_without_call(self, view: LaneView) -> bool:
        now = view.clock.now()
        waiting = await queries.list_waiting(self._tools.database.session(), self._held.lane)
        # What is withheld ends with the delivery it waits for.
        found = [
            Result(each, None, _failure_without_call(view, each), now)
            for each in waiting
            if each.status is DeliveryStatus.PENDING
        ]
        if found:
            await self._record(view, found)
        return bool(found)

    async def _send_in_order(self, view: LaneView) -> bool:
        """Xsolla mode: the next is sent only after the one before is settled."""
        waiting = await queries.list_waiting(self._tools.database.session(), self._held.lane)
        unrecorded: list[Result] = []
        went_on = False
        for each in waiting:
            if each.next_attempt_at > view.clock.now() or self._is_over():
                break
            try:
                result = await self._send_meanwhile_recording(view, each, unrecorded)
            except Exception:
                if unrecorded and not self._held.is_lost:
                    await self._record(view, unrecorded)
                raise
            unrecorded.append(result)
            went_on = True
            is_last = not isinstance(result.decision, Succeeded) or each.delivery_id == self._target
            if is_last or len(unrecorded) >= GROUP_MAX:
                await self._record(view, unrecorded)
                unrecorded = []
            if isinstance(result.decision, Retried):
                return False
        if unrecorded:
            await self._record(view, unrecorded)
        return went_on

    async def _send_meanwhile_recording(self, view: LaneView, waiting: Waiting, unrecorded: list[Result]) -> Result:
        """Send one; if that takes long, record what came before it in the meantime."""
        if not unrecorded:
            return await self._send(view, waiting)
        sending = asyncio.create_task(self._send(view, waiting))
        try:
            done, _ = await asyncio.wait((sending,), timeout=UNRECORDED_SECONDS_MAX)
            if not done:
                found, unrecorded[:] = tuple(unrecorded), ()
                await self._record(view, found)
            return await sending
        finally:
            await _cancelled((sending,))

    async def _send_by_player(self, view: LaneView) -> bool:
        """Native mode: each player's deliveries one after another, several players at once."""
        under_way: dict[asyncio.Task[Result], str] = {}
        queue: deque[Waiting] = deque()
        may_fetch, is_paused, went_on = True, False, False
        try:
            while True:
                if may_fetch and not queue and not is_paused and not self._is_over():
                    queue.extend(await self._due_heads(view, under_way.values()))
                    may_fetch = False
                while queue and len(under_way) < PLAYERS_AT_ONCE_MAX and not is_paused and not self._is_over():
                    each = queue.popleft()
                    under_way[asyncio.create_task(self._send(view, each))] = each.player_key
                if not under_way:
                    break
                done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                found = [task.result() for task in done if task.exception() is None]
                if found:
                    await self._record(view, found)
                for task in done:
                    task.result()  # a bug in one call ends the turn, after the others were recorded
                    del under_way[task]
                may_fetch, went_on = True, True
                is_paused = is_paused or any(_stops_lane(each) for each in found)
        finally:
            await _cancelled(tuple(under_way))
        if not went_on and not is_paused:
            pushed = await queries.push_blocked(self._tools.database.session(), self._held.lane, now=view.clock.now())
            return pushed > 0
        return went_on and not is_paused

    async def _due_heads(self, view: LaneView, busy: Iterable[str]) -> list[Waiting]:
        return await queries.list_due_heads(
            self._tools.database.session(), self._held.lane, now=view.clock.now(), busy_players=list(busy)
        )

    async def _send(self, view: LaneView, waiting: Waiting) -> Result:
        assert view.endpoint is not None
        attempt_no = waiting.attempts_made + 1
        sent = await send_once(
            self._tools.outbound,
            view.endpoint,
            body=waiting.body,
            event_id=waiting.event_id,
            attempt_no=attempt_no,
            clock=view.clock,
            timeout_seconds=self._tools.timeout_seconds,
        )
        decision = rules.decide(
            view.mode,
            waiting.event_type,
            attempt_no,
            sent.reply,
            now=sent.attempt.started_at,
            jitter=random.random(),  # noqa: S311 (spreads retries; nothing depends on its being secret)
        )
        return Result(waiting, sent.attempt, decision, sent.attempt.started_at)

    async def _record(self, view: LaneView, found: Sequence[Result]) -> None:
        """Record a group; if it cannot be as a whole, each result for itself, so that one outcome that cannot
        be taken in does not undo the others."""
        try:
            await self._record_together(view, found)
        except (DatabaseAway, LeaseLost):
            raise
        except Exception:
            if len(found) == 1:
                raise
            for each in found:
                await self._record_together(view, (each,))

    async def _record_together(self, view: LaneView, found: Sequence[Result]) -> None:
        async with self._tools.records:
            await record_results(self._tools.database, self._tools.outcomes, self._held, view, found, lease=self._lease)
        for each in found:
            if each.waiting.delivery_id == self._target and not isinstance(each.decision, Retried):
                self.has_settled_target = True


def _failure_without_call(view: LaneView, waiting: Waiting) -> Failed:
    reason = FailureReason.NO_ENDPOINT if view.endpoint is None else FailureReason.ENDPOINT_DISABLED
    message = MESSAGES_WITHOUT_CALL[reason]
    if waiting.attempts_made or waiting.is_replay:
        # The receiver may have taken it without our knowing; only what was never sent has certainly not
        # arrived.
        reason = FailureReason.EXHAUSTED
    return Failed(reason, None, message)


def _stops_lane(result: Result) -> bool:
    """Whether nothing more may be sent to the endpoint for now."""
    decision = result.decision
    if isinstance(decision, Retried):
        return decision.pauses_until is not None
    return isinstance(decision, Failed) and decision.disables_endpoint


async def _cancelled(tasks: Sequence[asyncio.Task[Result]]) -> None:
    """End what is still under way; nothing is recorded of it, so it will be sent again under the same id."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.gather(*tasks, return_exceptions=True)

"""Writes results of a lane down, all or nothing: attempts, states, followers, outcomes, the endpoint's health."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from haversack.database.engine import Database, Session
from haversack.webhooks import rules
from haversack.webhooks.leases import HeldLane, LeaseLost
from haversack.webhooks.outcomes import Outcomes
from haversack.webhooks.queries import endpoints, results
from haversack.webhooks.queries.lanes import pause_lane, renew_lease
from haversack.webhooks.queries.results import Change
from haversack.webhooks.records import (
    AT_ONCE,
    Attempt,
    DeliveryState,
    DeliveryStatus,
    FailureReason,
    LaneView,
    SettledDelivery,
    Waiting,
)
from haversack.webhooks.rules import Decision, Failed, Retried, Succeeded

log = logging.getLogger("haversack.webhooks")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a delivery at a moment of the project's time. `attempt` None: it was settled without a call."""

    waiting: Waiting
    attempt: Attempt | None
    decision: Decision
    at: datetime


async def record_results(
    database: Database,
    outcomes: Outcomes,
    held: HeldLane,
    view: LaneView,
    found: Sequence[Result],
    *,
    lease: timedelta,
) -> None:
    """Record results in one transaction and tell who waits for them; LeaseLost where another worker has the lane.

    A process that dies before this has sent without having recorded: the same event is sent again under the
    same id.
    """
    db = database.session()
    project_id = view.lane.project_id
    async with db.begin():
        # Holding the lane's row until the end: nobody can take the lane over between here and the commit.
        if not await renew_lease(db, held.claimed, lease=lease):
            held.is_lost = True
            raise LeaseLost(f"the {view.lane.purpose} lane of project {project_id} was taken over")
        attempts = [(each.waiting.delivery_id, each.attempt) for each in found if each.attempt is not None]
        if attempts:
            await results.add_attempts(db, project_id, attempts)
        changed = await results.save_results(db, project_id, [_change(each) for each in found])
        assert changed == len(found), "a delivery was settled by somebody who does not hold its lane"
        settled = await _settle_followers(db, view, found)
        await _note_health(db, view, found)
        for delivery in settled:
            await outcomes.settled(db, delivery)


def _change(result: Result) -> Change:
    waiting, decision = result.waiting, result.decision
    made = waiting.attempts_made + (result.attempt is not None)
    if isinstance(decision, Retried):
        state = DeliveryState(DeliveryStatus.PENDING, message=decision.message)
        return Change(waiting.delivery_id, state, made, decision.at, None)
    return Change(waiting.delivery_id, rules.state_of(decision), made, AT_ONCE, result.at)


async def _settle_followers(db: Session, view: LaneView, found: Sequence[Result]) -> list[SettledDelivery]:
    """Everything that is settled by these results, in order: the deliveries, then what waited for the failed ones."""
    settled = [
        SettledDelivery(
            project_id=view.lane.project_id,
            delivery_id=each.waiting.delivery_id,
            event_id=each.waiting.event_id,
            event_type=each.waiting.event_type,
            purpose=view.lane.purpose,
            player_key=each.waiting.player_key,
            reference=each.waiting.reference,
            is_replay=each.waiting.is_replay,
            state=rules.state_of(each.decision),
            settled_at=each.at,
        )
        for each in found
        if not isinstance(each.decision, Retried)
    ]
    succeeded = [each.delivery_id for each in settled if each.state.is_accepted]
    failed = [each for each in settled if each.state.is_refused]
    if succeeded:
        await results.release_followers(db, view.lane.project_id, succeeded)
    if failed:
        ids = [each.delivery_id for each in failed]
        settled += await results.cancel_followers(db, view.lane, ids, now=failed[-1].settled_at)
    return settled


async def _note_health(db: Session, view: LaneView, found: Sequence[Result]) -> None:
    """Keep when an endpoint began to fail, and switch it off when it is gone or has failed for too long."""
    endpoint = view.endpoint
    called = [each for each in found if each.attempt is not None]
    if endpoint is None or not called:
        return
    lane = view.lane
    failing = [each for each in called if _is_failure(each.decision)]
    if len(failing) < len(called):
        await endpoints.clear_failing(db, lane.project_id, lane.purpose)
    elif rules.must_disable_endpoint(view.mode, endpoint.failing_since, now=failing[-1].at):
        await _disable(db, view, "It has failed for five days without one success.")
    elif endpoint.failing_since is None:
        await endpoints.mark_failing(db, lane.project_id, lane.purpose, since=failing[0].at)
    if any(isinstance(each.decision, Failed) and each.decision.disables_endpoint for each in called):
        await _disable(db, view, "It answered 410: gone.")
    pauses = [
        each.decision.pauses_until
        for each in called
        if isinstance(each.decision, Retried) and each.decision.pauses_until is not None
    ]
    if pauses:
        await pause_lane(db, lane, until=max(pauses))


def _is_failure(decision: Decision) -> bool:
    """Whether the endpoint did not work. A receiver that refuses works."""
    if isinstance(decision, Succeeded):
        return False
    return isinstance(decision, Retried) or decision.reason is FailureReason.EXHAUSTED or decision.disables_endpoint


async def _disable(db: Session, view: LaneView, reason: str) -> None:
    lane = view.lane
    if await endpoints.disable_endpoint(db, lane.project_id, lane.purpose, reason=reason):
        log.warning("the %s webhook of project %d was switched off. %s", lane.purpose, lane.project_id, reason)

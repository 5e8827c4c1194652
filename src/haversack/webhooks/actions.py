"""Changes of webhooks: publishing an event, setting an endpoint and forgetting deliveries."""

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING

from haversack.clock import real_now
from haversack.database.engine import Database, Session
from haversack.errors import PROJECT_NOT_FOUND
from haversack.outbound.addresses import check_url
from haversack.projects.records import Project
from haversack.webhooks.event_ids import new_event_id
from haversack.webhooks.events import Event, body_of
from haversack.webhooks.queries import endpoints, outbox, results
from haversack.webhooks.records import DeliveryStatus, FailureReason, Purpose

if TYPE_CHECKING:
    from haversack.context import Context

# The local topic (never sent between processes) that wakes this process's worker.
OUTBOX = "webhook outbox"
# How long the secret before the current one goes on signing beside it.
ROTATION_OVERLAP = timedelta(hours=24)
# How long settled deliveries are kept for the inspector and for replays, in the project's time.
SETTLED_KEPT = timedelta(days=90)


async def publish(
    db: Session,
    project: Project,
    event: Event,
    *,
    purpose: Purpose,
    player_key: str,
    reference: str | None = None,
    after: int | None = None,
) -> int:
    """Write an event into the outbox, in the caller's transaction, and return the id of its delivery.

    It is sent once the transaction has committed, and never if it does not. A project without an endpoint
    keeps the event too: its delivery fails with that reason and can be replayed later.

    player_key: deliveries of one key arrive in order in either mode. reference: `prefix:id`, for whose
    outcome the prefix's handler is told. after: the delivery that must succeed before this one is sent; if it
    has failed already this one is cancelled at once, and as nobody waits for it yet no handler is told.
    """
    assert db.in_transaction, "an event belongs to the transaction that causes it"
    lane_purpose, version = await endpoints.find_lane_and_version(db, project.project_id, purpose)
    status = DeliveryStatus.PENDING
    if after is not None:
        status = await _status_after(db, project, after, lane_purpose)
    return await outbox.add_delivery(
        db,
        project_id=project.project_id,
        event_id=new_event_id(),
        event_type=event.name,
        body=body_of(event, project, version=version),
        player_key=player_key,
        reference=reference,
        purpose=lane_purpose,
        now=project.clock.now(),
        status=status,
        reason=FailureReason.PREDECESSOR_FAILED if status is DeliveryStatus.CANCELLED else None,
        message=results.PREDECESSOR_FAILED if status is DeliveryStatus.CANCELLED else "",
        after=after,
    )


async def _status_after(db: Session, project: Project, after: int, purpose: Purpose) -> DeliveryStatus:
    found = await outbox.lock_status(db, project.project_id, after)
    assert found is not None, f"project {project.project_id} has no delivery {after} to wait for"
    status, other_purpose = found
    assert other_purpose is purpose, "a delivery waits for one of its own lane"
    if status is DeliveryStatus.SUCCEEDED:
        return DeliveryStatus.PENDING
    is_waiting = status in (DeliveryStatus.PENDING, DeliveryStatus.WITHHELD)
    return DeliveryStatus.WITHHELD if is_waiting else DeliveryStatus.CANCELLED


def announce(context: "Context", project_id: int) -> None:
    """Wake this process's worker. To be called after the commit: put it into `call.after_commit`.

    Without it the delivery begins within a quarter of a second.
    """
    context.notifications.publish_locally(OUTBOX, str(project_id))


async def save_endpoint(
    context: "Context",
    db: Session,
    project: Project,
    *,
    purpose: Purpose,
    url: str,
    secret: str,
    is_enabled: bool,
    version: int | None = None,
    overlap: timedelta = ROTATION_OVERLAP,
) -> None:
    """Set where a project's events of a purpose go. `version` None keeps it, and is 1 for a new endpoint.

    Raises AddressRefused for a URL that must not be called. After a change of the secret the old one signs
    beside the new one for the overlap, in `webhook-signature`.
    """
    check_url(url, context.address_policy)
    async with db.begin():
        stored = await endpoints.lock_endpoint(db, context.sealer, project.project_id, purpose)
        rotates = stored is not None and not hmac.compare_digest(stored.secret.encode(), secret.encode())
        is_known = await endpoints.save_endpoint(
            db,
            context.sealer,
            project_id=project.project_id,
            purpose=purpose,
            url=url,
            secret=secret,
            is_enabled=is_enabled,
            version=version,
            previous_valid_until=real_now() + overlap if rotates else None,
        )
    if not is_known:
        raise PROJECT_NOT_FOUND(project_id=project.project_id)


async def forget_old_deliveries(database: Database, *, kept: timedelta = SETTLED_KEPT) -> int:
    """Delete deliveries that were settled longer ago than `kept`, in small transactions; how many."""
    deleted = 0
    while True:
        db = database.session()
        async with db.begin():
            count = await results.delete_old(db, kept=kept)
        deleted += count
        if count < results.PRUNED_AT_ONCE_MAX:
            return deleted

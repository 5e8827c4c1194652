"""The outbox: what waits for something else, outcomes in the recording transaction, replays, forgetting."""

from datetime import timedelta

import pytest

from haversack.context import Context
from haversack.webhooks.actions import SETTLED_KEPT, forget_old_deliveries, publish
from haversack.webhooks.delivery import Deliverer
from haversack.webhooks.queries.inspector import find_delivery, list_deliveries
from haversack.webhooks.queries.lanes import list_due_lanes
from haversack.webhooks.queries.outbox import add_replays
from haversack.webhooks.records import DeliveryStatus, FailureReason, Purpose
from make.deliveries import Drain, Told
from make.receiver import Answer, Receiver, refusal
from make.webhooks import Sender, make_event, make_sender

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def sender(context: Context, receiver: Receiver) -> Sender:
    """A project in Xsolla mode."""
    return await make_sender(context, receiver)


async def test_a_follower_waits_for_the_success(sender: Sender, receiver: Receiver, drain: Drain) -> None:
    receiver.answer_next(Answer(500))
    first = await sender.publish()
    second = await sender.publish(after=first)
    third = await sender.publish(after=second)
    assert (await sender.inspect(second)).row.status is DeliveryStatus.WITHHELD
    await drain(sender)
    assert len(receiver.received) == 1
    await sender.move_clock(5 * MINUTE)
    await drain(sender)
    events = [(await sender.inspect(each)).row.event_id for each in (first, first, second, third)]
    assert receiver.event_ids == events


async def test_a_follower_goes_before_what_came_later(sender: Sender, receiver: Receiver, drain: Drain) -> None:
    first = await sender.publish()
    second = await sender.publish(after=first)
    third = await sender.publish()
    await drain(sender)
    events = [(await sender.inspect(each)).row.event_id for each in (first, second, third)]
    assert receiver.event_ids == events


async def test_followers_of_a_refused_delivery_are_cancelled(
    sender: Sender, receiver: Receiver, drain: Drain, told: Told
) -> None:
    receiver.answer_next(refusal("INVALID_USER"))
    first = await sender.publish(reference="test:first")
    second = await sender.publish(after=first, reference="test:second")
    third = await sender.publish(after=second)
    free = await sender.publish()
    await drain(sender)
    for each in (second, third):
        row = (await sender.inspect(each)).row
        assert (row.status, row.reason) == (DeliveryStatus.CANCELLED, FailureReason.PREDECESSOR_FAILED)
    assert (await sender.inspect(free)).row.status is DeliveryStatus.SUCCEEDED
    assert len(receiver.received) == 2
    assert [(each.reference, each.state.reason) for each in told.settled] == [
        ("test:first", FailureReason.REFUSED),
        ("test:second", FailureReason.PREDECESSOR_FAILED),
    ]


async def test_what_is_published_after_the_end_of_the_first(sender: Sender, receiver: Receiver, drain: Drain) -> None:
    receiver.answer_next(Answer(), refusal("INVALID_USER"))
    good, bad = await sender.publish_many(2)
    await drain(sender)
    after_good, after_bad = await sender.publish(after=good), await sender.publish(after=bad)
    assert (await sender.inspect(after_good)).row.status is DeliveryStatus.PENDING
    row = (await sender.inspect(after_bad)).row
    assert (row.status, row.reason) == (DeliveryStatus.CANCELLED, FailureReason.PREDECESSOR_FAILED)
    assert row.settled_at is not None


async def test_outcomes_are_told_once_with_the_result(
    sender: Sender, receiver: Receiver, drain: Drain, told: Told
) -> None:
    receiver.answer_next(Answer(500), Answer(200), refusal("INVALID_PARAMETER", "bag full"))
    await sender.publish(reference="test:taken")
    await sender.publish(reference="test:refused")
    await sender.publish()
    await drain(sender)
    assert told.settled == []
    await sender.move_clock(5 * MINUTE)
    await drain(sender)
    taken, refused = told.settled
    assert (taken.reference, taken.state.is_accepted, taken.settled_at) == (
        "test:taken",
        True,
        sender.project.clock.now(),
    )
    assert (refused.reference, refused.state.code, refused.state.message) == (
        "test:refused",
        "INVALID_PARAMETER",
        "bag full",
    )


async def test_an_outcome_that_fails_records_nothing_of_its_own_but_the_others(
    sender: Sender, receiver: Receiver, deliverer: Deliverer, told: Told
) -> None:
    first = await sender.publish(reference="test:1")
    broken = await sender.publish(reference="test:2")
    told.fails_for = {"test:2"}
    [due] = await list_due_lanes(deliverer.database.session(), [sender.project_id])
    [held] = await deliverer.claim([due.lane])
    with pytest.raises(RuntimeError):
        await deliverer.work(held, must_stop=lambda: False)
    assert (await sender.inspect(first)).row.status is DeliveryStatus.SUCCEEDED
    found = await sender.inspect(broken)
    assert (found.row.status, found.attempts) == (DeliveryStatus.PENDING, ())
    told.fails_for = set()
    [held] = await deliverer.claim([due.lane])
    await deliverer.work(held, must_stop=lambda: False)
    assert (await sender.inspect(broken)).row.status is DeliveryStatus.SUCCEEDED
    # It was sent twice, under one id, and the first was not sent again.
    assert [receiver.event_ids.count(each) for each in dict.fromkeys(receiver.event_ids)] == [1, 2]


async def test_replays_keep_the_id_and_the_bytes(
    context: Context, sender: Sender, receiver: Receiver, drain: Drain, told: Told
) -> None:
    receiver.answer_next(refusal("INVALID_USER"))
    delivery_id = await sender.publish(reference="test:1")
    await drain(sender)
    await sender.move_clock(MINUTE)
    db = context.database.session()
    [replayed] = await add_replays(
        db,
        sender.project_id,
        now=sender.project.clock.now(),
        first_delivery_id=delivery_id,
        last_delivery_id=delivery_id,
    )
    await drain(sender)
    first, second = receiver.received
    assert first.event_id == second.event_id
    assert first.body == second.body
    assert first.headers["authorization"] == second.headers["authorization"]
    found = await sender.inspect(replayed)
    assert (found.row.status, found.row.replay_of) == (DeliveryStatus.SUCCEEDED, delivery_id)
    assert (await sender.inspect(delivery_id)).row.status is DeliveryStatus.FAILED, "the old row stays as it was"
    assert [(each.is_replay, each.state.is_accepted) for each in told.settled] == [
        (False, False),
        (True, True),
    ]


async def test_replays_of_many(context: Context, sender: Sender, receiver: Receiver, drain: Drain) -> None:
    receiver.answer_next(refusal("INVALID_USER"), Answer(), refusal("INVALID_USER"), Answer())
    ids = [await sender.publish() for _ in range(3)]
    await drain(sender)
    await sender.move_clock(MINUTE)
    middle = sender.project.clock.now()
    ids.append(await sender.publish())
    await drain(sender)
    waiting = await sender.publish()
    db = context.database.session()

    async def replayed(**chosen: object) -> list[int | None]:
        made = await add_replays(db, sender.project_id, now=middle, **chosen)  # type: ignore[arg-type]
        rows = [(await sender.inspect(each)).row for each in made]
        receiver.received.clear()
        await drain(sender)
        assert receiver.event_ids[-len(rows) :] == [row.event_id for row in rows]
        return [row.replay_of for row in rows]

    assert await replayed(status=DeliveryStatus.FAILED) == [ids[0], ids[2]]
    assert waiting not in await replayed(first_delivery_id=ids[1], last_delivery_id=ids[2])
    assert await replayed(first_delivery_id=ids[1], last_delivery_id=ids[2]) == ids[1:3]
    assert (await replayed(since=middle, last_delivery_id=ids[3])) == [ids[3]]


async def test_another_projects_deliveries_are_not_replayed(
    context: Context, sender: Sender, receiver: Receiver, drain: Drain
) -> None:
    delivery_id = await sender.publish()
    await drain(sender)
    other = await make_sender(context, receiver)
    now = other.project.clock.now()
    made = await add_replays(
        context.database.session(),
        other.project_id,
        now=now,
        first_delivery_id=delivery_id,
        last_delivery_id=delivery_id,
    )
    assert made == []


async def test_settled_deliveries_are_forgotten_after_90_days(
    context: Context, sender: Sender, receiver: Receiver, drain: Drain
) -> None:
    old = await sender.publish()
    await drain(sender)
    await sender.move_clock(SETTLED_KEPT - timedelta(seconds=1))
    receiver.answer_next(Answer(), Answer(500))
    young, waiting = await sender.publish(), await sender.publish()
    await drain(sender)
    await forget_old_deliveries(context.database)
    db = context.database.session()
    assert len(await list_deliveries(db, project_id=sender.project_id, count=10)) == 3
    await sender.move_clock(timedelta(seconds=2))
    await forget_old_deliveries(context.database)
    kept = await list_deliveries(db, project_id=sender.project_id, count=10)
    assert [row.delivery_id for row in kept] == [waiting, young]
    assert await find_delivery(db, old) is None


async def test_bodies_know_the_endpoints_version(context: Context, sender: Sender, receiver: Receiver) -> None:
    first = await sender.inspect(await sender.publish())
    await sender.set_endpoint(receiver.url, version=2)
    second = await sender.inspect(await sender.publish())
    await sender.set_endpoint(receiver.url)
    third = await sender.inspect(await sender.publish())
    assert [b'"is_free":true' in each.body for each in (first, second, third)] == [False, True, True]


async def test_order_follows_the_transactions(sender: Sender, receiver: Receiver, drain: Drain) -> None:
    """What was published within one transaction arrives in the order of publishing."""
    db = sender.context.database.session()
    async with db.begin():
        ids = [
            await publish(db, sender.project, make_event(), purpose=Purpose.STORE, player_key="player")
            for _ in range(5)
        ]
    await drain(sender)
    assert receiver.event_ids == [(await sender.inspect(each)).row.event_id for each in ids]

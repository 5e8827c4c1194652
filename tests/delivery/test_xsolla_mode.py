"""Xsolla mode: one after another in the project, with the documented replies and schedules, by the project's clock
(R16 to R18)."""

from datetime import timedelta

import pytest

from haversack.context import Context
from haversack.webhooks.actions import publish
from haversack.webhooks.records import DeliveryStatus, FailureReason, Purpose
from make.deliveries import Drain, Told
from make.receiver import Answer, Fault, Receiver, refusal
from make.webhooks import make_event, make_sender

MINUTE = timedelta(minutes=1)
# 2 x 5 min, 7 x 15 min, 10 x 60 min.
ORDER_MINUTES = [5, 10, *range(25, 116, 15), *range(175, 716, 60)]


async def test_succeeds_at_the_first_attempt(context: Context, receiver: Receiver, drain: Drain) -> None:
    sender = await make_sender(context, receiver)
    delivery_id = await sender.publish()
    await drain(sender)
    found = await sender.inspect(delivery_id)
    assert found.row.status is DeliveryStatus.SUCCEEDED
    assert found.row.settled_at == sender.project.clock.now()
    [request] = receiver.received
    assert request.body == found.body
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"
    assert request.headers["user-agent"].startswith("Haversack/")
    assert request.event_id == found.row.event_id
    [attempt] = found.attempts
    assert (attempt.attempt_no, attempt.reply_status, attempt.request_url) == (1, 204, receiver.url)
    assert attempt.request_headers["Authorization"] == request.headers["authorization"]


async def test_retries_exactly_on_the_documented_schedule(context: Context, receiver: Receiver, drain: Drain) -> None:
    sender = await make_sender(context, receiver)
    start = sender.project.clock.now()
    receiver.answer_always(Answer(503))
    delivery_id = await sender.publish()
    await drain(sender)
    for minutes in ORDER_MINUTES:
        made = len(receiver.received)
        due = start + minutes * MINUTE
        await sender.move_clock(due - timedelta(seconds=1) - sender.project.clock.now())
        await drain(sender)
        assert len(receiver.received) == made, f"tried before minute {minutes}"
        await sender.move_clock(timedelta(seconds=1))
        await drain(sender)
        assert len(receiver.received) == made + 1, f"not tried at minute {minutes}"
    found = await sender.inspect(delivery_id)
    assert [each.started_at - start for each in found.attempts] == [minutes * MINUTE for minutes in (0, *ORDER_MINUTES)]
    assert len(found.attempts) == 20
    assert (found.row.status, found.row.reason) == (DeliveryStatus.FAILED, FailureReason.EXHAUSTED)
    assert len(set(receiver.event_ids)) == 1
    await sender.move_clock(timedelta(days=30))
    await drain(sender)
    assert len(receiver.received) == 20


async def test_one_waits_for_the_other(context: Context, receiver: Receiver, drain: Drain) -> None:
    sender = await make_sender(context, receiver)
    ids = await sender.publish_many(130, players=7)
    await drain(sender)
    assert receiver.under_way_max == 1
    events = [(await sender.inspect(each)).row.event_id for each in ids]
    assert receiver.event_ids == events


async def test_a_head_in_retry_blocks_its_lane_only(context: Context, receiver: Receiver, drain: Drain) -> None:
    blocked, other = await make_sender(context, receiver), await make_sender(context, receiver)
    receiver.answer_next(Answer(500))
    head = await blocked.publish("one")
    follower = await blocked.publish("two")
    await drain(blocked)
    free = await other.publish()
    await drain(blocked, other)
    assert len(receiver.received) == 2
    assert (await other.inspect(free)).row.status is DeliveryStatus.SUCCEEDED
    assert (await blocked.inspect(follower)).row.attempts_made == 0
    await blocked.move_clock(5 * MINUTE)
    await drain(blocked, other)
    assert receiver.event_ids[2:] == [
        (await blocked.inspect(head)).row.event_id,
        (await blocked.inspect(follower)).row.event_id,
    ]
    assert (await blocked.inspect(follower)).row.status is DeliveryStatus.SUCCEEDED


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 410, 415, 418, 422, 429])
async def test_every_4xx_is_for_good(context: Context, receiver: Receiver, drain: Drain, status: int) -> None:
    sender = await make_sender(context, receiver)
    receiver.answer_next(refusal("INVALID_PARAMETER", "the bag is full", status=status))
    refused, following = await sender.publish_many(2)
    await drain(sender)
    found = await sender.inspect(refused)
    assert (found.row.status, found.row.reason) == (DeliveryStatus.FAILED, FailureReason.REFUSED)
    assert (found.row.code, found.row.message) == ("INVALID_PARAMETER", "the bag is full")
    assert (await sender.inspect(following)).row.status is DeliveryStatus.SUCCEEDED
    await sender.move_clock(timedelta(days=1))
    await drain(sender)
    assert len(receiver.received) == 2


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_success_statuses(context: Context, receiver: Receiver, drain: Drain, status: int) -> None:
    sender = await make_sender(context, receiver)
    receiver.answer_next(Answer(status))
    delivery_id = await sender.publish()
    await drain(sender)
    assert (await sender.inspect(delivery_id)).row.status is DeliveryStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (Answer(202), None),
        (Answer(206), None),
        (Answer(302, headers={"Location": "http://169.254.169.254/"}), None),
        (Answer(500, b"oh"), None),
        (Answer(599), None),
        (Answer(fault=Fault.HANG), "timeout"),
        (Answer(fault=Fault.DROP), "invalid_reply"),
        (Answer(fault=Fault.GARBAGE), "invalid_reply"),
        (Answer(200, b"half", fault=Fault.CUT), "invalid_reply"),
    ],
)
async def test_everything_else_is_tried_again(
    context: Context, receiver: Receiver, drain: Drain, answer: Answer, failure: str | None
) -> None:
    sender = await make_sender(context, receiver)
    receiver.answer_next(answer)
    delivery_id = await sender.publish()
    await drain(sender)
    found = await sender.inspect(delivery_id)
    assert found.row.status is DeliveryStatus.PENDING
    assert found.row.next_attempt_at == sender.project.clock.now() + 5 * MINUTE
    assert found.attempts[0].failure == failure
    assert found.attempts[0].reply_status == (None if failure else answer.status)
    await sender.move_clock(5 * MINUTE)
    await drain(sender)
    assert (await sender.inspect(delivery_id)).row.status is DeliveryStatus.SUCCEEDED
    assert len(receiver.received) == 2, "a redirect is not followed"


async def test_nobody_listens(context: Context, receiver: Receiver, drain: Drain) -> None:
    sender = await make_sender(context, receiver)
    await receiver.close()
    delivery_id = await sender.publish()
    await drain(sender)
    found = await sender.inspect(delivery_id)
    assert found.attempts[0].failure == "unreachable"
    assert found.row.status is DeliveryStatus.PENDING


async def test_without_an_endpoint_the_event_is_kept(
    context: Context, receiver: Receiver, drain: Drain, told: Told
) -> None:
    sender = await make_sender(context)
    delivery_id = await sender.publish(reference="test:1")
    await drain(sender)
    found = await sender.inspect(delivery_id)
    assert (found.row.status, found.row.reason) == (DeliveryStatus.FAILED, FailureReason.NO_ENDPOINT)
    assert found.attempts == ()
    assert [each.state.reason for each in told.settled] == [FailureReason.NO_ENDPOINT]


async def test_a_disabled_endpoint_gets_nothing(context: Context, receiver: Receiver, drain: Drain) -> None:
    sender = await make_sender(context, receiver)
    receiver.answer_next(Answer(500))
    tried = await sender.publish()
    await drain(sender)
    await sender.set_endpoint(receiver.url, is_enabled=False)
    fresh = await sender.publish()
    await sender.move_clock(5 * MINUTE)
    await drain(sender)
    assert len(receiver.received) == 1
    # What was tried may have arrived; only what was never sent has certainly not.
    assert (await sender.inspect(tried)).row.reason is FailureReason.EXHAUSTED
    assert (await sender.inspect(fresh)).row.reason is FailureReason.ENDPOINT_DISABLED


async def test_a_rolled_back_event_is_never_sent(context: Context, receiver: Receiver, drain: Drain) -> None:
    sender = await make_sender(context, receiver)
    db = context.database.session()
    with pytest.raises(ZeroDivisionError):
        async with db.begin():
            await publish(db, sender.project, make_event(), purpose=Purpose.STORE, player_key="player")
            raise ZeroDivisionError
    await drain(sender)
    assert receiver.received == []


async def test_publishing_needs_a_transaction(context: Context) -> None:
    sender = await make_sender(context)
    with pytest.raises(AssertionError, match="transaction"):
        await publish(
            context.database.session(),
            sender.project,
            make_event(),
            purpose=Purpose.STORE,
            player_key="player",
        )


async def test_a_clock_moved_back_holds_up_nothing_new(context: Context, receiver: Receiver, drain: Drain) -> None:
    sender = await make_sender(context, receiver)
    delivery_id = await sender.publish()
    await sender.move_clock(timedelta(days=-90))
    await drain(sender)
    assert (await sender.inspect(delivery_id)).row.status is DeliveryStatus.SUCCEEDED


async def test_the_backpack_may_have_an_endpoint_of_its_own(context: Context, receiver: Receiver, drain: Drain) -> None:
    async with Receiver() as backpack:
        sender = await make_sender(context, receiver)
        shared = await sender.publish(purpose=Purpose.BACKPACK)
        await sender.set_endpoint(backpack.url, purpose=Purpose.BACKPACK)
        own = await sender.publish(purpose=Purpose.BACKPACK)
        await drain(sender)
        assert receiver.event_ids == [(await sender.inspect(shared)).row.event_id]
        assert backpack.event_ids == [(await sender.inspect(own)).row.event_id]

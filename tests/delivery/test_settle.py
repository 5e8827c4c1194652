"""A request that must know the result: it works its lane itself, or waits for who does."""

import asyncio
from datetime import timedelta

import pytest

from haversack.context import Context
from haversack.webhooks.delivery import Deliverer
from haversack.webhooks.queries.lanes import list_due_lanes
from haversack.webhooks.records import DeliveryStatus, FailureReason, Lane, Purpose
from make.deliveries import Drain, Told, make_deliverer
from make.receiver import Answer, Fault, Receiver, refusal
from make.webhooks import Sender, make_sender


@pytest.fixture
async def sender(context: Context, receiver: Receiver) -> Sender:
    """A project in Xsolla mode."""
    return await make_sender(context, receiver)


async def test_accepted_at_once(sender: Sender, receiver: Receiver, deliverer: Deliverer, told: Told) -> None:
    delivery_id = await sender.publish(reference="test:1")
    state = await deliverer.settle(sender.project_id, delivery_id, timeout_seconds=5)
    assert state.is_accepted
    assert [each.delivery_id for each in told.settled] == [delivery_id]
    again = await deliverer.settle(sender.project_id, delivery_id, timeout_seconds=5)
    assert again.is_accepted
    assert len(receiver.received) == 1


async def test_refused_with_what_the_game_said(sender: Sender, receiver: Receiver, deliverer: Deliverer) -> None:
    receiver.answer_next(refusal("INVALID_USER", "no such player"))
    state = await deliverer.settle(sender.project_id, await sender.publish(), timeout_seconds=5)
    assert state.is_refused
    assert (state.reason, state.code, state.message) == (
        FailureReason.REFUSED,
        "INVALID_USER",
        "no such player",
    )


async def test_pending_at_once_when_it_will_be_tried_again(
    sender: Sender, receiver: Receiver, deliverer: Deliverer
) -> None:
    receiver.answer_next(Answer(500))
    async with asyncio.timeout(2):
        state = await deliverer.settle(sender.project_id, await sender.publish(), timeout_seconds=60)
        assert state.is_pending
        behind = await deliverer.settle(sender.project_id, await sender.publish(), timeout_seconds=60)
    assert behind.is_pending
    assert len(receiver.received) == 1


async def test_what_stands_before_it_is_sent_first(sender: Sender, receiver: Receiver, deliverer: Deliverer) -> None:
    ids = await sender.publish_many(30)
    later = await sender.publish()
    state = await deliverer.settle(sender.project_id, ids[-1], timeout_seconds=5)
    assert state.is_accepted
    events = [(await sender.inspect(each)).row.event_id for each in ids]
    assert receiver.event_ids == events
    assert (await sender.inspect(later)).row.status is DeliveryStatus.PENDING
    # The lane is free again for the worker.
    assert len(await list_due_lanes(deliverer.database.session(), [sender.project_id])) == 1


async def test_many_at_once_send_each_once(
    context: Context, sender: Sender, receiver: Receiver, deliverer: Deliverer, told: Told
) -> None:
    receiver.answer_always(Answer(delay_seconds=0.005))
    second = make_deliverer(context, told)
    ids = await sender.publish_many(10)
    async with asyncio.TaskGroup() as tasks:
        waiting = [
            tasks.create_task(each.settle(sender.project_id, delivery_id, timeout_seconds=10))
            for delivery_id in ids
            for each in (deliverer, second)
        ]
    assert all(task.result().is_accepted for task in waiting)
    assert len(receiver.received) == len(set(receiver.event_ids)) == 10
    assert receiver.under_way_max == 1
    await second.close()


async def test_out_of_time_the_call_goes_on_and_is_recorded(
    sender: Sender, receiver: Receiver, deliverer: Deliverer, told: Told
) -> None:
    receiver.answer_next(Answer(delay_seconds=0.5))
    delivery_id = await sender.publish(reference="test:1")
    state = await deliverer.settle(sender.project_id, delivery_id, timeout_seconds=0.1)
    assert state.is_pending
    assert len(receiver.received) == 1
    state = await deliverer.settle(sender.project_id, delivery_id, timeout_seconds=5)
    assert state.is_accepted
    assert len(receiver.received) == 1
    assert len(told.settled) == 1


async def test_a_cancelled_request_does_not_cut_the_call_off(
    sender: Sender, receiver: Receiver, deliverer: Deliverer
) -> None:
    receiver.answer_next(Answer(delay_seconds=0.2))
    delivery_id = await sender.publish()
    request = asyncio.create_task(deliverer.settle(sender.project_id, delivery_id, timeout_seconds=5))
    await receiver.wait_for(1)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    state = await deliverer.settle(sender.project_id, delivery_id, timeout_seconds=5)
    assert state.is_accepted
    assert len(receiver.received) == 1


async def test_while_another_process_holds_the_lane(
    context: Context, sender: Sender, receiver: Receiver, deliverer: Deliverer, told: Told
) -> None:
    other = make_deliverer(context, told)
    delivery_id = await sender.publish()
    [held] = await other.claim([Lane(sender.project_id, Purpose.STORE)])
    assert (await deliverer.settle(sender.project_id, delivery_id, timeout_seconds=0.2)).is_pending
    settling = asyncio.create_task(deliverer.settle(sender.project_id, delivery_id, timeout_seconds=5))
    await other.work(held, must_stop=lambda: False)
    assert (await settling).is_accepted
    assert len(receiver.received) == 1
    await other.close()


async def test_a_hanging_receiver_ends_as_a_retry(sender: Sender, receiver: Receiver, deliverer: Deliverer) -> None:
    receiver.answer_next(Answer(fault=Fault.HANG))
    delivery_id = await sender.publish()
    state = await deliverer.settle(sender.project_id, delivery_id, timeout_seconds=10)
    assert state.is_pending
    found = await sender.inspect(delivery_id)
    assert found.attempts[0].failure == "timeout"
    assert found.row.next_attempt_at == sender.project.clock.now() + timedelta(minutes=5)


async def test_without_an_endpoint(context: Context, deliverer: Deliverer) -> None:
    sender = await make_sender(context)
    state = await deliverer.settle(sender.project_id, await sender.publish(), timeout_seconds=5)
    assert state.reason is FailureReason.NO_ENDPOINT


async def test_an_unknown_delivery(sender: Sender, deliverer: Deliverer, drain: Drain) -> None:
    with pytest.raises(LookupError):
        await deliverer.settle(sender.project_id, 10**15, timeout_seconds=1)

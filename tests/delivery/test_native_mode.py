"""Native mode: order for each player, several players at once, and the rules of Standard Webhooks for replies
(R15, R16)."""

from datetime import timedelta

import pytest

from haversack.context import Context
from haversack.projects.records import DeliveryMode
from haversack.webhooks.delivery import Deliverer
from haversack.webhooks.queries.endpoints import find_endpoint
from haversack.webhooks.queries.lanes import LOOKED_AT_MAX, list_due_lanes
from haversack.webhooks.records import DeliveryStatus, FailureReason, Purpose
from haversack.webhooks.rules import JITTER_PART, NATIVE_GAPS
from make.deliveries import Drain
from make.receiver import Answer, Fault, Received, Receiver, refusal
from make.webhooks import Sender, make_sender

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def sender(context: Context, receiver: Receiver) -> Sender:
    """A project in native mode."""
    return await make_sender(context, receiver, mode=DeliveryMode.NATIVE)


async def test_order_for_each_player_and_players_at_once(sender: Sender, receiver: Receiver, drain: Drain) -> None:
    receiver.answer_always(Answer(delay_seconds=0.02))
    ids = await sender.publish_many(60, players=6)
    await drain(sender)
    events = [(await sender.inspect(each)).row.event_id for each in ids]
    assert sorted(receiver.event_ids) == sorted(events)
    for player in range(6):
        of_player = events[player::6]
        assert [each for each in receiver.event_ids if each in of_player] == of_player
    assert 2 <= receiver.under_way_max <= 6, "as many at once as there are players"


async def test_retries_on_the_schedule_with_jitter(sender: Sender, receiver: Receiver, drain: Drain) -> None:
    receiver.answer_always(Answer(500))
    delivery_id = await sender.publish()
    await drain(sender)
    for number, gap in enumerate(NATIVE_GAPS, start=1):
        due = (await sender.inspect(delivery_id)).row.next_attempt_at
        wait = due - sender.project.clock.now()
        assert gap <= wait <= gap * (1 + JITTER_PART)
        await sender.move_clock(wait - timedelta(microseconds=1))
        await drain(sender)
        assert len(receiver.received) == number
        await sender.move_clock(timedelta(microseconds=1))
        await drain(sender)
        assert len(receiver.received) == number + 1
    found = await sender.inspect(delivery_id)
    assert (found.row.status, found.row.reason) == (DeliveryStatus.FAILED, FailureReason.EXHAUSTED)


@pytest.mark.parametrize("status", [200, 202, 204, 299])
async def test_every_2xx_is_success(sender: Sender, receiver: Receiver, drain: Drain, status: int) -> None:
    receiver.answer_next(Answer(status))
    delivery_id = await sender.publish()
    await drain(sender)
    assert (await sender.inspect(delivery_id)).row.status is DeliveryStatus.SUCCEEDED


@pytest.mark.parametrize("answer", [Answer(301), Answer(400), Answer(404), Answer(500), Answer(fault=Fault.DROP)])
async def test_the_rest_is_tried_again(sender: Sender, receiver: Receiver, drain: Drain, answer: Answer) -> None:
    receiver.answer_next(answer)
    delivery_id = await sender.publish()
    await drain(sender)
    assert (await sender.inspect(delivery_id)).row.status is DeliveryStatus.PENDING
    await sender.move_clock(timedelta(seconds=6))
    await drain(sender)
    assert (await sender.inspect(delivery_id)).row.status is DeliveryStatus.SUCCEEDED


async def test_a_refusal_in_words_of_the_wire_is_for_good(sender: Sender, receiver: Receiver, drain: Drain) -> None:
    receiver.answer_next(refusal("INVALID_USER", "no such player"), refusal("INVALID_SIGNATURE"))
    refused, unsigned = await sender.publish_many(2)
    await drain(sender)
    assert (await sender.inspect(refused)).row.reason is FailureReason.REFUSED
    assert (await sender.inspect(unsigned)).row.status is DeliveryStatus.PENDING


async def test_one_players_failure_holds_up_that_player_only(sender: Sender, receiver: Receiver, drain: Drain) -> None:
    bad = await sender.publish("unlucky")
    bad_event = (await sender.inspect(bad)).row.event_id

    def answer(request: Received) -> Answer:
        return Answer(500) if request.event_id == bad_event else Answer()

    receiver.answer_always(answer)
    behind = await sender.publish("unlucky")
    others = [await sender.publish(f"lucky {number}") for number in range(5)]
    await drain(sender)
    assert (await sender.inspect(behind)).row.attempts_made == 0
    for each in others:
        assert (await sender.inspect(each)).row.status is DeliveryStatus.SUCCEEDED
    # The lane is not due because of what stands behind the failed delivery: workers leave it alone.
    assert await list_due_lanes(sender.context.database.session(), [sender.project_id]) == []
    receiver.answer_always(Answer())
    await sender.move_clock(6 * MINUTE)
    await drain(sender)
    assert (await sender.inspect(behind)).row.status is DeliveryStatus.SUCCEEDED
    assert receiver.event_ids[-2:] == [bad_event, (await sender.inspect(behind)).row.event_id]


async def test_gone_switches_the_endpoint_off(
    context: Context, sender: Sender, receiver: Receiver, drain: Drain, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answer_next(Answer(410))
    first, second = await sender.publish_many(2)
    await drain(sender)
    endpoint = await find_endpoint(context.database.session(), context.sealer, sender.project_id, Purpose.STORE)
    assert endpoint is not None and not endpoint.is_enabled
    assert endpoint.disabled_reason is not None and "410" in endpoint.disabled_reason
    assert f"project {sender.project_id} was switched off" in caplog.text
    assert (await sender.inspect(first)).row.reason is FailureReason.REFUSED
    assert (await sender.inspect(second)).row.reason is FailureReason.ENDPOINT_DISABLED
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [429, 502, 504])
async def test_throttling_pauses_the_whole_endpoint(
    sender: Sender, receiver: Receiver, drain: Drain, deliverer: Deliverer, status: int
) -> None:
    receiver.answer_next(Answer(status, headers={"Retry-After": "120"}))
    await sender.publish("one")
    await drain(sender)
    second = await sender.publish("two")
    await drain(sender)
    assert (await deliverer.settle(sender.project_id, second, timeout_seconds=1)).is_pending
    assert len(receiver.received) == 1
    await sender.move_clock(timedelta(seconds=119))
    await drain(sender)
    assert len(receiver.received) == 1
    await sender.move_clock(timedelta(seconds=1))
    await drain(sender)
    assert len(receiver.received) == 3


async def test_five_days_of_failing_switch_the_endpoint_off(
    context: Context, sender: Sender, receiver: Receiver, drain: Drain, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answer_always(Answer(500))
    db = context.database.session()
    for day in range(6):
        await sender.publish(f"player {day}")
        await drain(sender)
        endpoint = await find_endpoint(db, context.sealer, sender.project_id, Purpose.STORE)
        assert endpoint is not None
        assert endpoint.is_enabled is (day < 5), f"day {day}"
        await sender.move_clock(timedelta(days=1))
    assert "five days" in caplog.text
    receiver.answer_always(Answer())
    await sender.set_endpoint(receiver.url)
    delivery_id = await sender.publish("later")
    await drain(sender)
    assert (await sender.inspect(delivery_id)).row.status is DeliveryStatus.SUCCEEDED


async def test_one_success_forgets_earlier_failures(
    context: Context, sender: Sender, receiver: Receiver, drain: Drain
) -> None:
    receiver.answer_next(Answer(500))
    await sender.publish()
    await drain(sender)
    db = context.database.session()
    failing = await find_endpoint(db, context.sealer, sender.project_id, Purpose.STORE)
    assert failing is not None and failing.failing_since == sender.project.clock.now()
    await sender.move_clock(MINUTE)
    await drain(sender)
    working = await find_endpoint(db, context.sealer, sender.project_id, Purpose.STORE)
    assert working is not None and working.failing_since is None


async def test_a_long_queue_of_one_player_hides_nobody(sender: Sender, receiver: Receiver, drain: Drain) -> None:
    ids = [await sender.publish("busy") for _ in range(LOOKED_AT_MAX + 20)]
    other = await sender.publish("other")
    await drain(sender)
    assert receiver.event_ids.index((await sender.inspect(other)).row.event_id) < 50
    assert receiver.event_ids[-1] == (await sender.inspect(ids[-1])).row.event_id
    assert len(receiver.received) == len(ids) + 1


async def test_a_retried_head_is_found_behind_its_own_queue(sender: Sender, receiver: Receiver, drain: Drain) -> None:
    receiver.answer_next(Answer(500))
    head = await sender.publish("busy")
    await drain(sender)
    followers = [await sender.publish("busy") for _ in range(LOOKED_AT_MAX + 20)]
    await sender.move_clock(MINUTE)
    await drain(sender)
    assert (await sender.inspect(head)).row.status is DeliveryStatus.SUCCEEDED
    assert (await sender.inspect(followers[-1])).row.status is DeliveryStatus.SUCCEEDED
    assert len(receiver.received) == len(followers) + 2

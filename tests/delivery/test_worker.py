"""The worker: wakes, shares the work, keeps dead receivers away from the others, and outlives faults."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from haversack.context import Context
from haversack.database.engine import compiled
from haversack.webhooks.actions import announce
from haversack.webhooks.delivery import Deliverer
from haversack.webhooks.queries.lanes import LIST_DUE_LANES
from haversack.webhooks.records import DeliveryStatus
from haversack.worker import Worker
from make.deliveries import Told, make_deliverer
from make.receiver import Answer, Fault, Receiver, ids_in_order
from make.webhooks import Sender, make_sender


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[Worker]:
    """The worker works until the end of the block, where it must stop cleanly."""
    working = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.stop()
        await working


async def until(condition: Callable[[], bool], *, timeout_seconds: float = 10.0) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(timeout_seconds):
        while not condition():  # noqa: ASYNC110 (log lines and counters have no event to wait for)
            await asyncio.sleep(0.005)


async def test_woken_in_process_without_waiting_for_the_poll(
    context: Context, receiver: Receiver, deliverer: Deliverer
) -> None:
    sender = await make_sender(context, receiver)
    async with running(Worker(deliverer, context.notifications, poll_seconds=60)):
        await asyncio.sleep(0.2)
        await sender.publish()
        announce(context, sender.project_id)
        await receiver.wait_for(1, timeout_seconds=2)


async def test_finds_what_other_processes_published(context: Context, receiver: Receiver, deliverer: Deliverer) -> None:
    sender = await make_sender(context, receiver)
    async with running(Worker(deliverer, context.notifications)):
        await asyncio.sleep(0.1)
        await sender.publish()
        started = time.monotonic()
        await receiver.wait_for(1)
        assert time.monotonic() - started < 1.0


async def test_dead_receivers_delay_nobody(context: Context, receiver: Receiver, deliverer: Deliverer) -> None:
    async with Receiver() as dead:
        dead.answer_always(Answer(fault=Fault.HANG))
        hanging = [await make_sender(context, dead) for _ in range(12)]
        healthy = [await make_sender(context, receiver) for _ in range(3)]
        for each in (*hanging, *healthy):
            await each.publish_many(3)
        async with running(Worker(deliverer, context.notifications)):
            started = time.monotonic()
            await receiver.wait_for(9)
            assert time.monotonic() - started < 1.0, "nobody waited for a call that runs into its time limit"


async def test_receivers_known_to_fail_take_no_place_of_the_others(
    context: Context, receiver: Receiver, deliverer: Deliverer
) -> None:
    async with Receiver() as dead:
        dead.answer_always(Answer(503))
        failing = [await make_sender(context, dead) for _ in range(6)]
        for each in failing:
            await each.publish()
        worker = Worker(deliverer, context.notifications, healthy_lanes_max=1, failing_lanes_max=2)
        async with running(worker):
            await dead.wait_for(6)
            # From now on they hang; they are known, so they have only places of their own.
            dead.answer_always(Answer(fault=Fault.HANG))
            for each in failing:
                await each.publish()
                await each.set_endpoint(dead.url)
            await until(lambda: dead.under_way == 0)
            for each in failing:
                await each.move_clock(timedelta(minutes=5))
            await until(lambda: dead.under_way == 2)
            healthy = await make_sender(context, receiver)
            await healthy.publish()
            started = time.monotonic()
            await receiver.wait_for(1)
            assert time.monotonic() - started < 1.0
            assert dead.under_way_max <= 2


async def test_two_workers_share_without_sending_twice(context: Context, receiver: Receiver, told: Told) -> None:
    senders = [await make_sender(context, receiver) for _ in range(4)]
    ids: dict[int, list[int]] = {each.project_id: [] for each in senders}
    first, second = make_deliverer(context, told), make_deliverer(context, told)
    async with running(Worker(first, context.notifications)), running(Worker(second, context.notifications)):
        for _ in range(25):
            for each in senders:
                ids[each.project_id].append(await each.publish())
                announce(context, each.project_id)
        await receiver.wait_for(100)
        await asyncio.sleep(0.3)
    assert len(receiver.received) == len(set(receiver.event_ids)) == 100
    for each in senders:
        events = [(await each.inspect(delivery_id)).row.event_id for delivery_id in ids[each.project_id]]
        assert [event for event in receiver.event_ids if event in events] == events
    await first.close()
    await second.close()


async def test_the_database_goes_away_and_comes_back(
    context: Context, receiver: Receiver, deliverer: Deliverer
) -> None:
    sender = await make_sender(context, receiver)
    receiver.answer_always(Answer(delay_seconds=0.01))
    ids = await sender.publish_many(60)
    async with running(Worker(deliverer, context.notifications)):
        await receiver.wait_for(10)
        url = context.database.url
        killer = await asyncpg.connect(url)
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'haversack'"
        )
        await killer.close()
        await until(lambda: len(set(receiver.event_ids)) == 60, timeout_seconds=30)
    rows = [(await sender.inspect(each)).row for each in ids]
    assert ids_in_order(receiver.received) == [row.event_id for row in rows]
    assert await context.notifications.wait_until_listening(10)


async def test_a_fault_in_an_outcome_rests_its_lane_only(
    context: Context, receiver: Receiver, deliverer: Deliverer, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    broken, healthy = await make_sender(context, receiver), await make_sender(context, receiver)
    told.fails_for = {"test:broken"}
    delivery_id = await broken.publish(reference="test:broken")
    async with running(Worker(deliverer, context.notifications)):
        await receiver.wait_for(1)
        await until(lambda: "rest after a fault" in caplog.text)
        await healthy.publish()
        await receiver.wait_for(2)
        told.fails_for = set()
        await until(lambda: len(told.settled) == 1)
    assert (await broken.inspect(delivery_id)).row.status is DeliveryStatus.SUCCEEDED


async def test_a_long_queue_gives_way(context: Context, receiver: Receiver, deliverer: Deliverer) -> None:
    """With one place only, a project with much to send does not keep it to itself."""
    receiver.answer_always(Answer(delay_seconds=0.02))
    busy, other = await make_sender(context, receiver), await make_sender(context, receiver)
    await busy.publish_many(300)
    async with running(Worker(deliverer, context.notifications, healthy_lanes_max=1)):
        await receiver.wait_for(5)
        delivery_id = await other.publish()
        event_id = (await other.inspect(delivery_id)).row.event_id
        await until(lambda: event_id in receiver.event_ids, timeout_seconds=5)
        assert len(receiver.received) < 250


async def test_stopping_leaves_the_rest_for_later(context: Context, receiver: Receiver, deliverer: Deliverer) -> None:
    sender = await make_sender(context, receiver)
    receiver.answer_always(Answer(delay_seconds=0.02))
    ids = await sender.publish_many(100)
    async with running(Worker(deliverer, context.notifications)):
        await receiver.wait_for(5)
    arrived = len(receiver.received)
    assert arrived < 100
    statuses = [(await sender.inspect(each)).row.status for each in ids]
    assert statuses.count(DeliveryStatus.SUCCEEDED) == arrived, "what was sent is recorded before the worker ends"
    receiver.answer_always(Answer())
    async with running(Worker(deliverer, context.notifications)):
        await receiver.wait_for(100)
    assert len(set(receiver.event_ids)) == 100


async def test_jobs_are_repeated_and_outlive_a_failure(
    context: Context, deliverer: Deliverer, caplog: pytest.LogCaptureFixture
) -> None:
    runs: list[int] = []

    async def job() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise ValueError("the first run fails")

    worker = Worker(deliverer, context.notifications)
    worker.every(0.01, job)
    async with running(worker):
        await until(lambda: len(runs) >= 3)
    assert "a scheduled job failed" in caplog.text
    count = len(runs)
    await asyncio.sleep(0.05)
    assert len(runs) == count, "nothing runs after the end"


async def test_waiting_lanes_are_found_by_the_index(context: Context, receiver: Receiver) -> None:
    """With many projects and a long queue, a look at the outbox touches one entry of each lane."""
    senders: list[Sender] = [await make_sender(context, receiver) for _ in range(3)]
    for each in senders:
        delivery_id = await each.publish()
        async with context.database.connection() as connection:
            await connection.execute(
                "INSERT INTO webhook_deliveries (project_id, event_id, purpose, player_key, status, next_attempt_at, "
                "created_at) SELECT project_id, event_id, purpose, player_key, status, next_attempt_at, created_at "
                "FROM webhook_deliveries, generate_series(1, 5000) WHERE delivery_id = $1",
                delivery_id,
            )
    query = compiled(LIST_DUE_LANES)
    async with context.database.connection() as connection:
        await connection.execute("ANALYZE webhook_deliveries")
        projects = await connection.fetchval("SELECT count(*) FROM projects")
        plan = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {query.sql}", *query.arguments({}))
    [root] = plan
    # One row or two for each project of this database, however many the other tests have made; not the 15,000 queued.
    assert rows_read(root["Plan"]) < min(2 * projects + 1_500, 15_000)


def rows_read(plan: dict[str, Any]) -> float:
    """How many rows of deliveries the plan's steps have read, discarded ones included."""
    own = 0.0
    if plan.get("Relation Name") == "webhook_deliveries":
        own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return own + sum(rows_read(each) for each in plan.get("Plans", []))

"""kill -9 at each point of a delivery's life: nothing lost, nothing of a rolled-back transaction, one id for
repeats (R12)."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from haversack.context import Context
from haversack.database.engine import DatabaseAway
from haversack.webhooks.leases import LeaseLost, Leases
from haversack.webhooks.queries import lanes
from haversack.webhooks.queries.lanes import claim_lanes, renew_leases
from haversack.webhooks.records import DeliveryStatus, Lane, Purpose
from haversack.worker import Worker
from make.deliveries import Drain, Told, make_deliverer
from make.receiver import Answer, Fault, Receiver, ids_in_order
from make.webhooks import Sender, make_sender

SCRIPT = Path(__file__).with_name("crashing_process.py")
START_SECONDS_MAX = 20.0

Start = Callable[[str], Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def sender(context: Context, receiver: Receiver) -> Sender:
    """A project in Xsolla mode."""
    return await make_sender(context, receiver)


@pytest.fixture
async def start(context: Context, sender: Sender) -> AsyncIterator[Start]:
    """Starts a process of its own that works or publishes; none outlives the test."""
    started: list[asyncio.subprocess.Process] = []

    async def start(what: str) -> asyncio.subprocess.Process:
        settings = context.settings
        assert settings.database_url is not None and settings.encryption_key is not None
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(SCRIPT),
            settings.database_url.get_secret_value(),
            settings.encryption_key.get_secret_value(),
            str(settings.data_folder),
            str(sender.project_id),
            what,
            stdout=asyncio.subprocess.PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def wait_for_word(process: asyncio.subprocess.Process, word: str) -> None:
    """Wait until the process says that it has come so far."""
    assert process.stdout is not None
    async with asyncio.timeout(START_SECONDS_MAX):
        while line := (await process.stdout.readline()).decode().strip():
            if line == word:
                return
    raise AssertionError(f"the process ended before it said {word!r}")


async def kill(process: asyncio.subprocess.Process) -> None:
    """kill -9, and wait until it is gone."""
    process.kill()
    await process.wait()


async def finish(context: Context, told: Told, sender: Sender, delivery_ids: list[int]) -> None:
    """Let a worker of this process do what is left."""
    deliverer = make_deliverer(context, told)
    worker = Worker(deliverer, context.notifications)
    working = asyncio.create_task(worker.run())
    for delivery_id in delivery_ids:
        state = await deliverer.settle(sender.project_id, delivery_id, timeout_seconds=15)
        assert not state.is_pending
    await worker.stop()
    await working
    await deliverer.close()


async def test_before_the_commit(
    context: Context, sender: Sender, receiver: Receiver, start: Start, drain: Drain
) -> None:
    process = await start("before_commit")
    await wait_for_word(process, "before_commit")
    await kill(process)
    await drain(sender)
    assert receiver.received == []


async def test_after_the_commit_before_the_sending(
    context: Context, sender: Sender, receiver: Receiver, start: Start, drain: Drain
) -> None:
    process = await start("after_commit")
    await wait_for_word(process, "after_commit")
    await kill(process)
    await drain(sender)
    assert len(receiver.received) == 1


async def test_after_the_sending_before_the_reply(
    context: Context, sender: Sender, receiver: Receiver, start: Start, told: Told
) -> None:
    receiver.answer_next(Answer(), Answer(), Answer(fault=Fault.HANG))
    process = await start("work")
    await wait_for_word(process, "working")
    ids = await sender.publish_many(5)
    await receiver.wait_for(3, timeout_seconds=15)
    await kill(process)
    await finish(context, told, sender, ids)
    rows = [(await sender.inspect(each)).row for each in ids]
    assert all(row.status is DeliveryStatus.SUCCEEDED for row in rows)
    # Everything arrived, in order, each under one id; what was under way at the kill more than once.
    assert ids_in_order(receiver.received) == [row.event_id for row in rows]
    assert receiver.event_ids.count(rows[2].event_id) >= 2
    bodies = {each.event_id: each.body for each in receiver.received}
    assert all(each.body == bodies[each.event_id] for each in receiver.received)


async def test_after_the_reply_before_the_record(
    context: Context, sender: Sender, receiver: Receiver, start: Start, told: Told
) -> None:
    process = await start("work")
    await wait_for_word(process, "working")
    delivery_id = await sender.publish(reference="stop:here")
    await wait_for_word(process, "recording")
    found = await sender.inspect(delivery_id)
    assert (found.row.status, found.attempts) == (DeliveryStatus.PENDING, ())
    await kill(process)
    # This process has a handler of its own for the reference.
    deliverer = make_deliverer(context, told)
    deliverer.outcomes.register("stop", told)
    state = await deliverer.settle(sender.project_id, delivery_id, timeout_seconds=15)
    await deliverer.close()
    assert state.is_accepted
    assert len(receiver.received) == 2
    assert len(set(receiver.event_ids)) == 1
    assert len(told.settled) == 1
    assert len((await sender.inspect(delivery_id)).attempts) == 1


async def test_a_lease_that_was_lost_records_nothing(
    context: Context, sender: Sender, receiver: Receiver, told: Told
) -> None:
    """A worker that stood still for too long finds its lane taken over, and leaves the record to the other."""
    receiver.answer_next(Answer(delay_seconds=0.3))
    delivery_id = await sender.publish(reference="test:1")
    slow = make_deliverer(context, told, lease_seconds=30)
    lane = Lane(sender.project_id, Purpose.STORE)
    [held] = await slow.claim([lane])
    working = asyncio.create_task(slow.work(held, must_stop=lambda: False))
    await receiver.wait_for(1)
    db = context.database.session()
    async with context.database.connection() as connection:
        await connection.execute(
            "UPDATE webhook_lanes SET leased_until = now() - interval '1 s' WHERE project_id = $1",
            sender.project_id,
        )
    [taken] = await claim_lanes(db, [lane], lease=timedelta(seconds=0.2))
    with pytest.raises(LeaseLost):
        await working
    assert taken.token != held.claimed.token
    assert told.settled == []
    found = await sender.inspect(delivery_id)
    assert (found.row.status, found.row.attempts_made, found.attempts) == (DeliveryStatus.PENDING, 0, ())
    state = await slow.settle(sender.project_id, delivery_id, timeout_seconds=10)
    assert state.is_accepted
    assert len(told.settled) == 1
    assert len(set(receiver.event_ids)) == 1
    await slow.close()


async def test_leases_are_renewed_after_any_failure(
    context: Context, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [RuntimeError("a fault that nobody thought of"), DatabaseAway("away")]
    is_renewed = asyncio.Event()

    async def renew(*of: Any, **by: Any) -> set[UUID]:
        if failures:
            raise failures.pop()
        kept = await renew_leases(*of, **by)
        is_renewed.set()
        return kept

    monkeypatch.setattr(lanes, "renew_leases", renew)
    leases = Leases(context.database, seconds=0.3)
    [held] = await leases.claim([Lane(sender.project_id, Purpose.STORE)])
    async with leases.released(held), asyncio.timeout(5):
        await is_renewed.wait()
    await leases.close()

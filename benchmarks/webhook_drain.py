"""How fast the outbox drains to a receiver on this machine, against sending the same bodies without an outbox.

Run: .venv/bin/python benchmarks/webhook_drain.py [--deliveries 3000] [--projects 20]
HAVERSACK_BENCH_DATABASE_URL names a migrated database; without it an embedded one is started (fsync on).
Everything runs on one core: this process with the worker, the receiver in a process of its own, and PostgreSQL.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop
from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from haversack.clock import real_now
from haversack.context import Context, open_context
from haversack.database.embedded import EmbeddedDatabase
from haversack.database.migrate import migrate
from haversack.projects.records import DeliveryMode
from haversack.settings import Mode, Settings
from haversack.webhooks.actions import publish
from haversack.webhooks.events import body_of
from haversack.webhooks.queries.inspector import list_deliveries
from haversack.webhooks.records import DeliveryStatus, Purpose
from haversack.webhooks.signing import signed_headers
from haversack.worker import Worker
from make.receiver import Receiver
from make.webhooks import Sender, make_event, make_sender

WANTED_PER_SECOND = 500
PUBLISHED_IN_ONE = 100


def bind_to_one_core() -> str:
    """Let this process and all that it starts run on one core, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        return "not bound to one core: this system cannot"
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return "one core for worker, receiver and PostgreSQL"


@asynccontextmanager
async def receiver_process() -> AsyncIterator[str]:
    """A receiver that accepts everything, in a process of its own; its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--receive", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None and process.stdin is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


async def receive() -> None:
    """Be the receiver, until standard input ends."""
    async with Receiver() as receiver:
        print(receiver.url, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def fill(senders: list[Sender], count: int) -> None:
    """Publish events for the senders in turn."""
    each = count // len(senders)
    for sender in senders:
        for start in range(0, each, PUBLISHED_IN_ONE):
            db = sender.context.database.session()
            async with db.begin():
                for number in range(start, min(start + PUBLISHED_IN_ONE, each)):
                    await publish(
                        db, sender.project, make_event(), purpose=Purpose.STORE, player_key=f"player {number % 50}"
                    )


async def drain(context: Context, senders: list[Sender]) -> float:
    """Seconds until a worker has delivered everything."""
    db = context.database.session()
    worker = Worker(context.deliverer, context.notifications)
    started = time.perf_counter()
    working = asyncio.create_task(worker.run())
    while True:
        waiting = [
            await list_deliveries(db, project_id=each.project_id, status=DeliveryStatus.PENDING, count=1)
            for each in senders
        ]
        if not any(waiting):
            break
        await asyncio.sleep(0.05)
    took = time.perf_counter() - started
    await worker.stop()
    await working
    return took


async def send_bare(context: Context, url: str, sender: Sender, count: int) -> float:
    """Seconds for the same bodies by the client alone, signed, one after another."""
    bodies = [body_of(make_event(), sender.project) for _ in range(count)]
    started = time.perf_counter()
    for number, body in enumerate(bodies):
        headers = signed_headers(body, ["a secret"], event_id=f"evt_{number}", now=real_now())
        reply = await context.outbound.send(
            "POST", url, headers=headers, body=body, timeout_seconds=15, response_bytes_max=8192
        )
        assert reply.status == 204
    return time.perf_counter() - started


async def measure(context: Context, *, deliveries: int, projects: int) -> bool:
    """Print the figures; whether the slowest drain is as fast as was promised."""
    async with receiver_process() as url:
        rates: dict[str, float] = {}
        first = await make_sender(context)
        rates["bare client, one after another"] = deliveries / await send_bare(context, url, first, deliveries)
        cases = (
            (f"{projects} projects, Xsolla mode", projects, DeliveryMode.XSOLLA),
            ("one project, Xsolla mode", 1, DeliveryMode.XSOLLA),
            (f"{projects} projects, native mode", projects, DeliveryMode.NATIVE),
            ("one project, native mode", 1, DeliveryMode.NATIVE),
        )
        for name, count, mode in cases:
            senders = [await make_sender(context, mode=mode) for _ in range(count)]
            for each in senders:
                await each.set_endpoint(url)
            await fill(senders, deliveries)
            rates[name] = deliveries / await drain(context, senders)
    bare = rates["bare client, one after another"]
    for name, rate in rates.items():
        print(f"  {name:34} {rate:7.0f} deliveries/s   {rate / bare:5.2f} of the bare client")
    slowest = min(rate for name, rate in rates.items() if not name.startswith("bare"))
    print(f"  slowest drain: {slowest:.0f}/s; promised: {WANTED_PER_SECOND}/s")
    return slowest >= WANTED_PER_SECOND


async def main(arguments: argparse.Namespace) -> int:
    """Run on the database named by the environment or on one of our own."""
    print(f"webhook drain, {arguments.deliveries} deliveries; {bind_to_one_core()}")
    with tempfile.TemporaryDirectory() as folder:
        given = os.environ.get("HAVERSACK_BENCH_DATABASE_URL")
        if given:
            return await _run(given, Path(folder), arguments)
        async with EmbeddedDatabase(Path(folder)) as server:
            await migrate(server.url)
            return await _run(server.url, Path(folder), arguments)


async def _run(url: str, folder: Path, arguments: argparse.Namespace) -> int:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        mode=Mode.DEVELOPMENT,
        database_url=SecretStr(url),
        encryption_key=SecretStr("a key for benchmarks, long enough"),
        data_folder=folder,
        outbound_allow_loopback=True,
    )
    async with open_context(settings) as context:
        is_fast = await measure(context, deliveries=arguments.deliveries, projects=arguments.projects)
    return 0 if is_fast else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=3000)
    parser.add_argument("--projects", type=int, default=20)
    parser.add_argument("--receive", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(receive() if chosen.receive else main(chosen)))

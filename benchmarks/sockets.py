"""2,000 open sockets that wait for the status of their orders: what they cost one process, how soon they are told."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
from sqlalchemy import ARRAY, Integer, any_, bindparam, func, update
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.bed import Bed, Served, open_bed, serving
from benchmarks.figures import Figure
from benchmarks.processes import HAS_PROC, MEGABYTE, OTHER_CORE, cpu_seconds, memory_of, pin
from haversack.orders.records import OrderState
from haversack.orders.socket.endpoint import PATH
from haversack.orders.socket.protocol import PING_SECONDS
from haversack.orders.tables import orders

if TYPE_CHECKING:
    from make.sockets import Follower

SOCKETS = 2_000
OPENED_AT_ONCE = 50
SINGLE_MOVES = 300
PURCHASES = 100
ANSWER_SECONDS_MAX = 60.0
MILLISECONDS_WANTED = 100
KILOBYTE = 1024

PAY_ALL = (
    update(orders)
    .where(
        orders.c.project_id == bindparam("project"),
        orders.c.order_id == any_(bindparam("order_ids", type_=ARRAY(Integer))),
    )
    .values(state=OrderState.PAID.value, paid_at=func.now())
)


@dataclass(slots=True)
class Crowd:
    """The players, their sockets, and when each was told of what (seconds of the monotonic clock)."""

    followers: "list[Follower]"
    stack: AsyncExitStack
    told: dict[tuple[int, str], float] = field(default_factory=dict)
    waiting: dict[tuple[int, str], "asyncio.Future[float]"] = field(default_factory=dict)
    readers: list["asyncio.Task[None]"] = field(default_factory=list)

    async def open(self, follower: "Follower", port: int) -> None:
        """Open a socket as a game does, and read from it until the end."""
        connection = await self.stack.enter_async_context(
            connect(f"ws://127.0.0.1:{port}{PATH}", compression=None, ping_interval=None, open_timeout=60)
        )
        data = {"auth": follower.token, "project_id": follower.studio.project_id}
        await connection.send(json.dumps({"id": 1, "connect": {"data": data}}))
        assert "connect" in json.loads(await connection.recv())
        self.readers.append(asyncio.create_task(self._read(connection)))

    async def _read(self, connection: ClientConnection) -> None:
        async for message in connection:
            now = time.monotonic()
            if message == "{}":
                await connection.send("{}")
                continue
            data = json.loads(message)["push"]["pub"]["data"]
            key = (data["order_id"], data["status"])
            self.told[key] = now
            if key in self.waiting:
                self.waiting[key].set_result(now)

    async def hears(self, order_id: int, status: str) -> float:
        """When an order's status has come."""
        key = (order_id, status)
        if key not in self.told:
            self.waiting[key] = asyncio.get_running_loop().create_future()
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                await self.waiting[key]
        return self.told[key]


async def run() -> list[Figure]:
    """Memory, CPU and times of 2,000 sockets; Linux only."""
    if not HAS_PROC:
        return []
    async with open_bed() as bed, serving(bed) as served:
        from make.projects import make_studio
        from make.sockets import make_follower

        pin([0], OTHER_CORE)
        studio = await make_studio(bed.context)
        followers = [await make_follower(studio) for _ in range(SOCKETS)]
        async with _crowd(followers) as crowd:
            figures = await _open_all(crowd, served)
            figures += await _let_wait(served)
            figures += await _move_one_by_one(crowd)
            figures += await _move_all_at_once(bed, crowd)
            figures += await _buy(bed, crowd, served)
    return figures


@asynccontextmanager
async def _crowd(followers: "list[Follower]") -> AsyncIterator[Crowd]:
    async with AsyncExitStack() as stack:
        crowd = Crowd(followers, stack)
        try:
            yield crowd
        finally:
            for reader in crowd.readers:
                reader.cancel()
            await asyncio.gather(*crowd.readers, return_exceptions=True)


async def _open_all(crowd: Crowd, served: Served) -> list[Figure]:
    """Open a few sockets first, so that what is loaded with the first one is not counted as a socket's."""
    few, rest = crowd.followers[:10], crowd.followers[10:]
    for follower in few:
        await crowd.open(follower, served.port)
    before, cpu = memory_of(served.pid).resident, cpu_seconds(served.pid)
    started = time.monotonic()
    gate = asyncio.Semaphore(OPENED_AT_ONCE)

    async def open_one(follower: "Follower") -> None:
        async with gate:
            await crowd.open(follower, served.port)

    await asyncio.gather(*map(open_one, rest))
    took = time.monotonic() - started
    after = memory_of(served.pid).resident
    return [
        Figure(name="opening: sockets", value=len(rest) / took, unit="sockets/s"),
        Figure(name="opening: server CPU", value=(cpu_seconds(served.pid) - cpu) / len(rest) * 1000, unit="ms/socket"),
        Figure(name="an open socket: memory", value=(after - before) / len(rest) / KILOBYTE, unit="kB"),
        Figure(
            name=f"serve with {SOCKETS:,} sockets: resident",
            value=after / MEGABYTE,
            unit="MB",
            wanted=f"{SOCKETS:,} sockets in one process",
            verdict=len(crowd.readers) == SOCKETS,
        ),
    ]


async def _let_wait(served: Served) -> list[Figure]:
    """What waiting costs: one round of pings, answers, and looks at the orders."""
    cpu = cpu_seconds(served.pid)
    await asyncio.sleep(PING_SECONDS)
    part = (cpu_seconds(served.pid) - cpu) / PING_SECONDS
    return [Figure(name=f"{SOCKETS:,} sockets waiting: server CPU", value=part * 100, unit="% of a core")]


async def _move_one_by_one(crowd: Crowd) -> list[Figure]:
    """Orders that another process moves: from its commit until the socket has it."""
    times = []
    for follower in crowd.followers[:: max(SOCKETS // SINGLE_MOVES, 1)]:
        order_id = await follower.order()
        await follower.move(order_id, OrderState.PAID)
        committed = time.monotonic()
        follower.note(order_id, OrderState.PAID)
        times.append(await crowd.hears(order_id, "paid") - committed)
    return _figures("moved by another process, one by one", times)


async def _move_all_at_once(bed: Bed, crowd: Crowd) -> list[Figure]:
    """One order of each player, moved by one statement of another process."""
    order_ids = [await follower.order() for follower in crowd.followers]
    changed = await bed.context.database.session().execute(
        PAY_ALL, project=crowd.followers[0].studio.project_id, order_ids=order_ids
    )
    assert changed == len(order_ids)
    committed = time.monotonic()
    for follower, order_id in zip(crowd.followers, order_ids, strict=True):
        follower.note(order_id, OrderState.PAID)
    heard = await asyncio.gather(*(crowd.hears(order_id, "paid") for order_id in order_ids))
    return _figures(f"all {SOCKETS:,} at once, another process", [at - committed for at in heard], wanted=False)


async def _buy(bed: Bed, crowd: Crowd, served: Served) -> list[Figure]:
    """Free items ordered by HTTP from the process of the sockets: from the answer's arrival until the socket has it;
    it may be there before the answer."""
    from make.orders import sell_free

    studio = crowd.followers[0].studio
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}") as client:
        sku = await sell_free(client, studio)
        times = []
        for follower in crowd.followers[:PURCHASES]:
            reply = await client.post(
                f"/api/v2/project/{studio.project_id}/free/item/{sku}",
                json={},
                headers={"Authorization": f"Bearer {follower.token}"},
            )
            reply.raise_for_status()
            answered = time.monotonic()
            times.append(max(await crowd.hears(reply.json()["order_id"], "done") - answered, 0.0))
    return _figures("bought in the same process, after its answer", times)


def _figures(name: str, times: Sequence[float], *, wanted: bool = True) -> list[Figure]:
    ordered = sorted(each * 1000 for each in times)
    middle, late = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return [
        Figure(name=f"{name}: median", value=middle, unit="ms"),
        Figure(
            name=f"{name}: 99 of 100",
            value=late,
            unit="ms",
            spread=(ordered[0], ordered[-1]),
            wanted=f"within {MILLISECONDS_WANTED} ms" if wanted else "",
            verdict=late <= MILLISECONDS_WANTED if wanted else None,
        ),
    ]

"""Reads of balances and inventory by HTTP, against a bare ASGI answer of the same bytes and the bare query."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import asyncpg
import httpx

from benchmarks.bed import Bed, Served, measure_load, open_bed, serving, serving_bare
from benchmarks.figures import Figure, Sample, Series, interleave
from benchmarks.load import build_request
from benchmarks.processes import MEASURED_CORE, pin
from haversack.database.engine import compiled
from haversack.inventory.queries.owned import LIST_BALANCES

if TYPE_CHECKING:
    from make.projects import Studio

PLAYERS = 200
CONNECTIONS = 8
SECONDS = 1.2
ROUNDS = 5
# For scale: so often a game server written in Go, on one core, gives one stored object of the same PostgreSQL by HTTP.
OBJECTS_PER_SECOND = 4_100


async def run() -> list[Figure]:
    """Reads per second of one process, and the CPU that one costs."""
    async with open_bed() as bed, serving(bed) as served:
        from make.projects import make_studio

        studio = await make_studio(bed.context)
        players = [uuid4() for _ in range(PLAYERS)]
        await _fill(bed, served, studio, players)
        headers = {player: await studio.player_headers(player) for player in players}
        balances, items = (
            _requests(studio, headers, "virtual_currency_balance"),
            _requests(studio, headers, "inventory/items"),
        )
        body = await _body(served, studio, headers[players[0]])
        pool = await asyncpg.create_pool(bed.url, min_size=CONNECTIONS, max_size=CONNECTIONS)
        try:
            async with serving_bare(bed, body) as bare:
                measured = await interleave(
                    {
                        "bare": lambda: _load(bare, [build_request("GET", "/", {})]),
                        "query": lambda: _measure_query(pool, studio.project_id, players),
                        "balances": lambda: _load(served, balances),
                        "items": lambda: _load(served, items),
                    },
                    rounds=ROUNDS,
                )
        finally:
            await pool.close()
    return _figures(measured, len(body))


def _figures(measured: Mapping[str, Mapping[str, Series]], size: int) -> list[Figure]:
    bare, query, balances, items = (measured[side] for side in ("bare", "query", "balances", "items"))
    return [
        bare["rate"].figure(f"{size} bytes, bare ASGI", "req/s"),
        query["rate"].figure("balances, bare query", "reads/s"),
        balances["rate"].figure("balances, by HTTP", "req/s", to=query["rate"], to_name="bare query"),
        items["rate"].figure("inventory of 10 entries, by HTTP", "req/s", to=query["rate"], to_name="bare query"),
        balances["latency_ms"].figure(f"balances, {CONNECTIONS} at once: answer", "ms"),
        bare["cpu_ms"].figure("bare ASGI: server CPU", "ms"),
        query["cpu_ms"].figure("balances, bare query: client CPU", "ms"),
        balances["cpu_ms"].figure(
            "balances, by HTTP: server CPU",
            "ms",
            to=query["cpu_ms"],
            to_name="bare query",
            wanted=f"{OBJECTS_PER_SECOND:,} a second of one core",
            verdict=balances["cpu_ms"].middle <= 1000 / OBJECTS_PER_SECOND,
        ),
        items["cpu_ms"].figure("inventory, by HTTP: server CPU", "ms", to=query["cpu_ms"], to_name="bare query"),
    ]


def _requests(studio: "Studio", headers: Mapping[UUID, dict[str, str]], what: str) -> list[bytes]:
    path = f"/api/v2/project/{studio.project_id}/user/{what}"
    return [build_request("GET", path, each) for each in headers.values()]


async def _fill(bed: Bed, served: Served, studio: "Studio", players: Sequence[UUID]) -> None:
    """A shop with one item of each way of being used up and a currency; ten entries and a balance for each player."""
    from haversack.inventory.records import CurrencyGrant
    from make.inventory import give, make_goods

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}", timeout=60) as client:
        goods = await make_goods(client, studio)
    ways = [goods.grant_of("stack", 5), goods.grant_of("pieces", 7), goods.grant_of("single"), goods.grant_of("timed")]
    for player in players:
        await give(studio, player, *ways, CurrencyGrant(goods["currency"], 1_000))


async def _body(served: Served, studio: "Studio", headers: dict[str, str]) -> bytes:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}") as client:
        url = f"/api/v2/project/{studio.project_id}/user"
        listed = await client.get(f"{url}/inventory/items", headers=headers)
        assert len(listed.json()["items"]) == 10
        reply = await client.get(f"{url}/virtual_currency_balance", headers=headers)
    assert [item["amount"] for item in reply.json()["items"]] == [1_000]
    return reply.content


async def _load(served: Served, requests: Sequence[bytes]) -> Sample:
    return await measure_load(served, requests, connections=CONNECTIONS, seconds=SECONDS)


async def _measure_query(pool: "asyncpg.Pool[asyncpg.Record]", project_id: int, players: Sequence[UUID]) -> Sample:
    """The same statement without anything around it, on as many connections."""
    pin([0], MEASURED_CORE)
    statement = compiled(LIST_BALANCES)
    deadline = time.monotonic() + SECONDS
    started, before = time.monotonic(), time.process_time()

    async def read() -> int:
        count = 0
        async with pool.acquire() as connection:
            while time.monotonic() < deadline:
                values = {"project": project_id, "players": [players[count % len(players)]]}
                await connection.fetch(statement.sql, *statement.arguments(values))
                count += 1
        return count

    reads = sum(await asyncio.gather(*(read() for _ in range(CONNECTIONS))))
    return {
        "rate": reads / (time.monotonic() - started),
        "cpu_ms": (time.process_time() - before) / reads * 1000,
    }

"""Putting 100 game keys into a Backpack by HTTP, against the bare SQL that stores the same rows."""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson

from benchmarks.bed import Bed, Served, call_in_process, measure_load, open_bed, scope_of, serving
from benchmarks.figures import Figure, Sample, interleave
from benchmarks.load import build_request
from benchmarks.processes import MEASURED_CORE, pin
from haversack.app import build_application
from haversack.clock import real_now

ITEMS = 100
PLAYERS = 50
CONNECTIONS = 4
SECONDS = 1.2
ROUNDS = 5
CALLS = 40
VALUES = {
    "item_type": "game_key",
    "item_sku": "game.deluxe",
    "item_name": "",
    "image_url": "https://pictures.example.com/lamp.png",
    "description": None,
    "code_sealed": bytes(41),  # as long as a sealed key
    "price": None,
    "currency": "USD",
    "quantity": 1,
    "platform": "",
    "game_id": None,
    "external_game_id": "",
    "game_name": "",
    "game_image_url": "",
    "is_external_vc": False,
}
TYPES = {
    "code_sealed": "bytea",
    "price": "numeric",
    "quantity": "bigint",
    "game_id": "uuid",
    "is_external_vc": "boolean",
}
_arrays = ", ".join(f"${place}::{TYPES.get(name, 'text')}[]" for place, name in enumerate(VALUES, start=5))
INSERT = f"""
INSERT INTO backpack_items (project_id, player_id, created_at, item_id, {", ".join(VALUES)})
SELECT $1::integer, $2::uuid, $3::timestamptz, given.* FROM unnest($4::uuid[], {_arrays}) AS given
"""


async def run() -> list[Figure]:
    """Items per second on four connections, and the CPU that one call costs."""
    async with open_bed() as bed, serving(bed) as served:
        from make.projects import make_studio

        studio = await make_studio(bed.context)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}") as client:
            headers = {**await studio.host_headers(client), "Content-Type": "application/json"}
        paths = [f"{studio.backpack}/user/{uuid4()}/game_keys" for _ in range(PLAYERS)]
        body = _body()
        pool = await asyncpg.create_pool(bed.url, min_size=CONNECTIONS, max_size=CONNECTIONS)
        try:
            measured = await interleave(
                {
                    "bare": lambda: _measure_bare(pool, studio.project_id),
                    "served": lambda: _measure_served(served, paths, headers, body),
                    "in process": lambda: _measure_in_process(bed, paths, headers, body),
                },
                rounds=ROUNDS,
            )
        finally:
            await pool.close()
    bare, by_http, inside = measured["bare"], measured["served"], measured["in process"]
    return [
        bare["rate"].figure("100 keys, bare SQL", "items/s"),
        by_http["rate"].figure("100 keys, by HTTP", "items/s", to=bare["rate"], to_name="bare SQL"),
        by_http["latency_ms"].figure(f"100 keys, by HTTP, {CONNECTIONS} at once: answer", "ms"),
        bare["cpu_ms"].figure("100 keys, bare SQL: client CPU", "ms"),
        by_http["cpu_ms"].figure("100 keys, by HTTP: server CPU", "ms", to=bare["cpu_ms"], to_name="bare SQL"),
        inside["cpu_ms"].figure("100 keys, in process: CPU", "ms", to=bare["cpu_ms"], to_name="bare SQL"),
    ]


def _body() -> bytes:
    from make.backpack import new_game_key

    return orjson.dumps([new_game_key() for _ in range(ITEMS)])


async def _measure_served(served: Served, paths: Sequence[str], headers: dict[str, str], body: bytes) -> Sample:
    requests = [build_request("POST", path, headers, body) for path in paths]
    sample = await measure_load(served, requests, connections=CONNECTIONS, seconds=SECONDS, status=201)
    return {**sample, "rate": sample["rate"] * ITEMS}


async def _measure_in_process(bed: Bed, paths: Sequence[str], headers: dict[str, str], body: bytes) -> Sample:
    pin([0], MEASURED_CORE)
    application = build_application(bed.context)
    scopes = [scope_of("POST", path, {**headers, "Content-Length": str(len(body))}) for path in paths[:CALLS]]
    await call_in_process(application, scopes[0], body, status=201)
    before = time.process_time()
    for scope in scopes:
        await call_in_process(application, scope, body, status=201)
    return {"cpu_ms": (time.process_time() - before) / len(scopes) * 1000}


async def _measure_bare(pool: "asyncpg.Pool[asyncpg.Record]", project_id: int) -> Sample:
    pin([0], MEASURED_CORE)
    players = [uuid4() for _ in range(PLAYERS)]
    deadline = time.monotonic() + SECONDS
    started, before = time.monotonic(), time.process_time()
    counts = await asyncio.gather(*(_insert_until(deadline, pool, project_id, players) for _ in range(CONNECTIONS)))
    calls = sum(counts)
    return {
        "rate": calls * ITEMS / (time.monotonic() - started),
        "cpu_ms": (time.process_time() - before) / calls * 1000,
    }


async def _insert_until(
    deadline: float, pool: "asyncpg.Pool[asyncpg.Record]", project_id: int, players: Sequence[UUID]
) -> int:
    """The same rows with the values at hand, in one statement and its transaction: no HTTP, no checks, no answer."""
    now = real_now()
    columns = [[value] * ITEMS for value in VALUES.values()]
    count = 0
    async with pool.acquire() as connection:
        while time.monotonic() < deadline:
            item_ids = [uuid4() for _ in range(ITEMS)]
            async with connection.transaction():
                await connection.execute(INSERT, project_id, players[count % len(players)], now, item_ids, *columns)
            count += 1
    return count

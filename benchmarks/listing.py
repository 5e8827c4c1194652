"""A player's list of 50 items, against a bare ASGI answer of the same bytes and against the bare query."""

import asyncio
import time
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from benchmarks.bed import Bed, call_in_process, measure_load, open_bed, scope_of, serving, serving_bare
from benchmarks.figures import Figure, Sample, interleave
from benchmarks.load import build_request
from benchmarks.processes import MEASURED_CORE, pin
from haversack.app import build_application
from haversack.backpack.queries import LIST_FOR_PLAYER
from haversack.database.engine import compiled

ITEMS = 50
PATH = "/web/backpack/items"
CONNECTIONS = 8
SECONDS = 1.2
ROUNDS = 5
CALLS = 100


async def run() -> list[Figure]:
    """Lists per second on eight connections, and the CPU that one list costs."""
    async with open_bed() as bed, serving(bed) as served:
        headers, player_id, project_id = await _fill_backpack(bed, served.port)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}") as client:
            body = (await client.get(PATH, headers=headers)).content
        request = build_request("GET", PATH, headers)
        pool = await asyncpg.create_pool(bed.url, min_size=CONNECTIONS, max_size=CONNECTIONS)
        try:
            async with serving_bare(bed, body) as bare:
                measured = await interleave(
                    {
                        "query": lambda: _measure_query(pool, player_id, project_id),
                        "served": lambda: measure_load(served, [request], connections=CONNECTIONS, seconds=SECONDS),
                        "bare": lambda: measure_load(bare, [request], connections=CONNECTIONS, seconds=SECONDS),
                        "in process": lambda: _measure_in_process(bed, headers, expected=len(body)),
                    },
                    rounds=ROUNDS,
                )
        finally:
            await pool.close()
    query, listed, plain, inside = (measured[side] for side in ("query", "served", "bare", "in process"))
    return [
        plain["rate"].figure(f"{len(body) // 1000} kB, bare ASGI", "req/s"),
        query["rate"].figure("50 items, bare query", "req/s"),
        listed["rate"].figure("50 items, by HTTP", "req/s", to=plain["rate"], to_name="bare ASGI"),
        listed["rate"].figure("the same, beside the query", "req/s", to=query["rate"], to_name="bare query"),
        listed["latency_ms"].figure(f"50 items, by HTTP, {CONNECTIONS} at once: answer", "ms"),
        plain["cpu_ms"].figure("bare ASGI: server CPU", "ms"),
        query["cpu_ms"].figure("50 items, bare query: client CPU", "ms"),
        listed["cpu_ms"].figure("50 items, by HTTP: server CPU", "ms", to=query["cpu_ms"], to_name="bare query"),
        inside["cpu_ms"].figure("50 items, in process: CPU", "ms", to=query["cpu_ms"], to_name="bare query"),
    ]


async def _fill_backpack(bed: Bed, port: int) -> tuple[dict[str, str], UUID, int]:
    """A player with 50 items of every kind in two games; returns the player's headers."""
    from make.backpack import KINDS, post_items
    from make.projects import make_studio

    studio = await make_studio(bed.context)
    player_id = uuid4()
    description = "Burns for a night and a day. Found under the lighthouse of the second island."
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for number, (kind, new) in enumerate(KINDS.items()):
            game = {"external_game_id": f"game-{number % 2}", "game_name": f"The game {number % 2}"}
            items = [new(description=description, **game) for _ in range(ITEMS // 4 + (number < ITEMS % 4))]
            reply = await post_items(client, studio, kind, items, player_id=player_id)
            assert reply.status_code == 201, reply.text
        headers = await studio.player_headers(player_id)
        reply = await client.get(PATH, headers=headers)
        assert len(reply.json()) == ITEMS
    return headers, player_id, studio.project_id


async def _measure_query(pool: "asyncpg.Pool[asyncpg.Record]", player_id: UUID, project_id: int) -> Sample:
    pin([0], MEASURED_CORE)
    statement = compiled(LIST_FOR_PLAYER)
    arguments = statement.arguments(
        {
            "projects": [project_id],
            "player": player_id,
            "any_type": True,
            "types": [],
            "skip": 0,
            "most": ITEMS,
        }
    )
    deadline = time.monotonic() + SECONDS

    async def fetch() -> int:
        count = 0
        async with pool.acquire() as connection:
            while time.monotonic() < deadline:
                rows: list[Any] = await connection.fetch(statement.sql, *arguments)
                assert len(rows) == ITEMS
                count += 1
        return count

    started, before = time.monotonic(), time.process_time()
    queries = sum(await asyncio.gather(*(fetch() for _ in range(CONNECTIONS))))
    return {
        "rate": queries / (time.monotonic() - started),
        "cpu_ms": (time.process_time() - before) / queries * 1000,
    }


async def _measure_in_process(bed: Bed, headers: dict[str, str], *, expected: int) -> Sample:
    pin([0], MEASURED_CORE)
    application = build_application(bed.context)
    scope = scope_of("GET", PATH, headers)
    assert len(await call_in_process(application, scope, b"", status=200)) == expected
    before = time.process_time()
    for _ in range(CALLS):
        await call_in_process(application, scope, b"", status=200)
    return {"cpu_ms": (time.process_time() - before) / CALLS * 1000}

"""Carts of ten lines: reads against a bare ASGI answer of the same bytes, fills against plain single-row commits."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson

from benchmarks.bed import Bed, Served, measure_load, open_bed, serving, serving_bare
from benchmarks.catalog_filling import fill_catalog
from benchmarks.figures import Figure, Sample, Series, interleave
from benchmarks.load import build_request
from benchmarks.processes import MEASURED_CORE, OTHER_CORE, pin
from haversack.limits.queries import set_used

if TYPE_CHECKING:
    from make.projects import Studio

ITEMS = 1_000
LINES = 10
# More than connections, so that no two of them change one cart at once.
PLAYERS = 40
CONNECTIONS = 8
MANY = 32
SECONDS = 0.5
ROUNDS = 13
COMMITS = 4
# As wide as a row of an order's event: an id, a few texts, a moment.
MAKE_TABLE = """
CREATE TABLE plain_rows (
    project_id integer NOT NULL, row_id uuid NOT NULL, sku text NOT NULL, quantity integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (project_id, row_id)
)
"""
INSERT_PLAIN = "INSERT INTO plain_rows (project_id, row_id, sku, quantity) VALUES ($1, $2, $3, $4)"

Requests = Sequence[bytes]


async def run() -> list[Figure]:
    """Reads per second on eight connections, and how long a fill takes alone and at once with others."""
    async with open_bed() as bed, serving(bed) as served:
        from make.projects import make_studio

        studio = await make_studio(bed.context)
        await fill_catalog(bed.context, studio.project_id, ITEMS)
        players = {player: await studio.player_headers(player) for player in (uuid4() for _ in range(PLAYERS))}
        fills, body = await _fill_carts(bed, served, studio, players)
        reads = [build_request("GET", _path(studio), headers) for headers in players.values()]
        pool = await asyncpg.create_pool(bed.url, min_size=CONNECTIONS, max_size=CONNECTIONS)
        try:
            await pool.execute(MAKE_TABLE)
            async with serving_bare(bed, body) as bare:
                # What a fill has changed is shown anew once: reads are of carts that nobody changes meanwhile.
                read = await interleave(
                    {
                        "bare": lambda: _load(bare, [build_request("GET", "/", {})]),
                        "read": lambda: _load(served, reads),
                        "bare, many": lambda: _load(bare, [build_request("GET", "/", {})], connections=MANY),
                        "read, many": lambda: _load(served, reads, connections=MANY),
                    },
                    rounds=ROUNDS,
                )
                filled = await interleave(
                    {
                        "commits": lambda: _measure_commits(pool, studio.project_id, tasks=1),
                        "fill": lambda: _load(served, fills, connections=1),
                        "commits at once": lambda: _measure_commits(pool, studio.project_id, tasks=CONNECTIONS),
                        "fills at once": lambda: _load(served, fills),
                    },
                    rounds=ROUNDS,
                )
        finally:
            await pool.close()
    measured = {**read, **filled}
    return _figures({side: quantities["rate"] for side, quantities in measured.items()}, measured, len(body))


def _figures(rates: Mapping[str, Series], measured: Mapping[str, Mapping[str, Series]], size: int) -> list[Figure]:
    fill_ratio = rates["fill"].ratio(rates["commits"])
    commits = f"{COMMITS} commits"
    return [
        rates["bare"].figure(f"{size / 1000:.1f} kB, bare ASGI", "req/s"),
        _read_figure(rates, "", CONNECTIONS),
        measured["read"]["cpu_ms"].figure(
            "the same: server CPU", "ms", to=measured["bare"]["cpu_ms"], to_name="bare ASGI"
        ),
        _read_figure(rates, ", many", MANY),
        rates["commits"].figure(f"{COMMITS} single-row commits, one after another", "times/s"),
        rates["fill"].figure(
            f"a fill of {LINES} lines, one after another",
            "fills/s",
            to=rates["commits"],
            to_name=commits,
            wanted="at least 1",
            verdict=fill_ratio >= 1,
        ),
        measured["fill"]["latency_ms"].figure("the same: answer", "ms"),
        measured["fill"]["cpu_ms"].figure("the same: server CPU", "ms"),
        rates["commits at once"].figure(f"{COMMITS} single-row commits, {CONNECTIONS} at once", "times/s"),
        # PostgreSQL writes commits that come at once together, so that here it is Python's work that is compared.
        rates["fills at once"].figure(
            f"a fill of {LINES} lines, {CONNECTIONS} at once", "fills/s", to=rates["commits at once"], to_name=commits
        ),
    ]


def _read_figure(rates: Mapping[str, Series], side: str, connections: int) -> Figure:
    """Reads beside a bare answer to as many at once."""
    read, bare = rates[f"read{side}"], rates[f"bare{side}"]
    return read.figure(
        f"a cart of {LINES} lines, with the player's limits, {connections} at once",
        "req/s",
        to=bare,
        to_name="bare ASGI",
        wanted="at least 0.3",
        verdict=read.ratio(bare) >= 0.3,
    )


def _path(studio: "Studio", rest: str = "") -> str:
    return f"/api/v2/project/{studio.project_id}/cart{rest}"


async def _fill_carts(
    bed: Bed, served: Served, studio: "Studio", players: Mapping[UUID, dict[str, str]]
) -> tuple[Requests, bytes]:
    """Fill each player's cart with ten kinds of items, some of whose limits the player has used. The requests that fill
    them again with other quantities, and what a cart looks like."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}", timeout=60) as client:
        shown = (await client.get(f"/api/v2/project/{studio.project_id}/items", params={"limit": 50})).json()["items"]
        chosen = [item for item in shown if item["can_be_bought"] and item["price"]][:LINES]
        assert len(chosen) == LINES
        limited = [item["item_id"] for item in shown if item["limits"] and item["limits"]["per_user"]]
        assert limited
        body, fills = b"", []
        for player, headers in players.items():
            for item_id in limited[:3]:
                await _use(bed, studio, player, item_id)
            for quantity in (1, 2):
                lines = [{"sku": item["sku"], "quantity": quantity} for item in chosen]
                sent = orjson.dumps({"items": lines})
                named = {**headers, "Content-Type": "application/json"}
                (await client.put(_path(studio, "/fill"), content=sent, headers=named)).raise_for_status()
                fills.append(build_request("PUT", _path(studio, "/fill"), named, sent))
            reply = (await client.get(_path(studio), headers=headers)).raise_for_status()
            assert len(reply.json()["items"]) == LINES
            body = reply.content
    # Each cart's fills lie far apart, so that no fill meets another on its cart.
    return [*fills[::2], *fills[1::2]], body


async def _use(bed: Bed, studio: "Studio", player: UUID, item_id: int) -> None:
    project = await bed.context.directory.find_project(studio.project_id)
    assert project is not None
    await set_used(
        bed.context.database.session(), studio.project_id, player, item_id, used=1, window_start=project.clock.now()
    )


def _load(served: Served, requests: Requests, *, connections: int = CONNECTIONS) -> Any:
    return measure_load(served, requests, connections=connections, seconds=SECONDS)


async def _measure_commits(pool: "asyncpg.Pool[asyncpg.Record]", project_id: int, *, tasks: int) -> Sample:
    """How often four rows are written, each by a statement and its transaction: no HTTP, nothing else."""
    pin([0], MEASURED_CORE)
    started = time.monotonic()
    deadline = started + SECONDS
    counts = await asyncio.gather(*(_commit_until(deadline, pool, project_id) for _ in range(tasks)))
    took = time.monotonic() - started
    pin([0], OTHER_CORE)
    return {"rate": sum(counts) / COMMITS / took}


async def _commit_until(deadline: float, pool: "asyncpg.Pool[asyncpg.Record]", project_id: int) -> int:
    count = 0
    async with pool.acquire() as connection:
        while time.monotonic() < deadline:
            await connection.execute(INSERT_PLAIN, project_id, uuid4(), "plain", count)
            count += 1
    return count

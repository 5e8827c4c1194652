"""The client catalog: pages from memory against a bare ASGI answer of the same bytes, and what a write costs."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from benchmarks.bed import Bed, Served, measure_load, open_bed, serving, serving_bare
from benchmarks.catalog_filling import fill_catalog
from benchmarks.figures import Figure, interleave
from benchmarks.load import build_request, load
from benchmarks.processes import EVERY_CORE, HAS_PROC, MEASURED_CORE, MEGABYTE, OTHER_CORE, memory_of, pin
from haversack.catalog.read_model.compiling import compile_catalog
from haversack.catalog.versions import RAISE_VERSION
from haversack.database.notifications import notify
from haversack.limits.queries import set_used

if TYPE_CHECKING:
    from make.projects import Studio

SIZES = (1_000, 10_000, 100_000)
CONNECTIONS = 8
SECONDS = 1.2
ROUNDS = 5
# Signed-in players: as many as connections, so that no two of them ask for the same.
PLAYERS = 8
COMPILES = 5
WRITES = 20
SHELF = "/virtual_items"
TOUCH_ALL = "UPDATE items SET sort_order = sort_order + 1 WHERE project_id = $1"


@dataclass(frozen=True, slots=True)
class _Shop:
    """A project with so many items."""

    studio: "Studio"
    size: int

    @property
    def path(self) -> str:
        return f"/api/v2/project/{self.studio.project_id}/items{SHELF}"


async def run() -> list[Figure]:
    """Pages per second, what a write costs and when it is seen, and the memory of a catalog."""
    async with open_bed() as bed:
        shops = {size: await _make_shop(bed, size) for size in SIZES}
        middle = shops[10_000]
        async with serving(bed) as served:
            figures = await _measure_memory(served, middle)
            figures += await _measure_pages(bed, served, shops)
            figures += await _measure_compiling(bed, middle)
            figures += await _measure_waiting(bed, served, middle)
            figures.append(await _measure_writes(served, served, middle, "a write is seen in its own process", 0.1))
            async with serving(bed) as other:
                figures.append(await _measure_writes(served, other, middle, "a write is seen in another process", 0.5))
                figures += await _measure_two(served, other, middle)
        return figures


async def _make_shop(bed: Bed, size: int) -> _Shop:
    from make.projects import make_studio

    studio = await make_studio(bed.context)
    await fill_catalog(bed.context, studio.project_id, size)
    return _Shop(studio, size)


@asynccontextmanager
async def _client(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}", timeout=60) as client:
        yield client


async def _measure_memory(served: Served, shop: _Shop) -> list[Figure]:
    if not HAS_PROC:
        return []
    async with _client(served) as client:
        # The first request of all makes what has nothing to do with the catalog's size.
        (await client.get("/api/v2/project/1/items")).json()
        before = memory_of(served.pid).resident
        (await client.get(shop.path)).raise_for_status()
        compiled = memory_of(served.pid).resident
        for locale in ("en", "de", "ja"):
            for country in ("", "DE"):
                for offset in range(0, 1000, 50):
                    query = {"locale": locale, "country": country, "offset": offset}
                    (await client.get(shop.path, params=query)).raise_for_status()
        read = memory_of(served.pid).resident
    used = (read - before) / MEGABYTE
    return [
        Figure(name="10,000 items, compiled: memory", value=(compiled - before) / MEGABYTE, unit="MB"),
        Figure(
            name="10,000 items, 120 pages read: memory",
            value=used,
            unit="MB",
            wanted="at most 60 MB",
            verdict=used <= 60,
        ),
    ]


async def _measure_pages(bed: Bed, served: Served, shops: dict[int, _Shop]) -> list[Figure]:
    middle = shops[10_000]
    players = {
        player_id: await middle.studio.player_headers(player_id) for player_id in (uuid4() for _ in range(PLAYERS))
    }
    async with _client(served) as client:
        first = (await client.get(middle.path)).raise_for_status()
        body, etag = first.content, first.headers["etag"]
        limited = [item["item_id"] for item in first.json()["items"] if item["limits"]]
        assert limited
        for number, (player_id, headers) in enumerate(players.items()):
            for place, item_id in enumerate(limited):
                # No two players have used the same.
                await _use(bed, middle, player_id, item_id, used=1 + (number >> place) % 2)
            mine = (await client.get(middle.path, headers=headers)).raise_for_status()
            assert mine.content != body
        for shop in shops.values():
            (await client.get(shop.path)).raise_for_status()
    requests = {
        "anonymous": [build_request("GET", middle.path, {})],
        "not modified": [build_request("GET", middle.path, {"If-None-Match": etag})],
        "signed in": [build_request("GET", middle.path, headers) for headers in players.values()],
        "of 1,000": [build_request("GET", shops[1_000].path, {})],
        "of 100,000": [build_request("GET", shops[100_000].path, {})],
    }
    async with serving_bare(bed, body) as bare:
        sides: dict[str, Any] = {
            name: _load_of(served, sent, status=304 if name == "not modified" else 200)
            for name, sent in requests.items()
        }
        sides["bare"] = _load_of(bare, [build_request("GET", "/", {})])
        measured = await interleave(sides, rounds=ROUNDS)
    rates = {name: quantities["rate"] for name, quantities in measured.items()}
    bare_rate, size = rates["bare"], f"{len(body) // 1000} kB"

    def against_bare(name: str, title: str, least: float) -> Figure:
        ratio = rates[name].ratio(bare_rate)
        return rates[name].figure(
            title, "req/s", to=bare_rate, to_name="bare ASGI", wanted=f"at least {least}", verdict=ratio >= least
        )

    slower = measured["of 100,000"]["cpu_ms"].ratio(measured["of 1,000"]["cpu_ms"])
    return [
        bare_rate.figure(f"{size}, bare ASGI", "req/s"),
        against_bare("anonymous", f"page of 50 of 10,000, anonymous, {size}", 0.70),
        against_bare("not modified", "the same, 304", 0.80),
        against_bare("signed in", f"the same, signed in, {len(limited)} limits used", 0.25),
        measured["of 100,000"]["cpu_ms"].figure(
            "page of 50 of 100,000: server CPU",
            "ms",
            to=measured["of 1,000"]["cpu_ms"],
            to_name="page of 1,000",
            wanted="at most 1.2",
            verdict=slower <= 1.2,
        ),
    ]


def _load_of(served: Served, requests: Sequence[bytes], *, status: int = 200) -> Any:
    return lambda: measure_load(served, requests, connections=CONNECTIONS, seconds=SECONDS, status=status)


async def _use(bed: Bed, shop: _Shop, player_id: Any, item_id: int, *, used: int) -> None:
    project = await bed.context.directory.find_project(shop.studio.project_id)
    assert project is not None
    await set_used(
        bed.context.database.session(),
        shop.studio.project_id,
        player_id,
        item_id,
        used=used,
        window_start=project.clock.now(),
    )


async def _measure_compiling(bed: Bed, shop: _Shop) -> list[Figure]:
    """Compiling in this process: all of it, and after one write."""
    pin([0], MEASURED_CORE)
    db, project_id = bed.context.database.session(), shop.studio.project_id
    whole, single = [], []
    old = await compile_catalog(db, project_id, None)
    for number in range(COMPILES):
        started = time.monotonic()
        old = await compile_catalog(db, project_id, None)
        whole.append(time.monotonic() - started)
        async with bed.context.database.connection() as connection:
            await connection.execute(
                "UPDATE items SET sort_order = $2 WHERE project_id = $1 AND item_id = $3",
                project_id,
                number,
                old.ordered[number].item_id,
            )
        started = time.monotonic()
        await compile_catalog(db, project_id, old)
        single.append(time.monotonic() - started)
    pin([0], OTHER_CORE)
    return [
        _seconds("compiling 10,000 items", whole, wanted=1.0),
        _seconds("compiling them after one write", single, wanted=0.1),
    ]


def _seconds(name: str, values: Sequence[float], *, wanted: float) -> Figure:
    middle = sorted(values)[len(values) // 2]
    return Figure(
        name=name,
        value=middle * 1000,
        unit="ms",
        spread=(min(values) * 1000, max(values) * 1000),
        wanted=f"at most {wanted * 1000:.0f} ms",
        verdict=middle <= wanted,
    )


async def _measure_waiting(bed: Bed, served: Served, shop: _Shop) -> list[Figure]:
    """The longest wait of a request while everything is compiled anew, beside the longest while nothing is."""
    requests = [build_request("GET", shop.path, {})]
    quiet = await load(served.port, requests, connections=1, seconds=2)
    loading = asyncio.create_task(load(served.port, requests, connections=1, seconds=3))
    async with bed.context.database.connection() as connection:
        await connection.execute(TOUCH_ALL, shop.studio.project_id)
    db = bed.context.database.session()
    async with db.begin():
        version = await db.fetch_value(RAISE_VERSION, project=shop.studio.project_id)
        await notify(db, "catalog", f"{shop.studio.project_id}:{version}")
    busy = await loading
    longest = max(busy.latencies) * 1000
    return [
        Figure(name="longest wait, nothing compiled", value=max(quiet.latencies) * 1000, unit="ms"),
        Figure(
            name="longest wait while all 10,000 change",
            value=longest,
            unit="ms",
            wanted="at most 50 ms",
            verdict=longest <= 50,
        ),
    ]


async def _measure_writes(served: Served, other: Served, shop: _Shop, name: str, wanted: float) -> Figure:
    """From the answer to an admin's write in one process until the catalog of a process shows it."""
    took = []
    admin = f"/api/v2/project/{shop.studio.project_id}/admin/items/virtual_items/sku"
    async with _client(served) as writer, _client(other) as reader:
        shown = (await reader.get(shop.path)).json()["items"][0]
        for number in range(WRITES):
            text = f"{name}: {number}"
            body = {
                "sku": shown["sku"],
                "name": {"en": text},
                "description": None,
                "order": 0,
                "prices": [{"amount": 5.99, "currency": "USD", "is_default": True, "is_enabled": True}],
            }
            reply = await writer.put(f"{admin}/{shown['sku']}", json=body, auth=shop.studio.basic)
            assert reply.is_success, reply.text
            written = time.monotonic()
            await _until_shown(reader, shop, text)
            took.append(time.monotonic() - written)
    return _seconds(name, took, wanted=wanted)


async def _measure_two(served: Served, other: Served, shop: _Shop) -> list[Figure]:
    """What two processes answer together, each on a core of its own, by the CPU that each page costs them: the machine
    of these figures has no third core for the load and PostgreSQL, so that two servers at full speed cannot be seen.

    Each process has as many clients as the one alone: with half of them a signed-in page costs one process alone a
    third more, because fewer players share a read, and that has nothing to do with the other process.
    """
    pin([other.pid], OTHER_CORE)
    headers = [await shop.studio.player_headers(uuid4()) for _ in range(PLAYERS)]
    figures = []
    for name, requests in (
        ("anonymous", [build_request("GET", shop.path, {})]),
        ("signed in", [build_request("GET", shop.path, each) for each in headers]),
    ):

        async def alone(each: Served, requests: Sequence[bytes] = requests) -> dict[str, float]:
            return {"cpu_ms": (await _load(each, requests))["cpu_ms"]}

        async def both(requests: Sequence[bytes] = requests) -> dict[str, float]:
            one, two = await asyncio.gather(_load(served, requests), _load(other, requests))
            return {"one": one["cpu_ms"], "two": two["cpu_ms"]}

        sides = {"one": partial(alone, served), "two": partial(alone, other), "both": both}
        measured = await interleave(sides, rounds=ROUNDS)
        # What is left to each of them while the other one works.
        times = sum(measured[name]["cpu_ms"].ratio(measured["both"][name]) for name in ("one", "two"))
        figures.append(
            Figure(
                name=f"two processes, {name}: pages of two cores by CPU",
                value=times,
                unit="times one",
                wanted="at least 1.8",
                verdict=times >= 1.8,
            )
        )
    return figures


async def _load(served: Served, requests: Sequence[bytes]) -> dict[str, float]:
    return await measure_load(served, requests, connections=CONNECTIONS, seconds=SECONDS, load_on=EVERY_CORE)


async def _until_shown(client: httpx.AsyncClient, shop: _Shop, name: str) -> None:
    while not any(item["name"] == name for item in (await client.get(shop.path)).json()["items"]):  # noqa: ASYNC110
        await asyncio.sleep(0)

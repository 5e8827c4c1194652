"""Codes: one that 200 redeem at once, against the bare conditional UPDATE; a million made, and looked up among them."""

import asyncio
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import orjson

from benchmarks.bed import Bed, Served, measure_load, open_bed, serving
from benchmarks.figures import Figure, Sample, Series, interleave
from benchmarks.load import build_request
from benchmarks.processes import MEASURED_CORE, pin
from haversack.database.embedded.lodging import find_programs
from haversack.promotions.queries import find_by_code

PLAYERS = 2_000
CONNECTIONS = 200
# As many as a process of the server has: more would wait for each other at the row for longer.
DATABASE_CONNECTIONS = 10
SECONDS = 3.0
ROUNDS = 5
WANTED_PART = 0.4
PLAYER = "00000000-0000-4000-8000-{:012d}"
LIMIT = 2_000_000_000
HOT_CODE = "SUMMER2026"

GENERATED = 100_000
CALLS = 10
WANTED_SECONDS = 60
LOOKS = 2_000
WANTED_SLOWER = 1.5


async def run() -> list[Figure]:
    """Redemptions per second, all committed; the seconds for a million codes; a look-up before and after."""
    async with open_bed() as bed, serving(bed) as served:
        studio, headers = await _prepare(bed, served)
        project_id: int = studio.project_id
        script = bed.folder / "update.sql"
        script.write_text(
            f"UPDATE promotion_codes SET used = used + 1 WHERE project_id = {project_id}"
            f" AND code = 'BARE' AND used < {LIMIT};\n"
        )
        measured = await interleave(
            {
                "bare": lambda: _measure_bare(bed, script),
                "served": lambda: _measure_served(served, project_id, headers),
            },
            rounds=ROUNDS,
        )
        return [*_hot_figures(measured), *await _measure_many(bed, served, studio)]


def _hot_figures(measured: Mapping[str, Mapping[str, Series]]) -> list[Figure]:
    bare, by_http = measured["bare"], measured["served"]
    part = by_http["rate"].ratio(bare["rate"])
    return [
        bare["rate"].figure("one row, conditional UPDATE", "updates/s"),
        by_http["rate"].figure(
            "one coupon, by HTTP, 200 at once",
            "redeemed/s",
            to=bare["rate"],
            to_name="the UPDATE",
            wanted=f"at least {WANTED_PART} of the UPDATE",
            verdict=part >= WANTED_PART,
        ),
        by_http["latency_ms"].figure("one coupon, by HTTP, 200 at once: answer", "ms"),
        by_http["cpu_ms"].figure("one coupon, by HTTP: server CPU", "ms"),
    ]


async def _prepare(bed: Bed, served: Served) -> tuple[Any, list[dict[str, str]]]:
    """A coupon with every limit that gives an item and a currency: the studio, and each player's headers."""
    from make import catalog, codes
    from make.projects import make_studio

    studio = await make_studio(bed.context)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}") as client:
        await catalog.make_item(client, studio, "virtual_currency", catalog.virtual_currency(sku="gold"))
        lamp = catalog.virtual_item(sku="lamp", inventory_options={"consumable": {"usages_count": 1}})
        await catalog.make_item(client, studio, "virtual_item", lamp)
        limits = {f"redeem_{what}_limit": LIMIT for what in ("total", "user", "code")}
        body = codes.coupon("lamp", "gold", **limits)
        await codes.make_coded(client, studio, codes.COUPON, body, HOT_CODE, "BARE")
        many = codes.promo_code(external_id="many")
        await codes.make_coded(client, studio, codes.PROMO_CODE, many, "FIRST", is_enabled=False)
    players = [UUID(PLAYER.format(number)) for number in range(1, PLAYERS + 1)]
    return studio, [await studio.player_headers(player_id) for player_id in players]


async def _measure_bare(bed: Bed, script: Path) -> Sample:
    """The statement that decides who gets the last use, alone, on the core that the server has in its turn."""
    address = urlsplit(bed.url)
    options = parse_qs(address.query)
    environment = {
        **os.environ,
        "PGHOST": options["host"][0],
        "PGPORT": options["port"][0],
        "PGUSER": address.username or "",
        "PGPASSWORD": address.password or "",
        "PGDATABASE": address.path.lstrip("/"),
    }
    process = await asyncio.create_subprocess_exec(
        str(find_programs() / "bin" / "pgbench"),
        *("-n", "-M", "prepared", "-c", str(DATABASE_CONNECTIONS), "-j", "1"),
        *("-T", str(int(SECONDS)), "-f", str(script)),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    pin([process.pid], MEASURED_CORE)
    out, err = await process.communicate()
    found = re.search(rb"tps = ([0-9.]+)", out)
    if process.returncode or found is None:
        raise RuntimeError(f"pgbench ended with {process.returncode}: {err.decode()}")
    return {"rate": float(found[1])}


async def _measure_served(served: Served, project_id: int, headers: Sequence[Mapping[str, str]]) -> Sample:
    path, body = f"/api/v2/project/{project_id}/coupon/redeem", orjson.dumps({"coupon_code": HOT_CODE})
    json = {"Content-Type": "application/json"}
    requests = [build_request("POST", path, {**each, **json}, body) for each in headers]
    return await measure_load(served, requests, connections=CONNECTIONS, seconds=SECONDS)


async def _measure_many(bed: Bed, served: Served, studio: Any) -> list[Figure]:
    project_id = studio.project_id
    path = f"/api/v2/project/{project_id}/admin/promocode/many/code/generate"
    few = await _look_up(bed, project_id)
    started = time.monotonic()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}", timeout=WANTED_SECONDS) as client:
        for _ in range(CALLS):
            reply = await client.put(path, json={"count": GENERATED}, auth=studio.basic)
            assert reply.status_code == 200, reply.text
    seconds = time.monotonic() - started
    many = await _look_up(bed, project_id)
    return [
        Figure(
            name="1,000,000 codes, ten calls",
            value=seconds,
            unit="s",
            wanted=f"within {WANTED_SECONDS} s",
            verdict=seconds <= WANTED_SECONDS,
        ),
        Figure(name="a code among few: look-up", value=few * 1000, unit="ms"),
        Figure(
            name="a code among 1,000,000: look-up",
            value=many * 1000,
            unit="ms",
            ratio=many / few,
            ratio_to="among few",
            wanted=f"at most {WANTED_SLOWER} of that",
            verdict=many / few <= WANTED_SLOWER,
        ),
    ]


async def _look_up(bed: Bed, project_id: int) -> float:
    """The seconds that finding what a code opens takes, on one connection."""
    db = bed.context.database.session()
    async with db.keep_connection():
        for _ in range(LOOKS // 4):
            assert await find_by_code(db, project_id, "FIRST") is not None
        started = time.monotonic()
        for _ in range(LOOKS):
            await find_by_code(db, project_id, "FIRST")
        return (time.monotonic() - started) / LOOKS

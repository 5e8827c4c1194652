"""What an idle process holds in memory after it has answered 100 requests, and PostgreSQL beside it."""

from pathlib import Path
from uuid import uuid4

import httpx

from benchmarks.bed import HAVERSACK, Served, open_bed, running, serving, temporary_folder
from benchmarks.figures import Figure
from benchmarks.processes import HAS_PROC, MEGABYTE, descendants, free_port, memory_of
from haversack.demo.seed import read_demo

REQUESTS = 100
SERVE_MEGABYTES_WANTED = 150


async def run() -> list[Figure]:
    """Megabytes of `serve` and `dev`; Linux only."""
    if not HAS_PROC:
        return []
    return [*await _measure_serve(), *await _measure_dev()]


async def _measure_serve() -> list[Figure]:
    async with open_bed() as bed, serving(bed) as served:
        from make.backpack import KINDS
        from make.projects import make_studio

        studio = await make_studio(bed.context)
        started = _figure("serve, started: resident", memory_of(served.pid).resident)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}", timeout=60) as client:
            headers = await studio.host_headers(client)
            player_id = uuid4()
            for number in range(REQUESTS // 2):
                kind = list(KINDS)[number % len(KINDS)]
                path = f"{studio.backpack}/user/{player_id}/{kind}"
                reply = await client.post(path, headers=headers, json=[KINDS[kind]() for _ in range(20)])
                assert reply.status_code == 201, reply.text
            await _list(client, await studio.player_headers(player_id), "/web/backpack/items")
            (await client.get("/openapi.json")).raise_for_status()
        used = memory_of(served.pid)
    return [
        started,
        _figure("serve, 100 requests: resident", used.resident, wanted=SERVE_MEGABYTES_WANTED),
        _figure("serve, 100 requests: its share", used.proportional),
    ]


async def _measure_dev() -> list[Figure]:
    port = free_port()
    with temporary_folder() as folder:
        command = [str(HAVERSACK), "dev", "--folder", str(folder / "haversack"), "--port", str(port)]
        async with running(command, port, folder=folder, environment={}) as served:
            await _use_demo(folder / "haversack", served)
            used = memory_of(served.pid)
            others = [memory_of(pid).proportional for pid in descendants(served.pid)[1:]]
    return [
        _figure("dev, 100 requests: resident", used.resident),
        _figure("dev, 100 requests: its share", used.proportional),
        _figure(f"dev, its PostgreSQL ({len(others)} processes): share", sum(others)),
    ]


async def _use_demo(folder: Path, served: Served) -> None:
    demo = read_demo(folder)
    assert demo is not None
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}", timeout=60) as client:
        form = {
            "grant_type": "client_credentials",
            "client_id": str(demo.client_id),
            "client_secret": demo.client_secret,
        }
        reply = (await client.post("/api/oauth2/token", data=form)).raise_for_status()
        headers = {"X-HOST-ID": demo.host_id, "Authorization": f"Bearer {reply.json()['access_token']}"}
        base = f"/web/backpack/merchants/{demo.merchant_id}/projects/{demo.project_id}"
        for _ in range(2):
            await _list(client, headers, f"{base}/users/{demo.player_id}/items")
        (await client.get("/openapi.json")).raise_for_status()


async def _list(client: httpx.AsyncClient, headers: dict[str, str], path: str) -> None:
    for _ in range(REQUESTS // 2):
        (await client.get(path, headers=headers)).raise_for_status()


def _figure(name: str, size: int, *, wanted: int | None = None) -> Figure:
    megabytes = size / MEGABYTE
    if wanted is None:
        return Figure(name=name, value=megabytes, unit="MB")
    return Figure(name=name, value=megabytes, unit="MB", wanted=f"at most {wanted} MB", verdict=megabytes <= wanted)

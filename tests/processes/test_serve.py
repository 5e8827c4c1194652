"""`haversack serve`: what it refuses to start with, how it starts, ends and shares the port, and what it leaves out."""

import asyncio
import re
import signal
from pathlib import Path

import httpx
import pytest

from haversack.projects.actions import create_project
from haversack.projects.keys import KeyKind
from haversack.webhooks.actions import publish
from haversack.webhooks.queries.inspector import find_delivery
from haversack.webhooks.records import DeliveryStatus, Purpose
from make.backpack import new_virtual_item
from make.projects import make_studio
from make.webhooks import make_event
from processes.running import (
    HAVERSACK,
    KEY,
    Finished,
    free_port,
    invoke,
    is_alive,
    run,
    started,
    until,
    until_gone,
)
from processes.serving import Serving, Shop, serve

LAST_LINE = "haversack serve does not start like this."


def refused(ended: Finished) -> str:
    """What `serve` said that did not start."""
    said = ended.refused()
    assert LAST_LINE in said
    assert ended.out == ""
    return said


async def test_without_settings(tmp_path: Path) -> None:
    said = refused(await run(tmp_path, "serve", outbound_allow_loopback=True))
    for word in ("HAVERSACK_DATABASE_URL is not set", "HAVERSACK_ENCRYPTION_KEY is not set", "ALLOW_LOOPBACK is on"):
        assert word in said


async def test_a_database_without_a_schema_and_a_short_key(empty_database: str) -> None:
    said = refused(await invoke("serve", database_url=empty_database, encryption_key="short"))
    assert "The database is at revision none" in said
    assert "run `haversack migrate`" in said
    assert "HAVERSACK_ENCRYPTION_KEY is shorter than 32 characters." in said


async def test_an_old_schema_and_the_demo_project(shop: Shop) -> None:
    await create_project(shop.context, name="Demo", merchant_name="Demo", kind=KeyKind.PROJECT_TEST, is_demo=True)
    said = refused(await invoke("serve", **shop.settings))
    assert "The database holds the demo project" in said
    async with shop.context.database.connection() as connection:
        await connection.execute("UPDATE alembic_version SET version_num = 'catalog'")
    said = refused(await invoke("serve", **shop.settings))
    assert "The database is at revision catalog, this version needs " in said
    assert "run `haversack migrate`" in said


async def test_a_schema_of_a_newer_version(shop: Shop) -> None:
    async with shop.context.database.connection() as connection:
        await connection.execute("UPDATE alembic_version SET version_num = 'to_come'")
    sentence = "The database is at revision to_come, which this version does not know: a newer one has migrated it."
    said = refused(await invoke("serve", **shop.settings))
    assert sentence in said
    # It would not help.
    assert "haversack migrate" not in said
    for command in ("migrate", "verify"):
        assert sentence in (await invoke(command, **shop.settings)).refused()
    assert sentence in (await invoke("doctor", **shop.settings)).out


@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("database_url", "mysql://u:hushhush@127.0.0.1/db", "HAVERSACK_DATABASE_URL must look like postgresql://"),
        (
            "database_url",
            "postgresql://u:hush/hush@127.0.0.1/db",
            "HAVERSACK_DATABASE_URL must look like postgresql://",
        ),
        ("log_level", "hushhush", "HAVERSACK_LOG_LEVEL must be debug, info,"),
        ("port", "hushhush", "HAVERSACK_PORT: "),
        ("outbound_allow_private", "hushhush", "HAVERSACK_OUTBOUND_ALLOW_PRIVATE must be a JSON list"),
        ("payment_page_frames", "hushhush", "HAVERSACK_PAYMENT_PAGE_FRAMES must be a JSON list"),
        ("payment_page_frames", '["https://hush; img-src *"]', "HAVERSACK_PAYMENT_PAGE_FRAMES must be sites such as"),
        ("public_url", "hush.example.com", "HAVERSACK_PUBLIC_URL must look like https://"),
    ],
)
async def test_a_setting_that_nothing_can_be_done_with(setting: str, value: str, word: str) -> None:
    said = (await invoke("serve", **{"encryption_key": KEY, setting: value})).refused(status=2)
    assert word in said
    assert "hush" not in said


async def test_a_database_that_is_not_there() -> None:
    url = f"postgresql://u:hushhush@127.0.0.1:{free_port()}/db"
    said = refused(await invoke("serve", database_url=url, encryption_key=KEY))
    assert "The database cannot be reached: " in said
    assert "hush" not in said


async def test_two_processes(shop: Shop) -> None:
    async with serve(shop, "--processes", "2") as first:
        assert f"Haversack listens at 127.0.0.1:{first.port} with 2 process(es)." in first.running.out
        pids = await processes_of(first)
        assert len(pids) == 2
        await leaves_the_demo_out(first.client)
        await answers(shop, first.client)

        said = (await invoke("serve", **shop.settings, port=first.port)).refused()
        assert f"Something listens at 127.0.0.1, port {first.port} already" in said

        # What was killed alone leaves processes behind that end by themselves: they hold the port.
        await first.running.kill()
        await until_gone(*pids)
    async with serve(shop, "--processes", "2", port=first.port) as second:
        await answers(shop, second.client)
        pids = await processes_of(second)
        ended = await second.running.terminate()
        assert ended.status == 0
        assert "Traceback" not in ended.said
        assert not any(is_alive(pid) for pid in pids)


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_told_to_end_with_a_request_under_way(shop: Shop, processes: str) -> None:
    async with serve(shop, "--no-worker", "--processes", processes) as serving:
        reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
        head = b"POST /api/oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        writer.write(head + b"Content-Length: 12\r\n\r\ngrant_")
        # Whatever is behind it has been read once another is answered.
        await serving.client.get("/openapi.json")
        serving.running.process.send_signal(signal.SIGTERM)
        await until(lambda: refuses_connections(serving.port), "nobody can connect any more")
        assert is_alive(serving.running.pid)
        writer.write(b"type=x")
        assert b" 422 " in await reader.readline()
        writer.transport.abort()
        assert (await serving.running.finish()).status == 0


async def refuses_connections(port: int) -> bool:
    """Whether nobody listens."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.transport.abort()
    return False


async def test_one_process_without_a_worker(shop: Shop) -> None:
    # What is for development has no say here.
    async with serve(shop, "--no-worker", mode="development") as serving:
        await answers(shop, serving.client)
        await refuses_test_keys(shop, serving.client)
        await leaves_the_demo_out(serving.client)
        ended = await serving.running.interrupt()
        assert ended.status == 0
        assert "Traceback" not in ended.said


async def test_a_worker_of_its_own(shop: Shop, empty_database: str) -> None:
    said = (await invoke("worker", database_url=empty_database, encryption_key=KEY)).refused()
    assert "The database is at revision none" in said
    assert "haversack worker does not start like this." in said
    delivery_id = await publish_something(shop)
    async with started(shop.folder, str(HAVERSACK), "worker", settings=shop.settings) as worker:
        await until(lambda: is_settled(shop, delivery_id), "the worker has had the delivery")
        ended = await worker.terminate()
        assert (ended.status, ended.said) == (0, "")


async def publish_something(shop: Shop) -> int:
    """An event that nobody is set up to receive; the delivery's id."""
    project = await shop.context.directory.find_project(shop.studio.project_id)
    assert project is not None
    db = shop.context.database.session()
    async with db.begin():
        return await publish(db, project, make_event(), purpose=Purpose.STORE, player_key="player")


async def is_settled(shop: Shop, delivery_id: int) -> bool:
    """Whether a worker has had the delivery."""
    db = shop.context.database.session()
    found = await find_delivery(db, delivery_id, project_id=shop.studio.project_id)
    assert found is not None
    return found.row.status is DeliveryStatus.FAILED


async def leaves_the_demo_out(client: httpx.AsyncClient) -> None:
    """What exists on a developer's machine only must not exist here."""
    for path in ("/demo/game", "/demo/game/webhook", "/demo/", "/demo/%00", "/demo/../content.py", "/static/nothing"):
        assert (await client.get(path)).status_code == 404
        assert (await client.post(path, json={})).status_code == 404
    assert "/demo/game" not in (await client.get("/openapi.json")).text


async def refuses_test_keys(shop: Shop, client: httpx.AsyncClient) -> None:
    """What was made for development opens nothing, whichever call it is; live keys of the same merchant do."""
    test = await make_studio(shop.context, kind=KeyKind.PROJECT_TEST)
    for studio, status in ((test, 401), (shop.studio, 200)):
        settings = f"/api/v2/project/{studio.project_id}/admin/items/virtual_items"
        assert (await client.get(settings, auth=studio.basic)).status_code == status
        merchant = httpx.BasicAuth(str(studio.merchant_id), studio.merchant_key)
        reply = await client.get(f"/api/v2/merchant/{studio.merchant_id}/projects", auth=merchant)
        assert reply.status_code == status
        form = {
            "grant_type": "client_credentials",
            "client_id": str(studio.client_id),
            "client_secret": studio.client_secret,
        }
        reply = await client.post("/api/oauth2/token", data=form)
        assert reply.status_code == (200 if studio is shop.studio else 400)
        assert ("made for development" in reply.text) is (studio is test)


async def answers(shop: Shop, client: httpx.AsyncClient) -> None:
    """The server does its work: a token, a write, a read."""
    url = f"{shop.studio.backpack}/user/{shop.studio.host_id}/virtual_items"
    headers = await shop.studio.host_headers(client)
    assert (await client.post(url, json=[new_virtual_item()], headers=headers)).status_code == 201


async def processes_of(serving: Serving) -> list[int]:
    """The processes that answer, as the log names them."""

    async def named() -> list[int]:
        found = re.findall(r"Started server process \[(\d+)\]", serving.running.err)
        return [int(each) for each in found] if len(found) == 2 else []

    return await until(named, "both processes have started")

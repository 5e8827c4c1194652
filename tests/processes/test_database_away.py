"""The database goes away under a running `serve` and comes back: 503 meanwhile, and no restart."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from haversack.database.embedded import EmbeddedDatabase
from haversack.database.migrate import migrate
from make.backpack import new_virtual_item
from processes.running import postgres_of, until, until_gone
from processes.serving import Serving, Shop, open_shop, serve


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[EmbeddedDatabase]:
    """A PostgreSQL of the test's own, which it may end."""
    async with EmbeddedDatabase(tmp_path / "postgres", options={"fsync": "off"}) as server:
        await migrate(server.url)
        yield server


class Calls:
    """A read and a write, and a caller who is still to be looked up."""

    def __init__(self, shop: Shop, serving: Serving) -> None:
        self._studio = shop.studio
        self._client = serving.client

    async def all(self) -> list[httpx.Response]:
        """What each of them is answered."""
        headers = await self._studio.host_headers(self._client)
        studio, client = self._studio, self._client
        url = f"{studio.backpack}/user/{studio.host_id}/virtual_items"
        return [
            await client.get(f"{studio.backpack}/games", headers=headers),
            await client.post(url, json=[new_virtual_item()], headers=headers),
            await client.get(f"/api/v2/project/{studio.project_id}/admin/webhook", auth=studio.basic),
            await client.get("/health"),
        ]

    async def statuses(self) -> list[int]:
        """Their statuses."""
        return [reply.status_code for reply in await self.all()]


WELL = [200, 201, 404, 200]
AWAY = [503, 503, 503, 503]


async def test_it_goes_and_comes_back(postgres: EmbeddedDatabase, tmp_path: Path) -> None:
    async with open_shop(postgres.url, tmp_path) as shop, serve(shop) as serving:
        calls = Calls(shop, serving)
        assert await calls.statuses() == WELL

        await postgres.stop()
        await until(lambda: is_answered(calls, AWAY), "503 is answered")
        for reply in await calls.all():
            assert int(reply.headers["retry-after"]) >= 1
            assert "cannot reach its database" in reply.text
        # Neither pages nor files need it.
        assert (await serving.client.get("/openapi.json")).status_code == 200
        assert (await serving.client.get("/backpack")).status_code == 200

        await postgres.start()
        await until(lambda: is_answered(calls, WELL), "it is well again")

        # Not in order: kill -9, after which the server recovers from its log.
        pid = postgres_of(tmp_path / "postgres")
        os.kill(pid, signal.SIGKILL)
        await until_gone(pid)
        await until(lambda: is_answered(calls, AWAY), "503 is answered")
        await postgres.stop()
        await postgres.start()
        await until(lambda: is_answered(calls, WELL), "it is well again")
        assert "Traceback" not in serving.running.err
        assert (await serving.running.terminate()).status == 0


async def test_its_password_changes(postgres: EmbeddedDatabase, tmp_path: Path) -> None:
    role, password = urlsplit(postgres.url).username, urlsplit(postgres.url).password
    async with open_shop(postgres.url, tmp_path) as shop, serve(shop) as serving:
        calls = Calls(shop, serving)
        assert await calls.statuses() == WELL
        administrator = await asyncpg.connect(postgres.url)
        try:
            for new, statuses in (("another password", AWAY), (password, WELL)):
                await administrator.execute(f"ALTER ROLE \"{role}\" PASSWORD '{new}'")
                await administrator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                )
                await until(lambda statuses=statuses: is_answered(calls, statuses), f"{statuses} is answered")
        finally:
            await administrator.close()
        assert "the database is away: password authentication failed" in serving.running.err
        assert "Traceback" not in serving.running.err


async def is_answered(calls: Calls, statuses: list[int]) -> bool:
    """Whether the calls are answered so. Nothing else than well or away may be answered on the way."""
    found = await calls.statuses()
    assert all(each in (good, 503) for each, good in zip(found, WELL, strict=True)), found
    return found == statuses

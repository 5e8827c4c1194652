"""How `haversack dev` ends and starts again: in order, by a signal in the midst of its start, by kill -9."""

from dataclasses import asdict, replace
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import orjson

from haversack.context import Context
from haversack.database.embedded import running_url
from haversack.demo.content import ITEMS
from haversack.demo.seed import DEMO_FILE, seed_demo
from haversack.private_files import write_private_file
from make.projects import Studio
from processes.running import Finished, free_port, is_alive, postgres_of, until, until_gone
from processes.screens import Dev, dev, dev_process


async def receive_something(dev: Dev) -> str:
    """Receive an item in the demo's game, and give its SKU."""
    headers = {"Authorization": f"Bearer {dev.screen.player_token}"}
    async with httpx.AsyncClient(base_url=dev.url, headers=headers, timeout=30) as client:
        held = (await client.get("/web/backpack/items", params={"item_type": "virtual_item"})).json()
        item = next(each for each in held if not each["platform"])
        body = {"item_id": item["item_id"], "user_game_id": f"juno-{uuid4().hex[:6]}"}
        reply = await client.post("/web/backpack/virtual_items/move_to_game", json=body)
        assert reply.status_code == 200, reply.text
        given = (await client.get("/demo/game")).json()
        assert given[-1]["player"] == body["user_game_id"]
    return str(item["item_sku"])


async def held_skus(dev: Dev) -> set[str]:
    """The SKUs of what the demo's player holds."""
    headers = {"Authorization": f"Bearer {dev.screen.player_token}"}
    async with httpx.AsyncClient(base_url=dev.url, headers=headers) as client:
        reply = await client.get("/web/backpack/items", params={"limit": 100})
    return {item["item_sku"] for item in reply.json()}


async def test_every_end_and_the_next_start(tmp_path: Path) -> None:
    async with dev(tmp_path, free_port()) as first:
        rows = first.screen.rows
        skus = await held_skus(first)
        received = {await receive_something(first)}
        postgres = postgres_of(first.folder)
        ended = await first.running.interrupt()
        assert (ended.status, ended.err) == (0, "")
        assert not is_alive(postgres)
        assert running_url(first.folder) is None

    # At another port, where the demo's game has to be found too.
    async with dev(tmp_path, free_port()) as second:
        assert second.screen.rows == rows
        assert await held_skus(second) == skus - received
        received.add(await receive_something(second))
        postgres = postgres_of(second.folder)
        await second.running.kill()
        await until_gone(postgres)

    async with dev(tmp_path, free_port()) as third:
        assert third.screen.rows == rows
        assert await held_skus(third) == skus - received
        postgres = postgres_of(third.folder)
        ended = await third.running.terminate()
        assert (ended.status, ended.err) == (0, "")
        assert not is_alive(postgres)


async def test_a_first_start_that_is_broken_off_again_and_again(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    def stopped_in_order(ended: Finished) -> None:
        assert (ended.status, ended.out, ended.err) == (0, "", "Stopped before it was ready.\n")
        assert running_url(folder) is None

    async with dev_process(tmp_path, free_port()) as running:
        await until(lambda: (folder / "lock").exists(), "the folder is taken")
        await running.kill()
    async with dev_process(tmp_path, free_port()) as running:
        await until(lambda: (folder / "postgres.log").exists(), "the database is made")
        stopped_in_order(await running.interrupt())
    async with dev_process(tmp_path, free_port()) as running:
        await until(lambda: (folder / "postgres" / "postmaster.pid").exists(), "the database starts")
        await running.kill()
    async with dev_process(tmp_path, free_port()) as running:
        await until(lambda: running_url(folder), "the database is ready")
        stopped_in_order(await running.terminate())
    async with dev_process(tmp_path, free_port()) as running:
        await until(lambda: is_being_seeded(folder), "the demo is made")
        await running.kill()
    async with dev(tmp_path, free_port()) as last:
        assert await held_skus(last) == {item.sku for item in ITEMS}


async def is_being_seeded(folder: Path) -> bool:
    """Whether the database has a project already."""
    url = running_url(folder)
    if url is None:
        return False
    try:
        connection = await asyncpg.connect(url)
        try:
            return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM projects)"))
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError):
        return False


async def test_an_old_demo_beside_a_database_made_anew(context: Context, studio: Studio, tmp_path: Path) -> None:
    """Projects of a database made anew have the numbers of the old ones: the file must not speak for them."""
    own = replace(context, settings=context.settings.model_copy(update={"data_folder": tmp_path}))
    demo = await seed_demo(own)
    assert await seed_demo(own) == demo
    write_private_file(tmp_path / DEMO_FILE, orjson.dumps(asdict(replace(demo, project_id=studio.project_id))))
    made = await seed_demo(own)
    assert made.project_id not in (demo.project_id, studio.project_id)
    assert made.api_key != demo.api_key
    assert await seed_demo(own) == made


def test_a_file_of_secrets_is_never_half_written(tmp_path: Path) -> None:
    """A crash between two bytes must leave what was there: the next start reads it."""
    path = tmp_path / "data" / "demo.json"
    write_private_file(path, b"old")
    with path.open("rb") as before:
        write_private_file(path, b"new")
        assert before.read() == b"old"
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["demo.json"]

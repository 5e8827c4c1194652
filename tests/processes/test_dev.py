"""`haversack dev`: its screen, what can be pasted from it, what answers, and what it says when it cannot start."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from processes.running import HAVERSACK, free_port, invoke, run, run_bash, started
from processes.screens import Dev, dev, dev_process


@pytest.fixture(scope="module")
async def first(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Dev]:
    """The first start on a new folder."""
    async with dev(tmp_path_factory.mktemp("first"), free_port()) as first:
        yield first


async def test_the_screen_has_everything(first: Dev) -> None:
    screen = first.screen
    assert screen.row("Backpack page").startswith(f"{first.url}/backpack ")
    assert screen.row("API reference") == f"{first.url}/docs"
    assert screen.row("What the game got") == f"{first.url}/demo/game"
    assert int(screen.row("project id")) > 0
    assert int(screen.row("merchant id")) > 0
    assert re.fullmatch(r"hspk_test_\w{38}", screen.row("API key"))
    assert re.fullmatch(r"\d+  hscs_test_\w{38}", screen.row("server client"))
    for name in ("X-HOST-ID", "login project", "player"):
        UUID(screen.row(name))
    assert len(screen.row("webhook secret")) >= 32
    assert screen.player_token
    assert first.running.err == ""


async def test_what_the_screen_names_answers(first: Dev) -> None:
    async with httpx.AsyncClient(base_url=first.url, timeout=60) as client:
        for path, content_type in (
            ("/backpack", "text/html"),
            ("/docs", "text/html"),
            ("/openapi.json", "application/json"),
            ("/demo/game", "application/json"),
        ):
            reply = await client.get(path, follow_redirects=True)
            assert (reply.status_code, reply.headers["content-type"].partition(";")[0]) == (200, content_type), path
        document = (await client.get("/openapi.json")).json()
        assert document["servers"] == [{"url": first.url}]
        basic = httpx.BasicAuth(first.screen.row("project id"), first.screen.row("API key"))
        settings = await client.get(f"/api/v2/project/{first.screen.row('project id')}/admin/webhook", auth=basic)
        assert settings.json()["url"] == f"{first.url}/demo/game/webhook"


async def test_the_curl_lines_work_as_they_stand(first: Dev, tmp_path: Path) -> None:
    as_game = (await run_bash(tmp_path, first.screen.block("As the game server"))).succeeded()
    assert '"item_sku":"lamp-oil"' in as_game
    as_player = (await run_bash(tmp_path, first.screen.block("As the player"))).succeeded()
    assert '"item_sku":"lamp-oil"' in as_player
    assert '"game_name":"Lanternfall"' in as_player


async def test_what_the_screen_lets_buy_is_owned(first: Dev, tmp_path: Path) -> None:
    # The first block sets the token that the second one sends.
    pasted = first.screen.block("As the player") + "\n" + first.screen.block("As a buyer")
    as_buyer = (await run_bash(tmp_path, pasted)).succeeded()
    ordered = re.search(r'"order_id":(\d+)', as_buyer)
    assert ordered is not None, as_buyer
    beside = {"data_folder": first.folder}
    (await invoke("pay", ordered[1], port=first.port, **beside)).succeeded()
    (await invoke("verify", **beside)).succeeded()
    headers = {"Authorization": f"Bearer {first.screen.player_token}"}
    async with httpx.AsyncClient(base_url=first.url, headers=headers) as client:
        project_id = first.screen.row("project id")
        owned = await client.get(f"/api/v2/project/{project_id}/user/inventory/items")
        assert "lanternfall.stormglass-lantern" in [item["sku"] for item in owned.json()["items"]]


async def test_what_the_screen_shows_of_live_ops(first: Dev, tmp_path: Path) -> None:
    """As the lines stand; then what a player would do with them: order with the promo code, pay, claim a day."""
    screen, beside = first.screen, {"data_folder": first.folder}
    block = screen.block("Live-ops")
    assert block.count("curl") == 3
    pasted = (await run_bash(tmp_path, screen.block("As the player") + "\n" + block)).succeeded()
    _, _, shown = pasted.partition('{"items":[{"sku":"glim-300"')
    assert '"name":"Morning Post"' in shown
    assert '"rewards":{"bonus":[],"is_selectable":false,"discount":{"percent":"10.00"}' in shown
    headers = {"Authorization": f"Bearer {screen.player_token}"}
    store = f"{first.url}/api/v2/project/{screen.row('project id')}"
    async with httpx.AsyncClient(headers=headers, timeout=60) as client:
        put = await client.put(f"{store}/cart/item/lanternfall.moonwake-skiff", json={"quantity": 1})
        assert put.status_code == 204, put.text
        placed = (await client.post(f"{store}/payment/cart", json={"sandbox": True})).json()
        said = (await invoke("pay", str(placed["order_id"]), port=first.port, **beside)).succeeded()
        # 11.99 less a fifth less a tenth.
        assert " 8.63 USD" in said
        [days] = (await client.get(f"{store}/user/daily_chain")).json()["items"]
        claimed = await client.post(f"{store}/user/daily_chain/{days['id']}/step/number/1/claim")
        assert claimed.status_code == 204, claimed.text
    (await invoke("verify", **beside)).succeeded()


async def test_commands_beside_it_find_its_database(first: Dev) -> None:
    beside = {"data_folder": first.folder}
    listed = (await run(first.folder, "project", "list", **beside)).succeeded()
    assert listed.startswith(f"{first.screen.row('project id')}  merchant {first.screen.row('merchant id')}  ")
    assert "(demo)" in listed
    token = (await invoke("player", "token", first.screen.row("project id"), "mira", **beside)).succeeded()
    async with httpx.AsyncClient(base_url=first.url) as client:
        mine = await client.get("/api/users/me", headers={"Authorization": f"Bearer {token.strip()}"})
    assert (mine.status_code, mine.json()["username"]) == (200, "mira")
    examined = (await invoke("doctor", port=first.port, **beside)).succeeded()
    assert "FAULT" not in examined
    assert f"A server listens at 127.0.0.1:{first.port} already." in examined


async def test_two_on_one_folder(first: Dev) -> None:
    async with dev_process(first.folder.parent, free_port()) as second:
        said = (await second.finish()).refused()
    assert f"Another Haversack (process {first.running.pid}) is using the database in {first.folder}." in said
    assert len(said.splitlines()) == 1


async def test_a_port_in_use(first: Dev, tmp_path: Path) -> None:
    async with dev_process(tmp_path, first.port) as second:
        said = (await second.finish()).refused()
    assert f"Something listens at 127.0.0.1, port {first.port} already" in said
    assert "--port" in said
    assert len(said.splitlines()) == 1
    # Nothing was started that would have to be stopped.
    assert not (tmp_path / "data").exists()


async def test_the_environment_is_heard(tmp_path: Path) -> None:
    """The options of the command have the word only where they are given."""
    port = free_port()
    settings = {"port": port, "data_folder": tmp_path / "kept", "encryption_key": "a key of the developer's own choice"}
    async with started(tmp_path, str(HAVERSACK), "dev", settings=settings) as running:
        await running.wait_for_text("Ctrl-C stops it.")
        assert (tmp_path / "kept" / "postgres").is_dir()
        assert not (tmp_path / "kept" / "encryption.key").exists()
        [line] = (await invoke("project", "list", **settings)).succeeded().splitlines()
        # A command beside it opens what it has sealed.
        token = (await invoke("player", "token", line.split()[0], "mira", **settings)).succeeded().strip()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            reply = await client.get("/api/users/me", headers={"Authorization": f"Bearer {token}"})
        assert reply.status_code == 200
        assert (await running.interrupt()).status == 0

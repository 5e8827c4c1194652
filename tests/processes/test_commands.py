"""The commands that do one thing and end: what they print, and what they say when they cannot do it."""

import asyncio
import json
import os
import re
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from haversack.app import every_operation
from haversack.catalog.keys.code_files import CodeFile
from haversack.catalog.keys.queries.codes import add_codes, take_sealed_codes
from haversack.catalog.keys.records import CodeState
from haversack.clock import real_now
from haversack.database.migrate import newest_revision
from haversack.login.actions import ensure_user
from haversack.projects.keys import KeyKind
from haversack.reference import reference_files
from make.keys import make_game
from make.login import claims_of
from make.projects import make_studio
from processes.running import HAVERSACK, KEY, environment, free_port, invoke, run
from processes.serving import Shop, serve

METHODS = {"get", "put", "post", "patch", "delete"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that run in this process must not find the developer's own data and settings."""
    monkeypatch.chdir(tmp_path)


def rows_of(printed: str) -> dict[str, str]:
    """The named values that a command has printed."""
    return dict(re.findall(r"^  (\S.*?)  +(\S.*)$", printed, re.MULTILINE))


async def test_version() -> None:
    assert re.fullmatch(r"haversack \d+\.\d+\.\d+\n", (await invoke("--version")).succeeded())


async def test_migrate_twice(empty_database: str, tmp_path: Path) -> None:
    # It seals nothing, so it needs no key.
    first = (await run(tmp_path, "migrate", database_url=empty_database)).succeeded()
    assert first == f"Migrated from empty to {newest_revision()}.\n"
    second = (await invoke("migrate", database_url=empty_database)).succeeded()
    assert second == f"The database is at {newest_revision()}.\n"


async def test_a_database_without_a_schema(empty_database: str) -> None:
    listed = await invoke("project", "list", database_url=empty_database, encryption_key=KEY)
    assert "run `haversack migrate`" in listed.refused()


@pytest.mark.parametrize("command", [("migrate",), ("project", "list")], ids=" ".join)
async def test_a_database_that_is_not_there(command: tuple[str, ...]) -> None:
    url = f"postgresql://u:hushhush@127.0.0.1:{free_port()}/db"
    ended = await invoke(*command, database_url=url, encryption_key=KEY)
    assert "The database cannot be reached: " in ended.refused()
    assert "hush" not in ended.said


async def test_a_user_of_the_database_that_may_do_little(shop: Shop, empty_database: str) -> None:
    async with shop.context.database.connection() as connection:
        await connection.execute("CREATE ROLE onlooker LOGIN PASSWORD 'hushhush'")
    settings = {**shop.settings, "port": free_port()}
    try:
        for url, command in ((empty_database, "migrate"), (settings["database_url"], "verify")):
            ended = await invoke(command, **{**settings, "database_url": as_onlooker(url)})
            assert "The database refuses its user: permission denied for " in ended.refused()
        for command in ("doctor", "serve"):
            ended = await invoke(command, **{**settings, "database_url": as_onlooker(settings["database_url"])})
            ended.refused()
            assert "The database refuses its user: permission denied for " in ended.said
    finally:
        async with shop.context.database.connection() as connection:
            await connection.execute("DROP ROLE onlooker")


def as_onlooker(url: str) -> str:
    """The address of a database for a user that owns nothing in it."""
    return re.sub(r"//[^@]*@", "//onlooker:hushhush@", url)


async def test_a_reader_that_has_read_enough(shop: Shop) -> None:
    unread, end = os.pipe()
    os.close(unread)
    command = [HAVERSACK, "project", "list"]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=end, stderr=asyncio.subprocess.PIPE, env=environment(**shop.settings), cwd=shop.folder
    )
    os.close(end)
    _, said = await process.communicate()
    assert said == b""


async def test_dev_in_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = await invoke("dev", "--port", str(free_port()), "--folder", str(tmp_path / "file" / "data"))
    assert "choose another folder with --folder" in ended.refused()


async def test_no_database_at_all(tmp_path: Path) -> None:
    said = (await run(tmp_path, "project", "list")).refused()
    assert said == "No database: set HAVERSACK_DATABASE_URL, or start `haversack dev` in this folder first.\n"
    said = (await invoke("project", "list", database_url="postgresql://h/d")).refused()
    assert said == "HAVERSACK_ENCRYPTION_KEY is not set: stored secrets cannot be read without it.\n"


async def test_a_project_from_its_creation_to_its_players(shop: Shop) -> None:
    async def project(*arguments: str) -> str:
        return (await invoke("project", *arguments, **shop.settings)).succeeded()

    made = (await run(shop.folder, "project", "create", "Harbour lights", **shop.settings)).succeeded()
    rows = rows_of(made)
    project_id = rows["project id"]
    assert made.startswith(f"Project {project_id} is made. Keep these secrets now: only their hashes are stored.")
    assert re.fullmatch(r"hspk_live_\w{38}", rows["API key (project)"])
    assert re.fullmatch(r"hsmk_live_\w{38}", rows["API key (merchant)"])
    assert re.fullmatch(r"hscs_live_\w{38}", rows["server client secret"])

    beside = rows_of(await project("create", "Beside", "--login-project", rows["login project"]))
    assert (beside["merchant id"], beside["login project"]) == (rows["merchant id"], rows["login project"])

    listed = await project("list")
    assert f"{project_id}  merchant {rows['merchant id']}  Harbour lights\n" in listed
    assert rows["API key (project)"] not in listed

    rotated = await project("rotate", project_id)
    assert rotated.startswith("The old one ends in 24 h.")
    fresh = rotated.split()[-1]
    keys = await project("keys", project_id)
    assert [line.split()[2] for line in keys.splitlines()].count("project") == 2
    for key in (rows["API key (project)"], fresh):
        assert key not in keys
        assert f"{key[:10]}…{key[-4:]}" in keys

    changed = await project(
        "set", project_id, "--delivery-mode", "native", "--order-webhooks", "separate", "--personalization", "partner"
    )
    assert rows_of(changed) == {
        "backpack webhooks": "standard",
        "delivery mode": "native",
        "order webhooks": "separate",
        "order destination": "inventory",
        "refunds refused orders": "no",
        "sandbox": "no",
        "personalization": "partner",
    }
    assert await project("currency", project_id, "gold", "Gold") == (
        f"gold is a virtual currency of project {project_id}.\n"
    )
    await is_opened_by(shop, rows, fresh)


async def is_opened_by(shop: Shop, rows: dict[str, str], fresh_key: str) -> None:
    """What the commands have printed opens the project: both keys, the client, a player's token."""
    project_id = rows["project id"]
    spoken = await run(shop.folder, "player", "token", project_id, "mira", **shop.settings)
    token = spoken.succeeded().strip()
    assert claims_of(token)["username"] == "mira"
    assert spoken.err == f"player id {claims_of(token)['sub']}\n"
    async with serve(shop, "--no-worker") as serving:
        path = f"/api/v2/project/{project_id}/admin/webhook"
        for name, key in (
            (project_id, rows["API key (project)"]),
            (project_id, fresh_key),
            (rows["merchant id"], rows["API key (merchant)"]),
        ):
            assert (await serving.client.get(path, auth=httpx.BasicAuth(name, key))).status_code == 404
        mine = await serving.client.get("/api/users/me", headers={"Authorization": f"Bearer {token}"})
        assert mine.json()["username"] == "mira"
        form = {
            "grant_type": "client_credentials",
            "client_id": rows["server client id"],
            "client_secret": rows["server client secret"],
        }
        server = (await serving.client.post("/api/oauth2/token", data=form)).json()["access_token"]
        path = f"/web/backpack/merchants/{rows['merchant id']}/projects/{project_id}/games"
        headers = {"Authorization": f"Bearer {server}", "X-HOST-ID": rows["X-HOST-ID"]}
        assert (await serving.client.get(path, headers=headers)).json() == []


async def test_a_token_of_a_player_who_has_signed_up(shop: Shop) -> None:
    player_id = uuid4()
    await ensure_user(
        shop.context, shop.studio.login_project_id, player_id, username="mira", email="m@example.com", password="a pass"
    )
    spoken = (await invoke("player", "token", str(shop.studio.project_id), "mira", **shop.settings)).succeeded()
    assert claims_of(spoken.strip())["sub"] == str(player_id)


async def test_what_does_not_exist_is_said(shop: Shop) -> None:
    nobody = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
    for arguments, status, word in (
        (("project", "keys", "5"), 1, "There is no project 5."),
        (("project", "create", "X", "--merchant", "999"), 1, "There is no merchant 999."),
        (("project", "create", "X", "--login-project", nobody), 1, "There is no such login project."),
        (
            ("project", "create", "X", "--merchant", "999", "--login-project", str(shop.studio.login_project_id)),
            1,
            f"belongs to merchant {shop.studio.merchant_id}",
        ),
    ):
        assert word in (await invoke(*arguments, **shop.settings)).refused(status=status)


@pytest.mark.parametrize(
    "arguments",
    [
        ("project", "keys", "99999999999999999999"),
        ("project", "rotate", "1", "--overlap-hours", "-1"),
        ("project", "rotate", "1", "--overlap-hours", "nan"),
        ("project", "rotate", "1", "--what", "everything"),
        ("project", "currency", "1", "not a sku!", "Gold"),
        ("project", "create", " "),
        ("player", "token", "1", ""),
        ("serve", "--processes", "0"),
    ],
    ids=" ".join,
)
async def test_arguments_that_make_no_sense(arguments: tuple[str, ...]) -> None:
    settings = {"database_url": "postgresql://127.0.0.1:1/none", "encryption_key": KEY}
    (await invoke(*arguments, **settings)).refused(status=2)


async def test_another_encryption_key(shop: Shop) -> None:
    settings = {**shop.settings, "encryption_key": "not the key that everything was sealed with"}
    said = (await invoke("player", "token", str(shop.studio.project_id), "mira", **settings)).refused()
    assert "its encryption key is another than the one it was kept with" in said


async def test_openapi_needs_no_database(tmp_path: Path) -> None:
    document = json.loads((await run(tmp_path, "openapi")).succeeded())
    assert document["openapi"].startswith("3.1")
    described = {
        operation["operationId"]: (method.upper(), path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }
    assert described == {
        operation.name: (operation.method, operation.path) for operation in every_operation() if operation.in_document
    }
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        found = document
        for step in reference.split("/"):
            found = found[step]
    for item in document["paths"].values():
        for operation in item.values():
            assert operation["summary"]
            assert {*map(str, operation["responses"])} & {"200", "201", "202", "204"}
            for needed in operation.get("security", []):
                assert set(needed) <= set(document["components"]["securitySchemes"])


async def test_reference(tmp_path: Path) -> None:
    (await invoke("reference", str(tmp_path))).succeeded()
    for name, text in reference_files().items():
        assert (tmp_path / name).read_text() == text


async def test_doctor_on_a_set_up_that_is_well(shop: Shop) -> None:
    said = (await invoke("doctor", **shop.settings, port=free_port(), public_url="https://shop.example")).succeeded()
    assert {line[:9] for line in said.splitlines()} == {"  ok     "}
    assert "PostgreSQL 18." in said
    assert "The schema is the one that this version needs." in said


async def test_doctor_on_keys_made_for_development(shop: Shop) -> None:
    await make_studio(shop.context, kind=KeyKind.PROJECT_TEST)
    said = (await invoke("doctor", **shop.settings, port=free_port(), public_url="https://shop.example")).succeeded()
    assert "  look   2 API key(s) were made for development: `haversack serve` refuses them." in said


async def test_doctor_on_keys_that_come_to_an_end(shop: Shop) -> None:
    keys = await make_game(shop.studio, drms=("steam",))
    codes = CodeFile(BytesIO(b"ONE\nTWO\nTHREE\nFOUR")).read_slice(
        shop.context.sealer, shop.studio.project_id, lines_max=4
    )
    assert codes is not None
    db, now = shop.context.database.session(), real_now()
    async with db.begin():
        await add_codes(db, shop.studio.project_id, keys["opera_steam"], None, codes.codes, now=now)

    async def take(quantity: int) -> str:
        await take_sealed_codes(
            db,
            shop.studio.project_id,
            keys["opera_steam"],
            None,
            quantity=quantity,
            state=CodeState.REQUESTED,
            source="test",
            player_id=None,
            now=now,
        )
        options = {**shop.settings, "port": free_port(), "public_url": "https://shop.example"}
        return (await invoke("doctor", **options)).succeeded()

    assert "opera_steam" not in await take(2)
    expected = f"  look   1 of 4 codes are left of game key opera_steam in project {shop.studio.project_id}."
    assert expected in await take(1)


async def test_doctor_without_trusted_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "empty"))
    said = (await invoke("doctor", port=free_port())).succeeded()
    assert "  look   There are no trusted certificates in " in said
    assert "Install your system's ca-certificates." in said
    (tmp_path / "empty" / "a.0").touch()
    said = (await invoke("doctor", port=free_port())).succeeded()
    assert "  ok     There are trusted certificates" in said


async def test_doctor_on_faulty_set_ups(empty_database: str) -> None:
    alone = (await invoke("doctor", port=free_port())).succeeded()
    assert "HAVERSACK_DATABASE_URL is not set and no `haversack dev` runs here" in alone

    faulty = await invoke("doctor", database_url=empty_database, encryption_key="short", outbound_allow_loopback=True)
    faulty.refused()
    faults = [line for line in faulty.out.splitlines() if line.startswith("  FAULT  ")]
    for word in ("is at revision none", "KEY is shorter than 32", "ALLOW_LOOPBACK is on"):
        assert any(word in fault for fault in faults), faults
    assert "  look   HAVERSACK_PUBLIC_URL is http://" in faulty.out

    away = await invoke("doctor", database_url=f"postgresql://u:hushhush@127.0.0.1:{free_port()}/db")
    away.refused()
    assert "  FAULT  The database cannot be reached: " in away.out
    assert "  FAULT  HAVERSACK_ENCRYPTION_KEY is not set" in away.out
    assert "hush" not in away.said

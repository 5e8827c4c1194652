"""Uploading codes: what is taken in, what is skipped, and what a session says of it."""

import asyncio
import logging
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from haversack.catalog.keys.queries import uploads as queries
from haversack.catalog.keys.queries.codes import SLICE
from haversack.catalog.keys.records import Upload, UploadStatus
from haversack.catalog.keys.uploading import BROKEN_OFF, KeyUploads
from haversack.clock import real_now
from haversack.context import Context
from haversack.http.dispatch import Dispatcher
from make.keys import (
    find_item,
    keys_url,
    make_game,
    make_region,
    request,
    rows_of,
    send_file,
    session_of,
    states_of,
    upload,
)
from make.projects import Studio
from make.taxonomy import admin, faulty_fields, refusal

KEY = "opera_drmfree"


async def test_admin_upload_codes_by_sku(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    reply = await send_file(client, studio, KEY, b"ONE\nTWO\nTHREE\n")
    assert reply.status_code == 200
    started = reply.json()
    assert len(bytes.fromhex(started.pop("session_id"))) == 16
    assert started == {
        "count_uploaded": 0,
        "count_total": 3,
        "count_skipped": 0,
        "status": "processing",
        "fault": None,
    }
    await studio.context.uploads.wait_until_idle()
    ended = await session_of(client, studio, reply.json()["session_id"])
    assert ended == {
        "session_id": reply.json()["session_id"],
        "count_uploaded": 3,
        "count_total": 3,
        "count_skipped": 0,
        "status": "done",
        "fault": None,
    }
    assert (await request(client, studio, KEY, 3)).text == "ONE TWO THREE"


async def test_admin_upload_codes_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    key_id = (await make_game(studio))[KEY]
    session = await upload(client, studio, key_id, ["ONE"])
    assert (session["status"], session["count_uploaded"]) == ("done", 1)
    assert await states_of(studio, KEY) == ["available"]


async def test_upload_skips_what_is_no_code_or_known(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["KNOWN"])
    content = b'\xef\xbb\xbf"ONE"\r\nKNOWN\r\n\r\ntwo words\r\nONE\r\n\xff\xfe\r\n' + b"L" * 300 + b"\nTWO"
    session = await upload(client, studio, KEY, content)
    assert (session["count_total"], session["count_uploaded"], session["count_skipped"]) == (7, 2, 5)
    assert session["status"] == "done"
    assert session["fault"].startswith("3 lines without a code")
    assert session["fault"].endswith("no blanks): 4, 6, 7. 2 codes known already.")
    assert (await request(client, studio, KEY, 3)).text == "KNOWN ONE TWO"


async def test_upload_of_more_than_a_slice(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    count = 2 * SLICE + 7
    codes = [f"CODE-{number:06}" for number in range(count)]
    session = await upload(client, studio, KEY, [*codes, *codes[:SLICE]])
    assert (session["count_uploaded"], session["count_skipped"]) == (count, SLICE)
    assert session["count_total"] == count + SLICE
    again = await upload(client, studio, KEY, codes)
    assert (again["count_uploaded"], again["count_skipped"], again["status"]) == (0, count, "done")
    assert (await request(client, studio, KEY, 2)).text == "CODE-000000 CODE-000001"


async def test_upload_into_a_region(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    region_id = await make_region(studio, "DE", "AT")
    await upload(client, studio, KEY, ["EU-1", "EU-2"], region_id=region_id)
    await upload(client, studio, KEY, ["WORLD"])
    assert refusal(await request(client, studio, KEY, 2)) == (422, 1424)
    assert (await request(client, studio, KEY, 2, region_id=region_id)).text == "EU-1 EU-2"
    assert (await request(client, studio, KEY, 1)).text == "WORLD"


async def test_upload_of_one_code_to_two_keys_and_two_projects(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    await make_game(studio, drms=("drmfree", "steam"))
    await make_game(other_studio)
    for owner, key in ((studio, KEY), (studio, "opera_steam"), (other_studio, KEY)):
        session = await upload(client, owner, key, ["SAME"])
        assert session["count_uploaded"] == 1
        assert (await request(client, owner, key, 1)).text == "SAME"


@pytest.mark.parametrize("key", ["opera", "nothing", "trial_drmfree", 1, 2**31 - 1])
async def test_upload_to_what_is_no_key(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, key: str | int
) -> None:
    await make_game(studio)
    await make_game(other_studio, "trial")
    reply = await send_file(client, studio, key, b"ONE")
    assert refusal(reply) == (404, 4001)


async def test_upload_to_an_unknown_region(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    await make_game(studio)
    foreign = await make_region(other_studio, "DE")
    for region_id in (foreign, 2**31 - 1):
        assert refusal(await send_file(client, studio, KEY, b"ONE", region_id=region_id)) == (404, 9701)
    assert await states_of(studio, KEY) == []


async def test_upload_without_a_file(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    url = keys_url(studio, "upload", KEY)
    without = await client.post(url, data={"region_id": "x"}, files={"other": b""}, auth=studio.basic)
    assert refusal(without) == (422, 1102)
    assert faulty_fields(without) == {"file", "region_id"}
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    reply = await client.post(url, content=b"--y\r\n", headers=broken, auth=studio.basic)
    assert refusal(reply) == (422, 1102)
    number = await client.post(f"{url.replace('/sku/', '/id/')}", files={"file": b""}, auth=studio.basic)
    assert (refusal(number), faulty_fields(number)) == ((422, 1102), {"item_id"})


async def test_upload_of_another_type_or_too_much(application: Dispatcher, studio: Studio) -> None:
    await make_game(studio)
    url = keys_url(studio, "upload", KEY)
    # The contract names neither status for this call, so these answers are not held against it.
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", auth=studio.basic) as client:
        assert refusal(await client.post(url, json={"file": "ONE"})) == (415, 0)
        headers = {"Content-Length": str(65 * 2**20), "Content-Type": "multipart/form-data; boundary=x"}
        assert refusal(await client.post(url, content=b"", headers=headers)) == (413, 0)


async def test_upload_of_an_empty_file(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    session = await upload(client, studio, KEY, b"\n \r\n")
    assert (session["status"], session["count_total"], session["fault"]) == ("done", 0, None)


async def test_admin_get_codes_session_that_is_unknown(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    await make_game(other_studio)
    foreign = (await upload(client, other_studio, KEY, ["ONE"]))["session_id"]
    for session_id in (foreign, uuid4().hex, "nothing"):
        url = f"{admin(studio)}/items/game/key/upload/session/{session_id}"
        assert (await client.get(url, auth=studio.basic)).status_code == 404


async def _add_session(studio: Studio, *, lease: timedelta) -> Upload:
    key = await find_item(studio, KEY)
    upload = Upload(
        project_id=studio.project_id,
        session_id=uuid4(),
        item_id=key.item_id,
        region_id=None,
        status=UploadStatus.PROCESSING,
        count_total=2,
    )
    await queries.add_upload(studio.context.database.session(), upload, lease=lease)
    return upload


async def test_admin_get_codes_session_whose_process_has_died(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    alive = await _add_session(studio, lease=timedelta(minutes=1))
    assert (await session_of(client, studio, alive.session_id.hex))["status"] == "processing"
    dead = await _add_session(studio, lease=timedelta(seconds=-1))
    session = await session_of(client, studio, dead.session_id.hex)
    assert (session["status"], session["fault"]) == ("error", BROKEN_OFF)
    assert await session_of(client, studio, dead.session_id.hex) == session


async def test_a_session_that_was_given_up_takes_nothing_more(
    client: httpx.AsyncClient, studio: Studio, context: Context, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await make_game(studio)
    dead = await _add_session(studio, lease=timedelta(seconds=-1))
    assert (await session_of(client, studio, dead.session_id.hex))["status"] == "error"
    path = tmp_path_factory.mktemp("codes") / "codes.txt"
    path.write_bytes(b"ONE\nTWO\n")
    with path.open("rb") as file:
        context.uploads.start(dead, file, now=real_now())
    await context.uploads.wait_until_idle()
    assert await states_of(studio, KEY) == []
    assert (await session_of(client, studio, dead.session_id.hex))["count_uploaded"] == 0


async def test_a_process_that_stops_says_so(
    client: httpx.AsyncClient, studio: Studio, context: Context, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await make_game(studio)
    uploads = KeyUploads(context.database, context.sealer, context.notifications)
    path = tmp_path_factory.mktemp("codes") / "codes.txt"
    codes = [f"CODE-{number}" for number in range(3 * SLICE)]
    path.write_text("\n".join(codes))
    started = await _add_session(studio, lease=uploads.lease)
    db = context.database.session()
    with path.open("rb") as file:
        uploads.start(started, file, now=real_now())
    while True:
        found = await queries.find_upload(db, studio.project_id, started.session_id)
        assert found is not None
        if found.count_uploaded:
            break
        await asyncio.sleep(0)
    await uploads.close()
    session = await session_of(client, studio, started.session_id.hex)
    assert (session["status"], session["fault"]) == ("error", BROKEN_OFF)
    stored = len(await states_of(studio, KEY))
    assert stored == session["count_uploaded"] < len(codes)
    # The same file again brings the rest, and nothing twice.
    again = await upload(client, studio, KEY, codes)
    assert (again["count_skipped"], again["count_uploaded"]) == (stored, len(codes) - stored)


async def test_a_lease_is_kept_while_an_upload_waits(
    client: httpx.AsyncClient, studio: Studio, context: Context, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await make_game(studio)
    uploads = KeyUploads(context.database, context.sealer, context.notifications, lease=timedelta(seconds=0.3))
    path = tmp_path_factory.mktemp("codes") / "codes.txt"
    path.write_bytes(b"ONE\n")
    started = await _add_session(studio, lease=uploads.lease)
    async with uploads._turns, uploads._turns:
        with path.open("rb") as file:
            uploads.start(started, file, now=real_now())
        await asyncio.sleep(0.6)
        assert (await session_of(client, studio, started.session_id.hex))["status"] == "processing"
    await uploads.wait_until_idle()
    assert (await session_of(client, studio, started.session_id.hex))["status"] == "done"


async def test_upload_into_a_region_that_goes_away(
    client: httpx.AsyncClient, studio: Studio, context: Context, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await make_game(studio)
    key = await find_item(studio, KEY)
    gone = Upload(
        project_id=studio.project_id,
        session_id=uuid4(),
        item_id=key.item_id,
        region_id=2**31 - 1,
        status=UploadStatus.PROCESSING,
        count_total=1,
    )
    await queries.add_upload(context.database.session(), gone, lease=timedelta(minutes=1))
    path = tmp_path_factory.mktemp("codes") / "codes.txt"
    path.write_bytes(b"ONE\n")
    with path.open("rb") as file:
        context.uploads.start(gone, file, now=real_now())
    await context.uploads.wait_until_idle()
    session = await session_of(client, studio, gone.session_id.hex)
    assert (session["status"], session["count_uploaded"]) == ("error", 0)
    assert "region" in session["fault"]


async def test_codes_are_secrets_in_the_database_and_in_logs(
    client: httpx.AsyncClient, studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await make_game(studio)
    await upload(client, studio, KEY, ["VERY-SECRET-CODE", "VERY-SECRET-CODE", "VERY-SECRET CODE"])
    (row,) = await rows_of(studio, KEY)
    stored = b" ".join(value if isinstance(value, bytes) else str(value).encode() for value in row.values())
    assert b"SECRET" not in stored
    assert "SECRET" not in caplog.text
    assert (await request(client, studio, KEY, 1)).text == "VERY-SECRET-CODE"
    assert "SECRET" not in caplog.text

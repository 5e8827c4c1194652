"""Taking codes out of stock by hand: for somebody, or all that are unsold."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import bindparam, select

from haversack.app import describe
from haversack.catalog.keys.queries.codes import take_code
from haversack.catalog.keys.records import CodeState
from haversack.catalog.read_model.live import STOCK_CHANGED
from haversack.clock import real_now
from haversack.context import Context
from haversack.limits.reserving import free_codes
from haversack.projects.tables import audit_entries
from make.keys import (
    WHO,
    find_item,
    keys_url,
    make_game,
    make_region,
    redeem,
    request,
    rows_of,
    states_of,
    upload,
)
from make.projects import Studio
from make.taxonomy import faulty_fields, refusal

KEY = "opera_drmfree"
LIST_AUDIT = select(audit_entries).where(audit_entries.c.project_id == bindparam("project"))


async def _delete(client: httpx.AsyncClient, studio: Studio, key: str | int, **changes: Any) -> httpx.Response:
    return await client.delete(keys_url(studio, "delete", key), params={**WHO, **changes}, auth=studio.basic)


async def test_admin_get_codes_by_sku(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE", "TWO"])
    await upload(client, studio, KEY, ["THREE"])
    reply = await request(client, studio, KEY, 2)
    assert (reply.status_code, reply.text) == (200, "ONE TWO")
    assert reply.headers["content-type"].startswith("text/plain")
    assert reply.headers["cache-control"] == "no-store"
    assert await states_of(studio, KEY) == ["requested", "requested", "available"]
    first = (await rows_of(studio, KEY))[0]
    assert first["source"] == "requested for press@example.com: review copies"
    audit = await studio.context.database.session().fetch_all(LIST_AUDIT, project=studio.project_id)
    subject = next(row["subject"] for row in audit if row["sentence"] == "codes of a game key requested")
    assert subject["quantity"] == 2
    assert "ONE" not in str(audit)
    assert (await request(client, studio, KEY, 1)).text == "THREE"


async def test_admin_get_codes_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    key_id = (await make_game(studio))[KEY]
    await upload(client, studio, KEY, ["ONE"])
    assert (await request(client, studio, key_id, 1)).text == "ONE"


async def test_request_of_more_than_there_are_takes_nothing(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE", "TWO"])
    reply = await request(client, studio, KEY, 3)
    assert refusal(reply) == (422, 1424)
    assert await states_of(studio, KEY) == ["available", "available"]
    assert (await request(client, studio, KEY, 2)).text == "ONE TWO"
    assert refusal(await request(client, studio, KEY, 1)) == (422, 1424)


async def test_request_by_head_takes_nothing(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE"])
    reply = await client.head(keys_url(studio, "request", KEY), params={**WHO, "quantity": 1}, auth=studio.basic)
    assert reply.status_code == 405
    assert await states_of(studio, KEY) == ["available"]


@pytest.mark.parametrize("what", ["request", "delete"])
async def test_codes_say_for_whom_and_why(client: httpx.AsyncClient, studio: Studio, what: str) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE"])
    method = "GET" if what == "request" else "DELETE"
    url = keys_url(studio, what, KEY)
    none = await client.request(method, url, auth=studio.basic)
    assert refusal(none) == (422, 1102)
    needed = {"user_email", "reason"} | ({"quantity"} if what == "request" else set())
    assert faulty_fields(none) == needed
    wrong = {"user_email": "nobody", "reason": "", "quantity": "0", "region_id": "0"}
    assert faulty_fields(await client.request(method, url, params=wrong, auth=studio.basic)) == {
        *needed,
        "region_id",
    }
    assert await states_of(studio, KEY) == ["available"]


@pytest.mark.parametrize("what", ["request", "delete"])
async def test_codes_of_what_is_not_there(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, what: str
) -> None:
    await make_game(studio)
    key_id = (await make_game(other_studio))[KEY]
    region_id = await make_region(other_studio, "DE")
    method = "GET" if what == "request" else "DELETE"
    for key in ("opera", "nothing", key_id):
        url = keys_url(studio, what, key)
        reply = await client.request(method, url, params={**WHO, "quantity": 1}, auth=studio.basic)
        assert refusal(reply) == (404, 4001)
    params = {**WHO, "quantity": 1, "region_id": region_id}
    url = keys_url(studio, what, KEY)
    assert refusal(await client.request(method, url, params=params, auth=studio.basic)) == (404, 9701)


async def test_admin_delete_codes_by_sku(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    region_id = await make_region(studio, "DE")
    await upload(client, studio, KEY, ["ONE", "TWO", "THREE"])
    await upload(client, studio, KEY, ["EU"], region_id=region_id)
    await request(client, studio, KEY, 1)
    reply = await _delete(client, studio, KEY)
    assert (reply.status_code, reply.text) == (200, "TWO THREE")
    assert reply.headers["content-type"].startswith("text/plain")
    assert await states_of(studio, KEY) == ["requested", "deleted", "deleted", "available"]
    assert (await rows_of(studio, KEY))[1]["source"] == "deleted by press@example.com: review copies"
    assert (await _delete(client, studio, KEY)).text == ""
    assert (await _delete(client, studio, KEY, region_id=region_id)).text == "EU"


async def test_admin_delete_codes_by_id(client: httpx.AsyncClient, studio: Studio) -> None:
    key_id = (await make_game(studio))[KEY]
    await upload(client, studio, KEY, ["ONE"])
    assert (await _delete(client, studio, key_id)).text == "ONE"


async def test_deleted_codes_can_be_uploaded_again(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    region_id = await make_region(studio, "DE")
    await upload(client, studio, KEY, ["ONE", "TWO"])
    assert (await request(client, studio, KEY, 1)).text == "ONE"
    await _delete(client, studio, KEY)
    session = await upload(client, studio, KEY, ["ONE", "TWO"], region_id=region_id)
    assert (session["count_uploaded"], session["count_skipped"]) == (1, 1)
    assert (await request(client, studio, KEY, 1, region_id=region_id)).text == "TWO"


async def test_take_code_gives_the_oldest(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE", "TWO"])
    key = await find_item(studio, KEY)
    db = context.database.session()
    taken = [
        await take_code(
            db,
            context.sealer,
            studio.project_id,
            key.item_id,
            None,
            player_id=None,
            source="order:1",
            state=CodeState.RESERVED,
            now=real_now(),
        )
        for _ in range(3)
    ]
    assert [None if one is None else one[1] for one in taken] == ["ONE", "TWO", None]
    assert await states_of(studio, KEY) == ["reserved", "reserved"]
    assert [row["source"] for row in await rows_of(studio, KEY)] == ["order:1", "order:1"]
    codes = [one[0] for one in taken if one is not None]
    assert await free_codes(db, studio.project_id, key.item_id, codes) == 2


async def test_changes_of_stock_are_told(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    told: list[str] = []
    context.notifications.subscribe(STOCK_CHANGED, told.append)
    mine = str(studio.project_id)
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE", "TWO"])
    for change in (request(client, studio, KEY, 1), _delete(client, studio, KEY)):
        assert mine in told
        told.clear()
        await change
    assert mine in told


async def _shown_keys(client: httpx.AsyncClient, studio: Studio, **asked: str) -> list[dict[str, Any]]:
    url = f"/api/v2/project/{studio.project_id}/items/game/sku/opera"
    reply = await client.get(url, params=asked)
    assert reply.status_code == 200, reply.text
    keys: list[dict[str, Any]] = reply.json()["unit_items"]
    return keys


async def test_the_catalog_shows_at_once_whether_there_are_codes(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    assert [key["has_keys"] for key in await _shown_keys(client, studio)] == [False]
    await upload(client, studio, KEY, ["ONE", "TWO"])
    assert [key["has_keys"] for key in await _shown_keys(client, studio)] == [True]
    await request(client, studio, KEY, 1)
    assert [key["has_keys"] for key in await _shown_keys(client, studio)] == [True]
    await redeem(client, studio, uuid4(), "TWO")
    assert [key["has_keys"] for key in await _shown_keys(client, studio)] == [False]
    await upload(client, studio, KEY, ["THREE"])
    assert [key["has_keys"] for key in await _shown_keys(client, studio)] == [True]
    await _delete(client, studio, KEY)
    assert [key["has_keys"] for key in await _shown_keys(client, studio)] == [False]


def test_the_document_says_that_codes_are_text() -> None:
    paths = describe()["paths"]
    for what, method in (("request", "get"), ("delete", "delete")):
        described = paths[f"/api/v2/project/{{project_id}}/admin/items/game/key/{what}/sku/{{item_sku}}"][method]
        assert described["responses"]["200"]["content"] == {"text/plain": {"schema": {"type": "string"}}}

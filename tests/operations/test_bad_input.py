"""Wrong requests of every sort: the family's envelope, the right status, never a server error."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from haversack.app import build_application
from haversack.context import Context
from haversack.errors import BACKPACK
from haversack.http.area import Area
from haversack.http.calls import PublicCall
from haversack.http.problems import internal_error, problem_body
from make.backpack import new_virtual_item, post_items
from make.projects import Studio

FAMILIES = {
    "/web/backpack/nothing": "message",
    "/api/oauth2/nothing": "error",
    "/api/v2/project/1/nothing": "statusCode",
    "/nothing": "statusCode",
}


@pytest.mark.parametrize("path", FAMILIES)
async def test_unknown_path(client: httpx.AsyncClient, path: str) -> None:
    reply = await client.get(path)
    assert reply.status_code == 404
    assert FAMILIES[path] in reply.json()


async def test_unknown_page(client: httpx.AsyncClient) -> None:
    reply = await client.get("/backpack/nothing")
    assert reply.status_code == 404
    assert reply.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/web/backpack/items", "GET, HEAD"),
        ("GET", "/api/oauth2/token", "POST"),
        ("PATCH", "/api/v2/project/1/admin/webhook", "GET, HEAD, PUT"),
    ],
)
async def test_method_not_allowed(client: httpx.AsyncClient, method: str, path: str, allowed: str) -> None:
    reply = await client.request(method, path)
    assert (reply.status_code, reply.headers["allow"]) == (405, allowed)


async def _create(client: httpx.AsyncClient, studio: Studio, **request: object) -> httpx.Response:
    headers = {**await studio.host_headers(client), **request.pop("headers", {})}  # type: ignore[dict-item]
    url = f"{studio.backpack}/user/{uuid4()}/virtual_items"
    return await client.post(url, headers=headers, **request)  # type: ignore[arg-type]


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]]",
        b'"x"',
        b"[NaN]",
        b"\xff\xfe",
        b'[{"item_sku": "\\ud800"}]',
        b"[" * 5_000 + b"]" * 5_000,
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
        b"[1" + b"0" * 5_000 + b"]",
        b"[1e999]",
    ],
)
async def test_bad_json(client: httpx.AsyncClient, studio: Studio, content: bytes) -> None:
    reply = await _create(client, studio, content=content, headers=JSON)
    assert reply.status_code == 400, reply.text
    assert reply.json()["message"].startswith("The request is not valid: ")


async def test_faulty_fields_of_the_store(client: httpx.AsyncClient, studio: Studio) -> None:
    """The sentence begins with the wire's own words for this code; the list names each field."""
    path = f"/api/v2/project/{studio.project_id}/inventory/account/link"
    reply = await client.post(path, json={}, auth=studio.basic)
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102)
    assert reply.json()["errorMessage"].startswith("[0401-1102]: Unprocessable Entity. linking_code: ")
    faulty = {fault["property"] for fault in reply.json()["errorMessageExtended"]}
    assert faulty == {"linking_code", "platform", "user_id"}


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x"])
async def test_other_media_types(client: httpx.AsyncClient, studio: Studio, media_type: str) -> None:
    reply = await _create(client, studio, content=b"[]", headers={"Content-Type": media_type})
    assert reply.status_code == 415
    assert "application/json" in reply.json()["message"]


async def test_encoded_body(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await _create(client, studio, content=b"x", headers={**JSON, "Content-Encoding": "gzip"})
    assert reply.status_code == 415


async def test_body_of_no_type_is_read_as_json(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await _create(client, studio, content=b'[{"item_sku":"a","item_name":"A","image_url":"x"}]')
    assert reply.status_code == 201


async def test_body_that_is_announced_too_large(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await _create(client, studio, content=b"[" + b" " * 1_000_000 + b"]", headers=JSON)
    assert reply.status_code == 413
    assert "1000000" in reply.json()["message"]


async def test_body_that_grows_too_large(client: httpx.AsyncClient, studio: Studio) -> None:
    """Without an announced length the body is counted as it comes, and the rest is not read."""
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while read < 50_000_000:
            read += 65_536
            yield b" " * 65_536

    reply = await _create(client, studio, content=endless(), headers=JSON)
    assert reply.status_code == 413
    assert read < 2_000_000


async def test_fault_before_the_body_is_read(client: httpx.AsyncClient, studio: Studio) -> None:
    """A caller who may not call is told so, whatever was sent."""
    reply = await client.post(f"{studio.backpack}/user/{uuid4()}/virtual_items", content=b"{", headers=JSON)
    assert reply.status_code == 401


@pytest.mark.parametrize("name", ["a\x00b", "\x00"])
async def test_nul_characters_in_a_body(client: httpx.AsyncClient, studio: Studio, name: str) -> None:
    reply = await post_items(client, studio, "virtual_items", [new_virtual_item(item_name=name, description=name)])
    assert reply.status_code == 400
    assert {fault["property"] for fault in reply.json()["errors"]} == {"0.item_name", "0.description"}


async def test_not_every_one_of_many_nul_characters_is_named(client: httpx.AsyncClient, studio: Studio) -> None:
    """A body can hold a hundred thousand, and whoever names them keeps all others waiting."""
    reply = await _create(client, studio, json=["\x00"] * 5_000, headers=JSON)
    assert reply.status_code == 400
    assert reply.json()["message"].endswith("and 50 more")


@pytest.mark.parametrize(
    "path",
    [
        "/web/backpack/items/%00",
        "/web/backpack/items?group=%00",
        "/web/backpack/items?group=%ff",
        "/web/backpack/items/..%2f..%2fetc",
        "/web/backpack/items?offset=99999999999999999999999999",
        "/web/backpack/items?limit=1e9",
    ],
)
async def test_bad_addresses(client: httpx.AsyncClient, studio: Studio, path: str) -> None:
    reply = await client.get(path, headers=await studio.player_headers(uuid4()))
    assert reply.status_code in (400, 404), reply.text
    assert "message" in reply.json()


@pytest.mark.parametrize("ids", ["0/projects/0", "-1/projects/-1", "99999999999/projects/99999999999", "x/projects/y"])
async def test_bad_ids_in_a_path(client: httpx.AsyncClient, studio: Studio, ids: str) -> None:
    reply = await client.get(f"/web/backpack/merchants/{ids}/games", headers=await studio.host_headers(client))
    assert reply.status_code == 401


async def test_database_away(context: Context, studio: Studio, client: httpx.AsyncClient) -> None:
    """A 503 with Retry-After, and recovery without a restart."""
    headers = await studio.player_headers(uuid4())
    database = context.database
    assert (await client.get("/web/backpack/items", headers=headers)).status_code == 200
    pools = database._pool, database._reading
    real_url, database.url = database.url, "postgresql://nobody@127.0.0.1:9/nothing"
    try:
        await database.open()
        reply = await client.get("/web/backpack/items", headers=headers)
        await database.close()
    finally:
        (database._pool, database._reading), database.url = pools, real_url
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
    assert "127.0.0.1" not in reply.text
    assert (await client.get("/web/backpack/items", headers=headers)).status_code == 200


async def test_a_bug_is_one_500_with_a_reference(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise RuntimeError("secret detail")
    except RuntimeError as error:
        refusal = internal_error(BACKPACK, error)
    body = problem_body(BACKPACK, refusal, request_id="r")
    assert refusal.kind.status == 500
    assert refusal.reference
    assert refusal.reference in body["message"]
    assert "secret detail" not in body["message"]
    assert refusal.reference in caplog.text


def test_an_operation_must_say_who_calls() -> None:
    area = Area("x", family=BACKPACK)

    async def get_nothing(call: int) -> None:
        """Get nothing."""

    with pytest.raises(AssertionError, match="who calls"):
        area.get("/nothing")(get_nothing)

    async def undocumented(call: PublicCall) -> None: ...

    with pytest.raises(AssertionError, match="docstring"):
        area.get("/nothing")(undocumented)


async def test_slow_body_does_not_hold_others(context: Context, studio: Studio, client: httpx.AsyncClient) -> None:
    """A request whose body never ends keeps no connection of the database."""
    started = asyncio.Event()
    stop = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"["
        started.set()
        await stop.wait()
        yield b"]"

    waiting = asyncio.create_task(_create(client, studio, content=slow(), headers=JSON))
    await started.wait()
    headers = await studio.player_headers(uuid4())
    replies = await asyncio.gather(*(client.get("/web/backpack/items", headers=headers) for _ in range(30)))
    assert {reply.status_code for reply in replies} == {200}
    stop.set()
    assert (await waiting).status_code == 400


def test_application_builds_without_a_context() -> None:
    assert build_application().index.find("GET", "/web/backpack/items")


async def test_nul_characters_in_a_form(client: httpx.AsyncClient) -> None:
    reply = await client.post("/api/oauth2/token", data={"grant_type": "client_credentials", "client_id": "a\x00b"})
    assert reply.status_code in (400, 422)
    assert reply.json()["error"]["details"]["errors"][0]["property"] == "client_id"

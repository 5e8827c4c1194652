"""The picture proxy through HTTP: sizes, formats, validators, and the ways a picture can be refused."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from uuid import uuid4

import httpx
import pytest
from aiohttp import web
from PIL import Image

from haversack.context import Context
from make.backpack import give
from make.projects import Studio

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Draw = Callable[..., bytes]
Serve = Callable[[Handler], Awaitable[str]]

SHIPPED = "http://127.0.0.1:8044/demo/ember-moth.webp"


def size_of(reply: httpx.Response) -> tuple[int, int]:
    """Width and height of the picture that came."""
    return Image.open(io.BytesIO(reply.content)).size


@pytest.fixture
def address(context: Context) -> str:
    """Where a picture that ships with the server is served."""
    return context.images.path(SHIPPED)


async def test_get_picture(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    await give(client, studio, player_id, "virtual_items", image_url=SHIPPED)
    reply = await client.get("/web/backpack/items", headers=await studio.player_headers(player_id))
    proxied = reply.json()[0]["image_proxy_url"]
    assert proxied.startswith("http://127.0.0.1:8044/images/")
    assert proxied.endswith("?w=620&h=233")
    picture = await client.get(proxied)
    assert picture.status_code == 200
    assert size_of(picture) == (620, 233)
    assert picture.headers["x-content-type-options"] == "nosniff"
    assert picture.headers["content-security-policy"] == "default-src 'none'"
    assert picture.headers["cache-control"].startswith("public, max-age=")
    assert picture.headers["vary"] == "Accept"


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("", (620, 233)),
        ("?w=1240&h=466", (1240, 466)),
        ("?w=800", (800, 300)),
        ("?h=30", (80, 30)),
        ("?w=64&h=64", (64, 64)),
        ("?w=1&h=1", (1, 1)),
        ("?w=2000&h=2000", (2000, 2000)),
    ],
)
async def test_sizes(client: httpx.AsyncClient, address: str, query: str, size: tuple[int, int]) -> None:
    assert size_of(await client.get(f"{address}{query}")) == size


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [("image/avif,image/webp,*/*;q=0.8", "image/webp"), ("image/png,image/jpeg", "image/jpeg"), ("*/*", "image/jpeg")],
)
async def test_formats(client: httpx.AsyncClient, address: str, accept: str, media_type: str) -> None:
    reply = await client.get(address, headers={"Accept": accept})
    assert reply.headers["content-type"] == media_type
    assert Image.open(io.BytesIO(reply.content)).get_format_mimetype() == media_type


async def test_unchanged_picture(client: httpx.AsyncClient, address: str) -> None:
    first = await client.get(address)
    again = await client.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary"):
        assert again.headers[name] == first.headers[name]
    # As a proxy on the way may write it, or a browser that knows several.
    for known in (f"W/{first.headers['etag']}", f'"other", {first.headers["etag"]}', "*"):
        assert (await client.get(address, headers={"If-None-Match": known})).status_code == 304
    assert (await client.get(address, headers={"If-None-Match": '"other"'})).status_code == 200
    other_size = await client.get(f"{address}?w=64&h=64", headers={"If-None-Match": first.headers["etag"]})
    assert other_size.status_code == 200


@pytest.mark.parametrize("query", ["?w=0", "?h=0", "?w=2001", "?w=620&h=-1", "?w=99999999999999999999"])
async def test_picture_size_wrong(client: httpx.AsyncClient, address: str, query: str) -> None:
    reply = await client.get(f"{address}{query}")
    assert reply.status_code == 400
    assert reply.json()["message"] == "Width and height must be from 1 to 2000."


@pytest.mark.parametrize("query", ["?w=wide", "?h=", "?w=1.5"])
async def test_size_that_is_no_number(client: httpx.AsyncClient, address: str, query: str) -> None:
    reply = await client.get(f"{address}{query}")
    assert reply.status_code == 400
    assert [fault["property"] for fault in reply.json()["errors"]] == [query[1]]


async def test_picture_not_found(client: httpx.AsyncClient, context: Context, address: str) -> None:
    # Whoever cannot sign an address cannot make this server call one.
    encoded, _, mac = address.removeprefix("/images/").partition(".")
    other, _, _ = context.images.path("http://127.0.0.1:1/secret").removeprefix("/images/").partition(".")
    for path in (f"{other}.{mac}", f"{encoded}.{mac[:-1]}", encoded, f".{mac}", "%F0%9F%A6%8B", "x" * 3000):
        reply = await client.get(f"/images/{path}")
        assert reply.status_code == 404, path
        assert reply.json()["message"] == "There is no such picture: This is not an address of a picture."


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.7/lamp.png",
        "https://[fd00::1]/lamp.png",
        "https://user:secret@203.0.113.9/lamp.png",
    ],
)
async def test_source_that_may_not_be_called(client: httpx.AsyncClient, context: Context, url: str) -> None:
    reply = await client.get(context.images.path(url))
    assert reply.status_code == 404
    assert "The picture's address may not be called." in reply.json()["message"]
    assert "169.254" not in reply.text and "10.0.0.7" not in reply.text


@pytest.mark.parametrize(
    ("status", "body", "expected", "reason"),
    [
        (404, b"", 404, "There is no picture at the given address."),
        (302, b"", 404, "There is no picture at the given address."),
        (200, b"<svg onload='alert(1)'/>", 404, None),
        (200, b"", 404, None),
        (500, b"Traceback", 502, "The picture could not be fetched."),
        (429, b"", 502, "The picture could not be fetched."),
    ],
)
async def test_source_without_a_picture(
    client: httpx.AsyncClient,
    context: Context,
    serve: Serve,
    status: int,
    body: bytes,
    expected: int,
    reason: str | None,
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers={"Location": "/other.png"} if status == 302 else {})

    reply = await client.get(context.images.path(f"{await serve(answer)}/lamp.png"))
    assert reply.status_code == expected
    assert reason is None or reason in reply.json()["message"]
    for inside in ("127.0.0.1", "Traceback", "svg"):
        assert inside not in reply.text


async def test_picture_source_failed(client: httpx.AsyncClient, context: Context) -> None:
    reply = await client.get(context.images.path("http://127.0.0.1:1024/lamp.png"))
    assert reply.status_code == 502
    assert reply.json()["message"] == "The picture cannot be fetched: The picture could not be fetched."


async def test_picture_of_a_game_server(client: httpx.AsyncClient, context: Context, serve: Serve, draw: Draw) -> None:
    calls = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        # What the host calls it does not matter: the bytes say what it is.
        return web.Response(body=draw(800, 300), content_type="text/html")

    path = context.images.path(f"{await serve(answer)}/lamp.png")
    for query in ("", "?w=64&h=24", ""):
        assert (await client.get(f"{path}{query}")).status_code == 200
    assert calls == 1


async def test_more_pictures_than_are_made_at_once(
    client: httpx.AsyncClient, context: Context, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_answer, was_called = asyncio.Event(), asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        was_called.set()
        await asyncio.wait_for(may_answer.wait(), 10)
        return web.Response(status=404)

    monkeypatch.setattr(context.images, "_waiting_max", 1)
    address = context.images.path(f"{await serve(answer)}/lamp.png")
    waiting = asyncio.create_task(client.get(f"{address}?w=10"))
    await asyncio.wait_for(was_called.wait(), 10)
    refused = await client.get(f"{address}?w=11")
    may_answer.set()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert refused.json()["message"] == "Too many requests. Try again in 2 s."
    assert (await waiting).status_code == 404

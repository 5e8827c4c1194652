"""What is answered from memory is sent past uvicorn's tasks: nobody may notice it but by the time it takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest

from haversack.context import Context
from haversack.http import http_protocol
from make import catalog
from make.client_catalog import catalog_path
from make.projects import Studio
from make.servers import SECONDS_MAX, Line, Reply, request, serve

MANY = 2_000
HALF_HEAD = b"GET /nowhere HTTP/1.1\r\nHost: a\r\n"
HALF_BODY = b"POST /paystation4/pay HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\na"
CHUNKED = b"PUT /api/v2/project/1/cart/fill HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

Headers = list[tuple[str, str]]


@pytest.fixture
async def port(context: Context) -> AsyncIterator[int]:
    async with serve(context) as port:
        yield port


@pytest.fixture
async def path(client: httpx.AsyncClient, studio: Studio) -> str:
    """A page of the catalog with a lamp of which each player may have two."""
    lamp = catalog.virtual_item(sku="lamp", limits={"per_user": 2})
    await catalog.make_item(client, studio, "virtual_item", lamp)
    return catalog_path(studio, "/virtual_items")


@pytest.fixture
async def known(port: int, path: str) -> Reply:
    """The answer of the ordinary way; from now on it is given from memory."""
    async with Line.open(port) as line:
        (reply,) = await line.ask(request("GET", path))
    assert reply.status == 200
    assert b'"lamp"' in reply.body
    return reply


@pytest.fixture
async def player(studio: Studio) -> Headers:
    """What a player proves themselves by. Their answers wait for the database."""
    return list((await studio.player_headers(uuid4())).items())


def of_browsers_apart(reply: Reply) -> Reply:
    """What the ordinary way tells everybody and the short one only browsers."""
    return replace(reply, headers={name: reply.headers[name] for name in reply.headers if "expose" not in name})


async def test_from_memory_as_the_ordinary_way(port: int, path: str, known: Reply) -> None:
    async with Line.open(port) as line:
        first, second = await line.ask(request("GET", path), request("GET", path))
        (third,) = await line.ask(request("GET", path, [("Origin", "https://game.example.com")]))
    assert first == second == of_browsers_apart(known)
    assert third == known


async def test_head_and_not_modified(port: int, path: str, known: Reply) -> None:
    async with Line.open(port) as line:
        first, second = await line.ask(request("HEAD", path), request("HEAD", path), without_bodies=True)
        (unchanged,) = await line.ask(request("GET", path, [("If-None-Match", known.headers["etag"])]))
        (again,) = await line.ask(request("GET", path))
    assert first == second == replace(of_browsers_apart(known), body=b"")
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert again.body == known.body


@pytest.mark.parametrize(("version", "headers"), [("1.1", [("Connection", "close")]), ("1.0", [])])
async def test_connections_that_end(port: int, path: str, known: Reply, version: str, headers: Headers) -> None:
    async with Line.open(port) as line:
        (reply,) = await line.ask(request("GET", path, headers, version=version))
        assert (reply.status, reply.body, reply.headers["connection"]) == (200, known.body, "close")
        assert await line.is_ended()


async def test_a_body_that_nobody_asked_for(port: int, path: str, known: Reply) -> None:
    async with Line.open(port) as line:
        with_body = request("GET", path, [("Content-Length", "4")]) + b"body"
        first, second = await line.ask(with_body, request("GET", path))
    assert first.body == second.body == known.body


async def test_answers_keep_the_order_of_their_requests(port: int, path: str, known: Reply, player: Headers) -> None:
    nowhere, slow, quick = request("GET", "/nowhere"), request("GET", path, player), request("GET", path)
    async with Line.open(port) as line:
        replies = await line.ask(quick, nowhere, quick, slow, quick, slow, slow, nowhere, quick)
    assert [reply.status for reply in replies] == [200, 404, 200, 200, 200, 200, 200, 404, 200]
    assert {reply.body for reply in replies if reply.status == 200} == {known.body}


async def test_many_requests_ahead_of_their_answers(port: int, path: str, known: Reply) -> None:
    async with Line.open(port) as line:
        # The first is answered in a task; the others wait for it and are not answered one inside the other.
        replies = await line.ask(request("GET", "/nowhere"), *[request("GET", path)] * MANY)
    assert replies[0].status == 404
    assert {reply.body for reply in replies[1:]} == {known.body}


async def test_a_client_that_reads_nothing_is_not_read_from(port: int, path: str, known: Reply) -> None:
    async with Line.open(port) as line:
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        line.writer.write(request("GET", path) * MANY)
        async with Line.open(port) as other:
            assert (await other.ask(request("GET", path)))[0].body == known.body
        line.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert {(await line.read()).body for _ in range(MANY)} == {known.body}


async def test_a_client_that_leaves_while_its_answer_is_made(
    port: int, path: str, known: Reply, player: Headers, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        async with Line.open(port) as line:
            line.writer.write(request("GET", path, player))
            await line.writer.drain()
    async with Line.open(port) as line:
        assert (await line.ask(request("GET", path, player)))[0].body == known.body
    assert not caplog.records


async def test_a_refusal(port: int, studio: Studio) -> None:
    grouped = f"{catalog_path(studio)}/virtual_items/group/lights"
    async with Line.open(port) as line:
        first, second = await line.ask(request("GET", grouped), request("GET", grouped))
    assert first.status == second.status == 404
    assert first.headers.keys() == second.headers.keys()


async def drip(line: Line, letters: bytes, *, seconds: float = 0.1) -> int:
    """Send the same again and again until the server ends the connection; how often."""
    ended = asyncio.create_task(line.reader.read())
    times = 0
    with suppress(ConnectionError):
        async with asyncio.timeout(SECONDS_MAX):
            while not ended.done():
                line.writer.write(letters)
                times += 1
                await asyncio.sleep(seconds)
        await ended
    return times


async def test_a_head_that_does_not_end(port: int, path: str) -> None:
    async with Line.open(port) as line:
        line.writer.write(request("GET", path, [("X-Much", "x" * 50_000)]))
        assert (await line.read()).status == 200
    for begin, letters in (
        (HALF_HEAD, b"X-Much: " + b"x" * 10_000 + b"\r\n"),
        (HALF_HEAD + b"X-Much: ", b"x" * 10_000),
        (b"GET /", b"x" * 10_000),
        (CHUNKED + b"0\r\n", b"X-Much: " + b"x" * 10_000 + b"\r\n"),
    ):
        async with Line.open(port) as line:
            line.writer.write(begin)
            assert await drip(line, letters, seconds=0.02) < 20


@pytest.mark.parametrize(
    ("sent", "letters"),
    [(b"", b""), (b"", b"\r\n"), (HALF_HEAD, b"a"), (HALF_BODY, b"a"), (CHUNKED, b"1\r\n \r\n")],
    ids=["nothing", "blank lines", "a head", "a body", "a body in chunks"],
)
async def test_requests_that_do_not_arrive(
    port: int, sent: bytes, letters: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One letter now and then is no progress."""
    monkeypatch.setattr(http_protocol, "PATIENCE_SECONDS", 0.3)
    async with Line.open(port) as line:
        line.writer.write(sent)
        await drip(line, letters)
    async with Line.open(port) as line:
        assert (await line.ask(request("GET", "/nowhere")))[0].status == 404
        await drip(line, letters)


async def test_a_body_that_takes_its_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "PATIENCE_SECONDS", 0.2)
    async with Line.open(port) as line:
        line.writer.write(HALF_BODY)
        for _ in range(9):
            await asyncio.sleep(0.1)
            line.writer.write(b"a" * 11_000)
        line.writer.write(b"a" * 999)
        # No token stands in it, but it was read to its end.
        assert (await line.read()).status == 404


async def test_who_waits_for_an_answer_is_waited_for(
    port: int, path: str, known: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "PATIENCE_SECONDS", 0.2)
    async with Line.open(port) as line:
        for _ in range(3):
            (reply,) = await line.ask(request("GET", path))
            assert reply.body == known.body
            await asyncio.sleep(0.5)


async def test_an_answer_that_nobody_takes(port: int, path: str, known: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "PATIENCE_SECONDS", 0.3)
    async with Line.open(port) as line:
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(SECONDS_MAX):
            while not line.writer.transport.is_closing():
                line.writer.write(request("GET", path) * MANY)
                await asyncio.sleep(0.1)

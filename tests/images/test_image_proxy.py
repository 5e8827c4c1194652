"""The image proxy from signed path to picture, against a real local host of pictures."""

import asyncio
import io
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from PIL import Image

from haversack.images.cache import PictureCache
from haversack.images.proxy import ImageProxy
from haversack.images.resize import resize_picture
from haversack.images.rules import (
    SOURCE_BYTES_MAX,
    ImageFailure,
    ImageFailureKind,
    ImageSize,
    Picture,
    signed_path,
)
from haversack.outbound.addresses import DEVELOPMENT_POLICY, PRODUCTION_POLICY
from haversack.outbound.client import OutboundClient
from processes.running import until

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Draw = Callable[..., bytes]
Serve = Callable[[Handler], Awaitable[str]]
MakeProxy = Callable[..., ImageProxy]

KEY = b"0123456789abcdef"
NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)


class PictureHost:
    """A host whose answer can be changed and held back, and which counts its calls."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.status = 200
        self.calls = 0
        self.was_called = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def answer(self, request: web.Request) -> web.Response:
        self.calls += 1
        self.was_called.set()
        await asyncio.wait_for(self.may_answer.wait(), 10)
        headers = {"Location": "/other.png"} if self.status == 302 else {}
        return web.Response(status=self.status, body=self.body, content_type="text/html", headers=headers)


@pytest.fixture
async def make_proxy(tmp_path: Path) -> AsyncIterator[MakeProxy]:
    made: list[ImageProxy] = []
    async with OutboundClient(DEVELOPMENT_POLICY) as client:

        def make(**options: object) -> ImageProxy:
            given = {
                "client": client,
                "cache": PictureCache(tmp_path, bytes_max=10**8),
                "key": KEY,
                **options,
            }
            made.append(ImageProxy(**given))  # type: ignore[arg-type]
            return made[-1]

        yield make
        for proxy in made:
            await proxy.close()


async def ask(
    proxy: ImageProxy,
    url: str,
    *,
    width: int | None = 80,
    height: int | None = 30,
    accept: str | None = None,
    now: datetime = NOW,
) -> Picture:
    return await proxy.picture(proxy.path(url), width=width, height=height, accept=accept, now=now)


async def failure_kind(call: Awaitable[Picture]) -> ImageFailureKind:
    with pytest.raises(ImageFailure) as failure:
        await call
    assert "127.0.0.1" not in failure.value.reason
    return failure.value.kind


def size_of(picture: Picture) -> tuple[int, int]:
    return Image.open(io.BytesIO(picture.body)).size


async def test_picture_is_fetched_cut_and_kept(make_proxy: MakeProxy, serve: Serve, draw: Draw) -> None:
    host = PictureHost(draw(400, 300))
    url = await serve(host.answer) + "/sword.png"
    picture = await ask(make_proxy(), url)
    assert size_of(picture) == (80, 30)
    assert picture.media_type == "image/png"
    # A second proxy on the same folder is a second process, or the same one after a restart.
    assert await ask(make_proxy(), url) == picture
    assert host.calls == 1


async def test_default_size_and_headers(make_proxy: MakeProxy, serve: Serve, draw: Draw) -> None:
    url = await serve(PictureHost(draw(400, 300)).answer)
    picture = await ask(make_proxy(), url, width=None, height=None, accept="image/webp,*/*")
    assert size_of(picture) == (620, 233)
    headers = picture.headers()
    assert headers["Content-Type"] == "image/webp"
    assert headers["ETag"] == picture.etag
    assert picture.etag.startswith('"') and picture.etag.endswith('"')
    assert headers["Vary"] == "Accept"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age=86400" in headers["Cache-Control"]


async def test_other_sizes_and_formats_need_no_other_fetch(make_proxy: MakeProxy, serve: Serve, draw: Draw) -> None:
    host = PictureHost(draw(400, 300))
    url = await serve(host.answer)
    proxy = make_proxy()
    pictures = [
        await ask(proxy, url, width=width, accept=accept) for width in (10, 20) for accept in (None, "image/webp")
    ]
    assert len({picture.etag for picture in pictures}) == 4
    assert [size_of(picture)[0] for picture in pictures] == [10, 10, 20, 20]
    assert host.calls == 1


def count_cuts(monkeypatch: pytest.MonkeyPatch) -> list[ImageSize]:
    """Return a list that grows with each picture that is decoded."""
    cuts: list[ImageSize] = []

    def counted(body: bytes, size: ImageSize, *, is_webp: bool) -> bytes:
        cuts.append(size)
        return resize_picture(body, size, is_webp=is_webp)

    monkeypatch.setattr("haversack.images.proxy.resize_picture", counted)
    return cuts


async def test_simultaneous_requests_fetch_and_cut_once(
    make_proxy: MakeProxy, serve: Serve, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = PictureHost(draw(400, 300))
    host.may_answer.clear()
    url = await serve(host.answer)
    proxy = make_proxy()
    cuts = count_cuts(monkeypatch)
    requests = [asyncio.create_task(ask(proxy, url, width=width)) for width in (10, 20) for _ in range(20)]
    gone = asyncio.create_task(ask(proxy, url, width=10))
    await asyncio.wait_for(host.was_called.wait(), 5)
    gone.cancel()
    host.may_answer.set()
    pictures = await asyncio.gather(*requests)
    assert host.calls == 1
    assert len(cuts) == 2
    assert len({picture.body for picture in pictures}) == 2


async def test_signature_is_needed(make_proxy: MakeProxy, serve: Serve, draw: Draw) -> None:
    host = PictureHost(draw(40, 30))
    path = signed_path(await serve(host.answer), b"another key of 16")
    call = make_proxy().picture(path, width=None, height=None, accept=None, now=NOW)
    assert await failure_kind(call) is ImageFailureKind.BAD_SIGNATURE
    assert host.calls == 0


async def test_size_out_of_bounds(make_proxy: MakeProxy, serve: Serve, draw: Draw) -> None:
    host = PictureHost(draw(40, 30))
    url = await serve(host.answer)
    assert await failure_kind(ask(make_proxy(), url, width=2001)) is ImageFailureKind.BAD_SIZE
    assert host.calls == 0


async def test_private_addresses_are_refused_in_production(tmp_path: Path, serve: Serve, draw: Draw) -> None:
    host = PictureHost(draw(40, 30))
    url = await serve(host.answer)
    async with OutboundClient(PRODUCTION_POLICY) as client:
        proxy = ImageProxy(client, PictureCache(tmp_path, bytes_max=10**8), key=KEY)
        for refused in (url, "https://169.254.169.254/", "https://localhost/a.png", "not a url"):
            assert await failure_kind(ask(proxy, refused)) is ImageFailureKind.SOURCE_REFUSED
    assert host.calls == 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, ImageFailureKind.SOURCE_MISSING),
        (302, ImageFailureKind.SOURCE_MISSING),
        (206, ImageFailureKind.SOURCE_MISSING),
        (429, ImageFailureKind.SOURCE_UNREACHABLE),
        (503, ImageFailureKind.SOURCE_UNREACHABLE),
    ],
)
async def test_other_answers_than_200(
    make_proxy: MakeProxy, serve: Serve, draw: Draw, status: int, kind: ImageFailureKind
) -> None:
    host = PictureHost(draw(40, 30))
    host.status = status
    assert await failure_kind(ask(make_proxy(), await serve(host.answer))) is kind
    assert host.calls == 1


async def test_slow_host_is_unreachable(make_proxy: MakeProxy, serve: Serve, draw: Draw) -> None:
    host = PictureHost(draw(40, 30))
    host.may_answer.clear()
    proxy = make_proxy(fetch_timeout=timedelta(seconds=0.2))
    assert await failure_kind(ask(proxy, await serve(host.answer))) is ImageFailureKind.SOURCE_UNREACHABLE
    host.may_answer.set()


async def test_endless_body_is_too_large(make_proxy: MakeProxy, serve: Serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "image/png"})
        await response.prepare(request)
        while True:
            await response.write(b"\x89PNG" * 16384)

    assert await failure_kind(ask(make_proxy(), await serve(handler))) is ImageFailureKind.TOO_LARGE


@pytest.mark.parametrize("excess", [0, 1])
async def test_bound_of_a_source_is_exact(make_proxy: MakeProxy, serve: Serve, draw: Draw, excess: int) -> None:
    # Decoders do not mind what follows a picture.
    url = await serve(PictureHost(draw(40, 30).ljust(SOURCE_BYTES_MAX + excess, b"\0")).answer)
    if excess:
        assert await failure_kind(ask(make_proxy(), url)) is ImageFailureKind.TOO_LARGE
    else:
        assert size_of(await ask(make_proxy(), url)) == (80, 30)


async def test_declared_type_does_not_matter(make_proxy: MakeProxy, serve: Serve) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=b"<svg xmlns='http://www.w3.org/2000/svg'/>", content_type="image/png")

    assert await failure_kind(ask(make_proxy(), await serve(handler))) is ImageFailureKind.NOT_AN_IMAGE


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


async def test_bomb_is_too_large(make_proxy: MakeProxy, serve: Serve) -> None:
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (50_000 * 6251), 1)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    host = PictureHost(bomb)
    assert await failure_kind(ask(make_proxy(), await serve(host.answer))) is ImageFailureKind.TOO_LARGE


async def test_failed_source_is_left_alone_for_a_while(make_proxy: MakeProxy, serve: Serve, draw: Draw) -> None:
    broken = draw(400, 300)[:-200]
    for body, status in ((b"no picture", 200), (broken, 200), (b"", 404), (b"", 503)):
        host = PictureHost(body)
        host.status = status
        url = await serve(host.answer)
        patient, eager = make_proxy(), make_proxy(failure_kept=timedelta(0))
        kinds = {await failure_kind(ask(patient, url, width=width)) for width in (10, 20, 30)}
        assert len(kinds) == 1
        assert host.calls == 1
        host.body, host.status = draw(40, 30), 200
        assert await failure_kind(ask(patient, url)) in kinds
        later = NOW + timedelta(days=2)
        assert size_of(await ask(eager, url, now=later)) == (80, 30)


async def test_broken_picture_is_not_decoded_again_and_again(
    make_proxy: MakeProxy, serve: Serve, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts = count_cuts(monkeypatch)
    url = await serve(PictureHost(draw(400, 300)[:-200]).answer)
    proxy = make_proxy()
    for width in (10, 20, 30):
        assert await failure_kind(ask(proxy, url, width=width)) is ImageFailureKind.NOT_AN_IMAGE
    assert len(cuts) == 1


async def test_stale_picture_is_asked_for_again(make_proxy: MakeProxy, serve: Serve, draw: Draw) -> None:
    host = PictureHost(draw(400, 300))
    url = await serve(host.answer)
    proxy = make_proxy()
    first = await ask(proxy, url)
    assert await ask(proxy, url, now=NOW + timedelta(hours=23)) == first
    assert host.calls == 1
    assert await ask(proxy, url, now=NOW + timedelta(hours=25)) == first
    assert host.calls == 2
    host.body = draw(400, 300, "JPEG")
    changed = await ask(proxy, url, now=NOW + timedelta(hours=60))
    assert host.calls == 3
    assert changed.etag != first.etag
    assert changed.media_type == "image/jpeg"
    # A clock set back by a week must not keep what was stored in its future.
    await ask(proxy, url, now=NOW - timedelta(days=7))
    assert host.calls == 4


async def test_kept_picture_outlives_an_outage_but_not_a_removal(
    make_proxy: MakeProxy, serve: Serve, draw: Draw
) -> None:
    host = PictureHost(draw(400, 300))
    url = await serve(host.answer)
    proxy = make_proxy()
    first = await ask(proxy, url)
    later = NOW + timedelta(days=2)
    host.status = 503
    for width in (80, 80, 40):
        picture = await ask(proxy, url, width=width, now=later)
        assert size_of(picture)[0] == width
    assert await ask(proxy, url, now=later) == first
    assert host.calls == 2
    host.status = 404
    assert await failure_kind(ask(make_proxy(), url, now=later)) is ImageFailureKind.SOURCE_MISSING


def drop_sources(folder: Path) -> None:
    for path in folder.glob("??/*.src"):
        path.unlink()


async def test_evicted_source_is_fetched_again(make_proxy: MakeProxy, serve: Serve, draw: Draw, tmp_path: Path) -> None:
    host = PictureHost(draw(400, 300))
    url = await serve(host.answer)
    proxy = make_proxy()
    first = await ask(proxy, url)
    drop_sources(tmp_path)
    assert await ask(proxy, url) == first
    assert host.calls == 1
    assert size_of(await ask(proxy, url, width=40)) == (40, 30)
    assert host.calls == 2


async def test_cache_that_cannot_be_used_only_costs_time(
    make_proxy: MakeProxy, serve: Serve, draw: Draw, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    host = PictureHost(draw(400, 300))
    url = await serve(host.answer)
    proxy = make_proxy(cache=PictureCache(tmp_path / "file", bytes_max=10**8))
    for _ in range(2):
        assert size_of(await ask(proxy, url)) == (80, 30)
    assert host.calls == 2


async def test_own_pictures_need_no_network(make_proxy: MakeProxy, draw: Draw) -> None:
    own = {"/static/demo/sword.png": draw(400, 300), "/static/demo/broken.png": b"?"}
    asked: list[str] = []

    def local(path: str) -> bytes | None:
        asked.append(path)
        return own.get(path)

    proxy = make_proxy(local=local)
    first = await ask(proxy, "/static/demo/sword.png")
    assert size_of(first) == (80, 30)
    assert await ask(proxy, "/static/demo/sword.png") == first
    assert asked == ["/static/demo/sword.png"] * 2
    assert await failure_kind(ask(proxy, "/static/demo/broken.png")) is ImageFailureKind.NOT_AN_IMAGE
    assert await failure_kind(ask(proxy, "/static/demo/none.png")) is ImageFailureKind.SOURCE_REFUSED


async def test_short_key_is_refused_at_the_start(make_proxy: MakeProxy) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        make_proxy(key=b"short")


async def test_more_pictures_than_are_made_at_once_are_refused(make_proxy: MakeProxy, serve: Serve, draw: Draw) -> None:
    host = PictureHost(draw(40, 30))
    url = await serve(host.answer)
    proxy = make_proxy(waiting_max=2)
    kept = await ask(proxy, f"{url}/kept", width=5)
    host.may_answer.clear()
    waiting = [asyncio.create_task(ask(proxy, url, width=width)) for width in (10, 20)]
    await until(lambda: len(proxy._pictures) == 2, "two pictures are waited for")
    # Those who want the same need no place of their own, and what is kept needs none.
    same = asyncio.create_task(ask(proxy, url, width=20))
    assert await ask(proxy, f"{url}/kept", width=5) == kept
    assert await failure_kind(ask(proxy, url, width=30)) is ImageFailureKind.BUSY
    host.may_answer.set()
    assert (await asyncio.gather(*waiting, same))[1:] == [await same] * 2
    assert (await ask(proxy, url, width=30)).body


async def test_closing_stops_what_is_under_way(make_proxy: MakeProxy, serve: Serve, draw: Draw) -> None:
    host = PictureHost(draw(40, 30))
    host.may_answer.clear()
    proxy = make_proxy()
    request = asyncio.create_task(ask(proxy, await serve(host.answer)))
    await asyncio.wait_for(host.was_called.wait(), 5)
    await proxy.close()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(request, 5)
    host.may_answer.set()

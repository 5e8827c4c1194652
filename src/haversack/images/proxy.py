"""The image proxy at work: signed path in, picture of the wanted size out, each source fetched once."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from haversack.images.cache import Kept, PictureCache
from haversack.images.once import OnceAtATime
from haversack.images.resize import read_header, resize_picture
from haversack.images.rules import (
    SOURCE_BYTES_MAX,
    ImageFailure,
    ImageFailureKind,
    ImageSize,
    Picture,
    accepts_webp,
    check_key,
    choose_size,
    make_picture,
    name_variant,
    open_path,
    signed_path,
)
from haversack.outbound.client import FailureKind, OutboundClient, OutboundFailure, OutboundReply

logger = logging.getLogger(__name__)

# A decode may take 200 MB for the largest pictures: two small ones at a time, large ones one by one.
_DECODES_MAX = 2
_LARGE_PIXELS = 6_000_000
# Said by a host that may well have the picture: request timeout, too early, too many requests.
_PASSING_STATUSES = frozenset({408, 425, 429})
# Each source under way holds up to 5 MB.
_SOURCES_MAX = 32
# Whose picture is behind so many others would not wait for it. Sizes are free to choose, so anybody can ask for more.
_PICTURES_WAITING_MAX = 100
_FAILURES_KEPT_MAX = 1024
_PATHS_KEPT_MAX = 4096


def no_local_picture(_path: str) -> bytes | None:
    """Find no picture: for servers that ship none."""
    return None


@dataclass(frozen=True, slots=True)
class _Source:
    digest: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _KnownFailure:
    failure: ImageFailure
    until: float


class ImageProxy:
    """Serves pictures from elsewhere in the size that is asked for.

    Sources are fetched through the client's address policy, kept in the cache for `source_fresh`, and asked
    for again after that; while a source cannot be reached the kept picture goes on being served. A source
    that failed is not asked again for `failure_kept`.

    key: at least 16 secret bytes, the same in all processes.
    local: returns the bytes of a picture that the server ships itself, given the image URL as it was signed
        (`/static/...`), and None for everything else; called in a thread.
    waiting_max: how many pictures are made or wait for it; further ones are refused (`busy`), what is kept is not.
    """

    def __init__(
        self,
        client: OutboundClient,
        cache: PictureCache,
        *,
        key: bytes,
        local: Callable[[str], bytes | None] = no_local_picture,
        fetch_timeout: timedelta = timedelta(seconds=10),
        source_fresh: timedelta = timedelta(days=1),
        failure_kept: timedelta = timedelta(seconds=30),
        waiting_max: int = _PICTURES_WAITING_MAX,
    ) -> None:
        check_key(key)
        self._client = client
        self._cache = cache
        self._key = key
        # Lists show the same few pictures again and again.
        self._path = lru_cache(_PATHS_KEPT_MAX)(lambda image_url: signed_path(image_url, key))
        self._local = local
        self._fetch_timeout = fetch_timeout
        self._source_fresh = source_fresh
        self._failure_kept = failure_kept
        self._waiting_max = waiting_max
        self._pictures: OnceAtATime[Picture] = OnceAtATime()
        self._sources: OnceAtATime[_Source] = OnceAtATime()
        self._source_slots = asyncio.Semaphore(_SOURCES_MAX)
        self._decode_slots = asyncio.Semaphore(_DECODES_MAX)
        self._large_decode = asyncio.Lock()
        self._failures: dict[str, _KnownFailure] = {}

    def path(self, image_url: str) -> str:
        """Return the path under which this proxy serves a picture: what `image_proxy_url` is made of."""
        return self._path(image_url)

    async def picture(
        self, path: str, *, width: int | None, height: int | None, accept: str | None, now: datetime
    ) -> Picture:
        """Return the picture behind a signed path, filling exactly the size asked for.

        accept: the client's `Accept` header; the format depends on it. now: the real time, not a project's.
        Raises `ImageFailure` of any kind.
        """
        url = open_path(path, self._key)
        size = choose_size(width=width, height=height)
        is_webp = accepts_webp(accept)
        ready = await asyncio.to_thread(self._find_ready, url, size, is_webp, now)
        if ready is not None:
            return ready
        wanted = (url, size, is_webp)
        if len(self._pictures) >= self._waiting_max and wanted not in self._pictures:
            raise ImageFailure(ImageFailureKind.BUSY, "Too many pictures are being made.")
        return await self._pictures.run(wanted, lambda: self._make(url, size, is_webp=is_webp, now=now))

    async def close(self) -> None:
        """Stop fetching and cutting; to be called before the client is closed."""
        await self._pictures.close()
        await self._sources.close()

    def _find_ready(self, url: str, size: ImageSize, is_webp: bool, now: datetime) -> Picture | None:
        """Return the picture if everything about it is kept and fresh."""
        reference = self._read(_reference_name(url), now)
        if reference is None or not self._is_fresh(reference.stored_at, now):
            return None
        return self._find_variant(reference.body.decode(), size, is_webp, now)

    def _find_variant(self, digest: str, size: ImageSize, is_webp: bool, now: datetime) -> Picture | None:
        name = name_variant(digest, size, is_webp=is_webp)
        kept = self._read(f"{name}.pic", now)
        return None if kept is None else make_picture(kept.body, name)

    def _is_fresh(self, stored_at: datetime, now: datetime) -> bool:
        # A clock that was set back must not make a picture fresh for ever.
        return abs(now - stored_at) < self._source_fresh

    async def _make(self, url: str, size: ImageSize, *, is_webp: bool, now: datetime) -> Picture:
        local_body = await asyncio.to_thread(self._local, url)
        if local_body is not None:
            return await self._cut(_source(local_body), size, is_webp=is_webp, now=now)
        async with self._source_slots:
            source = await self._sources.run(url, lambda: self._load(url, now=now))
            try:
                return await self._cut(source, size, is_webp=is_webp, now=now)
            except ImageFailure as failure:
                self._remember(url, failure)
                raise

    async def _cut(self, source: _Source, size: ImageSize, *, is_webp: bool, now: datetime) -> Picture:
        kept = await asyncio.to_thread(self._find_variant, source.digest, size, is_webp, now)
        if kept is not None:
            return kept
        body = await self._decode(source.body, size, is_webp=is_webp)
        name = name_variant(source.digest, size, is_webp=is_webp)
        await asyncio.to_thread(self._keep, f"{name}.pic", body, now)
        return make_picture(body, name)

    async def _decode(self, body: bytes, size: ImageSize, *, is_webp: bool) -> bytes:
        header = await asyncio.to_thread(read_header, body)
        if header.pixels <= _LARGE_PIXELS:
            async with self._decode_slots:
                return await asyncio.to_thread(resize_picture, body, size, is_webp=is_webp)
        async with self._large_decode, self._decode_slots:
            return await asyncio.to_thread(resize_picture, body, size, is_webp=is_webp)

    async def _load(self, url: str, *, now: datetime) -> _Source:
        """Return the source from the cache while it is fresh, else from its host, else as it last was."""
        kept, is_fresh = await asyncio.to_thread(self._find_source, url, now)
        if kept is not None and is_fresh:
            self._raise_known_failure(url)
            return kept
        try:
            self._raise_known_failure(url)
            source = await self._fetch(url)
        except ImageFailure as failure:
            self._remember(url, failure)
            if kept is not None and failure.kind is ImageFailureKind.SOURCE_UNREACHABLE:
                return kept
            raise
        await asyncio.to_thread(self._keep_source, url, source, now)
        return source

    async def _fetch(self, url: str) -> _Source:
        try:
            reply = await self._client.send(
                "GET",
                url,
                headers={"Accept": "image/webp,image/png,image/jpeg"},
                timeout_seconds=self._fetch_timeout.total_seconds(),
                response_bytes_max=SOURCE_BYTES_MAX,
            )
        except OutboundFailure as failure:
            # The reason stays in the log: a player must not learn from it what answers inside a network.
            logger.info("a picture could not be fetched: %s", failure.kind)
            raise _fetch_failure(failure) from failure
        _check_reply(reply)
        source = _source(reply.body)
        await asyncio.to_thread(read_header, source.body)
        return source

    def _find_source(self, url: str, now: datetime) -> tuple[_Source | None, bool]:
        reference = self._read(_reference_name(url), now)
        if reference is None:
            return None, False
        digest = reference.body.decode()
        kept = self._read(f"{digest}.src", now)
        source = None if kept is None else _Source(digest=digest, body=kept.body)
        return source, self._is_fresh(reference.stored_at, now)

    def _keep_source(self, url: str, source: _Source, now: datetime) -> None:
        self._keep(f"{source.digest}.src", source.body, now)
        self._keep(_reference_name(url), source.digest.encode(), now)

    def _read(self, name: str, now: datetime) -> Kept | None:
        try:
            return self._cache.read(name, now=now)
        except OSError:
            # A failing disk makes the proxy slow, not broken.
            logger.warning("the picture cache cannot be read", exc_info=True)
            return None

    def _keep(self, name: str, body: bytes, now: datetime) -> None:
        try:
            self._cache.write(name, body, now=now)
        except OSError:
            logger.warning("the picture cache cannot be written", exc_info=True)

    def _raise_known_failure(self, url: str) -> None:
        known = self._failures.get(url)
        if known is None:
            return
        if time.monotonic() < known.until:
            raise ImageFailure(known.failure.kind, known.failure.reason)
        del self._failures[url]

    def _remember(self, url: str, failure: ImageFailure) -> None:
        if url in self._failures:
            return
        if len(self._failures) >= _FAILURES_KEPT_MAX:
            del self._failures[next(iter(self._failures))]
        until = time.monotonic() + self._failure_kept.total_seconds()
        self._failures[url] = _KnownFailure(failure=failure, until=until)


def _source(body: bytes) -> _Source:
    return _Source(digest=hashlib.sha256(body).hexdigest(), body=body)


def _reference_name(url: str) -> str:
    """Return the name under which the digest of a URL's picture is kept."""
    return f"{hashlib.sha256(url.encode()).hexdigest()}.ref"


def _fetch_failure(failure: OutboundFailure) -> ImageFailure:
    if failure.kind is FailureKind.REFUSED:
        return ImageFailure(ImageFailureKind.SOURCE_REFUSED, "The picture's address may not be called.")
    return ImageFailure(ImageFailureKind.SOURCE_UNREACHABLE, "The picture could not be fetched.")


def _check_reply(reply: OutboundReply) -> None:
    if reply.status in _PASSING_STATUSES or reply.status >= 500:
        raise ImageFailure(ImageFailureKind.SOURCE_UNREACHABLE, "The picture could not be fetched.")
    if reply.status != 200:
        # Redirects too: following one would need every check again, and pictures have lasting addresses.
        raise ImageFailure(ImageFailureKind.SOURCE_MISSING, "There is no picture at the given address.")
    if reply.is_cut:
        raise ImageFailure(
            ImageFailureKind.TOO_LARGE, f"The picture is larger than {SOURCE_BYTES_MAX // 1024 // 1024} MB."
        )

"""A small load generator: keep-alive connections to 127.0.0.1, each sending the next request after the last answer."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from typing import cast

ANSWER_SECONDS_MAX = 30.0


class LoadError(Exception):
    """An answer was not the expected one, or the connection ended."""


@dataclass(frozen=True, slots=True)
class Load:
    """What was answered: how many, in how many seconds, and how long each took (seconds)."""

    answers: int
    seconds: float
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds

    @property
    def latency_ms(self) -> float:
        """The median time to an answer, in milliseconds."""
        return median(self.latencies) * 1000


def build_request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, sends again until the deadline."""

    def __init__(self, requests: Iterator[bytes], status: int) -> None:
        self._requests = requests
        self._expected = f"HTTP/1.1 {status} ".encode()
        self._head = b""
        self._missing = 0
        self._sent_at = 0.0
        self._deadline = 0.0
        self._transport: asyncio.Transport | None = None
        self.latencies: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance

    def start(self, deadline: float) -> None:
        """Send the first request; the last is sent before the deadline (monotonic seconds)."""
        self._deadline = deadline
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._sent_at = time.monotonic()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data = self._head[:end], self._head[end + 4 :]
            self._head = b""
            if not head.startswith(self._expected):
                self._fail(f"{head.decode('latin-1')}\n{data[:500].decode('utf-8', 'replace')}")
                return
            self._missing = _content_length(head)
        self._missing -= len(data)
        if self._missing > 0:
            return
        now = time.monotonic()
        self.latencies.append(now - self._sent_at)
        if now < self._deadline:
            self._send()
        elif not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"the connection ended: {error}")

    def _fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(LoadError(reason))

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.abort()


def _content_length(head: bytes) -> int:
    if head[9:12] in (b"204", b"304"):
        return 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise LoadError(f"an answer without a length: {head.decode('latin-1')}")


async def load(port: int, requests: Sequence[bytes], *, connections: int, seconds: float, status: int = 200) -> Load:
    """Send the requests in turn over so many connections for so long. Any other status raises LoadError."""
    loop = asyncio.get_running_loop()
    shared = cycle(requests)
    opened = []
    try:
        for _ in range(connections):
            _, connection = await loop.create_connection(lambda: _Connection(shared, status), "127.0.0.1", port)
            opened.append(connection)
        started = time.monotonic()
        for connection in opened:
            connection.start(started + seconds)
        async with asyncio.timeout(seconds + ANSWER_SECONDS_MAX):
            await asyncio.gather(*(connection.done for connection in opened))
        took = time.monotonic() - started
    finally:
        for connection in opened:
            connection.close()
    latencies = [each for connection in opened for each in connection.latencies]
    return Load(len(latencies), took, latencies)

"""A recording webhook receiver on 127.0.0.1: real HTTP, answering or failing in chosen ways."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self, cast

import orjson


class Fault(StrEnum):
    """Ways to fail that are no HTTP answer."""

    HANG = "hang"  # never answers
    DROP = "drop"  # closes without an answer
    GARBAGE = "garbage"  # answers something that is not HTTP
    CUT = "cut"  # closes in the middle of the answer's body


@dataclass(frozen=True, slots=True)
class Answer:
    """How the receiver answers one request."""

    status: int = 204
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    fault: Fault | None = None


def refusal(code: str, message: str = "", *, status: int = 400) -> Answer:
    """An error body as the wire has it."""
    return Answer(status, orjson.dumps({"error": {"code": code, "message": message}}))


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came: names of headers in lower case, the body's very bytes."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        """The id that stays the same in repeats."""
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        """The body as plain values."""
        return orjson.loads(self.body)


class Receiver:
    """Answers from its script first, then by its rule; keeps everything it was sent."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.under_way = 0
        self.under_way_max = 0
        self._script: deque[Answer] = deque()
        self._rule: Callable[[Received], Answer] = lambda _: Answer()
        self._arrived = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._notices: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop listening and end every connection. The port can be listened at again."""
        if self._server is not None:
            self._server.close()
            for connection in tuple(self._connections):
                connection.end()
            await self._server.wait_closed()
            self._server = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/webhook"

    @property
    def event_ids(self) -> list[str]:
        """The ids of what came, in order of arrival."""
        return [each.event_id for each in self.received]

    def answer_next(self, *answers: Answer) -> None:
        """Answer the next requests like this, one after another."""
        self._script.extend(answers)

    def answer_always(self, answer: Answer | Callable[[Received], Answer]) -> None:
        """Answer like this when the script is at its end."""
        self._rule = answer if callable(answer) else lambda _: answer

    async def wait_for(self, count: int, *, timeout_seconds: float = 10.0) -> list[Received]:
        """Everything received, as soon as it is at least so much; TimeoutError if it does not become so much."""
        async with asyncio.timeout(timeout_seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.received) >= count)
        return list(self.received)

    def _take(self, request: Received) -> Answer:
        self.received.append(request)
        self.under_way += 1
        self.under_way_max = max(self.under_way_max, self.under_way)
        if self._arrived._waiters:  # type: ignore[attr-defined]
            notice = asyncio.get_running_loop().create_task(self._notify())
            self._notices.add(notice)
            notice.add_done_callback(self._notices.discard)
        return self._script.popleft() if self._script else self._rule(request)

    async def _notify(self) -> None:
        async with self._arrived:
            self._arrived.notify_all()


class _Connection(asyncio.Protocol):
    """As much of HTTP/1.1 as a client with Content-Length needs; the connection is kept open."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._is_counted = 0
        self._later: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses.
        self._transport = cast(asyncio.Transport, transport)
        self._receiver._connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._receiver._connections.discard(self)
        self._receiver.under_way -= self._is_counted
        self._is_counted = 0
        if self._later is not None:
            self._later.cancel()

    def end(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        method, target, _ = first.split(" ", 2)
        answer = self._receiver._take(Received(method, target, headers, rest[:length]))
        self._is_counted = 1
        if answer.delay_seconds:
            self._later = asyncio.get_running_loop().call_later(answer.delay_seconds, self._answer, answer)
        else:
            self._answer(answer)

    def _answer(self, answer: Answer) -> None:
        assert self._transport is not None
        if answer.fault is Fault.HANG:
            return
        self._receiver.under_way -= self._is_counted
        self._is_counted = 0
        if answer.fault is Fault.DROP:
            self._transport.close()
            return
        if answer.fault is Fault.GARBAGE:
            self._transport.write(b"this is not HTTP\r\n\r\n")
            self._transport.close()
            return
        lines = [
            f"HTTP/1.1 {answer.status} Answer",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
        ]
        length = len(answer.body) + (10 if answer.fault is Fault.CUT else 0)
        if answer.status != 204:
            lines.append(f"Content-Length: {length}")
        self._transport.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + answer.body)
        if answer.fault is Fault.CUT:
            self._transport.close()


def ids_in_order(received: Iterable[Received]) -> list[str]:
    """The ids of what came, each where it came first."""
    return list(dict.fromkeys(each.event_id for each in received))

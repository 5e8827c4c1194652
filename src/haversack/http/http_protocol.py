"""The HTTP protocol of one connection: uvicorn's, which sends what is answered from memory by itself.

A task, its coroutine and two messages for each answer cost more than finding a page of the catalog does. Everything
else goes uvicorn's way: what is not in memory, a connection that ends after the answer, a client that reads slowly.

Neither uvicorn nor its parser has an end of patience: a head might grow for ever, and who sends a byte now and then or
takes no answer would hold a connection for nothing.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from haversack.http.area import HotAnswer
from haversack.http.dispatch import Dispatcher, send_hot

# Cookies and tokens of the longest sorts fit several times.
HEAD_BYTES_MAX = 64 * 1024
HEAD_TOO_LARGE = f"The head of a request may have {HEAD_BYTES_MAX} bytes."
# A request has once to twice this long for its head, and its body goes on by so many bytes in it; then its sender is
# taken to be gone. Slower than any network that games are played on.
PATIENCE_SECONDS = 30.0
BODY_BYTES_MIN = 1_024


class HttpProtocol(HttpToolsProtocol):
    """A connection of the server, in front of a dispatcher."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._dispatcher = _dispatcher_behind(self.app)
        # Whether a request is arriving, and its bytes since it began or its body went on.
        self._is_arriving = True
        self._head_bytes = 0
        self._body_bytes = 0
        # As it was at the last look: arriving, and what stood in the way of the answer.
        self._was_arriving = False
        self._waiting_bytes = 0
        self._look_later: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has connected, and is looked after from now on."""
        super().connection_made(transport)
        self._look_later = self.loop.call_later(PATIENCE_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        if self._look_later is not None:
            self._look_later.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A piece of a request, or of several."""
        # What is no request yet, such as blank lines, ends uvicorn's own patience too.
        self._is_arriving = True
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response(HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._is_arriving, self._was_arriving = True, False
        self._head_bytes = 0

    def on_body(self, body: bytes) -> None:
        """A body goes on."""
        self._head_bytes = 0
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has arrived."""
        self._is_arriving = False
        super().on_message_complete()

    def _look(self) -> None:
        """Drop who neither sends nor takes."""
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return  # it has ended, or has become a socket
        # Who is not read from, because earlier requests are answered first, cannot send.
        is_arriving = self._is_arriving and not self.flow.read_paused
        waiting_bytes = self.transport.get_write_buffer_size()
        is_slow = is_arriving and self._was_arriving and self._body_bytes < BODY_BYTES_MIN
        if is_slow or 0 < self._waiting_bytes <= waiting_bytes:
            self.transport.abort()
            return
        self._was_arriving, self._waiting_bytes, self._body_bytes = is_arriving, waiting_bytes, 0
        self._look_later = self.loop.call_later(PATIENCE_SECONDS, self._look)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # Another application says that the server is too busy. Requests that were sent ahead of their answers take
        # their turn in tasks: answering each from the end of the one before would pile up as many calls.
        is_usual = app is self.app and cycle is self.cycle and not self.pipeline
        answer = self._dispatcher.find_hot(cast(Scope, cycle.scope)) if is_usual else None
        if isinstance(answer, tuple) and self._takes_at_once(cycle):
            _send(cycle, answer)
        else:
            super()._start_asgi_task(cycle, app if answer is None else self._answering(cycle, answer))

    def _takes_at_once(self, cycle: RequestResponseCycle) -> bool:
        return cycle.keep_alive and not (cycle.disconnected or self.flow.write_paused)

    def _answering(self, cycle: RequestResponseCycle, answer: HotAnswer | Awaitable[HotAnswer | None]) -> Any:
        """What uvicorn runs in a task of its own until the answer is there."""

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            found = answer if isinstance(answer, tuple) else await answer
            if found is None:
                await self._dispatcher.answer_ordinarily(scope, receive, send)
            elif self._takes_at_once(cycle):
                _send(cycle, found)
            else:
                await send_hot(found, send)

        return application


def _dispatcher_behind(app: Any) -> Dispatcher:
    """The dispatcher behind what uvicorn has wrapped around it."""
    while not isinstance(app, Dispatcher):
        app = app.app
    return app


def _send(cycle: RequestResponseCycle, answer: HotAnswer) -> None:
    """Send an answer as uvicorn would. Its headers are the server's own, and its length is among them."""
    status, headers, body = answer
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    head = [STATUS_LINE[status]]
    for name, value in (*cycle.default_headers, *headers):
        head += (name, b": ", value, b"\r\n")
    head.append(b"\r\n")
    cycle.transport.writelines((b"".join(head), b"" if cycle.scope["method"] == "HEAD" else body))
    cycle.response_complete = True
    cycle.message_event.set()
    cycle.on_response()

"""The HTTP protocol of one connection: uvicorn's, which sends what is answered from memory by itself.

A task, its coroutine and two messages for each answer cost more than finding a page of the catalog does. Everything
else goes uvicorn's way: what is not in memory, a connection that ends after the answer, a client that reads slowly.
"""

from collections.abc import Awaitable
from typing import Any, cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from haversack.http.area import HotAnswer
from haversack.http.dispatch import Dispatcher, send_hot


class HttpProtocol(HttpToolsProtocol):
    """A connection of the server, in front of a dispatcher."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._dispatcher = _dispatcher_behind(self.app)

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

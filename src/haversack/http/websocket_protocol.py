"""The WebSocket protocol of one connection: uvicorn's, without its log and without patience for dead clients."""

import asyncio
import logging
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# A client that has not taken its close frame by then is gone.
LEAVING_SECONDS = 5.0
# uvicorn tells of each socket with its address, which may hold what a client wants to keep to itself.
_quiet = logging.getLogger("haversack.http.sockets")
_quiet.setLevel(logging.WARNING)


class WebSocket(WebSocketsSansIOProtocol):
    """A connection that ends for good after its endpoint has returned."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.logger = _quiet
        self.conn.logger = _quiet

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """The endpoint has returned: what the client does not take is thrown away."""
        super().on_task_complete(task)
        if not self.disconnected:
            self.loop.call_later(LEAVING_SECONDS, self._abort)

    def _abort(self) -> None:
        if not self.disconnected:
            self.transport.abort()

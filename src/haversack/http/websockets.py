"""How uvicorn serves sockets: the WebSocket protocol, loaded with the first of them, that drops who does not leave."""

from typing import Any


def open_websocket(**options: Any) -> Any:
    """The protocol of one connection, as uvicorn asks for it. Its library is not loaded before it is needed."""
    from haversack.http.websocket_protocol import WebSocket

    return WebSocket(**options)

"""The address of the order-status socket, as an ASGI endpoint."""

import asyncio
from typing import Any

from starlette.types import Receive, Scope, Send

from haversack.orders.socket.connections import Connection
from haversack.orders.socket.protobuf import ProtobufCodec
from haversack.orders.socket.protocol import Close, Codec, JsonCodec

PATH = "/connection/websocket"
# How long a client that reads nothing may keep the close frame waiting.
CLOSE_SECONDS = 1.0

_JSON = JsonCodec()
_PROTOBUF = ProtobufCodec()


async def track_orders(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept a socket and serve it until it ends. Who the client is it says in its first command."""
    assert scope["type"] == "websocket"
    opening = await receive()
    if opening["type"] != "websocket.connect":
        return
    codec, subprotocol = _agreed(scope.get("subprotocols", ()))
    await send({"type": "websocket.accept", "subprotocol": subprotocol})
    connection = Connection(scope["app"].state.context, codec, receive, send)  # type: ignore[arg-type]
    reason = await connection.run()
    if reason is not None:
        await _close(send, reason)


def _agreed(offered: Any) -> tuple[Codec, str | None]:
    """How we speak: binary with those who offer it, else JSON, which needs no agreement."""
    if _PROTOBUF.subprotocol in offered:
        return _PROTOBUF, _PROTOBUF.subprotocol
    return _JSON, "centrifuge-json" if "centrifuge-json" in offered else None


async def _close(send: Send, reason: Close) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await send({"type": "websocket.close", "code": reason.code, "reason": reason.reason})
    except (OSError, TimeoutError):
        # The client has gone, or reads nothing any more: the server drops the connection.
        return

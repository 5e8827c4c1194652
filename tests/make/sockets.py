"""A server of sockets at a real port, clients that speak as games do, and orders that move."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Self
from uuid import UUID, uuid4

from sqlalchemy import insert, update
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from haversack.clock import real_now
from haversack.context import Context
from haversack.login.actions import issue_player_token
from haversack.orders.changes import note_order
from haversack.orders.records import OrderState
from haversack.orders.socket.endpoint import PATH
from haversack.orders.socket.protobuf import ProtobufCodec, decode, encode
from haversack.orders.tables import orders
from make.projects import Studio
from make.servers import serve

SECONDS_MAX = 5.0
_order_ids = count(1_500_000_000)


@asynccontextmanager
async def serve_sockets(context: Context) -> AsyncIterator[str]:
    """Serve the application; the address of its socket."""
    async with serve(context) as port:
        yield f"ws://127.0.0.1:{port}{PATH}"


@dataclass(slots=True)
class Follower:
    """A player of a studio with a token, and their orders."""

    studio: Studio = field(repr=False)
    player_id: UUID
    token: str = field(repr=False)

    async def order(self, state: OrderState = OrderState.NEW, *, at: datetime | None = None) -> int:
        """An order of the player in the state, told of to nobody."""
        order_id = next(_order_ids)
        now = at or real_now()
        await self.studio.context.database.session().execute(
            insert(orders).values(
                project_id=self.studio.project_id,
                order_id=order_id,
                player_id=self.player_id,
                external_id=str(self.player_id),
                state=state.value,
                is_sandbox=True,
                currency_type="real",
                currency="USD",
                amount=1,
                created_at=now,
                expires_at=now + timedelta(hours=24),
                **_times(state, now),
            )
        )
        return order_id

    async def move(self, order_id: int, state: OrderState) -> None:
        """Bring an order to a state, told of to nobody."""
        changed = await self.studio.context.database.session().execute(
            update(orders)
            .where(orders.c.project_id == self.studio.project_id, orders.c.order_id == order_id)
            .values(state=state.value, **_times(state, real_now()))
        )
        assert changed == 1

    def note(self, order_id: int, state: OrderState, *, context: Context | None = None) -> None:
        """Tell of a move, in a process."""
        note_order(context or self.studio.context, self.studio.project_id, self.player_id, order_id, state)

    async def move_and_note(self, order_id: int, state: OrderState, *, context: Context | None = None) -> None:
        """Bring an order to a state and tell of it."""
        await self.move(order_id, state)
        self.note(order_id, state, context=context)


def _times(state: OrderState, now: datetime) -> dict[str, datetime]:
    if state is OrderState.PAID:
        return {"paid_at": now}
    return {"ended_at": now} if state is not OrderState.NEW else {}


async def make_follower(studio: Studio, *, life: timedelta | None = None) -> Follower:
    """A fresh player."""
    player_id = uuid4()
    token = await issue_player_token(studio.context, studio.login_project_id, player_id, life=life)
    return Follower(studio, player_id, token)


@dataclass(slots=True)
class Socket:
    """An open socket, as a game sees it."""

    connection: ClientConnection

    async def send(self, *commands: dict[str, Any]) -> None:
        """Send commands in one message, as Centrifugo's JSON protocol has them."""
        await self.connection.send("\n".join(json.dumps(command) for command in commands))

    async def receive(self) -> dict[str, Any]:
        """The next message; one JSON value."""
        async with asyncio.timeout(SECONDS_MAX):
            message = await self.connection.recv()
        assert isinstance(message, str)
        value: dict[str, Any] = json.loads(message)
        return value

    async def introduce(self, follower: Follower, **data: Any) -> dict[str, Any]:
        """Connect as the Unity and Cocos clients do; the reply."""
        await self.send(
            {"connect": {"data": {"auth": follower.token, "project_id": follower.studio.project_id, **data}}, "id": 1}
        )
        return await self.receive()

    async def receive_status(self) -> tuple[int, str]:
        """Order and status of the next push."""
        data = (await self.receive())["push"]["pub"]["data"]
        return data["order_id"], data["status"]

    async def closed(self) -> tuple[int, str]:
        """Code and reason with which the server closes the socket; what it says before is passed over."""
        try:
            async with asyncio.timeout(SECONDS_MAX):
                while True:
                    await self.connection.recv()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, "the connection was lost without a close frame"
            return closed.rcvd.code, closed.rcvd.reason

    async def is_silent(self) -> bool:
        """Whether nothing more was sent: what is said after all else is the next message."""
        await self.send({"id": 4_000, "ping": {}})
        return await self.receive() == {"id": 4_000, "ping": {}}


@asynccontextmanager
async def open_socket(url: str) -> AsyncIterator[Socket]:
    """A socket as clients of JSON open it."""
    async with connect(url, ping_interval=None) as connection:
        yield Socket(connection)


class BinarySocket:
    """An open socket of a client of the binary protocol."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Self]:
        """A socket as the Android client opens it."""
        protocol = Subprotocol(ProtobufCodec.subprotocol or "")
        async with connect(url, subprotocols=[protocol], ping_interval=None) as connection:
            assert connection.subprotocol == protocol
            yield cls(connection)

    async def send(self, command: dict[str, Any]) -> None:
        """Send a command with its length before it."""
        body = encode("Command", command)
        assert len(body) < 2**14
        head = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 0x7F | 0x80, len(body) >> 7])
        await self.connection.send(head + body)

    async def receive(self) -> dict[str, Any]:
        """The next reply; `{}` is a ping."""
        async with asyncio.timeout(SECONDS_MAX):
            message = await self.connection.recv()
        assert isinstance(message, bytes)
        place = 2 if message[0] & 0x80 else 1
        return decode("Reply", message[place:])

"""One open socket: what it is sent in order, when it is pinged, why it ends."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from haversack import __version__
from haversack.clock import Clock
from haversack.database.engine import DatabaseAway
from haversack.login.identities import PlayerIdentity
from haversack.login.tokens import TokenRefused
from haversack.orders.socket import protocol
from haversack.orders.socket.channels import Channel, TooManyListeners
from haversack.orders.socket.protocol import Close, Codec, Command, Malformed, Refused, Reply
from haversack.orders.socket.rules import Publication, chosen
from haversack.payments.holders import find_token_player
from haversack.projects.records import Project

if TYPE_CHECKING:
    from haversack.context import Context

log = logging.getLogger("haversack.orders")

# A socket must say who it is for within this time.
INTRODUCTION_SECONDS = 10.0
# A client that has said nothing for three pings is gone.
SILENCE_SECONDS_MAX = 3.0 * protocol.PING_SECONDS + 5.0
# Messages that wait for a client that does not read; each is at most some hundred bytes, but for a history.
WAITING_MAX = 256

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Ended(Exception):
    """The socket is to be closed."""

    def __init__(self, close: Close) -> None:
        super().__init__(close.reason)
        self.close = close


class Connection:
    """A socket after it was accepted."""

    __slots__ = (
        "_channel",
        "_clock",
        "_close",
        "_codec",
        "_context",
        "_expires_at",
        "_heard_at",
        "_held",
        "_identified",
        "_is_gone",
        "_loop",
        "_opened_at",
        "_ping_at",
        "_receive",
        "_send",
        "_token",
        "_waiting",
        "_waking",
        "_writing",
    )

    def __init__(self, context: "Context", codec: Codec, receive: Receive, send: Send) -> None:
        self._context = context
        self._codec = codec
        self._receive = receive
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._opened_at = self._heard_at = self._loop.time()
        self._ping_at = self._opened_at + protocol.PING_SECONDS
        self._token: str | None = None
        # When the token ends, by the clock it was made by.
        self._expires_at: datetime | None = None
        self._clock = Clock()
        self._identified = False
        self._channel: Channel | None = None
        # Until its connect is answered a client is told nothing.
        self._held = True
        self._waiting: deque[str | bytes] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._waking: asyncio.Timeout | None = None
        self._close: Close | None = None
        self._is_gone = False

    async def run(self) -> Close | None:
        """Serve the client until one side ends it: why we close it, or None where the client has gone."""
        try:
            while True:
                message = await self._next_message()
                if message is None:
                    await self._beat()
                elif message["type"] == "websocket.disconnect":
                    return None
                else:
                    self._heard_at = self._loop.time()
                    await self._take(message.get("text") or message.get("bytes") or b"")
                if self._is_gone:
                    return None
        except Ended as ended:
            return ended.close
        finally:
            if self._channel is not None:
                self._context.order_channels.leave(self, self._channel)
            await self._finish_writing(seconds=1.0)

    def hear(self, channel: Channel, publication: Publication) -> None:
        """Tell the client of an order; called while it listens to the channel."""
        if not self._held:
            self._write(protocol.push(channel.name, publication))

    async def _next_message(self) -> dict[str, Any] | None:
        """The client's next message, or None where it is time to look after the socket."""
        if self._close is not None:
            raise Ended(self._close)
        wait = max(self._due_at() - self._loop.time(), 0.0)
        try:
            async with asyncio.timeout(wait) as self._waking:
                return await self._receive()
        except TimeoutError:
            return None
        finally:
            self._waking = None

    def _due_at(self) -> float:
        """When the socket must be looked after, in the loop's time."""
        if not self._identified:
            return self._opened_at + INTRODUCTION_SECONDS
        assert self._expires_at is not None
        return min(self._ping_at, self._loop.time() + (self._expires_at - self._clock.now()).total_seconds())

    async def _beat(self) -> None:
        """Ping the client, and end the socket of one that is gone or may not listen any longer."""
        if self._close is not None:
            raise Ended(self._close)
        now = self._loop.time()
        if not self._identified:
            raise Ended(protocol.STALE)
        if self._expires_at is not None and self._expires_at <= self._clock.now():
            raise Ended(protocol.EXPIRED)
        if now - self._heard_at > SILENCE_SECONDS_MAX:
            raise Ended(protocol.NO_PONG)
        if now >= self._ping_at:
            self._ping_at = now + protocol.PING_SECONDS
            self._write(protocol.PING)
            await self._look_after()

    async def _look_after(self) -> None:
        """End the socket of a player who was logged out or banned meanwhile; tell the others what nobody told of."""
        assert self._token is not None and self._channel is not None
        try:
            if not _is_payment_token(self._token):
                await self._context.tokens.verify_player(self._token)
            await self._context.order_channels.look_for_missed(self._channel)
        except TokenRefused:
            raise Ended(protocol.INVALID_TOKEN) from None
        except DatabaseAway:
            # Nothing can be known now; the next ping asks again.
            return

    async def _take(self, message: str | bytes) -> None:
        try:
            commands = self._codec.read(message)
            for command in commands:
                await self._answer(command)
        except Malformed as error:
            log.debug("a socket is closed: %s", error)
            raise Ended(protocol.BAD_REQUEST) from None

    async def _answer(self, command: Command) -> None:
        if command.kind is None or command.kind == "send":
            return
        if command.kind == "connect":
            await self._connect(command)
            return
        if self._channel is None:
            raise Ended(protocol.BAD_REQUEST)
        try:
            reply = await self._reply(command, self._channel)
        except Refused as refused:
            reply = protocol.refused(command.id, refused.error)
        except DatabaseAway as error:
            log.warning("a socket's %s failed: %s", command.kind, error)
            reply = protocol.refused(command.id, protocol.INTERNAL)
        self._write(reply)

    async def _reply(self, command: Command, channel: Channel) -> Reply:
        """The reply to a command of a client that is connected, or Refused."""
        match command.kind:
            case "ping":
                return protocol.done(command)
            case "history":
                self._must_be_own(command, channel)
                since = protocol.since_of(command.body)
                publications, offset = await self._context.order_channels.history(channel)
                return protocol.history(command.id, chosen(publications, since), offset)
            case "subscribe":
                self._must_be_own(command, channel)
                raise Refused(protocol.ALREADY_SUBSCRIBED)
            case "rpc":
                raise Refused(protocol.METHOD_NOT_FOUND)
            case "publish" | "unsubscribe":
                raise Refused(protocol.NOT_PERMITTED)
            case _:
                raise Refused(protocol.NOT_AVAILABLE)

    def _must_be_own(self, command: Command, channel: Channel) -> None:
        name = command.body.get("channel")
        if not isinstance(name, str) or not name:
            raise Refused(protocol.BAD_COMMAND)
        if name != channel.name:
            # Whether there is such a player is nobody's business.
            raise Refused(protocol.NOT_PERMITTED)

    async def _connect(self, command: Command) -> None:
        """Let the client hear its player's channel, and tell it what has moved lately."""
        if self._identified:
            raise Ended(protocol.BAD_REQUEST)
        introduction = protocol.introduction_of(command.body)
        try:
            project, player = await self._identify(introduction)
            key = (project.project_id, player.player_id)
            channel, moved = await self._context.order_channels.join(self, key, now=project.clock.now())
        except TooManyListeners:
            raise Ended(protocol.CONNECTION_LIMIT) from None
        except DatabaseAway as error:
            log.warning("a socket could not be opened: %s", error)
            raise Ended(protocol.SERVER_ERROR) from None
        self._identified = True
        self._token = introduction.token
        self._expires_at = player.expires_at
        if _is_payment_token(introduction.token):
            self._clock = project.clock
        self._channel = channel
        self._ping_at = self._loop.time() + protocol.PING_SECONDS
        self._write(
            protocol.connected(
                command.id, client=str(uuid4()), version=__version__, channel=channel.name, offset=channel.offset
            )
        )
        self._held = False
        for publication in moved:
            self.hear(channel, publication)

    async def _identify(self, introduction: protocol.Introduction) -> tuple[Project, PlayerIdentity]:
        """Who connects: a player's JWT, or a payment token, of the project that is named."""
        project = await self._context.directory.find_project(introduction.project_id)
        token = introduction.token
        if _is_payment_token(token):
            holder = None
            if project is not None:
                holder = await find_token_player(self._context.database, project, token)
            if project is None or holder is None:
                raise Ended(protocol.INVALID_TOKEN)
            return project, holder
        try:
            player = await self._context.tokens.verify_player(token)
        except TokenRefused:
            raise Ended(protocol.INVALID_TOKEN) from None
        if project is None or player.login_project_id != project.login_project_id:
            raise Ended(protocol.PERMISSION_DENIED)
        return project, player

    def _write(self, reply: Reply) -> None:
        """Send a reply after those that wait. A client that reads too slowly is let go."""
        if self._close is not None or self._is_gone:
            return
        if len(self._waiting) >= WAITING_MAX:
            self._end(protocol.SLOW)
            return
        self._waiting.append(self._codec.write(reply))
        if self._writing is None:
            self._writing = self._loop.create_task(self._write_waiting())

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                message = self._waiting.popleft()
                kind = "text" if isinstance(message, str) else "bytes"
                await self._send({"type": "websocket.send", kind: message})
        except OSError:
            # The client has gone; its disconnect is on its way to us.
            self._is_gone = True
            self._waiting.clear()
        finally:
            self._writing = None

    def _end(self, close: Close) -> None:
        """Close the socket from outside of its own task."""
        self._close = close
        self._waiting.clear()
        if self._waking is not None:
            self._waking.reschedule(self._loop.time())

    async def _finish_writing(self, *, seconds: float) -> None:
        """Let what was said before the end go out, for as long as a client may keep us."""
        writing = self._writing
        if writing is None:
            return
        await asyncio.wait((writing,), timeout=seconds)
        if not writing.done():
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)


def _is_payment_token(token: str) -> bool:
    """A JWT has dots; a payment token is opaque and has none."""
    return "." not in token

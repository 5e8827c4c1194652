"""Centrifugo's client protocol, the part that order tracking needs: commands in, replies and pushes out, as values.

JSON has one command in each line of a message. What we send has one reply in each message, because some clients take
a message for one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import orjson

from haversack.orders.socket.rules import Publication, Since

PING_SECONDS = 25
COMMANDS_IN_MESSAGE_MAX = 32
UINT32_MAX = 2**32 - 1
# One stream for ever: offsets follow from the orders.
EPOCH = "orders"

# What a command may ask, in the order in which the first is taken.
KINDS = (
    "connect",
    "subscribe",
    "unsubscribe",
    "publish",
    "presence",
    "presence_stats",
    "history",
    "ping",
    "send",
    "rpc",
    "refresh",
    "sub_refresh",
)

Reply = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Close:
    """Why a socket is closed: a code of Centrifugo. From 3500 on a client must not connect again by itself."""

    code: int
    reason: str


SERVER_ERROR = Close(3004, "internal server error")
EXPIRED = Close(3005, "connection expired")
SLOW = Close(3008, "slow")
NO_PONG = Close(3012, "no pong")
INVALID_TOKEN = Close(3500, "invalid token")
BAD_REQUEST = Close(3501, "bad request")
STALE = Close(3502, "stale")
CONNECTION_LIMIT = Close(3504, "connection limit")
PERMISSION_DENIED = Close(3507, "permission denied")


@dataclass(frozen=True, slots=True)
class CommandError:
    """A refusal of one command, by a code of Centrifugo; the socket stays open."""

    code: int
    message: str
    is_temporary: bool = False


INTERNAL = CommandError(100, "internal server error", is_temporary=True)
NOT_PERMITTED = CommandError(103, "permission denied")
METHOD_NOT_FOUND = CommandError(104, "method not found")
ALREADY_SUBSCRIBED = CommandError(105, "already subscribed")
BAD_COMMAND = CommandError(107, "bad request")
NOT_AVAILABLE = CommandError(108, "not available")
UNRECOVERABLE_POSITION = CommandError(112, "unrecoverable position")


class Malformed(Exception):
    """A message that is none of the protocol: the socket is closed."""


class Refused(Exception):
    """A command that gets an error."""

    def __init__(self, error: CommandError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `kind` None: the client's answer to a ping."""

    id: int
    kind: str | None
    body: Mapping[str, Any]


PONG = Command(0, None, {})


class Codec(Protocol):
    """How commands and replies stand in messages."""

    subprotocol: ClassVar[str | None]

    def read(self, message: str | bytes) -> list[Command]:
        """The commands of a message, or Malformed."""
        ...

    def write(self, reply: Reply) -> str | bytes:
        """The message with one reply; an empty reply is a ping."""
        ...


class JsonCodec:
    """Commands as lines of JSON."""

    subprotocol: ClassVar[str | None] = None

    def read(self, message: str | bytes) -> list[Command]:
        """The commands of a message, or Malformed."""
        data = message.encode() if isinstance(message, str) else message
        lines = [line for line in data.split(b"\n") if line.strip()]
        if not lines or len(lines) > COMMANDS_IN_MESSAGE_MAX:
            raise Malformed(f"{len(lines)} commands in a message")
        try:
            return [command_of(orjson.loads(line)) for line in lines]
        except orjson.JSONDecodeError as error:
            raise Malformed(str(error)) from None

    def write(self, reply: Reply) -> str | bytes:
        """The message with one reply."""
        return orjson.dumps(reply).decode()


def command_of(value: object) -> Command:
    """A command from its JSON form, or Malformed."""
    if not isinstance(value, dict):
        raise Malformed("a command is an object")
    number = value.get("id", 0)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= UINT32_MAX:
        raise Malformed("the id of a command is a number of 32 bits")
    for kind in KINDS:
        body = value.get(kind)
        if body is None:
            continue
        if not isinstance(body, dict):
            raise Malformed(f"{kind} is an object")
        if number == 0 and kind != "send":
            raise Malformed("a command that is answered has an id")
        return Command(number, kind, body)
    if number:
        raise Malformed("a command asks for something")
    return PONG


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a client says of itself when it connects."""

    token: str
    project_id: int


def introduction_of(body: Mapping[str, Any]) -> Introduction:
    """The token and project of a `connect` command, or Malformed. Other members are left alone."""
    data = body.get("data")
    if not isinstance(data, Mapping):
        raise Malformed("connect.data is an object")
    token, project = data.get("auth"), data.get("project_id")
    if not isinstance(token, str) or not token:
        raise Malformed("connect.data.auth is the player's token")
    if isinstance(project, str) and project.isascii() and project.isdigit() and len(project) <= 10:
        project = int(project)
    if not isinstance(project, int) or isinstance(project, bool) or not 0 < project < 2**31:
        raise Malformed("connect.data.project_id is a number")
    return Introduction(token, project)


def since_of(body: Mapping[str, Any]) -> Since:
    """What a `history` command asks for, or Refused. No limit, or 0: the position alone; -1: everything."""
    limit, is_reverse, since = body.get("limit", 0), body.get("reverse", False), body.get("since")
    if not isinstance(limit, int) or isinstance(limit, bool) or not isinstance(is_reverse, bool):
        raise Refused(BAD_COMMAND)
    offset = None
    if since is not None:
        offset, epoch = _position_of(since)
        if epoch not in ("", EPOCH):
            raise Refused(UNRECOVERABLE_POSITION)
    return Since(offset=offset, limit=None if limit < 0 else limit, is_reverse=is_reverse)


def _position_of(since: object) -> tuple[int, str]:
    if not isinstance(since, Mapping):
        raise Refused(BAD_COMMAND)
    offset, epoch = since.get("offset", 0), since.get("epoch", "")
    if not isinstance(offset, int) or isinstance(offset, bool) or offset < 0 or not isinstance(epoch, str):
        raise Refused(BAD_COMMAND)
    return offset, epoch


def connected(number: int, *, client: str, version: str, channel: str, offset: int) -> Reply:
    """The reply to `connect`, with the channel that the server has subscribed the client to."""
    return {
        "id": number,
        "connect": {
            "client": client,
            "version": version,
            "subs": {channel: {"epoch": EPOCH, "offset": offset}},
            "ping": PING_SECONDS,
            "pong": True,
        },
    }


def push(channel: str, publication: Publication) -> Reply:
    """An order's new state."""
    return {"push": {"channel": channel, "pub": _publication(publication)}}


def history(number: int, publications: Sequence[Publication], offset: int) -> Reply:
    """The reply to `history`."""
    return {
        "id": number,
        "history": {
            "publications": [_publication(each) for each in publications],
            "epoch": EPOCH,
            "offset": offset,
        },
    }


def done(command: Command) -> Reply:
    """The empty reply to a command that has nothing to tell."""
    assert command.kind is not None, "pongs are not answered"
    return {"id": command.id, command.kind: {}}


def refused(number: int, error: CommandError) -> Reply:
    """The reply that refuses a command."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.is_temporary:
        body["temporary"] = True
    return {"id": number, "error": body}


PING: Reply = {}


def _publication(publication: Publication) -> dict[str, Any]:
    return {
        "data": {"order_id": publication.order_id, "status": publication.state.value},
        "offset": publication.offset,
    }

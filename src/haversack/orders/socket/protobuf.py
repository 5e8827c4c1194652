"""The same commands and replies in Centrifugo's binary form, which clients on Android speak.

A message holds Protocol Buffers, each with its length before it. Only the fields that we read and write are listed;
the numbers are those of Centrifugo's `client.proto`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import orjson

from haversack.orders.socket.protocol import COMMANDS_IN_MESSAGE_MAX, Command, Malformed, Reply, command_of

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
VARINT_BYTES_MAX = 10


class Field(NamedTuple):
    """A field of a message. kind: `number`, `signed`, `flag`, `text`, `json` (bytes that hold JSON), or the name of a
    message; is_map: from text to that message."""

    number: int
    kind: str
    is_repeated: bool = False
    is_map: bool = False


MESSAGES: dict[str, dict[str, Field]] = {
    "Command": {
        "id": Field(1, "number"),
        "connect": Field(4, "ConnectRequest"),
        "subscribe": Field(5, "OnChannel"),
        "unsubscribe": Field(6, "OnChannel"),
        "publish": Field(7, "OnChannel"),
        "presence": Field(8, "OnChannel"),
        "presence_stats": Field(9, "OnChannel"),
        "history": Field(10, "HistoryRequest"),
        "ping": Field(11, "Empty"),
        "send": Field(12, "Empty"),
        "rpc": Field(13, "Empty"),
        "refresh": Field(14, "Empty"),
        "sub_refresh": Field(15, "Empty"),
    },
    "ConnectRequest": {"data": Field(2, "json")},
    "OnChannel": {"channel": Field(1, "text")},
    "HistoryRequest": {
        "channel": Field(1, "text"),
        "limit": Field(7, "signed"),
        "since": Field(8, "Position"),
        "reverse": Field(9, "flag"),
    },
    "Position": {"offset": Field(1, "number"), "epoch": Field(2, "text")},
    "Empty": {},
    "Reply": {
        "id": Field(1, "number"),
        "error": Field(2, "Error"),
        "push": Field(4, "Push"),
        "connect": Field(5, "ConnectResult"),
        "history": Field(11, "HistoryResult"),
        "ping": Field(12, "Empty"),
    },
    "Error": {"code": Field(1, "number"), "message": Field(2, "text"), "temporary": Field(3, "flag")},
    "Push": {"channel": Field(2, "text"), "pub": Field(4, "Publication")},
    "Publication": {"data": Field(4, "json"), "offset": Field(6, "number")},
    "ConnectResult": {
        "client": Field(1, "text"),
        "version": Field(2, "text"),
        "subs": Field(6, "SubscribeResult", is_map=True),
        "ping": Field(7, "number"),
        "pong": Field(8, "flag"),
    },
    "SubscribeResult": {"epoch": Field(6, "text"), "offset": Field(9, "number")},
    "HistoryResult": {
        "publications": Field(1, "Publication", is_repeated=True),
        "epoch": Field(2, "text"),
        "offset": Field(3, "number"),
    },
}
_BY_NUMBER = {
    message: {field.number: (name, field.kind) for name, field in fields.items()}
    for message, fields in MESSAGES.items()
}


class ProtobufCodec:
    """Commands as Protocol Buffers."""

    subprotocol: ClassVar[str | None] = "centrifuge-protobuf"

    def read(self, message: str | bytes) -> list[Command]:
        """The commands of a message, or Malformed."""
        if isinstance(message, str):
            raise Malformed("text where bytes were agreed on")
        commands: list[Command] = []
        place = 0
        while place < len(message):
            if len(commands) == COMMANDS_IN_MESSAGE_MAX:
                raise Malformed("too many commands in a message")
            length, place = _read_varint(message, place)
            if length > len(message) - place:
                raise Malformed("a command ends before its length")
            commands.append(command_of(decode("Command", message[place : place + length])))
            place += length
        if not commands:
            raise Malformed("no command in a message")
        return commands

    def write(self, reply: Reply) -> str | bytes:
        """The message with one reply."""
        body = encode("Reply", reply)
        return _varint(len(body)) + body


def encode(message: str, value: Mapping[str, Any]) -> bytes:
    """The bytes of a message from its JSON form; members that the message does not have are a bug."""
    fields = MESSAGES[message]
    return b"".join(_encoded_field(fields[name], member) for name, member in value.items())


def decode(message: str, data: bytes) -> dict[str, Any]:
    """The JSON form of a message, or Malformed. Fields that we do not know are skipped."""
    fields = _BY_NUMBER[message]
    value: dict[str, Any] = {}
    place = 0
    while place < len(data):
        key, place = _read_varint(data, place)
        number, wire_type = key >> 3, key & 7
        raw, place = _read_raw(data, place, wire_type)
        if number in fields:
            name, kind = fields[number]
            value[name] = _decoded(kind, raw)
    return value


def _encoded_field(field: Field, value: Any) -> bytes:
    if field.is_repeated:
        return b"".join(_encoded(field.number, field.kind, each) for each in value)
    if field.is_map:
        entries = (_encoded(1, "text", key) + _encoded(2, field.kind, each) for key, each in value.items())
        return b"".join(_delimited(field.number, entry) for entry in entries)
    return _encoded(field.number, field.kind, value)


def _encoded(number: int, kind: str, value: Any) -> bytes:
    if kind in ("number", "signed", "flag"):
        # Negative numbers stand as their complement in 64 bits.
        return _varint(number << 3 | VARINT) + _varint(int(value) & (2**64 - 1)) if value else b""
    if kind == "text":
        return _delimited(number, value.encode())
    if kind == "json":
        return _delimited(number, orjson.dumps(value))
    return _delimited(number, encode(kind, value))


def _delimited(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | LENGTH) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _decoded(kind: str, raw: int | bytes) -> Any:
    if kind in ("number", "signed", "flag"):
        if not isinstance(raw, int):
            raise Malformed("a number is expected")
        if kind == "flag":
            return bool(raw)
        return raw - 2**64 if kind == "signed" and raw >= 2**63 else raw
    if not isinstance(raw, bytes):
        raise Malformed("bytes are expected")
    try:
        if kind == "text":
            return raw.decode()
        if kind == "json":
            return orjson.loads(raw)
    except ValueError as error:
        raise Malformed(str(error)) from None
    return decode(kind, raw)


def _read_raw(data: bytes, place: int, wire_type: int) -> tuple[int | bytes, int]:
    if wire_type == VARINT:
        return _read_varint(data, place)
    if wire_type == LENGTH:
        length, place = _read_varint(data, place)
    elif wire_type == FIXED64:
        length = 8
    elif wire_type == FIXED32:
        length = 4
    else:
        raise Malformed("a field of no known form")
    if length > len(data) - place:
        raise Malformed("a field ends before its length")
    return data[place : place + length], place + length


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for count in range(VARINT_BYTES_MAX):
        if place + count >= len(data):
            break
        byte = data[place + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value & (2**64 - 1), place + count + 1
    raise Malformed("a number does not end")

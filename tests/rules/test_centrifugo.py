"""Centrifugo's protocol as values: offsets, histories, and the binary form, byte by byte."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.orders.records import OrderState
from haversack.orders.rules import ORDER_MOVES
from haversack.orders.socket import protocol
from haversack.orders.socket.protobuf import MESSAGES, ProtobufCodec, decode, encode
from haversack.orders.socket.protocol import Command, JsonCodec, Malformed
from haversack.orders.socket.rules import (
    PROGRESS,
    Publication,
    Since,
    TrackedOrder,
    channel_name,
    chosen,
    publications_of,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
NEW, PAID, DONE, CANCELED, EXPIRED = (
    OrderState.NEW,
    OrderState.PAID,
    OrderState.DONE,
    OrderState.CANCELED,
    OrderState.EXPIRED,
)


def _at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def _order(
    order_id: int, state: OrderState, created: int, paid: int | None = None, ended: int | None = None
) -> TrackedOrder:
    return TrackedOrder(
        order_id,
        state,
        _at(created),
        None if paid is None else _at(paid),
        None if ended is None else _at(ended),
    )


def test_every_move_of_an_order_leads_further_on() -> None:
    assert PROGRESS.keys() == ORDER_MOVES.keys() == set(OrderState)
    for state, following in ORDER_MOVES.items():
        assert all(PROGRESS[each] > PROGRESS[state] for each in following)


def test_history_in_the_order_of_time() -> None:
    orders = [_order(7, DONE, 0, 2, 5), _order(8, PAID, 1, 3), _order(9, NEW, 4)]
    assert publications_of(orders, 8) == [
        Publication(7, NEW, 1),
        Publication(8, NEW, 2),
        Publication(7, PAID, 4),
        Publication(8, PAID, 6),
        Publication(9, NEW, 7),
        Publication(7, DONE, 8),
    ]


def test_history_of_some_of_the_orders_ends_at_the_offset() -> None:
    assert publications_of([_order(9, DONE, 4, 4, 4)], 104) == [
        Publication(9, NEW, 101),
        Publication(9, PAID, 103),
        Publication(9, DONE, 104),
    ]
    assert publications_of([], 7) == []


def test_history_of_refunded_and_of_expired_orders() -> None:
    assert [each.state for each in publications_of([_order(1, CANCELED, 0, 1, 9)], 5)] == [NEW, PAID, CANCELED]
    assert [each.state for each in publications_of([_order(1, EXPIRED, 0, None, 9)], 2)] == [NEW, EXPIRED]
    # Its clock was moved back meanwhile.
    assert [each.state for each in publications_of([_order(1, DONE, 9, 5, 1)], 4)] == [NEW, PAID, DONE]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 50)), max_size=60))
def test_offsets_of_pushes_and_of_history_agree(steps: list[tuple[int, int]]) -> None:
    """However orders move: what is pushed as they do has the place that the history gives it, and offsets rise."""
    orders: dict[int, TrackedOrder] = {}
    offset, pushed = 0, []
    for minute, (order_id, choice) in enumerate(steps):
        known = orders.get(order_id)
        # Of a refunded order `done` is not kept, of a revived one `expired`.
        following = [NEW] if known is None else sorted(ORDER_MOVES[known.state] - {EXPIRED})
        if not following or (known is not None and known.state is DONE):
            continue
        state = following[choice % len(following)]
        offset += PROGRESS[state] - (0 if known is None else PROGRESS[known.state])
        pushed.append(Publication(order_id, state, offset))
        orders[order_id] = _moved(known, order_id, state, _at(minute))
    history = publications_of(list(orders.values()), sum(PROGRESS[each.state] for each in orders.values()))
    assert [each.offset for each in pushed] == sorted({each.offset for each in pushed})
    assert history == pushed


def _moved(known: TrackedOrder | None, order_id: int, state: OrderState, at: datetime) -> TrackedOrder:
    if known is None:
        return TrackedOrder(order_id, NEW, at, None, None)
    if state is PAID:
        return TrackedOrder(order_id, PAID, known.created_at, at, None)
    return TrackedOrder(order_id, state, known.created_at, known.paid_at, at)


def test_what_a_client_asks_for() -> None:
    told = [Publication(1, NEW, 1), Publication(1, PAID, 3), Publication(1, DONE, 4)]
    assert chosen(told, Since()) == told
    assert chosen(told, Since(limit=0)) == []
    assert chosen(told, Since(offset=1, limit=1)) == told[1:2]
    assert chosen(told, Since(offset=4)) == []
    assert chosen(told, Since(is_reverse=True, limit=2)) == [told[2], told[1]]
    assert chosen(told, Since(offset=3, is_reverse=True)) == [told[0]]


def test_channel_of_a_player() -> None:
    player_id = UUID("12345678-1234-5678-1234-567812345678")
    assert channel_name(44056, player_id) == "orders:44056#12345678-1234-5678-1234-567812345678"


def test_commands_in_lines() -> None:
    codec = JsonCodec()
    message = '{"id":2,"history":{"channel":"c"}}\n{}\n\n{"id":3,"ping":null,"rpc":{"method":"m"}}\n'
    assert (
        codec.read(message)
        == codec.read(message.encode())
        == [
            Command(2, "history", {"channel": "c"}),
            protocol.PONG,
            Command(3, "rpc", {"method": "m"}),
        ]
    )
    assert codec.write(protocol.PING) == "{}"


# What Google's compiler makes of client.proto, taken apart field by field.
CONNECT = bytes.fromhex("08 01 22 0b 12 09") + b'{"a":"b"}'
HISTORY = bytes.fromhex("08 02 52 12 0a 01 63 38 ff ff ff ff ff ff ff ff ff 01 42 02 08 00")


def test_commands_in_bytes() -> None:
    codec = ProtobufCodec()
    message = bytes([len(CONNECT)]) + CONNECT + b"\x00" + bytes([len(HISTORY)]) + HISTORY
    assert codec.read(message) == [
        Command(1, "connect", {"data": {"a": "b"}}),
        protocol.PONG,
        Command(2, "history", {"channel": "c", "limit": -1, "since": {"offset": 0}}),
    ]


def test_fields_that_are_not_known_are_skipped() -> None:
    # A number, eight bytes, a text and four bytes, under numbers that nobody uses.
    unknown = bytes.fromhex("a0 06 05 a1 06 0102030405060708 a2 06 02 6869 a5 06 01020304")
    body = unknown + bytes.fromhex("08 07 5a 00") + unknown
    assert ProtobufCodec().read(bytes([len(body)]) + body) == [Command(7, "ping", {})]


def test_replies_in_bytes() -> None:
    codec = ProtobufCodec()
    assert codec.write(protocol.PING) == b"\x00"
    data = b'{"order_id":5,"status":"done"}'
    publication = bytes([0x22, len(data)]) + data + bytes.fromhex("30 ac 02")
    push = bytes.fromhex("12 01 63 22") + bytes([len(publication)]) + publication
    body = bytes([0x22, len(push)]) + push
    assert codec.write(protocol.push("c", Publication(5, DONE, 300))) == bytes([len(body)]) + body
    result = bytes.fromhex("0a 01 78 12 01 31 32 0f 0a 01 63 12 0a 32 06 6f7264657273 48 04 38 19 40 01")
    reply = bytes.fromhex("08 01 2a") + bytes([len(result)]) + result
    connected = protocol.connected(1, client="x", version="1", channel="c", offset=4)
    assert codec.write(connected) == bytes([len(reply)]) + reply
    assert codec.write(protocol.refused(3, protocol.INTERNAL)) == (
        bytes.fromhex("1f 08 03 12 1b 08 64 12 15") + b"internal server error" + bytes.fromhex("18 01")
    )
    assert codec.write(protocol.done(Command(9, "ping", {}))) == bytes.fromhex("04 08 09 62 00")


def test_history_in_bytes() -> None:
    reply = protocol.history(2, [Publication(5, NEW, 1), Publication(5, DONE, 4)], 4)
    message = ProtobufCodec().write(reply)
    assert isinstance(message, bytes)
    # The last of a repeated field is what a plain reading keeps.
    assert decode("Reply", message[1:])["history"] == {
        "publications": {"data": {"order_id": 5, "status": "done"}, "offset": 4},
        "epoch": "orders",
        "offset": 4,
    }
    assert message.count(b'"order_id":5') == 2


@given(st.binary(max_size=80))
def test_bytes_are_commands_or_refused(message: bytes) -> None:
    try:
        commands = ProtobufCodec().read(message)
    except Malformed:
        return
    assert all(each.kind is None or each.kind in protocol.KINDS for each in commands)


@given(st.one_of(st.text(max_size=80), st.recursive(st.integers() | st.text(), st.lists).map(repr)))
def test_texts_are_commands_or_refused(message: str) -> None:
    try:
        commands = JsonCodec().read(message)
    except Malformed:
        return
    assert commands
    assert all(each.kind is None for each in commands)


@given(
    st.integers(1, 2**32 - 1),
    st.text(max_size=20),
    st.integers(-1, 2**31 - 1),
    st.integers(1, 2**63),
)
def test_commands_survive_the_binary_form(number: int, channel: str, limit: int, offset: int) -> None:
    body = {"channel": channel, "limit": limit, "since": {"offset": offset, "epoch": "e"}, "reverse": True}
    written = encode("Command", {"id": number, "history": body})
    assert len(written) < 128
    (command,) = ProtobufCodec().read(bytes([len(written)]) + written)
    assert command == Command(number, "history", {**body, **({"limit": limit} if limit else {})}) or not limit


def test_numbers_of_fields_are_used_once() -> None:
    for name, fields in MESSAGES.items():
        numbers = [field.number for field in fields.values()]
        assert len(numbers) == len(set(numbers)), name


@pytest.mark.parametrize("reply", [protocol.PING, protocol.refused(1, protocol.NOT_AVAILABLE)])
def test_a_message_holds_one_reply(reply: protocol.Reply) -> None:
    written = JsonCodec().write(reply)
    assert "\n" not in str(written)
    assert orjson.loads(written) == reply

"""What the order-status socket refuses, and with which codes it ends."""

import asyncio
import logging
import socket
from datetime import timedelta
from itertools import count
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import insert
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from haversack.clock import real_now
from haversack.context import Context
from haversack.http import websocket_protocol
from haversack.login.actions import ban_player
from haversack.orders.records import OrderState
from haversack.orders.socket import connections, protocol
from haversack.orders.socket.channels import LISTENERS_OF_PLAYER_MAX
from haversack.orders.socket.connections import Connection
from haversack.orders.socket.endpoint import PATH, track_orders
from haversack.orders.socket.protocol import JsonCodec
from haversack.payments.holders import token_hash
from haversack.payments.tables import payment_tokens
from make.projects import Studio
from make.sockets import BinarySocket, Follower, Socket, make_follower, open_socket

Frame = dict[str, Any]


def _connect(**data: Any) -> Frame:
    return {"id": 1, "connect": {"data": data}}


async def _refused(url: str, *commands: Frame) -> tuple[int, str]:
    async with open_socket(url) as opened:
        await opened.send(*commands)
        return await opened.closed()


async def test_socket_refuses_tokens_that_open_nothing(socket_url: str, follower: Follower) -> None:
    project_id = follower.studio.project_id
    invalid = (3500, "invalid token")
    for token in ("no token", "a.b.c", follower.token[:-4] + "AAAA", "x" * 5_000):
        assert await _refused(socket_url, _connect(auth=token, project_id=project_id)) == invalid
    expired = await make_follower(follower.studio, life=timedelta(seconds=-1))
    assert await _refused(socket_url, _connect(auth=expired.token, project_id=project_id)) == invalid


async def test_socket_refuses_the_token_of_a_server(socket_url: str, studio: Studio, client: httpx.AsyncClient) -> None:
    token = await studio.server_token(client)
    assert await _refused(socket_url, _connect(auth=token, project_id=studio.project_id)) == (3500, "invalid token")


async def test_socket_refuses_players_of_other_projects(
    socket_url: str, follower: Follower, other_studio: Studio
) -> None:
    for project_id in (other_studio.project_id, 2**31 - 1):
        refused = await _refused(socket_url, _connect(auth=follower.token, project_id=project_id))
        assert refused == (3507, "permission denied")


@pytest.mark.parametrize(
    "frame",
    [
        "not JSON",
        "",
        "\n",
        "[]",
        "null",
        '"connect"',
        "{}{}",
        '{"id": 1}',
        '{"id": -1, "ping": {}}',
        '{"id": "1", "ping": {}}',
        '{"id": true, "ping": {}}',
        '{"connect": {}}',
        '{"id": 1, "connect": []}',
        '{"id": 1, "connect": {}}',
        '{"id": 1, "connect": {"data": "auth"}}',
        '{"id": 1, "connect": {"data": {"project_id": 1}}}',
        '{"id": 1, "connect": {"data": {"auth": "", "project_id": 1}}}',
        '{"id": 1, "connect": {"data": {"auth": 7, "project_id": 1}}}',
        '{"id": 1, "connect": {"data": {"auth": "a.b.c"}}}',
        '{"id": 1, "connect": {"data": {"auth": "a.b.c", "project_id": 0}}}',
        '{"id": 1, "connect": {"data": {"auth": "a.b.c", "project_id": 1.5}}}',
        '{"id": 1, "connect": {"data": {"auth": "a.b.c", "project_id": 99999999999999999999}}}',
        '{"id": 1, "ping": {}}',  # before connect
        '{"id": 1, "history": {"channel": "orders:1#2"}}',
        "\n".join(['{"id": 1, "ping": {}}'] * 33),
        '{"id": 1, "connect": ' + "[" * 5_000 + "]" * 5_000 + "}",
        "\x00\xff",
    ],
)
async def test_socket_ends_at_what_is_no_command(socket_url: str, frame: str) -> None:
    async with open_socket(socket_url) as opened:
        await opened.connection.send(frame)
        assert await opened.closed() == (3501, "bad request")


async def test_socket_ends_at_bytes_that_are_no_command(socket_url: str) -> None:
    for message in (b"", b"\x05\x08", b"\xff" * 12, b"\x02\x0a\x05", b"\x02\x08\x01", b"\x03\x08\x01\x0b", "text"):
        async with BinarySocket.open(socket_url) as opened:
            await opened.connection.send(message)
            assert await Socket(opened.connection).closed() == (3501, "bad request")


async def test_socket_ends_at_huge_messages(socket_url: str, follower: Follower) -> None:
    async with open_socket(socket_url) as opened:
        await opened.introduce(follower)
        await opened.send({"id": 2, "ping": {}, "padding": "x" * 65 * 1024})
        code, _ = await opened.closed()
    assert code == 1009


async def test_socket_is_introduced_once(socket_url: str, follower: Follower) -> None:
    introduction = _connect(auth=follower.token, project_id=str(follower.studio.project_id))
    async with open_socket(socket_url) as opened:
        await opened.send(introduction)
        assert "connect" in await opened.receive()
        await opened.send(introduction)
        assert await opened.closed() == (3501, "bad request")


async def test_socket_refuses_commands(socket_url: str, follower: Follower) -> None:
    async with open_socket(socket_url) as opened:
        (channel,) = (await opened.introduce(follower))["connect"]["subs"]
        other = channel[:-1] + ("0" if channel[-1] != "0" else "1")
        refusals: list[tuple[Frame, int]] = [
            ({"subscribe": {"channel": channel}}, 105),
            ({"subscribe": {"channel": other}}, 103),
            ({"subscribe": {}}, 107),
            ({"unsubscribe": {"channel": channel}}, 103),
            ({"publish": {"channel": channel, "data": {"order_id": 1, "status": "done"}}}, 103),
            ({"presence": {"channel": channel}}, 108),
            ({"presence_stats": {"channel": channel}}, 108),
            ({"refresh": {"token": follower.token}}, 108),
            ({"sub_refresh": {"channel": channel, "token": ""}}, 108),
            ({"rpc": {"method": "pay", "data": {}}}, 104),
            ({"history": {"channel": other, "limit": -1}}, 103),
            ({"history": {"limit": -1}}, 107),
            ({"history": {"channel": channel, "limit": "all"}}, 107),
            ({"history": {"channel": channel, "limit": -1, "reverse": 1}}, 107),
            ({"history": {"channel": channel, "limit": -1, "since": 7}}, 107),
            ({"history": {"channel": channel, "limit": -1, "since": {"offset": -7}}}, 107),
            ({"history": {"channel": channel, "limit": -1, "since": {"offset": 0, "epoch": "older"}}}, 112),
        ]
        for number, (command, code) in enumerate(refusals, 2):
            await opened.send({"id": number, **command})
            reply = await opened.receive()
            assert (reply["id"], reply["error"]["code"]) == (number, code), command
        # Nobody waits for an answer to a message.
        await opened.send({"send": {"data": {}}})
        assert await opened.is_silent()


async def test_socket_history_by_pages(socket_url: str, follower: Follower) -> None:
    order_ids = [await follower.order() for _ in range(3)]
    async with open_socket(socket_url) as opened:
        (channel,) = (await opened.introduce(follower))["connect"]["subs"]
        for _ in order_ids:
            await opened.receive()

        async def ask(**more: Any) -> list[int]:
            await opened.send({"id": 9, "history": {"channel": channel, **more}})
            reply = (await opened.receive())["history"]
            assert reply["offset"] == 3
            return [each["offset"] for each in reply["publications"]]

        assert await ask() == []
        assert await ask(limit=-1) == [1, 2, 3]
        assert await ask(limit=2) == [1, 2]
        assert await ask(limit=2, since={"offset": 2, "epoch": "orders"}) == [3]
        assert await ask(limit=2, reverse=True) == [3, 2]
        assert await ask(limit=-1, reverse=True, since={"offset": 2}) == [1]


async def test_socket_takes_a_payment_token(socket_url: str, follower: Follower, context: Context) -> None:
    await context.database.session().execute(
        insert(payment_tokens).values(
            project_id=follower.studio.project_id,
            token_hash=token_hash(token := uuid4().hex),
            player_id=follower.player_id,
            external_id="hero-7",
            is_sandbox=True,
            purchase={"amount": "1", "currency": "USD", "description": ""},
            created_at=real_now(),
            expires_at=real_now() + timedelta(seconds=1.5),
        )
    )
    order_id = await follower.order()
    async with open_socket(socket_url) as opened:
        await opened.send(_connect(auth=token, project_id=follower.studio.project_id))
        assert "connect" in await opened.receive()
        assert await opened.receive_status() == (order_id, "new")
        assert await opened.closed() == (3005, "connection expired")


async def test_socket_ends_with_its_token(socket_url: str, studio: Studio) -> None:
    short = await make_follower(studio, life=timedelta(seconds=2))
    async with open_socket(socket_url) as opened:
        await opened.introduce(short)
        assert await opened.closed() == (3005, "connection expired")


async def test_socket_ends_for_who_is_banned(
    socket_url: str, follower: Follower, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "PING_SECONDS", 0.05)
    async with open_socket(socket_url) as opened:
        await opened.introduce(follower)
        assert await opened.receive() == {}
        await ban_player(context, follower.studio.login_project_id, follower.player_id, reason="", now=real_now())
        assert await opened.closed() == (3500, "invalid token")


async def test_socket_ends_for_who_says_nothing(
    socket_url: str, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "PING_SECONDS", 0.05)
    monkeypatch.setattr(connections, "SILENCE_SECONDS_MAX", 0.4)
    async with open_socket(socket_url) as talking, open_socket(socket_url) as silent:
        await talking.introduce(follower)
        await silent.introduce(follower)
        closing = asyncio.create_task(silent.closed())
        while not closing.done():
            assert await talking.receive() == {}
            await talking.connection.send("{}")
        assert await closing == (3012, "no pong")
        assert await talking.receive() == {}


async def test_socket_must_be_introduced_soon(socket_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "INTRODUCTION_SECONDS", 0.05)
    async with open_socket(socket_url) as opened:
        assert await opened.closed() == (3502, "stale")


async def test_sockets_of_a_player_are_counted(socket_url: str, follower: Follower, context: Context) -> None:
    before = context.order_channels.listening
    async with asyncio.TaskGroup() as tasks:
        leave = asyncio.Event()
        opened = [asyncio.Event() for _ in range(LISTENERS_OF_PLAYER_MAX)]

        async def hold(is_open: asyncio.Event) -> None:
            async with open_socket(socket_url) as one:
                assert "connect" in await one.introduce(follower)
                is_open.set()
                await leave.wait()

        for each in opened:
            tasks.create_task(hold(each))
        for each in opened:
            await each.wait()
        assert context.order_channels.listening == before + LISTENERS_OF_PLAYER_MAX
        introduction = _connect(auth=follower.token, project_id=follower.studio.project_id)
        assert await _refused(socket_url, introduction) == (3504, "connection limit")
        leave.set()
    async with open_socket(socket_url) as again:
        assert "connect" in await again.introduce(follower)
        async with asyncio.timeout(5):
            while context.order_channels.listening != before + 1:
                assert await again.is_silent()


async def test_socket_leads_nowhere_else(socket_url: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(socket_url.replace(PATH, "/v2/project/1/items")):
            raise AssertionError("there is no socket")
    assert refused.value.response.status_code == 403


async def test_socket_lets_go_who_does_not_read(follower: Follower, context: Context, application: Any) -> None:
    """A client whose buffers are full: `send` of the server waits for ever."""
    sent: list[Frame] = []
    is_full = asyncio.Event()
    said: asyncio.Queue[Frame] = asyncio.Queue()

    async def send(message: Frame) -> None:
        if message["type"] == "websocket.send" and "push" in message["text"]:
            is_full.set()
            await asyncio.Event().wait()
        sent.append(message)

    introduction = JsonCodec().write(_connect(auth=follower.token, project_id=follower.studio.project_id))
    said.put_nowait({"type": "websocket.connect"})
    said.put_nowait({"type": "websocket.receive", "text": introduction})
    scope = {"type": "websocket", "path": PATH, "app": application.app, "subprotocols": []}
    serving = asyncio.create_task(track_orders(scope, said.get, send))
    order_ids = [await follower.order() for _ in range(3)]
    while not is_full.is_set():
        follower.note(order_ids[0], OrderState.NEW)
        await asyncio.sleep(0.01)
    for number in range(connections.WAITING_MAX + 10):
        follower.note(1_000 + number, OrderState.NEW)
    async with asyncio.timeout(5):
        await serving
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert (sent[-1]["code"], sent[-1]["reason"]) == (3008, "slow")


async def test_socket_of_a_client_that_is_gone(follower: Follower, context: Context, application: Any) -> None:
    """The connection breaks while something is sent: the endpoint returns without a word."""
    told = asyncio.Event()

    async def receive() -> Frame:
        if not told.is_set():
            told.set()
            frame = _connect(auth=follower.token, project_id=follower.studio.project_id)
            return {"type": "websocket.receive", "text": JsonCodec().write(frame)}
        return await gone.get()

    async def send(message: Frame) -> None:
        gone.put_nowait({"type": "websocket.disconnect", "code": 1006})
        raise OSError("broken pipe")

    gone: asyncio.Queue[Frame] = asyncio.Queue()
    before = context.order_channels.listening
    assert await Connection(context, JsonCodec(), receive, send).run() is None
    assert context.order_channels.listening == before


async def test_socket_while_the_database_is_away(
    socket_url: str, follower: Follower, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    from haversack.database.engine import DatabaseAway, Session
    from haversack.orders.socket.queries import LIST_TRACKED

    fetch_all = Session.fetch_all

    async def away(self: Session, statement: Any, **values: Any) -> Any:
        if statement is LIST_TRACKED:
            raise DatabaseAway("no route")
        return await fetch_all(self, statement, **values)

    async with open_socket(socket_url) as opened:
        (channel,) = (await opened.introduce(follower))["connect"]["subs"]
        monkeypatch.setattr(Session, "fetch_all", away)
        await opened.send({"id": 2, "history": {"channel": channel, "limit": -1}})
        reply = await opened.receive()
        assert (reply["error"]["code"], reply["error"]["temporary"]) == (100, True)
        introduction = _connect(auth=follower.token, project_id=follower.studio.project_id)
        assert await _refused(socket_url, introduction) == (3004, "internal server error")
        assert await opened.is_silent()


async def test_socket_of_a_client_that_never_reads_is_dropped(
    socket_url: str, follower: Follower, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing waits for the client to take what was sent: the connection is cut instead."""
    monkeypatch.setattr(websocket_protocol, "LEAVING_SECONDS", 0.05)
    address = urlsplit(socket_url)
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await loop.sock_connect(client, (address.hostname, address.port))
        handshake = (
            f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        frame = str(JsonCodec().write(_connect(auth=follower.token, project_id=follower.studio.project_id))).encode()
        # Masked by zeros: what a client sends must be masked.
        head = bytes([0x81, 0x80 | 126, len(frame) >> 8, len(frame) & 0xFF, 0, 0, 0, 0])
        before = context.order_channels.listening
        await loop.sock_sendall(client, handshake.encode())
        assert b"101 Switching" in await loop.sock_recv(client, 4096)
        await loop.sock_sendall(client, head + frame)
        assert b'"connect"' in await loop.sock_recv(client, 4096)
        async with asyncio.timeout(30):
            for number in count():
                follower.note(1_000 + number, OrderState.NEW)
                if number % 50 == 0:
                    await asyncio.sleep(0)
                if context.order_channels.listening == before:
                    break
            # Not one byte of what waits was read, and yet the connection is gone.
            with pytest.raises(ConnectionError):
                while True:
                    await loop.sock_sendall(client, head + frame)
                    await asyncio.sleep(0.02)


async def test_socket_stands_in_no_log(socket_url: str, follower: Follower, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with open_socket(f"{socket_url}?token={follower.token}") as opened:
            await opened.introduce(follower)
        assert await _refused(socket_url, _connect(auth="no token", project_id=1)) == (3500, "invalid token")
    assert caplog.text == ""

"""The order-status socket as the games' clients use it: Unity, Cocos, the web guide, Android."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from haversack.clock import Clock, real_now
from haversack.context import Context, open_context
from haversack.database import notifications
from haversack.database.engine import DatabaseAway
from haversack.orders import changes
from haversack.orders.changes import ORDERS_MOVED
from haversack.orders.records import OrderState
from haversack.orders.socket import protocol
from haversack.orders.socket.channels import Channel, OrderChannels
from haversack.orders.socket.rules import channel_name
from haversack.projects.queries import set_clock
from make.projects import Studio
from make.sockets import BinarySocket, Follower, Socket, make_follower, open_socket


@pytest.fixture
async def tracking(socket_url: str, follower: Follower) -> AsyncIterator[Socket]:
    """A socket that tracks the follower's orders."""
    async with open_socket(socket_url) as opened:
        assert "connect" in await opened.introduce(follower)
        yield opened


async def test_socket_of_unity(socket_url: str, follower: Follower) -> None:
    order_id = await follower.order()
    follower.note(order_id, OrderState.NEW)
    async with open_socket(socket_url) as opened:
        reply = await opened.introduce(follower)
        channel = channel_name(follower.studio.project_id, follower.player_id)
        assert reply["id"] == 1
        connected = reply["connect"]
        assert connected.keys() == {"client", "version", "subs", "ping", "pong"}
        assert (connected["ping"], connected["pong"]) == (25, True)
        assert list(connected["subs"]) == [channel]
        first = await opened.receive()
        offset = first["push"]["pub"]["offset"]
        assert first == {
            "push": {"channel": channel, "pub": {"data": {"order_id": order_id, "status": "new"}, "offset": offset}}
        }
        offsets = [offset]
        for state in (OrderState.PAID, OrderState.DONE):
            await follower.move_and_note(order_id, state)
            pushed = await opened.receive()
            assert pushed["push"]["pub"]["data"] == {"order_id": order_id, "status": state.value}
            offsets.append(pushed["push"]["pub"]["offset"])
    # Unity reads the offset into 32 bits.
    assert offsets == sorted(set(offsets))
    assert all(isinstance(each, int) and 0 < each < 2**31 for each in offsets)


async def test_socket_of_cocos(socket_url: str, follower: Follower) -> None:
    async with open_socket(socket_url) as opened:
        assert "connect" in await opened.introduce(follower)
        # After silence it sends what others send as the answer to a ping.
        await opened.connection.send("{}")
        order_id = await follower.order(OrderState.CANCELED)
        follower.note(order_id, OrderState.CANCELED)
        assert await opened.receive_status() == (order_id, "canceled")


async def test_socket_of_the_web_guide(socket_url: str, follower: Follower) -> None:
    old = await follower.order(OrderState.DONE, at=real_now() - timedelta(days=40))
    async with open_socket(socket_url) as opened:
        reply = await opened.introduce(follower, user_external_id="hero-7")
        (channel,) = reply["connect"]["subs"]
        order_id = await follower.order()
        await follower.move_and_note(order_id, OrderState.PAID)
        pushed = await opened.receive()
        await opened.send(
            {"id": 2, "history": {"channel": channel, "limit": -1, "since": {"offset": 0, "epoch": ""}}},
            {"id": 3, "ping": {}},
        )
        told = await opened.receive()
        assert told["id"] == 2
        publications = told["history"]["publications"]
        assert [each["data"] for each in publications] == [
            {"order_id": old, "status": "new"},
            {"order_id": old, "status": "done"},
            {"order_id": order_id, "status": "new"},
            {"order_id": order_id, "status": "paid"},
        ]
        # What was pushed has the same place in the history.
        assert publications[-1] == pushed["push"]["pub"]
        assert told["history"]["offset"] == publications[-1]["offset"]
        assert await opened.receive() == {"id": 3, "ping": {}}


async def test_socket_of_android(socket_url: str, follower: Follower) -> None:
    async with BinarySocket.open(socket_url) as opened:
        await opened.send(
            {"id": 1, "connect": {"data": {"auth": follower.token, "project_id": follower.studio.project_id}}}
        )
        reply = await opened.receive()
        assert (reply["id"], reply["connect"]["ping"], reply["connect"]["pong"]) == (1, 25, True)
        await opened.connection.send(b"\x00")
        order_id = await follower.order(OrderState.DONE)
        follower.note(order_id, OrderState.DONE)
        channel = channel_name(follower.studio.project_id, follower.player_id)
        pushed = (await opened.receive())["push"]
        assert (pushed["channel"], pushed["pub"]["data"]) == (channel, {"order_id": order_id, "status": "done"})
        await opened.send({"id": 2, "history": {"channel": channel, "limit": -1, "since": {"offset": 0}}})
        assert (await opened.receive())["history"]["publications"]["offset"] == pushed["pub"]["offset"]


async def test_socket_tells_what_happened_before_it_was_open(socket_url: str, follower: Follower) -> None:
    long_ago = await follower.order(OrderState.DONE, at=real_now() - timedelta(minutes=11))
    paid = await follower.order(OrderState.PAID, at=real_now() - timedelta(minutes=9))
    canceled = await follower.order(OrderState.CANCELED)
    async with open_socket(socket_url) as opened:
        await opened.introduce(follower)
        assert await opened.receive_status() == (paid, "paid")
        assert await opened.receive_status() == (canceled, "canceled")
        assert await opened.is_silent()
    assert long_ago < paid


async def test_socket_looks_for_itself(socket_url: str, follower: Follower, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may die between its commit and its word: at each ping the orders are looked at."""
    monkeypatch.setattr(protocol, "PING_SECONDS", 0.05)
    await follower.order(OrderState.DONE, at=real_now() - timedelta(minutes=30))
    waiting = await follower.order(at=real_now() - timedelta(minutes=20))
    async with open_socket(socket_url) as opened:
        await opened.introduce(follower)
        assert await opened.receive() == {}
        assert await opened.receive() == {}
        await follower.move(waiting, OrderState.PAID)
        while not (message := await opened.receive()):
            await opened.connection.send("{}")
        assert message["push"]["pub"]["data"] == {"order_id": waiting, "status": "paid"}
        assert await opened.receive() == {}


async def test_socket_goes_by_the_clock_of_the_project(socket_url: str, follower: Follower, context: Context) -> None:
    at = real_now() + timedelta(days=300)
    await set_clock(context.database.session(), follower.studio.project_id, Clock(frozen_at=at))
    order_id = await follower.order(OrderState.DONE, at=at)
    async with open_socket(socket_url) as opened:
        await opened.introduce(follower)
        assert await opened.receive_status() == (order_id, "done")


async def test_socket_tells_each_state_once_and_in_order(tracking: Socket, follower: Follower) -> None:
    order_id = await follower.order(OrderState.DONE)
    for state in (OrderState.NEW, OrderState.DONE, OrderState.PAID, OrderState.DONE, OrderState.NEW):
        follower.note(order_id, state)
    assert await tracking.receive_status() == (order_id, "new")
    # `paid` comes late: it must not be taken for the newest.
    assert await tracking.receive_status() == (order_id, "done")
    assert await tracking.is_silent()


async def test_socket_tells_of_own_orders_of_its_project_only(
    tracking: Socket, follower: Follower, studio: Studio, other_studio: Studio
) -> None:
    other = await make_follower(studio)
    other_order = await other.order()
    other.note(other_order, OrderState.NEW)
    elsewhere = Follower(other_studio, follower.player_id, "")
    elsewhere.note(await elsewhere.order(), OrderState.NEW)
    order_id = await follower.order()
    follower.note(order_id, OrderState.NEW)
    assert await tracking.receive_status() == (order_id, "new")
    assert await tracking.is_silent()


async def test_sockets_of_one_player_hear_the_same(socket_url: str, tracking: Socket, follower: Follower) -> None:
    order_id = await follower.order()
    follower.note(order_id, OrderState.NEW)
    first = await tracking.receive()
    async with open_socket(socket_url) as second:
        await second.introduce(follower)
        assert await second.receive() == first
        await follower.move_and_note(order_id, OrderState.PAID)
        assert await second.receive() == await tracking.receive()
        # What nobody told of is found by the one that comes, and told to those who are there.
        await follower.move(order_id, OrderState.DONE)
        async with open_socket(socket_url) as third:
            await third.introduce(follower)
            assert await third.receive() == await tracking.receive() == await second.receive()


async def test_socket_hears_of_other_processes(tracking: Socket, follower: Follower, context: Context) -> None:
    async with open_context(context.settings) as other_process:
        order_id = await follower.order(OrderState.PAID)
        follower.note(order_id, OrderState.PAID, context=other_process)
        assert await tracking.receive_status() == (order_id, "paid")
        # More than one NOTIFY carries; what is left is sent when the process ends.
        many = [await follower.order() for _ in range(3)]
        for number in range(300):
            stranger = Follower(follower.studio, follower.player_id, "")
            stranger.player_id = follower.studio.login_project_id
            stranger.note(number, OrderState.NEW, context=other_process)
        for each in many:
            follower.note(each, OrderState.NEW, context=other_process)
    assert [await tracking.receive_status() for _ in many] == [(each, "new") for each in many]


async def test_socket_hears_of_other_processes_after_any_failure(
    tracking: Socket, follower: Follower, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "RETRY_SECONDS", 0.01)
    failures = [RuntimeError("a fault that nobody thought of"), DatabaseAway("away")]

    async def notify(*of: str) -> None:
        if failures:
            raise failures.pop()
        await notifications.notify(*of)  # type: ignore[arg-type]

    monkeypatch.setattr(changes, "notify", notify)
    async with open_context(context.settings) as other_process:
        order_id = await follower.order(OrderState.PAID)
        follower.note(order_id, OrderState.PAID, context=other_process)
        assert await tracking.receive_status() == (order_id, "paid")


async def test_socket_process_looks_again_whenever_it_is_told_to(
    context: Context, tracking: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is told just as the look before has ended."""
    looked = [asyncio.Event(), asyncio.Event()]
    waited_for = iter(looked)

    async def look_for_missed(channels: OrderChannels, channel: Channel) -> None:
        next(waited_for).set()
        if not looked[1].is_set():
            # Runs after this look, before anybody else hears that it has ended.
            asyncio.get_running_loop().call_soon(context.notifications.publish_locally, ORDERS_MOVED)

    monkeypatch.setattr(OrderChannels, "look_for_missed", look_for_missed)
    context.notifications.publish_locally(ORDERS_MOVED)
    async with asyncio.timeout(5):
        for each in looked:
            await each.wait()


async def test_socket_finds_what_it_could_not_hear_of(tracking: Socket, follower: Follower, context: Context) -> None:
    paid, done = await follower.order(), await follower.order()
    follower.note(paid, OrderState.NEW)
    assert await tracking.receive_status() == (paid, "new")
    await follower.move(paid, OrderState.PAID)
    await follower.move(done, OrderState.DONE)
    # What a process hears when its listening connection comes back.
    context.notifications.publish_locally(ORDERS_MOVED)
    told = {await tracking.receive_status(), await tracking.receive_status()}
    assert told == {(paid, "paid"), (done, "done")}
    assert await tracking.is_silent()


async def test_socket_in_a_crowd(socket_url: str, studio: Studio, context: Context) -> None:
    followers = [await make_follower(studio) for _ in range(20)]

    async def track(follower: Follower) -> tuple[int, list[tuple[int, str]]]:
        async with open_socket(socket_url) as opened:
            order_id = await follower.order()
            # The move and the opening of the socket meet at any moment of each other.
            moving = asyncio.create_task(follower.move_and_note(order_id, OrderState.DONE))
            await opened.introduce(follower)
            told = []
            while not told or told[-1][1] != "done":
                told.append(await opened.receive_status())
            await moving
            assert await opened.is_silent()
            return order_id, told

    for order_id, told in await asyncio.gather(*map(track, followers)):
        assert told in ([(order_id, "done")], [(order_id, "new"), (order_id, "done")])


def test_server_may_open_many_sockets() -> None:
    """A process begins with 1,024 open files on most systems."""
    script = (
        "import resource; from haversack.cli.serving import allow_many_connections;"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE);"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard));"
        "allow_many_connections();"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], hard)"
    )
    printed = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    soft, hard = map(int, printed.split())
    assert soft == (65_536 if hard == -1 else min(hard, 65_536))

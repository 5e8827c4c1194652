"""kill -9 of a server at random moments, in the midst of grants and receives: nothing lost, nothing twice.

Every request carries an Idempotency-Key, and is repeated with it until it is answered. What a killed process held ends
by itself after a time; the test lets that time pass.
"""

import asyncio
import os
import random
import secrets
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from make.backpack import GAME_SECRET, new_virtual_currency, new_virtual_item
from make.inventory import make_currency
from make.receiver import Receiver
from processes.running import Running, free_port, started, until, until_answering, until_gone
from processes.serving import Shop

KILLS = int(os.environ.get("HAVERSACK_KILLS", "8"))
SEED = int(os.environ.get("HAVERSACK_KILLS_SEED", secrets.randbelow(2**32)))
CLIENTS = 6
# The longest that a server runs between two kills, counted in what it has answered.
ANSWERS_BETWEEN_KILLS_MAX = 40
GLIM = "glim"
ITEMS_A_GRANT = 2

# What a process held when it was killed is free again: as if its time had passed.
LET_TIME_PASS = """
UPDATE idempotency_keys SET locked_until = now() WHERE locked_until IS NOT NULL;
UPDATE backpack_items SET busy_until = now() WHERE busy_until IS NOT NULL;
UPDATE webhook_lanes SET leased_until = now() WHERE leased_until IS NOT NULL;
"""


@dataclass(slots=True)
class Tally:
    """What was asked for and what was answered."""

    player_id: UUID
    granted: dict[str, list[str]] = field(default_factory=dict)  # the grant's SKU and its items' ids
    moved: list[str] = field(default_factory=list)  # items that have moved to the game
    received: Counter[str] = field(default_factory=Counter)  # an item and its amount
    answers: int = 0
    repeats: int = 0


class Server:
    """The application of `haversack serve`, killed and started again by a process that has its code ready."""

    def __init__(self, shop: Shop, port: int, prepared: Running) -> None:
        self.shop = shop
        self.url = f"http://127.0.0.1:{port}"
        self.is_up = asyncio.Event()
        self.client = httpx.AsyncClient(base_url=self.url, timeout=60, verify=False)
        self.prepared = prepared
        self._pids: list[int] = []

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        assert self.prepared.process.stdin is not None
        self.prepared.process.stdin.write(b"start\n")

        def started() -> bool:
            return len(self.prepared.out.splitlines()) > len(self._pids) and self.prepared.out.endswith("\n")

        await until(started, "it is started")
        self._pids.append(int(self.prepared.out.splitlines()[-1]))
        await until_answering(f"{self.url}/", self.prepared)
        self.is_up.set()

    async def kill(self) -> None:
        """kill -9."""
        self.is_up.clear()
        os.kill(self._pids[-1], signal.SIGKILL)
        await until_gone(self._pids[-1])

    async def stop(self) -> None:
        """End it in order."""
        os.kill(self._pids[-1], signal.SIGTERM)
        await until_gone(self._pids[-1])


@pytest.fixture
async def server(shop: Shop) -> AsyncIterator[Server]:
    """The server of a shop, not yet started."""
    port = free_port()
    settings = {**shop.settings, "outbound_allow_loopback": "true", "public_url": f"http://127.0.0.1:{port}"}
    command = (sys.executable, str(Path(__file__).with_name("prepared.py")), str(port))
    async with started(shop.folder, *command, settings=settings, stdin=asyncio.subprocess.PIPE) as prepared:
        server = Server(shop, port, prepared)
        async with server.client:
            yield server


async def until_answered(server: Server, tally: Tally, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
    """The answer to a request, repeated with its key as often as it takes."""
    headers = {**headers, "Idempotency-Key": uuid4().hex}

    async def answer() -> httpx.Response | None:
        await server.is_up.wait()
        try:
            reply = await server.client.post(path, json=body, headers=headers)
        except httpx.TransportError:
            tally.repeats += 1
            return None
        tally.answers += 1
        # Somebody else may be at work for this key still, or for the item.
        return None if reply.status_code in (409, 500, 503) else reply

    return await until(answer, f"{path} is answered", seconds=120)


async def shop_for_one(server: Server, tally: Tally, chance: random.Random, number: int) -> None:
    """Grant two items and an amount of the wallet's currency, move the items and receive the amount."""
    studio = server.shop.studio
    host = {"X-HOST-ID": str(studio.host_id), "Authorization": f"Bearer {studio._server_token}"}
    player = await studio.player_headers(tally.player_id)
    to_player = f"{studio.backpack}/user/{tally.player_id}"
    sku, amount = f"item-{number}", chance.randint(1, 1000)

    body = [new_virtual_item(item_sku=sku) for _ in range(ITEMS_A_GRANT)]
    reply = await until_answered(server, tally, f"{to_player}/virtual_items", body, host)
    assert reply.status_code == 201, reply.text
    tally.granted[sku] = [item["item_id"] for item in reply.json()]

    body = [new_virtual_currency(item_sku=GLIM, item_name=sku, quantity=amount)]
    reply = await until_answered(server, tally, f"{to_player}/virtual_currency", body, host)
    assert reply.status_code == 201, reply.text
    [currency] = reply.json()

    for item_id in tally.granted[sku]:
        move = {"item_id": item_id, "user_game_id": "player-17"}
        reply = await until_answered(server, tally, "/web/backpack/virtual_items/move_to_game", move, player)
        # Also where the item was on its way, or had arrived, when the server was killed: it is the same request.
        assert reply.status_code == 200, reply.text
        tally.moved.append(item_id)

    receive = {"item_id": currency["item_id"]}
    reply = await until_answered(server, tally, "/web/backpack/virtual_currency/receive", receive, player)
    assert reply.status_code == 200, reply.text
    tally.received[currency["item_id"]] = amount


async def kill_again_and_again(server: Server, tally: Tally, chance: random.Random) -> None:
    """Kill the server after a random number of answers, and a random moment later."""
    for _ in range(KILLS):
        goal = tally.answers + chance.randint(1, ANSWERS_BETWEEN_KILLS_MAX)
        await until(lambda goal=goal: tally.answers >= goal, "the server answers", seconds=60)
        await asyncio.sleep(chance.random() * 0.05)
        await server.kill()
        async with server.shop.context.database.connection() as connection:
            await connection.execute(LET_TIME_PASS)
        await server.start()


async def test_nothing_is_lost_and_nothing_happens_twice(server: Server) -> None:
    print(f"HAVERSACK_KILLS_SEED={SEED}")
    chance = random.Random(SEED)
    shop, tally = server.shop, Tally(uuid4())
    async with Receiver() as receiver:
        await server.start()
        await prepare(server, receiver)
        killing = asyncio.create_task(kill_again_and_again(server, tally, chance))
        number = 0

        async def keep_shopping() -> None:
            nonlocal number
            while not killing.done():
                number += 1
                await shop_for_one(server, tally, chance, number)

        async with asyncio.TaskGroup() as clients:
            for _ in range(CLIENTS):
                clients.create_task(keep_shopping())
        await killing
        await until(lambda: nothing_is_under_way(shop), "everything is delivered")
        await server.stop()
        print(f"{number} rounds, {tally.answers} answers, {tally.repeats} repeats after {KILLS} kills")
        await check_grants(shop, tally)
        check_deliveries(receiver, tally)
        await check_wallet(shop, tally)
    assert "Traceback" not in server.prepared.err, server.prepared.err


async def prepare(server: Server, receiver: Receiver) -> None:
    """A server token, the game's address, and a currency of the wallet."""
    studio = server.shop.studio
    await make_currency(studio, GLIM, "Glims")
    await studio.server_token(server.client)
    settings = {"url": receiver.url, "secret": GAME_SECRET, "is_enabled": True}
    path = f"/api/v2/project/{studio.project_id}/admin/webhook"
    saved = await server.client.put(path, json=settings, auth=studio.basic)
    assert saved.status_code == 204, saved.text


async def nothing_is_under_way(shop: Shop) -> bool:
    """Whether every delivery is settled and no item is on its way."""
    async with shop.context.database.connection() as connection:
        pending = await connection.fetchval("SELECT count(*) FROM webhook_deliveries WHERE status <> 'succeeded'")
        held = await connection.fetchval(
            "SELECT count(*) FROM backpack_items WHERE state IN ('checking', 'delivering')"
        )
    return not pending and not held


async def check_grants(shop: Shop, tally: Tally) -> None:
    """Each grant is there once, and what was acknowledged is what is there."""
    async with shop.context.database.connection() as connection:
        rows = await connection.fetch("SELECT item_sku, item_id, state FROM backpack_items WHERE item_sku <> $1", GLIM)
    stored: dict[str, set[str]] = {}
    for row in rows:
        stored.setdefault(row["item_sku"], set()).add(str(row["item_id"]))
    assert stored == {sku: set(ids) for sku, ids in tally.granted.items()}
    assert all(len(ids) == ITEMS_A_GRANT for ids in stored.values())
    assert {row["state"] for row in rows} == {"received"}
    assert sorted(tally.moved) == sorted(str(row["item_id"]) for row in rows)


def check_deliveries(receiver: Receiver, tally: Tally) -> None:
    """Each item was told to the game under one webhook id, one order and one body, however often it was told."""
    told: dict[str, list[Any]] = {}
    for each in receiver.received:
        if each.json["notification_type"] == "order_paid":
            told.setdefault(each.event_id, []).append(each)
    for repeats in told.values():
        assert len({each.body for each in repeats}) == 1
    orders = [repeats[0].json["order"]["id"] for repeats in told.values()]
    assert len(set(orders)) == len(orders) == len(tally.moved)
    skus = Counter(repeats[0].json["items"][0]["sku"] for repeats in told.values())
    assert skus == Counter(dict.fromkeys(tally.granted, ITEMS_A_GRANT))


async def check_wallet(shop: Shop, tally: Tally) -> None:
    """The balance is the sum of what was received, and so is the sum of its changes."""
    async with shop.context.database.connection() as connection:
        balance = await connection.fetchval("SELECT amount FROM balances WHERE player_id = $1", tally.player_id)
        changes = await connection.fetch("SELECT source, change AS amount FROM ledger WHERE kind = 'balance'")
    assert balance == sum(tally.received.values())
    assert Counter({row["source"].removeprefix("backpack:"): row["amount"] for row in changes}) == tally.received
    assert len(changes) == len(tally.received)

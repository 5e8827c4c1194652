"""kill -9 of a server at random moments, in the midst of purchases: each answered one is there once, the books fit
(R5, R12).

Every purchase carries an Idempotency-Key and is repeated with it until it is answered; some carry none and are sent
once, whatever becomes of them.
"""

import asyncio
import os
import random
import secrets
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from haversack.inventory.verifying import find_differences
from make.catalog import make_item, virtual_currency, virtual_item
from make.orders import Buyer, fund
from make.receiver import Receiver
from processes.running import free_port, started, until
from processes.serving import Shop
from processes.test_kills import LET_TIME_PASS, Server, Tally, nothing_is_under_way, until_answered

KILLS = int(os.environ.get("HAVERSACK_KILLS", "6"))
SEED = int(os.environ.get("HAVERSACK_KILLS_SEED", secrets.randbelow(2**32)))
CLIENTS = 6
ANSWERS_BETWEEN_KILLS_MAX = 60
PURSE, PRICE, UNITS = 1_000_000, 7, 100_000


@dataclass(slots=True)
class Bought:
    """What one player was told to have: order ids by what was asked for."""

    buyer: Buyer
    for_gold: list[int] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    unpaid: list[int] = field(default_factory=list)


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


async def buy_for_one(server: Server, tally: Tally, chance: random.Random, bought: Bought) -> None:
    """One purchase of each kind, each until it is answered, and one that is sent once."""
    base = f"/api/v2/project/{server.shop.studio.project_id}"
    headers = bought.buyer.headers
    reply = await until_answered(server, tally, f"{base}/payment/item/lamp/virtual/gold", {}, headers)
    assert reply.status_code == 200, reply.text
    bought.for_gold.append(reply.json()["order_id"])
    reply = await until_answered(server, tally, f"{base}/free/item/gift", {"quantity": 2}, headers)
    assert reply.status_code == 200, reply.text
    bought.free.append(reply.json()["order_id"])
    if chance.random() < 0.2:
        reply = await until_answered(server, tally, f"{base}/payment/item/hat", {"currency": "USD"}, headers)
        assert reply.status_code == 200, reply.text
        bought.unpaid.append(reply.json()["order_id"])
    try:
        await server.is_up.wait()
        await server.client.post(f"{base}/payment/item/lamp/virtual/gold", headers=headers)
    except httpx.TransportError:
        tally.repeats += 1


async def kill_again_and_again(server: Server, tally: Tally, chance: random.Random) -> None:
    """Kill the server at random moments and start it again."""
    for _ in range(KILLS):
        wanted = tally.answers + chance.randint(1, ANSWERS_BETWEEN_KILLS_MAX)
        await until(lambda wanted=wanted: tally.answers >= wanted, "some purchases are answered", seconds=120)
        await asyncio.sleep(chance.random() * 0.05)
        await server.kill()
        async with server.shop.context.database.connection() as connection:
            await connection.execute(LET_TIME_PASS)
        await server.start()


async def test_purchases_survive_kills(server: Server) -> None:
    print(f"HAVERSACK_KILLS_SEED={SEED}")
    chance = random.Random(SEED)
    shop, tally = server.shop, Tally(uuid4())
    async with Receiver() as receiver:
        await server.start()
        buyers = await prepare(server, receiver)
        killing = asyncio.create_task(kill_again_and_again(server, tally, chance))

        async def keep_buying(bought: Bought) -> None:
            while not killing.done():
                await buy_for_one(server, tally, chance, bought)

        async with asyncio.TaskGroup() as clients:
            for bought in buyers:
                clients.create_task(keep_buying(bought))
                clients.create_task(keep_buying(bought))
        await killing
        await until(lambda: nothing_is_under_way(shop), "everything is delivered")
        await server.stop()
        print(f"{tally.answers} answers, {tally.repeats} repeats after {KILLS} kills")
        for bought in buyers:
            await check_player(shop, bought)
        await check_deliveries(shop, receiver)
    differences = [str(each) async for each in find_differences(shop.context.database, shop.studio.project_id)]
    assert not differences, "\n".join(differences)
    assert "Traceback" not in server.prepared.err, server.prepared.err


async def prepare(server: Server, receiver: Receiver) -> list[Bought]:
    """The game's address, a currency, what is sold, and players with money."""
    studio = server.shop.studio
    settings = {"url": receiver.url, "secret": "a secret of the game", "is_enabled": True}
    path = f"/api/v2/project/{studio.project_id}/admin/webhook"
    saved = await server.client.put(path, json=settings, auth=studio.basic)
    assert saved.status_code == 204, saved.text
    once = {"inventory_options": {"consumable": {"usages_count": 1}}}
    price = [{"sku": "gold", "amount": PRICE, "is_default": True, "is_enabled": True}]
    limits = {"per_item": UNITS, "per_user": UNITS}
    await make_item(server.client, studio, "virtual_currency", virtual_currency(sku="gold"))
    for body in (
        virtual_item(sku="lamp", prices=[], vc_prices=price, limits=limits, **once),
        virtual_item(sku="gift", prices=[], is_free=True, **once),
        virtual_item(sku="hat", limits={"per_user": UNITS}, **once),
    ):
        await make_item(server.client, studio, "virtual_item", body)
    buyers = []
    for _ in range(CLIENTS // 2):
        player_id: UUID = uuid4()
        buyer = Buyer(studio, player_id, await studio.player_headers(player_id))
        await fund(buyer, "gold", PURSE)
        buyers.append(Bought(buyer))
    return buyers


async def check_player(shop: Shop, bought: Bought) -> None:
    """What was answered is there, and nothing is there that no order explains."""
    player_id = bought.buyer.player_id
    async with shop.context.database.connection() as connection:
        orders = await connection.fetch(
            "SELECT order_id, state, currency_type FROM orders WHERE player_id = $1", player_id
        )
        balance = await connection.fetchval("SELECT amount FROM balances WHERE player_id = $1", player_id)
        owned = dict(
            await connection.fetch(
                "SELECT sku, quantity FROM owned_items JOIN items USING (project_id, item_id) WHERE player_id = $1",
                player_id,
            )
        )
    kinds = {kind: {row["order_id"] for row in orders if row["currency_type"] == kind} for kind in ("virtual", "free")}
    # Those without a key may have been made without an answer.
    assert set(bought.for_gold) <= kinds["virtual"]
    assert kinds["free"] == set(bought.free)
    assert len(set(bought.for_gold)) == len(bought.for_gold)
    assert balance == PURSE - PRICE * len(kinds["virtual"])
    assert owned == {"lamp": len(kinds["virtual"]), "gift": 2 * len(kinds["free"])}
    states = Counter((row["currency_type"], row["state"]) for row in orders)
    assert set(states) <= {("virtual", "done"), ("free", "done"), ("real", "new")}
    assert states["real", "new"] == len(bought.unpaid)


async def check_deliveries(shop: Shop, receiver: Receiver) -> None:
    """Each order was told to the game under one webhook id and one body, however often it was told."""
    told: dict[int, set[tuple[str, bytes]]] = {}
    for each in receiver.received:
        told.setdefault(each.json["order"]["id"], set()).add((each.event_id, each.body))
    assert all(len(repeats) == 1 for repeats in told.values())
    async with shop.context.database.connection() as connection:
        done = {row["order_id"] for row in await connection.fetch("SELECT order_id FROM orders WHERE state = 'done'")}
    assert set(told) == done

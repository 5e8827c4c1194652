"""R4: many at once for the last unit, one source, one balance. Counts are exact, and nobody gets a fault of ours."""

import asyncio
from collections import Counter
from typing import Any
from uuid import uuid4

import httpx

from haversack.clock import real_now
from haversack.errors import Refusal
from haversack.inventory.actions import CurrencyGrant, charge
from make.inventory import (
    USES,
    balances_of,
    consume,
    differences_of,
    give,
    ledger_rows,
    make_goods,
    operation,
    owned,
    path,
    read,
    send,
)
from make.projects import Studio

AT_ONCE = 50


async def test_the_last_unit_is_consumed_once(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("stack", 7))
    replies = await asyncio.gather(
        *(consume(client, studio, player_id, sku=goods["stack"], quantity=1) for _ in range(AT_ONCE))
    )
    assert Counter(reply.status_code for reply in replies) == {200: 7, 404: AT_ONCE - 7}
    assert await owned(client, studio, player_id) == []
    assert not await differences_of(studio)


async def test_the_last_use_is_used_once(client: httpx.AsyncClient, studio: Studio) -> None:
    """By the piece and by number at once: every use goes to one of them."""
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("pieces", 2))
    pieces = [item["instance_id"] for item in await read(client, studio, player_id, "inventory/items")]
    calls = [
        consume(client, studio, player_id, sku=goods["pieces"], **how)
        for n in range(AT_ONCE)
        for how in [{"instance_id": pieces[n % 2]} if n % 3 else {"quantity": 1}]
    ]
    replies = await asyncio.gather(*calls)
    assert Counter(reply.status_code for reply in replies) == {200: 2 * USES, 404: AT_ONCE - 2 * USES}
    assert await owned(client, studio, player_id) == []
    assert not await differences_of(studio)


async def test_one_source_gives_once(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    for source, ways in (("order:1", ("stack",)), ("order:2", ("stack", "pieces", "timed"))):
        content = [goods.grant_of(way) for way in ways]
        given = await asyncio.gather(*(give(studio, player_id, *content, source=source) for _ in range(AT_ONCE)))
        assert sum(given) == 1
    found = Counter(sku for sku, *_ in await owned(client, studio, player_id))
    assert found == {goods["stack"]: 1, goods["pieces"]: 1, goods["timed"]: 1}
    assert (goods["stack"], 2, 1) in await owned(client, studio, player_id)
    assert not await differences_of(studio)


async def test_what_is_owned_once_is_given_once(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()

    async def try_to_give(n: int) -> bool:
        more = [goods.grant_of("timed")] if n % 2 else []
        try:
            return await give(studio, player_id, goods.grant_of("single"), goods.grant_of("stack"), *more)
        except Refusal as refusal:
            assert refusal.kind.code == 1468
            return False

    assert sum(await asyncio.gather(*(try_to_give(n) for n in range(AT_ONCE)))) == 1
    found = {sku: number for sku, number, _ in await owned(client, studio, player_id)}
    assert (found[goods["single"]], found[goods["stack"]]) == (1, 1)
    assert not await differences_of(studio)


async def test_a_balance_is_charged_for_what_it_holds(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    sku = goods["currency"]
    await give(studio, player_id, CurrencyGrant(sku, 10))

    async def pay() -> bool:
        db = studio.context.database.session()
        try:
            async with db.begin():
                await charge(
                    db,
                    project_id=studio.project_id,
                    player_id=player_id,
                    sku=sku,
                    amount=1,
                    source="test",
                    now=real_now(),
                )
        except Refusal as refusal:
            assert refusal.kind.code == 5006
            return False
        return True

    assert sum(await asyncio.gather(*(pay() for _ in range(AT_ONCE)))) == 10
    assert await balances_of(studio, player_id) == {}
    assert len(await ledger_rows(studio, player_id)) == 11
    assert not await differences_of(studio)


async def test_server_calls_cross_each_other(client: httpx.AsyncClient, studio: Studio) -> None:
    """Calls that name the same players and items in opposite order wait for each other, and never in a circle; players
    who consume meanwhile are in nobody's way."""
    goods = await make_goods(client, studio)
    players = [uuid4() for _ in range(4)]
    ways = ("stack", "pieces", "single", "timed", "currency")
    for player_id in players:
        await give(studio, player_id, goods.grant_of("stack", 100))

    def call(n: int, word: str) -> list[dict[str, Any]]:
        turned = players if n % 2 else players[::-1]
        items = ways if n % 3 else ways[::-1]
        operations = [operation(player_id, *((goods[way], 2) for way in items)) for player_id in turned]
        if word == "purchase":
            for one in operations:
                one["purchase"] = {
                    "amount": "1",
                    "currency": "USD",
                    "external_purchase_id": f"p{n % 5}",
                    "external_purchase_date": "2026-11-21T00:00:00Z",
                }
                one["items"] = [item for item in one["items"] if item["sku"] != goods["single"]]
        return operations

    words = ("reward", "purchase", "set")
    replies, consumed = await asyncio.gather(
        asyncio.gather(*(send(client, studio, words[n % 3], *call(n, words[n % 3])) for n in range(30))),
        asyncio.gather(
            *(consume(client, studio, players[n % 4], sku=goods["stack"], quantity=1) for n in range(AT_ONCE))
        ),
    )
    assert {reply.status_code for reply in replies} == {200}
    assert {reply.status_code for reply in consumed} <= {200, 404}
    assert not await differences_of(studio)


async def test_one_purchase_is_reported_once(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    body = operation(player_id, (goods["stack"], 2), (goods["currency"], 3))
    body["purchase"] = {
        "amount": "2.99",
        "currency": "USD",
        "external_purchase_id": "10-534-35",
        "external_purchase_date": "2026-11-21T00:00:00Z",
    }
    replies = await asyncio.gather(
        *(client.post(path(studio, "inventory/purchase"), json=[body], auth=studio.basic) for _ in range(AT_ONCE))
    )
    assert {reply.content for reply in replies} == {replies[0].content}
    assert replies[0].status_code == 200
    assert await owned(client, studio, player_id) == [(goods["stack"], 2, 1)]
    assert await balances_of(studio, player_id) == {goods["currency"]: 3}
    assert not await differences_of(studio)

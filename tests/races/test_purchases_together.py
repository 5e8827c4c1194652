"""Purchases that share one call of the database: each keeps its own outcome, and none waits for another player."""

import asyncio
from collections import Counter
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import TextClause

from haversack.database.engine import DatabaseAway, Session
from haversack.orders import queries
from haversack.orders.buying_together import BUY_TOGETHER
from haversack.orders.checkout import order_for_virtual_currency
from haversack.orders.preparing import Checkout, Wanted
from make import catalog
from make.client_catalog import sell
from make.inventory import differences_of
from make.orders import Buyer, balance_of, buy, fund, make_buyer, owned_of, project_of, sell_for, stored
from make.projects import Studio

PLAYERS = 24


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many purchases each call of the function had."""
    made: list[int] = []
    fetch_value = Session.fetch_value

    async def counted(self: Session, statement: Any, **values: Any) -> Any:
        if isinstance(statement, TextClause) and statement is BUY_TOGETHER:
            made.append(len(values["bodies"]))
        return await fetch_value(self, statement, **values)

    monkeypatch.setattr(Session, "fetch_value", counted)
    return made


async def _shop(client: httpx.AsyncClient, studio: Studio, **item: Any) -> tuple[str, str, list[Buyer]]:
    """An item for 5, its currency, and players with 10 each."""
    gold = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    lamp, _ = await sell_for(client, studio, 5, currency=gold, **item)
    buyers = [await make_buyer(studio) for _ in range(PLAYERS)]
    for buyer in buyers:
        await fund(buyer, gold, 10)
    return lamp, gold, buyers


async def test_many_share_a_call(client: httpx.AsyncClient, studio: Studio, calls: list[int]) -> None:
    lamp, gold, buyers = await _shop(client, studio)
    replies = await asyncio.gather(*(buy(client, buyer, lamp, gold) for buyer in buyers))
    assert {reply.status_code for reply in replies} == {200}
    assert sum(calls) == PLAYERS
    assert max(calls) > 1
    for buyer, reply in zip(buyers, replies, strict=True):
        order = await stored(studio, reply.json()["order_id"])
        assert order.player_id == buyer.player_id
        assert (await balance_of(buyer, gold), await owned_of(buyer, lamp)) == (5, 1)
    assert not await differences_of(studio)


async def test_a_refusal_is_for_its_player_alone(client: httpx.AsyncClient, studio: Studio, calls: list[int]) -> None:
    """One who has too little, one who has used up the limit, one who owns it already: all others buy."""
    lamp, gold, buyers = await _shop(client, studio, limits={"per_user": 1})
    once, _ = await sell_for(client, studio, 5, currency=gold, inventory_options={"consumable": None})
    poor = await make_buyer(studio)
    await fund(poor, gold, 4)
    greedy, owner = buyers[0], buyers[1]
    assert (await buy(client, greedy, lamp, gold)).status_code == 200
    assert (await buy(client, owner, once, gold)).status_code == 200
    asked = [
        *((buyer, lamp) for buyer in buyers),
        (poor, lamp),
        (owner, once),
        *((buyer, once) for buyer in buyers[2:]),
    ]
    replies = await asyncio.gather(*(buy(client, buyer, sku, gold) for buyer, sku in asked))
    codes = Counter(None if reply.is_success else reply.json()["errorCode"] for reply in replies)
    # The owner has 5 left, and either the limited item takes them or nothing does.
    assert codes.pop(1460) == 1
    assert sum(codes.values()) == len(asked) - 1
    assert codes[None] == (PLAYERS - 1) + (PLAYERS - 2)
    assert set(codes) <= {None, 5006, 1468}
    assert max(calls) > 1
    assert await balance_of(poor, gold) == 4
    assert not await differences_of(studio)


async def test_one_player_buys_one_after_another(client: httpx.AsyncClient, studio: Studio, calls: list[int]) -> None:
    lamp, gold, buyers = await _shop(client, studio)
    replies = await asyncio.gather(*(buy(client, buyer, lamp, gold) for buyer in buyers[:4] for _ in range(3)))
    codes = Counter(reply.status_code for reply in replies)
    assert codes == {200: 8, 422: 4}
    assert [await balance_of(buyer, gold) for buyer in buyers[:4]] == [0] * 4
    assert not await differences_of(studio)


async def test_nobody_waits_for_another_player(client: httpx.AsyncClient, studio: Studio) -> None:
    """A player whose turn is taken waits alone; who came at the same time is served."""
    lamp, gold, buyers = await _shop(client, studio)
    held, *others = buyers
    db = studio.context.database.session()
    async with db.begin():
        await queries.take_turn(db, studio.project_id, held.player_id)
        waiting = asyncio.create_task(buy(client, held, lamp, gold))
        replies = await asyncio.gather(*(buy(client, buyer, lamp, gold) for buyer in others))
        assert {reply.status_code for reply in replies} == {200}
        assert not waiting.done()
    assert (await waiting).status_code == 200
    assert not await differences_of(studio)


async def test_who_has_gone_does_not_keep_others(client: httpx.AsyncClient, studio: Studio) -> None:
    """Requests that are broken off while they wait take nothing from those behind them."""
    lamp, gold, buyers = await _shop(client, studio)
    asked = [asyncio.create_task(buy(client, buyer, lamp, gold)) for buyer in buyers]
    await asyncio.sleep(0)
    for task in asked[::2]:
        task.cancel()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(each, httpx.Response) and each.status_code == 200 for each in found[1::2])
    assert {await balance_of(buyer, gold) for buyer in buyers[1::2]} == {5}
    assert {await balance_of(buyer, gold) for buyer in buyers[::2]} <= {5, 10}
    assert not await differences_of(studio)


async def test_what_players_write_arrives_as_it_was(client: httpx.AsyncClient, studio: Studio) -> None:
    """The call's arrays are text: quotes, braces, backslashes and the word NULL are the player's own."""
    lamp, gold, buyers = await _shop(client, studio)
    texts = ['a "b" c', "{x,y}", "back\\slash \\\\", "NULL", "", "null", "new\nline", "ünïcödé ✓", "'; --", ","]
    replies = await asyncio.gather(
        *(
            buy(client, buyer, lamp, gold, json={"custom_parameters": {"text": text, text or "empty": 1}})
            for buyer, text in zip(buyers, texts, strict=False)
        )
    )
    for reply, text in zip(replies, texts, strict=True):
        assert reply.status_code == 200, text
        order = await stored(studio, reply.json()["order_id"])
        assert order.custom_parameters == {"text": text, text or "empty": 1}
    assert not await differences_of(studio)


async def test_a_database_that_goes_away_is_away_for_all(
    client: httpx.AsyncClient, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    lamp, gold, buyers = await _shop(client, studio)
    project = await project_of(studio)
    fetch_value = Session.fetch_value

    async def away(self: Session, statement: Any, **values: Any) -> Any:
        if statement is BUY_TOGETHER:
            raise asyncpg.AdminShutdownError("terminating connection due to administrator command")
        return await fetch_value(self, statement, **values)

    async def order(buyer: Buyer) -> object:
        checkout = Checkout(project=project, player=buyer.identity, wanted=[Wanted(lamp, 1)])
        return await order_for_virtual_currency(studio.context, studio.context.database.session(), checkout, gold)

    monkeypatch.setattr(Session, "fetch_value", away)
    found = await asyncio.gather(*(order(buyer) for buyer in buyers), return_exceptions=True)
    assert {type(each) for each in found} == {DatabaseAway}
    monkeypatch.undo()
    assert (await buy(client, buyers[0], lamp, gold)).status_code == 200

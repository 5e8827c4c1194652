"""Lists of chains asked for again: each reader gets their own, as it is now, or hears that they have it already."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from haversack.chains.records import StepState
from haversack.clock import real_now
from haversack.login.actions import ban_player
from make import chains
from make.catalog import virtual_item
from make.chains import GOLD, set_attribute
from make.client_catalog import sell
from make.day_chains import START, claim, daily_chain, make_chain, offer_chain, put_chain, stand_at, toggle, user_path
from make.orders import Buyer, make_buyer, sell_for_money
from make.projects import Studio

CONSUMABLE = {"inventory_options": {"consumable": {"usages_count": 1}}}
START_AT = datetime.fromisoformat(START)

# Makes a chain of a kind and says how a player takes its first step.
Made = tuple[str, Callable[[Buyer], Awaitable[httpx.Response]]]


async def _make(client: httpx.AsyncClient, studio: Studio, kind: str, **changes: Any) -> Made:
    gift = await sell(client, studio, virtual_item(**CONSUMABLE))
    if kind == "reward":
        point, _ = await chains.make_value_point(client, studio)
        body = chains.reward_chain(point, chains.step(gift, 0), **changes)
        chain_id = await chains.make_reward_chain(client, studio, body)
        [step] = (await chains.get_chain(client, studio, chain_id))["steps"]
        return kind, lambda buyer: chains.claim(client, buyer, chain_id, step["step_id"])
    body = {"daily": daily_chain, "offer": offer_chain}[kind](gift, gift, **changes)
    chain_id = await make_chain(client, studio, kind, body)
    return kind, lambda buyer: claim(client, buyer, kind, chain_id, 1)


async def _read(client: httpx.AsyncClient, who: Buyer | Studio, kind: str, **headers: str) -> httpx.Response:
    studio = who.studio if isinstance(who, Buyer) else who
    sent = {**(who.headers if isinstance(who, Buyer) else {}), **headers}
    return await client.get(user_path(studio, kind), headers=sent)


def _taken(reply: httpx.Response) -> list[bool]:
    assert reply.status_code == 200, reply.text
    steps = [chain["steps"][0] for chain in reply.json()["items"]]
    return [step.get("is_claimed") is True or step.get("status") == StepState.CLAIMED for step in steps]


@pytest.mark.parametrize("kind", ["reward", "daily", "offer"])
async def test_lists_for_everybody_at_once(client: httpx.AsyncClient, studio: Studio, kind: str) -> None:
    await stand_at(studio, START)
    _, take = await _make(client, studio, kind)
    await _make(client, studio, kind)
    some, others = [await make_buyer(studio) for _ in range(4)], [await make_buyer(studio) for _ in range(4)]
    for buyer in some:
        assert (await take(buyer)).is_success
    asked = [*some, *others, studio] * 5
    replies = await asyncio.gather(*(_read(client, who, kind) for who in asked))
    assert [_taken(reply) for reply in replies] == [[who in some, False] for who in asked]
    # All who have nothing have the same page.
    assert len({reply.content for who, reply in zip(asked, replies, strict=True) if who not in some}) == 1


@pytest.mark.parametrize("kind", ["reward", "daily", "offer"])
async def test_lists_that_the_reader_has(client: httpx.AsyncClient, studio: Studio, kind: str) -> None:
    await stand_at(studio, START)
    _, take = await _make(client, studio, kind)
    buyer, other = await make_buyer(studio), await make_buyer(studio)
    tag = (await _read(client, buyer, kind)).headers["etag"]
    for _ in range(2):
        same = await _read(client, buyer, kind, **{"If-None-Match": f'"old", W/{tag}'})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (await take(buyer)).is_success
    mine = await _read(client, buyer, kind, **{"If-None-Match": tag})
    assert _taken(mine) == [True]
    assert mine.headers["etag"] != tag
    assert _taken(await _read(client, other, kind, **{"If-None-Match": mine.headers["etag"]})) == [False]


async def test_lists_change_with_time(client: httpx.AsyncClient, studio: Studio) -> None:
    await stand_at(studio, START)
    await _make(client, studio, "daily")
    buyer = await make_buyer(studio)
    seen = []
    # Back as well: a clock may be moved to where it was.
    for hours in (0, 23, 24, 47, 1, 48):
        await stand_at(studio, START_AT + timedelta(hours=hours))
        items = (await _read(client, buyer, "daily")).json()["items"]
        seen.append([[step["status"] for step in chain["steps"]] for chain in items])
    first, second = [[StepState.CLAIMABLE, StepState.IN_FUTURE]], [[StepState.MISSED, StepState.CLAIMABLE]]
    assert seen == [first, first, second, second, first, []]


async def test_lists_change_with_the_studio(client: httpx.AsyncClient, studio: Studio) -> None:
    await stand_at(studio, START)
    lamp = await sell_for_money(client, studio)
    chain_id = await make_chain(client, studio, "offer", offer_chain(lamp))
    buyer = await make_buyer(studio)
    assert len((await _read(client, buyer, "offer")).json()["items"]) == 1
    await toggle(client, studio, "offer", chain_id)
    assert (await _read(client, buyer, "offer")).json()["items"] == []
    body = offer_chain(lamp, lamp, is_enabled=True)
    assert (await put_chain(client, studio, "offer", chain_id, body)).status_code == 204
    [chain] = (await _read(client, buyer, "offer")).json()["items"]
    assert len(chain["steps"]) == 2


async def test_lists_follow_the_reader(client: httpx.AsyncClient, studio: Studio) -> None:
    await stand_at(studio, START)
    await _make(client, studio, "reward", attribute_conditions=[GOLD])
    gold, plain = await make_buyer(studio), await make_buyer(studio)
    await set_attribute(gold, "league", "gold")
    for _ in range(2):
        replies = await asyncio.gather(*(_read(client, who, "reward") for who in (gold, plain, studio)))
        assert [len(reply.json()["items"]) for reply in replies] == [1, 0, 0]
    await set_attribute(gold, "league", None)
    assert (await _read(client, gold, "reward")).json()["items"] == []


async def test_lists_for_who_may_not(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    buyer, stranger = await make_buyer(studio), await make_buyer(other_studio)
    assert (await _read(client, buyer, "daily")).status_code == 200
    path = user_path(studio, "daily")
    assert (await client.get(path, headers=stranger.headers)).status_code == 401
    assert (await client.get(path, headers={"Authorization": f"Bearer {uuid4()}"})).status_code == 401
    await ban_player(studio.context, studio.login_project_id, buyer.player_id, reason="cheating", now=real_now())
    assert (await _read(client, buyer, "daily")).status_code == 401

"""Many at once with one token that the process does not know yet: one check for all, and nobody gets an old one."""

import asyncio
from collections import Counter
from typing import Any
from uuid import uuid4

import httpx
import pytest

from haversack.clock import real_now
from haversack.login import tokens
from haversack.login.actions import ban_player
from haversack.login.queries.tokens import find_client_standing, find_player_standing
from haversack.login.tokens import TokenRefused
from haversack.payments import holders
from make.login import bearer
from make.orders import make_buyer
from make.payments import make_payable
from make.projects import Studio

RUSH = 1_000


class _Counted:
    """A read that is counted, and held back after it was done while `is_open` is not set."""

    def __init__(self, read: Any) -> None:
        self._read = read
        self.count = 0
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.has_read = asyncio.Event()

    async def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.count += 1
        found = await self._read(*arguments, **named)
        self.has_read.set()
        await self.is_open.wait()
        return found


@pytest.fixture
def standings(monkeypatch: pytest.MonkeyPatch) -> _Counted:
    """The reads of how players stand."""
    counted = _Counted(find_player_standing)
    monkeypatch.setattr(tokens, "find_player_standing", counted)
    return counted


def _chains(studio: Studio) -> str:
    return f"/api/v2/project/{studio.project_id}/user/reward_chain"


async def _opens(studio: Studio, token: str) -> bool:
    try:
        await studio.context.tokens.verify_player(token)
    except TokenRefused:
        return False
    return True


async def test_a_rush_with_one_fresh_token(client: httpx.AsyncClient, studio: Studio, standings: _Counted) -> None:
    headers = await studio.player_headers(uuid4())
    replies = await asyncio.gather(*(client.get(_chains(studio), headers=headers) for _ in range(RUSH)))
    assert Counter(reply.status_code for reply in replies) == {200: RUSH}
    # The first check, and one more at most for who came while it was under way and its process was told of something.
    assert 1 <= standings.count <= 2


async def test_a_rush_with_a_token_that_opens_nothing(
    client: httpx.AsyncClient, studio: Studio, standings: _Counted
) -> None:
    player_id = uuid4()
    headers = await studio.player_headers(player_id)
    await ban_player(studio.context, studio.login_project_id, player_id, reason="cheating", now=real_now())
    replies = await asyncio.gather(*(client.get(_chains(studio), headers=headers) for _ in range(200)))
    assert Counter(reply.status_code for reply in replies) == {401: 200}
    assert standings.count < 100


async def test_a_ban_during_a_rush(studio: Studio, standings: _Counted) -> None:
    player_id = uuid4()
    token = (await studio.player_headers(player_id))["Authorization"].partition(" ")[2]
    standings.is_open.clear()
    early = asyncio.create_task(_opens(studio, token))
    await standings.has_read.wait()
    # The check under way has read that there is no ban: it is the answer for who came before, for nobody after.
    await ban_player(studio.context, studio.login_project_id, player_id, reason="cheating", now=real_now())
    late = [asyncio.create_task(_opens(studio, token)) for _ in range(50)]
    await asyncio.sleep(0)
    standings.is_open.set()
    assert await early
    assert not any(await asyncio.gather(*late))
    # Those who waited were refused together, and what the first check has found is not remembered.
    assert standings.count == 2
    assert not await _opens(studio, token)


async def test_bans_while_requests_come(client: httpx.AsyncClient, studio: Studio) -> None:
    for _ in range(5):
        player_id = uuid4()
        headers = await studio.player_headers(player_id)
        rush = [asyncio.create_task(client.get(_chains(studio), headers=headers)) for _ in range(100)]
        await ban_player(studio.context, studio.login_project_id, player_id, reason="cheating", now=real_now())
        assert (await client.get(_chains(studio), headers=headers)).status_code == 401
        assert {reply.status_code for reply in await asyncio.gather(*rush)} <= {200, 401}


async def test_a_check_goes_on_without_who_asked_first(studio: Studio, standings: _Counted) -> None:
    token = (await studio.player_headers(uuid4()))["Authorization"].partition(" ")[2]
    standings.is_open.clear()
    first = asyncio.create_task(_opens(studio, token))
    await standings.has_read.wait()
    second = asyncio.create_task(_opens(studio, token))
    await asyncio.sleep(0)
    first.cancel()
    standings.is_open.set()
    assert await second
    assert standings.count == 1


async def test_a_rush_with_one_server_token(
    client: httpx.AsyncClient, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = _Counted(find_client_standing)
    monkeypatch.setattr(tokens, "find_client_standing", counted)
    token = await studio.server_token(client)
    verify = studio.context.tokens.verify_server
    found = await asyncio.gather(*(verify(token) for _ in range(RUSH)))
    assert {each.client_id for each in found} == {studio.client_id}
    assert 1 <= counted.count <= 2


async def test_a_rush_with_one_payment_token(
    client: httpx.AsyncClient, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    purchase = await make_payable(client, await make_buyer(studio))
    path, headers = _chains(studio), bearer(purchase.token)
    replies = await asyncio.gather(*(client.get(path, headers=headers) for _ in range(RUSH)))
    assert Counter(reply.status_code for reply in replies) == {200: RUSH}
    # Who asks while a read is under way is read for by the next one.
    project = await studio.context.directory.find_project(studio.project_id)
    assert project is not None
    database = studio.context.database
    reads = holders.reads_of(database)
    counted = _Counted(reads._read_all)
    monkeypatch.setattr(reads, "_read_all", counted)
    players = await asyncio.gather(*(holders.find_token_player(database, project, purchase.token) for _ in range(RUSH)))
    assert {None if player is None else player.player_id for player in players} == {purchase.buyer.player_id}
    assert counted.count <= 2

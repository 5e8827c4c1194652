"""Many who redeem at once, through HTTP: no limit is passed, everybody gets an answer, and the books agree (R4)."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import bindparam, func, select

from haversack.clock import real_now
from haversack.clocks.actions import set_player_offset
from haversack.inventory.tables import ledger
from haversack.promotions.tables import promotion_codes
from make.catalog import virtual_item
from make.client_catalog import new_player, sell
from make.codes import (
    COUPON,
    KINDS,
    UNIQUE_OFFER,
    add_code,
    any_code,
    coded_path,
    coupon,
    get_coded,
    limit_path,
    list_codes,
    make_coded,
    new_body,
    redeem,
)
from make.inventory import differences_of, owned
from make.projects import Studio

COUNT_ALL = select(func.count()).where(promotion_codes.c.project_id == bindparam("project"))
LIST_MOMENTS = select(ledger.c.changed_at).where(
    ledger.c.project_id == bindparam("project"), ledger.c.player_id == bindparam("player")
)
CONSUMABLE = {"consumable": {"usages_count": 1}, "expiration_period": None}
# Beyond what an address may miss in a quarter of an hour, those who come too late would be told to wait.
CALLS = 100


async def _make(client: httpx.AsyncClient, studio: Studio, *codes: str, **limits: Any) -> tuple[str, str]:
    lamp = await sell(client, studio, virtual_item(inventory_options=CONSUMABLE))
    return lamp, await make_coded(client, studio, COUPON, coupon(lamp, **limits), *codes)


def _counts(replies: list[httpx.Response]) -> Counter[tuple[int, int]]:
    return Counter((reply.status_code, 0 if reply.is_success else reply.json()["errorCode"]) for reply in replies)


@pytest.mark.parametrize("limit", ["redeem_total_limit", "redeem_code_limit"])
@pytest.mark.parametrize("left", [1, 7, CALLS + 10])
@pytest.mark.parametrize("was_redeemed", [False, True])
async def test_one_coupon_for_many_players(
    client: httpx.AsyncClient, studio: Studio, limit: str, left: int, was_redeemed: bool
) -> None:
    """was_redeemed: what it gives is known already, so that those who come at once are served together."""
    code = any_code()
    lamp, external_id = await _make(client, studio, code, **{limit: left + was_redeemed})
    if was_redeemed:
        assert (await redeem(client, studio, (await new_player(studio))[1], code)).status_code == 200
    players = [await new_player(studio) for _ in range(CALLS)]
    replies = await asyncio.gather(*(redeem(client, studio, headers, code) for _, headers in players))
    wins = min(left, CALLS)
    assert _counts(replies) == +Counter({(200, 0): wins, (404, 9807): CALLS - wins})
    for (player_id, _), reply in zip(players, replies, strict=True):
        expected = [(lamp, 2, 1)] if reply.is_success else []
        assert await owned(client, studio, player_id) == expected
    path = limit_path(studio, "code", COUPON, external_id)
    (shown,) = (await client.get(path, auth=studio.basic)).json()["items"]
    assert (shown["per_code"]["used"], shown["per_code"]["reserved"]) == (wins + was_redeemed, 0)
    assert not await differences_of(studio)


async def test_one_coupon_for_players_of_other_times(client: httpx.AsyncClient, studio: Studio) -> None:
    """Whose clock is set ahead has redeemed it then, whoever else redeems it at once."""
    code = any_code()
    await _make(client, studio, code)
    assert (await redeem(client, studio, (await new_player(studio))[1], code)).status_code == 200
    ahead = timedelta(days=40)
    players = [await new_player(studio) for _ in range(CALLS // 5)]
    travelers = {player_id for player_id, _ in players[::2]}
    db = studio.context.database.session()
    for player_id in travelers:
        await set_player_offset(studio.context, db, studio.project_id, player_id, int(ahead.total_seconds()))
    began = real_now()
    replies = await asyncio.gather(*(redeem(client, studio, headers, code) for _, headers in players))
    assert _counts(replies) == Counter({(200, 0): len(players)})
    for player_id, _ in players:
        rows = await db.fetch_all(LIST_MOMENTS, project=studio.project_id, player=player_id)
        assert {row["changed_at"] > began + ahead for row in rows} == {player_id in travelers}


async def test_one_coupon_of_pieces(client: httpx.AsyncClient, studio: Studio) -> None:
    """What is more than numbers is given statement by statement."""
    code, pieces = any_code(), {"consumable": {"usages_count": 3}, "expiration_period": None}
    torch = await sell(client, studio, virtual_item(inventory_options=pieces))
    await make_coded(client, studio, COUPON, coupon(torch, redeem_code_limit=7), code)
    players = [await new_player(studio) for _ in range(CALLS // 2)]
    replies = await asyncio.gather(*(redeem(client, studio, headers, code) for _, headers in players))
    assert _counts(replies) == Counter({(200, 0): 7, (404, 9807): CALLS // 2 - 7})
    for (player_id, _), reply in zip(players, replies, strict=True):
        assert len(await owned(client, studio, player_id)) == (2 if reply.is_success else 0)
    assert not await differences_of(studio)


async def test_one_player_with_one_coupon(client: httpx.AsyncClient, studio: Studio) -> None:
    """Served together, one player among others gets no more than the player's limit leaves."""
    code = any_code()
    lamp, _ = await _make(client, studio, code, redeem_user_limit=7, redeem_total_limit=30)
    await redeem(client, studio, (await new_player(studio))[1], code)
    (player_id, headers), (other_id, others) = await new_player(studio), await new_player(studio)
    replies = await asyncio.gather(
        *(redeem(client, studio, each, code) for each in [headers] * (CALLS // 2) + [others] * 3)
    )
    assert _counts(replies[:-3]) == Counter({(200, 0): 7, (422, 9804): CALLS // 2 - 7})
    assert _counts(replies[-3:]) == Counter({(200, 0): 3})
    assert await owned(client, studio, player_id) == [(lamp, 14, 1)]
    assert await owned(client, studio, other_id) == [(lamp, 6, 1)]
    assert not await differences_of(studio)


@pytest.mark.parametrize("left", [1, 7])
async def test_one_player_many_times(client: httpx.AsyncClient, studio: Studio, left: int) -> None:
    codes = [any_code() for _ in range(CALLS)]
    lamp, _ = await _make(client, studio, *codes, redeem_user_limit=left)
    player_id, headers = await new_player(studio)
    replies = await asyncio.gather(*(redeem(client, studio, headers, code) for code in codes))
    assert _counts(replies) == Counter({(200, 0): left, (422, 9804): CALLS - left})
    assert await owned(client, studio, player_id) == [(lamp, 2 * left, 1)]
    assert not await differences_of(studio)


async def test_one_time_codes(client: httpx.AsyncClient, studio: Studio) -> None:
    """Two players for each of many codes: one of them gets it."""
    codes = [any_code() for _ in range(CALLS // 2)]
    lamp, external_id = await _make(client, studio, *codes, redeem_code_limit=1, redeem_total_limit=CALLS)
    players = [await new_player(studio) for _ in range(CALLS)]
    replies = await asyncio.gather(
        *(redeem(client, studio, headers, codes[place // 2]) for place, (_, headers) in enumerate(players))
    )
    assert _counts(replies) == Counter({(200, 0): CALLS // 2, (404, 9807): CALLS // 2})
    for place in range(0, CALLS, 2):
        assert {replies[place].status_code, replies[place + 1].status_code} == {200, 404}
    state = (await get_coded(client, studio, COUPON, external_id))["total_limit_state"]
    assert state == {"available": CALLS // 2, "reserved": 0, "used": CALLS // 2}
    assert lamp
    assert not await differences_of(studio)


async def test_redeeming_while_the_studio_changes_limits(client: httpx.AsyncClient, studio: Studio) -> None:
    """Redeeming, setting the player's limit, and replacing the coupon at once end without a conflict."""
    code = any_code()
    lamp, external_id = await _make(client, studio, code, redeem_user_limit=1_000, redeem_total_limit=1_000)
    player_id, headers = await new_player(studio)
    limit, one = limit_path(studio, "user", COUPON, external_id), coded_path(studio, COUPON, f"/{external_id}")
    body = {
        "name": {"en-US": "Welcome"},
        "bonus": [{"sku": lamp, "quantity": 2}],
        "redeem_user_limit": 1_000,
        "redeem_total_limit": 1_000,
    }
    less = {"user": {"user_external_id": str(player_id)}, "available": 1}

    async def change(number: int) -> httpx.Response:
        if number % 2:
            return await client.put(one, json=body, auth=studio.basic)
        return await client.request("DELETE", limit, json=less, auth=studio.basic)

    await redeem(client, studio, headers, code)
    calls = [*(redeem(client, studio, headers, code) for _ in range(20)), *(change(number) for number in range(20))]
    replies = await asyncio.gather(*calls)
    assert {reply.status_code for reply in replies} == {200, 204}
    left = (await client.get(limit, params={"user_external_id": str(player_id)}, auth=studio.basic)).json()
    assert left["per_user"]["available"] == 1_000 - 21 - 10
    assert await owned(client, studio, player_id) == [(lamp, 42, 1)]
    assert not await differences_of(studio)


async def test_one_code_added_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    made = [(kind, await make_coded(client, studio, kind, new_body(kind), is_enabled=False)) for kind in KINDS]
    code = any_code()
    replies = await asyncio.gather(
        *(add_code(client, studio, kind, external_id, code) for kind, external_id in made * 10)
    )
    assert _counts(replies) == Counter({(201, 0): 1, (422, 9803): 29})


async def test_codes_go_with_their_promotion(client: httpx.AsyncClient, studio: Studio) -> None:
    """What is added while a promotion is deleted does not keep its codes from others."""
    code = any_code()
    body = new_body(UNIQUE_OFFER)
    external_id = await make_coded(client, studio, UNIQUE_OFFER, body, is_enabled=False)
    path = coded_path(studio, UNIQUE_OFFER, f"/{external_id}")
    replies = await asyncio.gather(
        add_code(client, studio, UNIQUE_OFFER, external_id, code),
        client.put(f"{path}/code/generate", json={"count": 5_000}, auth=studio.basic),
        client.delete(path, auth=studio.basic),
        add_code(client, studio, UNIQUE_OFFER, external_id, any_code()),
    )
    assert all(reply.status_code in (200, 201, 204, 404) for reply in replies)
    await make_coded(client, studio, UNIQUE_OFFER, body, code, is_enabled=False)
    assert await list_codes(client, studio, UNIQUE_OFFER, external_id) == ([code], 1)
    left = await studio.context.database.session().fetch_value(COUNT_ALL, project=studio.project_id)
    assert left == 1

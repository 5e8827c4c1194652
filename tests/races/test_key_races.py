"""The last code, one code for many, one right many times: the same call at once, one effect, clean refusals (R4)."""

import asyncio
from collections import Counter
from uuid import uuid4

import httpx

from haversack.catalog.keys.queries.codes import take_code
from haversack.catalog.keys.records import CodeState
from haversack.clock import real_now
from haversack.context import Context
from haversack.inventory.ledger import key_row
from make.inventory import book
from make.keys import (
    WHO,
    find_item,
    grant,
    held_games,
    keys_url,
    make_game,
    new_player,
    redeem,
    request,
    states_of,
    upload,
)
from make.projects import Studio
from make.taxonomy import admin

KEY = "opera_drmfree"
CALLS = 50


async def test_the_last_code_is_requested_once(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["LAST"])
    replies = await asyncio.gather(*(request(client, studio, KEY, 1) for _ in range(CALLS)))
    assert Counter(reply.status_code for reply in replies) == {200: 1, 422: CALLS - 1}
    assert [reply.text for reply in replies if reply.status_code == 200] == ["LAST"]


async def test_exactly_as_many_as_there_are(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    await make_game(studio)
    count = 40
    await upload(client, studio, KEY, [f"CODE-{number}" for number in range(count)])
    key = await find_item(studio, KEY)
    players = [uuid4() for _ in range(count + CALLS)]

    async def take(number: int) -> tuple[int, str] | None:
        db = context.database.session()
        async with db.begin():
            taken = await take_code(
                db,
                context.sealer,
                studio.project_id,
                key.item_id,
                None,
                player_id=players[number],
                source=f"order:{number}",
                state=CodeState.USED,
                now=real_now(),
            )
        if taken is not None:
            await book(studio, players[number], key_row(key.item_id, taken[0], -1))
        return taken

    taken = [code for code in await asyncio.gather(*map(take, range(len(players)))) if code is not None]
    assert len(taken) == count
    assert {code for _, code in taken} == {f"CODE-{number}" for number in range(count)}
    assert Counter(await states_of(studio, KEY)) == {"used": count}


async def test_requests_of_several_take_all_or_none(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, [f"CODE-{number}" for number in range(30)])
    replies = await asyncio.gather(*(request(client, studio, KEY, 4) for _ in range(CALLS)))
    given = [reply.text.split() for reply in replies if reply.status_code == 200]
    assert {reply.status_code for reply in replies} == {200, 422}
    assert all(len(codes) == 4 for codes in given)
    handed_out = [code for codes in given for code in codes]
    assert len(handed_out) == len(set(handed_out))
    states = Counter(await states_of(studio, KEY))
    assert states["requested"] == len(handed_out)
    assert states["requested"] + states["available"] == 30


async def test_one_code_is_redeemed_by_one_player(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE"])
    players = [uuid4() for _ in range(CALLS)]
    replies = await asyncio.gather(*(redeem(client, studio, player_id, "ONE") for player_id in players))
    outcomes = Counter((reply.status_code, reply.json()["errorCode"] if reply.content else None) for reply in replies)
    assert outcomes == {(201, None): 1, (422, 5107): CALLS - 1}
    held = [(await held_games(client, studio, player_id))["total_items_count"] for player_id in players]
    assert sum(held) == 1


async def test_one_player_redeems_one_of_many_codes(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    codes = [f"CODE-{number}" for number in range(8)]
    await upload(client, studio, KEY, codes)
    player_id = uuid4()
    replies = await asyncio.gather(*(redeem(client, studio, player_id, code) for code in codes))
    assert Counter(reply.status_code for reply in replies) == {201: 1, 422: 7}
    assert Counter(await states_of(studio, KEY)) == {"used": 1, "available": 7}


async def test_simultaneous_grants_grant_once(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    player_id = await new_player(studio)
    replies = await asyncio.gather(*(grant(client, studio, player_id) for _ in range(CALLS)))
    outcomes = Counter((reply.status_code, reply.json()["errorCode"] if reply.content else None) for reply in replies)
    assert outcomes == {(200, None): 1, (422, 5101): CALLS - 1}
    assert (await held_games(client, studio, player_id))["total_items_count"] == 1


async def test_deleting_and_requesting_hand_no_code_out_twice(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    codes = [f"CODE-{number}" for number in range(60)]
    await upload(client, studio, KEY, codes)
    url = keys_url(studio, "delete", KEY)
    deletes = (client.delete(url, params=WHO, auth=studio.basic) for _ in range(10))
    requests = (request(client, studio, KEY, 2) for _ in range(40))
    replies = await asyncio.gather(*requests, *deletes)
    assert {reply.status_code for reply in replies} <= {200, 422}
    given = [code for reply in replies if reply.status_code == 200 for code in reply.text.split()]
    assert sorted(given) == sorted(codes)


async def test_simultaneous_uploads_of_one_file_store_it_once(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    codes = [f"CODE-{number}" for number in range(500)]
    sessions = await asyncio.gather(
        upload(client, studio, KEY, codes),
        upload(client, studio, KEY, codes[::-1]),
        upload(client, studio, KEY, codes),
    )
    assert [session["status"] for session in sessions] == ["done"] * 3
    assert sum(session["count_uploaded"] for session in sessions) == 500
    assert all(session["count_uploaded"] + session["count_skipped"] == 500 for session in sessions)


async def test_pre_orders_are_never_taken_away_below_nothing(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    url = f"{admin(studio)}/items/pre_order/limit/item/sku/{KEY}"
    adding = (client.post(url, json={"quantity": 1}, auth=studio.basic) for _ in range(20))
    assert {reply.status_code for reply in await asyncio.gather(*adding)} == {201}
    removing = (client.request("DELETE", url, json={"quantity": 3}, auth=studio.basic) for _ in range(CALLS))
    replies = await asyncio.gather(*removing)
    assert Counter(reply.status_code for reply in replies) == {204: 6, 422: CALLS - 6}
    assert (await client.get(url, auth=studio.basic)).json()["available"] == 2

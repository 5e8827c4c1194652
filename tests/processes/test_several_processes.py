"""Several processes on one database: what one of them changes the others know within a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import httpx

from haversack.clock import Clock
from haversack.projects.actions import set_clock
from make.backpack import new_virtual_currency, new_virtual_item
from make.projects import Studio
from processes.running import invoke, run, until
from processes.serving import Serving, Shop

KNOWN_WITHIN_SECONDS = 1.0

Probe = Callable[[Serving], Awaitable[int]]


async def becomes(probe: Probe, status: int, servings: tuple[Serving, ...]) -> None:
    """Every server answers the status within the second that a change may take to be known."""
    began = time.monotonic()
    for serving in servings:

        async def answers(serving: Serving = serving) -> bool:
            return await probe(serving) == status

        await until(answers, f"{status} at port {serving.port}", seconds=KNOWN_WITHIN_SECONDS)
    assert time.monotonic() - began < KNOWN_WITHIN_SECONDS


async def is_remembered(probe: Probe, status: int, servings: tuple[Serving, ...]) -> None:
    """Every server has answered the status, and more than once: what it knows of the caller it remembers now."""
    for serving in servings:
        for _ in range(3):
            assert await probe(serving) == status


async def test_a_key_rotated_by_the_command(pair: tuple[Serving, Serving], shared_shop: Shop, own: Studio) -> None:
    path = f"/api/v2/project/{own.project_id}/admin/webhook"

    def with_key(key: str) -> Probe:
        async def probe(serving: Serving) -> int:
            return (await serving.client.get(path, auth=httpx.BasicAuth(str(own.project_id), key))).status_code

        return probe

    await is_remembered(with_key(own.api_key), 404, pair)  # the key opens; no webhook is set
    rotated = await run(
        shared_shop.folder, "project", "rotate", str(own.project_id), "--overlap-hours", "0", **shared_shop.settings
    )
    fresh = rotated.succeeded().split()[-1]
    await becomes(with_key(own.api_key), 401, pair)
    await is_remembered(with_key(fresh), 404, pair)


async def test_a_host_id_rotated_by_the_command(pair: tuple[Serving, Serving], shared_shop: Shop, own: Studio) -> None:
    headers = await own.host_headers(pair[0].client)

    async def probe(serving: Serving) -> int:
        return (await serving.client.get(f"{own.backpack}/games", headers=headers)).status_code

    await is_remembered(probe, 200, pair)
    command = ("project", "rotate", str(own.project_id), "--what", "host-id", "--overlap-hours", "0")
    fresh = (await invoke(*command, **shared_shop.settings)).succeeded().split()[-1]
    await becomes(probe, 401, pair)
    headers["X-HOST-ID"] = fresh
    await is_remembered(probe, 200, pair)


async def test_a_player_logged_out(pair: tuple[Serving, Serving], own: Studio) -> None:
    headers = await own.player_headers(uuid4())

    async def probe(serving: Serving) -> int:
        return (await serving.client.get("/web/backpack/items", headers=headers)).status_code

    await is_remembered(probe, 200, pair)
    left = await pair[0].client.get("/api/oauth2/logout", params={"sessions": "all"}, headers=headers)
    assert left.status_code == 204
    assert await probe(pair[0]) == 401
    await becomes(probe, 401, pair[1:])


async def test_a_token_revoked(pair: tuple[Serving, Serving], own: Studio) -> None:
    player_id = uuid4()
    one, other = await own.player_headers(player_id), await own.player_headers(player_id)

    def with_headers(headers: dict[str, str]) -> Probe:
        async def probe(serving: Serving) -> int:
            return (await serving.client.get("/api/users/me", headers=headers)).status_code

        return probe

    await is_remembered(with_headers(one), 200, pair)
    await is_remembered(with_headers(other), 200, pair)
    token = one["Authorization"].removeprefix("Bearer ")
    revoked = await pair[0].client.post("/api/oauth2/token/revoke", data={"token": token})
    assert revoked.status_code == 204, revoked.text
    assert await with_headers(one)(pair[0]) == 401
    await becomes(with_headers(one), 401, pair[1:])
    # The player's other sessions go on.
    await is_remembered(with_headers(other), 200, pair)


async def test_a_clock_moved(pair: tuple[Serving, Serving], shared_shop: Shop, own: Studio) -> None:
    headers = await own.host_headers(pair[0].client)

    async def years(serving: Serving) -> int:
        url = f"{own.backpack}/user/{uuid4()}/virtual_items"
        reply = await serving.client.post(url, json=[new_virtual_item()], headers=headers)
        return int(reply.json()[0]["created_at"][:4])

    now = await years(pair[0])
    await is_remembered(years, now, pair)
    await set_clock(shared_shop.context, own.project_id, Clock(offset=timedelta(days=3660)))
    await becomes(years, now + 10, pair)


async def test_an_item_received_at_two_servers_at_once(
    pair: tuple[Serving, Serving], shared_shop: Shop, own: Studio
) -> None:
    """The wallet's balance grows once, whichever process was asked how often."""
    command = ("project", "currency", str(own.project_id), "gold", "Gold")
    (await invoke(*command, **shared_shop.settings)).succeeded()
    player_id = uuid4()
    url = f"{own.backpack}/user/{player_id}/virtual_currency"
    body = new_virtual_currency(item_sku="gold", quantity=7)
    made = await pair[0].client.post(url, json=[body], headers=await own.host_headers(pair[0].client))
    assert made.status_code == 201, made.text
    headers = await own.player_headers(player_id)
    item = {"item_id": made.json()[0]["item_id"]}

    async def receive(serving: Serving) -> int:
        reply = await serving.client.post("/web/backpack/virtual_currency/receive", json=item, headers=headers)
        return reply.status_code

    statuses = await asyncio.gather(*(receive(pair[number % 2]) for number in range(20)))
    assert sorted(statuses) == [200] + [404] * 19
    async with shared_shop.context.database.connection() as connection:
        query = "SELECT amount FROM balances WHERE project_id = $1 AND player_id = $2 AND sku = 'gold'"
        assert await connection.fetchval(query, own.project_id, player_id) == 7

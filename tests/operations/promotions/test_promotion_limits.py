"""How often a player may still use a promotion: the calls with which a studio looks at it and changes it."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from haversack.clock import Clock
from haversack.context import Context
from haversack.projects.actions import set_clock
from haversack.promotions.queries import find_promotion
from haversack.promotions.uses import Use
from make.inventory import differences_of
from make.keys import new_player
from make.projects import Studio
from make.promotions import discount, make_promotion, promotion_path
from make.uses import take_uses

PRICES = [{"operator": "ge", "value": "0"}]
DAILY = {"per_user": {"interval_type": "daily", "time": "00:00:00+00:00"}}


async def _promotion(client: httpx.AsyncClient, studio: Studio, **limits: object) -> int:
    return await make_promotion(client, studio, "item", discount(price_conditions=PRICES, limits=limits))


def _path(studio: Studio, promotion_id: int) -> str:
    return f"/api/v2/project/{studio.project_id}/admin/user/limit/promotion/id/{promotion_id}"


async def _call(
    client: httpx.AsyncClient,
    studio: Studio,
    method: str,
    promotion_id: int,
    player_id: object,
    available: int | None = None,
) -> httpx.Response:
    path = _path(studio, promotion_id)
    if method == "GET":
        return await client.get(path, params={"user_external_id": str(player_id)}, auth=studio.basic)
    body = {"user": {"user_external_id": str(player_id)}, "available": available}
    return await client.request(method, path, json=body, auth=studio.basic)


async def _left(client: httpx.AsyncClient, studio: Studio, promotion_id: int, player_id: UUID) -> int:
    reply = await _call(client, studio, "GET", promotion_id, player_id)
    assert reply.status_code == 200, reply.text
    left: int = reply.json()["per_user"]["available"]
    return left


async def _use(studio: Studio, promotion_id: int, player_id: UUID, *, now: datetime) -> None:
    db = studio.context.database.session()
    promotion = await find_promotion(db, studio.project_id, promotion_id)
    assert promotion is not None
    async with db.begin():
        await take_uses(db, studio.project_id, player_id, [Use(promotion)], source=f"test:{uuid4().hex}", now=now)


async def test_get_user_promotion_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    promotion_id, player_id = await _promotion(client, studio, per_user=5), await new_player(studio)
    reply = await _call(client, studio, "GET", promotion_id, player_id)
    assert reply.json() == {"per_user": {"total": 5, "available": 5}}
    await _use(studio, promotion_id, player_id, now=datetime.now(UTC))
    assert await _left(client, studio, promotion_id, player_id) == 4


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_get_user_promotion_limit_refuses(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, method: str
) -> None:
    player_id = await new_player(studio)
    limited, free = await _promotion(client, studio, per_user=2), await _promotion(client, studio)
    for someone, promotion_id, player, expected in (
        (studio, 1, player_id, (404, 9502)),
        (other_studio, limited, player_id, (404, 9502)),
        (studio, free, player_id, (422, 4509)),
        (studio, limited, uuid4(), (404, 5008)),
        (studio, limited, "a b", (422, 1102)),
    ):
        reply = await _call(client, someone, method, promotion_id, player, None if method == "GET" else 1)
        assert (reply.status_code, reply.json()["errorCode"]) == expected


async def test_set_user_promotion_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    promotion_id = await _promotion(client, studio, per_user=5)
    player_id, other = await new_player(studio), await new_player(studio)
    reply = await _call(client, studio, "PUT", promotion_id, player_id, 2)
    assert reply.json() == {"per_user": {"total": 5, "available": 2}}
    assert await _left(client, studio, promotion_id, other) == 5
    beyond = await _call(client, studio, "PUT", promotion_id, player_id, 6)
    assert (beyond.status_code, beyond.json()["errorCode"]) == (422, 4511)
    assert await _left(client, studio, promotion_id, player_id) == 2
    assert (await _call(client, studio, "PUT", promotion_id, player_id, 0)).status_code == 200
    assert not await differences_of(studio)


async def test_add_user_promotion_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    promotion_id, player_id = await _promotion(client, studio, per_user=5), await new_player(studio)
    await _call(client, studio, "PUT", promotion_id, player_id, 1)
    reply = await _call(client, studio, "POST", promotion_id, player_id, 3)
    assert reply.json() == {"per_user": {"total": 5, "available": 4}}
    beyond = await _call(client, studio, "POST", promotion_id, player_id, 2)
    assert (beyond.status_code, beyond.json()["errorCode"]) == (422, 4511)
    assert await _left(client, studio, promotion_id, player_id) == 4
    assert not await differences_of(studio)


async def test_remove_user_promotion_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    promotion_id, player_id = await _promotion(client, studio, per_user=5), await new_player(studio)
    reply = await _call(client, studio, "DELETE", promotion_id, player_id, 4)
    assert reply.json() == {"per_user": {"total": 5, "available": 1}}
    below = await _call(client, studio, "DELETE", promotion_id, player_id, 2)
    assert (below.status_code, below.json()["errorCode"]) == (422, 4511)
    assert (await _call(client, studio, "DELETE", promotion_id, player_id, 0)).status_code == 422
    assert not await differences_of(studio)


async def test_remove_user_promotion_limit_loses_nothing_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    promotion_id, player_id = await _promotion(client, studio, per_user=30), await new_player(studio)
    replies = await asyncio.gather(*(_call(client, studio, "DELETE", promotion_id, player_id, 1) for _ in range(40)))
    assert sorted(reply.status_code for reply in replies) == [200] * 30 + [422] * 10
    assert await _left(client, studio, promotion_id, player_id) == 0
    assert not await differences_of(studio)


async def test_reset_user_promotion_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    promotion_id, now = await _promotion(client, studio, per_user=2), datetime.now(UTC)
    first, second = await new_player(studio), await new_player(studio)
    for player_id in (first, second):
        await _use(studio, promotion_id, player_id, now=now)
    path = f"{_path(studio, promotion_id)}/all"
    body: dict[str, object] = {"user": {"user_external_id": str(first)}}
    reply = await client.request("DELETE", path, json=body, auth=studio.basic)
    assert (reply.status_code, reply.content) == (200, b"")
    assert await _left(client, studio, promotion_id, first) == 2
    assert await _left(client, studio, promotion_id, second) == 1
    # Everybody.
    await _use(studio, promotion_id, first, now=now)
    assert (await client.request("DELETE", path, json={"user": None}, auth=studio.basic)).status_code == 200
    for player_id in (first, second):
        assert await _left(client, studio, promotion_id, player_id) == 2
        await _use(studio, promotion_id, player_id, now=datetime.now(UTC))
        assert await _left(client, studio, promotion_id, player_id) == 1
    assert not await differences_of(studio)


async def test_reset_user_promotion_limit_refuses(client: httpx.AsyncClient, studio: Studio) -> None:
    limited, free = await _promotion(client, studio, per_user=2), await _promotion(client, studio)
    for promotion_id, user, expected in (
        (1, None, (404, 9502)),
        (free, None, (422, 4509)),
        (limited, {"user_external_id": str(uuid4())}, (404, 5008)),
        (limited, {}, (422, 1102)),
    ):
        path = f"{_path(studio, promotion_id)}/all"
        reply = await client.request("DELETE", path, json={"user": user}, auth=studio.basic)
        assert (reply.status_code, reply.json()["errorCode"]) == expected


async def test_reset_all_user_promotions_limit(client: httpx.AsyncClient, studio: Studio) -> None:
    promotions = [await _promotion(client, studio, per_user=2) for _ in range(2)]
    player_id, other, now = await new_player(studio), await new_player(studio), datetime.now(UTC)
    for promotion_id in promotions:
        for someone in (player_id, other):
            await _use(studio, promotion_id, someone, now=now)
    path = f"/api/v2/project/{studio.project_id}/admin/user/limit/promotion/all"
    body = {"user": {"user_external_id": str(player_id)}}
    assert (await client.request("DELETE", path, json=body, auth=studio.basic)).status_code == 200
    for promotion_id in promotions:
        assert await _left(client, studio, promotion_id, player_id) == 2
        assert await _left(client, studio, promotion_id, other) == 1
    unknown = {"user": {"user_external_id": str(uuid4())}}
    missing = await client.request("DELETE", path, json=unknown, auth=studio.basic)
    assert (missing.status_code, missing.json()["errorCode"]) == (404, 5008)
    nobody = await client.request("DELETE", path, json={"user": None}, auth=studio.basic)
    assert (nobody.status_code, nobody.json()["errorCode"]) == (422, 1102)
    assert not await differences_of(studio)


async def test_get_user_promotion_limit_begins_anew_by_its_schedule(
    client: httpx.AsyncClient, studio: Studio, context: Context
) -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    await set_clock(context, studio.project_id, Clock(frozen_at=noon))
    promotion_id = await _promotion(client, studio, per_user=2, recurrent_schedule=DAILY)
    player_id = await new_player(studio)
    await _use(studio, promotion_id, player_id, now=noon)
    assert await _left(client, studio, promotion_id, player_id) == 1
    await set_clock(context, studio.project_id, Clock(frozen_at=noon + timedelta(days=1)))
    assert await _left(client, studio, promotion_id, player_id) == 2
    reply = await _call(client, studio, "DELETE", promotion_id, player_id, 2)
    assert reply.json() == {"per_user": {"total": 2, "available": 0}}
    assert not await differences_of(studio)


async def test_set_user_promotion_limit_after_the_limit_was_lowered(client: httpx.AsyncClient, studio: Studio) -> None:
    promotion_id, player_id = await _promotion(client, studio, per_user=5), await new_player(studio)
    await _call(client, studio, "PUT", promotion_id, player_id, 1)
    path = promotion_path(studio, f"/{promotion_id}/item")
    body = discount(price_conditions=PRICES, limits={"per_user": 2})
    assert (await client.put(path, json=body, auth=studio.basic)).status_code == 204
    # Four were used of what are two now.
    assert await _left(client, studio, promotion_id, player_id) == 0
    assert (await _call(client, studio, "POST", promotion_id, player_id, 1)).status_code == 422
    reply = await _call(client, studio, "PUT", promotion_id, player_id, 1)
    assert reply.json() == {"per_user": {"total": 2, "available": 1}}
    assert not await differences_of(studio)

"""How often coupons, promo codes and their codes were used and may still be: what a studio reads and changes."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest

from haversack.clock import real_now
from haversack.promotions.queries import find_by_code
from haversack.promotions.uses import Use
from make.client_catalog import new_player
from make.codes import (
    COUPON,
    PROMO_CODE,
    UNIQUE_OFFER,
    any_code,
    faults,
    get_coded,
    limit_path,
    make_coded,
    new_body,
    refusal,
)
from make.inventory import differences_of
from make.projects import Studio
from make.uses import take_uses

Check = Callable[..., Awaitable[None]]
WORDS = {COUPON: "coupon", PROMO_CODE: "promo code"}
UNKNOWN = {COUPON: "[0401-9802]: Coupon not found", PROMO_CODE: "[0401-9802]: Promocode not found"}


async def _make(client: httpx.AsyncClient, studio: Studio, kind: str, *codes: str, **limits: Any) -> str:
    return await make_coded(client, studio, kind, new_body(kind, **limits), *codes, is_enabled=False)


async def _use(studio: Studio, code: str, player_id: Any, *, is_final: bool = True) -> None:
    db = studio.context.database.session()
    found = await find_by_code(db, studio.project_id, code)
    assert found is not None
    async with db.begin():
        await take_uses(
            db,
            studio.project_id,
            player_id,
            [Use(found.promotion, code)],
            source=f"test:{uuid4().hex}",
            now=real_now(),
            is_final=is_final,
        )


async def _call(
    client: httpx.AsyncClient, studio: Studio, method: str, kind: str, external_id: str, player: Any, left: Any = 1
) -> httpx.Response:
    path = limit_path(studio, "user", kind, external_id)
    if method == "GET":
        return await client.get(path, params={"user_external_id": str(player)}, auth=studio.basic)
    body = {"user": {"user_external_id": str(player)}, "available": left}
    return await client.request(method, path, json=body, auth=studio.basic)


@pytest.fixture
def check_changing(client: httpx.AsyncClient, studio: Studio) -> Check:
    """Calls in their order, each with what is left afterwards; None: it is out of range."""

    async def check(kind: str, calls: Sequence[tuple[str, int, int | None]]) -> None:
        code = any_code()
        external_id = await _make(client, studio, kind, code, redeem_user_limit=5)
        player_id, _ = await new_player(studio)
        await _use(studio, code, player_id)
        for method, available, left in calls:
            reply = await _call(client, studio, method, kind, external_id, player_id, available)
            if left is None:
                sentence = f"[0401-4511]: Available {WORDS[kind]} limit is out of range."
                assert refusal(reply) == (422, 4511, sentence)
            else:
                assert (reply.status_code, reply.json()) == (200, {"per_user": {"total": 5, "available": left}})
        assert not await differences_of(studio)

    return check


@pytest.fixture
def check_refusals(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> Check:
    """What keeps a player's limit from being read or changed."""

    async def check(method: str, kind: str) -> None:
        player_id, _ = await new_player(studio)
        limited, free = await _make(client, studio, kind, redeem_user_limit=2), await _make(client, studio, kind)
        other = await _make(client, studio, UNIQUE_OFFER, redeem_user_limit=2)
        without = "[0401-4509]: Promotion does not have configured user limits."
        for someone, external_id, player, expected in (
            (studio, "nothing", player_id, (404, 9802, UNKNOWN[kind])),
            (studio, other, player_id, (404, 9802, UNKNOWN[kind])),
            (other_studio, limited, player_id, (404, 9802, UNKNOWN[kind])),
            (studio, free, player_id, (422, 4509, without)),
            (studio, limited, uuid4(), (404, 5008, "[0401-5008]: Could not find User")),
        ):
            assert refusal(await _call(client, someone, method, kind, external_id, player)) == expected
        faulty = "user_external_id" if method == "GET" else "user.user_external_id"
        assert faults(await _call(client, studio, method, kind, limited, "a b")) == {faulty}

    return check


@pytest.fixture
def check_codes(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> Check:
    """Uses of codes, in pages or of some codes alone."""

    async def check(kind: str) -> None:
        one, two, three = codes = [any_code() for _ in range(3)]
        external_id = await _make(client, studio, kind, *codes, redeem_code_limit=4, redeem_total_limit=9)
        await _use(studio, two, uuid4())
        await _use(studio, two, uuid4(), is_final=False)

        async def read(**asked: Any) -> dict[str, Any]:
            path = limit_path(studio, "code", kind, external_id)
            reply = await client.get(path, params=asked, auth=studio.basic)
            assert reply.status_code == 200, reply.text
            found: dict[str, Any] = reply.json()
            return found

        def shown(code: str, used: int = 0, reserved: int = 0) -> dict[str, Any]:
            counts = {"total": 4, "available": 4 - used - reserved, "used": used, "reserved": reserved}
            return {"code": code, "per_code": counts}

        whole = await read()
        assert whole.pop("promotion_id") > 0
        items = [shown(one), shown(two, 1, 1), shown(three)]
        assert whole == {"items": items, "total_items_count": 3, "has_more": False}
        page = await read(limit=1, offset=1)
        assert (page["items"], page["total_items_count"], page["has_more"]) == (items[1:2], 3, True)
        some = await read(**{"codes[]": [three, two, "nothing"]})
        assert (some["items"], some["total_items_count"], some["has_more"]) == (items[1:], 2, False)
        found = await get_coded(client, studio, kind, external_id)
        assert found["total_limit_state"] == {"available": 7, "reserved": 1, "used": 1}
        free = await _make(client, studio, kind, any_code())
        reply = await client.get(limit_path(studio, "code", kind, free), auth=studio.basic)
        assert [each["per_code"] for each in reply.json()["items"]] == [{"used": 0, "reserved": 0}]
        for someone, asked in ((studio, "nothing"), (other_studio, external_id)):
            reply = await client.get(limit_path(someone, "code", kind, asked), auth=someone.basic)
            assert refusal(reply) == (404, 9802, UNKNOWN[kind])

    return check


async def test_get_coupon_user_limit(check_changing: Check, check_refusals: Check) -> None:
    await check_changing(COUPON, [("GET", 0, 4)])
    await check_refusals("GET", COUPON)


async def test_add_coupon_user_promotion_limit(check_changing: Check, check_refusals: Check) -> None:
    await check_changing(COUPON, [("POST", 2, None), ("POST", 1, 5), ("POST", 1, None), ("GET", 0, 5)])
    await check_refusals("POST", COUPON)


async def test_set_coupon_user_promotion_limit(check_changing: Check, check_refusals: Check) -> None:
    await check_changing(COUPON, [("PUT", 2, 2), ("PUT", 6, None), ("PUT", 0, 0), ("GET", 0, 0)])
    await check_refusals("PUT", COUPON)


async def test_remove_coupon_user_promotion_limit(check_changing: Check, check_refusals: Check) -> None:
    await check_changing(COUPON, [("DELETE", 3, 1), ("DELETE", 2, None), ("DELETE", 1, 0), ("GET", 0, 0)])
    await check_refusals("DELETE", COUPON)


async def test_get_promo_code_user_limit(check_changing: Check, check_refusals: Check) -> None:
    await check_changing(PROMO_CODE, [("GET", 0, 4)])
    await check_refusals("GET", PROMO_CODE)


async def test_add_promo_code_user_promotion_limit(check_changing: Check, check_refusals: Check) -> None:
    await check_changing(PROMO_CODE, [("POST", 2, None), ("POST", 1, 5), ("GET", 0, 5)])
    await check_refusals("POST", PROMO_CODE)


async def test_set_promo_code_user_promotion_limit(check_changing: Check, check_refusals: Check) -> None:
    await check_changing(PROMO_CODE, [("PUT", 2, 2), ("PUT", 6, None), ("GET", 0, 2)])
    await check_refusals("PUT", PROMO_CODE)


async def test_remove_promo_code_user_promotion_limit(check_changing: Check, check_refusals: Check) -> None:
    await check_changing(PROMO_CODE, [("DELETE", 3, 1), ("DELETE", 2, None), ("GET", 0, 1)])
    await check_refusals("DELETE", PROMO_CODE)


async def test_get_coupon_code_limit(check_codes: Check) -> None:
    await check_codes(COUPON)


async def test_get_promo_code_code_limit(check_codes: Check) -> None:
    await check_codes(PROMO_CODE)


async def test_find_by_code(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    one, two = any_code(), any_code()
    await _make(client, studio, COUPON, one, two, redeem_code_limit=1, redeem_total_limit=2)
    db = studio.context.database.session()

    async def has_uses_left(code: str) -> bool | None:
        found = await find_by_code(db, studio.project_id, code)
        return None if found is None else found.has_uses_left

    assert [await has_uses_left(code) for code in (one, two, one.lower())] == [True, True, None]
    assert await find_by_code(db, other_studio.project_id, one) is None
    await _use(studio, one, uuid4(), is_final=False)
    assert [await has_uses_left(code) for code in (one, two)] == [False, True]
    await _use(studio, two, uuid4())
    assert [await has_uses_left(code) for code in (one, two)] == [False, False]

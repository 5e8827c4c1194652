"""Redeeming coupons: what a player gets, what is counted, what is refused without anything being given."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import bindparam, insert

from haversack.clock import real_now
from haversack.login.tables import player_attributes
from haversack.promotions.queries import find_by_code, save_promotion, set_enabled
from haversack.promotions.records import BonusItems
from make.catalog import bundle, game, game_key, price, virtual_currency, virtual_item
from make.client_catalog import id_of, new_player, sell
from make.codes import (
    COUPON,
    PROMO_CODE,
    any_code,
    coded_path,
    coupon,
    faults,
    get_coded,
    make_coded,
    player_path,
    promo_code,
    redeem,
    refusal,
    switch,
)
from make.inventory import balances_of, differences_of, owned
from make.keys import upload
from make.projects import Studio
from make.taxonomy import make_region

UNKNOWN = (404, 9807, "[0401-9807]: Enter a valid coupon code.")
REACHED = (422, 9804, "[0401-9804]: You have reached the coupon redemption limit.")
ADD_ATTRIBUTE = insert(player_attributes).values(
    login_project_id=bindparam("login"),
    player_id=bindparam("player"),
    project_id=bindparam("project"),
    attr_type="server",
    key="guild",
    value="Owls",
    permission="private",
    data_type="string",
    changed_at=bindparam("now"),
)


def consumable(**changes: Any) -> dict[str, Any]:
    """A body of an item that players have as many of as they like."""
    return virtual_item(inventory_options={"consumable": {"usages_count": 1}, "expiration_period": None}, **changes)


async def _owned(client: httpx.AsyncClient, studio: Studio, player_id: UUID) -> dict[str, int]:
    return {sku: quantity for sku, quantity, _ in await owned(client, studio, player_id)}


async def _state(client: httpx.AsyncClient, studio: Studio, external_id: str) -> dict[str, int]:
    state: dict[str, int] = (await get_coded(client, studio, COUPON, external_id))["total_limit_state"]
    return state


async def test_redeem_coupon(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, rope = await sell(client, studio, consumable()), await sell(client, studio, consumable())
    gold = await sell(client, studio, virtual_currency(), "virtual_currency")
    chest = await sell(client, studio, bundle(rope, prices=[price(5)]), "bundle")
    body = coupon(lamp, gold, chest, redeem_total_limit=10)
    code = any_code()
    external_id = await make_coded(client, studio, COUPON, body, code)
    player_id, headers = await new_player(studio)
    reply = await redeem(client, studio, headers, code)
    assert reply.status_code == 200, reply.text
    items = reply.json()["items"]
    assert [(item["sku"], item["quantity"], item["type"]) for item in items] == [
        (lamp, 2, "virtual_good"),
        (gold, 2, "virtual_currency"),
        (chest, 2, "bundle"),
    ]
    assert all(item["is_free"] and item["price"] is None and item["virtual_prices"] == [] for item in items)
    assert items[0]["name"] == "Lamp" and items[0]["virtual_item_type"] == "consumable"
    assert items[2]["bundle_type"] == "standard"
    assert await _owned(client, studio, player_id) == {lamp: 2, rope: 2}
    assert await balances_of(studio, player_id) == {gold: 2}
    assert await _state(client, studio, external_id) == {"available": 9, "reserved": 0, "used": 1}
    # As often as its limits allow; each time counts.
    assert (await redeem(client, studio, headers, code)).status_code == 200
    assert await _owned(client, studio, player_id) == {lamp: 4, rope: 4}
    assert await _state(client, studio, external_id) == {"available": 8, "reserved": 0, "used": 2}
    assert not await differences_of(studio)


async def test_redeem_coupon_once_for_a_key(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, code = await sell(client, studio, consumable()), any_code()
    await make_coded(client, studio, COUPON, coupon(lamp), code)
    player_id, headers = await new_player(studio)
    headers["Idempotency-Key"] = uuid4().hex
    first = await redeem(client, studio, headers, code)
    again = await redeem(client, studio, headers, code)
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await _owned(client, studio, player_id) == {lamp: 2}


@pytest.mark.parametrize("limit", ["redeem_total_limit", "redeem_code_limit"])
async def test_redeem_coupon_tells_used_up_and_unknown_codes_alike(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, limit: str
) -> None:
    lamp = await sell(client, studio, consumable())
    used, off, early, other_kind, foreign = (any_code() for _ in range(5))
    await make_coded(client, studio, COUPON, coupon(lamp, **{limit: 1}), used)
    assert (await redeem(client, studio, (await new_player(studio))[1], used)).status_code == 200
    await make_coded(client, studio, COUPON, coupon(lamp), off, is_enabled=False)
    await make_coded(client, studio, COUPON, coupon(lamp, date_start="2036-06-01T00:00:00+03:00"), early)
    await make_coded(client, studio, PROMO_CODE, promo_code(), other_kind)
    their = await sell(client, other_studio, consumable())
    await make_coded(client, other_studio, COUPON, coupon(their), foreign)
    player_id, headers = await new_player(studio)
    for code in (any_code(), used, used.lower(), off, early, other_kind, foreign, "not-a-code", "Ä"):
        assert refusal(await redeem(client, studio, headers, code)) == UNKNOWN
    assert await _owned(client, studio, player_id) == {}
    assert not await differences_of(studio)


async def test_redeem_coupon_as_often_as_the_player_may(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, code = await sell(client, studio, consumable()), any_code()
    external_id = await make_coded(client, studio, COUPON, coupon(lamp, redeem_user_limit=1), code)
    player_id, headers = await new_player(studio)
    assert (await redeem(client, studio, headers, code)).status_code == 200
    assert refusal(await redeem(client, studio, headers, code)) == REACHED
    assert (await redeem(client, studio, (await new_player(studio))[1], code)).status_code == 200
    assert await _owned(client, studio, player_id) == {lamp: 2}
    # Who has used up a code that nobody can use any more is told what they know.
    body = {"name": {"en-US": "Welcome"}, "redeem_user_limit": 1, "redeem_total_limit": 1, "bonus": [{"sku": lamp}]}
    path = coded_path(studio, COUPON, f"/{external_id}")
    assert (await client.put(path, json=body, auth=studio.basic)).status_code == 204
    assert refusal(await redeem(client, studio, headers, code)) == REACHED
    assert refusal(await redeem(client, studio, (await new_player(studio))[1], code)) == UNKNOWN
    assert not await differences_of(studio)


async def test_redeem_coupon_in_its_time(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, code, later = await sell(client, studio, consumable()), any_code(), any_code()
    await make_coded(client, studio, COUPON, coupon(lamp, date_end="2026-06-01T00:00:00+03:00"), code)
    periods = [
        {"date_from": "2026-06-01T00:00:00+03:00", "date_until": "2026-07-01T00:00:00+03:00"},
        {"date_from": "2036-06-01T00:00:00+03:00", "date_until": "2036-07-01T00:00:00+03:00"},
    ]
    await make_coded(client, studio, COUPON, coupon(lamp, promotion_periods=periods), later, version="v3")
    _, headers = await new_player(studio)
    expired = (422, 9810, "[0401-9810]: Sorry, this code is expired.")
    assert refusal(await redeem(client, studio, headers, code)) == expired
    # It begins again, so that it is not told of.
    assert refusal(await redeem(client, studio, headers, later)) == UNKNOWN


async def test_redeem_coupon_of_some_players(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, code = await sell(client, studio, consumable()), any_code()
    condition = {"attribute": "guild", "type": "string", "operator": "eq", "value": "Owls"}
    await make_coded(client, studio, COUPON, coupon(lamp, attribute_conditions=[condition]), code)
    player_id, headers = await new_player(studio)
    assert refusal(await redeem(client, studio, headers, code)) == UNKNOWN
    await studio.context.database.session().execute(
        ADD_ATTRIBUTE,
        login=studio.login_project_id,
        player=player_id,
        project=studio.project_id,
        now=real_now(),
    )
    assert (await redeem(client, studio, headers, code)).status_code == 200


async def test_redeem_coupon_where_one_item_is_not_sold(client: httpx.AsyncClient, studio: Studio) -> None:
    region_id = await make_region(client, studio, countries=["DE"])
    lamp = await sell(client, studio, consumable())
    local = await sell(client, studio, consumable(regions=[{"id": region_id}]))
    code = any_code()
    external_id = await make_coded(client, studio, COUPON, coupon(lamp, local, redeem_total_limit=5), code)
    player_id, headers = await new_player(studio)
    refused = await redeem(client, studio, {**headers, "X-User-Country": "FR"}, code)
    assert refusal(refused) == (422, 9808, "[0401-9808]: Coupon is not available in your region.")
    assert await _owned(client, studio, player_id) == {}
    assert await _state(client, studio, external_id) == {"available": 5, "reserved": 0, "used": 0}
    assert (await redeem(client, studio, {**headers, "X-User-Country": "DE"}, code)).status_code == 200
    assert await _owned(client, studio, player_id) == {lamp: 2, local: 2}


async def test_redeem_coupon_that_gives_keys(client: httpx.AsyncClient, studio: Studio) -> None:
    steam, gog = game_key("steam"), game_key("gog")
    both = await sell(client, studio, game(steam, gog), "game")
    one = await sell(client, studio, game(single := game_key("gog")), "game")
    body = coupon(redeem_total_limit=5, bonus=[{"sku": both, "quantity": 1}, {"sku": one, "quantity": 1}])
    code = any_code()
    external_id = await make_coded(client, studio, COUPON, body, code)
    await upload(client, studio, gog["sku"], ["AAAA-1111"])
    _, headers = await new_player(studio)
    for chosen in (None, {}, {both: single["sku"]}, {both: both}):
        more = {} if chosen is None else {"selected_unit_items": chosen}
        assert faults(await redeem(client, studio, headers, code, **more)) == {f"selected_unit_items.{both}"}
    wanted = {"selected_unit_items": {both: gog["sku"], "other": "x"}}
    few = await redeem(client, studio, headers, code, **wanted)
    assert (few.status_code, few.json()["errorCode"]) == (422, 1459)
    assert (await _state(client, studio, external_id))["used"] == 0
    await upload(client, studio, single["sku"], ["BBBB-2222"])
    reply = await redeem(client, studio, headers, code, **wanted)
    assert [item["sku"] for item in reply.json()["items"]] == [gog["sku"], single["sku"]]
    assert (await _state(client, studio, external_id))["used"] == 1
    assert not await differences_of(studio)


async def test_redeem_coupon_of_what_is_owned_once(client: httpx.AsyncClient, studio: Studio) -> None:
    once = {"consumable": None, "expiration_period": None}
    crown = await sell(client, studio, virtual_item(inventory_options=once))
    lamp, code = await sell(client, studio, consumable()), any_code()
    external_id = await make_coded(client, studio, COUPON, coupon(lamp, crown, redeem_total_limit=9), code)
    player_id, headers = await new_player(studio)
    assert (await redeem(client, studio, headers, code)).status_code == 200
    refused = await redeem(client, studio, headers, code)
    assert (refused.status_code, refused.json()["errorCode"]) == (422, 1468)
    assert await _owned(client, studio, player_id) == {lamp: 2, crown: 1}
    assert (await _state(client, studio, external_id))["used"] == 1


async def test_redeem_coupon_of_too_many(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, code = await sell(client, studio, consumable()), any_code()
    await make_coded(client, studio, COUPON, coupon(bonus=[{"sku": lamp, "quantity": 2**31 - 1}]), code)
    _, headers = await new_player(studio)
    assert (await redeem(client, studio, headers, code)).status_code == 200
    refused = await redeem(client, studio, headers, code)
    assert (refused.status_code, refused.json()["errorCode"]) == (422, 1102)


async def test_redeem_coupon_with_more_choices_than_anybody_has(client: httpx.AsyncClient, studio: Studio) -> None:
    """They are not looked at one by one: that would keep all others waiting."""
    _, headers = await new_player(studio)
    chosen = dict.fromkeys(map(str, range(1_001)), 7)
    reply = await redeem(client, studio, headers, any_code(), selected_unit_items=chosen)
    assert faults(reply) == {"selected_unit_items"}


async def test_redeem_coupon_gives_what_is_still_there(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, hidden = (
        await sell(client, studio, consumable()),
        await sell(client, studio, consumable(is_show_in_store=False)),
    )
    off, gone = await sell(client, studio, consumable(is_enabled=False)), await sell(client, studio, consumable())
    code, empty = any_code(), any_code()
    await make_coded(client, studio, COUPON, coupon(off, gone), empty)
    await make_coded(client, studio, COUPON, coupon(lamp, hidden, off, gone), code)
    path = f"/api/v2/project/{studio.project_id}/admin/items/virtual_items/sku/{gone}"
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    player_id, headers = await new_player(studio)
    assert (await redeem(client, studio, headers, code)).status_code == 200
    assert await _owned(client, studio, player_id) == {lamp: 2, hidden: 2}
    assert refusal(await redeem(client, studio, headers, empty)) == UNKNOWN


@pytest.mark.parametrize("body", [{}, {"coupon_code": ""}, {"coupon_code": 1}, {"coupon_code": "x" * 129}])
async def test_redeem_coupon_refuses_faulty_bodies(
    client: httpx.AsyncClient, studio: Studio, body: dict[str, Any]
) -> None:
    _, headers = await new_player(studio)
    reply = await client.post(player_path(studio, "coupon/redeem"), json=body, headers=headers)
    assert faults(reply) == {"coupon_code"}


async def test_redeem_coupon_of_a_deleted_one(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, code = await sell(client, studio, consumable()), any_code()
    external_id = await make_coded(client, studio, COUPON, coupon(lamp), code)
    _, headers = await new_player(studio)
    assert (await redeem(client, studio, headers, code)).status_code == 200
    assert (await switch(client, studio, COUPON, external_id, to="deactivate")).status_code == 204
    assert refusal(await redeem(client, studio, headers, code)) == UNKNOWN
    await client.delete(coded_path(studio, COUPON, f"/{external_id}"), auth=studio.basic)
    assert refusal(await redeem(client, studio, headers, code)) == UNKNOWN
    # Its code opens another one now, which has been used by nobody.
    await make_coded(client, studio, COUPON, coupon(lamp, redeem_code_limit=1), code)
    assert (await redeem(client, studio, headers, code)).status_code == 200
    assert not await differences_of(studio)


async def test_redeem_coupon_after_everybody_begins_anew(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, code = await sell(client, studio, consumable()), any_code()
    await make_coded(client, studio, COUPON, coupon(lamp, redeem_user_limit=1), code)
    player_id, headers = await new_player(studio)
    assert (await redeem(client, studio, headers, code)).status_code == 200
    assert refusal(await redeem(client, studio, headers, code)) == REACHED
    found = await find_by_code(studio.context.database.session(), studio.project_id, code)
    assert found is not None
    rest = f"admin/user/limit/promotion/id/{found.promotion.promotion_id}/all"
    path = player_path(studio, rest)
    assert (await client.request("DELETE", path, json={"user": None}, auth=studio.basic)).is_success
    assert (await redeem(client, studio, headers, code)).status_code == 200
    assert refusal(await redeem(client, studio, headers, code)) == REACHED
    assert await _owned(client, studio, player_id) == {lamp: 4}
    assert not await differences_of(studio)


async def test_redeem_coupon_that_another_process_has_changed(client: httpx.AsyncClient, studio: Studio) -> None:
    """What is remembered of a coupon is held against the database each time."""
    lamp, rope = await sell(client, studio, consumable()), await sell(client, studio, consumable())
    code, db = any_code(), studio.context.database.session()
    await make_coded(client, studio, COUPON, coupon(lamp), code)
    player_id, headers = await new_player(studio)
    assert (await redeem(client, studio, headers, code)).status_code == 200
    found = await find_by_code(db, studio.project_id, code)
    assert found is not None
    gives = BonusItems(((await id_of(client, studio, rope), 1),))
    await save_promotion(db, replace(found.promotion, rewards=(gives,)), now=real_now())
    assert (await redeem(client, studio, headers, code)).status_code == 200
    assert await _owned(client, studio, player_id) == {lamp: 2, rope: 1}
    promotion_id = found.promotion.promotion_id
    await set_enabled(db, studio.project_id, promotion_id, is_enabled=False, now=real_now())
    assert refusal(await redeem(client, studio, headers, code)) == UNKNOWN
    await set_enabled(db, studio.project_id, promotion_id, is_enabled=True, now=real_now())
    # With a key it takes the same steps in the transaction that keeps the answer.
    for _ in range(2):
        reply = await redeem(client, studio, {**headers, "Idempotency-Key": uuid4().hex}, code)
        assert [item["sku"] for item in reply.json()["items"]] == [rope]
    assert await _owned(client, studio, player_id) == {lamp: 2, rope: 3}
    assert not await differences_of(studio)

"""Coupons: what a studio writes of them in v2 and v3, what it reads, what is refused."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from make.codes import COUPON, PROMO_CODE, coded_path, coupon, faults, get_coded, make_coded
from make.projects import Studio
from make.promotions import promotion_path

Check = Callable[..., Awaitable[None]]
CONDITIONS = [{"attribute": "level", "type": "number", "operator": "le", "value": "10", "can_be_missing": False}]
PERIODS = [
    {"date_from": "2026-06-01T00:00:00+03:00", "date_until": "2026-07-01T00:00:00+03:00"},
    {"date_from": "2036-06-01T00:00:00+03:00", "date_until": "2036-07-01T00:00:00+03:00"},
]
LIMITS = {"redeem_total_limit": 100, "redeem_user_limit": 1, "redeem_code_limit": 10}


async def test_admin_create_coupon(client: httpx.AsyncClient, studio: Studio, sku: str) -> None:
    body = coupon(
        sku,
        date_start="2026-06-01T00:00:00+03:00",
        date_end=None,
        attribute_conditions=CONDITIONS,
        **LIMITS,
    )
    external_id = await make_coded(client, studio, COUPON, body, is_enabled=False)
    assert external_id == body["external_id"]
    found = await get_coded(client, studio, COUPON, external_id)
    state = {"available": 100, "reserved": 0, "used": 0}
    assert found == {**body, "is_enabled": False, "total_limit_state": state}


async def test_get_coupon_of_v3_in_v2(client: httpx.AsyncClient, studio: Studio, sku: str) -> None:
    body = coupon(sku, promotion_periods=PERIODS)
    external_id = await make_coded(client, studio, COUPON, body, version="v3")
    found = await get_coded(client, studio, COUPON, external_id, version="v2")
    assert (found["date_start"], found["date_end"]) == (PERIODS[1]["date_from"], PERIODS[1]["date_until"])
    assert "attribute_conditions" not in found


async def test_admin_create_coupon_v3(client: httpx.AsyncClient, studio: Studio, sku: str) -> None:
    body = coupon(sku, promotion_periods=PERIODS, attribute_conditions=CONDITIONS)
    external_id = await make_coded(client, studio, COUPON, body, version="v3", is_enabled=False)
    found = await get_coded(client, studio, COUPON, external_id, version="v3")
    limits = dict.fromkeys(LIMITS)
    assert found == {**body, **limits, "is_enabled": False, "total_limit_state": None}


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize(
    ("changes", "faulty"),
    [
        ({"external_id": "a b"}, {"external_id"}),
        ({"external_id": None, "name": {"en": "x"}}, {"external_id", "name.en"}),
        ({"is_enabled": True}, {"is_enabled"}),
        ({"total_codes_count": 1}, {"total_codes_count"}),
        ({"bonus": [{"sku": "nothing-has-it"}]}, {"bonus.0.sku"}),
        ({"bonus": [{"sku": "nothing-has-it", "quantity": 0}]}, {"bonus.0.quantity"}),
        ({"redeem_total_limit": 0, "redeem_user_limit": -1}, {"redeem_total_limit", "redeem_user_limit"}),
        ({"attribute_conditions": [{"attribute": "level", "type": "number"}]}, None),
        ({"discount": {"percent": "10"}}, {"discount"}),
    ],
)
async def test_admin_create_coupon_refuses(
    client: httpx.AsyncClient, studio: Studio, version: str, changes: dict[str, Any], faulty: set[str] | None
) -> None:
    path = coded_path(studio, COUPON, version=version)
    reply = await client.post(path, json=coupon(**changes), auth=studio.basic)
    found = faults(reply)
    assert found == faulty or (faulty is None and all(each.startswith("attribute_conditions.0") for each in found))
    assert (await client.get(path, auth=studio.basic)).json()["items"] == []


async def test_admin_create_coupon_refuses_a_taken_external_id(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    external_id = await make_coded(client, studio, COUPON, coupon(), is_enabled=False)
    again = await client.post(coded_path(studio, PROMO_CODE), json=coupon(external_id=external_id), auth=studio.basic)
    assert faults(again) == {"external_id"}
    await make_coded(client, other_studio, COUPON, coupon(external_id=external_id), is_enabled=False)


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_update_coupon_promotion(client: httpx.AsyncClient, studio: Studio, sku: str, version: str) -> None:
    external_id = await make_coded(client, studio, COUPON, coupon(sku, **LIMITS))
    path = coded_path(studio, COUPON, f"/{external_id}", version=version)
    changed = await client.put(path, json={"name": {"en-US": "Goodbye"}, "redeem_code_limit": 3}, auth=studio.basic)
    assert changed.status_code == 204
    found = await get_coded(client, studio, COUPON, external_id, version=version)
    assert (found["name"], found["is_enabled"], found["bonus"]) == ({"en-US": "Goodbye"}, True, None)
    assert [found[name] for name in LIMITS] == [None, None, 3]
    for member in ("external_id", "is_enabled", "total_codes_count"):
        refused = await client.put(path, json={"name": {"en-US": "Goodbye"}, member: 1}, auth=studio.basic)
        assert faults(refused) == {member}


async def test_update_coupon_promotion_v3_with_periods(client: httpx.AsyncClient, studio: Studio, sku: str) -> None:
    external_id = await make_coded(client, studio, COUPON, coupon(sku))
    path = coded_path(studio, COUPON, f"/{external_id}", version="v3")
    body = {"name": {"en-US": "Welcome"}, "promotion_periods": PERIODS}
    assert (await client.put(path, json=body, auth=studio.basic)).status_code == 204
    assert (await get_coded(client, studio, COUPON, external_id, version="v3"))["promotion_periods"] == PERIODS
    endless = [PERIODS[0], {"date_from": "2036-06-01T00:00:00+03:00", "date_until": None}]
    refused = await client.put(path, json={**body, "promotion_periods": endless}, auth=studio.basic)
    assert faults(refused) == {"promotion_periods.1.date_until"}


async def test_activate_promotion_refuses_what_gives_nothing(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_coded(client, studio, COUPON, coupon(), is_enabled=False)
    (found,) = (await client.get(promotion_path(studio), auth=studio.basic)).json()["promotions"]
    refused = await client.put(promotion_path(studio, f"/{found['id']}/activate"), auth=studio.basic)
    assert (refused.status_code, refused.json()["errorCode"]) == (422, 9505)
    switched = await client.put(promotion_path(studio, f"/{found['id']}/deactivate"), auth=studio.basic)
    assert switched.status_code == 204


async def test_get_coupons(check_lists: Check) -> None:
    await check_lists(COUPON, PROMO_CODE, "v2")


async def test_get_coupons_v3(check_lists: Check) -> None:
    await check_lists(COUPON, PROMO_CODE, "v3")


async def test_get_coupon_refuses(check_unknown: Check) -> None:
    await check_unknown(COUPON, PROMO_CODE, "GET")


async def test_get_coupon_v3_refuses(check_unknown: Check) -> None:
    await check_unknown(COUPON, PROMO_CODE, "GET", version="v3")


async def test_update_coupon_promotion_refuses(check_unknown: Check) -> None:
    await check_unknown(COUPON, PROMO_CODE, "PUT")


async def test_update_coupon_promotion_v3_refuses(check_unknown: Check) -> None:
    await check_unknown(COUPON, PROMO_CODE, "PUT", version="v3")


async def test_delete_coupon_promotion(check_deleting: Check, check_unknown: Check) -> None:
    await check_deleting(COUPON, "v2")
    await check_unknown(COUPON, PROMO_CODE, "DELETE")


async def test_delete_coupon_promotion_v3(check_deleting: Check, check_unknown: Check) -> None:
    await check_deleting(COUPON, "v3")
    await check_unknown(COUPON, PROMO_CODE, "DELETE", version="v3")


async def test_activate_coupon(check_switching: Check, check_unknown: Check) -> None:
    await check_switching(COUPON)
    await check_unknown(COUPON, PROMO_CODE, "PUT", "/activate")


async def test_deactivate_coupon(check_switching: Check, check_unknown: Check) -> None:
    await check_switching(COUPON)
    await check_unknown(COUPON, PROMO_CODE, "PUT", "/deactivate")

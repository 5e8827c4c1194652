"""Unique offers: what a studio writes of them in v2 and v3, what it reads, what is refused."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from make.catalog import any_sku, save_virtual_item
from make.codes import COUPON, UNIQUE_OFFER, coded_path, faults, get_coded, make_coded, unique_offer
from make.projects import Studio

Check = Callable[..., Awaitable[None]]
LIMITS = {"redeem_total_limit": 5, "redeem_user_limit": 1, "redeem_code_limit": 1}


async def test_admin_create_unique_catalog_offer(client: httpx.AsyncClient, studio: Studio, sku: str) -> None:
    other = any_sku()
    await save_virtual_item(studio, other)
    body = unique_offer(sku, other, sku, date_start=None, date_end=None, **LIMITS)
    external_id = await make_coded(client, studio, UNIQUE_OFFER, body, is_enabled=False)
    state = {"available": 5, "reserved": 0, "used": 0}
    found = await get_coded(client, studio, UNIQUE_OFFER, external_id)
    assert found == {**body, "items": [sku, other], "is_enabled": False, "total_limit_state": state}


async def test_admin_create_unique_catalog_offer_v3(client: httpx.AsyncClient, studio: Studio) -> None:
    body = unique_offer(promotion_periods=[{"date_from": "2026-06-01T00:00:00+03:00", "date_until": None}])
    external_id = await make_coded(client, studio, UNIQUE_OFFER, body, version="v3", is_enabled=False)
    found = await get_coded(client, studio, UNIQUE_OFFER, external_id, version="v3")
    assert found == {**body, **dict.fromkeys(LIMITS), "is_enabled": False, "total_limit_state": None}


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize(
    ("changes", "faulty"),
    [
        ({"items": ["no-such-item"]}, {"items.0"}),
        ({"items": ["a b", 1]}, {"items.0", "items.1"}),
        ({"bonus": None}, {"bonus"}),
        ({"attribute_conditions": None}, {"attribute_conditions"}),
        ({"name": {}}, {"name"}),
    ],
)
async def test_admin_create_unique_catalog_offer_refuses(
    client: httpx.AsyncClient, studio: Studio, version: str, changes: dict[str, Any], faulty: set[str]
) -> None:
    path = coded_path(studio, UNIQUE_OFFER, version=version)
    assert faults(await client.post(path, json=unique_offer(**changes), auth=studio.basic)) == faulty


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_update_unique_catalog_offer_promotion(
    client: httpx.AsyncClient, studio: Studio, sku: str, version: str
) -> None:
    external_id = await make_coded(client, studio, UNIQUE_OFFER, unique_offer(sku, **LIMITS))
    path = coded_path(studio, UNIQUE_OFFER, f"/{external_id}", version=version)
    reply = await client.put(path, json={"name": {"en-US": "For all"}}, auth=studio.basic)
    assert reply.status_code == 204
    found = await get_coded(client, studio, UNIQUE_OFFER, external_id, version=version)
    assert (found["items"], found["redeem_total_limit"], found["is_enabled"]) == ([], None, True)


async def test_get_unique_catalog_offers(check_lists: Check) -> None:
    await check_lists(UNIQUE_OFFER, COUPON, "v2")


async def test_get_unique_catalog_offers_v3(check_lists: Check) -> None:
    await check_lists(UNIQUE_OFFER, COUPON, "v3")


async def test_get_unique_catalog_offer_refuses(check_unknown: Check) -> None:
    await check_unknown(UNIQUE_OFFER, COUPON, "GET")


async def test_get_unique_catalog_offer_v3_refuses(check_unknown: Check) -> None:
    await check_unknown(UNIQUE_OFFER, COUPON, "GET", version="v3")


async def test_update_unique_catalog_offer_promotion_refuses(check_unknown: Check) -> None:
    await check_unknown(UNIQUE_OFFER, COUPON, "PUT")


async def test_update_unique_catalog_offer_promotion_v3_refuses(check_unknown: Check) -> None:
    await check_unknown(UNIQUE_OFFER, COUPON, "PUT", version="v3")


async def test_delete_unique_catalog_offer_promotion(check_deleting: Check, check_unknown: Check) -> None:
    await check_deleting(UNIQUE_OFFER, "v2")
    await check_unknown(UNIQUE_OFFER, COUPON, "DELETE")


async def test_delete_unique_catalog_offer_promotion_v3(check_deleting: Check, check_unknown: Check) -> None:
    await check_deleting(UNIQUE_OFFER, "v3")
    await check_unknown(UNIQUE_OFFER, COUPON, "DELETE", version="v3")


async def test_activate_unique_catalog_offer(check_switching: Check, check_unknown: Check) -> None:
    await check_switching(UNIQUE_OFFER)
    await check_unknown(UNIQUE_OFFER, COUPON, "PUT", "/activate")


async def test_deactivate_unique_catalog_offer(check_switching: Check, check_unknown: Check) -> None:
    await check_switching(UNIQUE_OFFER)
    await check_unknown(UNIQUE_OFFER, COUPON, "PUT", "/deactivate")

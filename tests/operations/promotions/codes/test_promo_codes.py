"""Promo codes: what a studio writes of them in v2 and v3, what it reads, what is refused."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from make.catalog import any_sku, save_virtual_item
from make.codes import PROMO_CODE, UNIQUE_OFFER, coded_path, faults, get_coded, make_coded, promo_code
from make.projects import Studio
from make.promotions import discount, make_promotion

Check = Callable[..., Awaitable[None]]
PRICES = [{"operator": "ge", "value": "4.99"}]
NOTHING = {
    "bonus": None,
    "discount": None,
    "discounted_items": None,
    "price_conditions": None,
    "item_price_conditions": None,
    "excluded_promotions": [],
    "redeem_total_limit": None,
    "redeem_user_limit": None,
    "redeem_code_limit": None,
    "total_limit_state": None,
    "is_enabled": False,
}


def _off(sku: str, percent: str) -> dict[str, Any]:
    return {"sku": sku, "discount": {"percent": percent}}


async def test_create_promo_code(client: httpx.AsyncClient, studio: Studio, sku: str) -> None:
    other = any_sku()
    await save_virtual_item(studio, other)
    excluded = await make_promotion(client, studio, "item", discount(sku))
    body = promo_code(
        date_start=None,
        date_end="2036-06-01T00:00:00+03:00",
        discounted_items=[_off(sku, "20.00"), _off(other, "33.3333")],
        bonus=[{"sku": sku, "quantity": 3}],
        excluded_promotions=[excluded],
    )
    external_id = await make_coded(client, studio, PROMO_CODE, body, is_enabled=False)
    assert await get_coded(client, studio, PROMO_CODE, external_id) == {**NOTHING, **body}


@pytest.mark.parametrize("conditions", ["price_conditions", "item_price_conditions"])
async def test_create_promo_code_v3(client: httpx.AsyncClient, studio: Studio, conditions: str) -> None:
    body = promo_code(promotion_periods=[], **{conditions: PRICES})
    external_id = await make_coded(client, studio, PROMO_CODE, body, version="v3", is_enabled=False)
    assert await get_coded(client, studio, PROMO_CODE, external_id, version="v3") == {**NOTHING, **body}


async def test_get_promo_code_without_a_discount(client: httpx.AsyncClient, studio: Studio, sku: str) -> None:
    body = promo_code(discount={"percent": None}, bonus=[{"sku": sku, "quantity": 1}], date_start=None, date_end=None)
    external_id = await make_coded(client, studio, PROMO_CODE, body, is_enabled=False)
    found = await get_coded(client, studio, PROMO_CODE, external_id)
    assert found == {**NOTHING, **body, "discount": None}
    assert (await get_coded(client, studio, PROMO_CODE, external_id, version="v3"))["promotion_periods"] == []


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize(
    ("changes", "faulty"),
    [
        ({"discount": {"percent": "0"}}, {"discount.percent"}),
        ({"discount": {}}, {"discount.percent"}),
        ({"discounted_items": []}, {"discounted_items"}),
        ({"discounted_items": [{"sku": "no-such", "discount": {"percent": "10"}}]}, {"discounted_items.0.sku"}),
        (
            {"discounted_items": [{"sku": "no-such", "discount": {"percent": "10"}}], "price_conditions": PRICES},
            {"discounted_items", "discounted_items.0.sku"},
        ),
        (
            {"discounted_items": [_off("no-such", "10"), _off("no-such", "20")]},
            {"discounted_items.1.sku", "discounted_items.0.sku"},
        ),
        ({"item_price_conditions": [{"operator": "er", "value": "1"}]}, {"item_price_conditions.0.operator"}),
        ({"excluded_promotions": [2_000_000_000]}, {"excluded_promotions.0"}),
        ({"items": ["lamp"]}, {"items"}),
    ],
)
async def test_create_promo_code_refuses(
    client: httpx.AsyncClient, studio: Studio, version: str, changes: dict[str, Any], faulty: set[str]
) -> None:
    path = coded_path(studio, PROMO_CODE, version=version)
    assert faults(await client.post(path, json=promo_code(**changes), auth=studio.basic)) == faulty


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_update_promo_code(client: httpx.AsyncClient, studio: Studio, sku: str, version: str) -> None:
    external_id = await make_coded(client, studio, PROMO_CODE, promo_code(price_conditions=PRICES))
    path = coded_path(studio, PROMO_CODE, f"/{external_id}", version=version)
    body = {"name": {"de-DE": "Sommer"}, "discounted_items": [_off(sku, "5.00")]}
    assert (await client.put(path, json=body, auth=studio.basic)).status_code == 204
    found = await get_coded(client, studio, PROMO_CODE, external_id, version=version)
    when = {"date_start": None, "date_end": None} if version == "v2" else {"promotion_periods": []}
    assert found == {**NOTHING, **when, **body, "external_id": external_id, "is_enabled": True}


async def test_get_promo_codes(check_lists: Check) -> None:
    await check_lists(PROMO_CODE, UNIQUE_OFFER, "v2")


async def test_get_promo_codes_v3(check_lists: Check) -> None:
    await check_lists(PROMO_CODE, UNIQUE_OFFER, "v3")


async def test_get_promo_code_refuses(check_unknown: Check) -> None:
    await check_unknown(PROMO_CODE, UNIQUE_OFFER, "GET")


async def test_get_promo_code_v3_refuses(check_unknown: Check) -> None:
    await check_unknown(PROMO_CODE, UNIQUE_OFFER, "GET", version="v3")


async def test_update_promo_code_refuses(check_unknown: Check) -> None:
    await check_unknown(PROMO_CODE, UNIQUE_OFFER, "PUT")


async def test_update_promo_code_v3_refuses(check_unknown: Check) -> None:
    await check_unknown(PROMO_CODE, UNIQUE_OFFER, "PUT", version="v3")


async def test_delete_promo_code(check_deleting: Check, check_unknown: Check) -> None:
    await check_deleting(PROMO_CODE, "v2")
    await check_unknown(PROMO_CODE, UNIQUE_OFFER, "DELETE")


async def test_delete_promo_code_v3(check_deleting: Check, check_unknown: Check) -> None:
    await check_deleting(PROMO_CODE, "v3")
    await check_unknown(PROMO_CODE, UNIQUE_OFFER, "DELETE", version="v3")


async def test_activate_promo_code(check_switching: Check, check_unknown: Check) -> None:
    await check_switching(PROMO_CODE)
    await check_unknown(PROMO_CODE, UNIQUE_OFFER, "PUT", "/activate")


async def test_deactivate_promo_code(check_switching: Check, check_unknown: Check) -> None:
    await check_switching(PROMO_CODE)
    await check_unknown(PROMO_CODE, UNIQUE_OFFER, "PUT", "/deactivate")

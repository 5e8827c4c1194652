"""Bonuses: what a studio writes of them in v2 and v3, what it reads, what is refused."""

from typing import Any

import httpx
import pytest

from make.catalog import any_sku, save_virtual_item
from make.codes import faults
from make.projects import Studio
from make.promotions import bonus, discount, get_promotion, make_promotion, post_promotion, promotion_path

PERIODS = [{"date_from": "2026-06-01T00:00:00+03:00", "date_until": None}]
PRICES = [{"operator": "gt", "value": "9.9999"}]
NO_LIMITS = {"per_user": None, "per_item": None, "recurrent_schedule": None}


async def _skus(studio: Studio, count: int) -> list[str]:
    skus = [any_sku() for _ in range(count)]
    for sku in skus:
        await save_virtual_item(studio, sku)
    return skus


async def test_create_bonus_promotion(client: httpx.AsyncClient, studio: Studio) -> None:
    needed, given = await _skus(studio, 2)
    body = bonus(given, condition=[{"sku": needed}], date_start="2026-06-01T00:00:00Z", limits={"per_user": 1})
    # Bodies that are made of answers carry an id.
    promotion_id = await make_promotion(client, studio, "bonus", {**body, "id": 5})
    assert await get_promotion(client, studio, "bonus", promotion_id) == {
        "id": promotion_id,
        "date_start": "2026-06-01T00:00:00Z",
        "date_end": None,
        "is_enabled": True,
        "name": {"en-US": "A present"},
        "condition": [{"sku": needed}],
        "bonus": [{"sku": given, "quantity": 2}],
        "price_conditions": None,
        "excluded_promotions": [],
        "limits": {**NO_LIMITS, "per_user": {"total": 1}},
    }


async def test_create_bonus_promotion_v3(client: httpx.AsyncClient, studio: Studio) -> None:
    (given,) = await _skus(studio, 1)
    body = bonus(bonus=[{"sku": given}], price_conditions=PRICES, promotion_periods=PERIODS)
    promotion_id = await make_promotion(client, studio, "bonus", body, version="v3")
    assert await get_promotion(client, studio, "bonus", promotion_id, version="v3") == {
        "id": promotion_id,
        "promotion_periods": PERIODS,
        "is_enabled": True,
        "name": {"en-US": "A present"},
        "condition": None,
        "bonus": [{"sku": given, "quantity": 1}],
        "price_conditions": PRICES,
        "excluded_promotions": [],
        "limits": NO_LIMITS,
    }


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize(
    ("changes", "faulty"),
    [
        ({"bonus": None}, {"bonus"}),
        ({"bonus": []}, {"bonus"}),
        ({"bonus": [{"sku": "nothing-has-it", "quantity": 1}]}, {"bonus.0.sku"}),
        ({"bonus": [{"sku": "a b", "quantity": 0}]}, {"bonus.0.sku", "bonus.0.quantity"}),
        ({"condition": [{"sku": "nothing-has-it"}]}, {"condition.0.sku"}),
        ({"condition": [{"sku": "nothing-has-it"}], "price_conditions": PRICES}, {"condition", "condition.0.sku"}),
        ({"discount": {"percent": "10"}}, {"discount"}),
    ],
)
async def test_create_bonus_promotion_refuses(
    client: httpx.AsyncClient, studio: Studio, version: str, changes: dict[str, Any], faulty: set[str]
) -> None:
    (given,) = await _skus(studio, 1)
    reply = await post_promotion(client, studio, "bonus", bonus(given, **changes), version=version)
    assert faults(reply) == faulty


async def test_create_bonus_promotion_v3_refuses_what_is_left_out(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await post_promotion(client, studio, "bonus", {"id": 5}, version="v3")
    assert faults(reply) == {"id", "name", "condition", "bonus"}


async def test_get_bonus_promotion(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    (given,) = await _skus(studio, 1)
    promotion_id = await make_promotion(client, studio, "bonus", bonus(given))
    for someone, rest in ((studio, "/1/bonus"), (other_studio, f"/{promotion_id}/bonus")):
        missing = await client.get(promotion_path(someone, rest), auth=someone.basic)
        assert (missing.status_code, missing.json()["errorCode"]) == (404, 9502)


async def test_get_bonus_promotion_v3(client: httpx.AsyncClient, studio: Studio) -> None:
    (given,) = await _skus(studio, 1)
    promotion_id = await make_promotion(client, studio, "bonus", bonus(given))
    assert (await get_promotion(client, studio, "bonus", promotion_id, version="v3"))["promotion_periods"] == []
    # It is no discount.
    path = promotion_path(studio, f"/{promotion_id}/item", version="v3")
    assert (await client.get(path, auth=studio.basic)).status_code == 404


async def test_get_bonus_promotion_list(client: httpx.AsyncClient, studio: Studio) -> None:
    (given,) = await _skus(studio, 1)
    await make_promotion(client, studio, "item", discount(given))
    made = [await make_promotion(client, studio, "bonus", bonus(given)) for _ in range(2)]
    found = (await client.get(promotion_path(studio, "/bonus"), auth=studio.basic)).json()
    assert [each["id"] for each in found["promotions"]] == made
    assert found["promotions"][0] == await get_promotion(client, studio, "bonus", made[0])
    assert (found["total_promotions_count"], found["active_promotions_count"]) == (2, 2)


async def test_get_bonus_promotion_list_v3(client: httpx.AsyncClient, studio: Studio) -> None:
    (given,) = await _skus(studio, 1)
    made = [await make_promotion(client, studio, "bonus", bonus(given), version="v3") for _ in range(2)]
    path = promotion_path(studio, "/bonus", version="v3")
    found = (await client.get(path, params={"offset": 1}, auth=studio.basic)).json()
    assert found["promotions"] == [await get_promotion(client, studio, "bonus", made[1], version="v3")]


async def test_update_bonus_promotion(client: httpx.AsyncClient, studio: Studio) -> None:
    first, second = await _skus(studio, 2)
    promotion_id = await make_promotion(client, studio, "bonus", bonus(first, condition=[{"sku": second}]))
    path = promotion_path(studio, f"/{promotion_id}/bonus")
    assert (await client.put(path, json=bonus(second), auth=studio.basic)).status_code == 204
    found = await get_promotion(client, studio, "bonus", promotion_id)
    assert (found["condition"], found["bonus"]) == (None, [{"sku": second, "quantity": 2}])
    # This call has no 404.
    missing = await client.put(promotion_path(studio, "/1/bonus"), json=bonus(second), auth=studio.basic)
    assert (missing.status_code, missing.json()["errorCode"]) == (422, 9502)


async def test_update_bonus_promotion_v3(client: httpx.AsyncClient, studio: Studio) -> None:
    (given,) = await _skus(studio, 1)
    promotion_id = await make_promotion(client, studio, "bonus", bonus(given))
    path = promotion_path(studio, f"/{promotion_id}/bonus", version="v3")
    body = bonus(given, promotion_periods=PERIODS)
    assert (await client.put(path, json=body, auth=studio.basic)).status_code == 204
    assert (await get_promotion(client, studio, "bonus", promotion_id))["date_start"] == PERIODS[0]["date_from"]
    absent = promotion_path(studio, "/1/bonus", version="v3")
    missing = await client.put(absent, json=body, auth=studio.basic)
    assert (missing.status_code, missing.json()["errorCode"]) == (404, 9502)


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_delete_bonus_promotion(client: httpx.AsyncClient, studio: Studio, version: str) -> None:
    (given,) = await _skus(studio, 1)
    promotion_id = await make_promotion(client, studio, "bonus", bonus(given))
    path = promotion_path(studio, f"/{promotion_id}/bonus", version=version)
    # A discount's call does not delete it.
    foreign = promotion_path(studio, f"/{promotion_id}/item", version=version)
    assert (await client.delete(foreign, auth=studio.basic)).status_code == 404
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    missing = await client.delete(path, auth=studio.basic)
    assert (missing.status_code, missing.json()["errorCode"]) == (404, 9502)


async def test_delete_bonus_promotion_v3(client: httpx.AsyncClient, studio: Studio) -> None:
    (given,) = await _skus(studio, 1)
    promotion_id = await make_promotion(client, studio, "bonus", bonus(given), version="v3")
    path = promotion_path(studio, f"/{promotion_id}/bonus", version="v3")
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    listed = (await client.get(promotion_path(studio), auth=studio.basic)).json()
    assert listed["promotions"] == []

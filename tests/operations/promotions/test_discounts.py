"""Discounts: what a studio writes of them in v2 and v3, what it reads, what is refused."""

from typing import Any

import httpx
import pytest

from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.records import ItemKind
from haversack.promotions.queries import find_promotion
from make.catalog import any_sku, game, game_key, make_item, post_item, save_draft, save_virtual_item
from make.codes import faults
from make.projects import Studio
from make.promotions import (
    bonus,
    discount,
    get_promotion,
    make_promotion,
    post_promotion,
    promotion_path,
)

PERIODS = [
    {"date_from": "2026-06-01T00:00:00+03:00", "date_until": "2026-07-01T00:00:00+03:00"},
    {"date_from": "2027-06-01T00:00:00+03:00", "date_until": "2027-07-01T00:00:00+03:00"},
]
WEEKLY = {"per_user": {"interval_type": "weekly", "day_of_week": 1, "time": "08:00:00+03:00"}}
CONDITIONS = [
    {"attribute": "country", "type": "string", "operator": "ne", "value": "DE", "can_be_missing": True},
    {"attribute": "level", "type": "number", "operator": "ge", "value": "10", "can_be_missing": False},
    {"attribute": "joined", "type": "date", "operator": "er", "value": "2026-01-01", "can_be_missing": False},
]
PRICES = [{"operator": "ge", "value": "4.99"}, {"operator": "lt", "value": "10"}]


async def test_create_item_promotion(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = any_sku()
    await save_virtual_item(studio, sku)
    body = discount(
        sku,
        discount={"percent": "12.5"},
        date_start="2026-06-01T00:00:00+03:00",
        date_end=None,
        attribute_conditions=[CONDITIONS[0]],
        limits={"per_user": 3, "recurrent_schedule": WEEKLY},
    )
    promotion_id = await make_promotion(client, studio, "item", body)
    found = await get_promotion(client, studio, "item", promotion_id)
    limits = found.pop("limits")
    assert found == {
        "id": promotion_id,
        "date_start": "2026-06-01T00:00:00+03:00",
        "date_end": None,
        "is_enabled": True,
        "name": {"en-US": "Summer sale"},
        "discount": {"percent": "12.50"},
        "items": [{"sku": sku}],
        "attribute_conditions": [CONDITIONS[0]],
        "price_conditions": None,
        "excluded_promotions": [],
    }
    schedule = limits.pop("recurrent_schedule")["per_user"]
    assert limits == {"per_user": {"total": 3}, "per_item": None}
    assert (schedule["interval_type"], schedule["day_of_week"], schedule["time"]) == ("weekly", 1, "08:00:00+03:00")
    assert schedule["reset_next_date"] > 0


async def test_create_item_promotion_takes_lists_of_conditions_in_a_list(
    client: httpx.AsyncClient, studio: Studio
) -> None:
    sku = any_sku()
    await save_virtual_item(studio, sku)
    body = discount(sku, attribute_conditions=[CONDITIONS[:1], CONDITIONS[1:]])
    promotion_id = await make_promotion(client, studio, "item", body)
    found = await get_promotion(client, studio, "item", promotion_id, version="v3")
    assert found["attribute_conditions"] == CONDITIONS


async def test_create_item_promotion_v3(client: httpx.AsyncClient, studio: Studio) -> None:
    other = await make_promotion(client, studio, "item", discount(price_conditions=PRICES))
    body = discount(
        price_conditions=PRICES,
        promotion_periods=PERIODS,
        attribute_conditions=CONDITIONS,
        excluded_promotions=[other],
    )
    promotion_id = await make_promotion(client, studio, "item", body, version="v3")
    found = await get_promotion(client, studio, "item", promotion_id, version="v3")
    assert found == {
        "id": promotion_id,
        "promotion_periods": PERIODS,
        "is_enabled": True,
        "name": {"en-US": "Summer sale"},
        "discount": {"percent": "10.00"},
        "items": None,
        "attribute_conditions": CONDITIONS,
        "price_conditions": PRICES,
        "excluded_promotions": [other],
        "limits": {"per_user": None, "per_item": None, "recurrent_schedule": None},
    }


async def test_create_item_promotion_of_a_game(client: httpx.AsyncClient, studio: Studio) -> None:
    body = game(game_key())
    assert (await post_item(client, studio, "game", body)).status_code == 201
    promotion_id = await make_promotion(client, studio, "item", discount(body["sku"], body["unit_items"][0]["sku"]))
    found = await get_promotion(client, studio, "item", promotion_id)
    assert found["items"] == [{"sku": body["sku"]}, {"sku": body["unit_items"][0]["sku"]}]


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize(
    ("changes", "faulty"),
    [
        ({"name": {"en": "Sale"}}, {"name.en"}),
        ({"name": {"en-US": 1, "de-DE": "x" * 10_001}}, {"name.en-US", "name.de-DE"}),
        ({"name": {"en-US": " "}}, {"name"}),
        ({"name": "Sale"}, {"name"}),
        ({"discount": {"percent": "0"}}, {"discount.percent"}),
        ({"discount": {"percent": "100.01"}}, {"discount.percent"}),
        ({"discount": {"percent": "ten"}}, {"discount.percent"}),
        ({"discount": {"percent": 10}}, {"discount.percent"}),
        ({"items": [{"sku": "nothing-has-it"}]}, {"items.0.sku"}),
        ({"items": None}, {"items"}),
        ({"items": []}, {"items"}),
        ({"price_conditions": PRICES}, {"items"}),
        (
            {"price_conditions": [{"operator": "er", "value": "1.00001"}]},
            {
                "price_conditions.0.operator",
                "price_conditions.0.value",
            },
        ),
        ({"excluded_promotions": [2_000_000_000, 0]}, {"excluded_promotions.1"}),
        ({"excluded_promotions": [2_000_000_000]}, {"excluded_promotions.0"}),
        ({"attribute_conditions": []}, {"attribute_conditions"}),
        ({"attribute_conditions": [CONDITIONS[0]] * 101}, {"attribute_conditions"}),
        ({"attribute_conditions": [{**CONDITIONS[0], "operator": "gt"}]}, {"attribute_conditions.0.string.operator"}),
        ({"attribute_conditions": [{**CONDITIONS[1], "value": "many"}]}, {"attribute_conditions.0.number.value"}),
        ({"attribute_conditions": [{**CONDITIONS[2], "value": "soon"}]}, {"attribute_conditions.0.date.value"}),
        (
            {"attribute_conditions": [{**CONDITIONS[0], "attribute": "a b"}]},
            {"attribute_conditions.0.string.attribute"},
        ),
        ({"limits": {"per_user": 0}}, {"limits.per_user"}),
        ({"limits": {"per_item": 5}}, {"limits.per_item"}),
        ({"id": 5, "is_enabled": True}, {"id", "is_enabled"}),
    ],
)
async def test_create_item_promotion_refuses(
    client: httpx.AsyncClient, studio: Studio, version: str, changes: dict[str, Any], faulty: set[str]
) -> None:
    sku = any_sku()
    await save_virtual_item(studio, sku)
    reply = await post_promotion(client, studio, "item", discount(sku, **changes), version=version)
    assert faults(reply) == faulty
    listed = await client.get(promotion_path(studio, "/item", version=version), auth=studio.basic)
    assert listed.json()["promotions"] == []


async def test_create_item_promotion_refuses_what_is_not_sold(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = any_sku("point")
    await save_draft(studio, ItemDraft(kind=ItemKind.VALUE_POINT, sku=sku, name={"en": "Point"}))
    assert faults(await post_promotion(client, studio, "item", discount(sku))) == {"items.0.sku"}


async def test_create_item_promotion_refuses_dates(client: httpx.AsyncClient, studio: Studio) -> None:
    sku, day = any_sku(), "2026-06-01T00:00:00+03:00"
    await save_virtual_item(studio, sku)
    for changes, fault in (
        ({"date_start": day, "date_end": "2026-05-31T21:00:00Z"}, "date_end"),
        ({"date_start": "June"}, "date_start"),
        ({"promotion_periods": PERIODS}, "promotion_periods"),
    ):
        assert faults(await post_promotion(client, studio, "item", discount(sku, **changes))) == {fault}


async def test_create_item_promotion_v3_refuses_periods(client: httpx.AsyncClient, studio: Studio) -> None:
    sku, first, second = any_sku(), *PERIODS
    await save_virtual_item(studio, sku)
    endless = {"date_from": "2028-06-01T00:00:00+03:00", "date_until": None}
    cases: tuple[tuple[list[dict[str, Any]], set[str]], ...] = (
        ([first, endless], {"promotion_periods.1.date_until"}),
        (
            [endless, {"date_from": first["date_from"]}],
            {
                "promotion_periods.0.date_until",
                "promotion_periods.1.date_until",
            },
        ),
        ([{"date_from": second["date_from"], "date_until": first["date_until"]}], {"promotion_periods.0.date_until"}),
        ([{"date_until": first["date_until"]}], {"promotion_periods.0.date_from"}),
    )
    for periods, faulty in cases:
        body = discount(sku, promotion_periods=periods)
        assert faults(await post_promotion(client, studio, "item", body, version="v3")) == faulty
    body = discount(sku, promotion_periods=[endless])
    promotion_id = await make_promotion(client, studio, "item", body, version="v3")
    assert (await get_promotion(client, studio, "item", promotion_id))["date_end"] is None


async def test_get_item_promotion(client: httpx.AsyncClient, studio: Studio) -> None:
    # Of several periods v2 shows the one that runs or comes next, else the last.
    body = discount(price_conditions=PRICES, promotion_periods=[*PERIODS[::-1]])
    promotion_id = await make_promotion(client, studio, "item", body, version="v3")
    found = await get_promotion(client, studio, "item", promotion_id)
    assert (found["date_start"], found["date_end"]) == tuple(PERIODS[1].values())
    past = [
        {"date_from": "2020-06-01T00:00:00Z", "date_until": "2020-07-01T00:00:00Z"},
        {"date_from": "2019-06-01T00:00:00Z", "date_until": "2019-07-01T00:00:00Z"},
    ]
    body = discount(price_conditions=PRICES, promotion_periods=past)
    promotion_id = await make_promotion(client, studio, "item", body, version="v3")
    assert (await get_promotion(client, studio, "item", promotion_id))["date_start"] == past[0]["date_from"]
    missing = await client.get(promotion_path(studio, "/1/item"), auth=studio.basic)
    assert (missing.status_code, missing.json()["errorCode"]) == (404, 9502)


async def test_get_item_promotion_v3(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    # What v2 leaves open at its start has one in v3.
    body = discount(price_conditions=PRICES, date_end="2026-06-01T00:00:00Z")
    promotion_id = await make_promotion(client, studio, "item", body)
    found = await get_promotion(client, studio, "item", promotion_id, version="v3")
    expected = {"date_from": "1970-01-01T00:00:00+00:00", "date_until": "2026-06-01T00:00:00Z"}
    assert found["promotion_periods"] == [expected]
    assert "attribute_conditions" not in found
    # Of another project, or another kind.
    for someone, rest in ((other_studio, f"/{promotion_id}/item"), (studio, f"/{promotion_id}/bonus")):
        missing = await client.get(promotion_path(someone, rest, version="v3"), auth=someone.basic)
        assert (missing.status_code, missing.json()["errorCode"]) == (404, 9502)


async def test_get_item_promotion_without_deleted_items(client: httpx.AsyncClient, studio: Studio) -> None:
    item = await make_item(client, studio)
    sku = any_sku()
    await save_virtual_item(studio, sku)
    promotion_id = await make_promotion(client, studio, "item", discount(item["sku"], sku))
    path = f"/api/v2/project/{studio.project_id}/admin/items/virtual_items/sku/{item['sku']}"
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    assert (await get_promotion(client, studio, "item", promotion_id))["items"] == [{"sku": sku}]


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_get_item_promotion_list(client: httpx.AsyncClient, studio: Studio, version: str) -> None:
    made = [
        await make_promotion(client, studio, "item", discount(price_conditions=PRICES, **dates))
        for dates in ({}, {"date_end": "2020-01-01T00:00:00Z"}, {"date_start": "2020-01-01T00:00:00Z"})
    ]
    await make_promotion(client, studio, "bonus", bonus((await make_item(client, studio))["sku"]))
    off = await client.put(promotion_path(studio, f"/{made[2]}/deactivate"), auth=studio.basic)
    assert off.status_code == 204
    path = promotion_path(studio, "/item", version=version)
    whole = (await client.get(path, auth=studio.basic)).json()
    assert [each["id"] for each in whole["promotions"]] == made
    assert [each["is_enabled"] for each in whole["promotions"]] == [True, True, False]
    counts = {name: count for name, count in whole.items() if name != "promotions"}
    assert counts == {
        "total_promotions_count": 3,
        "active_promotions_count": 1,
        "inactive_promotions_count": 2,
    }
    page = (await client.get(path, params={"limit": 1, "offset": 1}, auth=studio.basic)).json()
    assert [each["id"] for each in page["promotions"]] == made[1:2]
    assert page["total_promotions_count"] == 3
    assert page["promotions"][0] == await get_promotion(client, studio, "item", made[1], version=version)
    bad = await client.get(path, params={"limit": 0}, auth=studio.basic)
    assert bad.status_code == 422


async def test_get_item_promotion_list_v3(client: httpx.AsyncClient, studio: Studio) -> None:
    empty = await client.get(promotion_path(studio, "/item", version="v3"), auth=studio.basic)
    assert empty.json() == {
        "promotions": [],
        "total_promotions_count": 0,
        "active_promotions_count": 0,
        "inactive_promotions_count": 0,
    }


async def test_update_item_promotion(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = any_sku()
    await save_virtual_item(studio, sku)
    body = discount(sku, promotion_periods=PERIODS, limits={"per_user": 2}, attribute_conditions=CONDITIONS)
    promotion_id = await make_promotion(client, studio, "item", body, version="v3")
    await client.put(promotion_path(studio, f"/{promotion_id}/deactivate"), auth=studio.basic)
    path = promotion_path(studio, f"/{promotion_id}/item")
    reply = await client.put(path, json=discount(sku, discount={"percent": "33.3333"}), auth=studio.basic)
    assert reply.status_code == 204
    found = await get_promotion(client, studio, "item", promotion_id, version="v3")
    # It is replaced whole, and stays off.
    assert found == {
        "id": promotion_id,
        "promotion_periods": [],
        "is_enabled": False,
        "name": {"en-US": "Summer sale"},
        "discount": {"percent": "33.3333"},
        "items": [{"sku": sku}],
        "price_conditions": None,
        "excluded_promotions": [],
        "limits": {"per_user": None, "per_item": None, "recurrent_schedule": None},
    }
    missing = await client.put(promotion_path(studio, "/1/item"), json=discount(sku), auth=studio.basic)
    assert (missing.status_code, missing.json()["errorCode"]) == (404, 9502)
    faulty = await client.put(path, json=discount(sku, excluded_promotions=[promotion_id]), auth=studio.basic)
    assert faults(faulty) == {"excluded_promotions.0"}


async def test_update_item_promotion_v3(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    promotion_id = await make_promotion(client, studio, "item", discount(price_conditions=PRICES))
    path = promotion_path(studio, f"/{promotion_id}/item", version="v3")
    body = discount(price_conditions=PRICES[:1], promotion_periods=PERIODS)
    assert (await client.put(path, json=body, auth=studio.basic)).status_code == 204
    found = await get_promotion(client, studio, "item", promotion_id, version="v3")
    assert (found["promotion_periods"], found["price_conditions"]) == (PERIODS, PRICES[:1])
    foreign = promotion_path(other_studio, f"/{promotion_id}/item", version="v3")
    missing = await client.put(foreign, json=body, auth=other_studio.basic)
    assert (missing.status_code, missing.json()["errorCode"]) == (404, 9502)


async def test_delete_item_promotion(client: httpx.AsyncClient, studio: Studio) -> None:
    gone = await make_promotion(client, studio, "item", discount(price_conditions=PRICES))
    body = discount(price_conditions=PRICES, excluded_promotions=[gone])
    stays = await make_promotion(client, studio, "item", body)
    path = promotion_path(studio, f"/{gone}/item")
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    for reply in (await client.get(path, auth=studio.basic), await client.delete(path, auth=studio.basic)):
        assert (reply.status_code, reply.json()["errorCode"]) == (404, 9502)
    # What is read can be written back: nothing excludes what is gone.
    assert (await get_promotion(client, studio, "item", stays))["excluded_promotions"] == []


async def test_delete_item_promotion_v3(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    promotion_id = await make_promotion(client, studio, "item", discount(price_conditions=PRICES))
    foreign = promotion_path(other_studio, f"/{promotion_id}/item", version="v3")
    missing = await client.delete(foreign, auth=other_studio.basic)
    assert (missing.status_code, missing.json()["errorCode"]) == (404, 9502)
    path = promotion_path(studio, f"/{promotion_id}/item", version="v3")
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    db = studio.context.database.session()
    assert await find_promotion(db, studio.project_id, promotion_id) is None

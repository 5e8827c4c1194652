"""Promotions of every kind in one list, switched on and off, and what stands behind a code."""

from typing import Any

import httpx
import pytest

from haversack.promotions.queries import delete_promotion, find_promotion
from haversack.promotions.records import BonusItems, PromotionKind, PromotionLimits
from haversack.promotions.uses import Use
from make.catalog import any_sku, bundle, game, game_key, make_item, post_item, save_virtual_item, virtual_item
from make.client_catalog import new_player
from make.projects import Studio
from make.promotions import (
    bonus,
    discount,
    make_promotion,
    promotion_path,
    save_promotion,
)
from make.uses import take_uses


async def _list(client: httpx.AsyncClient, studio: Studio, *, version: str = "v2", **page: Any) -> dict[str, Any]:
    reply = await client.get(promotion_path(studio, version=version), params=page, auth=studio.basic)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def test_get_promotion_list(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = virtual_item(inventory_options={"consumable": {"usages_count": 3}, "expiration_period": None})
    await make_item(client, studio, body=lamp)
    crate, story = bundle(lamp["sku"]), game(game_key())
    for kind, body in (("bundle", crate), ("game", story)):
        assert (await post_item(client, studio, kind, body)).status_code == 201
    made = [
        await make_promotion(client, studio, "item", discount(lamp["sku"], date_end="2020-01-01T00:00:00Z")),
        await make_promotion(
            client, studio, "bonus", bonus(crate["sku"], story["sku"], condition=[{"sku": lamp["sku"]}])
        ),
    ]
    limits = PromotionLimits(per_user=2, per_code=3)
    coupon = await save_promotion(studio, PromotionKind.COUPON, limits=limits, is_enabled=False)
    found = await _list(client, studio)
    assert [each["id"] for each in found["promotions"]] == [*made, coupon.promotion_id]
    assert [each["type"] for each in found["promotions"]] == ["item_discount", "item_bonus", "coupon_bonus"]
    counts = [found[f"{which}_promotions_count"] for which in ("total", "active", "inactive")]
    assert counts == [3, 1, 2]
    first, second, third = found["promotions"]
    assert (first["discount"], first["bonus"], first["condition"]) == ({"percent": "10.00"}, [], None)
    assert (first["date_start"], first["date_end"]) == (None, "2020-01-01T00:00:00Z")
    (needed,) = second["condition"]
    assert (needed["item"]["sku"], needed["item"]["inventory_options"]["consumable"]) == (
        lamp["sku"],
        {"usages_count": 3},
    )
    given = [entry["item"] for entry in second["bonus"]]
    assert [entry["quantity"] for entry in second["bonus"]] == [2, 2]
    assert (given[0]["bundle_type"], [each["sku"] for each in given[0]["content"]]) == ("standard", [lamp["sku"]])
    assert "unit_items" not in given[0]
    (key,) = given[1]["unit_items"]
    assert (key["sku"], key["drm_sku"], key["drm_name"]) == (story["unit_items"][0]["sku"], "steam", "Steam")
    (code,) = third["condition"]
    assert (code["item"]["type"], code["item"]["external_id"]) == ("coupon", coupon.external_id)
    assert (code["item"]["redeem_user_limit"], code["item"]["redeem_code_limit"]) == (2, 3)
    assert third["limits"]["per_user"] == {"total": 2}


async def test_get_promotion_list_v3(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    sku, period = any_sku(), {"date_from": "2020-01-01T00:00:00Z", "date_until": None}
    await save_virtual_item(studio, sku)
    made = [
        await make_promotion(client, studio, "item", discount(sku, promotion_periods=[period]), version="v3")
        for _ in range(3)
    ]
    assert (await client.put(promotion_path(studio, f"/{made[1]}/deactivate"), auth=studio.basic)).status_code == 204
    whole = await _list(client, studio, version="v3")
    assert whole["promotions"][0]["promotion_periods"] == [period]
    for asked, expected in (
        ({"enabled": 1}, [made[0], made[2]]),
        ({"enabled": 0}, [made[1]]),
        ({"limit": 1, "offset": 1, "enabled": 1}, [made[2]]),
        ({"limit": 2}, made[:2]),
    ):
        page = await _list(client, studio, version="v3", **asked)
        assert [each["id"] for each in page["promotions"]] == expected
        # The counts are of all promotions, whichever are asked for.
        assert (page["total_promotions_count"], page["active_promotions_count"]) == (3, 2)
    bad = await client.get(promotion_path(studio, version="v3"), params={"enabled": 2}, auth=studio.basic)
    assert (bad.status_code, bad.json()["errorCode"]) == (422, 1102)
    assert (await _list(client, other_studio, version="v3"))["promotions"] == []


async def test_activate_promotion(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    coupon = await save_promotion(studio, PromotionKind.COUPON, is_enabled=False)
    rest = f"/{coupon.promotion_id}/activate"
    foreign = await client.put(promotion_path(other_studio, rest), auth=other_studio.basic)
    assert (foreign.status_code, foreign.json()["errorCode"]) == (422, 9502)
    for _ in range(2):
        assert (await client.put(promotion_path(studio, rest), auth=studio.basic)).status_code == 204
    db = studio.context.database.session()
    found = await find_promotion(db, studio.project_id, coupon.promotion_id)
    assert found is not None
    assert found.is_enabled


async def test_deactivate_promotion(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = any_sku()
    await save_virtual_item(studio, sku)
    promotion_id = await make_promotion(client, studio, "item", discount(sku))
    path = promotion_path(studio, f"/{promotion_id}/deactivate")
    assert (await client.put(path, auth=studio.basic)).status_code == 204
    found = await _list(client, studio)
    assert (found["promotions"][0]["is_enabled"], found["active_promotions_count"]) == (False, 0)
    deleted = await client.delete(promotion_path(studio, f"/{promotion_id}/item"), auth=studio.basic)
    assert deleted.status_code == 204
    missing = await client.put(path, auth=studio.basic)
    assert (missing.status_code, missing.json()["errorCode"]) == (422, 9502)


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_get_redeemable_promotion_by_code(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, version: str
) -> None:
    sku = any_sku()
    item_id = await save_virtual_item(studio, sku)
    coupon = await save_promotion(
        studio,
        PromotionKind.COUPON,
        "WINTER2026",
        limits=PromotionLimits(total=10, per_code=5),
        rewards=(BonusItems(((item_id, 3),)),),
    )
    player_id, _ = await new_player(studio)
    db = studio.context.database.session()
    for source, is_final in (("test:1", True), ("test:2", False)):
        async with db.begin():
            await take_uses(
                db,
                studio.project_id,
                player_id,
                [Use(coupon, "WINTER2026")],
                source=source,
                now=coupon.created_at,
                is_final=is_final,
            )
    path = promotion_path(studio, "/redeemable/code/WINTER2026", version=version)
    found = (await client.get(path, auth=studio.basic)).json()
    dates: dict[str, dict[str, Any]] = {"v2": {"date_start": None, "date_end": None}, "v3": {"promotion_periods": []}}
    assert found == {
        **dates[version],
        "external_id": coupon.external_id,
        "name": {"en-US": "Welcome"},
        "bonus": [{"sku": sku, "quantity": 3}],
        "is_enabled": True,
        "redeem_total_limit": 10,
        "redeem_user_limit": None,
        "redeem_code_limit": 5,
        "total_limit_state": {"available": 8, "reserved": 1, "used": 1},
        "discount": None,
        "discounted_items": None,
    }
    foreign = promotion_path(other_studio, "/redeemable/code/WINTER2026", version=version)
    # Codes are told apart by case.
    lower = promotion_path(studio, "/redeemable/code/winter2026", version=version)
    for missing, someone in ((foreign, other_studio), (lower, studio)):
        reply = await client.get(missing, auth=someone.basic)
        assert (reply.status_code, reply.json()["errorCode"]) == (404, 9811)


async def test_get_redeemable_promotion_by_code_v3_of_what_is_deleted(
    client: httpx.AsyncClient, studio: Studio
) -> None:
    gone = await save_promotion(studio, PromotionKind.PROMO_CODE, "ONCE")
    db = studio.context.database.session()
    async with db.begin():
        await delete_promotion(db, studio.project_id, gone.promotion_id, now=gone.created_at)
    path = promotion_path(studio, "/redeemable/code/ONCE", version="v3")
    assert (await client.get(path, auth=studio.basic)).status_code == 404
    # Its code may be another's.
    other = await save_promotion(studio, PromotionKind.PROMO_CODE, "ONCE")
    assert (await client.get(path, auth=studio.basic)).json()["external_id"] == other.external_id

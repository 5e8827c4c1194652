"""What promotions make of the client catalog: prices, what items say of them, and when that changes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from haversack.promotions.queries import find_promotion
from haversack.promotions.records import PromotionKind, PromotionLimits, RevealedItems
from haversack.promotions.uses import Use
from make.catalog import bundle, game, game_key, price, virtual_item
from make.client_catalog import catalog_path, freeze, id_of, new_player, read, read_skus, read_status, sell
from make.login import set_attributes
from make.orders import sell_for
from make.projects import Studio
from make.promotions import bonus, discount, make_promotion, promotion_path, save_promotion
from make.uses import take_uses

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
VIP = {"attribute": "rank", "type": "string", "operator": "eq", "value": "vip"}


async def find(client: httpx.AsyncClient, studio: Studio, sku: str, **options: Any) -> dict[str, Any]:
    page = await read(client, studio, **options)
    return next(item for item in page["items"] if item["sku"] == sku)


def shown(item: dict[str, Any]) -> tuple[str, str, list[str]]:
    """What an item costs, what it cost before, and the names of its promotions."""
    names = [promotion["name"] for promotion in item["promotions"]]
    return item["price"]["amount"], item["price"]["amount_without_discount"], names


async def test_a_discount_is_in_the_catalog(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item(prices=[price(10)]))
    other = await sell(client, studio, virtual_item(prices=[price(10)]))
    assert shown(await find(client, studio, sku)) == ("10.00", "10.00", [])
    promotion_id = await make_promotion(client, studio, "item", discount(sku))
    item = await find(client, studio, sku)
    assert shown(item) == ("9.00", "10.00", ["Summer sale"])
    assert item["promotions"][0] == {
        "name": "Summer sale",
        "date_start": None,
        "date_end": None,
        "discount": {"percent": "10.00", "value": "1.00"},
        "bonus": [],
    }
    assert shown(await find(client, studio, other)) == ("10.00", "10.00", [])
    await make_promotion(client, studio, "item", discount(sku, discount={"percent": "20.00"}, name={"en-US": "More"}))
    assert shown(await find(client, studio, sku)) == ("7.20", "10.00", ["Summer sale", "More"])
    path = promotion_path(studio, f"/{promotion_id}/deactivate")
    assert (await client.put(path, auth=studio.basic)).status_code == 204
    assert shown(await find(client, studio, sku)) == ("8.00", "10.00", ["More"])


async def test_names_are_in_the_language_of_the_caller(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item(prices=[price(10)]))
    await make_promotion(client, studio, "item", discount(sku, name={"en-US": "Sale", "de-DE": "Rabatt"}))
    assert (await find(client, studio, sku, locale="de"))["promotions"][0]["name"] == "Rabatt"
    assert (await find(client, studio, sku, locale="fr"))["promotions"][0]["name"] == "Sale"


async def test_a_discount_by_price_chooses_items(client: httpx.AsyncClient, studio: Studio) -> None:
    cheap = await sell(client, studio, virtual_item(prices=[price(1)]))
    dear = await sell(client, studio, virtual_item(prices=[price(50)]))
    body = discount(price_conditions=[{"operator": "ge", "value": "10"}], items=None)
    await make_promotion(client, studio, "item", body)
    assert shown(await find(client, studio, dear)) == ("45.00", "50.00", ["Summer sale"])
    assert shown(await find(client, studio, cheap)) == ("1.00", "1.00", [])


async def test_a_game_stands_for_its_keys(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, game(game_key()), "game")
    await make_promotion(client, studio, "item", discount(sku))
    page = await read(client, studio, "/game")
    unit = page["items"][0]["unit_items"][0]
    before = unit["price"]["amount_without_discount"]
    assert float(unit["price"]["amount"]) == pytest.approx(float(before) * 0.9, abs=0.006)
    assert [promotion["name"] for promotion in unit["promotions"]] == ["Summer sale"]


async def test_a_bonus_is_told_at_what_it_asks_for(client: httpx.AsyncClient, studio: Studio) -> None:
    sword = await sell(client, studio, virtual_item(prices=[price(10)]))
    shield = await sell(client, studio, virtual_item(prices=[price(10)]))
    gem = await sell(client, studio, virtual_item(prices=[price(10)]))
    both = {"condition": [{"sku": sword}, {"sku": shield}]}
    await make_promotion(client, studio, "bonus", bonus(gem, **both))
    for sku in (sword, shield):
        item = await find(client, studio, sku)
        assert shown(item) == ("10.00", "10.00", ["A present"])
        assert item["promotions"][0]["discount"] == {"percent": None, "value": None}
        given = item["promotions"][0]["bonus"]
        assert [(each["sku"], each["quantity"], each["type"]) for each in given] == [(gem, 2, "virtual_good")]
    assert shown(await find(client, studio, gem)) == ("10.00", "10.00", [])


async def test_what_is_free_or_has_no_price_is_not_discounted(client: httpx.AsyncClient, studio: Studio) -> None:
    free = await sell(client, studio, virtual_item(prices=[], is_free=True))
    unpriced, _ = await sell_for(client, studio)
    await make_promotion(client, studio, "item", discount(free, unpriced))
    for sku in (free, unpriced):
        item = await find(client, studio, sku)
        assert (item["price"], item["promotions"]) == (None, [])


async def test_the_page_changes_on_the_second(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item(prices=[price(10)]))
    await freeze(studio, NOW)
    dates = {"date_start": "2027-03-01T12:00:10+00:00", "date_end": "2027-03-01T12:00:20+00:00"}
    await make_promotion(client, studio, "item", discount(sku, **dates))
    for second, amount in ((9, "10.00"), (10, "9.00"), (19, "9.00"), (20, "10.00")):
        await freeze(studio, NOW + timedelta(seconds=second))
        assert (await find(client, studio, sku))["price"]["amount"] == amount, second


async def test_a_personal_discount_is_its_players_alone(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item(prices=[price(10)]))
    other = await sell(client, studio, virtual_item(prices=[price(10)]))
    await make_promotion(client, studio, "item", discount(sku, attribute_conditions=[VIP]))
    player_id, headers = await new_player(studio)
    for stranger in (None, headers):
        assert shown(await find(client, studio, sku, headers=stranger)) == ("10.00", "10.00", [])
    await set_attributes(studio, player_id, {"rank": "vip"})
    assert shown(await find(client, studio, sku, headers=headers)) == ("9.00", "10.00", ["Summer sale"])
    assert shown(await find(client, studio, other, headers=headers)) == ("10.00", "10.00", [])
    assert shown(await find(client, studio, sku)) == ("10.00", "10.00", [])
    single = await client.get(catalog_path(studio, f"/sku/{sku}"), headers=headers)
    assert single.json()["price"]["amount"] == "9.00"
    await set_attributes(studio, player_id, {"rank": "guest"})
    assert shown(await find(client, studio, sku, headers=headers)) == ("10.00", "10.00", [])


async def test_who_may_lack_an_attribute_and_has_another_value(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item(prices=[price(10)]))
    await make_promotion(client, studio, "item", discount(sku, attribute_conditions=[{**VIP, "can_be_missing": True}]))
    player_id, headers = await new_player(studio)
    assert shown(await find(client, studio, sku)) == ("9.00", "10.00", ["Summer sale"])
    assert shown(await find(client, studio, sku, headers=headers)) == ("9.00", "10.00", ["Summer sale"])
    await set_attributes(studio, player_id, {"rank": "guest"})
    assert shown(await find(client, studio, sku, headers=headers)) == ("10.00", "10.00", [])


async def _use(studio: Studio, player_id: UUID, promotion_id: int) -> None:
    db = studio.context.database.session()
    promotion = await find_promotion(db, studio.project_id, promotion_id)
    assert promotion is not None
    async with db.begin():
        await take_uses(db, studio.project_id, player_id, [Use(promotion)], source="test", now=NOW)


async def test_limits_of_a_promotion_are_shown_and_end_it(client: httpx.AsyncClient, studio: Studio) -> None:
    await freeze(studio, NOW)
    sku = await sell(client, studio, virtual_item(prices=[price(10)]))
    promotion_id = await make_promotion(client, studio, "item", discount(sku, limits={"per_user": 2}))
    player_id, headers = await new_player(studio)
    for left, amount in ((2, "9.00"), (1, "9.00"), (0, "10.00")):
        item = await find(client, studio, sku, headers=headers)
        assert item["price"]["amount"] == amount
        limits = [promotion["limits"] for promotion in item["promotions"]]
        assert limits == ([{"per_user": {"total": 2, "available": left}}] if left else [])
        await _use(studio, player_id, promotion_id) if left else None
    everybody = await find(client, studio, sku)
    assert everybody["promotions"][0]["limits"] == {"per_user": {"total": 2, "available": 2}}


async def test_a_limit_begins_anew_by_its_schedule(client: httpx.AsyncClient, studio: Studio) -> None:
    await freeze(studio, NOW)
    sku = await sell(client, studio, virtual_item(prices=[price(10)]))
    schedule = {"per_user": {"interval_type": "daily", "time": "00:00:00+00:00"}}
    limits = {"per_user": 1, "recurrent_schedule": schedule}
    promotion_id = await make_promotion(client, studio, "item", discount(sku, limits=limits))
    player_id, headers = await new_player(studio)
    await _use(studio, player_id, promotion_id)
    assert (await find(client, studio, sku, headers=headers))["price"]["amount"] == "10.00"
    midnight = NOW.replace(hour=0) + timedelta(days=1)
    await freeze(studio, midnight - timedelta(seconds=1))
    assert (await find(client, studio, sku, headers=headers))["price"]["amount"] == "10.00"
    await freeze(studio, midnight)
    assert (await find(client, studio, sku, headers=headers))["price"]["amount"] == "9.00"


async def test_a_unique_offer_shows_its_items_to_who_has_its_code(client: httpx.AsyncClient, studio: Studio) -> None:
    secret = await sell(client, studio, virtual_item(prices=[price(10)]))
    open_to_all = await sell(client, studio, virtual_item(prices=[price(10)]))
    item_id = await id_of(client, studio, secret)
    await save_promotion(
        studio,
        PromotionKind.UNIQUE_OFFER,
        "SESAME",
        "USED",
        rewards=(RevealedItems((item_id,)),),
        limits=PromotionLimits(per_user=1, per_code=1),
    )
    await make_promotion(client, studio, "item", discount(open_to_all))  # makes the catalogs look
    _, headers = await new_player(studio)
    assert await read_skus(client, studio) == [open_to_all]
    assert await read_skus(client, studio, headers=headers) == [open_to_all]
    assert await read_skus(client, studio, headers=headers, promo_code="OTHER") == [open_to_all]
    assert await read_skus(client, studio, headers=headers, promo_code="sesame") == [open_to_all]
    assert await read_skus(client, studio, promo_code="SESAME") == [open_to_all]
    assert await read_skus(client, studio, headers=headers, promo_code="SESAME") == [open_to_all, secret]
    page = await read(client, studio, headers=headers, promo_code="SESAME", limit=1)
    assert (page["has_more"], page["total_items_count"]) == (True, 2)
    page = await read(client, studio, limit=1)
    assert (page["has_more"], page["total_items_count"]) == (False, 1)
    assert await read_status(client, studio, f"/sku/{secret}") == (404, 4001)
    assert await read_status(client, studio, f"/sku/{secret}", headers=headers) == (404, 4001)
    known = {"headers": headers, "params": {"promo_code": "SESAME"}}
    assert await read_status(client, studio, f"/sku/{secret}", **known) == (200, None)


async def test_bundles_keep_the_list_prices_of_what_they_hold(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item(prices=[price(10)]))
    body = bundle({"sku": sku, "quantity": 2}, prices=[price(15)], is_show_in_store=True)
    box = await sell(client, studio, body, "bundle")
    await make_promotion(client, studio, "item", discount(sku, box))
    page = await read(client, studio, "/bundle")
    found = next(item for item in page["items"] if item["sku"] == box)
    assert shown(found) == ("13.50", "15.00", ["Summer sale"])
    assert found["total_content_price"]["amount"] == "20.00"

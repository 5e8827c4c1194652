"""What promotions make of carts: prices, bonuses, codes, and what is told of changes."""

from decimal import Decimal
from typing import Any

import httpx

from haversack.carts.queries import set_codes
from haversack.carts.rules import current_cart_id
from haversack.clock import real_now
from haversack.promotions.records import (
    BonusItems,
    CartPercent,
    CartPrice,
    Comparison,
    ItemPercent,
    PromotionKind,
    PromotionLimits,
    RevealedItems,
)
from make.carts import cart_path, codes_of, fill, get_cart
from make.catalog import consumable, price
from make.client_catalog import new_player, read, sell, use
from make.login import set_attributes
from make.orders import item_id_of
from make.projects import Studio
from make.promotions import bonus, discount, make_promotion, promotion_path, save_promotion

VIP = {"attribute": "rank", "type": "string", "operator": "eq", "value": "vip"}


async def give_code(studio: Studio, player_id: Any, *codes: str) -> None:
    """Put codes into the current cart."""
    db, key = studio.context.database.session(), current_cart_id(studio.project_id, player_id)
    given: dict[str, dict[str, str]] = {code: {} for code in codes}
    assert await set_codes(db, studio.project_id, player_id, key, given, today=real_now().date())


def amounts(cart: dict[str, Any]) -> tuple[str, str]:
    """What a cart costs, and what it would without discounts."""
    return tuple(str(Decimal(cart["price"][key]).quantize(Decimal("0.01"))) for key in PRICES)  # type: ignore[return-value]


PRICES = ("amount", "amount_without_discount")


async def test_a_cart_costs_what_the_catalog_says(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, consumable(prices=[price(10)]))
    await make_promotion(client, studio, "item", discount(sku))
    _, headers = await new_player(studio)
    cart = await fill(client, studio, headers, {sku: 1})
    shown = (await read(client, studio))["items"][0]
    assert Decimal(cart["items"][0]["price"]["amount"]) == Decimal(shown["price"]["amount"]) == 9
    assert cart["items"][0]["promotions"] == shown["promotions"]
    cart = await fill(client, studio, headers, {sku: 3})
    assert amounts(cart) == ("27.00", "30.00")
    assert (cart["promotions"], cart["warnings"]) == ([], [])
    assert await get_cart(client, studio, headers) == cart


async def test_each_line_is_rounded_once(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, consumable(prices=[price(0.99)]))
    await make_promotion(client, studio, "item", discount(sku, discount={"percent": "50"}))
    _, headers = await new_player(studio)
    assert amounts(await fill(client, studio, headers, {sku: 3})) == ("1.49", "2.97")


async def test_bonuses_stand_behind_the_lines(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, consumable(prices=[price(10)]))
    gem = await sell(client, studio, consumable(prices=[price(2)], limits={"per_user": 3}))
    await make_promotion(client, studio, "bonus", bonus(gem, condition=[{"sku": sku}]))
    await make_promotion(client, studio, "bonus", bonus(gem))
    player_id, headers = await new_player(studio)
    cart = await fill(client, studio, headers, {sku: 1})
    line, given = cart["items"]
    assert (given["sku"], given["quantity"], given["is_bonus"], given["is_free"]) == (gem, 4, True, True)
    assert (given["price"], line["is_bonus"], amounts(cart)) == (None, False, ("10.00", "10.00"))
    # It counts against its own limit.
    assert (given["can_be_bought"], codes_of(cart)) == (False, [(gem, 1460)])
    assert [each["name"] for each in line["promotions"]] == ["A present"]
    assert [each["name"] for each in cart["promotions"]] == ["A present"]
    await use(studio, player_id, await item_id_of(studio, gem), 3)
    assert codes_of(await get_cart(client, studio, headers)) == [(gem, 1460)]


async def test_a_code_of_the_cart(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, consumable(prices=[price(10)]))
    gem = await sell(client, studio, consumable(prices=[price(2)]))
    await save_promotion(
        studio,
        PromotionKind.PROMO_CODE,
        "SUMMER",
        rewards=(CartPercent(Decimal(20)), BonusItems(((await item_id_of(studio, gem), 1),))),
        conditions=(CartPrice((Comparison("ge", Decimal(20)),)),),
        limits=PromotionLimits(per_user=2),
    )
    player_id, headers = await new_player(studio)
    await fill(client, studio, headers, {sku: 2})
    await give_code(studio, player_id, "SUMMER")
    cart = await get_cart(client, studio, headers)
    assert amounts(cart) == ("16.00", "20.00")
    assert [item["sku"] for item in cart["items"]] == [sku, gem]
    # Nobody is told of a change that they made.
    assert cart["warnings"] == []
    assert cart["promotions"] == [
        {
            "name": "Welcome",
            "date_start": None,
            "date_end": None,
            "discount": {"percent": "20.00", "value": "4.00"},
            "bonus": cart["promotions"][0]["bonus"],
            "limits": {"per_user": {"total": 2, "available": 2}},
        }
    ]
    cart = await fill(client, studio, headers, {sku: 1})
    assert amounts(cart) == ("10.00", "10.00")
    assert codes_of(cart) == [(sku, 1402)], "the price of the line has changed, and not by a code"
    await give_code(studio, player_id)
    assert (await get_cart(client, studio, headers))["warnings"] == []
    for wrong in ("summer", "OTHER"):
        await give_code(studio, player_id, wrong)
        assert amounts(await get_cart(client, studio, headers)) == ("10.00", "10.00")


async def test_a_code_for_items_is_told_at_their_lines(client: httpx.AsyncClient, studio: Studio) -> None:
    sku, other = [await sell(client, studio, consumable(prices=[price(10)])) for _ in range(2)]
    reward = ItemPercent(Decimal(30), (await item_id_of(studio, sku),))
    await save_promotion(studio, PromotionKind.PROMO_CODE, "LAMPS", rewards=(reward,))
    player_id, headers = await new_player(studio)
    await fill(client, studio, headers, {sku: 1, other: 1})
    await give_code(studio, player_id, "LAMPS")
    cart = await get_cart(client, studio, headers)
    assert amounts(cart) == ("17.00", "20.00")
    assert [[each["name"] for each in item["promotions"]] for item in cart["items"]] == [["Welcome"], []]
    assert cart["promotions"] == []


async def test_what_has_changed_is_told(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, consumable(prices=[price(10)]))
    promotion_id = await make_promotion(client, studio, "item", discount(sku))
    _, headers = await new_player(studio)
    assert codes_of(await fill(client, studio, headers, {sku: 1})) == []
    path = promotion_path(studio, f"/{promotion_id}/deactivate")
    assert (await client.put(path, auth=studio.basic)).status_code == 204
    first = await get_cart(client, studio, headers)
    assert (amounts(first), codes_of(first)) == (("10.00", "10.00"), [(sku, 1402)])
    assert first["warnings"][0]["errorMessage"].endswith("has changed from 9.00 to 10.00 USD.")
    assert codes_of(await get_cart(client, studio, headers)) == []


async def test_a_personal_price(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, consumable(prices=[price(10)]))
    await make_promotion(client, studio, "item", discount(sku, attribute_conditions=[VIP]))
    player_id, headers = await new_player(studio)
    assert amounts(await fill(client, studio, headers, {sku: 1})) == ("10.00", "10.00")
    await set_attributes(studio, player_id, {"rank": "vip"})
    assert amounts(await get_cart(client, studio, headers)) == ("9.00", "10.00")
    await set_attributes(studio, player_id, {"rank": "none"})
    assert amounts(await get_cart(client, studio, headers)) == ("10.00", "10.00")


async def test_items_of_a_unique_offer_want_its_code(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, consumable(prices=[price(10)]))
    reward = RevealedItems((await item_id_of(studio, sku),))
    await save_promotion(studio, PromotionKind.UNIQUE_OFFER, "SESAME", rewards=(reward,))
    player_id, headers = await new_player(studio)
    cart = await fill(client, studio, headers, {sku: 1})
    assert (cart["items"][0]["can_be_bought"], codes_of(cart)) == (False, [(sku, 1455)])
    await give_code(studio, player_id, "SESAME")
    cart = await get_cart(client, studio, headers)
    assert (cart["items"][0]["can_be_bought"], codes_of(cart)) == (True, [])
    assert (await client.put(cart_path(studio, "/clear"), headers=headers)).status_code == 204

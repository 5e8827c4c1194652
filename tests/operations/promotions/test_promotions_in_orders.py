"""What promotions make of orders: frozen prices, bonuses, uses that are held, used or given back, webhooks."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from haversack.errors import Refusal
from haversack.limits.records import Uses
from haversack.orders.actions import expire_due_orders
from haversack.orders.records import Order, OrderState
from haversack.orders.rules import OrderNotPayable
from haversack.promotions.records import (
    BonusItems,
    CartPercent,
    ItemPercent,
    Promotion,
    PromotionKind,
    PromotionLimits,
    RevealedItems,
    Reward,
)
from haversack.promotions.use_queries import find_total, find_uses
from haversack.webhooks.order_events import OrderPaid
from make.carts import fill, get_cart
from make.catalog import game, game_key, price, virtual_item
from make.client_catalog import freeze, read_status, sell
from make.inventory import differences_of
from make.keys import upload
from make.login import set_attributes
from make.orders import (
    Buyer,
    cancel,
    item_id_of,
    later,
    make_buyer,
    order_money,
    owned_of,
    pay,
    payment_of,
    project_of,
    read_order,
    refund,
    sell_for,
    sell_for_money,
    stored,
    take_free,
)
from make.projects import Studio
from make.promotions import bonus, discount, make_promotion, save_promotion

VIP = {"attribute": "rank", "type": "string", "operator": "eq", "value": "vip"}


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    return await make_buyer(studio)


async def uses_of(buyer: Buyer, promotion_id: int) -> int:
    """How often a player has used a promotion."""
    db = buyer.studio.context.database.session()
    found: Uses | None = await find_uses(db, buyer.studio.project_id, promotion_id, buyer.player_id)
    return 0 if found is None else found.used


async def total_of(studio: Studio, promotion: Promotion) -> tuple[int, int]:
    """Uses by everybody: used, reserved."""
    return await find_total(studio.context.database.session(), studio.project_id, promotion.promotion_id)


async def promo_code(studio: Studio, *rewards: Reward, code: str = "SUMMER", **limits: Any) -> Promotion:
    rewards = rewards or (CartPercent(Decimal(20)),)
    return await save_promotion(
        studio, PromotionKind.PROMO_CODE, code, rewards=rewards, limits=PromotionLimits(**limits)
    )


async def test_an_order_freezes_what_promotions_made_of_it(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku, gem = await sell_for_money(client, studio, 10), await sell_for_money(client, studio, 2)
    sale = await make_promotion(client, studio, "item", discount(sku, limits={"per_user": 1}))
    present = await make_promotion(client, studio, "bonus", bonus(gem, condition=[{"sku": sku}]))
    order = await order_money(buyer, (sku, 2))
    assert (order.amount, order.amount_without_discount) == (Decimal("18.00"), Decimal("20.00"))
    assert [(line.sku, line.quantity, line.is_bonus) for line in order.lines] == [(sku, 2, False), (gem, 2, True)]
    assert [each.promotion_id for each in order.promotions] == [sale, present]
    assert await stored(studio, order.order_id) == order
    assert await uses_of(buyer, sale) == 1
    # What the promotion has become since does not matter.
    path = f"/api/v2/project/{studio.project_id}/admin/promotion/{sale}/item"
    assert (await client.delete(path, auth=studio.basic)).status_code == 204
    await pay(studio, order)
    assert (await owned_of(buyer, sku), await owned_of(buyer, gem)) == (2, 2)
    shown = await read_order(client, buyer, order.order_id)
    assert shown["content"]["price"]["amount"] == "18.00"


async def test_a_promotion_that_is_used_up_sells_at_the_full_price(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku = await sell_for_money(client, studio, 10)
    sale = await make_promotion(client, studio, "item", discount(sku, limits={"per_user": 1}))
    assert (await order_money(buyer, sku)).amount == 9
    assert (await order_money(buyer, sku)).amount == 10
    assert await uses_of(buyer, sale) == 1
    assert (await order_money(await make_buyer(studio), sku)).amount == 9
    assert not await differences_of(studio)


async def test_an_order_that_ends_unpaid_gives_its_uses_back_once(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku = await sell_for_money(client, studio, 10)
    code = await promo_code(studio, per_user=2, total=5, per_code=5)
    sale = await make_promotion(client, studio, "item", discount(sku, limits={"per_user": 9}))
    canceled = await order_money(buyer, sku, promo_codes=["SUMMER"])
    expired = await order_money(buyer, sku, promo_codes=["SUMMER"])
    assert canceled.amount == Decimal("7.20")
    assert (await uses_of(buyer, sale), await uses_of(buyer, code.promotion_id)) == (2, 2)
    assert await total_of(studio, code) == (0, 2)
    await cancel(studio, canceled)
    await cancel(studio, canceled)
    assert (await uses_of(buyer, sale), await total_of(studio, code)) == (1, (0, 1))
    await freeze(studio, later(expired, hours=25))
    await expire_due_orders(studio.context)
    await expire_due_orders(studio.context)
    assert (await uses_of(buyer, sale), await total_of(studio, code)) == (0, (0, 0))
    # A payment that began in time makes it live again, with all that it used.
    await pay(studio, expired)
    assert (await uses_of(buyer, sale), await total_of(studio, code)) == (1, (1, 0))
    assert not await differences_of(studio)


async def test_a_late_payment_goes_back_where_others_have_the_uses(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku = await sell_for_money(client, studio, 10)
    await promo_code(studio, total=1)
    order = await order_money(buyer, sku, promo_codes=["SUMMER"])
    await freeze(studio, later(order, hours=25))
    await expire_due_orders(studio.context)
    assert (await order_money(await make_buyer(studio), sku, promo_codes=["SUMMER"])).amount == 8
    with pytest.raises(OrderNotPayable):
        await pay(studio, order)
    assert (await stored(studio, order.order_id)).state is OrderState.EXPIRED
    assert not await differences_of(studio)


async def test_a_refund_keeps_the_uses(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, 10)
    code = await promo_code(studio, per_user=1)
    order = await order_money(buyer, sku, promo_codes=["SUMMER"])
    payment = payment_of(order)
    await pay(studio, order, payment)
    assert await total_of(studio, code) == (1, 0)
    await refund(studio, order, payment)
    assert (await uses_of(buyer, code.promotion_id), await total_of(studio, code)) == (1, (1, 0))
    assert not await differences_of(studio)


async def test_a_code_by_item_orders(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, 10)
    await promo_code(studio, per_code=1)
    path = f"/api/v2/project/{studio.project_id}/payment/item/{sku}"
    for wrong in ("NOTHING", "summer"):
        reply = await client.post(path, json={"promo_code": wrong}, headers=buyer.headers)
        assert (reply.status_code, reply.json()["errorCode"]) == (404, 9807)
    reply = await client.post(path, json={"promo_code": "SUMMER"}, headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    assert (await stored(studio, reply.json()["order_id"])).amount == 8
    # Used up is as good as unknown.
    reply = await client.post(path, json={"promo_code": "SUMMER"}, headers=buyer.headers)
    assert (reply.status_code, reply.json()["errorCode"]) == (404, 9807)
    reply = await client.post(path, json={"promo_code": ""}, headers=buyer.headers)
    assert reply.status_code == 200, reply.text


async def test_a_unique_offer_is_used_when_its_item_is_bought(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku, open_to_all = await sell_for_money(client, studio, 10), await sell_for_money(client, studio, 10)
    reward = RevealedItems((await item_id_of(studio, sku),))
    offer = await save_promotion(
        studio, PromotionKind.UNIQUE_OFFER, "SESAME", rewards=(reward,), limits=PromotionLimits(per_code=1)
    )
    with pytest.raises(Refusal) as refused:
        await order_money(buyer, sku)
    assert refused.value.kind.code == 1455
    assert (await order_money(buyer, open_to_all, promo_codes=["SESAME"])).promotions == ()
    assert await total_of(studio, offer) == (0, 0)
    known = {"headers": buyer.headers, "params": {"promo_code": "SESAME"}}
    assert (await read_status(client, studio, f"/sku/{sku}", **known))[0] == 200
    order = await order_money(buyer, sku, promo_codes=["SESAME"])
    assert (order.amount, [each.code for each in order.promotions]) == (Decimal("10.00"), ["SESAME"])
    assert await total_of(studio, offer) == (0, 1)
    await pay(studio, order)
    assert await total_of(studio, offer) == (1, 0)
    assert (await read_status(client, studio, f"/sku/{sku}", **known))[0] == 404
    assert not await differences_of(studio)


async def test_items_of_a_unique_offer_for_a_virtual_currency(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku, currency = await sell_for(client, studio, 1)
    reward = RevealedItems((await item_id_of(studio, sku),))
    await save_promotion(studio, PromotionKind.UNIQUE_OFFER, "SESAME", rewards=(reward,))
    path = f"/api/v2/project/{studio.project_id}/payment/item/{sku}/virtual/{currency}"
    reply = await client.post(path, headers=buyer.headers)
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 1455)
    reply = await client.post(path, json={"promo_code": "OTHER"}, headers=buyer.headers)
    assert (reply.status_code, reply.json()["errorCode"]) == (404, 9807)
    reply = await client.post(path, json={"promo_code": "SESAME"}, headers=buyer.headers)
    assert reply.json()["errorCode"] == 5006, "it may be bought, but not without money"


async def test_what_costs_nothing_by_a_discount_is_ordered_as_free(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku = await sell_for_money(client, studio, 10)
    await promo_code(studio, CartPercent(Decimal(100)), code="GIFT", per_user=1)
    with pytest.raises(Refusal) as refused:
        await order_money(buyer, sku, promo_codes=["GIFT"])
    assert refused.value.kind.code == 1456
    reply = await take_free(client, buyer, sku, promo_code="GIFT")
    assert reply.status_code == 200, reply.text
    assert await owned_of(buyer, sku) == 1
    assert (await take_free(client, buyer, sku)).json()["errorCode"] == 1421
    assert (await take_free(client, buyer, sku, promo_code="NOTHING")).json()["errorCode"] == 9807
    # The player has had it once: whoever gives a code is told that it takes nothing off any more.
    assert (await take_free(client, buyer, sku, promo_code="GIFT")).json()["errorCode"] == 9804
    assert not await differences_of(studio)


async def test_a_bonus_counts_against_its_own_limit(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, 10)
    gem = await sell_for_money(client, studio, 2, limits={"per_user": 2})
    await make_promotion(client, studio, "bonus", bonus(gem, condition=[{"sku": sku}]))
    await pay(studio, await order_money(buyer, sku))
    assert await owned_of(buyer, gem) == 2
    with pytest.raises(Refusal) as refused:
        await order_money(buyer, sku)
    assert refused.value.kind.code == 1460
    assert refused.value.faults[0].property == f"items.{gem}"


async def test_a_bonus_that_is_owned_already_is_left_out(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku = await sell_for_money(client, studio, 10)
    skin = await sell(client, studio, virtual_item(prices=[price(2)]))
    body = bonus(skin, condition=[{"sku": sku}])
    body["bonus"][0]["quantity"] = 1
    await make_promotion(client, studio, "bonus", body)
    for _ in range(2):
        await pay(studio, await order_money(buyer, sku))
    assert (await owned_of(buyer, sku), await owned_of(buyer, skin)) == (2, 1)


async def test_a_game_as_a_bonus_wherever_its_key_is_sold(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku = await sell_for_money(client, studio, 10)
    key = game_key()
    title = await sell(client, studio, game(key), "game")
    await upload(client, studio, key["sku"], ["ONLY-ONE"])
    body = bonus(title, condition=[{"sku": sku}])
    body["bonus"][0]["quantity"] = 1
    await make_promotion(client, studio, "bonus", body)
    order = await order_money(buyer, sku)
    assert [line.sku for line in order.lines] == [sku, key["sku"]]
    await pay(studio, order)
    with pytest.raises(Refusal) as refused:
        await order_money(buyer, sku)
    assert refused.value.kind.code == 1424


async def test_attributes_are_read_again_at_the_purchase(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku = await sell_for_money(client, studio, 10)
    await make_promotion(client, studio, "item", discount(sku, attribute_conditions=[VIP]))
    assert (await order_money(buyer, sku)).amount == 10
    await set_attributes(studio, buyer.player_id, {"rank": "vip"})
    assert (await order_money(buyer, sku)).amount == 9
    await set_attributes(studio, buyer.player_id, {"rank": "none"})
    assert (await order_money(buyer, sku)).amount == 10


async def test_the_search_and_the_webhook_tell_of_promotions(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku, other = await sell_for_money(client, studio, 10), await sell_for_money(client, studio, 5)
    await make_promotion(client, studio, "item", discount(sku))
    await make_promotion(client, studio, "item", discount(sku, discount={"percent": "50"}))
    code = await promo_code(studio)
    order = await order_money(buyer, sku, other, promo_codes=["SUMMER"])
    assert (order.amount, order.amount_without_discount) == (Decimal("7.60"), Decimal("15.00"))
    paid: Order = replace(order, state=OrderState.PAID)
    told = OrderPaid(order=paid).payload(await project_of(studio), version=1)
    assert told["order"]["promotions"] == [
        {"amount_without_discount": "9.5000", "amount_with_discount": "7.6000", "sequence": 1}
    ]
    assert told["order"]["promocodes"] == [{"code": "SUMMER", "external_id": code.external_id}]
    assert told["items"][0]["promotions"] == [
        {"amount_without_discount": "10.0000", "amount_with_discount": "9.0000", "sequence": 1},
        {"amount_without_discount": "9.0000", "amount_with_discount": "4.5000", "sequence": 2},
    ]
    assert told["items"][1]["promotions"] == []
    path = f"/api/v3/project/{studio.project_id}/admin/order/search"
    found = (await client.post(path, json={}, auth=studio.basic)).json()["orders"][0]
    assert len(found["promotions"]) == 3
    assert [(each["code"], each["coupon_id"]) for each in found["coupons"]] == [("SUMMER", code.promotion_id)]


async def test_rewards_by_items_of_a_code(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku, gem = await sell_for_money(client, studio, 10), await sell_for_money(client, studio, 2)
    ids = [await item_id_of(studio, each) for each in (sku, gem)]
    await promo_code(studio, ItemPercent(Decimal(50), (ids[0],)), BonusItems(((ids[1], 3),)))
    order = await order_money(buyer, sku, promo_codes=["SUMMER"])
    assert order.amount == 5
    await pay(studio, order)
    assert await owned_of(buyer, gem) == 3


async def test_a_paid_order_takes_its_code_off_the_cart(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku, other = await sell_for_money(client, studio, 10), await sell_for_money(client, studio, 5)
    await promo_code(studio)
    await fill(client, studio, buyer.headers, {sku: 1})
    path = f"/api/v2/project/{studio.project_id}"
    body = {"coupon_code": "SUMMER", "cart": {"id": "current"}}
    assert (await client.post(f"{path}/promocode/redeem", json=body, headers=buyer.headers)).status_code == 200
    reply = await client.post(f"{path}/payment/cart", json={"country": "US"}, headers=buyer.headers)
    order = await stored(studio, reply.json()["order_id"])
    assert order.amount == 8
    await fill(client, studio, buyer.headers, {other: 1})
    await pay(studio, order)
    cart = await get_cart(client, studio, buyer.headers)
    assert [(item["sku"], float(item["price"]["amount"])) for item in cart["items"]] == [(other, 5.0)]


async def test_the_catalog_is_no_way_to_guess_codes(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, 10)
    reward = RevealedItems((await item_id_of(studio, sku),))
    await save_promotion(studio, PromotionKind.UNIQUE_OFFER, "SESAME", rewards=(reward,))

    async def sees(code: str) -> bool:
        found = await read_status(client, studio, f"/sku/{sku}", headers=buyer.headers, params={"promo_code": code})
        return found[0] == 200

    # A client that sends one wrong code all the time does not guess.
    assert not any([await sees("OLD") for _ in range(20)])
    assert await sees("SESAME")
    assert not any([await sees(f"GUESS{number}") for number in range(20)])
    assert not await sees("SESAME"), "after so many guesses no code is taken for a while"


async def test_uses_that_no_order_holds_are_found(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, 10)
    code = await promo_code(studio)
    order = await order_money(buyer, sku, promo_codes=["SUMMER"])
    assert not await differences_of(studio)
    # The sum of both stays, so that the ledger alone does not tell.
    change = "UPDATE promotion_totals SET reserved = reserved + $2, used = used - $2 WHERE promotion_id = $1"
    await pay(studio, order)
    async with studio.context.database.connection() as connection:
        await connection.execute(change, code.promotion_id, 1)
    found = await differences_of(studio)
    assert [each.check for each in found] == ["uses of promotions that orders hold"]
    async with studio.context.database.connection() as connection:
        await connection.execute(change, code.promotion_id, -1)
    assert not await differences_of(studio)


async def test_a_code_that_does_nothing_for_the_item(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku, other = await sell_for_money(client, studio, 10), await sell_for_money(client, studio, 5)
    await promo_code(studio, ItemPercent(Decimal(50), (await item_id_of(studio, other),)))
    path = f"/api/v2/project/{studio.project_id}/payment/item/{sku}"
    reply = await client.post(path, json={"promo_code": "SUMMER"}, headers=buyer.headers)
    assert (reply.status_code, reply.json()["errorCode"]) == (404, 9807)
    # A cart has shown what it costs.
    assert (await order_money(buyer, sku, promo_codes=["SUMMER"], cart_id="mine")).amount == 10

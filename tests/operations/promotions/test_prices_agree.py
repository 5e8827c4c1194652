"""Catalog, cart, order and payment say the same price, whatever promotions there are."""

from decimal import Decimal
from random import Random
from typing import Any

import httpx
import pytest

from make.carts import fill, get_cart
from make.catalog import price, virtual_item
from make.client_catalog import read, sell
from make.login import set_attributes
from make.orders import Buyer, make_buyer, order_money, stored
from make.projects import Studio
from make.promotions import bonus, discount, make_promotion

CURRENCIES = (("USD", 2), ("JPY", 0), ("KWD", 3))


def amount_of(random: Random, decimals: int) -> Decimal:
    return Decimal(random.randint(1, 50_000)).scaleb(-decimals)


async def promote(client: httpx.AsyncClient, studio: Studio, random: Random, skus: list[str]) -> None:
    """Promotions of every kind that the catalog shows, some for a player of a rank, some excluding the one before."""
    before: list[int] = []
    for _ in range(random.randint(3, 8)):
        changes: dict[str, Any] = {}
        if random.random() < 0.3:
            condition = {
                "attribute": "rank",
                "type": "string",
                "operator": "eq",
                "value": random.choice(["vip", "new"]),
            }
            changes["attribute_conditions"] = [condition]
        if before and random.random() < 0.3:
            changes["excluded_promotions"] = before[-1:]
        if random.random() < 0.2:
            changes["limits"] = {"per_user": 100}
        some = random.sample(skus, random.randint(1, len(skus)))
        if random.random() < 0.25:
            body = bonus(some[0], condition=[{"sku": sku} for sku in some[:2]], **changes)
            before.append(await make_promotion(client, studio, "bonus", body))
            continue
        changes["discount"] = {"percent": f"{random.randint(1, 9_999) / 100:.2f}"}
        if random.random() < 0.3:
            least = f"{amount_of(random, 2):f}"
            body = discount(price_conditions=[{"operator": random.choice(["ge", "lt"]), "value": least}], **changes)
        else:
            body = discount(*some, **changes)
        before.append(await make_promotion(client, studio, "item", body, version="v3"))


async def in_catalog(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> dict[str, tuple[Decimal, Decimal]]:
    items = (await read(client, studio, headers=buyer.headers))["items"]
    return {item["sku"]: of(item["price"]) for item in items}


def of(shown: dict[str, str]) -> tuple[Decimal, Decimal]:
    return Decimal(shown["amount"]), Decimal(shown["amount_without_discount"])


@pytest.mark.parametrize("seed", range(9))
async def test_prices_agree(client: httpx.AsyncClient, studio: Studio, seed: int) -> None:
    random = Random(seed)
    currency, decimals = CURRENCIES[seed % len(CURRENCIES)]
    skus = []
    for _ in range(5):
        amount = float(amount_of(random, decimals))
        body = virtual_item(prices=[price(amount, currency)], inventory_options={"consumable": {"usages_count": 1}})
        skus.append(await sell(client, studio, body))
    await promote(client, studio, random, skus)
    buyer = await make_buyer(studio)
    await set_attributes(studio, buyer.player_id, {"rank": "vip"})
    shown = await in_catalog(client, studio, buyer)
    for sku in skus:
        cart_id = f"only-{sku}"
        await fill(client, studio, buyer.headers, {sku: 1}, cart_id=cart_id)
        cart = await get_cart(client, studio, buyer.headers, cart_id=cart_id)
        (line,) = [item for item in cart["items"] if not item["is_bonus"]]
        assert of(line["price"]) == of(cart["price"]) == shown[sku], sku
        if shown[sku][0] > 0:
            order = await order_money(buyer, sku, country=None, currency=currency)
            assert (order.amount, order.amount_without_discount) == shown[sku]
    quantities = {sku: random.randint(1, 9) for sku in skus}
    await fill(client, studio, buyer.headers, quantities)
    cart = await get_cart(client, studio, buyer.headers)
    path = f"/api/v2/project/{studio.project_id}/payment/cart"
    reply = await client.post(path, json={"currency": currency}, headers=buyer.headers)
    assert reply.status_code == 200, reply.text
    order = await stored(studio, reply.json()["order_id"])
    assert (order.amount, order.amount_without_discount) == of(cart["price"])
    lines = {line.sku: line.amount for line in order.lines if not line.is_bonus}
    assert lines == {item["sku"]: of(item["price"])[0] for item in cart["items"] if not item["is_bonus"]}
    assert sum(amount or 0 for amount in lines.values()) == order.amount
    given = {line.sku: line.quantity for line in order.lines if line.is_bonus}
    assert given == {item["sku"]: item["quantity"] for item in cart["items"] if item["is_bonus"]}

"""Purchases for a virtual currency: charged, given and told in the call, or refused with nothing changed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from haversack.clock import Clock
from haversack.projects.actions import set_clock
from haversack.projects.records import OrderDestination
from make import catalog
from make.client_catalog import sell
from make.orders import (
    Buyer,
    balance_of,
    buy,
    change_project,
    fund,
    item_id_of,
    ledger_of,
    make_buyer,
    owned_of,
    read_order,
    sell_for,
    sell_for_money,
    sell_free,
    stock_of,
    stored,
)
from make.projects import Studio
from make.taxonomy import make_region, refusal


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    """A player without a penny."""
    return await make_buyer(studio)


async def test_create_order_with_item_for_virtual_currency(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    sku, gold = await sell_for(client, studio, 70)
    await fund(buyer, gold, 100)
    reply = await buy(client, buyer, sku, gold, json={"custom_parameters": {"slot": 3}})
    assert reply.status_code == 200, reply.text
    order_id = reply.json()["order_id"]
    assert set(reply.json()) == {"order_id"}
    assert (await balance_of(buyer, gold), await owned_of(buyer, sku)) == (30, 1)
    price = {"amount": "70", "amount_without_discount": "70", "currency": gold}
    assert await read_order(client, buyer, order_id) == {
        "order_id": order_id,
        "status": "done",
        "content": {
            "price": None,
            "virtual_price": price,
            "is_free": False,
            "items": [{"sku": sku, "quantity": 1, "is_free": False, "price": price}],
        },
    }
    order = await stored(studio, order_id)
    assert (order.platform, order.custom_parameters, order.is_sandbox) == ("xsolla", {"slot": 3}, False)
    item = str(await item_id_of(studio, sku))
    assert (await ledger_of(buyer))[1:] == [("balance", gold, -70, ""), ("item", item, 1, "")]


@pytest.mark.parametrize(
    "body", [None, {}, {"sandbox": True}, {"custom_parameters": None, "price": "0", "user_id": "x"}]
)
async def test_bodies_of_clients(client: httpx.AsyncClient, studio: Studio, buyer: Buyer, body: Any) -> None:
    sku, gold = await sell_for(client, studio, 70)
    await fund(buyer, gold, 70)
    options = {} if body is None else {"json": body}
    reply = await buy(client, buyer, sku, gold, params={"platform": "android_standalone"}, **options)
    assert reply.status_code == 200, reply.text
    order = await stored(studio, reply.json()["order_id"])
    assert (order.amount, order.player_id, order.platform) == (70, buyer.player_id, "android_standalone")
    assert order.is_sandbox is bool(body and body.get("sandbox"))


async def test_too_little_money_changes_nothing(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku, gold = await sell_for(client, studio, 70, limits={"per_item": 5, "per_user": 2})
    await fund(buyer, gold, 69)
    before = await ledger_of(buyer)
    reply = await buy(client, buyer, sku, gold)
    assert refusal(reply) == (422, 5006)
    assert reply.json()["errorMessage"] == "[0401-5006]: Not enough virtual currency"
    assert (await balance_of(buyer, gold), await owned_of(buyer, sku)) == (69, 0)
    assert await ledger_of(buyer) == before
    stock = await stock_of(studio, sku)
    assert (stock.available, stock.reserved, stock.sold) == (5, 0, 0)


async def test_who_has_no_balance_at_all(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku, gold = await sell_for(client, studio)
    assert refusal(await buy(client, buyer, sku, gold)) == (422, 5006)


async def test_items_that_cannot_be_bought_so(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku, gold = await sell_for(client, studio)
    for_money = await sell_for_money(client, studio)
    free = await sell_free(client, studio)
    assert refusal(await buy(client, buyer, "nothing", gold)) == (404, 4001)
    assert refusal(await buy(client, buyer, for_money, gold)) == (422, 4054)
    assert refusal(await buy(client, buyer, sku, "silver")) == (422, 4054)
    assert refusal(await buy(client, buyer, free, gold)) == (422, 1456)


async def test_items_that_are_not_for_sale(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    disabled, gold = await sell_for(client, studio, is_enabled=False)
    hidden, _ = await sell_for(client, studio, currency=gold, is_show_in_store=False)
    over, _ = await sell_for(
        client,
        studio,
        currency=gold,
        periods=[{"date_from": "2020-01-01T00:00:00Z", "date_until": "2021-01-01T00:00:00Z"}],
    )
    await fund(buyer, gold, 1000)
    for sku in (disabled, hidden, over):
        assert refusal(await buy(client, buyer, sku, gold)) == (422, 1455), sku


async def test_regions(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    region_id = await make_region(client, studio, countries=["JP"])
    sku, gold = await sell_for(client, studio, regions=[{"id": region_id}])
    await fund(buyer, gold, 1000)
    assert refusal(await buy(client, buyer, sku, gold)) == (422, 1601)
    abroad = {**buyer.headers, "x-user-country": "us"}
    assert refusal(await buy(client, buyer, sku, gold, headers=abroad)) == (422, 1601)
    at_home = {**buyer.headers, "x-user-country": "jp"}
    assert (await buy(client, buyer, sku, gold, headers=at_home)).status_code == 200


async def test_what_is_owned_once(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku, gold = await sell_for(client, studio, inventory_options={"consumable": None, "expiration_period": None})
    await fund(buyer, gold, 1000)
    assert (await buy(client, buyer, sku, gold)).status_code == 200
    assert refusal(await buy(client, buyer, sku, gold)) == (422, 1468)
    assert (await balance_of(buyer, gold), await owned_of(buyer, sku)) == (900, 1)


async def test_stock(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku, gold = await sell_for(client, studio, limits={"per_item": 2})
    await fund(buyer, gold, 1000)
    for _ in range(2):
        assert (await buy(client, buyer, sku, gold)).status_code == 200
    assert refusal(await buy(client, buyer, sku, gold)) == (422, 1455)
    stock = await stock_of(studio, sku)
    assert (stock.available, stock.reserved, stock.sold) == (0, 0, 2)
    item = str(await item_id_of(studio, sku))
    assert [row for row in await ledger_of(buyer) if row[0] == "stock"] == [("stock", item, 1, "sold")] * 2


async def test_a_player_s_limit_begins_anew(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    limits = {
        "per_user": {"total": 1, "limit_exceeded_visibility": "show"},
        "recurrent_schedule": {"per_user": {"interval_type": "daily", "time": "08:00:00+00:00"}},
    }
    sku, gold = await sell_for(client, studio, limits=limits)
    await fund(buyer, gold, 1000)
    morning = datetime(2027, 5, 4, 9, tzinfo=UTC)
    await set_clock(studio.context, studio.project_id, Clock(frozen_at=morning))
    assert (await buy(client, buyer, sku, gold)).status_code == 200
    assert refusal(await buy(client, buyer, sku, gold)) == (422, 1460)
    await set_clock(studio.context, studio.project_id, Clock(frozen_at=morning + timedelta(hours=23)))
    assert (await buy(client, buyer, sku, gold)).status_code == 200
    uses = [row for row in await ledger_of(buyer) if row[0] == "uses"]
    item = str(await item_id_of(studio, sku))
    assert uses == [
        ("uses", item, 1, "2027-05-04T08:00:00+00:00"),
        ("uses", item, 1, "2027-05-05T08:00:00+00:00"),
    ]


async def test_a_package_pays_out(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    gold = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    gems = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    price = [{"sku": gold, "amount": 10, "is_default": True, "is_enabled": True}]
    sack = await sell(client, studio, catalog.package(gems, prices=[], vc_prices=price), "package")
    await fund(buyer, gold, 10)
    assert (await buy(client, buyer, sack, gold)).status_code == 200
    assert (await balance_of(buyer, gold), await balance_of(buyer, gems)) == (0, 500)


async def test_a_package_of_the_currency_that_pays_for_it(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer
) -> None:
    gold = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    price = [{"sku": gold, "amount": 400, "is_default": True, "is_enabled": True}]
    sack = await sell(client, studio, catalog.package(gold, prices=[], vc_prices=price), "package")
    await fund(buyer, gold, 399)
    assert refusal(await buy(client, buyer, sack, gold)) == (422, 5006)
    await fund(buyer, gold, 1)
    assert (await buy(client, buyer, sack, gold)).status_code == 200
    assert await balance_of(buyer, gold) == 500


async def test_a_bundle_is_unfolded(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    gold = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    options = {"inventory_options": {"consumable": {"usages_count": 1}}}
    lamp = await sell(client, studio, catalog.virtual_item(**options))
    inner = await sell(client, studio, catalog.bundle({"sku": lamp, "quantity": 3}), "bundle")
    price = [{"sku": gold, "amount": 10, "is_default": True, "is_enabled": True}]
    content = ({"sku": inner, "quantity": 2}, lamp, {"sku": gold, "quantity": 4})
    body = catalog.bundle(*content, prices=[], vc_prices=price, is_show_in_store=True)
    crate = await sell(client, studio, body, "bundle")
    await fund(buyer, gold, 10)
    reply = await buy(client, buyer, crate, gold)
    assert reply.status_code == 200, reply.text
    assert (await balance_of(buyer, gold), await owned_of(buyer, lamp)) == (4, 7)
    order = await stored(studio, reply.json()["order_id"])
    assert [(line.sku, line.quantity, line.parent_line_no) for line in order.lines] == [
        (crate, 1, None),
        (inner, 2, 1),
        (lamp, 6, 2),
        (lamp, 1, 1),
        (gold, 4, 1),
    ]
    assert len((await read_order(client, buyer, order.order_id))["content"]["items"]) == 1


async def test_pieces_with_uses_and_items_with_an_end(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    scroll, gold = await sell_for(client, studio, inventory_options={"consumable": {"usages_count": 5}})
    expiry = {"consumable": None, "expiration_period": {"type": "day", "value": 2}}
    badge, _ = await sell_for(client, studio, currency=gold, inventory_options=expiry)
    await fund(buyer, gold, 1000)
    for sku in (scroll, badge, badge):
        assert (await buy(client, buyer, sku, gold)).status_code == 200
    kinds = [(kind, change) for kind, _, change, _ in await ledger_of(buyer) if kind in ("instance", "expiry", "item")]
    assert sorted(kinds) == [("expiry", 172800), ("expiry", 172800), ("instance", 5), ("item", 1)]


async def test_into_the_backpack(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    await change_project(studio, order_destination=OrderDestination.BACKPACK)
    sku, gold = await sell_for(client, studio)
    await fund(buyer, gold, 100)
    assert (await buy(client, buyer, sku, gold)).status_code == 200
    assert (await balance_of(buyer, gold), await owned_of(buyer, sku)) == (0, 0)
    held = (await client.get("/web/backpack/items", headers=buyer.headers)).json()
    assert [item["item_sku"] for item in held] == [sku]


async def test_one_effect_for_one_key(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku, gold = await sell_for(client, studio)
    await fund(buyer, gold, 1000)
    headers = {**buyer.headers, "Idempotency-Key": str(uuid4())}
    replies = [await buy(client, buyer, sku, gold, headers=headers) for _ in range(3)]
    assert len({reply.json()["order_id"] for reply in replies}) == 1
    assert await balance_of(buyer, gold) == 900


async def test_bad_input(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku, gold = await sell_for(client, studio)
    many = {f"name {number}": 1 for number in range(201)}
    for options in (
        {"json": {"custom_parameters": []}},
        {"json": {"custom_parameters": many}},
        {"json": {"custom_parameters": {"": 1}}},
        {"json": []},
        {"params": {"platform": "fridge"}},
    ):
        assert refusal(await buy(client, buyer, sku, gold, **options)) == (422, 1102), options
    assert (await buy(client, buyer, sku, gold, headers={})).status_code == 401

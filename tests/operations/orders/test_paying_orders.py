"""Orders for real money: what they hold, how they are paid, canceled, refunded and expire."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.records import ItemKind, Price
from haversack.clock import Clock, real_now
from haversack.database.engine import Session
from haversack.errors import Refusal
from haversack.orders import holding
from haversack.orders.actions import expire_due_orders
from haversack.orders.codes import find_next_release, hand_out_owed_codes
from haversack.orders.records import Order, OrderState
from haversack.orders.rules import HOLDING_ORDERS_MAX, PAYABLE_FOR, MoveNotAllowed, OrderNotPayable
from haversack.projects.actions import set_clock
from haversack.projects.records import OrderDestination
from make import catalog, keys
from make.client_catalog import sell
from make.orders import (
    Buyer,
    balance_of,
    cancel,
    change_project,
    fill,
    fund,
    ledger_of,
    make_buyer,
    order_money,
    owned_of,
    pay,
    payment_of,
    read_order,
    refund,
    sell_for_money,
    stock_of,
    stored,
)
from make.projects import Studio

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
ONE_USE = {"inventory_options": {"consumable": {"usages_count": 1}}}


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    """A player."""
    return await make_buyer(studio)


async def refused(buyer: Buyer, *wanted: Any, **options: Any) -> tuple[int, int | str]:
    """The refusal of an order."""
    with pytest.raises(Refusal) as caught:
        await order_money(buyer, *wanted, **options)
    return caught.value.kind.status, caught.value.kind.code


async def counts(studio: Studio, sku: str) -> tuple[int, int, int]:
    """Available, reserved and sold units."""
    stock = await stock_of(studio, sku)
    return stock.available, stock.reserved, stock.sold


async def move_clock(studio: Studio, to: datetime) -> None:
    """Let the project's time stand still at a moment."""
    await set_clock(studio.context, studio.project_id, Clock(frozen_at=to))


async def test_an_order_holds_and_freezes(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, 9.99, limits={"per_item": 5, "per_user": 3})
    order = await order_money(buyer, (sku, 2), custom_parameters={"a": 1})
    assert (order.state, order.amount, order.currency) == (OrderState.NEW, Decimal("19.98"), "USD")
    assert order.expires_at - order.created_at == PAYABLE_FOR
    assert await counts(studio, sku) == (3, 2, 0)
    assert await stored(studio, order.order_id) == order
    # Another price for everybody else.
    body = catalog.virtual_item(sku=sku, prices=[catalog.price(99)], limits={"per_item": 5, "per_user": 3})
    assert (await catalog.put_item(client, studio, "virtual_item", sku, body)).status_code == 204
    done = await pay(studio, order)
    assert (done.state, done.amount) == (OrderState.DONE, Decimal("19.98"))
    assert await counts(studio, sku) == (3, 0, 2)
    # The item has become one that is owned once; what was bought is what was ordered.
    assert await owned_of(buyer, sku) == 2


async def test_refusals_of_orders(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    limited = await sell_for_money(client, studio, limits={"per_item": 2, "per_user": 1})
    euro = await sell(client, studio, catalog.virtual_item(prices=[catalog.price(5, "EUR")]))
    free = await sell(client, studio, catalog.virtual_item(prices=[], is_free=True))
    dear = await sell_for_money(client, studio)
    assert await refused(buyer, (limited, 2)) == (422, 1460)
    assert await refused(buyer, "nothing") == (404, 4001)
    assert await refused(buyer, euro, currency="USD") == (422, 4054)
    assert await refused(buyer, free) == (422, 1456)
    assert await refused(buyer, free, dear) == (422, 1421)
    assert await refused(buyer) == (422, 1417)
    once = await sell(client, studio, catalog.virtual_item(inventory_options={"consumable": None}))
    assert await refused(buyer, (once, 2)) == (422, 1468)
    assert await counts(studio, limited) == (2, 0, 0)


async def test_currencies_without_cents(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    prices = [catalog.price(120, "JPY"), {**catalog.price(0.005, "KWD"), "is_default": False, "country_iso": "KW"}]
    sku = await sell(client, studio, catalog.virtual_item(prices=prices, **ONE_USE))
    yen = await order_money(buyer, (sku, 3), country="JP", currency="JPY")
    dinar = await order_money(buyer, (sku, 3), country="KW", currency="KWD")
    assert (yen.amount, dinar.amount) == (Decimal(360), Decimal("0.015"))
    assert (await pay(studio, dinar)).state is OrderState.DONE


async def test_canceling_gives_back_once(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, limits={"per_item": 1, "per_user": 1})
    order = await order_money(buyer, sku)
    assert await refused(buyer, sku) == (422, 1460)
    canceled = await cancel(studio, order)
    assert (canceled.state, canceled.comment) == (OrderState.CANCELED, "given up")
    assert await counts(studio, sku) == (1, 0, 0)
    assert (await cancel(studio, order)).state is OrderState.CANCELED
    assert await counts(studio, sku) == (1, 0, 0)
    assert sum(change for kind, _, change, _ in await ledger_of(buyer) if kind in ("stock", "uses")) == 0
    with pytest.raises(OrderNotPayable):
        await pay(studio, order)
    again = await order_money(buyer, sku)
    await pay(studio, again)
    with pytest.raises(MoveNotAllowed):
        await cancel(studio, again)


async def test_expiry_by_the_project_s_clock(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, limits={"per_item": 3})
    await move_clock(studio, NOON)
    order = await order_money(buyer, (sku, 3))
    await move_clock(studio, NOON + PAYABLE_FOR - timedelta(seconds=1))
    await expire_due_orders(studio.context)
    assert await counts(studio, sku) == (0, 3, 0)
    await move_clock(studio, NOON + PAYABLE_FOR)
    await expire_due_orders(studio.context)
    assert (await stored(studio, order.order_id)).state is OrderState.EXPIRED
    assert await counts(studio, sku) == (3, 0, 0)
    await expire_due_orders(studio.context)
    assert await counts(studio, sku) == (3, 0, 0)


async def test_a_fault_with_one_order_ends_the_others(
    client: httpx.AsyncClient, studio: Studio, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sku = await sell_for_money(client, studio, limits={"per_item": 3})
    await move_clock(studio, NOON)
    faulty, order = await order_money(buyer, sku), await order_money(await make_buyer(studio), sku)
    give_back = holding.give_back

    async def give_back_all_but_one(db: Session, given: Order) -> holding.Held:
        if given.order_id == faulty.order_id:
            raise RuntimeError("a fault that nobody thought of")
        return await give_back(db, given)

    await move_clock(studio, NOON + PAYABLE_FOR)
    with monkeypatch.context() as patching:
        patching.setattr(holding, "give_back", give_back_all_but_one)
        assert await expire_due_orders(studio.context, studio.project_id) == 1
    assert (await stored(studio, faulty.order_id)).state is OrderState.NEW
    assert (await stored(studio, order.order_id)).state is OrderState.EXPIRED
    await expire_due_orders(studio.context, studio.project_id)
    assert (await stored(studio, faulty.order_id)).state is OrderState.EXPIRED


async def test_an_expired_order_is_paid_after_all(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, limits={"per_item": 1})
    await move_clock(studio, NOON)
    order = await order_money(buyer, sku)
    await move_clock(studio, NOON + PAYABLE_FOR)
    await expire_due_orders(studio.context)
    assert (await pay(studio, order)).state is OrderState.DONE
    assert (await counts(studio, sku), await owned_of(buyer, sku)) == ((0, 0, 1), 1)


async def test_an_expired_order_whose_unit_is_gone(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, limits={"per_item": 1})
    await move_clock(studio, NOON)
    late = await order_money(buyer, sku)
    await move_clock(studio, NOON + PAYABLE_FOR)
    await expire_due_orders(studio.context)
    await pay(studio, await order_money(await make_buyer(studio), sku))
    with pytest.raises(OrderNotPayable, match="is not available"):
        await pay(studio, late)
    assert (await stored(studio, late.order_id)).state is OrderState.EXPIRED
    assert (await counts(studio, sku), await owned_of(buyer, sku)) == ((0, 0, 1), 0)


async def test_paying_twice(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio)
    order = await order_money(buyer, sku)
    payment = payment_of(order)
    first = await pay(studio, order, payment)
    second = await pay(studio, order, payment)
    assert (first.state, second.state, first.payment_id) == (OrderState.DONE, OrderState.DONE, payment.payment_id)
    assert await owned_of(buyer, sku) == 1
    with pytest.raises(OrderNotPayable):
        await pay(studio, order, payment_of(order))


async def test_a_payment_of_another_sum(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    order = await order_money(buyer, await sell_for_money(client, studio, 9.99))
    with pytest.raises(OrderNotPayable, match=r"9\.99 USD"):
        await pay(studio, order, replace(payment_of(order), amount=Decimal("0.01")))
    with_tax = payment_of(order, tax=Decimal("0.89"))
    assert (with_tax.amount, (await pay(studio, order, with_tax)).state) == (Decimal("10.88"), OrderState.DONE)


async def test_paying_ends_rivals(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    limited = await sell_for_money(client, studio, limits={"per_item": 10})
    other = await sell_for_money(client, studio)
    rival, first, apart = (
        await order_money(buyer, limited),
        await order_money(buyer, limited, other),
        await order_money(buyer, other),
    )
    stranger = await order_money(await make_buyer(studio), limited)
    await pay(studio, first)
    ended = await stored(studio, rival.order_id)
    assert (ended.state, ended.comment) == (
        OrderState.CANCELED,
        f"Order {first.order_id} of the same item was paid.",
    )
    states = [(await stored(studio, each.order_id)).state for each in (apart, stranger)]
    assert states == [OrderState.NEW, OrderState.NEW]
    assert await counts(studio, limited) == (8, 1, 1)


async def test_hoarders_are_stopped(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    limited = await sell_for_money(client, studio, limits={"per_item": 100})
    plain = await sell_for_money(client, studio)
    for _ in range(HOLDING_ORDERS_MAX):
        await order_money(buyer, limited)
    assert await refused(buyer, limited) == (422, 1000)
    assert (await order_money(buyer, plain)).state is OrderState.NEW
    assert (await order_money(await make_buyer(studio), limited)).state is OrderState.NEW
    assert await counts(studio, limited) == (79, 21, 0)


async def test_what_is_owned_meanwhile(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell(client, studio, catalog.virtual_item(inventory_options={"consumable": None}))
    first, second = await order_money(buyer, sku), await order_money(buyer, sku)
    await pay(studio, first)
    with pytest.raises(OrderNotPayable, match="owned"):
        await pay(studio, second)
    assert await refused(buyer, sku) == (422, 1468)


async def test_refunds_take_back(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    gems = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    sack = await sell(client, studio, catalog.package(gems, limits={"per_item": 4, "per_user": 1}), "package")
    order = await order_money(buyer, sack)
    payment = payment_of(order)
    await pay(studio, order, payment)
    assert await balance_of(buyer, gems) == 500
    canceled = await refund(studio, order, payment)
    assert (canceled.state, await balance_of(buyer, gems)) == (OrderState.CANCELED, 0)
    assert await counts(studio, sack) == (4, 0, 0)
    assert (await refund(studio, order, payment)).state is OrderState.CANCELED
    assert (await order_money(buyer, sack)).state is OrderState.NEW
    with pytest.raises(MoveNotAllowed):
        await refund(studio, await order_money(await make_buyer(studio), sack), payment)


async def test_a_refund_of_what_was_spent(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    from haversack.inventory.actions import charge

    gems = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    order = await order_money(buyer, await sell(client, studio, catalog.package(gems), "package"))
    payment = payment_of(order)
    await pay(studio, order, payment)
    db = studio.context.database.session()
    async with db.begin():
        await charge(
            db,
            project_id=studio.project_id,
            player_id=buyer.player_id,
            sku=gems,
            amount=450,
            source="test",
            now=real_now(),
        )
    await refund(studio, order, payment)
    assert await balance_of(buyer, gems) == 0


async def test_what_was_paid_leaves_the_cart(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    from haversack.carts.queries import wanted_of_cart

    sku, other = await sell_for_money(client, studio), await sell_for_money(client, studio)
    await fill(client, buyer, sku, other)
    db = studio.context.database.session()
    cart_id, lines, *_ = await wanted_of_cart(db, studio.project_id, buyer.player_id, None)
    order = await order_money(buyer, sku, cart_id=cart_id)
    assert len((await wanted_of_cart(db, studio.project_id, buyer.player_id, None))[1]) == len(lines) == 2
    await pay(studio, order)
    assert len((await wanted_of_cart(db, studio.project_id, buyer.player_id, None))[1]) == 1


async def sell_key(client: httpx.AsyncClient, studio: Studio, codes: int, **changes: Any) -> str:
    """A game with a key for a platform, and its codes."""
    sku = catalog.any_sku("key")
    body = catalog.game(catalog.game_key("steam", sku=sku, **changes))
    await sell(client, studio, body, "game")
    if codes:
        await keys.upload(client, studio, sku, [f"{sku}-{number}" for number in range(codes)])
    return sku


async def test_codes_are_kept_for_an_order(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_key(client, studio, 2)
    assert await refused(buyer, (sku, 3)) == (422, 1424)
    order = await order_money(buyer, (sku, 2))
    assert await keys.states_of(studio, sku) == ["reserved", "reserved"]
    assert await refused(await make_buyer(studio), sku) == (422, 1424)
    await pay(studio, order)
    assert await keys.states_of(studio, sku) == ["used", "used"]
    codes = [{"sku": sku, "code": f"{sku}-{number}"} for number in range(2)]
    assert (await read_order(client, buyer, order.order_id))["codes"] == codes
    await refund(studio, order, payment_of(order))
    assert "codes" not in await read_order(client, buyer, order.order_id)
    assert [row[:3:2] for row in await ledger_of(buyer) if row[0] == "key"] == [("key", -1)] * 2


async def test_codes_come_back(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_key(client, studio, 2)
    await cancel(studio, await order_money(buyer, (sku, 2)))
    assert await keys.states_of(studio, sku) == ["available", "available"]


async def test_codes_of_regions(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    region_id = await keys.make_region(studio, "DE", "AT")
    sku = await sell_key(client, studio, 0)
    await keys.upload(client, studio, sku, ["GERMAN"], region_id=region_id)
    assert await refused(buyer, sku, country="US") == (422, 1424)
    order = await order_money(buyer, sku, country="AT")
    await pay(studio, order)
    assert (await read_order(client, buyer, order.order_id))["codes"] == [{"sku": sku, "code": "GERMAN"}]


async def test_pre_orders_are_owed_their_codes(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    release = NOON + timedelta(days=30)
    sku = await sell_key(
        client, studio, 0, pre_order={"release_date": release.isoformat(), "is_enabled": True, "description": ""}
    )
    path = f"/api/v2/project/{studio.project_id}/admin/items/pre_order/limit/item/sku/{sku}"
    await client.post(path, json={"quantity": 1}, auth=studio.basic)
    switched = await client.put(f"{path}/toggle", json={"is_pre_order_limit_enabled": True}, auth=studio.basic)
    assert switched.status_code == 204, switched.text
    await move_clock(studio, NOON)
    order = await order_money(buyer, sku)
    assert await refused(await make_buyer(studio), sku) == (422, 1459)
    paid = await pay(studio, order)
    assert (paid.lines[0].codes_owed, paid.lines[0].is_pre_order) == (1, True)
    limit = (await client.get(path, auth=studio.basic)).json()
    assert (limit["available"], limit["reserved"], limit["sold"]) == (0, 0, 1)
    await keys.upload(client, studio, sku, ["OPERA-1"])
    await hand_out_owed_codes(studio.context)
    assert (await stored(studio, order.order_id)).lines[0].codes_owed == 1
    await move_clock(studio, release)
    await hand_out_owed_codes(studio.context)
    assert (await stored(studio, order.order_id)).lines[0].codes_owed == 0
    assert (await read_order(client, buyer, order.order_id))["codes"] == [{"sku": sku, "code": "OPERA-1"}]


async def test_those_who_wait_do_not_keep_others_from_their_codes(
    client: httpx.AsyncClient, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haversack.orders.codes.OWED_AT_ONCE_MAX", 1)
    release = NOON + timedelta(days=30)
    later, without_codes, sku = [
        await sell_key(
            client, studio, 0, pre_order={"release_date": when.isoformat(), "is_enabled": True, "description": ""}
        )
        for when in (release + timedelta(days=1), release, release)
    ]
    await move_clock(studio, NOON)
    for waited_for in (later, without_codes):
        await pay(studio, await order_money(await make_buyer(studio), waited_for))
    order = await order_money(await make_buyer(studio), sku)
    await pay(studio, order)
    await keys.upload(client, studio, sku, ["OPERA-1"])
    await move_clock(studio, release)
    assert await hand_out_owed_codes(studio.context, studio.project_id) == 1
    assert (await stored(studio, order.order_id)).lines[0].codes_owed == 0
    db = studio.context.database.session()
    assert await find_next_release(db, studio.project_id, after=release) == release + timedelta(days=1)


async def test_into_the_backpack_and_back(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    await change_project(studio, order_destination=OrderDestination.BACKPACK)
    gems = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    lamp = await sell(client, studio, catalog.virtual_item(**ONE_USE))
    key = await sell_key(client, studio, 1)
    body = catalog.bundle({"sku": gems, "quantity": 40}, {"sku": lamp, "quantity": 2}, key, is_show_in_store=True)
    crate = await sell(client, studio, body, "bundle")
    order = await order_money(buyer, crate)
    payment = payment_of(order)
    await pay(studio, order, payment)
    held = (await client.get("/web/backpack/items", headers=buyer.headers)).json()
    found = sorted((item["item_type"], item["item_sku"], item.get("quantity", 1)) for item in held)
    assert [each[:2] for each in found] == sorted(
        [("game_key", key), ("virtual_currency", gems), ("virtual_item", lamp), ("virtual_item", lamp)]
    )
    assert (await balance_of(buyer, gems), await owned_of(buyer, lamp)) == (0, 0)
    wallet = next(item["item_id"] for item in held if item["item_type"] == "virtual_currency")
    received = await client.post(
        "/web/backpack/virtual_currency/receive", json={"item_id": wallet}, headers=buyer.headers
    )
    assert received.status_code < 300, received.text
    assert await balance_of(buyer, gems) == 40
    await refund(studio, order, payment)
    assert (await client.get("/web/backpack/items", headers=buyer.headers)).json() == []
    assert await balance_of(buyer, gems) == 0


async def test_too_much_for_a_backpack(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio)
    assert await refused(buyer, (sku, 501), destination=OrderDestination.BACKPACK) == (422, 1455)


async def test_physical_goods_give_nothing(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    price = Price(Decimal(25), "USD", is_default=True)
    await catalog.save_draft(
        studio, ItemDraft(kind=ItemKind.PHYSICAL_GOOD, sku="mug", name={"en": "Mug"}, prices=(price,))
    )
    order = await pay(studio, await order_money(buyer, "mug"))
    assert (order.state, await ledger_of(buyer)) == (OrderState.DONE, [])


async def test_stock_inside_of_bundles(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    lamp = await sell(client, studio, catalog.virtual_item(**ONE_USE, limits={"per_item": 3}))
    crate = await sell(client, studio, catalog.bundle({"sku": lamp, "quantity": 2}, is_show_in_store=True), "bundle")
    order = await order_money(buyer, crate)
    assert await counts(studio, lamp) == (1, 2, 0)
    assert await refused(await make_buyer(studio), crate) == (422, 1455)
    await pay(studio, order)
    assert await counts(studio, lamp) == (1, 0, 2)


async def test_nobody_pays_with_what_is_not_there(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    gems = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    await fund(buyer, gems, 5)
    assert await refused(buyer, gems) == (422, 4054)

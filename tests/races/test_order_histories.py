"""Random histories of orders, one step after another and several at once: whatever happens, the books fit (R7, R8)."""

import asyncio
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import bindparam, select

from haversack.clock import Clock
from haversack.errors import Refusal
from haversack.inventory.tables import grants, ledger
from haversack.limits.queries import reset_item
from haversack.orders.actions import expire_due_orders
from haversack.orders.records import Order
from haversack.orders.rules import MoveNotAllowed, OrderNotPayable
from haversack.orders.tables import order_lines, orders
from haversack.payments.records import Payment
from haversack.projects.actions import set_clock
from haversack.webhooks.tables import webhook_deliveries, webhook_events
from make import catalog, keys
from make.client_catalog import sell
from make.inventory import differences_of
from make.orders import (
    NOW,
    Buyer,
    balance_of,
    buy,
    cancel,
    fund,
    item_id_of,
    make_buyer,
    order_money,
    pay,
    payment_of,
    refund,
    sell_for,
    sell_for_money,
    sell_free,
    stock_of,
    stored,
    take_free,
)
from make.projects import Studio

SEEDS = [int(text) for text in os.environ.get("HAVERSACK_HISTORY_SEEDS", "1 2 3").split()]
STEPS = 120
UNITS = 25


@dataclass(slots=True)
class Shop:
    """What is sold, and to whom."""

    gold: str
    for_gold: list[str]
    for_money: list[str]
    free: list[str]
    buyers: list[Buyer]
    unpaid: list[Order] = field(default_factory=list)
    paid: list[tuple[Order, Payment]] = field(default_factory=list)


async def open_shop(client: httpx.AsyncClient, studio: Studio) -> Shop:
    """A shop with one at least of everything that orders treat differently."""
    gold = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    daily = {
        "per_user": {"total": 2, "limit_exceeded_visibility": "show"},
        "recurrent_schedule": {"per_user": {"interval_type": "daily", "time": "08:00:00+00:00"}},
    }
    timed = {"consumable": None, "expiration_period": {"type": "day", "value": 1}}
    scroll = {"consumable": {"usages_count": 3}}
    price = [{"sku": gold, "amount": 9, "is_default": True, "is_enabled": True}]
    sack = catalog.package(gold, prices=[catalog.price(2)], vc_prices=price, limits={"per_item": UNITS})
    for_gold = [
        (await sell_for(client, studio, 5, currency=gold, limits={"per_item": UNITS, "per_user": 3}))[0],
        (await sell_for(client, studio, 3, currency=gold, limits=daily))[0],
        (await sell_for(client, studio, 2, currency=gold, inventory_options=timed))[0],
        (await sell_for(client, studio, 2, currency=gold, inventory_options=scroll))[0],
        (await sell_for(client, studio, 4, currency=gold, inventory_options={"consumable": None}))[0],
        await sell(client, studio, sack, "package"),
    ]
    key = catalog.game_key("steam", sku="sea-steam")
    await sell(client, studio, catalog.game(key, sku="sea"), "game")
    await keys.upload(client, studio, "sea-steam", [f"SEA-{number}" for number in range(UNITS)])
    lamp = await sell_for_money(client, studio, 3, limits={"per_item": UNITS, "per_user": 4})
    crate = catalog.bundle(lamp, for_gold[0], {"sku": gold, "quantity": 20}, is_show_in_store=True)
    for_money = ["sea-steam", lamp, await sell(client, studio, crate, "bundle"), for_gold[-1]]
    free = [await sell_free(client, studio, limits=daily), await sell_free(client, studio, limits={"per_item": 5})]
    buyers = [await make_buyer(studio) for _ in range(4)]
    for buyer in buyers:
        await fund(buyer, gold, 60)
    return Shop(gold, for_gold, for_money, free, buyers)


async def step(client: httpx.AsyncClient, studio: Studio, shop: Shop, chance: random.Random) -> str:
    """One thing that happens, and what came of it."""
    buyer = chance.choice(shop.buyers)
    what = chance.choices(
        ("buy", "free", "order", "pay", "cancel", "refund", "clock", "reset"), (30, 10, 20, 15, 5, 6, 8, 2)
    )[0]
    if what == "buy":
        reply = await buy(client, buyer, chance.choice(shop.for_gold), shop.gold)
        return f"{what} {reply.status_code}"
    if what == "free":
        reply = await take_free(client, buyer, chance.choice(shop.free), quantity=chance.randint(1, 2))
        return f"{what} {reply.status_code}"
    try:
        if what == "order":
            wanted = [(sku, chance.randint(1, 2)) for sku in chance.sample(shop.for_money, chance.randint(1, 2))]
            shop.unpaid.append(await order_money(buyer, *wanted))
        elif what == "pay" and shop.unpaid:
            order = chance.choice(shop.unpaid)
            payment = payment_of(order)
            await pay(studio, order, payment)
            shop.paid.append((order, payment))
        elif what == "cancel" and shop.unpaid:
            await cancel(studio, chance.choice(shop.unpaid))
        elif what == "refund" and shop.paid:
            await refund(studio, *chance.choice(shop.paid))
        elif what == "clock":
            await set_clock(
                studio.context, studio.project_id, Clock(frozen_at=NOW + timedelta(hours=chance.randint(0, 90)))
            )
            await expire_due_orders(studio.context)
        elif what == "reset":
            item_id = await item_id_of(studio, chance.choice(shop.for_gold[:2]))
            now = NOW + timedelta(hours=chance.randint(0, 90))
            await reset_item(studio.context.database.session(), studio.project_id, item_id, now=now)
    except (Refusal, OrderNotPayable, MoveNotAllowed) as error:
        return f"{what} {type(error).__name__}"
    return f"{what} ok"


async def check(client: httpx.AsyncClient, studio: Studio, shop: Shop) -> None:
    """The invariants that hold whatever has happened."""
    differences = await differences_of(studio)
    assert not differences, "\n".join(map(str, differences))
    assert all([await balance_of(buyer, shop.gold) >= 0 for buyer in shop.buyers])
    for sku in (shop.for_gold[0], shop.for_gold[-1], shop.for_money[1]):
        stock = await stock_of(studio, sku)
        assert stock.available + stock.reserved + stock.sold == UNITS
    states = Counter(await keys.states_of(studio, "sea-steam"))
    assert sum(states.values()) == UNITS
    held = 0
    for order in shop.unpaid:
        now = await stored(studio, order.order_id)
        held += sum(len(line.reserved.codes) for line in now.lines)
    assert states["reserved"] == held


@pytest.mark.parametrize("seed", SEEDS)
async def test_one_after_another(client: httpx.AsyncClient, studio: Studio, seed: int) -> None:
    chance = random.Random(seed)
    shop = await open_shop(client, studio)
    await set_clock(studio.context, studio.project_id, Clock(frozen_at=NOW))
    found = Counter([await step(client, studio, shop, chance) for _ in range(STEPS)])
    print(f"seed {seed}: {dict(found)}")
    assert not [name for name in found if name.endswith((" 500", " 503"))]
    await check(client, studio, shop)


@pytest.mark.parametrize("seed", SEEDS)
async def test_eight_at_once(client: httpx.AsyncClient, studio: Studio, seed: int) -> None:
    chance = random.Random(seed)
    shop = await open_shop(client, studio)
    await set_clock(studio.context, studio.project_id, Clock(frozen_at=NOW))
    found: Counter[str] = Counter()

    async def go_on() -> None:
        for _ in range(STEPS // 8):
            found[await step(client, studio, shop, chance)] += 1

    await asyncio.gather(*(go_on() for _ in range(8)))
    print(f"seed {seed}: {dict(found)}")
    assert not [name for name in found if name.endswith((" 500", " 503"))]
    await check(client, studio, shop)


def _of_order(table: object, *left_out: str) -> list[object]:
    return [column for column in table.columns if column.name not in left_out]  # type: ignore[attr-defined]


LEFT_OUT = ("order_id", "player_id", "external_id", "created_at", "expires_at", "paid_at", "ended_at", "delivery_id")
READ_ORDER = select(*_of_order(orders, *LEFT_OUT)).where(  # type: ignore[call-overload]
    orders.c.project_id == bindparam("project"), orders.c.order_id == bindparam("order")
)
READ_LINES = (
    select(*_of_order(order_lines, "order_id"))  # type: ignore[call-overload]
    .where(order_lines.c.project_id == bindparam("project"), order_lines.c.order_id == bindparam("order"))
    .order_by(order_lines.c.line_no)
)
READ_GRANT = select(grants.c.content).where(
    grants.c.project_id == bindparam("project"), grants.c.source == bindparam("of_source")
)
READ_LEDGER = (
    select(ledger.c.kind, ledger.c.subject, ledger.c.change)
    .where(ledger.c.project_id == bindparam("project"), ledger.c.source == bindparam("of_source"))
    .order_by(ledger.c.kind, ledger.c.subject, ledger.c.change)
)
READ_EVENT = (
    select(webhook_events.c.event_type, webhook_events.c.body, webhook_deliveries.c.status)
    .join(webhook_deliveries, webhook_deliveries.c.event_id == webhook_events.c.event_id)
    .where(webhook_events.c.project_id == bindparam("project"), webhook_events.c.player_key == bindparam("key"))
)


async def rows_of(buyer: Buyer, order_id: int) -> list[object]:
    """Everything that an order has left in the database, without what must differ."""
    db, project_id = buyer.studio.context.database.session(), buyer.studio.project_id
    source = f"order:{order_id}"
    of_order = {"project": project_id, "order": order_id}
    events = await db.fetch_all(READ_EVENT, project=project_id, key=str(buyer.player_id))
    bodies = [
        (row["event_type"], row["body"].replace(b"%d" % order_id, b"").replace(str(buyer.player_id).encode(), b""))
        for row in events
    ]
    lines = [{**dict(row), "uses_window": None} for row in await db.fetch_all(READ_LINES, **of_order)]
    return [
        [dict(row) for row in await db.fetch_all(READ_ORDER, **of_order)],
        lines,
        [dict(row) for row in await db.fetch_all(READ_GRANT, project=project_id, of_source=source)],
        [tuple(row) for row in await db.fetch_all(READ_LEDGER, project=project_id, of_source=source)],
        bodies,
    ]


async def test_both_ways_leave_the_same(client: httpx.AsyncClient, studio: Studio) -> None:
    """The short way of `fast_purchase` and the general one of `checkout` write the same rows."""
    gold = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    lamp = await sell(client, studio, catalog.virtual_item(inventory_options={"consumable": {"usages_count": 1}}))
    price = [{"sku": gold, "amount": 9, "is_default": True, "is_enabled": True}]
    limits = {
        "per_item": 10,
        "per_user": {"total": 2, "limit_exceeded_visibility": "show"},
        "recurrent_schedule": {"per_user": {"interval_type": "daily", "time": "08:00:00+00:00"}},
    }
    body = catalog.bundle(
        {"sku": lamp, "quantity": 3},
        {"sku": gold, "quantity": 4},
        prices=[],
        vc_prices=price,
        limits=limits,
        is_show_in_store=True,
    )
    crate = await sell(client, studio, body, "bundle")
    await set_clock(studio.context, studio.project_id, Clock(frozen_at=NOW))
    short, general = await make_buyer(studio), await make_buyer(studio)
    for buyer in (short, general):
        await fund(buyer, gold, 20)
    first = (await buy(client, short, crate, gold, json={"custom_parameters": {"a": 1}})).json()["order_id"]
    # A reset by hand within the window is what the short way leaves to the general one.
    item_id = await item_id_of(studio, crate)
    await reset_item(studio.context.database.session(), studio.project_id, item_id, now=NOW - timedelta(minutes=1))
    second = (await buy(client, general, crate, gold, json={"custom_parameters": {"a": 1}})).json()["order_id"]
    assert (await stored(studio, first)).lines[0].reserved.uses_window != (
        (await stored(studio, second)).lines[0].reserved.uses_window
    )
    for one, other in zip(await rows_of(short, first), await rows_of(general, second), strict=True):
        assert one == other
    assert (await balance_of(short, gold), await balance_of(general, gold)) == (15, 15)

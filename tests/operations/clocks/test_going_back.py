"""Going back: everything that a project had is again what it was, to the byte, and nothing else has changed."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import httpx
import pytest

from haversack.context import Context
from haversack.inventory.actions import CurrencyGrant, grant
from haversack.inventory.digests import write_digests
from haversack.orders.records import OrderState
from haversack.projects.queries import save_settings
from haversack.projects.records import OrderDestination
from make import catalog
from make.chains import (
    claim,
    earn,
    make_reward_chain,
    make_value_point,
    reward_chain,
    see_chains,
    sell_with_points,
    step,
)
from make.client_catalog import read_skus, sell
from make.clocks import freeze, go_back, jump, now_of, rows_of
from make.clocks import step as step_clock
from make.inventory import differences_of
from make.orders import (
    balance_of,
    buy,
    fund,
    make_buyer,
    order_money,
    pay,
    project_of,
    refund,
    sell_for,
    sell_for_money,
    state_of,
    stored,
)
from make.orders import payment_of as made_payment
from make.payments import LATE, make_payable
from make.projects import Studio
from make.receiver import Answer, Receiver
from make.webhooks import Sender


async def live(client: httpx.AsyncClient, context: Context, studio: Studio, receiver: Receiver) -> None:
    """Some life of a project: items, purchases of each kind, refunds, webhooks that are taken and that are not."""
    sender = Sender(context, await project_of(studio))
    await sender.set_endpoint(receiver.url)
    sku, currency = await sell_for(client, studio, 10, limits={"per_user": 5, "per_item": 20})
    buyer = await make_buyer(studio)
    await fund(buyer, currency, 100)
    for _ in range(2):
        assert (await buy(client, buyer, sku, currency)).status_code == 200
    gold = await sell_for_money(client, studio)
    paid, returned, unpaid = [await order_money(buyer, gold) for _ in range(3)]
    await pay(studio, paid)
    payment = made_payment(returned)
    await pay(studio, returned, payment)
    await refund(studio, returned, payment)
    purchase = await make_payable(client, buyer)
    await purchase.pay(LATE)
    assert await state_of(studio, unpaid) is OrderState.NEW
    point, _ = await make_value_point(client, studio)
    chain_id = await make_reward_chain(client, studio, reward_chain(point, step(sku, 5)))
    await earn(buyer, await sell_with_points(client, studio, point, 5))
    (chain,) = [each for each in await see_chains(client, buyer) if each["reward_chain_id"] == chain_id]
    assert (await claim(client, buyer, chain_id, chain["steps"][0]["step_id"])).is_success
    sender.project = await project_of(studio)
    for player in ("one", "two"):
        await sender.publish(player)


async def test_take_clock_back(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, context: Context, receiver: Receiver
) -> None:
    receiver.answer_always(Answer(500))
    await live(client, context, studio, receiver)
    frozen_at = await freeze(client, studio)
    before = await rows_of(context, studio.project_id)
    assert sum(bool(rows) for rows in before.values()) > 15, "the project has a bit of everything"
    assert {"ledger", "grants", "orders", "webhook_attempts", "chain_claims", "value_point_balances"} <= {
        name for name, rows in before.items() if rows
    }
    await live(client, context, other_studio, receiver)
    others = await rows_of(context, other_studio.project_id)
    for _ in range(2):
        await jump(client, studio, frozen_at + timedelta(days=40))
        await live(client, context, studio, receiver)
        await sell(client, studio, catalog.virtual_item())
        await write_digests(context.database.session(), frozen_at)
        await save_settings(context.database.session(), studio.project_id, order_destination=OrderDestination.BACKPACK)
        after = await rows_of(context, studio.project_id)
        assert sum(rows != before[name] for name, rows in after.items()) > 12
        assert await differences_of(studio) == []
        await go_back(client, studio)
        assert await rows_of(context, studio.project_id) == before
        assert await now_of(client, studio) == frozen_at
        assert await differences_of(studio) == []
        assert (await project_of(studio)).order_destination is OrderDestination.INVENTORY
    found = await rows_of(context, other_studio.project_id)
    # The digests of all projects were written.
    digested = {"ledger_heads", "ledger_digests"}
    assert {name for name, rows in found.items() if rows != others[name]} <= digested
    await jump(client, studio, frozen_at + timedelta(days=40))
    await live(client, context, studio, receiver)
    assert await differences_of(studio) == [], "life goes on"


async def test_the_catalog_goes_back_too(client: httpx.AsyncClient, studio: Studio) -> None:
    kept = await sell(client, studio, catalog.virtual_item())
    await freeze(client, studio)
    for _ in range(2):
        later = await sell(client, studio, catalog.virtual_item())
        assert set(await read_skus(client, studio, "/virtual_items")) == {kept, later}
        await go_back(client, studio)
        assert await read_skus(client, studio, "/virtual_items") == [kept]


async def test_keys_and_audit_stay(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    await freeze(client, studio)
    async with context.database.connection() as connection:
        await connection.execute(
            "UPDATE api_keys SET expires_at = now() + interval '1 day' WHERE project_id = $1", studio.project_id
        )
    await step_clock(client, studio)
    await go_back(client, studio)
    async with context.database.connection() as connection:
        ends = await connection.fetchval("SELECT expires_at FROM api_keys WHERE project_id = $1", studio.project_id)
        operations = await connection.fetch(
            "SELECT operation FROM audit_entries WHERE project_id = $1 ORDER BY entry_id", studio.project_id
        )
    assert ends is not None
    assert [row["operation"] for row in operations] == ["freeze_clock", "step_clock", "take_clock_back"]


@pytest.mark.parametrize("table", ["ledger", "grants"])
async def test_the_books_are_kept_by_everybody_else(
    client: httpx.AsyncClient, studio: Studio, context: Context, table: str
) -> None:
    buyer = await make_buyer(studio)
    await fund(buyer, await sell(client, studio, catalog.virtual_currency(), "virtual_currency"), 5)
    await freeze(client, studio)
    await go_back(client, studio)
    async with context.database.connection() as connection:
        for statement in (
            f"DELETE FROM {table} WHERE project_id = {studio.project_id}",
            f"UPDATE {table} SET source = source WHERE project_id = {studio.project_id}",
            f"TRUNCATE {table}",
        ):
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await connection.execute(statement)
        mark = await connection.fetchval(
            "SELECT restored_by FROM clock_snapshots WHERE project_id = $1", studio.project_id
        )
    assert mark is None, "nothing is left behind that another transaction could use"


async def test_nothing_else_refuses_to_be_taken_back(context: Context) -> None:
    # A table that keeps its rows does so by `keep_row`, which knows of going back.
    async with context.database.connection() as connection:
        refusing = await connection.fetch(
            "SELECT tgrelid::regclass::text FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgtype & 8 <> 0 AND tgfoid <> 'keep_row'::regproc"
        )
    assert [str(row) for row in refusing] == []


async def test_who_writes_meanwhile_leaves_no_trace_of_its_own(
    client: httpx.AsyncClient, studio: Studio, context: Context
) -> None:
    currency = await sell(client, studio, catalog.virtual_currency(), "virtual_currency")
    buyer = await make_buyer(studio)
    await fund(buyer, currency, 7)
    frozen_at = await freeze(client, studio)
    before = await rows_of(context, studio.project_id)

    async def give() -> None:
        db = context.database.session()
        async with db.begin():
            await grant(
                db,
                project_id=studio.project_id,
                player_id=buyer.player_id,
                source=f"test:{uuid4()}",
                content=[CurrencyGrant(currency, 1)],
                now=frozen_at,
            )

    async def give_often() -> None:
        for _ in range(10):
            await give()

    giving = [asyncio.create_task(give_often()) for _ in range(4)]
    await give()
    await go_back(client, studio)
    await asyncio.gather(*giving)
    # Each gift was either undone or given after: never in part.
    assert await differences_of(studio) == []
    assert 7 <= await balance_of(buyer, currency) <= 48
    await go_back(client, studio)
    assert await rows_of(context, studio.project_id) == before


async def test_an_order_that_was_paid_in_a_future_is_unpaid_again(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio)
    await freeze(client, studio)
    order = await order_money(await make_buyer(studio), sku)
    await freeze(client, studio)
    await pay(studio, order)
    await go_back(client, studio)
    assert await stored(studio, order.order_id) == order
    await step_clock(client, studio)
    assert await state_of(studio, order) is OrderState.EXPIRED

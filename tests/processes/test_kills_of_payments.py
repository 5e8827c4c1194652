"""kill -9 between every two steps of a payment: the sweep completes it, nothing twice, nothing lost (R12)."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from haversack.app import build_application
from haversack.orders.records import OrderState
from haversack.payments.outcomes import Done
from haversack.payments.records import PaymentState
from haversack.payments.sweeping import sweep_payments
from make.orders import cancel, change_project, make_buyer, owned_of, stored
from make.payments import SUCCESS, Purchase, leave_alone, make_payable, told_of
from processes.running import Running, invoke, started, until
from processes.serving import Shop

SCRIPT = Path(__file__).with_name("paying_process.py")
SOMEBODY_WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted"
SUCCEEDED = "SELECT count(*) FROM sandbox_charges WHERE state = 'succeeded'"
REFUNDED = "SELECT sum(refunded) FROM sandbox_charges"


@pytest.fixture
async def purchase(shop: Shop) -> AsyncIterator[Purchase]:
    """An unpaid order of one item for 10 USD, in a shop of its own."""
    await change_project(shop.studio, is_sandbox=True)
    transport = httpx.ASGITransport(app=build_application(shop.context))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield await make_payable(client, await make_buyer(shop.studio), amount=10)


@asynccontextmanager
async def paying_until(shop: Shop, purchase: Purchase, place: str) -> AsyncIterator[Running]:
    """A process that pays and has come to a place."""
    command = (sys.executable, str(SCRIPT), purchase.token, SUCCESS, place)
    async with started(shop.folder, *command, settings=shop.settings) as process:
        await process.wait_for_text(place)
        yield process


async def count(shop: Shop, statement: str) -> int:
    """One number of the shop's database."""
    async with shop.context.database.connection() as connection:
        return int(await connection.fetchval(statement) or 0)


async def sweep(shop: Shop) -> None:
    """Sweep twice, as two processes may: the second finds nothing to do."""
    for _ in range(2):
        await leave_alone(shop.studio)
        await sweep_payments(shop.context)


async def check_given_once(shop: Shop, purchase: Purchase) -> None:
    """What was bought is there once, and the books agree."""
    assert (await stored(shop.studio, purchase.order_id)).state is OrderState.DONE
    assert await owned_of(purchase.buyer, purchase.sku) == 1
    assert len(await told_of(shop.studio, "order_paid")) == 1
    assert await count(shop, SUCCEEDED) == 1
    (await invoke("verify", **shop.settings)).succeeded()


@pytest.mark.parametrize("place", ["before_create", "after_create", "before_confirm"])
async def test_killed_before_money_moves(shop: Shop, purchase: Purchase, place: str) -> None:
    async with paying_until(shop, purchase, place) as process:
        await process.kill()
    assert (await purchase.payment()).state in (PaymentState.CREATED, PaymentState.PROCESSING)
    await sweep(shop)
    broken = await purchase.payment()
    assert broken.state is PaymentState.CANCELED
    assert broken.failure is not None
    assert "Nothing was charged" in broken.failure
    assert await count(shop, SUCCEEDED) == 0
    assert (await stored(shop.studio, purchase.order_id)).state is OrderState.NEW
    assert await owned_of(purchase.buyer, purchase.sku) == 0
    assert isinstance(await purchase.pay(), Done)
    await check_given_once(shop, purchase)


@pytest.mark.parametrize("place", ["after_confirm", "done"])
async def test_killed_after_money_has_moved(shop: Shop, purchase: Purchase, place: str) -> None:
    async with paying_until(shop, purchase, place) as process:
        await process.kill()
    await sweep(shop)
    assert (await purchase.payment()).state is PaymentState.DONE
    await check_given_once(shop, purchase)
    # Whoever presses Pay again is told that it is done.
    assert isinstance(await purchase.pay(), Done)
    await check_given_once(shop, purchase)


async def test_killed_in_the_transaction_that_records(shop: Shop, purchase: Purchase) -> None:
    """The order is paid and its goods are given, and none of it is committed."""
    async with shop.context.database.connection() as connection, connection.transaction():
        # The last table that the transaction writes to before it commits.
        await connection.execute("LOCK TABLE webhook_deliveries IN ACCESS EXCLUSIVE MODE")
        async with paying_until(shop, purchase, "record") as process:
            await until(lambda: _somebody_waits(shop), "the process waits inside of its transaction")
            await process.kill()
        assert (await purchase.payment()).state is PaymentState.PROCESSING
        assert await owned_of(purchase.buyer, purchase.sku) == 0
    await until(lambda: _nobody_waits(shop), "PostgreSQL has ended the transaction of the killed process")
    await sweep(shop)
    assert (await purchase.payment()).state is PaymentState.DONE
    await check_given_once(shop, purchase)


async def _somebody_waits(shop: Shop) -> bool:
    return await count(shop, SOMEBODY_WAITS) > 0


async def _nobody_waits(shop: Shop) -> bool:
    return await count(shop, SOMEBODY_WAITS) == 0


@pytest.mark.parametrize("place", ["before_refund", "after_refund"])
async def test_killed_while_money_goes_back(shop: Shop, purchase: Purchase, place: str) -> None:
    async with paying_until(shop, purchase, place) as process:
        await process.kill()
    assert (await purchase.payment()).state is PaymentState.DONE
    await sweep(shop)
    assert (await purchase.payment()).state is PaymentState.REFUNDED
    assert await count(shop, REFUNDED) == 10
    assert (await stored(shop.studio, purchase.order_id)).state is OrderState.CANCELED
    assert await owned_of(purchase.buyer, purchase.sku) == 0
    assert len(await told_of(shop.studio, "order_canceled")) == 1
    (await invoke("verify", **shop.settings)).succeeded()


async def test_killed_after_paying_for_an_order_that_was_canceled(shop: Shop, purchase: Purchase) -> None:
    async with paying_until(shop, purchase, "after_confirm") as process:
        await process.kill()
    await cancel(shop.studio, await stored(shop.studio, purchase.order_id))
    await sweep(shop)
    assert (await purchase.payment()).state is PaymentState.REFUNDED
    assert await count(shop, REFUNDED) == 10
    assert await owned_of(purchase.buyer, purchase.sku) == 0
    (await invoke("verify", **shop.settings)).succeeded()


async def test_two_processes_sweep_at_once(shop: Shop, purchase: Purchase) -> None:
    async with paying_until(shop, purchase, "after_confirm") as process:
        await process.kill()
    await leave_alone(shop.studio)
    await asyncio.gather(*(sweep_payments(shop.context) for _ in range(5)))
    assert (await purchase.payment()).state is PaymentState.DONE
    await check_given_once(shop, purchase)

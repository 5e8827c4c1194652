"""`haversack orders …` and `haversack drill flash-sale`: what they print and how they end."""

from collections.abc import AsyncIterator

import httpx
import pytest

from haversack.app import build_application
from haversack.orders.records import OrderState
from make.backpack import connect_game
from make.orders import make_buyer, order_money, pay, sell_for_money, state_of, stored
from processes.running import Finished, free_port, invoke
from processes.serving import Shop, serve


@pytest.fixture
async def api(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the shop's application."""
    transport = httpx.ASGITransport(app=build_application(shop.context))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def command(shop: Shop, *arguments: object) -> Finished:
    """A command on the shop, in this process."""
    return await invoke(*(str(argument) for argument in arguments), **shop.settings)


async def test_orders(shop: Shop, api: httpx.AsyncClient) -> None:
    buyer = await make_buyer(shop.studio)
    sku = await sell_for_money(api, shop.studio, limits={"per_item": 5})
    assert (await command(shop, "orders", "stuck")).succeeded() == ""
    unpaid = await order_money(buyer, (sku, 2))
    # Nothing listens at the game's address.
    shop.context.address_policy = type(shop.context.address_policy)(
        allow_loopback=True, allow_private=(), allow_http=True, allowed_ports=None
    )
    await connect_game(shop.studio, f"http://127.0.0.1:{free_port()}/")
    waiting = await pay(shop.studio, await order_money(await make_buyer(shop.studio), sku))
    assert await state_of(shop.studio, waiting) is OrderState.PAID
    listed = (await command(shop, "orders", "list")).succeeded().splitlines()
    assert [line.split()[:3] for line in listed[1:]] == [
        [str(waiting.order_id), str(shop.studio.project_id), "paid"],
        [str(unpaid.order_id), str(shop.studio.project_id), "new"],
    ]
    one = (await command(shop, "orders", "list", "--state", "new", "--player", buyer.player_id)).succeeded()
    assert [line.split()[0] for line in one.splitlines()[1:]] == [str(unpaid.order_id)]
    shown = (await command(shop, "orders", "show", unpaid.order_id)).succeeded()
    assert f"2 x {sku} (virtual_good): 19.98, stock 2" in shown
    shown = (await command(shop, "orders", "show", waiting.order_id)).succeeded()
    assert "Not done: its webhook is pending" in shown
    stuck = await command(shop, "orders", "stuck")
    assert stuck.status == 1
    assert f"order {waiting.order_id} of project {shop.studio.project_id}" in stuck.out
    assert (await command(shop, "orders", "stuck", "--hours", "1")).succeeded() == ""
    assert (await command(shop, "orders", "show", 5)).refused() == "There is no order 5.\n"
    assert (await stored(shop.studio, unpaid.order_id)).state is OrderState.NEW


async def test_flash_sale(shop: Shop) -> None:
    options = ("--units", 20, "--attempts", 300, "--at-once", 50, "--players", 30)
    said = (await command(shop, "drill", "flash-sale", *options)).succeeded()
    lines = said.splitlines()
    assert all(line.startswith("ok") for line in lines[:-1]), said
    assert lines[:3] == [
        "ok   oversold: 0 (20 of 20 sold)",
        "ok   lost: 0 (20 buyers were told that they have one)",
        "ok   refused with 422 and 1455: 280 of 280",
    ]
    assert lines[-1].startswith("answers: p50 ")


async def test_flash_sale_of_a_running_server(shop: Shop) -> None:
    async with serve(shop) as serving:
        options = ("--units", 5, "--attempts", 60, "--at-once", 20, "--players", 10, "--url")
        said = (await command(shop, "drill", "flash-sale", *options, serving.client.base_url)).succeeded()
    assert "FAIL" not in said

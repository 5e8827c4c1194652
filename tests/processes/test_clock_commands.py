"""`haversack clock …`, and that running servers follow a clock that another process moves."""

import re
from datetime import datetime, timedelta
from uuid import uuid4

import httpx

from haversack.app import build_application
from haversack.orders.records import OrderState
from make.backpack import new_virtual_item
from make.clocks import clock_path, rows_of
from make.orders import make_buyer, order_money, sell_for_money, state_of
from make.projects import Studio
from processes.running import Finished, invoke
from processes.serving import Serving, Shop

STANDS = re.compile(r"stands still at (\S+)")


async def clock(shop: Shop, *arguments: object, mode: str = "development") -> Finished:
    """A command of the clock, in this process."""
    return await invoke("clock", *(str(argument) for argument in arguments), **shop.settings, mode=mode)


def stands(finished: Finished) -> datetime:
    """Where a command says that the clock stands."""
    found = STANDS.search(finished.succeeded())
    assert found, finished.out
    return datetime.fromisoformat(found[1])


async def created(serving: Serving, studio: Studio) -> datetime:
    """The time at which a server puts an item into a Backpack."""
    headers = await studio.host_headers(serving.client)
    path = f"{studio.backpack}/user/{uuid4()}/virtual_items"
    reply = await serving.client.post(path, json=[new_virtual_item()], headers=headers)
    assert reply.status_code == 201, reply.text
    return datetime.fromisoformat(reply.json()[0]["created_at"])


async def test_two_servers_follow_a_third_process(
    pair: tuple[Serving, Serving], shared_shop: Shop, own: Studio
) -> None:
    for serving in pair:
        await created(serving, own)  # both remember the project
    frozen_at = stands(await clock(shared_shop, "freeze", own.project_id))
    before = await rows_of(shared_shop.context, own.project_id)
    for serving in pair:
        assert (await created(serving, own)).replace(microsecond=0) == frozen_at
    assert stands(await clock(shared_shop, "step", own.project_id, "30d")) == frozen_at + timedelta(days=30)
    for serving in pair:
        assert (await created(serving, own)).replace(microsecond=0) == frozen_at + timedelta(days=30)
    assert stands(await clock(shared_shop, "back", own.project_id)) == frozen_at
    assert await rows_of(shared_shop.context, own.project_id) == before
    for serving in pair:
        assert (await created(serving, own)).replace(microsecond=0) == frozen_at


async def test_servers_for_players_refuse(pair: tuple[Serving, Serving], shared_shop: Shop, own: Studio) -> None:
    reply = await pair[0].client.put(clock_path(own, "/freeze"), auth=own.basic)
    assert reply.status_code == 403
    for arguments in (("freeze",), ("jump", "2130-01-01"), ("step",), ("resume",), ("back",)):
        refused = await clock(shared_shop, arguments[0], own.project_id, *arguments[1:], mode="production")
        assert "serves players" in refused.refused()
    assert "runs:" in (await clock(shared_shop, "show", own.project_id, mode="production")).succeeded()


async def test_commands(shop: Shop) -> None:
    transport = httpx.ASGITransport(app=build_application(shop.context))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as api:
        sku = await sell_for_money(api, shop.studio)
    project_id = shop.studio.project_id
    stands(await clock(shop, "freeze", project_id))
    order = await order_money(await make_buyer(shop.studio), sku)
    shown = (await clock(shop, "show", project_id)).succeeded()
    assert f"something falls due at {order.expires_at.isoformat(timespec='seconds')}" in shown
    assert "`back` returns to" in shown
    stepped = (await clock(shop, "step", project_id)).succeeded()
    assert f"{order.expires_at.isoformat(timespec='seconds')}  orders" in stepped
    assert await state_of(shop.studio, order) is OrderState.EXPIRED
    to = order.expires_at.replace(microsecond=0) + timedelta(days=1)
    assert stands(await clock(shop, "jump", project_id, to.isoformat())) == to
    assert "runs:" in (await clock(shop, "resume", project_id)).succeeded()
    assert "a clock goes back by `back` only" in (await clock(shop, "jump", project_id, "2026-01-01")).refused()
    assert "no further" in (await clock(shop, "step", project_id, "99999999d")).refused()
    assert "length such as" in (await clock(shop, "step", project_id, "soon")).refused(status=2)
    assert "There is no project 7." in (await clock(shop, "freeze", 7)).refused()

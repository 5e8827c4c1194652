"""What orders take from carts, and what is forgotten."""

from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select, update

from haversack.carts.actions import CARTS_KEPT, forget_bought, forget_old_carts
from haversack.carts.queries import wanted_of_cart
from haversack.carts.tables import carts
from haversack.clock import real_now
from haversack.context import Context
from haversack.errors import CART_NOT_FOUND, Refusal
from make.carts import cart_path, fill, get_cart, quantities_of
from make.catalog import any_sku, save_virtual_item, virtual_item
from make.client_catalog import id_of, new_player, sell
from make.projects import Studio


async def _filled(client: httpx.AsyncClient, studio: Studio, cart_id: str | None) -> tuple[UUID, list[str], list[int]]:
    skus = [await sell(client, studio, virtual_item()) for _ in range(3)]
    player_id, headers = await new_player(studio)
    await fill(client, studio, headers, dict(zip(skus, (1, 2, 3), strict=True)), cart_id=cart_id)
    return player_id, skus, [await id_of(client, studio, sku) for sku in skus]


@pytest.mark.parametrize("cart_id", [None, "", "current", "mine"])
async def test_wanted_of_cart(client: httpx.AsyncClient, studio: Studio, context: Context, cart_id: str | None) -> None:
    player_id, _, ids = await _filled(client, studio, cart_id or None)
    db = context.database.session()
    key, wanted, *codes = await wanted_of_cart(db, studio.project_id, player_id, cart_id)
    assert wanted == tuple(zip(ids, (1, 2, 3), strict=True))
    assert await wanted_of_cart(db, studio.project_id, player_id, key) == (key, wanted, *codes)
    assert (key == "mine") is (cart_id == "mine")


async def test_wanted_of_a_cart_that_nobody_filled(studio: Studio, context: Context) -> None:
    db, owner = context.database.session(), uuid4()
    assert (await wanted_of_cart(db, studio.project_id, owner, None))[1] == ()
    with pytest.raises(Refusal) as refused:
        await wanted_of_cart(db, studio.project_id, owner, "never", name="hero")
    assert (refused.value.kind, refused.value.message) == (
        CART_NOT_FOUND,
        "[0401-1401]: Cart for user hero not found",
    )


async def test_wanted_of_a_cart_that_was_emptied(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    player_id, headers = await new_player(studio)
    lamp = await sell(client, studio, virtual_item())
    await fill(client, studio, headers, {lamp: 1}, cart_id="mine")
    await client.put(cart_path(studio, "/clear", cart_id="mine"), headers=headers)
    db = context.database.session()
    assert await wanted_of_cart(db, studio.project_id, player_id, "mine") == ("mine", (), (), {})


async def test_what_was_bought_leaves_the_cart(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    player_id, skus, ids = await _filled(client, studio, None)
    headers = await studio.player_headers(player_id)
    db = context.database.session()
    key, wanted, *_ = await wanted_of_cart(db, studio.project_id, player_id, None)
    # Put in after the order was made, and more of what was ordered.
    rope = await sell(client, studio, virtual_item())
    await fill(client, studio, headers, {rope: 1, skus[1]: 5})
    await forget_bought(db, studio.project_id, player_id, key, wanted)
    assert quantities_of(await get_cart(client, studio, headers)) == {skus[1]: 3, rope: 1}
    # The same item on two lines of an order.
    await forget_bought(db, studio.project_id, player_id, key, [(ids[1], 1), (ids[1], 2)])
    assert quantities_of(await get_cart(client, studio, headers)) == {rope: 1}
    await forget_bought(db, studio.project_id, player_id, "no such cart", [(ids[1], 1)])
    await forget_bought(db, studio.project_id, player_id, key, [])
    assert quantities_of(await get_cart(client, studio, headers)) == {rope: 1}


async def test_old_carts_are_forgotten(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    lamp = any_sku()
    await save_virtual_item(studio, lamp)
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 1}, cart_id="old")
    await fill(client, studio, headers, {lamp: 1}, cart_id="young")
    day = (real_now() - CARTS_KEPT).date()
    db = context.database.session()
    mine = carts.c.project_id == studio.project_id
    await db.execute(update(carts).where(mine, carts.c.cart_id == "old").values(touched_on=day - timedelta(days=1)))
    await db.execute(update(carts).where(mine, carts.c.cart_id == "young").values(touched_on=day))
    assert await forget_old_carts(context.database) >= 1
    rows = await db.fetch_all(select(carts.c.cart_id).where(mine))
    assert [row["cart_id"] for row in rows] == ["young"]
    # Reading keeps nothing; changing does.
    await client.put(cart_path(studio, f"/item/{lamp}", cart_id="young"), json={"quantity": 2}, headers=headers)
    assert await db.fetch_value(select(carts.c.touched_on).where(mine)) >= real_now().date() - timedelta(days=1)

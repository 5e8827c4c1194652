"""Many changes of one cart at once: nothing is lost, and there is one current cart (R4)."""

import asyncio
from random import Random
from uuid import uuid4

import httpx

from haversack.carts.actions import forget_bought
from haversack.carts.filling import Filling, fill_cart
from haversack.carts.queries import wanted_of_cart
from haversack.carts.records import CartLine
from haversack.catalog.records import ItemKind
from haversack.clock import real_now
from haversack.context import Context
from make.carts import cart_path, fill, fill_body, get_cart, quantities_of
from make.catalog import any_sku, save_virtual_item
from make.client_catalog import new_player
from make.projects import Studio

CALLS = 50


async def _skus(studio: Studio, count: int) -> list[str]:
    skus = [any_sku(f"race-{number}") for number in range(count)]
    for sku in skus:
        await save_virtual_item(studio, sku)
    return skus


async def test_fills_at_once_lose_nothing(client: httpx.AsyncClient, studio: Studio) -> None:
    skus = await _skus(studio, CALLS)
    _, headers = await new_player(studio)
    for cart_id in (None, str(uuid4())):
        # The cart is made by whichever comes first.
        filled = await asyncio.gather(*(fill(client, studio, headers, {sku: 3}, cart_id=cart_id) for sku in skus))
        assert len({cart["cart_id"] for cart in filled}) == 1
        cart = await get_cart(client, studio, headers, cart_id=cart_id)
        assert quantities_of(cart) == dict.fromkeys(skus, 3)


async def test_puts_fills_and_deletes_at_once(client: httpx.AsyncClient, studio: Studio) -> None:
    skus = await _skus(studio, CALLS)
    _, headers = await new_player(studio)
    first, second = skus[: CALLS // 2], skus[CALLS // 2 :]
    await fill(client, studio, headers, dict.fromkeys(first, 1))

    async def put(sku: str) -> int:
        reply = await client.put(cart_path(studio, f"/item/{sku}"), json={"quantity": 2}, headers=headers)
        return reply.status_code

    async def delete(sku: str) -> int:
        return (await client.delete(cart_path(studio, f"/item/{sku}"), headers=headers)).status_code

    async def read(_: str) -> int:
        return (await client.get(cart_path(studio), headers=headers)).status_code

    done = await asyncio.gather(*map(delete, first), *map(put, second), *map(read, first))
    assert done == [204] * CALLS + [200] * len(first)
    assert quantities_of(await get_cart(client, studio, headers)) == dict.fromkeys(second, 2)


async def test_one_of_equal_deletes_finds_the_item(client: httpx.AsyncClient, studio: Studio) -> None:
    (sku,) = await _skus(studio, 1)
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {sku: 1})
    replies = await asyncio.gather(
        *(client.delete(cart_path(studio, f"/item/{sku}"), headers=headers) for _ in range(CALLS))
    )
    assert sorted(reply.status_code for reply in replies) == [204] + [422] * (CALLS - 1)


async def test_fills_at_once_do_not_pass_the_bound(client: httpx.AsyncClient, studio: Studio) -> None:
    skus = await _skus(studio, 210)
    _, headers = await new_player(studio)
    await fill(client, studio, headers, dict.fromkeys(skus[:190], 1))
    replies = await asyncio.gather(
        *(client.put(cart_path(studio, "/fill"), json=fill_body({sku: 1}), headers=headers) for sku in skus[190:])
    )
    assert sorted(reply.status_code for reply in replies) == [200] * 10 + [422] * 10
    assert len((await get_cart(client, studio, headers))["items"]) == 200


async def test_what_is_bought_and_what_is_put_in_at_once(studio: Studio, context: Context) -> None:
    owner = uuid4()
    lines = [CartLine(number, f"sku-{number}", ItemKind.VIRTUAL_GOOD, 2, {}) for number in range(1, 2 * CALLS + 1)]

    async def put(*put_in: CartLine) -> None:
        filling = Filling(
            project_id=studio.project_id, owner_id=owner, cart_id="c", put=put_in, gone=(), today=real_now().date()
        )
        filled = await fill_cart(context.database.session(), filling)
        assert filled is not None

    await put(*lines[:CALLS])
    bought = [
        forget_bought(context.database.session(), studio.project_id, owner, "c", [(line.item_id, 2)])
        for line in lines[:CALLS]
    ]
    await asyncio.gather(*bought, *(put(line) for line in lines[CALLS:]))
    _, held, *_ = await wanted_of_cart(context.database.session(), studio.project_id, owner, "c")
    assert sorted(held) == [(line.item_id, 2) for line in lines[CALLS:]]


async def test_fills_are_what_one_after_another_would_make(studio: Studio, context: Context) -> None:
    """Random fills, held against a plain mapping."""
    random, owner, db = Random(7), uuid4(), context.database.session()
    model: dict[int, int] = {}
    for _ in range(60):
        chosen = random.sample(range(1, 30), random.randint(1, 8))
        changes = {item_id: random.choice((0, 0, 1, 5, 9)) for item_id in chosen}
        put = [
            CartLine(item_id, f"sku-{item_id}", ItemKind.VIRTUAL_GOOD, quantity, {"USD": "1"})
            for item_id, quantity in changes.items()
            if quantity
        ]
        filling = Filling(
            project_id=studio.project_id,
            owner_id=owner,
            cart_id="c",
            put=put,
            gone=[f"sku-{item_id}" for item_id, quantity in changes.items() if not quantity],
            today=real_now().date(),
        )
        filled = await fill_cart(db, filling)
        for item_id, quantity in changes.items():
            if quantity:
                model[item_id] = quantity
            else:
                model.pop(item_id, None)
        assert filled is not None
        assert [(line.item_id, line.quantity) for line in filled.cart.lines] == list(model.items())

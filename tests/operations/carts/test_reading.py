"""What was read of a cart before is not read again, and whatever has changed of it is."""

from collections.abc import Awaitable, Callable

import httpx

from haversack.carts.queries import remember_shown, set_codes
from haversack.carts.reading import Carts, carts_of
from haversack.carts.records import NEVER_FILLED, Cart, StoredCart
from haversack.carts.rules import current_cart_id
from haversack.catalog.read_model.queries import Knowing
from haversack.catalog.read_model.records import PackedUses
from haversack.clock import real_now
from make.carts import cart_path, fill
from make.catalog import virtual_item
from make.client_catalog import new_player, sell
from make.projects import Studio

Change = Callable[[], Awaitable[object]]


async def test_only_what_has_changed_is_read(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, rope = [await sell(client, studio, virtual_item(limits={"per_user": 5})) for _ in range(2)]
    player_id, headers = await new_player(studio)
    db, current = studio.context.database.session(), current_cart_id(studio.project_id, player_id)

    async def read(carts: Carts) -> StoredCart:
        return await carts.read(Knowing(studio.project_id), player_id, current)

    async def forget() -> None:
        async with studio.context.database.connection() as connection:
            await connection.execute("DELETE FROM carts WHERE owner_id = $1", player_id)

    database = studio.context.database
    assert await read(carts_of(database)) == StoredCart(NEVER_FILLED, Cart(cart_id=current), PackedUses(""))
    await fill(client, studio, headers, {lamp: 1})
    # Of the call before they know what they wrote themselves; who knows nothing reads all of it.
    known = await read(carts_of(database))
    assert known == await read(Carts(database))
    item_id = known.cart.lines[0].item_id
    changes: dict[str, Change] = {
        "another quantity": lambda: fill(client, studio, headers, {lamp: 2}),
        "another line": lambda: fill(client, studio, headers, {rope: 1}),
        "a code": lambda: set_codes(db, studio.project_id, player_id, current, {"SUMMER": {}}, today=real_now().date()),
        "a price that was seen": lambda: remember_shown(
            db, studio.project_id, player_id, current, {item_id: {"EUR": "1.00"}}
        ),
        "a line less": lambda: client.delete(cart_path(studio, f"/item/{rope}"), headers=headers),
        "nothing in it": lambda: client.put(cart_path(studio, "/clear"), headers=headers),
        "gone": forget,
        "made again": lambda: fill(client, studio, headers, {lamp: 1}),
    }
    for name, change in changes.items():
        await change()
        found, whole = await read(carts_of(database)), await read(Carts(database))
        assert found == whole, name
        assert found != known, name
        known = found

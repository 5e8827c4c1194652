"""What was read of a cart before is not read again, and whatever has changed of it is."""

from collections.abc import Awaitable, Callable

import httpx

from haversack.carts.queries import remember_shown, set_codes
from haversack.carts.reading import read_cart
from haversack.carts.records import NEVER_FILLED, StoredCart
from haversack.carts.rules import current_cart_id
from haversack.catalog.read_model.queries import Knowing
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

    async def read(known: StoredCart | None) -> StoredCart:
        return await read_cart(studio.context.database, Knowing(studio.project_id), player_id, current, known)

    async def forget() -> None:
        async with studio.context.database.connection() as connection:
            await connection.execute("DELETE FROM carts WHERE owner_id = $1", player_id)

    assert await read(None) == NEVER_FILLED
    await fill(client, studio, headers, {lamp: 1})
    known = await read(NEVER_FILLED)
    assert known == await read(None)
    item_id = int(known.lines.partition('"item_id": ')[2].partition(",")[0])
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
        found, whole = await read(known), await read(None)
        assert found == whole, name
        assert found != known, name
        known = found

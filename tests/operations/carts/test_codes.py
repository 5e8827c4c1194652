"""The codes that a cart has: one takes the place of another, and what was read before is not shown again."""

import httpx

from haversack.carts.queries import find_cart, set_codes
from haversack.carts.reading import carts_of
from haversack.carts.records import FilledCart
from haversack.carts.rules import current_cart_id
from haversack.catalog.read_model.queries import Knowing
from haversack.clock import real_now
from make.carts import cart_path, fill, get_cart
from make.catalog import virtual_item
from make.client_catalog import new_player, sell
from make.projects import Studio


async def test_a_cart_has_its_codes(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, virtual_item(limits={"per_user": 5}))
    player_id, headers = await new_player(studio)
    db, database = studio.context.database.session(), studio.context.database
    current = current_cart_id(studio.project_id, player_id)

    async def give(cart_id: str, *codes: str) -> FilledCart | None:
        today = real_now().date()
        chosen = {code: {"game": "game-steam"} for code in codes}
        return await set_codes(db, studio.project_id, player_id, cart_id, chosen, today=today)

    # Nothing is made to take codes out, nor for another cart than the current one.
    assert await give(current) is None
    assert await give("mine", "SUMMER") is None
    made = await give(current, "SUMMER")
    assert made is not None and made.is_new and made.cart.lines == ()
    assert made.cart.promo_codes == ("SUMMER",)
    await fill(client, studio, headers, {lamp: 1})
    before = await get_cart(client, studio, headers)
    read = await carts_of(database).read(Knowing(studio.project_id), player_id, current)
    changed = await give(current, "WINTER")
    assert changed is not None and not changed.is_new
    assert [line.sku for line in changed.cart.lines] == [lamp]
    assert await carts_of(database).read(Knowing(studio.project_id), player_id, current) != read
    assert await get_cart(client, studio, headers) == before
    found = await find_cart(db, studio.project_id, player_id, current)
    assert found is not None and found.promo_codes == ("WINTER",)
    assert found.chosen_keys == {"game": "game-steam"}
    # Clearing a cart takes its code too.
    assert (await client.put(cart_path(studio, "/clear"), headers=headers)).status_code == 204
    found = await find_cart(db, studio.project_id, player_id, current)
    assert found is not None and found.promo_codes == ()

"""Promo codes in carts: put there, replaced, taken away; nothing is used up by it."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from haversack.carts.queries import find_cart
from haversack.carts.records import Cart
from haversack.carts.rules import current_cart_id
from make.carts import cart_path, fill, guest_headers
from make.catalog import game, game_key, virtual_item
from make.client_catalog import new_player, sell
from make.codes import (
    COUPON,
    PROMO_CODE,
    any_code,
    coupon,
    faults,
    get_coded,
    make_coded,
    player_path,
    promo_code,
    put_code,
    refusal,
)
from make.projects import Studio

UNKNOWN = (404, 9807, "[0401-9807]: Enter a valid promo code.")
NOT_SENT = (403, 0, "Authorization header not sent")


async def _cart(studio: Studio, player_id: UUID, cart_id: str | None = None) -> Cart:
    key = cart_id or current_cart_id(studio.project_id, player_id)
    found = await find_cart(studio.context.database.session(), studio.project_id, player_id, key)
    assert found is not None
    return found


async def _remove(client: httpx.AsyncClient, studio: Studio, headers: dict[str, str], body: Any) -> httpx.Response:
    return await client.put(player_path(studio, "promocode/remove"), json=body, headers=headers)


async def test_redeem_promo_code(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, virtual_item())
    first, second = any_code(), any_code()
    external_id = await make_coded(
        client, studio, PROMO_CODE, promo_code(redeem_total_limit=1, redeem_user_limit=1), first
    )
    await make_coded(client, studio, PROMO_CODE, promo_code(), second)
    player_id, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 2})
    reply = await put_code(client, studio, headers, first, cart={"id": "current"})
    assert reply.status_code == 200, reply.text
    answer = reply.json()
    assert answer["cart_id"] == current_cart_id(studio.project_id, player_id)
    assert [(item["sku"], item["quantity"]) for item in answer["items"]] == [(lamp, 2)]
    assert answer["rewards"] == {
        "bonus": [],
        "discount": {"percent": "10.00"},
        "discounted_items": None,
        "is_selectable": False,
    }
    assert (await _cart(studio, player_id)).promo_codes == (first,)
    # Being in a cart uses nothing; another cart, and another player, may have it too.
    state = (await get_coded(client, studio, PROMO_CODE, external_id))["total_limit_state"]
    assert state == {"available": 1, "reserved": 0, "used": 0}
    assert (await put_code(client, studio, (await new_player(studio))[1], first)).status_code == 200
    # A cart has one code.
    assert (await put_code(client, studio, headers, second, cart=None)).status_code == 200
    assert (await _cart(studio, player_id)).promo_codes == (second,)


async def test_redeem_promo_code_for_a_cart_of_its_own(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, code = await sell(client, studio, virtual_item()), any_code()
    await make_coded(client, studio, PROMO_CODE, promo_code(), code)
    player_id, headers = await new_player(studio)
    missing = await put_code(client, studio, headers, code, cart={"id": "mine"})
    assert refusal(missing) == (422, 1401, f"[0401-1401]: Cart for user {player_id} not found")
    await fill(client, studio, headers, {lamp: 1}, cart_id="mine")
    reply = await put_code(client, studio, headers, code, cart={"id": "mine"})
    assert (reply.status_code, reply.json()["cart_id"]) == (200, "mine")
    assert (await _cart(studio, player_id, "mine")).promo_codes == (code,)
    invalid = await put_code(client, studio, headers, code, cart={"id": "x" * 129})
    assert refusal(invalid) == (422, 1401, "[0401-1401]: Invalid cart")


async def test_redeem_promo_code_as_a_guest(client: httpx.AsyncClient, studio: Studio) -> None:
    code, personal = any_code(), any_code()
    await make_coded(client, studio, PROMO_CODE, promo_code(), code)
    condition = {"attribute": "guild", "type": "string", "operator": "eq", "value": "Owls"}
    await make_coded(client, studio, PROMO_CODE, promo_code(attribute_conditions=[condition]), personal)
    guest = guest_headers()
    reply = await put_code(client, studio, guest, code)
    assert (reply.status_code, reply.json()["items"]) == (200, [])
    assert refusal(await put_code(client, studio, guest, personal)) == UNKNOWN
    assert refusal(await put_code(client, studio, {}, code)) == NOT_SENT
    studio.project_id += 1_000_000
    unknown = await put_code(client, studio, guest, code)
    assert unknown.status_code == 404


async def test_redeem_promo_code_that_gives_a_game(client: httpx.AsyncClient, studio: Studio) -> None:
    steam, gog, code = game_key("steam"), game_key("gog"), any_code()
    opera = await sell(client, studio, game(steam, gog), "game")
    await make_coded(client, studio, PROMO_CODE, promo_code(bonus=[{"sku": opera, "quantity": 1}]), code)
    player_id, headers = await new_player(studio)
    assert faults(await put_code(client, studio, headers, code)) == {f"selected_unit_items.{opera}"}
    reply = await put_code(client, studio, headers, code, selected_unit_items={opera: gog["sku"]})
    assert (reply.status_code, reply.json()["rewards"]["is_selectable"]) == (200, True)
    cart = await _cart(studio, player_id)
    assert (cart.promo_codes, cart.chosen_keys) == ((code,), {opera: gog["sku"]})


async def test_redeem_promo_code_refuses(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, virtual_item())
    gift, off, ended, right = (any_code() for _ in range(4))
    await make_coded(client, studio, COUPON, coupon(lamp), gift)
    await make_coded(client, studio, PROMO_CODE, promo_code(), off, is_enabled=False)
    await make_coded(client, studio, PROMO_CODE, promo_code(date_end="2026-06-01T00:00:00+03:00"), ended)
    external_id = await make_coded(client, studio, PROMO_CODE, promo_code(redeem_user_limit=1), right)
    player_id, headers = await new_player(studio)
    for code in (any_code(), gift, off, "no-code"):
        assert refusal(await put_code(client, studio, headers, code)) == UNKNOWN
    assert refusal(await put_code(client, studio, headers, ended))[:2] == (422, 9810)
    path = f"/api/v2/project/{studio.project_id}/admin/user/limit/promocode/external_id/{external_id}"
    none = {"user": {"user_external_id": str(player_id)}, "available": 0}
    assert (await client.put(path, json=none, auth=studio.basic)).status_code == 200
    reached = (422, 9804, "[0401-9804]: You have reached the promo code redemption limit.")
    assert refusal(await put_code(client, studio, headers, right)) == reached
    assert faults(await put_code(client, studio, headers, right, cart={})) == {"cart.id"}
    assert faults(await put_code(client, studio, headers, right, selected_unit_items=["x"])) == {"selected_unit_items"}


@pytest.mark.parametrize("body", [{}, {"cart": None}, {"cart": {"id": "current"}}, {"id": ""}])
async def test_remove_cart_promo_code(client: httpx.AsyncClient, studio: Studio, body: dict[str, Any]) -> None:
    lamp, code = await sell(client, studio, virtual_item()), any_code()
    await make_coded(client, studio, PROMO_CODE, promo_code(), code)
    player_id, headers = await new_player(studio)
    # A cart that nobody has filled has no code to be taken off.
    empty = await _remove(client, studio, headers, body)
    assert (empty.status_code, empty.json()["items"]) == (200, [])
    await fill(client, studio, headers, {lamp: 1})
    await put_code(client, studio, headers, code)
    reply = await _remove(client, studio, headers, body)
    assert reply.status_code == 200, reply.text
    assert [item["sku"] for item in reply.json()["items"]] == [lamp]
    assert "rewards" not in reply.json()
    assert (await _cart(studio, player_id)).promo_codes == ()
    assert (await _remove(client, studio, headers, body)).status_code == 200


async def test_remove_cart_promo_code_from_others(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, code = await sell(client, studio, virtual_item()), any_code()
    await make_coded(client, studio, PROMO_CODE, promo_code(), code)
    guest = guest_headers()
    player_id, headers = await new_player(studio)
    for someone in (headers, guest):
        await fill(client, studio, someone, {lamp: 1}, cart_id="mine")
        await put_code(client, studio, someone, code, cart={"id": "mine"})
    assert (await _remove(client, studio, guest, {"id": "mine"})).status_code == 200
    assert (await _cart(studio, player_id, "mine")).promo_codes == (code,)
    unknown = await _remove(client, studio, headers, {"cart": {"id": str(uuid4())}})
    assert refusal(unknown) == (422, 1401, f"[0401-1401]: Cart for user {player_id} not found")
    assert refusal(await _remove(client, studio, headers, {"id": "x" * 129})) == (
        422,
        1401,
        "[0401-1401]: Invalid cart",
    )
    assert refusal(await _remove(client, studio, {}, {})) == NOT_SENT
    assert faults(await _remove(client, studio, headers, {"cart": {}})) == {"cart.id"}


async def test_a_cleared_cart_has_no_code(client: httpx.AsyncClient, studio: Studio) -> None:
    code = any_code()
    await make_coded(client, studio, PROMO_CODE, promo_code(), code)
    player_id, headers = await new_player(studio)
    await put_code(client, studio, headers, code)
    assert (await client.put(cart_path(studio, "/clear"), headers=headers)).status_code == 204
    assert (await _cart(studio, player_id)).promo_codes == ()

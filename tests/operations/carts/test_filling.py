"""Filling, changing and clearing carts, the current one and those under ids of their own."""

from uuid import uuid4

import httpx
import pytest

from make.carts import cart_path, codes_of, fill, fill_body, get_cart, guest_headers, quantities_of
from make.catalog import any_sku, game, game_key, virtual_item
from make.client_catalog import new_player, sell
from make.projects import Studio

CURRENT = None
CARTS = pytest.mark.parametrize("cart_id", [CURRENT, "my-cart", "current"])


async def _two(client: httpx.AsyncClient, studio: Studio) -> tuple[str, str]:
    return await sell(client, studio, virtual_item()), await sell(client, studio, virtual_item())


@CARTS
async def test_cart_fill_sets_quantities_and_keeps_the_rest(
    client: httpx.AsyncClient, studio: Studio, cart_id: str | None
) -> None:
    lamp, rope = await _two(client, studio)
    _, headers = await new_player(studio)
    first = await fill(client, studio, headers, {lamp: 2, rope: 1}, cart_id=cart_id)
    assert quantities_of(first) == {lamp: 2, rope: 1}
    second = await fill(client, studio, headers, {lamp: 5}, cart_id=cart_id)
    # Replaced, not added to; in its old place.
    assert list(quantities_of(second).items()) == [(lamp, 5), (rope, 1)]
    assert second["cart_id"] == first["cart_id"]
    if cart_id == "my-cart":
        assert first["cart_id"] == "my-cart"
    seen = await get_cart(client, studio, headers, cart_id=cart_id)
    assert seen == second


async def test_cart_fill_by_id_makes_carts_beside_each_other(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, rope = await _two(client, studio)
    _, headers = await new_player(studio)
    named = str(uuid4())
    await fill(client, studio, headers, {lamp: 1}, cart_id=named)
    await fill(client, studio, headers, {rope: 2})
    assert quantities_of(await get_cart(client, studio, headers, cart_id=named)) == {lamp: 1}
    current = await get_cart(client, studio, headers)
    assert quantities_of(current) == {rope: 2}
    # The current cart's own id names it too, and so does the word.
    assert await get_cart(client, studio, headers, cart_id=current["cart_id"]) == current
    assert await get_cart(client, studio, headers, cart_id="current") == current
    slashed = await client.get(cart_path(studio) + "/", headers=headers)
    assert slashed.json() == current


async def test_cart_fill_tells_of_what_it_cannot_put_in(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, virtual_item())
    off = await sell(client, studio, virtual_item(is_enabled=False))
    sea = await sell(client, studio, game(game_key()), "game")
    nothing = any_sku("nothing")
    _, headers = await new_player(studio)
    cart = await fill(client, studio, headers, {nothing: 3, lamp: 1, off: 1, sea: 1})
    assert quantities_of(cart) == {lamp: 1}
    assert codes_of(cart) == [(nothing, 4001), (off, 4001), (sea, 1421)]
    assert cart["warnings"][0] == {
        "sku": nothing,
        "quantity": 3,
        "errorCode": 4001,
        "errorMessage": f"[0401-4001]: Item with Project Id = {studio.project_id} and Sku = {nothing} not found",
    }
    # It was said to whom it concerned; the cart itself is in order.
    assert (await get_cart(client, studio, headers))["warnings"] == []


async def test_cart_fill_takes_out_what_it_sets_to_nothing(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, rope = await _two(client, studio)
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 2, rope: 1})
    cart = await fill(client, studio, headers, {lamp: 0, any_sku(): 0})
    assert quantities_of(cart) == {rope: 1}
    assert cart["warnings"] == []


async def test_cart_fill_counts_the_last_of_a_sku_named_twice(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, virtual_item())
    _, headers = await new_player(studio)
    body = {"items": [{"sku": lamp, "quantity": 4}, {"sku": lamp, "quantity": 7.0}]}
    reply = await client.put(cart_path(studio, "/fill"), json=body, headers=headers)
    assert quantities_of(reply.json()) == {lamp: 7}


@pytest.mark.parametrize("quantity", [-1, 1.5, 1_000_001, 10**30])
async def test_quantities_that_are_none(client: httpx.AsyncClient, studio: Studio, quantity: object) -> None:
    lamp = await sell(client, studio, virtual_item())
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 2})
    for path, body in (
        (cart_path(studio, "/fill"), fill_body({lamp: quantity})),
        (cart_path(studio, f"/item/{lamp}"), {"quantity": quantity}),
        (cart_path(studio, "/fill", cart_id="other"), fill_body({lamp: quantity})),
        (cart_path(studio, f"/item/{lamp}", cart_id="other"), {"quantity": quantity}),
    ):
        reply = await client.put(path, json=body, headers=headers)
        assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102)
        assert reply.json()["errorMessage"] == "[0401-1102]: Item quantity must be non-negative integer"
    assert quantities_of(await get_cart(client, studio, headers)) == {lamp: 2}
    assert quantities_of(await get_cart(client, studio, headers, cart_id="other")) == {}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": []},
        {"items": [{"quantity": 1}]},
        {"items": [{"sku": "a"}]},
        {"items": [{"sku": "", "quantity": 1}]},
    ]
    + [{"items": [{"sku": "a", "quantity": quantity}]} for quantity in (True, "2", None)],
)
async def test_cart_fill_refuses_other_bodies(client: httpx.AsyncClient, studio: Studio, body: object) -> None:
    _, headers = await new_player(studio)
    reply = await client.put(cart_path(studio, "/fill"), json=body, headers=headers)
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102)


async def test_a_cart_has_a_bound(client: httpx.AsyncClient, studio: Studio, many: list[str]) -> None:
    _, headers = await new_player(studio)
    await fill(client, studio, headers, dict.fromkeys(many[:200], 1))
    full = await client.put(cart_path(studio, "/fill"), json=fill_body({many[200]: 1, many[0]: 2}), headers=headers)
    assert (full.status_code, full.json()["errorCode"]) == (422, 1421)
    put = await client.put(cart_path(studio, f"/item/{many[200]}"), json={"quantity": 1}, headers=headers)
    assert put.json()["errorMessage"].startswith("[0401-1421]: A cart holds at most 200 different items.")
    assert quantities_of(await get_cart(client, studio, headers))[many[0]] == 1
    # What takes the place of something else fits.
    swapped = await fill(client, studio, headers, {many[200]: 1, many[0]: 0, many[1]: 9})
    assert len(swapped["items"]) == 200
    over = await client.put(cart_path(studio, "/fill"), json=fill_body(dict.fromkeys(many, 1)), headers=headers)
    assert (over.status_code, over.json()["errorCode"]) == (422, 1102)


async def test_the_oldest_of_too_many_carts_go(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, virtual_item())
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 1})
    for number in range(60):
        await fill(client, studio, headers, {lamp: 1}, cart_id=f"cart-{number}")
    held = [
        number for number in range(60) if (await get_cart(client, studio, headers, cart_id=f"cart-{number}"))["items"]
    ]
    assert len(held) == 49
    assert 59 in held
    assert quantities_of(await get_cart(client, studio, headers)) == {lamp: 1}


@CARTS
async def test_put_item(client: httpx.AsyncClient, studio: Studio, cart_id: str | None) -> None:
    lamp, rope = await _two(client, studio)
    _, headers = await new_player(studio)
    for sku, quantity in ((lamp, 1), (rope, 3), (lamp, 4)):
        reply = await client.put(
            cart_path(studio, f"/item/{sku}", cart_id=cart_id), json={"quantity": quantity}, headers=headers
        )
        assert (reply.status_code, reply.content) == (204, b"")
    assert quantities_of(await get_cart(client, studio, headers, cart_id=cart_id)) == {lamp: 4, rope: 3}
    gone = await client.put(cart_path(studio, f"/item/{lamp}", cart_id=cart_id), json={"quantity": 0}, headers=headers)
    assert gone.status_code == 204
    assert quantities_of(await get_cart(client, studio, headers, cart_id=cart_id)) == {rope: 3}


async def test_put_item_by_cart_id_refuses_what_is_not_sold(client: httpx.AsyncClient, studio: Studio) -> None:
    sea = await sell(client, studio, game(game_key()), "game")
    _, headers = await new_player(studio)
    for cart_id in (None, "mine"):
        unknown = await client.put(
            cart_path(studio, f"/item/{any_sku()}", cart_id=cart_id), json={"quantity": 1}, headers=headers
        )
        assert (unknown.status_code, unknown.json()["errorCode"]) == (404, 4001)
        unit = await client.put(
            cart_path(studio, f"/item/{sea}", cart_id=cart_id), json={"quantity": 1}, headers=headers
        )
        assert (unit.status_code, unit.json()["errorCode"]) == (422, 1421)


@CARTS
async def test_delete_item_from_cart(client: httpx.AsyncClient, studio: Studio, cart_id: str | None) -> None:
    lamp, rope = await _two(client, studio)
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 1, rope: 1}, cart_id=cart_id)
    path = cart_path(studio, f"/item/{lamp}", cart_id=cart_id)
    reply = await client.delete(path, headers=headers)
    assert (reply.status_code, reply.content) == (204, b"")
    assert quantities_of(await get_cart(client, studio, headers, cart_id=cart_id)) == {rope: 1}
    again = await client.delete(path, headers=headers)
    assert (again.status_code, again.json()["errorCode"]) == (422, 1411)
    unknown = await client.delete(cart_path(studio, f"/item/{any_sku()}", cart_id=cart_id), headers=headers)
    assert (unknown.status_code, unknown.json()["errorCode"]) == (404, 4001)


async def test_delete_item_by_cart_id_looks_into_that_cart_only(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, virtual_item())
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 1})
    reply = await client.delete(cart_path(studio, f"/item/{lamp}", cart_id="other"), headers=headers)
    assert (reply.status_code, reply.json()["errorMessage"]) == (422, "[0401-1411]: Invalid item")
    assert quantities_of(await get_cart(client, studio, headers)) == {lamp: 1}


@CARTS
async def test_cart_clear(client: httpx.AsyncClient, studio: Studio, cart_id: str | None) -> None:
    lamp, rope = await _two(client, studio)
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 1, rope: 1}, cart_id=cart_id)
    for _ in range(2):
        reply = await client.put(cart_path(studio, "/clear", cart_id=cart_id), headers=headers)
        assert (reply.status_code, reply.content) == (204, b"")
    cart = await get_cart(client, studio, headers, cart_id=cart_id)
    assert (cart["items"], cart["price"], cart["is_free"]) == ([], None, False)


async def test_cart_clear_by_id_leaves_other_carts(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, virtual_item())
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 1})
    await client.put(cart_path(studio, "/clear", cart_id="never-filled"), headers=headers)
    assert quantities_of(await get_cart(client, studio, headers)) == {lamp: 1}


async def test_a_repeat_with_its_key_changes_nothing(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, virtual_item())
    _, headers = await new_player(studio)
    keyed = {**headers, "Idempotency-Key": str(uuid4())}
    first = await client.put(cart_path(studio, "/fill"), json=fill_body({lamp: 1}), headers=keyed)
    await fill(client, studio, headers, {lamp: 5})
    again = await client.put(cart_path(studio, "/fill"), json=fill_body({lamp: 1}), headers=keyed)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    assert quantities_of(await get_cart(client, studio, headers)) == {lamp: 5}


@pytest.mark.parametrize("cart_id", ["x" * 129, "a%0Ab"])
async def test_ids_that_are_none(client: httpx.AsyncClient, studio: Studio, cart_id: str) -> None:
    _, headers = await new_player(studio)
    lamp = await sell(client, studio, virtual_item())
    for method, rest, body in (
        ("GET", "", None),
        ("PUT", "/fill", fill_body({lamp: 1})),
        ("PUT", f"/item/{lamp}", {"quantity": 1}),
        ("DELETE", f"/item/{lamp}", None),
        ("PUT", "/clear", None),
    ):
        reply = await client.request(method, cart_path(studio, rest, cart_id=cart_id), json=body, headers=headers)
        assert (reply.status_code, reply.json()["errorMessage"]) == (422, "[0401-1401]: Invalid cart")


async def test_guests_have_carts_of_their_own(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, rope = await _two(client, studio)
    guest, other = guest_headers(), guest_headers()
    await fill(client, studio, guest, {lamp: 1}, cart_id="c")
    await fill(client, studio, {**other, "x-user": "YUBleGFtcGxlLmNvbQ=="}, {rope: 1}, cart_id="c")
    assert quantities_of(await get_cart(client, studio, guest, cart_id="c")) == {lamp: 1}
    assert quantities_of(await get_cart(client, studio, other, cart_id="c")) == {rope: 1}
    # Whoever signs in begins with the player's cart; clients send the lines again themselves.
    _, headers = await new_player(studio)
    assert quantities_of(await get_cart(client, studio, {**guest, **headers}, cart_id="c")) == {}


async def test_carts_belong_to_one_player_of_one_project(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    lamp = await sell(client, studio, virtual_item())
    _, headers = await new_player(studio)
    _, others = await new_player(studio)
    await fill(client, studio, headers, {lamp: 1}, cart_id="c")
    assert quantities_of(await get_cart(client, studio, others, cart_id="c")) == {}
    elsewhere = await client.get(cart_path(other_studio), headers=headers)
    assert (elsewhere.status_code, elsewhere.json()["errorCode"]) == (401, 1020)


async def test_carts_want_a_caller(client: httpx.AsyncClient, studio: Studio) -> None:
    guest = guest_headers()
    for headers in (
        {},
        {"Authorization": "Bearer a.b.c"},
        {"x-unauthorized-id": "short"},
        {**guest, "x-user": "a@b"},
        {**guest, "x-user": b"\xe9"},
        {**guest, "x-user": "//8="},
    ):
        reply = await client.get(cart_path(studio), headers=headers)
        assert (reply.status_code, reply.json()["errorCode"]) == (401, 1020)
    missing = await client.get("/api/v2/project/2147483647/cart", headers=guest_headers())
    assert missing.status_code == 404

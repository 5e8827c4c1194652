"""Carts that a studio's back end fills for its players."""

from uuid import uuid4

import httpx
import pytest

from haversack.login.rules import outside_player_id
from make.carts import codes_of, fill, fill_body, get_cart, quantities_of
from make.catalog import any_sku, consumable, price
from make.client_catalog import new_player, sell
from make.projects import Studio

CARTS = pytest.mark.parametrize("cart_id", [None, "my-cart"])


def _path(studio: Studio, cart_id: str | None) -> str:
    named = "" if cart_id is None else f"/{cart_id}"
    return f"/api/v2/admin/project/{studio.project_id}/cart{named}/fill"


@CARTS
async def test_admin_cart_fill(client: httpx.AsyncClient, studio: Studio, cart_id: str | None) -> None:
    lamp = await sell(client, studio, consumable(name={"en": "Lamp", "de": "Lampe"}))
    rope = await sell(client, studio, consumable())
    nothing = any_sku()
    player_id, headers = await new_player(studio)
    await fill(client, studio, headers, {rope: 1}, cart_id=cart_id)
    reply = await client.put(
        _path(studio, cart_id),
        json=fill_body({lamp: 2, nothing: 1}),
        headers={"x-user-id": str(player_id)},
        params={"locale": "de"},
        auth=studio.basic,
    )
    assert reply.status_code == 200, reply.text
    assert quantities_of(reply.json()) == {rope: 1, lamp: 2}
    assert codes_of(reply.json()) == [(nothing, 4001)]
    assert reply.json()["items"][1]["name"] == "Lampe"
    assert quantities_of(await get_cart(client, studio, headers, cart_id=cart_id)) == {rope: 1, lamp: 2}


@CARTS
async def test_admin_fill_cart_by_id_for_a_player_without_account(
    client: httpx.AsyncClient, studio: Studio, cart_id: str | None
) -> None:
    lamp = await sell(client, studio, consumable())
    name = f"hero-{uuid4().hex[:8]}"
    for header in ("x-user-id", "x-user-for"):
        reply = await client.put(
            _path(studio, cart_id), json=fill_body({lamp: 1}), headers={header: name}, auth=studio.basic
        )
        assert quantities_of(reply.json()) == {lamp: 1}
    headers = await studio.player_headers(outside_player_id(studio.login_project_id, name))
    assert quantities_of(await get_cart(client, studio, headers, cart_id=cart_id)) == {lamp: 1}


async def test_currency_and_country_are_those_of_the_answer(client: httpx.AsyncClient, studio: Studio) -> None:
    prices = [price(10.00), price(8.00, country_iso="DE"), price(9.00, "EUR", is_default=False)]
    lamp = await sell(client, studio, consumable(prices=prices))
    player_id, headers = await new_player(studio)
    for change, amount in (({}, "10"), ({"country": "de"}, "8"), ({"currency": "eur"}, "9")):
        reply = await client.put(
            _path(studio, None),
            json={**fill_body({lamp: 1}), **change},
            headers={"x-user-id": str(player_id)},
            auth=studio.basic,
        )
        assert reply.json()["price"]["amount"] == f"{amount}.0000000000000000"
    # An order of the cart goes by its own call, and so does what its owner sees.
    assert (await get_cart(client, studio, headers))["price"]["currency"] == "USD"


async def test_nobody_is_named(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, consumable())
    for headers in ({}, {"x-user-id": " "}):
        for cart_id in (None, "c"):
            reply = await client.put(
                _path(studio, cart_id), json=fill_body({lamp: 1}), headers=headers, auth=studio.basic
            )
            assert (reply.status_code, reply.json()["errorCode"]) == (404, 5008)


@pytest.mark.parametrize(
    "change",
    [{"items": []}, {"country": "DEU"}, {"currency": "ZZZ"}, {"user": "a"}]
    + [{"items": [{"sku": "a", "quantity": quantity}]} for quantity in (0, -1, 1.5)],
)
async def test_bodies_that_are_refused(client: httpx.AsyncClient, studio: Studio, change: dict[str, object]) -> None:
    player_id, headers = await new_player(studio)
    reply = await client.put(
        _path(studio, None),
        json={**fill_body({"a": 1}), **change},
        headers={"x-user-id": str(player_id)},
        auth=studio.basic,
    )
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102)
    assert (await get_cart(client, studio, headers))["items"] == []


async def test_ids_and_bounds(client: httpx.AsyncClient, studio: Studio, many: list[str]) -> None:
    player_id, _ = await new_player(studio)
    headers = {"x-user-id": str(player_id)}
    invalid = await client.put(
        _path(studio, "x" * 129), json=fill_body({many[0]: 1}), headers=headers, auth=studio.basic
    )
    assert (invalid.status_code, invalid.json()["errorMessage"]) == (422, "[0401-1401]: Invalid cart")
    await client.put(
        _path(studio, None), json=fill_body(dict.fromkeys(many[:200], 1)), headers=headers, auth=studio.basic
    )
    full = await client.put(_path(studio, None), json=fill_body({many[200]: 1}), headers=headers, auth=studio.basic)
    assert (full.status_code, full.json()["errorCode"]) == (422, 1421)


async def test_players_and_strangers_do_not_fill_for_others(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio
) -> None:
    player_id, headers = await new_player(studio)
    for auth in (None, other_studio.basic):
        reply = await client.put(
            _path(studio, None),
            json=fill_body({"a": 1}),
            headers={**({} if auth else headers), "x-user-id": str(player_id)},
            auth=auth,
        )
        assert (reply.status_code, reply.json()["errorCode"]) == (401, 1020)

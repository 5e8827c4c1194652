"""What a cart shows: its lines, what they cost, and what keeps them from being bought."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest

from haversack.catalog.records import Details, Price
from haversack.context import Context
from make.carts import cart_path, codes_of, fill, get_cart, quantities_of
from make.catalog import (
    PICTURE,
    any_sku,
    bundle,
    consumable,
    game,
    game_key,
    package,
    price,
    put_item,
    save_virtual_item,
    virtual_currency,
    virtual_item,
)
from make.client_catalog import catalog_path, freeze, id_of, new_player, sell, sell_out, use
from make.inventory import operation, send
from make.keys import upload
from make.projects import Studio
from make.taxonomy import make_region

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
USED_UP = Details(is_consumable=True, usages_count=1)


async def _seen(
    client: httpx.AsyncClient, studio: Studio, headers: dict[str, str], **parameters: Any
) -> dict[str, Any]:
    """The current cart, read in the ordinary way and once more from what that left in memory."""
    first = await get_cart(client, studio, headers, **parameters)
    assert await get_cart(client, studio, headers, **parameters) == first
    return first


async def test_get_user_cart(client: httpx.AsyncClient, studio: Studio) -> None:
    gold = await sell(client, studio, virtual_currency(), "virtual_currency")
    body = consumable(
        name={"en": "Lamp", "de": "Lampe"},
        prices=[price(9.99)],
        vc_prices=[{"sku": gold, "amount": 300, "is_default": True, "is_enabled": True}],
        inventory_options={"consumable": {"usages_count": 3}, "expiration_period": None},
        limits={"per_user": 5, "per_item": 100},
    )
    lamp = await sell(client, studio, body)
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 3})
    cart = await _seen(client, studio, headers, locale="de")
    line = cart["items"][0]
    assert line.pop("limits") == {
        "per_user": {
            "total": 5,
            "available": 5,
            "recurrent_schedule": None,
            "limit_exceeded_visibility": "show",
        },
        "per_item": {"total": 100, "available": 100},
    }
    shown = line.pop("virtual_prices")
    assert [(each["sku"], each["amount"], each["type"]) for each in shown] == [(gold, 300, "virtual_currency")]
    amount = {"amount": "29.9700000000000000", "amount_without_discount": "29.9700000000000000", "currency": "USD"}
    assert line == {
        "item_id": await id_of(client, studio, lamp),
        "sku": lamp,
        "type": "virtual_good",
        "name": "Lampe",
        "description": "It gives light.",
        "image_url": PICTURE,
        "groups": [],
        "attributes": [],
        "inventory_options": {"consumable": {"usages_count": 3}, "expiration_period": None},
        "virtual_item_type": "consumable",
        "promotions": [],
        "vp_rewards": [],
        "periods": [],
        "quantity": 3,
        "is_free": False,
        "is_bonus": False,
        "can_be_bought": True,
        "price": amount,
    }
    del cart["items"], cart["cart_id"]
    assert cart == {"is_free": False, "price": amount, "promotions": [], "warnings": []}


async def test_an_empty_cart(client: httpx.AsyncClient, studio: Studio) -> None:
    _, headers = await new_player(studio)
    cart = await _seen(client, studio, headers)
    assert cart == {
        "cart_id": cart["cart_id"],
        "is_free": False,
        "price": None,
        "items": [],
        "promotions": [],
        "warnings": [],
    }
    assert cart["cart_id"]
    named = await get_cart(client, studio, headers, cart_id="nobody-filled-it")
    assert (named["cart_id"], named["items"], named["price"]) == ("nobody-filled-it", [], None)


async def test_the_sum_is_that_of_the_lines(client: httpx.AsyncClient, studio: Studio) -> None:
    skus = [any_sku() for _ in range(3)]
    for sku, amount in zip(skus, ("0.01", "19.99", "0"), strict=True):
        await save_virtual_item(studio, sku, details=USED_UP, prices=(Price(Decimal(amount), "USD", is_default=True),))
    free = await sell(client, studio, consumable(prices=[], is_free=True))
    _, headers = await new_player(studio)
    cart = await fill(client, studio, headers, dict(zip(skus, (7, 3, 1), strict=True)))
    assert [item["price"]["amount"] for item in cart["items"]] == [
        "0.0700000000000000",
        "59.9700000000000000",
        "0.0000000000000000",
    ]
    assert cart["price"]["amount"] == "60.0400000000000000"
    # What is free beside what is not: it has an order of its own.
    mixed = await fill(client, studio, headers, {free: 1})
    assert (codes_of(mixed), mixed["items"][3]["can_be_bought"]) == ([(free, 1421)], True)
    assert (mixed["items"][3]["price"], mixed["is_free"]) == (None, False)


@pytest.mark.parametrize(("is_free", "total"), [(True, None), (False, "0.0000000000000000")])
async def test_a_cart_of_free_things(
    client: httpx.AsyncClient, studio: Studio, is_free: bool, total: str | None
) -> None:
    lamp = any_sku()
    prices = () if is_free else (Price(Decimal(0), "USD", is_default=True),)
    await save_virtual_item(studio, lamp, details=USED_UP, is_free=is_free, prices=prices)
    _, headers = await new_player(studio)
    cart = await fill(client, studio, headers, {lamp: 2})
    assert (cart["is_free"], cart["warnings"]) == (True, [])
    assert (cart["price"] and cart["price"]["amount"]) == total


@pytest.mark.parametrize(
    ("currency", "amount", "total"),
    [("JPY", 500, "1500.0000000000000000"), ("KWD", 0.125, "0.3750000000000000")],
)
async def test_other_decimals(
    client: httpx.AsyncClient, studio: Studio, currency: str, amount: float, total: str
) -> None:
    lamp = await sell(client, studio, consumable(prices=[price(amount, currency)]))
    _, headers = await new_player(studio)
    # A project without prices in dollars has its carts in its own currency.
    for parameters in ({}, {"currency": currency.lower()}):
        cart = await fill(client, studio, headers, {lamp: 3}, **parameters)
        assert (cart["price"]["amount"], cart["price"]["currency"]) == (total, currency)


async def test_one_currency_for_all(client: httpx.AsyncClient, studio: Studio) -> None:
    euros = price(9.00, "EUR", is_default=False)
    both = await sell(client, studio, consumable(prices=[price(10.00), euros]))
    dollars = await sell(client, studio, consumable(prices=[price(1.00)]))
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {both: 1, dollars: 1})
    cart = await _seen(client, studio, headers, currency="EUR")
    assert [item["price"] and item["price"]["amount"] for item in cart["items"]] == ["9.0000000000000000", None]
    assert (cart["price"]["amount"], cart["price"]["currency"]) == ("9.0000000000000000", "EUR")
    assert [item["can_be_bought"] for item in cart["items"]] == [True, False]
    assert codes_of(cart) == [(dollars, 4054)]
    # What the catalog shows where nobody names another currency.
    usual = await _seen(client, studio, headers)
    assert (usual["price"]["amount"], usual["price"]["currency"]) == ("11.0000000000000000", "USD")
    assert usual["warnings"] == []
    unknown = await client.get(cart_path(studio), params={"currency": "XXQ"}, headers=headers)
    assert (unknown.status_code, unknown.json()["errorCode"]) == (422, 1102)
    assert await _seen(client, studio, headers, currency="", country="none", locale="zz") == usual


async def test_a_country_sees_the_currency_of_its_catalog(client: httpx.AsyncClient, studio: Studio) -> None:
    prices = [price(10.00), price(9.00, "EUR", country_iso="DE")]
    lamp, rope = [await sell(client, studio, consumable(prices=prices)) for _ in range(2)]
    _, headers = await new_player(studio)
    for country, total, currency in (("", "30", "USD"), ("DE", "27", "EUR")):
        cart = await fill(client, studio, headers, {lamp: 1, rope: 2}, country=country)
        assert (cart["price"]["amount"], cart["price"]["currency"]) == (f"{total}.0000000000000000", currency)
        shown = await client.get(catalog_path(studio), params={"country": country})
        assert {item["price"]["currency"] for item in shown.json()["items"]} == {currency}


async def test_the_header_and_the_query_name_a_country(client: httpx.AsyncClient, studio: Studio) -> None:
    prices = [price(10.00), price(8.00, country_iso="DE"), price(7.00, country_iso="FR")]
    lamp = await sell(client, studio, consumable(prices=prices))
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 1}, country="DE")
    german = {**headers, "X-User-Country": "de"}
    assert (await _seen(client, studio, german))["price"]["amount"] == "8.0000000000000000"
    # The query comes before the header, and what costs less is told too.
    french = await get_cart(client, studio, german, country="fr")
    assert french["price"]["amount"] == "7.0000000000000000"
    assert french["warnings"][0]["errorMessage"].endswith("has changed from 8.00 to 7.00 USD.")
    assert (await _seen(client, studio, german, country="fr"))["warnings"] == []


async def test_a_changed_price_is_told_once(client: httpx.AsyncClient, studio: Studio) -> None:
    body = consumable(prices=[price(9.99)])
    lamp = await sell(client, studio, body)
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 2})
    assert (await _seen(client, studio, headers))["warnings"] == []
    await put_item(client, studio, "virtual_item", lamp, {**body, "prices": [price(11.99)]})
    changed = await get_cart(client, studio, headers)
    assert changed["price"]["amount"] == "23.9800000000000000"
    assert changed["items"][0]["can_be_bought"]
    assert changed["warnings"] == [
        {
            "sku": lamp,
            "quantity": 2,
            "errorCode": 1402,
            "errorMessage": f"[0401-1402]: The price of item {lamp} has changed from 9.99 to 11.99 USD.",
        }
    ]
    assert (await get_cart(client, studio, headers))["warnings"] == []


async def test_a_fill_tells_what_has_changed_too(client: httpx.AsyncClient, studio: Studio) -> None:
    bodies = [consumable(prices=[price(9.99)]) for _ in range(2)]
    lamp, rope = [await sell(client, studio, body) for body in bodies]
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 1, rope: 1})
    for body in bodies:
        await put_item(client, studio, "virtual_item", body["sku"], {**body, "prices": [price(5.00)]})
    # Whether the line is touched or not.
    assert codes_of(await fill(client, studio, headers, {lamp: 2})) == [(lamp, 1402), (rope, 1402)]
    assert codes_of(await fill(client, studio, headers, {lamp: 3})) == []
    # What was taken out and put in again is new.
    await fill(client, studio, headers, {lamp: 0})
    await put_item(client, studio, "virtual_item", lamp, {**bodies[0], "prices": [price(6.00)]})
    assert codes_of(await fill(client, studio, headers, {lamp: 1})) == []


async def test_each_currency_has_its_own_last_look(client: httpx.AsyncClient, studio: Studio) -> None:
    prices = [price(10.00), price(9.00, "EUR", is_default=False)]
    body = consumable(prices=prices)
    lamp = await sell(client, studio, body)
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 1})
    assert codes_of(await get_cart(client, studio, headers, currency="EUR")) == []
    assert codes_of(await get_cart(client, studio, headers)) == []
    await put_item(client, studio, "virtual_item", lamp, {**body, "prices": [prices[0], {**prices[1], "amount": 12}]})
    assert codes_of(await get_cart(client, studio, headers)) == []
    assert codes_of(await get_cart(client, studio, headers, currency="EUR")) == [(lamp, 1402)]


async def test_what_is_gone_stays_in_the_cart(client: httpx.AsyncClient, studio: Studio) -> None:
    bodies = [consumable() for _ in range(3)]
    deleted, disabled, hidden = [await sell(client, studio, body) for body in bodies]
    _, headers = await new_player(studio)
    await fill(client, studio, headers, dict.fromkeys((deleted, disabled, hidden), 2))
    path = f"/api/v2/project/{studio.project_id}/admin/items/virtual_items/sku"
    assert (await client.delete(f"{path}/{deleted}", auth=studio.basic)).is_success
    await put_item(client, studio, "virtual_item", disabled, {**bodies[1], "is_enabled": False})
    await put_item(client, studio, "virtual_item", hidden, {**bodies[2], "is_show_in_store": False})
    cart = await _seen(client, studio, headers)
    assert [item["can_be_bought"] for item in cart["items"]] == [False] * 3
    assert codes_of(cart) == [(deleted, 1455), (disabled, 1455), (hidden, 1455)]
    line = cart["items"][0]
    assert (line["sku"], line["name"], line["type"], line["quantity"], line["price"]) == (
        deleted,
        None,
        "virtual_good",
        2,
        None,
    )
    assert not cart["is_free"]


async def test_deleted_items_are_taken_out(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp, rope = [await sell(client, studio, consumable()) for _ in range(2)]
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 1, rope: 1})
    for sku in (lamp, rope):
        path = f"/api/v2/project/{studio.project_id}/admin/items/virtual_items/sku/{sku}"
        assert (await client.delete(path, auth=studio.basic)).is_success
    assert (await client.delete(cart_path(studio, f"/item/{lamp}"), headers=headers)).status_code == 204
    zero = await client.put(cart_path(studio, f"/item/{rope}"), json={"quantity": 0}, headers=headers)
    assert zero.status_code == 204
    assert (await get_cart(client, studio, headers))["items"] == []


async def test_periods(client: httpx.AsyncClient, studio: Studio) -> None:
    await freeze(studio, NOW)
    until = (NOW + timedelta(hours=1)).isoformat()
    lamp = await sell(client, studio, consumable(periods=[{"date_from": None, "date_until": until}]))
    _, headers = await new_player(studio)
    cart = await fill(client, studio, headers, {lamp: 1})
    assert (codes_of(cart), len(cart["items"][0]["periods"])) == ([], 1)
    await freeze(studio, NOW + timedelta(hours=2))
    over = await _seen(client, studio, headers)
    assert (codes_of(over), over["items"][0]["can_be_bought"]) == ([(lamp, 1455)], False)


async def test_regions(client: httpx.AsyncClient, studio: Studio) -> None:
    europe = await make_region(client, studio, countries=["DE", "FR"])
    lamp = await sell(client, studio, consumable(regions=[{"id": europe}]))
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 1})
    assert codes_of(await _seen(client, studio, headers, country="DE")) == []
    for parameters in ({"country": "US"}, {}):
        cart = await _seen(client, studio, headers, **parameters)
        assert (codes_of(cart), cart["items"][0]["can_be_bought"]) == ([(lamp, 1601)], False)


async def test_limits_of_a_player(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, consumable(limits={"per_user": 3}))
    player_id, headers = await new_player(studio)
    assert codes_of(await fill(client, studio, headers, {lamp: 4})) == [(lamp, 1460)]
    assert codes_of(await fill(client, studio, headers, {lamp: 3})) == []
    await use(studio, player_id, await id_of(client, studio, lamp), 1)
    cart = await _seen(client, studio, headers)
    assert (codes_of(cart), cart["items"][0]["can_be_bought"]) == ([(lamp, 1460)], False)
    assert cart["items"][0]["limits"]["per_user"]["available"] == 2
    _, others = await new_player(studio)
    assert codes_of(await fill(client, studio, others, {lamp: 3})) == []


async def test_a_fill_shows_what_was_used_since_the_one_before(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, consumable(limits={"per_user": 3}))
    player_id, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 3})
    # Nobody has read the cart since: what the process knows of its owner is of before.
    await use(studio, player_id, await id_of(client, studio, lamp), 1)
    cart = await fill(client, studio, headers, {lamp: 3})
    assert (codes_of(cart), cart["items"][0]["can_be_bought"]) == ([(lamp, 1460)], False)
    assert cart["items"][0]["limits"]["per_user"]["available"] == 2


async def test_stock(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, consumable(limits={"per_item": 3}))
    _, headers = await new_player(studio)
    assert codes_of(await fill(client, studio, headers, {lamp: 4})) == [(lamp, 1455)]
    assert codes_of(await fill(client, studio, headers, {lamp: 3})) == []
    await sell_out(studio, await id_of(client, studio, lamp))
    cart = await _seen(client, studio, headers)
    assert (codes_of(cart), cart["items"][0]["can_be_bought"]) == ([(lamp, 1455)], False)
    assert cart["items"][0]["limits"]["per_item"] == {"total": 3, "available": 0}


async def test_bundles(client: httpx.AsyncClient, studio: Studio) -> None:
    gold = await sell(client, studio, virtual_currency(), "virtual_currency")
    sack = await sell(client, studio, package(gold, is_show_in_store=True), "package")
    rare = await sell(client, studio, consumable(limits={"per_item": 1}))
    crate = await sell(client, studio, bundle(rare, is_show_in_store=True), "bundle")
    _, headers = await new_player(studio)
    cart = await fill(client, studio, headers, {sack: 1, crate: 1})
    assert codes_of(cart) == []
    assert [(item["type"], item["bundle_type"]) for item in cart["items"]] == [
        ("bundle", "virtual_currency_package"),
        ("bundle", "standard"),
    ]
    await sell_out(studio, await id_of(client, studio, rare))
    assert codes_of(await _seen(client, studio, headers)) == [(crate, 1455)]


async def test_what_is_owned_once(client: httpx.AsyncClient, studio: Studio) -> None:
    """More than one of it can never be bought. Whether it is owned already, the order says."""
    crown = await sell(client, studio, virtual_item())
    player_id, headers = await new_player(studio)
    assert codes_of(await fill(client, studio, headers, {crown: 2})) == [(crown, 1468)]
    cart = await _seen(client, studio, headers)
    assert (codes_of(cart), cart["items"][0]["can_be_bought"]) == ([(crown, 1468)], False)
    ordering = f"/api/v2/project/{studio.project_id}/payment/cart"
    refused = await client.post(ordering, headers=headers)
    assert (refused.status_code, refused.json()["errorCode"]) == (422, 1468)
    cart = await fill(client, studio, headers, {crown: 1})
    assert (codes_of(cart), cart["items"][0]["can_be_bought"]) == ([], True)
    await send(client, studio, "reward", operation(player_id, (crown, 1)))
    assert codes_of(await _seen(client, studio, headers)) == []
    refused = await client.post(ordering, headers=headers)
    assert (refused.status_code, refused.json()["errorCode"]) == (422, 1468)


async def test_game_keys(client: httpx.AsyncClient, studio: Studio) -> None:
    key, scarce = game_key("steam"), game_key("gog", limits={"per_item": 1})
    await sell(client, studio, game(key, scarce), "game")
    _, headers = await new_player(studio)
    cart = await fill(client, studio, headers, {key["sku"]: 1, scarce["sku"]: 2})
    assert codes_of(cart) == [(key["sku"], 1424), (scarce["sku"], 1459)]
    await upload(client, studio, key["sku"], ["AAAA", "BBBB"])
    await fill(client, studio, headers, {scarce["sku"]: 0})
    assert codes_of(await _seen(client, studio, headers)) == []


async def test_a_cart_that_was_not_changed_is_not_sent_again(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, consumable())
    _, headers = await new_player(studio)
    await fill(client, studio, headers, {lamp: 1})
    for _ in range(2):
        first = await client.get(cart_path(studio), headers=headers)
        assert (first.headers["cache-control"], first.headers["access-control-allow-origin"]) == (
            "private, no-cache",
            "*",
        )
        again = await client.get(cart_path(studio), headers={**headers, "If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    await fill(client, studio, headers, {lamp: 2})
    changed = await client.get(cart_path(studio), headers={**headers, "If-None-Match": first.headers["etag"]})
    assert (changed.status_code, changed.json()["items"][0]["quantity"]) == (200, 2)


async def test_get_cart_by_id_from_memory_wants_a_caller_too(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, context: Context
) -> None:
    lamp = await sell(client, studio, consumable())
    player_id, headers = await new_player(studio)
    named = str(uuid4())
    await fill(client, studio, headers, {lamp: 1}, cart_id=named)
    assert quantities_of(await get_cart(client, studio, headers, cart_id=named)) == {lamp: 1}
    strangers = await other_studio.player_headers(player_id)
    for other in ({}, strangers, {"Authorization": "Basic abc"}):
        reply = await client.get(cart_path(studio, cart_id=named), headers=other)
        assert reply.status_code == 401
    assert context.tokens.remembered_player(headers["Authorization"].removeprefix("Bearer ")) is not None


async def test_the_catalog_and_the_cart_agree(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = await sell(client, studio, consumable(prices=[price(3.50), price(3.00, country_iso="PL")]))
    _, headers = await new_player(studio)
    for country in ("", "PL"):
        shown = await client.get(catalog_path(studio, f"/sku/{lamp}"), params={"country": country})
        cart = await fill(client, studio, headers, {lamp: 1}, country=country)
        assert float(cart["price"]["amount"]) == float(shown.json()["price"]["amount"])


async def test_any_sku_is_no_path(client: httpx.AsyncClient, studio: Studio) -> None:
    _, headers = await new_player(studio)
    reply = await client.put(cart_path(studio, f"/item/{any_sku()}/more"), json={"quantity": 1}, headers=headers)
    assert reply.status_code == 404

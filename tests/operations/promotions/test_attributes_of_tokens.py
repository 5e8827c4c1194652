"""What tokens say of their player counts for promotions and personalization, before what Login keeps."""

import time
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from haversack.login.actions import trust_outside_issuer
from haversack.personalization.claims import readable_attributes
from make.carts import fill
from make.catalog import virtual_item
from make.client_catalog import read, sell
from make.login import bearer, set_attributes
from make.orders import make_buyer, sell_for_money, stored
from make.personalization import filter_rule, make_rule
from make.projects import Studio
from make.promotions import discount, make_promotion

VIP = {"attribute": "rank", "type": "string", "operator": "eq", "value": "vip"}
SECRET = b"a secret that both of us know, and nobody else"


async def order_by_server(client: httpx.AsyncClient, studio: Studio, sku: str, **user: Any) -> httpx.Response:
    path = f"/api/v3/project/{studio.project_id}/admin/payment/token"
    about = {"id": {"value": "hero"}, "country": {"value": "US"}, **user}
    body = {"user": about, "purchase": {"items": [{"sku": sku, "quantity": 1}]}, "sandbox": True}
    return await client.post(path, json=body, auth=studio.basic)


async def prices(client: httpx.AsyncClient, studio: Studio, headers: dict[str, str]) -> list[str]:
    return [item["price"]["amount"] for item in (await read(client, studio, headers=headers))["items"]]


async def test_attributes_of_the_token_call(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio, 10)
    await make_promotion(client, studio, "item", discount(sku, attribute_conditions=[VIP]))
    for attributes, amount in (({"rank": "vip", "level": 3}, 9), ({"rank": "none"}, 10)):
        reply = await order_by_server(client, studio, sku, attributes=attributes)
        assert reply.status_code == 201, reply.text
        assert (await stored(studio, reply.json()["order_id"])).amount == amount
        # The token signs its player in, as the one that the server has described.
        headers = bearer(reply.json()["token"])
        assert await prices(client, studio, headers) == [f"{amount}.00"]
        cart = await fill(client, studio, headers, {sku: 1})
        assert float(cart["items"][0]["price"]["amount"]) == amount


@pytest.mark.parametrize("attributes", [{}, {"": "x"}, {"rank": None}, {"rank": ["vip"]}, {"rank": "x" * 256}])
async def test_attributes_of_the_token_call_that_are_none(
    client: httpx.AsyncClient, studio: Studio, attributes: dict[str, Any]
) -> None:
    sku = await sell_for_money(client, studio, 10)
    reply = await order_by_server(client, studio, sku, attributes=attributes)
    assert reply.status_code == 422
    assert all(fault["property"].startswith("user.attributes") for fault in reply.json()["errorMessageExtended"])


async def test_attributes_of_an_outside_token(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell_for_money(client, studio, 10)
    secret = await sell(client, studio, virtual_item(prices=[], is_free=True))
    await make_promotion(client, studio, "item", discount(sku, attribute_conditions=[VIP]))
    await make_rule(client, studio, filter_rule(secret))
    context = studio.context
    await trust_outside_issuer(
        context.database.session(),
        context.sealer,
        studio.login_project_id,
        issuer="https://id.example",
        secret=SECRET,
    )

    def token(**claims: Any) -> str:
        now = int(time.time())
        body = {"iss": "https://id.example", "iat": now, "exp": now + 600, "sub": "hero", **claims}
        body["xsolla_login_project_id"] = str(studio.login_project_id)
        return jwt.encode({"alg": "HS256"}, body, OctKey.import_key(SECRET))

    told = bearer(token(attributes={"rank": "vip", "race": "elf", "odd": ["passed over"]}))
    assert await prices_by_sku(client, studio, told) == {sku: "9.00", secret: None}
    for nothing in ({}, {"attributes": None}, {"attributes": {"rank": "none"}}, {"attributes": "vip"}):
        assert await prices_by_sku(client, studio, bearer(token(**nothing))) == {sku: "10.00"}


async def test_own_tokens_say_nothing_of_attributes(client: httpx.AsyncClient, studio: Studio) -> None:
    """A player must not choose them: own tokens carry what Login keeps, by its own rules."""
    sku = await sell_for_money(client, studio, 10)
    await make_promotion(client, studio, "item", discount(sku, attribute_conditions=[VIP]))
    buyer = await make_buyer(studio)
    await set_attributes(studio, buyer.player_id, {"rank": "vip"})
    assert await prices(client, studio, buyer.headers) == ["9.00"]


async def prices_by_sku(client: httpx.AsyncClient, studio: Studio, headers: dict[str, str]) -> dict[str, Any]:
    items = (await read(client, studio, headers=headers))["items"]
    return {item["sku"]: item["price"] and item["price"]["amount"] for item in items}


def test_what_is_readable_of_a_token() -> None:
    told = {"a": "text", "b": 5, "c": 2.5, "d": True, "e": None, "f": [], "": "no name", "g": "x" * 256}
    assert readable_attributes(told) == (("a", "text"), ("b", "5"), ("c", "2.5"), ("d", "true"))

"""Why the lines of a cart can be bought or not, held against what the cart itself says."""

import httpx
import pytest

from make.carts import fill, get_cart
from make.catalog import admin_path, consumable
from make.client_catalog import id_of, new_player, sell, use
from make.explain import explain, explain_path, found_of
from make.personalization import filter_rule, make_rule
from make.projects import Studio
from make.promotions import discount, make_promotion


async def test_get_cart_explanation(client: httpx.AsyncClient, studio: Studio) -> None:
    limited = await sell(client, studio, consumable(limits={"per_user": 3, "per_item": None}))
    plain, gone = [await sell(client, studio, consumable()) for _ in range(2)]
    player_id, headers = await new_player(studio)
    await fill(client, studio, headers, {limited: 2, plain: 3, gone: 1})
    await use(studio, player_id, await id_of(client, studio, limited), 2)
    reply = await client.delete(admin_path(studio, "virtual_item", f"/sku/{gone}"), auth=studio.basic)
    assert reply.status_code == 204
    sale = await make_promotion(client, studio, "item", discount(plain))
    found = await explain(client, studio, "cart/current", player=str(player_id))
    cart = await get_cart(client, studio, headers)
    assert found["cart_id"] == cart["cart_id"]
    assert [(line["sku"], line["quantity"]) for line in found["lines"]] == [
        (item["sku"], item["quantity"]) for item in cart["items"]
    ]
    # As the cart has it.
    assert [line["can_be_bought"] for line in found["lines"]] == [item["can_be_bought"] for item in cart["items"]]
    first, second, third = found["lines"]
    assert found_of(first, "limit") == [(False, "The limit is 3, and 1 are left to the player.")]
    assert found_of(first, "purchase")[0][1].startswith("[0401-1460]")
    assert second["price"] == {"amount": "26.97", "amount_without_discount": "29.97", "currency": "USD"}
    assert (third["item_id"], third["price"], third["is_shown"]) == (None, None, False)
    assert found_of(third, "visibility") == [(False, "It is not in the catalog any more.")]
    assert [(each["rule"], each["is_kept"]) for each in found["promotions"]] == [
        (f"promotion {sale} (Summer sale)", True)
    ]
    assert found["price"] == {"amount": "46.95", "amount_without_discount": "49.95", "currency": "USD"}
    assert found["asked"]["player"] == str(player_id)


async def test_get_cart_explanation_of_a_cart_with_a_name(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, consumable())
    player_id, headers = await new_player(studio)
    await fill(client, studio, headers, {sku: 1}, cart_id="presents")
    found = await explain(client, studio, "cart/presents", player=str(player_id), country="DE", currency="USD")
    assert (found["cart_id"], [line["sku"] for line in found["lines"]]) == ("presents", [sku])


async def test_get_cart_explanation_of_an_empty_one(client: httpx.AsyncClient, studio: Studio) -> None:
    found = await explain(client, studio, "cart/current", player="somebody")
    assert (found["lines"], found["price"], found["promotions"]) == ([], None, [])


async def test_get_cart_explanation_of_one_that_is_not_there(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, consumable())
    player_id, headers = await new_player(studio)
    await fill(client, studio, headers, {sku: 1}, cart_id="presents")
    for cart_id, player in (("presents", "another"), ("x" * 129, str(player_id))):
        reply = await client.get(explain_path(studio, f"cart/{cart_id}"), params={"player": player}, auth=studio.basic)
        assert (reply.status_code, reply.json()["errorCode"]) == (422, 1401)


@pytest.mark.parametrize(
    ("query", "faults"),
    [({}, {"player"}), ({"player": "", "time": "soon", "country": "D"}, {"player", "time", "country"})],
)
async def test_get_cart_explanation_needs_an_owner(
    client: httpx.AsyncClient, studio: Studio, query: dict[str, str], faults: set[str]
) -> None:
    reply = await client.get(explain_path(studio, "cart/current"), params=query, auth=studio.basic)
    assert (reply.status_code, reply.json()["errorCode"]) == (422, 1102)
    assert {fault["property"] for fault in reply.json()["errorMessageExtended"]} == faults


async def test_what_personalization_hides_cannot_be_bought(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, consumable())
    player_id, headers = await new_player(studio)
    await fill(client, studio, headers, {sku: 1})
    await make_rule(client, studio, filter_rule(sku))
    (line,) = (await explain(client, studio, "cart/current", player=str(player_id)))["lines"]
    assert (line["is_shown"], line["can_be_bought"]) == (False, False)

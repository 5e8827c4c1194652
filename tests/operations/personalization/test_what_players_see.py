"""What filter rules and the game make of catalog, carts and orders."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from haversack.errors import Refusal
from make.backpack import connect_game
from make.carts import codes_of, fill, get_cart
from make.catalog import price, virtual_item
from make.client_catalog import new_player, read, read_skus, read_status, sell
from make.login import set_attributes
from make.orders import Buyer, make_buyer, order_money, sell_for, sell_for_money
from make.personalization import filter_rule, make_rule
from make.projects import Studio
from make.receiver import Answer, Receiver


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    return await make_buyer(studio)


@pytest.fixture
async def game(studio: Studio, client: httpx.AsyncClient) -> AsyncIterator[Receiver]:
    """A game that says what its players see."""
    async with Receiver() as receiver:
        await connect_game(studio, receiver.url)
        path = f"/api/v2/project/{studio.project_id}/admin/personalization"
        assert (await client.put(path, json={"personalization": "partner"}, auth=studio.basic)).status_code == 204
        yield receiver


def offering(*skus: str, **more: Any) -> Answer:
    return Answer(200, orjson.dumps([{"sku": sku, **more} for sku in skus]))


async def test_rules_in_the_catalog(client: httpx.AsyncClient, studio: Studio) -> None:
    elvish, common = [await sell(client, studio, virtual_item(prices=[price(1)])) for _ in range(2)]
    player_id, headers = await new_player(studio)
    assert await read_skus(client, studio) == [common, elvish]
    await make_rule(client, studio, filter_rule(elvish))
    for stranger in (None, headers):
        page = await read(client, studio, headers=stranger)
        assert ([item["sku"] for item in page["items"]], page["total_items_count"]) == ([common], 1)
        assert await read_status(client, studio, f"/sku/{elvish}", headers=stranger) == (404, 4001)
    await set_attributes(studio, player_id, {"race": "elf"})
    assert await read_skus(client, studio, headers=headers) == [common, elvish]
    assert await read_status(client, studio, f"/sku/{elvish}", headers=headers) == (200, None)
    page = await read(client, studio, headers=headers, limit=1)
    assert (page["has_more"], page["total_items_count"]) == (True, 2)
    assert await read_skus(client, studio) == [common]


async def test_who_is_not_signed_in_may_see_what_a_rule_says(client: httpx.AsyncClient, studio: Studio) -> None:
    sku = await sell(client, studio, virtual_item(prices=[price(1)]))
    await make_rule(client, studio, filter_rule(sku, is_satisfied_for_unauth=True))
    _, headers = await new_player(studio)
    assert await read_skus(client, studio) == [sku]
    assert await read_skus(client, studio, headers=headers) == []


async def test_rules_in_carts_and_orders(client: httpx.AsyncClient, studio: Studio, buyer: Buyer) -> None:
    sku = await sell_for_money(client, studio, 1)
    vc_sku, currency = await sell_for(client, studio, 1)
    await make_rule(client, studio, filter_rule(sku, vc_sku))
    cart = await fill(client, studio, buyer.headers, {sku: 1})
    assert (cart["items"][0]["can_be_bought"], codes_of(cart)) == (False, [(sku, 1455)])
    with pytest.raises(Refusal) as refused:
        await order_money(buyer, sku)
    assert refused.value.kind.code == 1455
    path = f"/api/v2/project/{studio.project_id}/payment/item/{vc_sku}/virtual/{currency}"
    assert (await client.post(path, headers=buyer.headers)).json()["errorCode"] == 1455
    await set_attributes(studio, buyer.player_id, {"race": "elf"})
    cart = await get_cart(client, studio, buyer.headers)
    assert (cart["items"][0]["can_be_bought"], codes_of(cart)) == (True, [])
    assert (await order_money(buyer, sku)).amount == 1
    # Attributes are read again at each purchase.
    await set_attributes(studio, buyer.player_id, {"race": "orc"})
    with pytest.raises(Refusal):
        await order_money(buyer, sku)
    assert (await client.post(path, headers=buyer.headers)).json()["errorCode"] == 1455


async def test_a_game_says_what_its_players_see(
    client: httpx.AsyncClient, studio: Studio, game: Receiver, buyer: Buyer
) -> None:
    lamp, rope, boat = [await sell_for_money(client, studio, 1) for _ in range(3)]
    await make_rule(client, studio, filter_rule(boat))
    game.answer_always(offering(lamp, boat, quantity=2))
    assert await read_skus(client, studio, headers=buyer.headers) == [boat, lamp]
    assert await read_status(client, studio, f"/sku/{rope}", headers=buyer.headers) == (404, 4001)
    page = await read(client, studio, headers=buyer.headers, limit=1)
    assert (page["has_more"], page["total_items_count"]) == (True, 2)
    game.answer_always(offering(rope))
    assert await read_skus(client, studio) == [rope], "who is not signed in is asked about too"
    cart = await fill(client, studio, buyer.headers, {lamp: 3, rope: 1, boat: 2})
    assert codes_of(cart) == [(lamp, 1460), (rope, 1455)]
    assert (await order_money(buyer, (lamp, 2), country=None)).amount == 2
    for wanted, code in (((lamp, 3), 1460), ((rope, 1), 1455)):
        with pytest.raises(Refusal) as refused:
            await order_money(buyer, wanted, country=None)
        assert refused.value.kind.code == code


async def test_a_game_that_does_not_answer_sells_nothing(
    client: httpx.AsyncClient, studio: Studio, game: Receiver, buyer: Buyer
) -> None:
    sku = await sell_for_money(client, studio, 1)
    game.answer_always(Answer(500))
    assert await read_skus(client, studio, headers=buyer.headers) == []
    with pytest.raises(Refusal) as refused:
        await order_money(buyer, sku)
    assert refused.value.kind.code == 1455

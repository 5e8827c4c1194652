"""The four creates: what is stored, what is answered, what is refused."""

from uuid import UUID, uuid4

import httpx
import pytest

from haversack.context import Context
from make.backpack import (
    KINDS,
    give,
    held_items,
    new_game_key,
    new_virtual_currency,
    new_virtual_item,
    post_items,
)
from make.inventory import make_currency
from make.projects import Studio


async def test_create_game_keys(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await post_items(client, studio, "game_keys", [new_game_key(code="AAAA-1"), new_game_key(code="AAAA-2")])
    assert reply.status_code == 201
    first, second = reply.json()
    assert (first["code"], second["code"]) == ("AAAA-1", "AAAA-2")
    assert first["item_type"] == "game_key"
    assert first["item_status"] == "claimed"
    assert first["description"] is None
    assert first["game_name"] == ""
    assert UUID(first["item_id"]) != UUID(second["item_id"])
    assert first["created_at"].endswith("Z") and "." not in first["created_at"]
    assert "item_name" not in first


async def test_create_promo_codes(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "promo_codes", promo_code="CaseMatters1", description="Hello")
    assert item["promo_code"] == "CaseMatters1"
    assert item["description"] == "Hello"
    assert (item["project_id"], item["merchant_id"]) == (studio.project_id, studio.merchant_id)
    (held,) = await held_items(client, studio, player_id)
    assert (held["promo_code"], held["code"], held["quantity"]) == ("CaseMatters1", "", 1)


async def test_create_virtual_items(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_items", platform="steam")
    assert (item["item_type"], item["platform"]) == ("virtual_item", "steam")
    (held,) = await held_items(client, studio, player_id)
    assert (held["price"], held["currency"], held["quantity"]) == (None, "USD", 0)


async def test_create_virtual_currency(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    item = await give(client, studio, player_id, "virtual_currency", price=19.99, quantity=2400)
    assert (item["price"], item["currency"], item["quantity"]) == (19.99, "USD", 2400)
    assert item["is_external_vc"] is True
    (held,) = await held_items(client, studio, player_id)
    assert held["price"] == 19.99


async def test_currency_of_the_project_is_not_external(
    client: httpx.AsyncClient, studio: Studio, other_studio: Studio, context: Context
) -> None:
    await make_currency(studio, "gems", "Gems")
    own = await give(client, studio, uuid4(), "virtual_currency", item_sku="gems")
    foreign = await give(client, other_studio, uuid4(), "virtual_currency", item_sku="gems")
    assert own["is_external_vc"] is False
    assert foreign["is_external_vc"] is True


async def test_currency_defaults_to_usd(client: httpx.AsyncClient, studio: Studio) -> None:
    body = new_virtual_currency()
    del body["currency"]
    reply = await post_items(client, studio, "virtual_currency", [body])
    assert reply.json()[0]["currency"] == "USD"


async def test_one_faulty_element_stores_nothing(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    reply = await post_items(
        client,
        studio,
        "virtual_items",
        [new_virtual_item(), new_virtual_item(item_sku="not a sku"), {"item_sku": "x"}],
        player_id=player_id,
    )
    assert reply.status_code == 400
    places = {fault["property"] for fault in reply.json()["errors"]}
    assert places == {"1.item_sku", "2.item_name", "2.image_url"}
    assert await held_items(client, studio, player_id) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_number_of_elements(client: httpx.AsyncClient, studio: Studio, kind: str) -> None:
    make = KINDS[kind]
    assert (await post_items(client, studio, kind, [])).status_code == 400
    assert (await post_items(client, studio, kind, [make()] * 101)).status_code == 400
    reply = await post_items(client, studio, kind, [make() for _ in range(100)])
    assert reply.status_code == 201
    assert len({item["item_id"] for item in reply.json()}) == 100


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"price": -1}, "0.price"),
        ({"price": 1.999}, "0"),
        ({"price": 1.5, "currency": "JPY"}, "0"),
        ({"price": 1e300}, "0.price"),
        ({"price": "free"}, "0.price"),
        ({"currency": "XXY"}, "0.currency"),
        ({"currency": "usd"}, "0.currency"),
        ({"quantity": 0}, "0.quantity"),
        ({"quantity": 2**32}, "0.quantity"),
        ({"quantity": 10**40}, "0.quantity"),
        ({"quantity": 1.5}, "0.quantity"),
        ({"platform": "toaster"}, "0.platform"),
        ({"item_name": ""}, "0.item_name"),
        ({"item_name": "a\x00b"}, "0.item_name"),
        ({"item_sku": "ä"}, "0.item_sku"),
        ({"image_url": "x" * 2049}, "0.image_url"),
    ],
)
async def test_faulty_field_is_named(
    client: httpx.AsyncClient, studio: Studio, changes: dict[str, object], place: str
) -> None:
    reply = await post_items(client, studio, "virtual_currency", [new_virtual_currency(**changes)])
    assert reply.status_code == 400, reply.text
    assert [fault["property"] for fault in reply.json()["errors"]] == [place]


async def test_amounts_of_currencies_without_and_with_three_decimals(client: httpx.AsyncClient, studio: Studio) -> None:
    bodies = [
        new_virtual_currency(price=500, currency="JPY"),
        new_virtual_currency(price=1.234, currency="KWD"),
    ]
    reply = await post_items(client, studio, "virtual_currency", bodies)
    assert [item["price"] for item in reply.json()] == [500, 1.234]


async def test_unknown_members_are_ignored(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await post_items(client, studio, "game_keys", [new_game_key(is_free=True, item_status="received")])
    assert reply.status_code == 201
    assert reply.json()[0]["item_status"] == "claimed"


async def test_repeat_without_a_key_makes_two_items(client: httpx.AsyncClient, studio: Studio) -> None:
    player_id = uuid4()
    for _ in range(2):
        await give(client, studio, player_id, "game_keys", code="SAME")
    assert [item["code"] for item in await held_items(client, studio, player_id)] == ["SAME", "SAME"]


async def test_a_code_is_not_readable_in_the_database(
    client: httpx.AsyncClient, studio: Studio, context: Context
) -> None:
    await give(client, studio, uuid4(), "game_keys", code="VERY-SECRET-KEY")
    async with context.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT row_to_json(i)::text AS row FROM backpack_items i WHERE project_id = $1",
            studio.project_id,
        )
    assert len(rows) == 1
    assert "VERY-SECRET-KEY" not in rows[0]["row"]
    assert b"VERY-SECRET-KEY".hex() not in rows[0]["row"]

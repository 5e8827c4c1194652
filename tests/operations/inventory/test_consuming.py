"""Players' games use things up."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from haversack.inventory.actions import CurrencyGrant
from make.inventory import USES, consume, give, ledger_rows, make_goods, owned, read
from make.projects import Studio
from make.taxonomy import refusal


async def test_consume_item(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("stack", 5))
    reply = await consume(client, studio, player_id, sku=goods["stack"], quantity=2, instance_id=None)
    assert (reply.status_code, reply.content) == (200, b"")
    assert await owned(client, studio, player_id) == [(goods["stack"], 3, 1)]
    assert (await consume(client, studio, player_id, sku=goods["stack"], quantity=3.0)).status_code == 200
    assert await owned(client, studio, player_id) == []
    item = str(goods.ids["stack"])
    assert await ledger_rows(studio, player_id) == [
        ("item", item, 5, ""),
        ("item", item, -2, ""),
        ("item", item, -3, ""),
    ]


async def test_consume_pieces(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("pieces", 2))
    first, second = [item["instance_id"] for item in await read(client, studio, player_id, "inventory/items")]
    for left in (USES - 1, USES - 2):
        assert (await consume(client, studio, player_id, sku=goods["pieces"], instance_id=second)).status_code == 200
        found = await read(client, studio, player_id, "inventory/items")
        assert {item["instance_id"]: item["remaining_uses"] for item in found} == {first: USES, second: left}
    assert (await consume(client, studio, player_id, sku=goods["pieces"], instance_id=second)).status_code == 200
    assert await owned(client, studio, player_id) == [(goods["pieces"], None, USES)], "with its last use it is gone"
    again = await consume(client, studio, player_id, sku=goods["pieces"], instance_id=second)
    assert refusal(again) == (404, 5004)
    assert again.json()["errorMessage"].startswith("[0401-5004]: Could not find instance in inventory")
    changes = [(subject, change) for _, subject, change, _ in await ledger_rows(studio, player_id)]
    assert (
        changes == [(first, USES), (second, USES)] + [(second, -1)] * USES
        or changes
        == [
            (second, USES),
            (first, USES),
        ]
        + [(second, -1)] * USES
    )


async def test_a_number_of_pieces_takes_uses(client: httpx.AsyncClient, studio: Studio) -> None:
    """The oldest piece first; all or nothing."""
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("pieces"))
    await give(studio, player_id, goods.grant_of("pieces"))
    too_many = await consume(client, studio, player_id, sku=goods["pieces"], quantity=2 * USES + 1)
    assert refusal(too_many) == (404, 5004)
    assert (await consume(client, studio, player_id, sku=goods["pieces"], quantity=USES + 1)).status_code == 200
    assert await owned(client, studio, player_id) == [(goods["pieces"], None, USES - 1)]
    assert (await consume(client, studio, player_id, sku=goods["pieces"], quantity=1)).status_code == 200
    assert await owned(client, studio, player_id) == [(goods["pieces"], None, USES - 2)]


async def test_consume_more_than_there_is(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("stack", 2))
    reply = await consume(client, studio, player_id, sku=goods["stack"], quantity=3)
    assert refusal(reply) == (404, 5004)
    assert await owned(client, studio, player_id) == [(goods["stack"], 2, 1)]
    assert refusal(await consume(client, studio, uuid4(), sku=goods["stack"], quantity=1)) == (404, 5004)
    assert len(await ledger_rows(studio, player_id)) == 1


@pytest.mark.parametrize("way", ["single", "timed"])
async def test_consume_what_is_not_used_up(client: httpx.AsyncClient, studio: Studio, way: str) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of(way))
    assert refusal(await consume(client, studio, player_id, sku=goods[way], quantity=1)) == (422, 1102)
    assert await owned(client, studio, player_id) == [(goods[way], 1, 1)]


async def test_consume_what_is_not_there(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, CurrencyGrant(goods["currency"], 5), goods.grant_of("pieces"))
    for sku in ("nothing", goods["currency"]):
        reply = await consume(client, studio, player_id, sku=sku, quantity=1)
        assert refusal(reply) == (404, 4001)
    (piece,) = await read(client, studio, player_id, "inventory/items")
    of_other_item = await consume(client, studio, player_id, sku=goods["stack"], instance_id=piece["instance_id"])
    assert refusal(of_other_item) == (404, 5004)
    of_other_player = await consume(client, studio, uuid4(), sku=goods["pieces"], instance_id=piece["instance_id"])
    assert refusal(of_other_player) == (404, 5004)
    assert await owned(client, studio, player_id) == [(goods["pieces"], None, USES)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 5002),
        ({"sku": "lamp"}, 5002),
        ({"quantity": 1}, 5002),
        ({"sku": "lamp", "quantity": None, "instance_id": None}, 5002),
        ({"sku": "lamp", "quantity": 1, "instance_id": "a" * 32}, 1102),
        ({"sku": "lamp", "quantity": 0}, 1102),
        ({"sku": "lamp", "quantity": 1.5}, 1102),
        ({"sku": "lamp", "quantity": "1"}, 1102),
        ({"sku": "lamp", "quantity": True}, 1102),
        ({"sku": "lamp", "quantity": 2**31}, 1102),
        ({"sku": "lamp", "instance_id": "short"}, 1102),
        ({"sku": 7, "quantity": 1}, 1102),
    ],
)
async def test_consume_by_a_wrong_body(
    client: httpx.AsyncClient, studio: Studio, body: dict[str, Any], code: int
) -> None:
    reply = await consume(client, studio, uuid4(), **body)
    assert refusal(reply) == (422, code)


async def test_a_quantity_and_an_instance_exclude_each_other(client: httpx.AsyncClient, studio: Studio) -> None:
    """Clients compare the sentence as a whole."""
    reply = await consume(client, studio, uuid4(), sku="lamp", quantity=1, instance_id="a" * 32)
    assert refusal(reply) == (422, 1102)
    assert reply.json()["errorMessage"] == "[0401-1102]: Unprocessable Entity"
    assert [fault["property"] for fault in reply.json()["errorMessageExtended"]] == ["instance_id"]


async def test_consume_by_a_wrong_platform(client: httpx.AsyncClient, studio: Studio) -> None:
    reply = await client.post(
        f"/api/v2/project/{studio.project_id}/user/inventory/item/consume",
        params={"platform": "amiga"},
        json={"sku": "lamp", "quantity": 1},
        headers=await studio.player_headers(uuid4()),
    )
    assert refusal(reply) == (422, 1102)


async def test_a_repeat_consumes_once(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("stack", 3))
    headers = {**await studio.player_headers(player_id), "Idempotency-Key": uuid4().hex}
    for _ in range(3):
        reply = await client.post(
            f"/api/v2/project/{studio.project_id}/user/inventory/item/consume",
            json={"sku": goods["stack"], "quantity": 1},
            headers=headers,
        )
        assert reply.status_code == 200
    assert await owned(client, studio, player_id) == [(goods["stack"], 2, 1)]

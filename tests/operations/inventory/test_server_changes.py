"""A studio's server gives, takes away and sets what players own."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from haversack.clock import real_now
from haversack.inventory.actions import CurrencyGrant
from haversack.inventory.rules import PIECES_MAX
from make.catalog import bundle, make_item, package
from make.client_catalog import freeze
from make.inventory import (
    USES,
    balances_of,
    give,
    ledger_rows,
    make_goods,
    operation,
    owned,
    read,
    send,
    units,
)
from make.keys import held_games, make_game, states_of, upload
from make.projects import Studio
from make.taxonomy import refusal

KEY = "opera_drmfree"


def bought(player_id: Any, purchase_id: str, *items: tuple[str, Any], **more: Any) -> dict[str, Any]:
    """An operation of a purchase that was made elsewhere."""
    purchase = {
        "amount": "2.99",
        "currency": "USD",
        "external_purchase_id": purchase_id,
        "external_purchase_date": "2026-11-20T10:00:00+03:00",
    }
    return operation(player_id, *items, purchase={**purchase, **more})


async def test_add_item_to_inventory(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("stack", 3))
    one = operation(player_id, (goods["stack"], 2), comment="For the storm", platform="pc_other")
    reply = await send(client, studio, "reward", one, operation(player_id, (goods["stack"], 1), (goods["currency"], 7)))
    assert reply.status_code == 200
    assert reply.json() == {
        "count": 2,
        "operations": [
            {
                "user_id": str(player_id),
                "platform": "pc_other",
                "comment": "For the storm",
                "amount": "0",
                "items": [{"sku": goods["stack"], "quantity": 2, "balance": 5}],
            },
            {
                "user_id": str(player_id),
                "platform": "xsolla",
                "comment": None,
                "amount": "0",
                "items": [
                    {"sku": goods["stack"], "quantity": 1, "balance": 6},
                    {"sku": goods["currency"], "quantity": 7, "balance": 7},
                ],
            },
        ],
    }
    assert await owned(client, studio, player_id) == [(goods["stack"], 6, 1)]
    assert await balances_of(studio, player_id) == {goods["currency"]: 7}


async def test_reward_of_every_kind(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    crate = bundle({"sku": goods["stack"], "quantity": 3}, goods["single"])
    sack = package(goods["currency"])
    await make_item(client, studio, "bundle", crate)
    await make_item(client, studio, "package", sack)
    items = [(crate["sku"], 2), (sack["sku"], 1), (goods["pieces"], 2), (goods["timed"], 2), (goods["single"], 4)]
    reply = await send(client, studio, "reward", operation(player_id, *items))
    assert units(reply) == [[0, 500, 2, 1, 1]], "a bundle of several things is none of them"
    assert sorted(await owned(client, studio, player_id)) == sorted(
        [
            (goods["stack"], 6, 1),
            (goods["pieces"], None, USES),
            (goods["pieces"], None, USES),
            (goods["single"], 1, 1),
            (goods["timed"], 1, 1),
        ]
    )


async def test_reward_of_what_is_owned_once(client: httpx.AsyncClient, studio: Studio) -> None:
    """It stays one, and nothing is written of it."""
    goods, player_id = await make_goods(client, studio), uuid4()
    for _ in range(2):
        reply = await send(client, studio, "reward", operation(player_id, (goods["single"], 1)))
        assert units(reply) == [[1]]
    assert await owned(client, studio, player_id) == [(goods["single"], 1, 1)]
    assert len(await ledger_rows(studio, player_id)) == 1


async def test_reward_of_keys(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE", "TWO", "THREE"])
    player_id = uuid4()
    reply = await send(client, studio, "reward", operation(player_id, (KEY, 2)))
    assert units(reply) == [[0]]
    assert await states_of(studio, KEY) == ["used", "used", "available"]
    assert (await held_games(client, studio, player_id))["total_items_count"] == 1
    too_many = await send(client, studio, "reward", operation(player_id, (KEY, 2)))
    assert refusal(too_many) == (422, 1459)
    assert await states_of(studio, KEY) == ["used", "used", "available"]
    kinds = [row[0] for row in await ledger_rows(studio, player_id)]
    assert kinds == ["key", "key", "entitlement"]


async def test_players_are_named_by_the_game(client: httpx.AsyncClient, studio: Studio) -> None:
    """A game without Login names its players by any string; a uuid stands for itself."""
    goods, player_id = await make_goods(client, studio), uuid4()
    reply = await send(
        client,
        studio,
        "reward",
        operation("captain ahab", (goods["stack"], 1)),
        operation("captain ahab", (goods["stack"], 1)),
        operation(str(player_id).upper(), (goods["stack"], 1)),
    )
    assert units(reply) == [[1], [2], [1]]
    assert [one["user_id"] for one in reply.json()["operations"]][:2] == ["captain ahab"] * 2
    assert await owned(client, studio, player_id) == [(goods["stack"], 1, 1)]


async def test_the_first_fifty_operations_count(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    operations = [operation(player_id, (goods["stack"], 1)) for _ in range(50)]
    reply = await send(client, studio, "reward", *operations, {"wrong": True}, operation(player_id, ("nothing", 1)))
    assert (reply.status_code, reply.json()["count"]) == (200, 50)
    assert units(reply)[-1] == [50]
    assert (await send(client, studio, "reward")).json() == {"count": 0, "operations": []}


@pytest.mark.parametrize("word", ["reward", "revoke", "set"])
async def test_all_or_nothing(client: httpx.AsyncClient, studio: Studio, word: str) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("stack", 5))
    for wrong in ("nothing", f"{goods['stack']}x"):
        reply = await send(
            client, studio, word, operation(player_id, (goods["stack"], 1)), operation(player_id, (wrong, 1))
        )
        assert refusal(reply) == (404, 4001)
        assert wrong in reply.json()["errorMessage"]
    assert await owned(client, studio, player_id) == [(goods["stack"], 5, 1)]
    assert len(await ledger_rows(studio, player_id)) == 1


async def test_what_is_in_no_inventory(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    crate = bundle((await make_goods(client, studio))["stack"])
    await make_item(client, studio, "bundle", crate)
    assert refusal(await send(client, studio, "reward", operation("x", ("opera", 1)))) == (404, 4001)
    for word in ("revoke", "set"):
        for sku in ("opera", KEY, crate["sku"]):
            assert refusal(await send(client, studio, word, operation("x", (sku, 1)))) == (404, 4001)


@pytest.mark.parametrize("word", ["reward", "revoke", "set", "purchase"])
@pytest.mark.parametrize(
    "change",
    [
        {"user": {}},
        {"user": {"id": ""}},
        {"items": []},
        {"items": [{"sku": "lamp"}]},
        {"items": [{"sku": "lamp", "quantity": -1}]},
        {"items": [{"sku": "lamp", "quantity": 1.5}]},
        {"items": [{"sku": "lamp", "quantity": "2"}]},
        {"items": [{"sku": "lamp", "quantity": 2**31}]},
        {"items": [{"sku": "no blanks", "quantity": 1}]},
        {"comment": ""},
        {"comment": "x" * 256},
        {"platform": "amiga"},
    ],
)
async def test_wrong_operations(client: httpx.AsyncClient, studio: Studio, word: str, change: dict[str, Any]) -> None:
    body = bought("somebody", "1", ("lamp", 1)) | change
    assert refusal(await send(client, studio, word, body)) == (422, 1102)


async def test_wrong_bodies(client: httpx.AsyncClient, studio: Studio) -> None:
    for word in ("reward", "revoke", "set", "purchase"):
        url = f"/api/v2/project/{studio.project_id}/inventory/{word}"
        reply = await client.post(url, json={"user": {"id": "x"}}, auth=studio.basic)
        assert refusal(reply) == (422, 1102)
    assert refusal(await send(client, studio, "reward", operation("x", ("lamp", 0)))) == (422, 1102)
    assert refusal(await send(client, studio, "revoke", operation("x", ("lamp", 0)))) == (422, 1102)


async def test_grant_item_by_purchase(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    one = bought(player_id, "10-534-35", (goods["stack"], 2), (goods["currency"], 30))
    first = await send(client, studio, "purchase", {**one, "custom_parameters": {"store": "steam"}})
    assert first.status_code == 200
    (answered,) = first.json()["operations"]
    assert (answered["user_id"], answered["amount"]) == (str(player_id), "2.99")
    assert units(first) == [[2, 30]]
    await send(client, studio, "reward", operation(player_id, (goods["stack"], 5)))
    again = await send(client, studio, "purchase", one)
    assert again.json()["operations"] == first.json()["operations"], "the same answer"
    assert await owned(client, studio, player_id) == [(goods["stack"], 7, 1)]
    twice = await send(
        client,
        studio,
        "purchase",
        bought(player_id, "second", (goods["stack"], 1)),
        one,
        bought(player_id, "second", (goods["stack"], 1)),
        bought("somebody else", "10-534-35", (goods["stack"], 4)),
    )
    assert units(twice) == [[8], [2, 30], [8], [4]], "a purchase is one player's"
    assert await owned(client, studio, player_id) == [(goods["stack"], 8, 1)]


async def test_repeat_that_names_other_items(client: httpx.AsyncClient, studio: Studio) -> None:
    """What was given first is what that purchase has given."""
    goods, player_id = await make_goods(client, studio), uuid4()
    await send(client, studio, "purchase", bought(player_id, "1", (goods["stack"], 2)))
    again = await send(client, studio, "purchase", bought(player_id, "1", (goods["stack"], 9), (goods["timed"], 1)))
    assert units(again) == [[2, 0]]
    assert await owned(client, studio, player_id) == [(goods["stack"], 2, 1)]


async def test_purchase_refuses(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("single"))
    owned_once = bought(player_id, "1", (goods["stack"], 1), (goods["single"], 1))
    assert refusal(await send(client, studio, "purchase", owned_once)) == (422, 1468)
    unknown = bought(player_id, "2", ("nothing", 1))
    assert refusal(await send(client, studio, "purchase", unknown)) == (422, 4001)
    assert refusal(await send(client, studio, "purchase", bought(player_id, "3", (KEY, 1)))) == (422, 1459)
    for change in (
        {"amount": 2.99},
        {"amount": "cheap"},
        {"currency": "dollars"},
        {"external_purchase_id": ""},
        {"external_purchase_date": "yesterday"},
        {"external_purchase_date": "2026-11-20T10:00:00"},
    ):
        body = bought(player_id, "4", (goods["stack"], 1))
        body["purchase"] |= change
        assert refusal(await send(client, studio, "purchase", body)) == (422, 1102), change
    bare = operation(player_id, (goods["stack"], 1))
    assert refusal(await send(client, studio, "purchase", bare)) == (422, 1102)
    too_many = {**bought(player_id, "5", (goods["stack"], 1)), "custom_parameters": {}}
    assert refusal(await send(client, studio, "purchase", too_many)) == (422, 1102)
    assert await owned(client, studio, player_id) == [(goods["single"], 1, 1)]


async def test_revoke_item(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    content = [
        goods.grant_of("stack", 5),
        goods.grant_of("pieces", 3),
        goods.grant_of("single"),
        goods.grant_of("timed"),
    ]
    await give(studio, player_id, *content, CurrencyGrant(goods["currency"], 10))
    items = [(goods["stack"], 3), (goods["pieces"], 2), (goods["currency"], 4)]
    reply = await send(client, studio, "revoke", operation(player_id, *items, comment="Cheated"))
    assert units(reply) == [[2, 1, 6]]
    assert reply.json()["operations"][0]["comment"] == "Cheated"
    reply = await send(client, studio, "revoke", operation(player_id, (goods["single"], 1), (goods["timed"], 1)))
    assert units(reply) == [[0, 0]]
    assert await owned(client, studio, player_id) == [(goods["stack"], 2, 1), (goods["pieces"], None, USES)]
    assert await read(client, studio, player_id, "time_limited_items") == []
    assert await balances_of(studio, player_id) == {goods["currency"]: 6}
    reply = await send(client, studio, "reward", operation(player_id, (goods["single"], 1)))
    assert units(reply) == [[1]], "what was taken away may be owned again"


@pytest.mark.parametrize("way", ["stack", "pieces", "single", "timed", "currency"])
async def test_revoke_more_than_there_is(client: httpx.AsyncClient, studio: Studio, way: str) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    given = CurrencyGrant(goods["currency"], 1) if way == "currency" else goods.grant_of(way)
    await give(studio, player_id, given)
    reply = await send(
        client, studio, "revoke", operation(player_id, (goods[way], 1)), operation(player_id, (goods[way], 1))
    )
    assert refusal(reply) == (404, 5004)
    assert units(await send(client, studio, "revoke", operation(player_id, (goods[way], 1)))) == [[0]]
    assert refusal(await send(client, studio, "revoke", operation("nobody", (goods[way], 1)))) == (404, 5004)


async def test_set_item_quantity(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    ways = ("stack", "pieces", "single", "currency")
    for wanted in (4, 1, 0, 2, 2):
        reply = await send(client, studio, "set", operation(player_id, *((goods[way], wanted) for way in ways)))
        assert units(reply) == [[wanted, wanted, min(wanted, 1), wanted]]
        found = await owned(client, studio, player_id)
        assert [entry[1] for entry in found if entry[0] == goods["stack"]] == ([wanted] if wanted else [])
        assert sum(entry[0] == goods["pieces"] for entry in found) == wanted
        assert sum(entry[0] == goods["single"] for entry in found) == min(wanted, 1)
        assert (await balances_of(studio, player_id)).get(goods["currency"], 0) == wanted


async def test_set_a_time_limited_item(client: httpx.AsyncClient, studio: Studio) -> None:
    """So many periods from now on, whatever was left."""
    goods, player_id = await make_goods(client, studio), uuid4()
    now = real_now().replace(microsecond=0)
    await freeze(studio, now)
    await give(studio, player_id, goods.grant_of("timed", 30), now=now)
    for wanted in (2, 1):
        assert units(await send(client, studio, "set", operation(player_id, (goods["timed"], wanted)))) == [[1]]
        (found,) = await read(client, studio, player_id, "time_limited_items")
        assert found["expired_at"] == now.timestamp() + wanted * 2 * 86_400
    assert units(await send(client, studio, "set", operation(player_id, (goods["timed"], 0)))) == [[0]]
    assert await read(client, studio, player_id, "time_limited_items") == []


async def test_more_than_can_be_counted(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    most = 2**31 - 1
    assert units(await send(client, studio, "set", operation(player_id, (goods["stack"], most)))) == [[most]]
    for word, body in (
        ("reward", operation(player_id, (goods["stack"], 1))),
        ("purchase", bought(player_id, "1", (goods["stack"], 1))),
        ("reward", operation(player_id, (goods["pieces"], PIECES_MAX + 1))),
        ("set", operation(player_id, (goods["pieces"], PIECES_MAX + 1))),
    ):
        assert refusal(await send(client, studio, word, body)) == (422, 1102)
    assert await owned(client, studio, player_id) == [(goods["stack"], most, 1)]
    balance = operation(player_id, (goods["currency"], most))
    assert units(await send(client, studio, "reward", balance, balance)) == [[most], [2 * most]]


async def test_a_repeat_changes_once(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    headers = {"Idempotency-Key": uuid4().hex}
    for _ in range(3):
        reply = await send(client, studio, "reward", operation(player_id, (goods["stack"], 2)), headers=headers)
        assert units(reply) == [[2]]
    other = await send(client, studio, "reward", operation(player_id, (goods["stack"], 3)), headers=headers)
    assert other.status_code == 422
    assert await owned(client, studio, player_id) == [(goods["stack"], 2, 1)]


async def test_players_of_other_projects(client: httpx.AsyncClient, studio: Studio, other_studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    reply = await send(client, other_studio, "reward", operation(player_id, (goods["stack"], 1)))
    assert refusal(reply) == (404, 4001)
    url = f"/api/v2/project/{studio.project_id}/inventory/reward"
    reply = await client.post(url, json=[operation(player_id, (goods["stack"], 1))], auth=other_studio.basic)
    assert refusal(reply) == (401, 1020)

"""The books: what is written into them, what refuses to change them, and every kind of damage is found (R8, R9)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from haversack.clock import real_now
from haversack.context import Context
from haversack.database.engine import Connection
from haversack.inventory import digests
from haversack.inventory.actions import CurrencyGrant
from haversack.inventory.digests import write_digests
from haversack.inventory.ledger import STUDIO, stock_row
from haversack.inventory.verifying import find_differences, list_differences, list_projects
from haversack.limits.queries import sell_reserved_stock
from haversack.limits.records import Stock
from haversack.limits.reserving import hold_stock
from make.catalog import any_sku, get_item, make_item, put_item, virtual_item
from make.inventory import Goods, book, consume, give, ledger_rows, make_goods, operation, send
from make.keys import grant as grant_right
from make.keys import make_game, new_grant, redeem, request, upload
from make.keys import new_player as new_key_player
from make.orders import buy, cancel, fund, make_buyer, order_money, sell_for, sell_for_money, stock_of
from make.projects import Studio
from make.taxonomy import admin

KEY = "opera_drmfree"


async def _differences(studio: Studio) -> dict[str, list[str]]:
    """What is wrong with a project's books: the places, by what was looked at."""
    found: dict[str, list[str]] = {}
    async for difference in find_differences(studio.context.database, studio.project_id):
        assert difference.project_id == studio.project_id
        found.setdefault(difference.check, []).append(difference.place)
    return found


@asynccontextmanager
async def _behind_the_back(context: Context) -> AsyncIterator[Connection]:
    """Changes that no trigger sees, of somebody with the database's password; undone at the end, because the books of
    all tests are looked at after the last."""
    async with context.database.connection() as connection:
        change = connection.transaction()
        await change.start()
        try:
            await connection.execute("SET LOCAL session_replication_role = replica")
            yield connection
        finally:
            await change.rollback()


async def _full_books(client: httpx.AsyncClient, studio: Studio) -> tuple[Goods, UUID]:
    """A project in which something of every kind has changed; two digests were made on the way."""
    await make_game(studio)
    goods, player_id = await make_goods(client, studio), uuid4()
    await studio.player_headers(player_id)
    ways = [goods.grant_of(way, 3) for way in ("stack", "pieces", "single", "timed")]
    await give(studio, player_id, *ways, CurrencyGrant(goods["currency"], 30))
    await upload(client, studio, KEY, ["ONE", "TWO"])
    assert (await redeem(client, studio, player_id, "ONE")).status_code == 201
    await write_digests(studio.context.database.session(), real_now())
    await consume(client, studio, player_id, sku=goods["stack"], quantity=1)
    limited = virtual_item(sku=any_sku("rare"), limits={"per_user": 5, "per_item": 9})
    made = await make_item(client, studio, body=limited)
    url = f"/api/v2/project/{studio.project_id}/admin/user/limit/item/sku/{limited['sku']}"
    body = {"user": {"user_external_id": str(player_id)}, "available": 2}
    assert (await client.put(url, json=body, auth=studio.basic)).status_code == 200
    await give(studio, uuid4(), goods.grant_of("stack"))
    await write_digests(studio.context.database.session(), real_now())
    goods = Goods(goods.skus, {**goods.ids, "limited": made["item_id"]})
    assert await _differences(studio) == {}
    return goods, player_id


@pytest.mark.parametrize(
    "statement",
    ["UPDATE ledger SET change = 0", "DELETE FROM ledger", "TRUNCATE ledger", "UPDATE grants SET content = '[]'"],
)
async def test_the_books_refuse_to_change(client: httpx.AsyncClient, studio: Studio, statement: str) -> None:
    goods = await make_goods(client, studio)
    await give(studio, uuid4(), goods.grant_of("stack"))
    async with studio.context.database.connection() as connection:
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await connection.execute(statement)


# Each with what it must be found by. The ledger's own damage shows in the sums too.
DAMAGE = [
    ("UPDATE balances SET amount = amount + 1", {"balances"}),
    ("DELETE FROM balances", {"balances"}),
    ("UPDATE owned_items SET quantity = quantity + 1 WHERE quantity = 2", {"owned items"}),
    ("DELETE FROM owned_items WHERE expires_at IS NULL", {"owned items"}),
    ("UPDATE owned_items SET expires_at = expires_at + interval '1 second'", {"ends of time-limited items"}),
    ("UPDATE owned_items SET expires_at = now() WHERE expires_at IS NULL", {"ends of time-limited items"}),
    ("UPDATE item_instances SET remaining_uses = remaining_uses + 1", {"pieces and their uses"}),
    ("DELETE FROM item_instances", {"pieces and their uses"}),
    (
        "INSERT INTO item_instances "
        "SELECT project_id, player_id, gen_random_uuid(), item_id, 1, now() FROM owned_items",
        {"pieces and their uses"},
    ),
    ("UPDATE item_stocks SET available = available - 1, sold = sold + 1", {"stock"}),
    (
        "UPDATE item_stocks SET available = available - 1, reserved = reserved + 1",
        {"stock", "stock that orders hold"},
    ),
    ("UPDATE user_item_uses SET used = used - 1", {"uses of limits"}),
    ("DELETE FROM user_item_uses", {"uses of limits"}),
    ("UPDATE user_item_uses SET window_start = now()", {"uses of limits"}),
    ("UPDATE user_item_uses SET window_start = '1960-01-01'", {"uses of limits"}),
    ("UPDATE key_codes SET state = 'available', player_id = NULL WHERE state = 'used'", {"codes of keys"}),
    (
        "UPDATE key_codes SET state = 'used', player_id = gen_random_uuid() WHERE state = 'available'",
        {"codes of keys"},
    ),
    (
        "UPDATE key_codes SET state = 'reserved', source = 'order:1' WHERE state = 'available'",
        {"codes that orders hold"},
    ),
    ("UPDATE entitlements SET revoked_at = now()", {"rights to games"}),
    ("UPDATE entitlements SET player_id = gen_random_uuid()", {"rights to games"}),
    (
        "INSERT INTO pre_order_limits SELECT project_id, min(item_id), true, 1, 1, 0 FROM items",
        {"pre-orders that orders hold"},
    ),
    ("UPDATE ledger SET change = change + 1 WHERE kind = 'balance'", {"the ledger's chains", "balances"}),
    ("UPDATE ledger SET source = 'order:77' WHERE seq = 2", {"the ledger's chains"}),
    ("UPDATE ledger SET changed_at = changed_at - interval '1 microsecond' WHERE seq = 3", {"the ledger's chains"}),
    ("DELETE FROM ledger WHERE seq = 2", {"the ledger's chains", "pieces and their uses"}),
    (
        "UPDATE ledger SET hash = sha256('') WHERE seq = 1",
        {"the ledger's chains", "the heads of the chains", "the digests"},
    ),
    ("UPDATE ledger_heads SET seq = seq + 1", {"the heads of the chains"}),
    ("UPDATE ledger_heads SET hash = sha256('')", {"the heads of the chains"}),
    ("DELETE FROM ledger_heads", {"the heads of the chains"}),
    (
        "UPDATE ledger_digests SET digest = sha256('') WHERE digest_id = (SELECT max(digest_id) FROM ledger_digests)",
        {"the digests"},
    ),
    (
        "DELETE FROM ledger_digests WHERE digest_id = "
        "(SELECT min(digest_id) FROM ledger_digests WHERE project_id = {project})",
        {"the digests"},
    ),
]


@pytest.mark.parametrize(("statement", "checks"), DAMAGE, ids=[statement for statement, _ in DAMAGE])
async def test_damage_is_found(
    client: httpx.AsyncClient, studio: Studio, context: Context, statement: str, checks: set[str]
) -> None:
    await _full_books(client, studio)
    word, of_project = statement.format(project=studio.project_id), f"project_id = {studio.project_id}"
    if word.startswith("INSERT"):
        word += f" WHERE {of_project}" + (" GROUP BY project_id" if "min(item_id)" in word else "")
    else:
        word += f"{' AND' if ' WHERE ' in word else ' WHERE'} {of_project}"
    async with _behind_the_back(context) as connection:
        status = await connection.execute(word)
        found = {difference.check for difference in await list_differences(connection, studio.project_id)}
    assert int(status.rpartition(" ")[2]) > 0, "something was damaged"
    assert checks <= found
    others = found - checks
    assert others <= {"the digests", "the heads of the chains"} if "ledger" in word else not others


# What the tables of every purchase do not guard themselves.
DAMAGE_OF_ORDERS = [
    ("UPDATE orders SET state = 'lost'", "orders and their lines"),
    ("UPDATE orders SET currency = NULL", "orders and their lines"),
    ("UPDATE orders SET amount = -1", "orders and their lines"),
    ("DELETE FROM orders", "orders and their lines"),
    ("UPDATE order_lines SET quantity = 0", "orders and their lines"),
    ("UPDATE webhook_deliveries SET status = 'pending'", "deliveries and their events"),
    ("UPDATE webhook_deliveries SET reason = 'weather'", "deliveries and their events"),
    ("DELETE FROM webhook_events", "deliveries and their events"),
]


@pytest.mark.parametrize(("statement", "check"), DAMAGE_OF_ORDERS)
async def test_damage_to_orders_is_found(
    client: httpx.AsyncClient, studio: Studio, context: Context, statement: str, check: str
) -> None:
    sku, gold = await sell_for(client, studio, 5)
    buyer = await make_buyer(studio)
    await fund(buyer, gold, 5)
    assert (await buy(client, buyer, sku, gold)).status_code == 200
    async with _behind_the_back(context) as connection:
        await connection.execute(f"{statement} WHERE project_id = $1", studio.project_id)
        found = await list_differences(connection, studio.project_id)
    assert {difference.check for difference in found} == {check}


async def test_a_chain_made_anew_does_not_fit_its_digest(
    client: httpx.AsyncClient, studio: Studio, context: Context
) -> None:
    """Somebody rewrites a row, all hashes after it, the head and the balance: only the digest knows."""
    goods, player_id = await _full_books(client, studio)
    async with _behind_the_back(context) as connection:
        rows = await connection.fetch(
            "DELETE FROM ledger WHERE project_id = $1 AND player_id = $2 RETURNING *", studio.project_id, player_id
        )
        await connection.execute(
            "DELETE FROM ledger_heads WHERE project_id = $1 AND player_id = $2", studio.project_id, player_id
        )
        await connection.execute("SET LOCAL session_replication_role = origin")
        for row in sorted(rows, key=lambda row: row["seq"]):
            values = [row[name] for name in ("kind", "subject", "change", "detail", "source", "changed_at")]
            values[2] += 1_000_000 if row["kind"] == "balance" else 0
            await connection.execute(
                "INSERT INTO ledger (project_id, player_id, kind, subject, change, detail, source, changed_at) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                studio.project_id,
                player_id,
                *values,
            )
        await connection.execute(
            "UPDATE balances SET amount = amount + 1000000 WHERE project_id = $1 AND sku = $2",
            studio.project_id,
            goods["currency"],
        )
        found = await list_differences(connection, studio.project_id)
    assert {difference.check for difference in found} == {"the digests"}


async def test_every_difference_is_named(client: httpx.AsyncClient, studio: Studio, context: Context) -> None:
    goods, player_id = await _full_books(client, studio)
    async with _behind_the_back(context) as connection:
        await connection.execute("UPDATE balances SET amount = 7 WHERE project_id = $1", studio.project_id)
        found = await list_differences(connection, studio.project_id)
    assert [str(each) for each in found] == [
        f"project {studio.project_id}, balances: player {player_id} currency {goods['currency']}: "
        "30 by the books, 7 found"
    ]
    assert studio.project_id in await list_projects(context.database)


async def test_digests_follow_what_has_moved(
    client: httpx.AsyncClient, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only when heads have moved; so many heads at once; one process at a time."""
    goods = await make_goods(client, studio)
    db = studio.context.database.session()

    async def seqs() -> list[list[int]]:
        async with studio.context.database.connection() as connection:
            rows = await connection.fetch(
                "SELECT seqs FROM ledger_digests WHERE project_id = $1 ORDER BY digest_id", studio.project_id
            )
        return [row["seqs"] for row in rows]

    await write_digests(db, real_now())
    assert await seqs() == []
    players = [uuid4() for _ in range(3)]
    for player_id in players:
        await give(studio, player_id, goods.grant_of("stack"))
    await write_digests(db, real_now())
    await write_digests(db, real_now())
    assert await seqs() == [[1, 1, 1]]
    await give(studio, players[0], goods.grant_of("stack"))
    async with studio.context.database.connection() as connection, connection.transaction():
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('ledger digest', $1))", studio.project_id
        )
        await write_digests(db, real_now())
        assert await seqs() == [[1, 1, 1]], "somebody else is at it"
    await give(studio, players[1], goods.grant_of("stack"), goods.grant_of("single"))
    async with studio.context.database.connection() as connection, connection.transaction():
        await connection.execute(
            "SELECT FROM ledger_heads WHERE project_id = $1 AND player_id = $2 FOR UPDATE",
            studio.project_id,
            players[1],
        )
        await write_digests(db, real_now())
        assert await seqs() == [[1, 1, 1], [2]], "a player who is buying is passed over"
    for player_id in (players[0], players[2]):
        await give(studio, player_id, goods.grant_of("stack"))
    monkeypatch.setattr(digests, "HEADS_MAX", 2)
    await write_digests(db, real_now())
    assert sorted(map(len, await seqs())) == [1, 1, 2, 3]
    assert await _differences(studio) == {}


# -- What other features write --------------------------------------------------------------------------------------


async def test_limits_in_the_books(client: httpx.AsyncClient, studio: Studio) -> None:
    lamp = virtual_item(limits={"per_user": 10})
    item_id = str((await make_item(client, studio, body=lamp))["item_id"])
    player_id = await new_key_player(studio)
    url = f"/api/v2/project/{studio.project_id}/admin/user/limit/item"
    user = {"user": {"user_external_id": str(player_id)}}

    async def change(method: str, rest: str, **more: Any) -> None:
        reply = await client.request(method, f"{url}{rest}", json=user | more, auth=studio.basic)
        assert reply.is_success, reply.text
        assert await _differences(studio) == {}

    one = f"/sku/{lamp['sku']}"
    await change("PUT", one, available=4)
    await change("PUT", one, available=4)
    await change("DELETE", one, available=1)
    await change("POST", one, available=3)
    await change("DELETE", f"{one}/all")
    await change("PUT", one, available=9)
    await change("DELETE", "/all")
    await change("DELETE", "/all")
    epoch = "1970-01-01T00:00:00+00:00"
    assert await ledger_rows(studio, player_id) == [
        ("uses", item_id, number, epoch) for number in (6, 1, -3, -4, 1, -1)
    ]


async def test_uses_of_a_window_that_went_back(client: httpx.AsyncClient, studio: Studio) -> None:
    """A schedule that is taken off takes the uses with it; they are not compared any more."""
    daily = {"per_user": {"interval_type": "daily", "time": "00:00:00+00:00"}}
    lamp = virtual_item(limits={"per_user": 10, "recurrent_schedule": daily})
    await make_item(client, studio, body=lamp)
    player_id = await new_key_player(studio)
    url = f"/api/v2/project/{studio.project_id}/admin/user/limit/item/sku/{lamp['sku']}"
    body = {"user": {"user_external_id": str(player_id)}, "available": 3}
    assert (await client.put(url, json=body, auth=studio.basic)).status_code == 200
    assert (await put_item(client, studio, "virtual_item", lamp["sku"], lamp | {"limits": {"per_user": 10}})).is_success
    reply = await client.request("DELETE", url, json={**body, "available": 1}, auth=studio.basic)
    assert reply.json()["per_user"]["available"] == 2, reply.text
    assert await _differences(studio) == {}


async def test_stock_in_the_books(client: httpx.AsyncClient, studio: Studio) -> None:
    """What an item had sold is gone from the books with its limit."""
    lamp = virtual_item(limits={"per_item": 10})
    item_id = (await make_item(client, studio, body=lamp))["item_id"]
    db = studio.context.database.session()
    assert await hold_stock(db, studio.project_id, item_id, 3)
    assert await sell_reserved_stock(db, studio.project_id, item_id, 3)
    await book(studio, STUDIO, stock_row(item_id, "sold", 3))
    for limits in ({"per_item": 8}, None, None, {"per_item": 5}):
        body = lamp | {"limits": limits}
        assert (await put_item(client, studio, "virtual_item", lamp["sku"], body)).status_code == 204
        assert await _differences(studio) == {}
    rows = await ledger_rows(studio, STUDIO)
    assert rows == [("stock", str(item_id), 3, "sold"), ("stock", str(item_id), -3, "sold")]


async def test_stock_that_orders_hold_counts_again(client: httpx.AsyncClient, studio: Studio) -> None:
    """An item is limited again while an unpaid order still holds units of it: they are not sold twice."""
    buyer = await make_buyer(studio)
    sku = await sell_for_money(client, studio, limits={"per_item": 10})
    order = await order_money(buyer, (sku, 4))
    lamp = await get_item(client, studio, "virtual_item", sku)
    body = {name: lamp[name] for name in ("sku", "name", "description", "prices")}
    for limits, status in ((None, 204), ({"per_item": 3}, 422), ({"per_item": 6}, 204)):
        reply = await put_item(client, studio, "virtual_item", sku, {**body, "limits": limits})
        assert reply.status_code == status, reply.text
    assert await stock_of(studio, sku) == Stock(total=6, available=2, reserved=4, sold=0)
    assert await _differences(studio) == {}
    await cancel(studio, order)
    assert await stock_of(studio, sku) == Stock(total=6, available=6, reserved=0, sold=0)
    assert await _differences(studio) == {}


async def test_rights_in_the_books(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE", "TWO", "THREE"])
    player_id = await new_key_player(studio)
    assert (await grant_right(client, studio, player_id)).status_code == 200
    revoke = f"{admin(studio)}/entitlement/revoke"
    body = new_grant(player_id)
    assert (await client.post(revoke, json=body, auth=studio.basic)).is_success
    assert (await client.post(revoke, json=body, auth=studio.basic)).is_success
    assert (await request(client, studio, KEY, 1)).text == "ONE"
    assert (await redeem(client, studio, player_id, "ONE")).status_code == 201
    rows = [(kind, change) for kind, _, change, _ in await ledger_rows(studio, player_id)]
    assert rows == [("entitlement", 1), ("entitlement", -1), ("entitlement", 1), ("key", -1)]
    assert await _differences(studio) == {}


async def test_server_changes_in_the_books(client: httpx.AsyncClient, studio: Studio) -> None:
    goods = await make_goods(client, studio)
    ways = ("stack", "pieces", "single", "timed", "currency")
    for word, quantity in (("reward", 3), ("set", 5), ("revoke", 1), ("set", 0), ("set", 1)):
        operations = [operation(f"player {n}", *((goods[way], quantity) for way in ways)) for n in range(3)]
        assert (await send(client, studio, word, *operations)).status_code == 200
        assert await _differences(studio) == {}

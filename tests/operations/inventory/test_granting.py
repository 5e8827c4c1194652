"""`grant`, `take_back` and `charge`: once for each source, all or nothing, never below nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from haversack.catalog.records import PreOrder
from haversack.clock import real_now
from haversack.errors import Refusal
from haversack.inventory.actions import CurrencyGrant, Granted, KeyGrant, charge, grant, take_back
from haversack.inventory.rules import OWNED_MAX
from make.inventory import (
    USES,
    Goods,
    balances_of,
    consume,
    give,
    ledger_rows,
    make_goods,
    owned,
    read,
)
from make.keys import find_item, held_games, make_game, make_region, rows_of, states_of, upload
from make.projects import Studio

KEY = "opera_drmfree"
WAYS = ("stack", "pieces", "single", "timed")


async def _take_back(studio: Studio, player_id: UUID, grant_source: str, source: str) -> bool:
    db = studio.context.database.session()
    async with db.begin():
        return await take_back(
            db,
            project_id=studio.project_id,
            player_id=player_id,
            grant_source=grant_source,
            source=source,
            now=real_now(),
        )


async def _charge(studio: Studio, player_id: UUID, sku: str, amount: int) -> None:
    db = studio.context.database.session()
    async with db.begin():
        await charge(
            db,
            project_id=studio.project_id,
            player_id=player_id,
            sku=sku,
            amount=amount,
            source="test",
            now=real_now(),
        )


async def _content_of(studio: Studio, source: str) -> list[dict[str, Any]]:
    async with studio.context.database.connection() as connection:
        found: list[dict[str, Any]] = await connection.fetchval(
            "SELECT content FROM grants WHERE project_id = $1 AND source = $2", studio.project_id, source
        )
    return found


def _everything(goods: Goods) -> list[Granted]:
    return [CurrencyGrant(goods["currency"], 10), *(goods.grant_of(way, 2) for way in WAYS)]


@pytest.mark.parametrize("ways", [("stack", "single"), WAYS], ids=["by one statement", "by several"])
async def test_a_source_gives_once(client: httpx.AsyncClient, studio: Studio, ways: tuple[str, ...]) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    content = [CurrencyGrant(goods["currency"], 10), *(goods.grant_of(way, 2) for way in ways)]
    assert await give(studio, player_id, *content, source="order:1")
    before = (await owned(client, studio, player_id), await ledger_rows(studio, player_id))
    assert not await give(studio, player_id, *content, source="order:1")
    assert not await give(studio, uuid4(), goods.grant_of("timed"), source="order:1"), "nor to anybody else"
    assert (await owned(client, studio, player_id), await ledger_rows(studio, player_id)) == before
    assert await give(studio, player_id, goods.grant_of("stack"), source="order:2")


async def test_a_refused_grant_gives_nothing(client: httpx.AsyncClient, studio: Studio) -> None:
    """And its source may be used when the reason is gone."""
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("single"))
    for content in (
        [goods.grant_of("stack"), goods.grant_of("single")],
        [goods.grant_of("stack"), goods.grant_of("single"), goods.grant_of("timed")],
    ):
        with pytest.raises(Refusal) as refused:
            await give(studio, player_id, *content, source="order:1")
        assert refused.value.kind.code == 1468
    assert await owned(client, studio, player_id) == [(goods["single"], 1, 1)]
    assert await give(studio, player_id, goods.grant_of("stack"), source="order:1")


@pytest.mark.parametrize("other", ["single", "pieces"])
async def test_more_than_can_be_counted(client: httpx.AsyncClient, studio: Studio, other: str) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("stack", OWNED_MAX))
    with pytest.raises(Refusal) as refused:
        await give(studio, player_id, goods.grant_of("stack"), goods.grant_of(other))
    assert refused.value.kind.name == "store.owned_too_many"
    with pytest.raises(Refusal):
        await give(studio, uuid4(), goods.grant_of("stack", OWNED_MAX + 1))
    assert await owned(client, studio, player_id) == [(goods["stack"], OWNED_MAX, 1)]


async def test_nothing_is_a_grant_too(studio: Studio) -> None:
    """An order of shirts gives nothing here, once."""
    assert await give(studio, uuid4(), source="order:1")
    assert not await give(studio, uuid4(), source="order:1")


async def test_everything_is_taken_back(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, *_everything(goods), source="order:1")
    assert await _take_back(studio, player_id, "order:1", "refund:1")
    assert not await _take_back(studio, player_id, "order:1", "refund:1")
    assert not await _take_back(studio, player_id, "order:2", "refund:2"), "there was no such grant"
    assert not await _take_back(studio, uuid4(), "order:1", "refund:3"), "not to this player"
    assert await owned(client, studio, player_id) == []
    assert await read(client, studio, player_id, "time_limited_items") == []
    assert await balances_of(studio, player_id) == {}
    rows = [row for row in await ledger_rows(studio, player_id) if row[0] != "expiry"]
    assert sum(row[2] for row in rows) == 0
    assert await give(studio, player_id, goods.grant_of("single"), source="order:3"), "it may be owned again"


async def test_what_was_consumed_stays_consumed(client: httpx.AsyncClient, studio: Studio) -> None:
    """The row of the refund says what was missing."""
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, *_everything(goods), source="order:1")
    await consume(client, studio, player_id, sku=goods["stack"], quantity=1)
    await consume(client, studio, player_id, sku=goods["pieces"], quantity=USES + 1)
    await _charge(studio, player_id, goods["currency"], 7)
    assert await _take_back(studio, player_id, "order:1", "refund:1")
    assert await owned(client, studio, player_id) == []
    assert await balances_of(studio, player_id) == {}
    refunded = await _content_of(studio, "refund:1")
    # Of the time only what has passed since is missing.
    taken = {entry["sku"]: (entry["quantity"], int(entry["missing"])) for entry in refunded}
    assert taken == {
        goods["currency"]: (3, 7),
        goods["stack"]: (1, 1),
        goods["pieces"]: (1, 1),
        goods["single"]: (1, 0),
        goods["timed"]: (2, 0),
    }


async def test_only_what_a_grant_gave_is_taken_back(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    now = real_now()
    await give(studio, player_id, *_everything(goods), source="order:1", now=now)
    more = [goods.grant_of("stack", 5), goods.grant_of("pieces"), goods.grant_of("timed")]
    await give(studio, player_id, *more, CurrencyGrant(goods["currency"], 1), source="order:2", now=now)
    (before,) = await read(client, studio, player_id, "time_limited_items")
    pieces = [item["instance_id"] for item in await read(client, studio, player_id, "inventory/items")]
    assert await _take_back(studio, player_id, "order:2", "refund:2")
    (after,) = await read(client, studio, player_id, "time_limited_items")
    assert before["expired_at"] - after["expired_at"] == 2 * 86_400
    left = {sku: number for sku, number, _ in await owned(client, studio, player_id)}
    assert (left[goods["stack"]], left[goods["single"]]) == (2, 1)
    assert await balances_of(studio, player_id) == {goods["currency"]: 10}
    kept = [item["instance_id"] for item in await read(client, studio, player_id, "inventory/items")]
    assert len([piece for piece in pieces if piece]) == 3
    assert len([piece for piece in kept if piece]) == 2


async def test_an_end_that_is_past_is_not_moved(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    await give(studio, player_id, goods.grant_of("timed"), source="order:1", now=real_now() - timedelta(days=5))
    before = await read(client, studio, player_id, "time_limited_items")
    assert await _take_back(studio, player_id, "order:1", "refund:1")
    assert await read(client, studio, player_id, "time_limited_items") == before
    assert [entry["missing"] for entry in await _content_of(studio, "refund:1")] == [2 * 86_400]


async def test_charge(client: httpx.AsyncClient, studio: Studio) -> None:
    goods, player_id = await make_goods(client, studio), uuid4()
    sku = goods["currency"]
    with pytest.raises(Refusal) as refused:
        await _charge(studio, player_id, sku, 1)
    assert refused.value.kind.code == 5006
    await give(studio, player_id, CurrencyGrant(sku, 10))
    await _charge(studio, player_id, sku, 0)
    await _charge(studio, player_id, sku, 4)
    with pytest.raises(Refusal):
        await _charge(studio, player_id, sku, 7)
    assert await balances_of(studio, player_id) == {sku: 6}
    assert await ledger_rows(studio, player_id) == [("balance", sku, 10, ""), ("balance", sku, -4, "")]


async def test_codes_are_those_of_the_country(client: httpx.AsyncClient, studio: Studio) -> None:
    """Of a region with the country first, then of no region; never of another region."""
    await make_game(studio)
    here, elsewhere = await make_region(studio, "DE", "AT"), await make_region(studio, "JP")
    await upload(client, studio, KEY, ["FREE"])
    await upload(client, studio, KEY, ["HERE"], region_id=here)
    await upload(client, studio, KEY, ["ELSEWHERE"], region_id=elsewhere)
    key = await find_item(studio, KEY)
    player_id = uuid4()
    assert await give(studio, player_id, KeyGrant(key.item_id, KEY, 1, "DE"), source="order:1")
    taken = [row["region_id"] for row in await rows_of(studio, KEY) if row["state"] == "used"]
    assert taken == [here]
    assert await give(studio, player_id, KeyGrant(key.item_id, KEY, 1, "DE"), source="order:2")
    for country in ("DE", None):
        with pytest.raises(Refusal) as refused:
            await give(studio, player_id, KeyGrant(key.item_id, KEY, 1, country), source="order:3")
        assert refused.value.kind.code == 1459
    assert sorted(await states_of(studio, KEY)) == ["available", "used", "used"]
    assert (await held_games(client, studio, player_id))["total_items_count"] == 1


async def test_keys_taken_back(client: httpx.AsyncClient, studio: Studio) -> None:
    """The right goes; the code was seen and stays used. A second right was never given."""
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE", "TWO"])
    key = await find_item(studio, KEY)
    player_id = uuid4()
    await give(studio, player_id, KeyGrant(key.item_id, KEY, 1, None), source="order:1")
    await give(studio, player_id, KeyGrant(key.item_id, KEY, 1, None), source="order:2")
    assert await _take_back(studio, player_id, "order:2", "refund:2")
    assert (await held_games(client, studio, player_id))["total_items_count"] == 1
    assert await _take_back(studio, player_id, "order:1", "refund:1")
    assert (await held_games(client, studio, player_id))["total_items_count"] == 0
    assert await states_of(studio, KEY) == ["used", "used"]
    rows = [(kind, change) for kind, _, change, _ in await ledger_rows(studio, player_id)]
    assert rows == [("key", -1), ("entitlement", 1), ("key", -1), ("entitlement", -1)]


async def test_a_key_that_is_not_out_is_a_right_alone(client: httpx.AsyncClient, studio: Studio) -> None:
    await make_game(studio)
    await upload(client, studio, KEY, ["ONE"])
    key = await find_item(studio, KEY)
    ahead = PreOrder(real_now() + timedelta(days=30), is_enabled=True)
    player_id = uuid4()
    await give(studio, player_id, KeyGrant(key.item_id, KEY, 1, None, ahead), source="order:1")
    assert await states_of(studio, KEY) == ["available"]
    assert (await held_games(client, studio, player_id))["total_items_count"] == 1


async def test_grants_belong_to_transactions(studio: Studio) -> None:
    db = studio.context.database.session()
    with pytest.raises(AssertionError):
        await grant(db, project_id=studio.project_id, player_id=uuid4(), source="x", content=[], now=real_now())

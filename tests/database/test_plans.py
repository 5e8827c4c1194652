"""What is asked for all the time is planned once for each connection, however many ask, and finds rows by keys."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Executable, text

from haversack.carts.queries import LIST_CARTS, LIST_CARTS_AND_OWNERS
from haversack.catalog.read_model.queries import LIST_STANDINGS, LIST_USES
from haversack.chains.queries.standing import READ_PLAYERS
from haversack.context import Context
from haversack.database.engine import compiled
from haversack.inventory.queries.owned import LIST_BALANCES, LIST_ENDS, LIST_OWNED
from haversack.orders.checkout import order_for_virtual_currency
from haversack.orders.preparing import Checkout, Wanted
from haversack.payments.holders import LIST_TOKENS
from haversack.personalization.attributes import LIST_ATTRIBUTES
from make.orders import fund, make_buyer, project_of, sell_for
from make.projects import Studio

# PostgreSQL tries so many plans for the values that it is given before it keeps one.
TRIED = 5
COUNTS = (1, 3, 1, 6, 2, 1, 4)
NOW = datetime(2027, 3, 1, tzinfo=UTC)
Values = dict[str, Any]
WHOLE_READS = text("SELECT relname FROM pg_stat_xact_user_tables WHERE seq_scan > 0")
# What a purchase finds rows of.
FOUND = ("balances", "item_limit_resets", "item_stocks", "ledger_heads", "owned_items", "user_item_uses")
PLANS = text("SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = :of_sql")


def of_players(count: int) -> Values:
    return {"project": 1, "players": [uuid4() for _ in range(count)]}


def of_carts(count: int) -> Values:
    owners = [uuid4() for _ in range(count)]
    return {"project": 1, "owners": owners, "named": ["one"] * count, "known": [0] * count}


def of_chains(count: int) -> Values:
    ids, starts = list(range(count)), [NOW] * count
    asked = {"chains": ids, "own_points": ids, "clan_points": ids}
    since = {"chain_starts": starts, "own_starts": starts, "clan_starts": starts}
    return {**of_players(count), **asked, **since, "login": uuid4(), "most": 10}


READS: dict[str, tuple[Executable, Callable[[int], Values]]] = {
    "carts": (LIST_CARTS, of_carts),
    "carts and owners": (LIST_CARTS_AND_OWNERS, lambda count: {**of_carts(count), "login": uuid4()}),
    "uses": (LIST_USES, of_players),
    "standings": (LIST_STANDINGS, lambda count: {**of_players(count), "login": uuid4()}),
    "balances": (LIST_BALANCES, of_players),
    "inventories": (LIST_OWNED, lambda count: {**of_players(count), "now": NOW, "most": 51, "skipped": 0}),
    "time-limited items": (LIST_ENDS, of_players),
    "chains": (READ_PLAYERS, of_chains),
    "payment tokens": (LIST_TOKENS, lambda count: {"project": 1, "hashes": [uuid4().bytes for _ in range(count)]}),
    "attributes": (
        LIST_ATTRIBUTES,
        lambda count: {"login": uuid4(), "players": of_players(count)["players"], "projects": [0, 1]},
    ),
}


@pytest.mark.parametrize("name", READS)
async def test_shared_reads_are_planned_once(context: Context, name: str) -> None:
    statement, values = READS[name]
    db = context.database.session()
    async with db.keep_connection():
        before = await db.fetch_one(PLANS, of_sql=compiled(statement).sql) or (0, 0)
        for count in COUNTS:
            await db.fetch_all(statement, **values(count))
        after = await db.fetch_one(PLANS, of_sql=compiled(statement).sql)
    assert after is not None
    assert after[1] <= TRIED
    assert sum(after) - sum(before) == len(COUNTS)


async def test_a_purchase_reads_no_table_whole(client: httpx.AsyncClient, studio: Studio) -> None:
    """The plans of its function are kept too, maybe from when PostgreSQL had just seen how small the tables were."""
    buyer = await make_buyer(studio)
    lamp, gold = await sell_for(client, studio, 5)
    await fund(buyer, gold, 100)
    project = await project_of(studio)
    db = studio.context.database.session()
    await db.execute(text(f"ANALYZE {', '.join(FOUND)}"))
    async with db.begin():
        checkout = Checkout(project=project, player=buyer.identity, wanted=[Wanted(lamp, 1)])
        for _ in range(2):
            await order_for_virtual_currency(studio.context, db, checkout, gold)
        scanned = await db.fetch_all(WHOLE_READS)
    assert not {row["relname"] for row in scanned}.intersection(FOUND)

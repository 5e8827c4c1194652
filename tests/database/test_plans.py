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
from haversack.database.engine import Session, compiled
from haversack.inventory.queries.owned import LIST_BALANCES, LIST_ENDS, LIST_OWNED
from haversack.orders.checkout import order_for_virtual_currency
from haversack.orders.preparing import Checkout, Wanted
from haversack.payments.holders import LIST_TOKENS
from haversack.personalization.attributes import LIST_ATTRIBUTES
from make.orders import fund, make_buyer, project_of, sell_for
from make.projects import Studio

COUNTS = (1, 3, 1, 6, 2, 1, 4)
NOW = datetime(2027, 3, 1, tzinfo=UTC)
PLANS = text("SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = :of_sql")
# What this connection has counted; it tells of it between transactions alone.
WHOLE_READS = text("SELECT relname, seq_scan FROM pg_stat_xact_user_tables")
# What nobody but the function of purchases finds rows of.
FOUND = ("balances", "item_stocks", "ledger_heads", "owned_items")


async def count_whole_reads(db: Session) -> dict[str, int]:
    """How often tables were read whole, by name. A difference counts within one transaction alone."""
    return {row["relname"]: row["seq_scan"] for row in await db.fetch_all(WHOLE_READS)}


def of_players(count: int) -> dict[str, Any]:
    return {"players": [uuid4() for _ in range(count)]}


def of_carts(count: int) -> dict[str, Any]:
    return {"owners": [uuid4() for _ in range(count)], "named": ["one"] * count, "known": [0] * count}


def of_chains(count: int) -> dict[str, Any]:
    ids, starts = list(range(count)), [NOW] * count
    asked = {"chains": ids, "own_points": ids, "clan_points": ids}
    since = {"chain_starts": starts, "own_starts": starts, "clan_starts": starts}
    return {**of_players(count), **asked, **since, "login": uuid4(), "most": 10}


# Statements, and what they are asked for besides their project.
READS: dict[str, tuple[Executable, Callable[[int], dict[str, Any]]]] = {
    "carts": (LIST_CARTS, of_carts),
    "carts and owners": (LIST_CARTS_AND_OWNERS, lambda count: {**of_carts(count), "login": uuid4()}),
    "uses": (LIST_USES, of_players),
    "standings": (LIST_STANDINGS, lambda count: {**of_players(count), "login": uuid4()}),
    "balances": (LIST_BALANCES, of_players),
    "inventories": (LIST_OWNED, lambda count: {**of_players(count), "now": NOW, "most": 51, "skipped": 0}),
    "time-limited items": (LIST_ENDS, of_players),
    "chains": (READ_PLAYERS, of_chains),
    "payment tokens": (LIST_TOKENS, lambda count: {"hashes": [uuid4().bytes for _ in range(count)]}),
    "attributes": (LIST_ATTRIBUTES, lambda count: {**of_players(count), "login": uuid4(), "projects": [0, 1]}),
}


@pytest.mark.parametrize("name", READS)
async def test_shared_reads_are_planned_once(context: Context, studio: Studio, name: str) -> None:
    """For any number that is asked for, and not as is best for tables that are small today."""
    statement, values = READS[name]
    of_project = {"project": studio.project_id} if "project" in compiled(statement).names else {}
    db = context.database.session()
    await db.execute(text("ANALYZE"))
    async with db.keep_connection(reads_by_keys=True), db.begin():
        before, read_before = await db.fetch_one(PLANS, of_sql=compiled(statement).sql), await count_whole_reads(db)
        for count in COUNTS:
            await db.fetch_all(statement, **of_project, **values(count))
        after, read_after = await db.fetch_one(PLANS, of_sql=compiled(statement).sql), await count_whole_reads(db)
    kept, made = before or (0, 0)
    assert after is not None
    assert tuple(after) == (kept + len(COUNTS), made)
    assert read_after == read_before


async def test_a_purchase_reads_no_table_whole(client: httpx.AsyncClient, studio: Studio) -> None:
    """The plans of its function are kept too, maybe from when PostgreSQL had just seen how small the tables were."""
    buyer = await make_buyer(studio)
    lamp, gold = await sell_for(client, studio, 5)
    await fund(buyer, gold, 100)
    project = await project_of(studio)
    db = studio.context.database.session()
    await db.execute(text(f"ANALYZE {', '.join(FOUND)}"))
    async with db.begin():
        before = await count_whole_reads(db)
        checkout = Checkout(project=project, player=buyer.identity, wanted=[Wanted(lamp, 1)])
        for _ in range(2):
            await order_for_virtual_currency(studio.context, db, checkout, gold)
        after = await count_whole_reads(db)
    assert {name: after.get(name) for name in FOUND} == {name: before.get(name) for name in FOUND}

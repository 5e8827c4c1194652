"""What is asked for all the time is planned once for each connection, however many ask, and finds rows by keys."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Executable, text

from haversack.carts.queries import LIST_CARTS, LIST_CARTS_AND_OWNERS
from haversack.catalog.read_model.queries import LIST_STANDINGS, LIST_USES
from haversack.database.engine import compiled
from haversack.inventory.queries.owned import LIST_BALANCES, LIST_ENDS, LIST_OWNED
from haversack.orders.checkout import order_for_virtual_currency
from haversack.orders.preparing import Checkout, Wanted
from haversack.payments.holders import LIST_TOKENS
from haversack.personalization.attributes import LIST_ATTRIBUTES
from make.databases import new_database
from make.orders import fund, make_buyer, project_of, sell_for
from make.projects import Studio
from processes.serving import Shop, open_shop

# PostgreSQL tries so many plans for the values that it is given before it keeps one.
TRIED = 5
COUNTS = (1, 3, 1, 6, 2, 1, 4)
NOW = datetime(2027, 3, 1, tzinfo=UTC)
FILL = text("""
INSERT INTO balances (project_id, player_id, sku, amount)
SELECT :project, gen_random_uuid(), 'gold', 5 FROM generate_series(1, 2000)
""")
PLANS = text("SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = :of_sql")
# Of this transaction.
WHOLE_READS = text("SELECT relname FROM pg_stat_xact_user_tables WHERE seq_scan > 0")
# What nobody but the function of purchases finds rows of.
FOUND = ("balances", "item_stocks", "ledger_heads", "owned_items")


def of_players(count: int) -> dict[str, Any]:
    return {"players": [uuid4() for _ in range(count)]}


def of_carts(count: int) -> dict[str, Any]:
    return {"owners": [uuid4() for _ in range(count)], "named": ["one"] * count, "known": [0] * count}


# Statements, and what they are asked for besides their project.
READS: dict[str, tuple[Executable, Callable[[int], dict[str, Any]]]] = {
    "carts": (LIST_CARTS, of_carts),
    "carts and owners": (LIST_CARTS_AND_OWNERS, lambda count: {**of_carts(count), "login": uuid4()}),
    "uses": (LIST_USES, of_players),
    "standings": (LIST_STANDINGS, lambda count: {**of_players(count), "login": uuid4()}),
    "balances": (LIST_BALANCES, of_players),
    "inventories": (LIST_OWNED, lambda count: {**of_players(count), "now": NOW, "most": 51, "skipped": 0}),
    "time-limited items": (LIST_ENDS, of_players),
    "payment tokens": (LIST_TOKENS, lambda count: {"hashes": [uuid4().bytes for _ in range(count)]}),
}


@pytest.fixture(scope="module")
async def shop(database_url: str, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """A shop with a database of its own, whose players have money: plans depend on what there is."""
    async with (
        new_database(database_url, template=migrated) as url,
        open_shop(url, tmp_path_factory.mktemp("shop")) as shop,
    ):
        db = shop.context.database.session()
        await db.execute(FILL, project=shop.studio.project_id)
        await db.execute(text("ANALYZE balances"))
        yield shop


async def counted_plans(shop: Shop, statement: Executable, values: Callable[[int], dict[str, Any]]) -> tuple[int, int]:
    """How often a statement was run with the plan that is kept, and with one for its values alone."""
    db = shop.context.database.session()
    async with db.keep_connection():
        for count in COUNTS:
            await db.fetch_all(statement, **values(count))
        kept = await db.fetch_one(PLANS, of_sql=compiled(statement).sql)
    assert kept is not None
    return kept["generic_plans"], kept["custom_plans"]


@pytest.mark.parametrize("name", READS)
async def test_shared_reads_are_planned_once(shop: Shop, name: str) -> None:
    statement, values = READS[name]
    project_id = shop.studio.project_id
    found = await counted_plans(shop, statement, lambda count: {"project": project_id, **values(count)})
    assert found == (len(COUNTS) - TRIED, TRIED)


async def test_attributes_are_planned_once(shop: Shop) -> None:
    projects = [0, shop.studio.project_id]
    found = await counted_plans(
        shop, LIST_ATTRIBUTES, lambda count: {**of_players(count), "login": uuid4(), "projects": projects}
    )
    assert found == (len(COUNTS) - TRIED, TRIED)


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

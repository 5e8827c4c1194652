"""A database from before there was a ledger: what stood in it opens the books, and they are clean."""

from uuid import uuid4

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from haversack.database.engine import Database
from haversack.database.migrate import alembic_config, engine_url, migrate
from haversack.inventory.verifying import find_differences

BEFORE = "backpack_holders"
LOGIN, PLAYER = uuid4(), uuid4()


def _upgrade(connection: Connection) -> None:
    config: Config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, BEFORE)


async def _fill(url: str) -> None:
    """Rows as the version before has written them."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        for table, columns in {
            "projects": {"project_id": 1, "merchant_id": 1, "login_project_id": LOGIN},
            "items": {
                "project_id": 1,
                "item_id": 7,
                "sku": "lamp",
                "kind": "virtual_good",
                "name": "{}",
                "is_free": False,
                "is_enabled": True,
                "is_show_in_store": True,
                "sort_order": 1,
            },
            "balances": {"project_id": 1, "player_id": PLAYER, "sku": "gems", "amount": 5},
            "balance_changes": {"project_id": 1, "player_id": PLAYER, "sku": "gems", "amount": 8, "source": "a"},
            "virtual_currencies": {"project_id": 1, "sku": "gems", "name": "Gems"},
            "item_stocks": {"project_id": 1, "item_id": 7, "total": 9, "available": 3, "reserved": 0, "sold": 6},
            "user_item_uses": {"project_id": 1, "player_id": PLAYER, "item_id": 7, "used": 2},
            "key_codes": {"project_id": 1, "item_id": 7, "state": "used", "player_id": PLAYER},
            "entitlements": {"project_id": 1, "player_id": PLAYER, "item_id": 7, "source": "granted"},
        }.items():
            await _insert(connection, table, columns)
        await _insert(
            connection,
            "balance_changes",
            {"project_id": 1, "player_id": PLAYER, "sku": "gems", "amount": -3, "source": "b"},
        )
    finally:
        await connection.close()


async def _insert(connection: "asyncpg.Connection[asyncpg.Record]", table: str, given: dict[str, object]) -> None:
    """A row with the given values; what else must be filled is so with nothing or now."""
    columns = await connection.fetch(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = $1 "
        "AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'",
        table,
    )
    nothing = {"timestamp with time zone": "now()", "bytea": "''::bytea", "text": "''", "jsonb": "'{}'"}
    missing = {row["column_name"]: nothing[row["data_type"]] for row in columns if row["column_name"] not in given}
    places = [f"${place}" for place in range(1, len(given) + 1)]
    await connection.execute(
        f"INSERT INTO {table} ({', '.join([*given, *missing])}) VALUES ({', '.join([*places, *missing.values()])})",
        *given.values(),
    )


async def test_books_open_with_what_there_is(empty_database: str) -> None:
    engine = create_async_engine(engine_url(empty_database))
    async with engine.connect() as connection:
        await connection.run_sync(_upgrade)
        await connection.commit()
    await engine.dispose()
    await _fill(empty_database)
    await migrate(empty_database)
    async with Database(empty_database) as database, database.connection() as connection:
        rows = await connection.fetch("SELECT kind, subject, change, source FROM ledger ORDER BY player_id, seq")
        assert [tuple(row) for row in rows] == [
            ("stock", "7", 6, "opening"),
            ("balance", "gems", 8, "a"),
            ("balance", "gems", -3, "b"),
            ("uses", "7", 2, "opening"),
            ("key", "7", -1, "opening"),
            ("entitlement", "7", 1, "opening"),
        ]
        assert [str(each) async for each in find_differences(database, 1)] == []
        kept = await connection.fetch("SELECT sku, kind FROM items WHERE project_id = 1 ORDER BY sku")
        assert [tuple(row) for row in kept] == [("gems", "virtual_currency"), ("lamp", "virtual_good")]

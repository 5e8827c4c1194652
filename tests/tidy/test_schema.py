"""Migrations from empty give exactly the tables that the code knows, and the ledger cannot be rewritten."""

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from haversack.context import Context
from haversack.database.migrate import alembic_config, check_schema, engine_url, migrate, newest_revision
from haversack.database.schema import whole_metadata
from make.projects import Studio


def _differences(connection: Connection) -> list[object]:
    options = {"compare_type": True, "compare_server_default": False}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), whole_metadata()))


async def test_migrations_give_the_metadata(database_url: str) -> None:
    engine = create_async_engine(engine_url(database_url))
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(_differences) == []
    finally:
        await engine.dispose()


async def test_migrating_twice_changes_nothing(database_url: str) -> None:
    before, after = await migrate(database_url)
    assert before == after
    await check_schema(database_url)


@pytest.mark.parametrize("statement", ["UPDATE ledger SET change = 0", "DELETE FROM ledger"])
async def test_ledger_rows_stay(context: Context, studio: Studio, statement: str) -> None:
    async with context.database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(
                "INSERT INTO ledger (project_id, player_id, kind, subject, change, source, changed_at)"
                " VALUES ($1, gen_random_uuid(), 'balance', 'gems', 1, 'test', now())",
                studio.project_id,
            )
            with pytest.raises(asyncpg.PostgresError, match="append-only"):
                await connection.execute(statement)
        finally:
            await transaction.rollback()


def test_newest_revision_is_the_head_of_the_migrations() -> None:
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert newest_revision() == head

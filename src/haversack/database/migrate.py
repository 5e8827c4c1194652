"""Brings a database to the schema that this version of the server needs."""

import asyncio
import re
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

MIGRATIONS = Path(__file__).parent / "migrations"
# One migration at a time, however many processes start together.
MIGRATION_LOCK = 0x48_41_56_45_52


class SchemaMismatch(Exception):
    """The database is not at the schema that this version needs; the sentence says what to do."""


def engine_url(url: str) -> str:
    """The address in the form that SQLAlchemy wants."""
    return re.sub(r"^postgres(ql)?(\+asyncpg)?://", "postgresql+asyncpg://", url)


def alembic_config() -> Config:
    """Where the migrations lie."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


async def migrate(url: str) -> tuple[str | None, str]:
    """Run the migrations that are missing, and return the revisions before and after."""
    engine = create_async_engine(engine_url(url))
    try:
        async with engine.connect() as connection:
            before, after = await connection.run_sync(_upgrade)
            await connection.commit()
    finally:
        await engine.dispose()
    return before, after


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
    config = alembic_config()
    config.attributes["connection"] = connection
    before = MigrationContext.configure(connection).get_current_revision()
    command.upgrade(config, "head")
    return before, newest_revision()


def newest_revision() -> str:
    """The revision that this version of the code is written for."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or "none"


async def check_schema(url: str) -> None:
    """Raise SchemaMismatch unless the database is at the newest revision."""
    connection = await asyncpg.connect(re.sub(r"^postgresql\+asyncpg://", "postgresql://", url), timeout=10)
    try:
        exists = await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
        current = await connection.fetchval("SELECT version_num FROM alembic_version") if exists else None
    finally:
        await connection.close()
    newest = await asyncio.to_thread(newest_revision)
    if current != newest:
        raise SchemaMismatch(
            f"The database is at revision {current or 'none'}, this version needs {newest}: run `haversack migrate`."
        )

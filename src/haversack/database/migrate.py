"""Brings a database to the schema that this version of the server needs."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from haversack.database.engine import UNAVAILABLE, DatabaseAway

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

MIGRATIONS = Path(__file__).parent / "migrations"
# One migration at a time, however many processes start together.
MIGRATION_LOCK = 0x48_41_56_45_52

REVISION = re.compile(r"^revision = [\"'](\w+)[\"']", re.MULTILINE)
FOLLOWS = re.compile(r"^down_revision = [\"'](\w+)[\"']", re.MULTILINE)


class SchemaMismatch(Exception):
    """The database is not at the schema that this version needs; the sentence says what to do."""


def engine_url(url: str) -> str:
    """The address in the form that SQLAlchemy wants."""
    return re.sub(r"^postgres(ql)?(\+asyncpg)?://", "postgresql+asyncpg://", url)


def alembic_config() -> "Config":
    """Where the migrations lie."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


async def migrate(url: str) -> tuple[str | None, str]:
    """Run the migrations that are missing, and return the revisions before and after.

    Alembic is imported only where there is something to run: most starts find the schema as it should be.
    """
    newest = newest_revision()
    current = await _current_revision(url)
    if current == newest:
        return newest, newest
    _refuse_unknown(current)
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(engine_url(url))
    try:
        async with engine.connect() as connection:
            before, after = await connection.run_sync(_upgrade)
            await connection.commit()
    except DBAPIError as error:
        # What PostgreSQL has said, without the statement and what SQLAlchemy says of it.
        refused = error.orig.__cause__ if error.orig is not None else None
        if isinstance(refused, UNAVAILABLE):
            raise DatabaseAway(str(refused)) from refused
        if isinstance(refused, asyncpg.PostgresError):
            raise refused from error
        raise
    finally:
        await engine.dispose()
    return before, after


def _upgrade(connection: "Connection") -> tuple[str | None, str]:
    from alembic import command
    from alembic.runtime.migration import MigrationContext

    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
    config = alembic_config()
    config.attributes["connection"] = connection
    before = MigrationContext.configure(connection).get_current_revision()
    command.upgrade(config, "head")
    return before, newest_revision()


def newest_revision() -> str:
    """The revision that this version of the code is written for: the one that no other comes after."""
    texts = _migrations()
    followed = {found[1] for text in texts if (found := FOLLOWS.search(text))}
    newest = _revisions(texts) - followed
    assert len(newest) <= 1, f"migrations end in several places: {sorted(newest)}"
    return newest.pop() if newest else "none"


def _migrations() -> list[str]:
    return [path.read_text() for path in (MIGRATIONS / "versions").glob("*.py")]


def _revisions(texts: list[str]) -> set[str]:
    return {found[1] for text in texts if (found := REVISION.search(text))}


def _refuse_unknown(current: str | None) -> None:
    if current is not None and current not in _revisions(_migrations()):
        raise SchemaMismatch(
            f"The database is at revision {current}, which this version does not know: a newer one has migrated it."
            " Run that version here too, or restore the backup that was made before."
        )


async def _current_revision(url: str) -> str | None:
    address = re.sub(r"^postgresql\+asyncpg://", "postgresql://", url)
    try:
        connection = await asyncpg.connect(address, timeout=10)
    except (*UNAVAILABLE, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise DatabaseAway(str(error)) from error
    try:
        exists = await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
        current: str | None = await connection.fetchval("SELECT version_num FROM alembic_version") if exists else None
    finally:
        await connection.close()
    return current


async def check_schema(url: str) -> None:
    """Raise SchemaMismatch unless the database is at the newest revision."""
    current = await _current_revision(url)
    newest = newest_revision()
    if current != newest:
        _refuse_unknown(current)
        raise SchemaMismatch(
            f"The database is at revision {current or 'none'}, this version needs {newest}: run `haversack migrate`."
        )

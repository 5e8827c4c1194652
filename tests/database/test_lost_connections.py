"""A connection that is lost in the midst of a transaction: the database is away, and nothing else is wrong."""

import asyncpg
import pytest
from sqlalchemy import text

from haversack.context import Context
from haversack.database.engine import DatabaseAway, Session

WHO = text("SELECT pg_backend_pid()")
FAREWELL = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"


async def lose(db: Session) -> None:
    """End the session's connection on the database's side, and meet that."""
    pid = await db.fetch_value(WHO)
    assert db.database is not None
    async with db.database.connection() as other:
        await other.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    await db.fetch_value(WHO)


async def test_lost_in_a_transaction(context: Context) -> None:
    db = context.database.session()
    with pytest.raises(DatabaseAway):
        async with db.begin():
            await lose(db)
    assert await db.fetch_value(WHO)


async def test_lost_in_a_savepoint(context: Context) -> None:
    db = context.database.session()
    with pytest.raises(DatabaseAway):
        async with db.begin(), db.begin():
            await lose(db)
    assert await db.fetch_value(WHO)


async def test_a_fault_of_ours_is_none_of_the_database(context: Context) -> None:
    with pytest.raises(asyncpg.InterfaceError):
        async with context.database.session().begin():
            raise asyncpg.InterfaceError("a fault of ours")


async def test_told_of_its_end_before_the_end(context: Context) -> None:
    message = b"E" + (len(FAREWELL) + 4).to_bytes(4, "big") + FAREWELL
    with pytest.raises(DatabaseAway):
        async with context.database.connection() as connection:
            ended = connection.get_server_pid()
            # What PostgreSQL sends when it shuts down; that the connection is closed is seen a moment later.
            connection._con._protocol.data_received(message)
            await connection.fetchval("SELECT 1")
    async with context.database.connection() as connection:
        assert connection.get_server_pid() != ended


async def test_a_database_that_takes_no_changes(context: Context) -> None:
    db = context.database.session()
    with pytest.raises(DatabaseAway, match="read-only"):
        async with db.begin():
            # As a standby is, to which the primary's address leads after a failover.
            await db.execute(text("SET TRANSACTION READ ONLY"))
            await db.execute(text("CREATE TABLE never ()"))

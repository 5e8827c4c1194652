"""Connections and transactions: statements are written with SQLAlchemy Core and run on asyncpg.

A statement is compiled once, when it is first run, and kept with its object: write statements as module constants
with `bindparam`, and the cost of a call is that of asyncpg. SQLAlchemy's own engine is not used at run time: on small
reads and purchases it takes three times the client CPU (docs/architecture.md has the figures).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import asyncpg
import orjson
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Result = TypeVar("Result")

UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # Its password or its pg_hba.conf has been changed, or the database renamed: for the operator to mend, not a bug.
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    # Its disk is full, or it has become a standby: nothing is written, and the same call succeeds once that is mended.
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)

# PostgreSQL looks how long an array is and plans a statement anew for each, which takes longer than to find a few rows
# by their keys. One plan is kept instead, and none that reads a table whole because it was small when it was planned.
READING_BY_KEYS = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_bitmapscan": "off"}
READING_CONNECTIONS_MAX = 4

_dialect = asyncpg_dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_dialect._json_serializer = None  # JSON goes through the codec below, as bytes


class DatabaseAway(Exception):
    """PostgreSQL cannot be reached, or has no connection free in time. The caller may try again."""


def fault_in_words(error: Exception) -> str:
    """What is wrong with the database, and what an operator does about it."""
    found = error.__cause__ if isinstance(error, DatabaseAway) and error.__cause__ is not None else error
    said = str(found) or type(found).__name__
    match found:
        case asyncpg.InsufficientPrivilegeError():
            return (
                f"The database refuses its user: {said}. It must own the tables, and may create them in their schema."
            )
        case asyncpg.LockNotAvailableError():
            return f"Others hold what has to be changed: {said}. Nothing was changed; try again when less is going on."
        case asyncpg.InsufficientResourcesError():
            return f"The database has no room left: {said}."
        case asyncpg.ReadOnlySQLTransactionError():
            return (
                f"The database takes no changes: {said}. HAVERSACK_DATABASE_URL must name the primary, not a standby."
            )
        case _:
            return f"The database cannot be reached: {said}"


class Statement:
    """A compiled statement: its SQL, the order of its parameters and their built-in values."""

    __slots__ = ("defaults", "names", "sql")

    def __init__(self, element: Executable) -> None:
        assert isinstance(element, ClauseElement)
        compiled = element.compile(dialect=_dialect)
        assert isinstance(compiled, SQLCompiler)
        self.sql = str(compiled)
        self.names: list[str] = list(compiled.positiontup or ())
        self.defaults: Mapping[str, Any] = compiled.params

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the SQL; a value that the statement does not know is a bug."""
        unknown = values.keys() - self.defaults.keys()
        assert not unknown, f"the statement has no parameter {sorted(unknown)}"
        return [values[name] if name in values else self.defaults[name] for name in self.names]


_compiled: WeakKeyDictionary[Executable, Statement] = WeakKeyDictionary()


def compiled(element: Executable) -> Statement:
    """The compiled form of a statement, made once for each statement object."""
    statement = _compiled.get(element)
    if statement is None:
        statement = _compiled[element] = Statement(element)
    return statement


class Database:
    """The pools of one process. They open connections when they are needed and survive a database that goes away."""

    def __init__(
        self,
        url: str,
        *,
        connections: int = 10,
        acquire_seconds: float = 5.0,
        connection_class: "type[asyncpg.Connection[asyncpg.Record]]" = asyncpg.Connection,
    ) -> None:
        """connections: at most so many, and as many again up to READING_CONNECTIONS_MAX for reads by keys.
        connection_class: what the pools open; the simulation gives one that breaks where it is told to."""
        self.url = re.sub(r"^postgresql\+asyncpg://", "postgresql://", url)
        self._connections = connections
        self._acquire_seconds = acquire_seconds
        self._connection_class = connection_class
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._reading: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> Self:
        """Make the pools. No connection is opened yet, so a process can start before its database."""
        self._pool = await self._make_pool(self._connections)
        self._reading = await self._make_pool(min(self._connections, READING_CONNECTIONS_MAX), READING_BY_KEYS)
        return self

    async def _make_pool(
        self, connections: int, settings: Mapping[str, str] | None = None
    ) -> "asyncpg.Pool[asyncpg.Record]":
        return await asyncpg.create_pool(
            self.url,
            min_size=0,
            max_size=connections,
            init=_prepare_connection,
            reset=_check_returned_connection,
            command_timeout=30,
            timeout=self._acquire_seconds,
            connection_class=self._connection_class,
            server_settings={"application_name": "haversack", "jit": "off", **(settings or {})},
        )

    async def close(self) -> None:
        """Close every connection, waiting shortly for those in use."""
        pools = [pool for pool in (self._pool, self._reading) if pool is not None]
        self._pool = self._reading = None
        try:
            async with asyncio.timeout(5):
                await asyncio.gather(*(pool.close() for pool in pools))
        except TimeoutError:
            for pool in pools:
                pool.terminate()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def session(self) -> "Session":
        """A unit of work: takes a connection for each statement, or one for the length of a transaction."""
        return Session(self)

    @asynccontextmanager
    async def connection(self, *, reads_by_keys: bool = False) -> "AsyncIterator[Connection]":
        """A bare asyncpg connection of the pool, or DatabaseAway. reads_by_keys: of those that keep one plan for each
        statement, for statements that find every row by its key."""
        pool = self._reading if reads_by_keys else self._pool
        assert pool is not None, "the database was not opened"
        try:
            connection = await pool.acquire(timeout=self._acquire_seconds)
        except (*UNAVAILABLE, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DatabaseAway(str(error)) from error
        try:
            yield connection
        except UNAVAILABLE as error:
            raise DatabaseAway(str(error)) from error
        except asyncpg.InterfaceError as error:
            if _is_lost(connection):
                raise DatabaseAway(str(error)) from error
            raise
        except asyncpg.InternalClientError as error:
            # PostgreSQL has said that it ends this idle connection, which is not closed yet. asyncpg begins no
            # statement on it, and would lend it again.
            connection.terminate()
            raise DatabaseAway(str(error)) from error
        finally:
            await pool.release(connection)


class Session:
    """Runs statements. Outside a transaction each statement takes a connection only for its own time, so that
    nothing is held while a request waits for something else."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pinned: Connection | None = None
        self._after_commit: list[Callable[[], None]] = []

    @property
    def database(self) -> Database:
        """Whose connections it takes."""
        return self._database

    @property
    def in_transaction(self) -> bool:
        """Whether statements run in an open transaction."""
        return self._pinned is not None and self._pinned.is_in_transaction()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[None]:
        """A transaction; inside another one, a savepoint."""
        if self._pinned is not None:
            is_savepoint, before = self._pinned.is_in_transaction(), len(self._after_commit)
            try:
                async with self._pinned.transaction():
                    yield
            except BaseException:
                del self._after_commit[before:]
                raise
            if not is_savepoint:
                self._committed()
            return
        async with self._database.connection() as connection:
            self._pinned = connection
            try:
                async with connection.transaction():
                    yield
            except BaseException:
                self._after_commit.clear()
                raise
            finally:
                self._pinned = None
        self._committed()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Do something once the open transaction has committed, and never if it does not. What is done there neither
        waits nor fails, and may be lost with the process."""
        assert self.in_transaction, "without a transaction there is no commit to come"
        self._after_commit.append(action)

    def _committed(self) -> None:
        if self._after_commit:
            actions, self._after_commit = self._after_commit, []
            for action in actions:
                action()

    @asynccontextmanager
    async def keep_connection(self, *, reads_by_keys: bool = False) -> AsyncIterator[None]:
        """One connection for the statements inside, each of them a transaction of its own: for reads that come one
        right after the other, where taking a connection costs as much as the read. reads_by_keys: see
        `Database.connection`."""
        assert self._pinned is None, "the session has a connection"
        async with self._database.connection(reads_by_keys=reads_by_keys) as connection:
            self._pinned = connection
            try:
                yield
            finally:
                self._pinned = None

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """The open transaction, or one of its own. It spares the two round trips of a savepoint where whoever opened
        the transaction lets it fail as a whole."""
        if self._pinned is not None:
            yield
            return
        async with self.begin():
            yield

    async def fetch_all(self, statement: Executable, **values: Any) -> list[asyncpg.Record]:
        """All rows."""
        query = compiled(statement)
        async with self._use() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(query.sql, *query.arguments(values))
        return rows

    async def fetch_one(self, statement: Executable, **values: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        query = compiled(statement)
        async with self._use() as connection:
            return await connection.fetchrow(query.sql, *query.arguments(values))

    async def fetch_value(self, statement: Executable, **values: Any) -> Any:
        """The first column of the first row, or None."""
        row = await self.fetch_one(statement, **values)
        return None if row is None else row[0]

    async def execute(self, statement: Executable, **values: Any) -> int:
        """Run a statement that changes rows and return how many it changed."""
        query = compiled(statement)
        async with self._use() as connection:
            status = await connection.execute(query.sql, *query.arguments(values))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def execute_many(self, statement: Executable, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run one statement for each row of values, all or nothing."""
        query = compiled(statement)
        async with self._use() as connection:
            await connection.executemany(query.sql, [query.arguments(row) for row in rows])

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Bring many rows into a table by COPY."""
        async with self._use() as connection:
            await connection.copy_records_to_table(table, columns=list(columns), records=rows)

    def _use(self) -> "AbstractAsyncContextManager[Connection]":
        return _Pinned(self._pinned) if self._pinned is not None else self._database.connection()


async def meanwhile(statement: Awaitable[Result], work: Callable[[], None]) -> Result:
    """What a statement gives. The work, which must not wait, is done while the database has the statement in hand;
    where the statement is done sooner, it is left out."""
    # The loop sends what was written at the end of this turn, and begins the next one with the work.
    working = asyncio.get_running_loop().call_soon(work)
    try:
        return await statement
    finally:
        working.cancel()


class _Pinned:
    """Lends the connection of the open transaction without taking it back."""

    __slots__ = ("_connection",)

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    async def __aenter__(self) -> "Connection":
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        return None


def _is_lost(connection: Connection) -> bool:
    try:
        is_closed: bool = connection.is_closed()
    except asyncpg.InterfaceError:
        # It was lost in a transaction: asyncpg has taken it from us already, and lets nothing be asked of it.
        return True
    return is_closed


async def _prepare_connection(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """JSON columns hold Python values; orjson makes and reads their bytes."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name,
            encoder=lambda value: orjson.dumps(value).decode(),
            decoder=orjson.loads,
            schema="pg_catalog",
        )


async def _check_returned_connection(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Our statements leave no session state behind, so asyncpg's reset round trip is skipped."""
    if connection.is_in_transaction():
        raise asyncpg.InterfaceError("a connection came back inside a transaction")

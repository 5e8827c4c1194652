"""Keeps what a project is, and makes it so again: each row of its tables in PostgreSQL's own text form.

Kept is every table that carries `project_id`, beside those of `LEFT_ALONE`, and the project's own row. Numbers that are
given once (ids of orders, deliveries and items) are not given again: they go on counting after going back.
"""

import asyncio
import time
from functools import cache

import asyncpg
from sqlalchemy import Table, TextClause, text

from haversack.clocks import queries
from haversack.database.engine import Session
from haversack.database.schema import whole_metadata
from haversack.errors import CLOCK_IS_BUSY, CLOCK_TOO_MUCH_TO_KEEP

LEFT_ALONE = {
    # Who has done what, and going back is something that was done.
    "audit_entries",
    # What opens the project: a key that was taken away must not open it again.
    "api_keys",
    "host_ids",
    # Counts the changes of the catalog: what memories hold must never fit an older count.
    "catalogs",
    "clock_snapshots",
    "clock_snapshot_rows",
}
PROJECTS = "projects"
# Measured with 90,000 rows on a busy machine of two cores: 4 s to freeze, 8 s to go back (with 200,000: 12 s and 28 s).
# Meanwhile everybody who writes waits.
ROWS_MAX = 100_000
# What a project has become since its freeze may be any number of rows, and a statement may take 30 seconds.
DELETED_AT_ONCE_MAX = 20_000
# Below PostgreSQL's deadlock_timeout: where somebody waits for us and we for them, we are the ones who step back.
LOCK_SECONDS = 0.3
STEP_BACK_SECONDS = 0.02
TRY_SECONDS_MAX = 15.0

READ_AT_ONE_MOMENT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
WAIT_SHORTLY = text(f"SET LOCAL lock_timeout = '{int(LOCK_SECONDS * 1000)}ms'")
WAIT_LONG = text("SET LOCAL lock_timeout = 0")


@cache
def kept_tables() -> tuple[Table, ...]:
    """The tables whose rows are kept, each after those that its foreign keys lead to; without the projects' own."""
    tables = whole_metadata().sorted_tables
    return tuple(table for table in tables if "project_id" in table.c and table.name not in (*LEFT_ALONE, PROJECTS))


def _named(table: Table) -> str:
    return f'"{table.name}"'


def _columns(table: Table) -> list[str]:
    return [f'"{column.name}"' for column in table.c if column.computed is None]


@cache
def _keep(name: str) -> TextClause:
    return text(
        "INSERT INTO clock_snapshot_rows (project_id, table_name, row_no, row_text)"  # noqa: S608 (our own names)
        f" SELECT project_id, '{name}', row_number() OVER (), CAST(kept AS text)"
        f' FROM (SELECT * FROM "{name}" WHERE project_id = :project LIMIT CAST(:most AS integer)) AS kept'
    )


# A row's text is read once: `(value).*` alone would read it again for each column.
_KEPT_ROWS = """
    SELECT CAST(row_text AS "{name}") AS kept FROM clock_snapshot_rows
    WHERE project_id = :project AND table_name = '{name}' ORDER BY row_no OFFSET 0
"""


@cache
def _delete(table: Table) -> TextClause:
    return text(
        f"DELETE FROM {_named(table)} WHERE ctid = ANY (ARRAY("  # noqa: S608
        f"SELECT ctid FROM {_named(table)} WHERE project_id = :project LIMIT {DELETED_AT_ONCE_MAX}))"
    )


@cache
def _insert(table: Table) -> TextClause:
    columns = _columns(table)
    chosen = ", ".join(f"(rows.kept).{column}" for column in columns)
    return text(
        f"INSERT INTO {_named(table)} ({', '.join(columns)}) OVERRIDING SYSTEM VALUE"  # noqa: S608
        f" SELECT {chosen} FROM ({_KEPT_ROWS.format(name=table.name)}) AS rows"
    )


@cache
def _update_project() -> TextClause:
    columns = [column for column in _columns(whole_metadata().tables[PROJECTS]) if column != '"project_id"']
    values = ", ".join(f"{column} = (rows.kept).{column}" for column in columns)
    return text(
        f"UPDATE projects SET {values} FROM ({_KEPT_ROWS.format(name=PROJECTS)}) AS rows"  # noqa: S608
        " WHERE projects.project_id = :project"
    )


@cache
def _lock() -> TextClause:
    return text(f"LOCK TABLE {', '.join(_named(table) for table in kept_tables())} IN EXCLUSIVE MODE")


async def keep(db: Session, project_id: int) -> None:
    """Copy the project's rows into its snapshot, which was begun in the same transaction: one that reads everything as
    it was at one moment (`READ_AT_ONE_MOMENT`). CLOCK_TOO_MUCH_TO_KEEP where there are too many."""
    count = 0
    for name in (*(table.name for table in kept_tables()), PROJECTS):
        count += await db.execute(_keep(name), project=project_id, most=ROWS_MAX + 1)
        if count > ROWS_MAX:
            raise CLOCK_TOO_MUCH_TO_KEEP(limit=ROWS_MAX)
    await queries.count_rows(db, project_id, count)


async def restore(db: Session, project_id: int) -> None:
    """Make the project what it was, in the caller's transaction. Whoever writes to one of its tables is waited for, and
    waits until the transaction ends: a row that came in between would belong to no moment."""
    assert db.in_transaction, "half a project is none"
    await _lock_tables(db, project_id)
    await queries.begin_restoring(db, project_id)
    for table in reversed(kept_tables()):
        while await db.execute(_delete(table), project=project_id) == DELETED_AT_ONCE_MAX:
            pass
    await db.execute(_update_project(), project=project_id)
    for table in kept_tables():
        await db.execute(_insert(table), project=project_id)
    await queries.end_restoring(db, project_id)


async def _lock_tables(db: Session, project_id: int) -> None:
    """Lock every table. Transactions lock them in orders of their own, so who cannot have all lets go of all."""
    deadline = time.monotonic() + TRY_SECONDS_MAX
    while True:
        try:
            async with db.begin():
                await db.execute(WAIT_SHORTLY)
                await db.execute(_lock())
                await db.execute(WAIT_LONG)
            return
        except asyncpg.LockNotAvailableError:
            if time.monotonic() > deadline:
                raise CLOCK_IS_BUSY(project_id=project_id) from None
        await asyncio.sleep(STEP_BACK_SECONDS)

"""Runs imports: reads a file, writes its catalog, and keeps the record that a studio can ask for meanwhile."""

import asyncio
import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg

from haversack.catalog.transfer import queries
from haversack.catalog.transfer.actions import Progress, write_catalog
from haversack.catalog.transfer.reading import CatalogUnreadable, read_catalog
from haversack.catalog.transfer.records import ImportMode, ImportStatus, RowFault
from haversack.context import Context
from haversack.database.engine import UNAVAILABLE, DatabaseAway
from haversack.errors import STORE
from haversack.projects.records import Project
from haversack.turns import Turns

log = logging.getLogger("haversack.catalog")

# An import says at least this often that somebody works on it; less than half of ABANDONED_AFTER.
BEAT_SECONDS = 20.0
STOP_SECONDS = 3.0

AWAY = "The database was away. Send the file again: what is done is kept."


class ImportFailed(Exception):
    """An import that could not go on; the sentence is what its record says."""


def start_import(context: Context, project: Project, import_id: UUID, raw: bytes, mode: ImportMode) -> None:
    """Work on an import behind the call that wanted it, whose record is committed."""

    async def work() -> None:
        # Whoever asks for the import finds what has become of it in its record.
        with suppress(ImportFailed):
            await run_import(context, project, import_id, raw, mode)

    context.imports.start(work(), name=f"import {import_id}")


async def import_file(
    context: Context,
    project: Project,
    raw: bytes,
    *,
    name: str,
    mode: ImportMode,
    progress: Progress | None = None,
) -> list[RowFault]:
    """Import a file at once, and say which of its rows were refused; ImportFailed where it cannot be read."""
    import_id = uuid4()
    db = context.database.session()
    await queries.add_import(db, project.project_id, import_id, file_url=name, mode=mode)
    return await run_import(context, project, import_id, raw, mode, progress=progress)


async def run_import(
    context: Context,
    project: Project,
    import_id: UUID,
    raw: bytes,
    mode: ImportMode,
    *,
    progress: Progress | None = None,
) -> list[RowFault]:
    """Work on an import to its end, whatever that is, and record it; the rows that were refused, or ImportFailed."""
    run = _Run(context, project.project_id, import_id, progress)
    try:
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(run.beat())
            faults = await run.work(raw, mode, project)
            beating.cancel()
        return faults
    except* CatalogUnreadable as errors:
        sentence, code = str(errors.exceptions[0]), int(STORE.invalid.code)
    except* (DatabaseAway, *UNAVAILABLE) as errors:
        log.warning("an import rests: %s", errors.exceptions[0])
        sentence, code = AWAY, int(STORE.unavailable.code)
    except* Exception as errors:
        log.error("import %s failed", import_id, exc_info=errors)
        sentence, code = f"Something went wrong. The log has it under {import_id}.", int(STORE.internal.code)
    await run.fail(sentence, code)
    raise ImportFailed(sentence)


@contextmanager
def _collector_resting() -> Iterator[None]:
    """Let no collection of cycles walk over the many objects of an import, which hold none, while requests wait."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Run:
    """One import at work."""

    def __init__(self, context: Context, project_id: int, import_id: UUID, progress: Progress | None) -> None:
        self._context = context
        self._project_id = project_id
        self._import_id = import_id
        self._progress = progress
        self._percent = 0

    async def work(self, raw: bytes, mode: ImportMode, project: Project) -> list[RowFault]:
        """Read and write, and record that it is done."""
        try:
            await self._save(0)
            with _collector_resting():
                total, faults = await self._read_and_write(raw, mode, project.clock.now())
            await queries.end_import(
                self._context.database.session(),
                self._project_id,
                self._import_id,
                status=ImportStatus.ERROR if faults else ImportStatus.DONE,
                percent=100,
                total=total,
                faults=faults,
            )
            return faults
        except asyncio.CancelledError:
            await self.fail(queries.BROKEN_OFF, None)
            raise

    async def _read_and_write(self, raw: bytes, mode: ImportMode, now: datetime) -> tuple[int, list[RowFault]]:
        """How many rows there were, and those that were refused. The rows are gone when it returns: the collector would
        walk over them when it works again."""
        catalog = await read_catalog(raw, now=now)
        faults = await write_catalog(self._context, self._project_id, catalog, mode=mode, now=now, progress=self._tell)
        total, rows = catalog.total, list(catalog.items)
        del catalog
        # Giving so much memory back takes its time as well.
        turns = Turns()
        while rows:
            rows.pop()
            await turns.offer()
        return total, faults

    async def beat(self) -> None:
        """Say again and again that somebody works on it."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with suppress(DatabaseAway):  # the work itself finds out as well
                await self._save(self._percent)

    async def fail(self, sentence: str, code: int | None) -> None:
        """Record what has kept it from going on. Without the database its record says the same by not moving."""
        with suppress(DatabaseAway, TimeoutError, asyncpg.InterfaceError, AssertionError):
            async with asyncio.timeout(STOP_SECONDS):
                await queries.end_import(
                    self._context.database.session(),
                    self._project_id,
                    self._import_id,
                    status=ImportStatus.ERROR,
                    percent=self._percent,
                    error=sentence,
                    error_code=code,
                )

    async def _tell(self, done: int, total: int) -> None:
        await self._save(min(99, done * 100 // max(total, 1)))
        if self._progress is not None:
            await self._progress(done, total)

    async def _save(self, percent: int) -> None:
        self._percent = percent
        await queries.save_progress(self._context.database.session(), self._project_id, self._import_id, percent)

"""Takes uploaded codes in after the answer: slice by slice, each in a transaction of its own, owned by the process.

A session is leased by the process that reads its file, whose death ends the lease; whoever asks for the session then
says so. What was taken in stays, and the same file can be uploaded again: known codes are skipped.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import BinaryIO

from haversack.catalog.keys import rules
from haversack.catalog.keys.code_files import CodeFile, Slice
from haversack.catalog.keys.queries import uploads as queries
from haversack.catalog.keys.queries.codes import SLICE, add_codes
from haversack.catalog.keys.records import Upload, UploadStatus
from haversack.catalog.read_model.live import STOCK_CHANGED
from haversack.catalog.taxonomy.queries import lock_regions
from haversack.database.engine import Database, DatabaseAway
from haversack.database.notifications import Notifications, notify
from haversack.errors import Refusal
from haversack.sealing import Sealer

log = logging.getLogger("haversack.catalog")

LEASE = timedelta(seconds=15)
RENEWALS_A_LEASE = 3
# Files taken in at once by one process. Others wait their turn, so that connections are left for requests.
WORKED_AT_ONCE_MAX = 2

BROKEN_OFF = (
    "The server that took the codes in ended on the way. What is counted was stored; upload the file again for the "
    "rest: known codes are skipped."
)
FAULT_OF_OURS = (
    "A fault of the server ended the upload; its log has the reason. What is counted was stored; upload the file again "
    "for the rest: known codes are skipped."
)
REGION_GONE = "The region was deleted on the way. What is counted was stored."


class UploadLost(Exception):
    """The session was taken to be broken off, so nothing more may be counted in it."""


class KeyUploads:
    """The uploads of one process."""

    def __init__(
        self, database: Database, sealer: Sealer, notifications: Notifications, *, lease: timedelta = LEASE
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._notifications = notifications
        self._turns = asyncio.Semaphore(WORKED_AT_ONCE_MAX)
        self._running: dict[asyncio.Task[None], Upload] = {}
        self.lease = lease

    def start(self, upload: Upload, file: BinaryIO, *, now: datetime) -> None:
        """Take the codes of a file in, in the background. The session is stored already; the caller may close the
        file. now: when the codes count as uploaded."""
        # A descriptor of its own, because the request's file is closed with the request.
        own = os.fdopen(os.dup(file.fileno()), "rb")
        task = asyncio.create_task(self._run(upload, own, now), name=f"upload {upload.session_id.hex}")
        self._running[task] = upload
        task.add_done_callback(self._running.pop)

    async def wait_until_idle(self) -> None:
        """Wait until everything that was started has ended."""
        while self._running:
            await asyncio.wait(list(self._running))

    async def close(self) -> None:
        """Break off what runs, and say so in its sessions."""
        running = dict(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for upload in running.values():
            await self._end(upload, UploadStatus.ERROR, BROKEN_OFF)

    async def _run(self, upload: Upload, file: BinaryIO, now: datetime) -> None:
        with file:
            try:
                async with self._leased(upload), self._turns:
                    remark = await self._take_in(upload, CodeFile(file), now)
                await self._end(upload, UploadStatus.DONE, remark)
            except UploadLost:
                log.warning("upload %s was taken to be dead and is broken off", upload.session_id.hex)
            except Refusal as refusal:
                # The only one is that of the region.
                log.info("upload %s: %s", upload.session_id.hex, refusal)
                await self._end(upload, UploadStatus.ERROR, REGION_GONE)
            except DatabaseAway as error:
                # The lease ends by itself.
                log.warning("upload %s: the database is away: %s", upload.session_id.hex, error)
            except Exception:
                log.exception("upload %s ended by a fault", upload.session_id.hex)
                await self._end(upload, UploadStatus.ERROR, FAULT_OF_OURS)

    async def _take_in(self, upload: Upload, codes: CodeFile, now: datetime) -> str | None:
        """Store the codes and return what is to be said of the lines that were skipped."""
        bad_lines: list[int] = []
        bad_count = known_count = 0
        while (part := await self._read(upload, codes)) is not None:
            added = await self._store(upload, part, now)
            bad_lines = [*bad_lines, *part.bad_lines][: rules.BAD_LINES_NAMED_MAX]
            bad_count += part.bad_count
            known_count += part.line_count - part.bad_count - added
        return rules.upload_remark(bad_lines, bad_count=bad_count, known_count=known_count)

    async def _read(self, upload: Upload, codes: CodeFile) -> Slice | None:
        return await asyncio.to_thread(codes.read_slice, self._sealer, upload.project_id, lines_max=SLICE)

    async def _store(self, upload: Upload, part: Slice, now: datetime) -> int:
        db = self._database.session()
        project_id = upload.project_id
        async with db.begin():
            if upload.region_id is not None:
                await lock_regions(db, project_id, [upload.region_id])
            added = await add_codes(db, project_id, upload.item_id, upload.region_id, part.codes, now=now)
            if not await queries.count_slice(
                db, upload, uploaded=added, skipped=part.line_count - added, lease=self.lease
            ):
                raise UploadLost()
            if added:
                await notify(db, STOCK_CHANGED, str(project_id))
        if added:
            self._notifications.publish_locally(STOCK_CHANGED, str(project_id))
        return added

    @asynccontextmanager
    async def _leased(self, upload: Upload) -> AsyncIterator[None]:
        """Renew the session's lease all the while, also while it waits for its turn."""
        renewing = asyncio.create_task(self._renew(upload))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _renew(self, upload: Upload) -> None:
        while True:
            await asyncio.sleep(self.lease.total_seconds() / RENEWALS_A_LEASE)
            try:
                await queries.renew_lease(self._database.session(), upload, lease=self.lease)
            except DatabaseAway as error:
                log.warning("upload %s: its lease was not renewed: %s", upload.session_id.hex, error)
            except Exception:
                # As when it is away: without the task an upload that waits for its turn would pass for broken off.
                log.exception("upload %s: its lease was not renewed", upload.session_id.hex)

    async def _end(self, upload: Upload, status: UploadStatus, fault: str | None) -> None:
        try:
            await queries.end_upload(self._database.session(), upload, status=status, fault=fault)
        except DatabaseAway as error:
            log.warning("upload %s: its end was not recorded: %s", upload.session_id.hex, error)

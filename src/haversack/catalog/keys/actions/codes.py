"""Uploading codes, and taking them out of stock by hand."""

import asyncio
from collections.abc import Sequence
from typing import BinaryIO
from uuid import UUID, uuid4

from haversack.catalog.keys.code_files import CodeFile
from haversack.catalog.keys.queries import codes as queries
from haversack.catalog.keys.queries import uploads as upload_queries
from haversack.catalog.keys.records import CodeState, Upload, UploadStatus
from haversack.catalog.keys.uploading import BROKEN_OFF
from haversack.catalog.read_model.live import STOCK_CHANGED
from haversack.catalog.records import Item
from haversack.catalog.taxonomy.queries import lock_regions
from haversack.database.notifications import notify
from haversack.errors import CODES_TOO_FEW, UPLOAD_NOT_FOUND
from haversack.http.calls import AdminCall, Call
from haversack.projects.queries import add_audit_entry
from haversack.sealing import Sealer


def note_stock(call: Call, project_id: int) -> None:
    """Let this process's catalog look at what is left, after the commit. Other processes look once a second anyway, so
    that handing out a code costs no notification."""
    call.after_commit.append(lambda: call.context.notifications.publish_locally(STOCK_CHANGED, str(project_id)))


async def tell_stock(call: AdminCall) -> None:
    """Say, inside the transaction in which a studio changes what is left, that it has changed: every process hears."""
    await notify(call.db, STOCK_CHANGED, str(call.project_id))
    note_stock(call, call.project_id)


async def start_upload(call: AdminCall, key: Item, region_id: int | None, file: BinaryIO) -> Upload:
    """Begin to take in the codes of a file, for a key's pool of a region or of none; REGION_NOT_FOUND.

    The session that is returned goes on after the commit; `find_upload` says how far it is.
    """
    uploads = call.context.uploads
    count = await asyncio.to_thread(lambda: CodeFile(file).count_lines())
    upload = Upload(
        project_id=call.project_id,
        session_id=uuid4(),
        item_id=key.item_id,
        region_id=region_id,
        status=UploadStatus.PROCESSING,
        count_total=count,
    )
    now = call.now
    async with call.db.begin():
        if region_id is not None:
            await lock_regions(call.db, call.project_id, [region_id])
        await upload_queries.add_upload(call.db, upload, lease=uploads.lease)
    call.after_commit.append(lambda: uploads.start(upload, file, now=now))
    return upload


async def get_upload(call: AdminCall, session_id: UUID) -> Upload:
    """A session as it is now, or UPLOAD_NOT_FOUND. One whose process has died is ended here."""
    upload = await upload_queries.find_upload(call.db, call.project_id, session_id)
    if upload is not None and upload.is_overdue:
        ended = await upload_queries.break_off(call.db, upload, fault=BROKEN_OFF)
        upload = ended or await upload_queries.find_upload(call.db, call.project_id, session_id)
    if upload is None:
        raise UPLOAD_NOT_FOUND(session_id=session_id.hex)
    return upload


async def request_codes(
    call: AdminCall, key: Item, region_id: int | None, *, quantity: int, user_email: str, reason: str
) -> str:
    """Take the oldest codes out of a pool for somebody; all of them or, with CODES_TOO_FEW, none. They are returned
    separated by blanks."""
    async with call.db.begin():
        await _check_region(call, region_id)
        taken = await queries.take_sealed_codes(
            call.db,
            call.project_id,
            key.item_id,
            region_id,
            quantity=quantity,
            state=CodeState.REQUESTED,
            source=_source("requested for", user_email, reason),
            player_id=None,
            now=call.now,
        )
        if len(taken) < quantity:
            raise CODES_TOO_FEW(quantity=quantity)
        await _audit_request(call, quantity=quantity, user_email=user_email, reason=reason)
        await tell_stock(call)
    # The route does this for calls that change by their method; this one is a GET in the contract.
    for done in call.after_commit:
        done()
    return await asyncio.to_thread(_opened, call.context.sealer, taken)


async def delete_codes(call: AdminCall, key: Item, region_id: int | None, *, user_email: str, reason: str) -> str:
    """Take every unsold code out of a pool, and return them separated by blanks: of a million, a text is a quarter of
    a list."""
    texts: list[str] = []
    after = 0
    async with call.db.begin():
        await _check_region(call, region_id)
        # Slice by slice, so that no statement takes long, however many there are.
        while taken := await queries.take_sealed_codes(
            call.db,
            call.project_id,
            key.item_id,
            region_id,
            quantity=queries.SLICE,
            state=CodeState.DELETED,
            source=_source("deleted by", user_email, reason),
            player_id=None,
            now=call.now,
            after=after,
        ):
            after = taken[-1][0]
            texts.append(await asyncio.to_thread(_opened, call.context.sealer, taken))
        await tell_stock(call)
    return " ".join(texts)


def _opened(sealer: Sealer, taken: Sequence[tuple[int, bytes]]) -> str:
    return " ".join(sealer.open_text(sealed) for _, sealed in taken)


def _source(what: str, user_email: str, reason: str) -> str:
    return f"{what} {user_email}: {reason}"


async def _check_region(call: AdminCall, region_id: int | None) -> None:
    if region_id is not None:
        await lock_regions(call.db, call.project_id, [region_id])


async def _audit_request(call: AdminCall, *, quantity: int, user_email: str, reason: str) -> None:
    await add_audit_entry(
        call.db,
        project_id=call.project_id,
        now=call.now,
        caller=call.caller_name,
        operation="admin_get_codes",
        sentence="codes of a game key requested",
        request_id=call.request_id,
        subject={
            **call.request.path_params,
            "quantity": quantity,
            "user_email": user_email,
            "reason": reason,
        },
    )

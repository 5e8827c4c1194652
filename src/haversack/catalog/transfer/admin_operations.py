"""The studio's import of items from a file on another server, and how far it is."""

from dataclasses import dataclass
from typing import Annotated
from uuid import uuid4

from fastapi import Depends

from haversack.catalog.transfer.fetching import fetch_file
from haversack.catalog.transfer.queries import add_import, find_last_import
from haversack.catalog.transfer.running import start_import
from haversack.catalog.transfer.wire import ImportIdView, ImportItemsBody, ImportStatusView
from haversack.errors import IMPORT_FILE_TYPE_REFUSED, IMPORT_NOT_FOUND, STORE, Refusal
from haversack.http.area import Area, current_call
from haversack.http.calls import AdminCall

area = Area("connector-admin", family=STORE, prefix="/api")
# The host of these calls has no prefix: who changes the base URL alone comes here.
bare_area = Area("connector-admin", family=STORE, in_document=False)

IMPORT = "/v1/projects/{project_id}/import/from_external_file"
STATUS = "/v1/admin/projects/{project_id}/connectors/import_items/import/status"


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """What is to be imported: the file's bytes, or why there are none."""

    wanted: ImportItemsBody
    content: bytes | Refusal


async def fetched_file(call: Annotated[AdminCall, Depends(current_call)], body: ImportItemsBody) -> FetchedFile:
    """Fetch the file before the operation's transaction begins: inside it nothing talks to the network."""
    try:
        return FetchedFile(body, await fetch_file(call.context.outbound, body.file_url))
    except Refusal as refusal:
        return FetchedFile(body, refusal)


Fetched = Annotated[FetchedFile, Depends(fetched_file)]


@area.post(IMPORT, status=201, errors=(IMPORT_FILE_TYPE_REFUSED,), audit="import of items begun")
async def import_items_from_external_file(call: AdminCall, file: Fetched) -> ImportIdView:
    """Import items from a JSON file on another server.

    The file is fetched at once, the rest goes on behind; the status tells how far it is. Items are imported whole or
    not at all, and importing the same file again changes nothing.
    """
    content, mode = file.content, file.wanted.mode
    if isinstance(content, Refusal):
        raise content
    import_id = uuid4()
    # A query may hold what signs the address, and is not needed any more.
    address = file.wanted.file_url.partition("#")[0].partition("?")[0]
    await add_import(call.db, call.project_id, import_id, file_url=address, mode=mode)
    call.after_commit.append(lambda: start_import(call.context, call.project, import_id, content, mode))
    return ImportIdView(import_id=str(import_id))


@area.get(STATUS, errors=(IMPORT_NOT_FOUND,))
async def get_items_import_status(call: AdminCall) -> ImportStatusView:
    """Show how far the last import of items is, and which of them were not imported."""
    record = await find_last_import(call.db, call.project_id)
    if record is None:
        raise IMPORT_NOT_FOUND(project_id=call.project_id)
    return ImportStatusView.of(record)


@bare_area.post(IMPORT, status=201, errors=(IMPORT_FILE_TYPE_REFUSED,), audit="import of items begun")
async def import_items_from_external_file_without_prefix(call: AdminCall, file: Fetched) -> ImportIdView:
    """Import items from a JSON file on another server."""
    return await import_items_from_external_file(call, file)


@bare_area.get(STATUS, errors=(IMPORT_NOT_FOUND,))
async def get_items_import_status_without_prefix(call: AdminCall) -> ImportStatusView:
    """Show how far the last import of items is, and which of them were not imported."""
    return await get_items_import_status(call)

"""What a studio sends to have items imported, and what it reads of an import."""

from datetime import datetime, timedelta, timezone
from typing import Literal, Self

from pydantic import Field

from haversack.catalog.items.wire.parts import StrictBody
from haversack.catalog.transfer.records import ImportMode, ImportRecord, RowFault
from haversack.http.wire import WireModel

# These calls alone tell the time so.
_OFFSET = timezone(timedelta(hours=3))


class ImportItemsBody(StrictBody):
    """Where the file is, and what becomes of items that are there already."""

    connector_external_id: Literal["import_items"]
    file_url: str = Field(
        min_length=1, max_length=2048, description="a public address that answers application/json, up to 7 MB"
    )
    mode: ImportMode = Field(
        default=ImportMode.CREATE_AND_UPDATE,
        description="create: new items only; sync: items that the file does not have are no longer shown in the store",
    )


class ImportIdView(WireModel):
    """An import that has begun."""

    import_id: str


class RowFaultView(WireModel):
    """An item that was not imported, and why."""

    sku: str
    type: str | None
    error_code: int
    error_message: str

    @classmethod
    def of(cls, fault: RowFault) -> Self:
        """The view of a faulty row."""
        return cls(sku=fault.sku, type=fault.type, error_code=fault.code, error_message=fault.message)


class ImportResultView(WireModel):
    """How many items the file has, and which were not imported."""

    errors_count: int
    total_entities_count: int
    errors_by_sku: list[RowFaultView]


class ImportStatusView(WireModel):
    """How far an import is. `error`: nothing or only a part of it is done."""

    status: Literal["initialized", "process", "done", "error"]
    date_created: str
    date_updated: str
    date_completed: str
    progress: int
    error: str | None
    error_code: str | None
    result: ImportResultView

    @classmethod
    def of(cls, record: ImportRecord) -> Self:
        """The view of an import."""
        # Broken off with nothing imported, it was never completed.
        is_completed = record.completed_at is not None and record.error is None
        return cls(
            status=record.status.value,
            date_created=_shown(record.created_at),
            date_updated=_shown(record.updated_at),
            date_completed=_shown(record.completed_at) if is_completed and record.completed_at else "",
            progress=record.progress,
            error=record.error,
            error_code=None if record.error_code is None else str(record.error_code),
            result=ImportResultView(
                errors_count=len(record.faults),
                total_entities_count=record.total,
                errors_by_sku=[RowFaultView.of(fault) for fault in record.faults],
            ),
        )


def _shown(moment: datetime) -> str:
    return moment.astimezone(_OFFSET).isoformat(timespec="seconds")

"""What goes into and out of a catalog at once: the draft of a whole one, faulty rows, and how an import stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.records import ItemKind
from haversack.catalog.taxonomy.records import GivenAttribute, NewGroup


class ImportMode(StrEnum):
    """What becomes of items that are in the project already, and of those that the file does not have."""

    CREATE = "create"  # what is there stays as it is
    CREATE_AND_UPDATE = "create_and_update"
    SYNC = "sync"  # what is missing in the file is no longer shown in the store


class ImportStatus(StrEnum):
    """How far an import is. `error` means that nothing or only a part of it is done."""

    INITIALIZED = "initialized"
    PROCESS = "process"
    DONE = "done"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that was not imported. `type` is the wire's word for its kind, None where it has none."""

    sku: str
    type: str | None
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class RegionDraft:
    """A region, under the number by which the items of the same file name it."""

    number: int
    name: Mapping[str, str]
    countries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupDraft:
    """A group with its parent, and the places in it that were set by hand, by SKU."""

    group: NewGroup
    parent_external_id: str | None = None
    places: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogDraft:
    """A whole catalog, or a part of one, as a file or a seed gives it.

    regions: None where the items name regions by their ids in the project. faults: rows that could not be read.
    named: every SKU of the file, those of faulty rows too. kinds: those that the file speaks of, whose missing items
    `sync` hides. total: all rows, faulty ones too.
    """

    regions: tuple[RegionDraft, ...] | None = None
    attributes: tuple[GivenAttribute, ...] = ()
    groups: tuple[GroupDraft, ...] = ()
    items: Sequence[ItemDraft] = ()
    faults: tuple[RowFault, ...] = ()
    named: frozenset[str] = frozenset()
    kinds: frozenset[ItemKind] = frozenset()
    total: int = 0


@dataclass(frozen=True, slots=True)
class TakenSku:
    """Who has a SKU. What was deleted has its SKU for ever."""

    item_id: int
    kind: ItemKind
    parent_item_id: int | None
    is_deleted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecord:
    """An import. `error` is what kept it from going on at all; faulty rows are in `faults`."""

    import_id: UUID
    status: ImportStatus
    progress: int
    error: str | None
    error_code: int | None
    faults: tuple[RowFault, ...]
    total: int
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


# How an item's kind is called in the results of imports.
WIRE_KINDS = {ItemKind.VIRTUAL_CURRENCY_PACKAGE: "virtual_currency_packages"}


def wire_kind(kind: ItemKind) -> str:
    """How a kind is called in the results of imports."""
    return WIRE_KINDS.get(kind, kind.value)

"""What the features of game keys speak of: uploads, codes found, rights to games, pre-order limits."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from haversack.catalog.records import AttributeLink, PreOrder
from haversack.text import Translations


class UploadStatus(StrEnum):
    """How far an upload is."""

    PROCESSING = "processing"
    DONE = "done"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An upload of codes. `fault` says what was left out, or why it broke off.

    `is_overdue`: nothing was heard of it for so long that whoever read the file must be dead.
    """

    project_id: int
    session_id: UUID
    item_id: int
    region_id: int | None
    status: UploadStatus
    count_total: int
    count_uploaded: int = 0
    count_skipped: int = 0
    fault: str | None = None
    is_overdue: bool = False


class CodeState(StrEnum):
    """What has become of a code.

    A reserved one waits for its order to be paid; a requested one was handed to somebody by the studio, who may redeem
    it still; a deleted one was taken out of stock and may be uploaded again.
    """

    AVAILABLE = "available"
    RESERVED = "reserved"
    USED = "used"
    REQUESTED = "requested"
    DELETED = "deleted"


# What has not been used by anybody yet.
REDEEMABLE = (CodeState.AVAILABLE, CodeState.REQUESTED)


class Mode(StrEnum):
    """Whether a right counts, or is for trying things out."""

    DEFAULT = "default"
    SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class FoundCode:
    """A code that somebody knows, with what it is a code of."""

    code_id: int
    item_id: int
    state: CodeState
    drm_sku: str | None
    pre_order: PreOrder | None
    game_sku: str
    # Where it opens the game: the region of its pool, else those of its key; everywhere where there are none.
    region_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FreeKey:
    """The key of a game that opens it without any platform's copy protection. It may have been deleted since."""

    item_id: int
    region_ids: tuple[int, ...]
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class HeldGame:
    """A game that a player has a right to."""

    project_id: int
    game_sku: str
    name: Translations
    description: Translations | None
    image_url: str | None
    drm_sku: str
    pre_order: PreOrder | None
    attributes: tuple[AttributeLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStock:
    """How many codes of a key are left, and how many there were: all but deleted ones."""

    project_id: int
    item_id: int
    sku: str
    available: int
    total: int


@dataclass(frozen=True, slots=True)
class PreOrderLimit:
    """How many of an item may be ordered before it is out."""

    is_enabled: bool = False
    available: int = 0
    reserved: int = 0
    sold: int = 0

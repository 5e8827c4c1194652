"""What moving a clock is about: where it stands, what it can go back to, and what fell due on the way."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from haversack.clock import Clock


class Due(StrEnum):
    """What falls due by itself, in the order in which it is done where the moment is the same."""

    ORDERS = "orders"  # unpaid orders end
    PAYMENTS = "payments"  # payments that their provider answers late, or never
    CODES = "codes"  # codes of pre-orders are handed out at the release
    WEBHOOKS = "webhooks"  # what was published, and retries


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a project can go back to: how it was at a moment of its time."""

    frozen_at: datetime
    schema_revision: str
    row_count: int


@dataclass(frozen=True, slots=True)
class ClockState:
    """A project's clock, what it can go back to, and when something falls due next."""

    clock: Clock
    snapshot: Snapshot | None
    next_due: datetime | None


@dataclass(frozen=True, slots=True)
class Passed:
    """Something that fell due on a jump, and when."""

    at: datetime
    what: Due


@dataclass(frozen=True, slots=True)
class Journey:
    """How far a jump came in the time of one call, and what fell due on the way, in order."""

    has_arrived: bool
    passed: tuple[Passed, ...]

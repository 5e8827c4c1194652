"""What webhooks are to the rest of the server: endpoints, events, deliveries, attempts and what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from haversack.clock import Clock
from haversack.projects.records import DeliveryMode

# The due time of a delivery that was never tried. It lies before every project's time, so that moving a clock
# back holds up only what waits for a retry.
AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
# The due time of a delivery that waits for another one.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class Purpose(StrEnum):
    """Which of a project's endpoints an event goes to."""

    STORE = "store"
    BACKPACK = "backpack"  # goes to the store's endpoint where the Backpack has none of its own


class DeliveryStatus(StrEnum):
    """How far a delivery is."""

    PENDING = "pending"  # to be sent, or sent again
    WITHHELD = "withheld"  # waits until another delivery has succeeded
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # will not be sent again by itself
    CANCELLED = "cancelled"  # never sent: what it waited for has failed


class FailureReason(StrEnum):
    """Why a delivery ended without success."""

    REFUSED = "refused"  # the receiver said no for good
    EXHAUSTED = "exhausted"  # the schedule has ended without success
    NO_ENDPOINT = "no_endpoint"  # the project has no address set
    ENDPOINT_DISABLED = "endpoint_disabled"
    PREDECESSOR_FAILED = "predecessor_failed"  # the delivery it waited for has failed


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a project's events of one purpose go. `secret` and `previous_secret` are plain; never log them."""

    project_id: int
    purpose: Purpose
    url: str
    is_enabled: bool
    version: int
    secret: str = field(repr=False)
    previous_secret: str | None = field(repr=False)
    previous_valid_until: datetime | None
    disabled_reason: str | None
    failing_since: datetime | None

    def secrets_at(self, now: datetime) -> tuple[str, ...]:
        """The secrets that sign at this (real) time, the current one first."""
        if self.previous_secret is None or self.previous_valid_until is None or self.previous_valid_until <= now:
            return (self.secret,)
        return (self.secret, self.previous_secret)


@dataclass(frozen=True, slots=True)
class Lane:
    """The queue of one project and purpose. One worker at a time works it."""

    project_id: int
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class LaneView:
    """What a worker knows of a lane while it works a batch of it."""

    lane: Lane
    mode: DeliveryMode
    clock: Clock
    endpoint: Endpoint | None
    paused_until: datetime | None

    @property
    def is_paused(self) -> bool:
        """Whether the receiver wants to be left alone for now (native mode)."""
        is_native = self.mode is DeliveryMode.NATIVE
        return is_native and self.paused_until is not None and self.paused_until > self.clock.now()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that is not settled, with the body to be sent."""

    delivery_id: int
    event_id: str
    event_type: str
    body: bytes
    player_key: str
    reference: str | None
    status: DeliveryStatus
    attempts_made: int
    next_attempt_at: datetime
    is_replay: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to the receiver. Times are the project's; `reply_body` is cut; `failure` says why no reply came."""

    attempt_no: int
    started_at: datetime
    duration_ms: int
    request_url: str
    request_headers: Mapping[str, str]
    reply_status: int | None
    reply_headers: Mapping[str, str] | None
    reply_body: bytes | None
    is_private_target: bool
    failure: str | None
    failure_reason: str | None


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """What a caller of `settle` learns: accepted, refused for `reason`, or still under way.

    code, message: of the receiver's error body where it had one; message is fit to be shown.
    """

    status: DeliveryStatus
    reason: FailureReason | None = None
    code: str | None = None
    message: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the receiver took it."""
        return self.status is DeliveryStatus.SUCCEEDED

    @property
    def is_pending(self) -> bool:
        """Whether it is still to be sent, or to be sent again."""
        return self.status in (DeliveryStatus.PENDING, DeliveryStatus.WITHHELD)

    @property
    def is_refused(self) -> bool:
        """Whether it has ended without success."""
        return not self.is_accepted and not self.is_pending


@dataclass(frozen=True, slots=True)
class SettledDelivery:
    """A delivery whose final result is being recorded. `settled_at` is the project's time."""

    project_id: int
    delivery_id: int
    event_id: str
    event_type: str
    purpose: Purpose
    player_key: str
    reference: str | None
    is_replay: bool
    state: DeliveryState
    settled_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery as the inspector lists it."""

    project_id: int
    delivery_id: int
    event_id: str
    event_type: str
    purpose: Purpose
    player_key: str
    reference: str | None
    status: DeliveryStatus
    reason: FailureReason | None
    code: str | None
    message: str
    attempts_made: int
    next_attempt_at: datetime
    after_delivery_id: int | None
    replay_of: int | None
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Inspected:
    """A delivery with its body and every attempt."""

    row: DeliveryRow
    body: bytes
    attempts: tuple[Attempt, ...]

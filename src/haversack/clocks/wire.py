"""Wire models of moving clocks."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, ConfigDict, Field

from haversack.clock import real_now
from haversack.clocks.records import ClockState, Journey, Passed, Snapshot
from haversack.clocks.rules import FURTHEST, PLAYER_OFFSET_MAX
from haversack.http.wire import WireModel

STEP_SECONDS_MAX = 3660 * 24 * 3600
OFFSET_MAX = int(PLAYER_OFFSET_MAX.total_seconds())


class JumpBody(WireModel):
    """Where the clock is to jump."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[AwareDatetime, Field(description="a moment not before the project's time, with its offset")]


class StepBody(WireModel):
    """How far the clock is to go."""

    model_config = ConfigDict(extra="forbid")

    seconds: Annotated[
        int | None,
        Field(ge=0, le=STEP_SECONDS_MAX, description="left out: to the moment at which something falls due next"),
    ] = None


class OffsetBody(WireModel):
    """A player's own time."""

    model_config = ConfigDict(extra="forbid")

    offset_seconds: Annotated[
        int,
        Field(ge=0, le=OFFSET_MAX, description="how far it lies ahead of the project's; 0 takes it away"),
    ]


class OffsetView(WireModel):
    """A player's own time."""

    offset_seconds: int
    now: str


class SnapshotView(WireModel):
    """What the project can go back to."""

    frozen_at: str
    row_count: int

    @classmethod
    def of(cls, snapshot: Snapshot) -> "SnapshotView":
        """The snapshot as its owner sees it."""
        return cls(frozen_at=moment_text(snapshot.frozen_at), row_count=snapshot.row_count)


class ClockView(WireModel):
    """A project's clock."""

    now: str
    is_frozen: bool
    # How far the project's time lies ahead of the machine's.
    offset_seconds: int
    next_due_at: str | None
    snapshot: SnapshotView | None

    @classmethod
    def of(cls, state: ClockState) -> "ClockView":
        """The clock as its owner sees it."""
        return cls(**_clock_members(state))


class PassedView(WireModel):
    """Something that fell due on a jump."""

    at: str
    what: str

    @classmethod
    def of(cls, passed: Passed) -> "PassedView":
        """One of a list in order."""
        return cls(at=moment_text(passed.at), what=passed.what.value)


class JourneyView(ClockView):
    """A clock that has jumped. Where `has_arrived` is false the call's time was over: the same call goes on."""

    has_arrived: bool
    passed: list[PassedView]

    @classmethod
    def of_journey(cls, state: ClockState, journey: Journey) -> "JourneyView":
        """What became of a jump."""
        return cls(
            **_clock_members(state),
            has_arrived=journey.has_arrived,
            passed=[PassedView.of(each) for each in journey.passed],
        )


def moment_text(moment: datetime) -> str:
    """A moment to the microsecond: a clock stands still at exactly this."""
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _clock_members(state: ClockState) -> dict[str, object]:
    now = state.clock.now()
    due = state.next_due
    return {
        "now": moment_text(now),
        "is_frozen": state.clock.frozen_at is not None,
        "offset_seconds": round((now - real_now()).total_seconds()),
        "next_due_at": None if due is None or due > FURTHEST else moment_text(due),
        "snapshot": None if state.snapshot is None else SnapshotView.of(state.snapshot),
    }

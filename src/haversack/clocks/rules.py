"""How a project's clock may be moved. Pure: no database; the machine's time is passed in."""

from datetime import UTC, datetime, timedelta

from haversack.clock import Clock

# What waits for another thing stands in the year 9999: no clock goes near it.
FURTHEST = datetime(2200, 1, 1, tzinfo=UTC)
PLAYER_OFFSET_MAX = timedelta(days=3660)


def why_not(now: datetime, to: datetime) -> str | None:
    """Why a clock that stands at `now` cannot jump to a moment; None where it can."""
    if to < now:
        return f"lies before the project's time, {now.isoformat()}: a clock goes back by `back` only"
    if to > FURTHEST:
        return f"lies after {FURTHEST.date().isoformat()}"
    return None


def running_from(at: datetime, *, machine_time: datetime) -> Clock:
    """A clock that goes on from a moment at the machine's pace."""
    return Clock(offset=at - machine_time)

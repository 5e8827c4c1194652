"""Time: the one place that reads the machine's clock, and the clock that each project owns."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta


def real_now() -> datetime:
    """The machine's time. For what must not move with a project: tokens, leases, logs."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """A project's clock: the machine's time shifted by `offset`, or standing still at `frozen_at`."""

    offset: timedelta = timedelta()
    frozen_at: datetime | None = None

    def now(self) -> datetime:
        """The project's time, in UTC."""
        return self.frozen_at if self.frozen_at is not None else real_now() + self.offset

    def shifted(self, by: timedelta) -> "Clock":
        """The same clock, showing a time that lies so much later."""
        if self.frozen_at is not None:
            return replace(self, frozen_at=self.frozen_at + by)
        return replace(self, offset=self.offset + by)


def wire_time(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds and `Z`: 2023-10-24T14:53:00Z."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    # Several times as fast as strftime, and lists are full of times.
    return utc.isoformat(timespec="seconds")[:19] + "Z"

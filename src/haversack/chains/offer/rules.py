"""Which step of an offer chain is open, and when it begins anew. Pure: the time and the progress are parameters."""

from datetime import datetime, timedelta

from haversack.catalog.records import Schedule
from haversack.chains.records import Chain, Progress, Step, by_order
from haversack.limits.records import Window
from haversack.limits.schedule import window_of

_HOUR = timedelta(hours=1)


def schedule_window(schedule: Schedule, starts_at: datetime, now: datetime) -> Window:
    """The window of a chain's schedule: from the last reset to the next one.

    Hours are counted from the chain's start; weeks and months follow the schedule's own offset, and a day that a month
    does not have is its last.
    """
    if schedule.interval_type != "hourly":
        return window_of(schedule, now)
    length = schedule.interval_hours * _HOUR
    start = starts_at + (now - starts_at) // length * length
    return Window(start, start + length)


def next_reset(schedule: Schedule, starts_at: datetime, now: datetime) -> datetime:
    """When a chain's schedule begins anew the next time."""
    following = schedule_window(schedule, starts_at, now).next
    assert following is not None, "what recurs has a next time"
    return following


def next_step(chain: Chain, progress: Progress) -> Step | None:
    """The step that is open: the first that is not done; None where all are."""
    return next((step for step in chain.steps if step.step_id not in progress.claimed), None)


def with_own_round(chain: Chain, progress: Progress) -> Progress:
    """A player's progress in the player's own round: with its last step a chain begins anew, where it is to.

    The round begins a moment after that step, so that no two are one where the clock stands still.
    """
    if not by_order(chain).is_reset_on_completion or not chain.steps or next_step(chain, progress) is not None:
        return progress
    return Progress(max(progress.window_start, *progress.claimed.values()) + timedelta(microseconds=1))

"""When the steps of daily chains open and are lost. Pure: the time and what was claimed are parameters.

Days are 24 hours long and counted from the chain's start, so that a start at 09:00+05:30 lets every day begin then.
"""

from datetime import datetime, timedelta
from typing import assert_never

from haversack.chains.daily.records import Day
from haversack.chains.records import ByDay, Chain, DailyType, Progress, Step, StepState, by_day
from haversack.limits.records import Window

DAY = timedelta(days=1)


def end_of(opening: ByDay, *, starts_at: datetime, ends_at: datetime | None, step_count: int) -> datetime | None:
    """When a chain is over; None where it goes on. That of a chain of the calendar follows from its steps."""
    if opening.type is DailyType.ROLLING:
        return ends_at
    return None if opening.is_recurrent else starts_at + step_count * DAY


def round_of(chain: Chain, now: datetime) -> tuple[datetime, datetime]:
    """The round of a chain of the calendar that is under way, the first one where none is: when its first day begins
    and its last one ends."""
    length = len(chain.steps) * DAY
    count = max(0, (now - chain.starts_at) // length) if _recurs(chain) else 0
    return chain.starts_at + count * length, chain.starts_at + (count + 1) * length


def day_window(chain: Chain, now: datetime) -> Window:
    """The window of a daily chain: a round of the calendar, and else all the time since the studio's last reset.

    The first round has no start of its own, so that a studio may move the chain's start and players keep what they
    have.
    """
    if not _recurs(chain):
        return Window(chain.began_at, None)
    start, end = round_of(chain, now)
    return Window(chain.began_at if start == chain.starts_at else max(start, chain.began_at), end)


def with_own_round(chain: Chain, progress: Progress, now: datetime) -> Progress:
    """A player's progress in the player's own round: a rolling chain that recurs begins anew on the day after its last
    step was claimed."""
    if not by_day(chain).is_recurrent or by_day(chain).type is not DailyType.ROLLING:
        return progress
    if not chain.steps or any(step.step_id not in progress.claimed for step in chain.steps):
        return progress
    again = day_start(chain, max(progress.claimed.values())) + DAY
    return Progress(max(again, progress.window_start + timedelta(microseconds=1))) if again <= now else progress


def days_of(chain: Chain, progress: Progress, now: datetime) -> tuple[Day, ...]:
    """How every day stands with a player whose progress is that of the window of now."""
    opening = by_day(chain)
    match opening.type:
        case DailyType.CALENDAR_HARD:
            return _calendar_days(chain, progress, now)
        case DailyType.ROLLING:
            return _rolling_days(chain, progress, now)
        case _:
            assert_never(opening.type)


def open_step(chain: Chain, progress: Progress, now: datetime) -> Step | None:
    """The step that may be taken now, which is one at most: the only one of which `days_of` says so."""
    opening = by_day(chain)
    match opening.type:
        case DailyType.CALENDAR_HARD:
            place = _current_place(chain, now)
            step = chain.steps[place] if 0 <= place < len(chain.steps) else None
            return None if step is None or step.step_id in progress.claimed else step
        case DailyType.ROLLING:
            following = next((step for step in chain.steps if step.step_id not in progress.claimed), None)
            state = _rolling_state(chain, _next_opens(chain, progress, now), now, is_next=True)
            return following if state is StepState.CLAIMABLE else None
        case _:
            assert_never(opening.type)


def _recurs(chain: Chain) -> bool:
    opening = by_day(chain)
    return opening.is_recurrent and opening.type is DailyType.CALENDAR_HARD and bool(chain.steps)


def _current_place(chain: Chain, now: datetime) -> int:
    """The place of the day of now among the steps of its round; none of theirs before the first day and after the
    last."""
    first, _ = round_of(chain, now)
    return (now - first) // DAY


def _calendar_days(chain: Chain, progress: Progress, now: datetime) -> tuple[Day, ...]:
    first, _ = round_of(chain, now)
    current = _current_place(chain, now)
    days = []
    for place, step in enumerate(chain.steps):
        state = StepState.CLAIMED if step.step_id in progress.claimed else _calendar_state(place, current)
        days.append(Day(step, state, first + place * DAY))
    return tuple(days)


def _calendar_state(place: int, current: int) -> StepState:
    if current < place:
        return StepState.IN_FUTURE
    return StepState.CLAIMABLE if current == place else StepState.MISSED


def day_start(chain: Chain, moment: datetime) -> datetime:
    """When the day of a moment began."""
    return chain.starts_at + (moment - chain.starts_at) // DAY * DAY


def _next_opens(chain: Chain, progress: Progress, now: datetime) -> datetime:
    """When the next step of a rolling chain opens or has opened."""
    if progress.claimed:
        return day_start(chain, max(progress.claimed.values())) + DAY
    # A window that was begun by hand while the clock stands still lies a moment ahead of it.
    return max(chain.starts_at, min(progress.window_start, now))


def _rolling_days(chain: Chain, progress: Progress, now: datetime) -> tuple[Day, ...]:
    opens = _next_opens(chain, progress, now)
    days: list[Day] = []
    is_next = True
    for step in chain.steps:
        claimed_at = progress.claimed.get(step.step_id)
        if claimed_at is not None:
            days.append(Day(step, StepState.CLAIMED, day_start(chain, claimed_at)))
            continue
        days.append(Day(step, _rolling_state(chain, opens, now, is_next=is_next), opens))
        # The one after it opens on the next day at the earliest: if the player takes this one as soon as possible.
        opens = day_start(chain, max(opens, now)) + DAY
        is_next = False
    return tuple(days)


def _rolling_state(chain: Chain, opens: datetime, now: datetime, *, is_next: bool) -> StepState:
    if chain.ends_at is not None and opens >= chain.ends_at:
        # The chain is over before its day could come.
        return StepState.MISSED
    return StepState.CLAIMABLE if is_next and opens <= now else StepState.IN_FUTURE

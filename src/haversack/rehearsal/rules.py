"""When the clock of a rehearsal stands still. Pure: the time is a parameter."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from haversack.catalog.records import Schedule
from haversack.chains.daily.rules import day_start
from haversack.chains.records import Chain, ChainKind
from haversack.chains.rules import chain_window
from haversack.limits.schedule import window_of
from haversack.rehearsal.records import DAY


def stops_of(
    start: datetime,
    days: int,
    *,
    chains: Iterable[Chain],
    schedules: Iterable[Schedule],
    edges: Iterable[datetime],
) -> tuple[tuple[datetime, ...], ...]:
    """The moments at which the clock stands, by day: its beginning, and whatever begins or ends by itself in it.
    Between two of them nothing changes but by what players do.

    schedules: of limits; edges: when periods of items and promotions begin and end.
    """
    end = start + days * DAY
    found = {start + number * DAY for number in range(days)}
    for chain in chains:
        found.update(_chain_edges(chain, start, end))
    for schedule in schedules:
        found.update(_resets(schedule, start, end))
    found.update(edges)
    by_day: list[list[datetime]] = [[] for _ in range(days)]
    for moment in sorted(found):
        if start <= moment < end:
            by_day[(moment - start) // DAY].append(moment)
    return tuple(map(tuple, by_day))


def _chain_edges(chain: Chain, start: datetime, end: datetime) -> Iterator[datetime]:
    if not chain.is_enabled:
        return
    yield chain.starts_at
    last = end if chain.ends_at is None else min(end, chain.ends_at)
    yield last
    if chain.kind is ChainKind.DAILY:
        moment = day_start(chain, max(start, chain.starts_at))
        while moment < last:
            yield moment
            moment += DAY
        return
    following = chain_window(chain, start).next
    while following is not None and following < last:
        yield following
        following = chain_window(chain, following).next


def _resets(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    following = window_of(schedule, start).next
    while following is not None and following < end:
        yield following
        following = window_of(schedule, following).next

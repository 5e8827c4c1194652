"""When limits begin anew: windows in a UTC offset, without daylight saving. Pure: the time is a parameter."""

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta, timezone

from haversack.catalog.records import Schedule
from haversack.limits.records import FOR_EVER, Window

TIME_PATTERN = r"^([01]\d|2[0-3]):00:00([+-])([01]\d|2[0-3]):([0-5]\d)$"
_TIME = re.compile(TIME_PATTERN)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def window_of(schedule: Schedule | None, now: datetime) -> Window:
    """The window in which `now` lies: the reset at or before it, and the next one.

    A monthly reset on a day that a month does not have falls on the month's last day.
    """
    if schedule is None:
        return Window(FOR_EVER, None)
    hour, offset = _time_of(schedule)
    local = now.astimezone(offset)
    match schedule.interval_type:
        case "hourly":
            start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            return Window(start, start + _HOUR)
        case "daily":
            start = _at(local.date(), hour, offset)
            if start > local:
                start -= _DAY
            return _window(start, start + _DAY)
        case "weekly":
            assert schedule.day_of_week is not None
            days_back = (local.isoweekday() - schedule.day_of_week) % 7
            start = _at(local.date() - days_back * _DAY, hour, offset)
            if start > local:
                start -= 7 * _DAY
            return _window(start, start + 7 * _DAY)
        case "monthly":
            assert schedule.day_of_month is not None
            return _month_window(local, schedule.day_of_month, hour, offset)
    raise AssertionError(f"no such interval: {schedule.interval_type}")


def _month_window(local: datetime, day: int, hour: int, offset: timezone) -> Window:
    this = _in_month(local.year, local.month, day, hour, offset)
    if this > local:
        before = _in_month(*_month_after(local.year, local.month, -1), day, hour, offset)
        return _window(before, this)
    return _window(this, _in_month(*_month_after(local.year, local.month, 1), day, hour, offset))


def _month_after(year: int, month: int, months: int) -> tuple[int, int]:
    count = year * 12 + month - 1 + months
    return count // 12, count % 12 + 1


def _in_month(year: int, month: int, day: int, hour: int, offset: timezone) -> datetime:
    last = calendar.monthrange(year, month)[1]
    return _at(date(year, month, min(day, last)), hour, offset)


def _at(day: date, hour: int, offset: timezone) -> datetime:
    return datetime.combine(day, time(hour), offset)


def _window(start: datetime, following: datetime) -> Window:
    return Window(start.astimezone(UTC), following.astimezone(UTC))


def _time_of(schedule: Schedule) -> tuple[int, timezone]:
    match = _TIME.match(schedule.time)
    if match is None:
        # An hourly schedule needs no time.
        return 0, UTC
    hour, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return int(hour), timezone(offset if sign == "+" else -offset)

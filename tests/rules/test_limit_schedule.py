"""When limits begin anew: tables of cases, and a year walked hour by hour (R36)."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.catalog.records import ItemLimits, Schedule
from haversack.limits import rules
from haversack.limits.records import FOR_EVER, Uses
from haversack.limits.schedule import window_of

OFFSETS = ("+00:00", "+03:00", "-08:00", "+05:30", "-03:30", "+13:45")


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "now", "start", "following"),
    [
        (Schedule("hourly", "00:00:00+00:00"), "2026-03-01T10:59:59", "2026-03-01T10:00", "2026-03-01T11:00"),
        (Schedule("daily", "08:00:00+03:00"), "2026-03-01T04:59:59", "2026-02-28T05:00", "2026-03-01T05:00"),
        (Schedule("daily", "08:00:00+03:00"), "2026-03-01T05:00:00", "2026-03-01T05:00", "2026-03-02T05:00"),
        (Schedule("daily", "00:00:00+05:30"), "2026-03-01T18:29:59", "2026-02-28T18:30", "2026-03-01T18:30"),
        (
            Schedule("weekly", "00:00:00+00:00", day_of_week=1),
            "2026-11-22T23:59",
            "2026-11-16T00:00",
            "2026-11-23T00:00",
        ),
        (
            Schedule("weekly", "00:00:00+00:00", day_of_week=7),
            "2026-11-22T00:00",
            "2026-11-22T00:00",
            "2026-11-29T00:00",
        ),
        # The week begins on Monday in Tokyo while it is Sunday in London.
        (
            Schedule("weekly", "06:00:00+09:00", day_of_week=1),
            "2026-11-22T21:00",
            "2026-11-22T21:00",
            "2026-11-29T21:00",
        ),
        (
            Schedule("monthly", "00:00:00+00:00", day_of_month=31),
            "2026-02-27T12:00",
            "2026-01-31T00:00",
            "2026-02-28T00:00",
        ),
        (
            Schedule("monthly", "00:00:00+00:00", day_of_month=31),
            "2026-02-28T00:00",
            "2026-02-28T00:00",
            "2026-03-31T00:00",
        ),
        (
            Schedule("monthly", "00:00:00+00:00", day_of_month=29),
            "2028-02-29T00:00",
            "2028-02-29T00:00",
            "2028-03-29T00:00",
        ),
        (
            Schedule("monthly", "00:00:00+00:00", day_of_month=30),
            "2027-02-28T00:00",
            "2027-02-28T00:00",
            "2027-03-30T00:00",
        ),
        (
            Schedule("monthly", "00:00:00+00:00", day_of_month=1),
            "2026-12-31T23:59",
            "2026-12-01T00:00",
            "2027-01-01T00:00",
        ),
        # The first of the month has begun in Auckland.
        (
            Schedule("monthly", "00:00:00+13:00", day_of_month=1),
            "2026-12-31T11:00",
            "2026-12-31T11:00",
            "2027-01-31T11:00",
        ),
    ],
)
def test_windows(schedule: Schedule, now: str, start: str, following: str) -> None:
    window = window_of(schedule, _utc(now))
    assert (window.start, window.next) == (_utc(start), _utc(following))


def test_no_schedule_is_one_window_for_ever() -> None:
    window = window_of(None, _utc("2026-01-01"))
    assert (window.start, window.next) == (FOR_EVER, None)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize(
    ("interval", "days", "resets"),
    [
        ("daily", {}, 366),
        ("weekly", {"day_of_week": 3}, 52),
        ("monthly", {"day_of_month": 31}, 12),
        ("monthly", {"day_of_month": 29}, 12),
    ],
)
def test_a_year_walked_by_half_hours(offset: str, interval: str, days: dict[str, int], resets: int) -> None:
    """Each reset happens exactly once, where the window before it said it would. 2028 has a 29th of February."""
    schedule = Schedule(interval, f"04:00:00{offset}", **days)
    now = _utc("2028-01-01")
    window = window_of(schedule, now)
    seen: Counter[datetime] = Counter()
    while now < _utc("2029-01-01"):
        now += timedelta(minutes=15)
        fresh = window_of(schedule, now)
        if fresh.start != window.start:
            assert fresh.start == window.next
            seen[fresh.start] += 1
            window = fresh
        assert fresh.next is not None
        assert fresh.start <= now < fresh.next
    assert set(seen.values()) == {1}
    assert abs(len(seen) - resets) <= 1


@given(
    st.sampled_from(["hourly", "daily", "weekly", "monthly"]),
    st.integers(0, 23),
    st.sampled_from(OFFSETS),
    st.integers(1, 7),
    st.integers(1, 31),
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
)
def test_windows_touch(interval: str, hour: int, offset: str, week_day: int, day: int, moment: datetime) -> None:
    schedule = Schedule(interval, f"{hour:02}:00:00{offset}", day_of_week=week_day, day_of_month=day)
    window = window_of(schedule, moment.replace(tzinfo=UTC))
    assert window.next is not None
    assert window.start <= moment.replace(tzinfo=UTC) < window.next
    assert window_of(schedule, window.next).start == window.next
    assert window_of(schedule, window.next - timedelta(microseconds=1)) == window


def test_what_was_used_before_the_window_does_not_count() -> None:
    limits = ItemLimits(per_user=3, schedule=Schedule("daily", "00:00:00+00:00"))
    window = rules.item_window(limits, _utc("2026-01-02T10:00"), reset_at=None)
    assert rules.available_to_player(limits, Uses(_utc("2026-01-01"), 3), window) == 3
    assert rules.available_to_player(limits, Uses(_utc("2026-01-02"), 2), window) == 1
    assert rules.available_to_player(limits, None, window) == 3


def test_a_reset_by_hand_begins_a_window() -> None:
    limits = ItemLimits(per_user=3)
    now = _utc("2026-01-02")
    window = rules.item_window(limits, now, reset_at=_utc("2026-01-01"))
    assert rules.available_to_player(limits, Uses(FOR_EVER, 3), window) == 3
    # A reset in the future of a project whose clock went back does not count yet.
    early = rules.item_window(limits, now, reset_at=_utc("2026-01-03"))
    assert rules.available_to_player(limits, Uses(FOR_EVER, 3), early) == 0


@pytest.mark.parametrize(
    ("limits", "used", "is_hidden"),
    [
        (None, 5, False),
        (ItemLimits(per_user=3), 2, False),
        (ItemLimits(per_user=3), 3, True),
        (ItemLimits(per_user=3, schedule=Schedule("daily", "00:00:00+00:00")), 3, False),
        (
            ItemLimits(per_user=3, limit_exceeded_visibility="hide", schedule=Schedule("daily", "00:00:00+00:00")),
            3,
            True,
        ),
        (ItemLimits(per_item=3), 9, False),
    ],
)
def test_items_hidden_by_a_used_up_limit(limits: ItemLimits | None, used: int, is_hidden: bool) -> None:
    now = _utc("2026-01-02T10:00")
    window = rules.item_window(limits or ItemLimits(), now, reset_at=None)
    assert rules.is_hidden_by_player_limit(limits, Uses(now, used), window) is is_hidden

"""How a clock may be moved, and how it goes on from where it stands."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from haversack.clock import Clock, real_now
from haversack.clocks.rules import FURTHEST, running_from, why_not
from haversack.clocks.snapshots import LEFT_ALONE, kept_tables
from haversack.database.schema import whole_metadata

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("to", "is_allowed"),
    [
        (NOW, True),
        (NOW + timedelta(microseconds=1), True),
        (NOW - timedelta(microseconds=1), False),
        (FURTHEST, True),
        (FURTHEST + timedelta(microseconds=1), False),
        (datetime(2027, 3, 1, 13, tzinfo=timezone(timedelta(hours=1))), True),
        (datetime(2027, 3, 1, 12, tzinfo=timezone(timedelta(hours=1))), False),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))), False),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=12))), False),
    ],
)
def test_where_a_clock_may_jump(to: datetime, is_allowed: bool) -> None:
    assert (why_not(NOW, to) is None) is is_allowed


def test_a_clock_goes_on_from_where_it_stands() -> None:
    machine_time = real_now()
    clock = running_from(NOW, machine_time=machine_time)
    assert clock.frozen_at is None
    assert machine_time + clock.offset == NOW
    assert NOW <= clock.now() < NOW + timedelta(minutes=1)


def test_a_shifted_clock() -> None:
    day = timedelta(days=1)
    assert Clock(frozen_at=NOW).shifted(day) == Clock(frozen_at=NOW + day)
    assert Clock(offset=day).shifted(day) == Clock(offset=2 * day)


def test_every_table_of_a_project_is_kept_or_left_alone_on_purpose() -> None:
    tables = {table.name for table in whole_metadata().sorted_tables if "project_id" in table.c}
    assert {table.name for table in kept_tables()} == tables - LEFT_ALONE - {"projects"}
    assert tables >= LEFT_ALONE
    places = {table.name: place for place, table in enumerate(kept_tables())}
    for table in kept_tables():
        for key in table.foreign_keys:
            target = key.column.table.name
            assert target == table.name or places.get(target, -1) < places[table.name], f"{table.name} to {target}"

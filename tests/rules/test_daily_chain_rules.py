"""When daily steps open and are lost: tables of cases, and years walked hour by hour in six offsets (R36)."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haversack.chains.daily.records import Day
from haversack.chains.daily.rules import days_of, end_of
from haversack.chains.records import ByDay, Chain, DailyType, Progress, Step, StepState
from haversack.chains.rules import chain_window, standing_of
from haversack.limits.records import FOR_EVER

OFFSETS = ("+00:00", "+03:00", "-08:00", "+05:30", "-03:30", "+13:45")
START = datetime(2026, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# How days stand, a letter for each: claimed, open, in the future, missed.
LETTERS = {StepState.CLAIMED: "c", StepState.CLAIMABLE: "o", StepState.IN_FUTURE: "f", StepState.MISSED: "m"}
NOTHING_CLAIMED = Progress(FOR_EVER)


def _chain(type_: DailyType = DailyType.CALENDAR_HARD, *, step_count: int = 3, **changes: Any) -> Chain:
    """A chain from April 2026 on whose steps have their numbers as ids."""
    opening = ByDay(type=type_, is_recurrent=changes.pop("is_recurrent", False))
    about: dict[str, Any] = {
        "project_id": 44001,
        "chain_id": 5001,
        "opening": opening,
        "name": {"en": "Days"},
        "is_enabled": True,
        "starts_at": START,
        "began_at": FOR_EVER,
        "steps": tuple(Step(step_id=number, number=number, rewards=()) for number in range(1, step_count + 1)),
        "created_at": START,
        "updated_at": START,
    }
    return Chain(**{**about, **changes})


def _at(text: str) -> datetime:
    """A day of April 2026 with an hour: 02T09."""
    return datetime.fromisoformat(f"2026-04-{text}:00+00:00")


def _claims(window_start: datetime = FOR_EVER, **claims: str) -> Progress:
    """Steps that were claimed: s1="01T09"."""
    return Progress(window_start, {int(step[1:]): _at(moment) for step, moment in claims.items()})


def _days(chain: Chain, progress: Progress, now: datetime) -> tuple[Day, ...]:
    return days_of(chain, standing_of(chain, progress, now).progress, now)


def _states(chain: Chain, progress: Progress, now: datetime) -> str:
    return "".join(LETTERS[day.state] for day in _days(chain, progress, now))


def _opens(chain: Chain, progress: Progress, now: datetime) -> list[datetime]:
    return [day.unlocked_at for day in _days(chain, progress, now)]


@pytest.mark.parametrize(
    ("now", "progress", "states"),
    [
        ("01T00", NOTHING_CLAIMED, "off"),
        ("01T23", NOTHING_CLAIMED, "off"),
        ("01T23", _claims(s1="01T09"), "cff"),
        # A missed day is lost, and the later ones open all the same.
        ("02T00", NOTHING_CLAIMED, "mof"),
        ("02T12", _claims(s1="01T09"), "cof"),
        ("03T00", NOTHING_CLAIMED, "mmo"),
        ("03T23", _claims(s1="01T09", s3="03T01"), "cmc"),
        ("04T00", _claims(s2="02T09"), "mcm"),
    ],
)
def test_a_step_of_the_calendar_is_open_on_its_day(now: str, progress: Progress, states: str) -> None:
    assert _states(_chain(), progress, _at(now)) == states


def test_steps_of_the_calendar_open_a_day_apart() -> None:
    chain = _chain(starts_at=datetime.fromisoformat("2024-02-28T09:00:00+05:30"))
    opens = _opens(chain, NOTHING_CLAIMED, chain.starts_at)
    # 29 February is a day like any other.
    assert opens == [datetime(2024, *day, 3, 30, tzinfo=UTC) for day in ((2, 28), (2, 29), (3, 1))]


@pytest.mark.parametrize(
    ("now", "progress", "states"),
    [
        ("01T00", NOTHING_CLAIMED, "off"),
        # Nothing is lost by waiting.
        ("09T12", NOTHING_CLAIMED, "off"),
        # One a day: the next one opens when the day of the last claim is over.
        ("09T13", _claims(s1="09T12"), "cff"),
        ("09T23", _claims(s1="09T00"), "cff"),
        ("10T00", _claims(s1="09T23"), "cof"),
        ("20T00", _claims(s1="09T23", s2="11T12"), "cco"),
        ("21T00", _claims(s1="09T23", s2="11T12", s3="20T01"), "ccc"),
    ],
)
def test_a_rolling_chain_waits_for_its_player(now: str, progress: Progress, states: str) -> None:
    assert _states(_chain(DailyType.ROLLING), progress, _at(now)) == states


def test_when_rolling_steps_open() -> None:
    chain = _chain(DailyType.ROLLING, starts_at=_at("01T09"))
    # The claim at 8 was on the day that had begun at 9 the day before.
    assert _opens(chain, _claims(s1="05T08"), _at("05T10")) == [_at("04T09"), _at("05T09"), _at("06T09")]
    assert _states(chain, _claims(s1="05T08"), _at("05T10")) == "cof"
    assert _opens(_chain(DailyType.ROLLING), NOTHING_CLAIMED, _at("05T10")) == [START, _at("06T00"), _at("07T00")]


def test_rolling_steps_whose_day_does_not_come_are_blocked() -> None:
    chain = _chain(DailyType.ROLLING, ends_at=_at("06T12"))
    assert _states(chain, NOTHING_CLAIMED, _at("04T01")) == "off"
    assert _states(chain, NOTHING_CLAIMED, _at("05T01")) == "ofm"
    assert _states(chain, NOTHING_CLAIMED, _at("06T01")) == "omm"
    assert _states(chain, _claims(s1="05T09"), _at("05T10")) == "cfm"


def test_a_reset_of_a_rolling_chain_lets_everybody_begin_anew() -> None:
    chain, progress = _chain(DailyType.ROLLING, began_at=_at("05T10")), _claims(s1="04T09", s2="05T09")
    # On the same day too.
    assert _states(chain, progress, _at("05T11")) == "off"
    assert _opens(chain, progress, _at("05T11")) == [_at("05T10"), _at("06T00"), _at("07T00")]
    assert _states(chain, _claims(_at("05T10"), s1="05T11"), _at("05T12")) == "cff"
    # Reset twice while the clock stands still.
    twice = replace(chain, began_at=_at("05T10") + timedelta(microseconds=1))
    assert _states(twice, _claims(_at("05T10"), s1="05T10"), _at("05T10")) == "off"


def test_a_rolling_chain_that_recurs_begins_anew_on_the_day_after_its_last_claim() -> None:
    chain, done = _chain(DailyType.ROLLING, is_recurrent=True), _claims(s1="01T09", s2="05T09", s3="09T09")
    assert _states(chain, done, _at("09T23")) == "ccc"
    assert _states(chain, done, _at("10T00")) == "off"
    # It waits there, whenever the player comes back: the round is the same.
    for moment in ("10T00", "30T00"):
        assert standing_of(chain, done, _at(moment)).progress == Progress(_at("10T00"))
    assert _states(chain, _claims(_at("10T00"), s1="30T00"), _at("30T01")) == "cff"
    # One that does not recur stays done.
    assert _states(_chain(DailyType.ROLLING), done, _at("30T00")) == "ccc"


def test_a_chain_of_the_calendar_that_recurs_begins_anew_after_its_last_day() -> None:
    chain = _chain(is_recurrent=True)
    assert _states(chain, _claims(s3="03T09"), _at("03T23")) == "mmc"
    assert _states(chain, _claims(s3="03T09"), _at("04T00")) == "off"
    assert _states(chain, _claims(_at("04T00"), s1="04T01"), _at("05T00")) == "cof"
    assert _opens(chain, NOTHING_CLAIMED, _at("05T00")) == [_at("04T00"), _at("05T00"), _at("06T00")]


@pytest.mark.parametrize(
    ("type_", "is_recurrent", "ends_at", "end"),
    [
        (DailyType.CALENDAR_HARD, False, None, "04T00"),
        # That it has an end of its own was never written.
        (DailyType.CALENDAR_HARD, False, "09T00", "04T00"),
        (DailyType.CALENDAR_HARD, True, None, None),
        (DailyType.ROLLING, False, None, None),
        (DailyType.ROLLING, False, "09T00", "09T00"),
        (DailyType.ROLLING, True, "09T00", "09T00"),
    ],
)
def test_when_chains_end(type_: DailyType, is_recurrent: bool, ends_at: str | None, end: str | None) -> None:
    found = end_of(
        ByDay(type=type_, is_recurrent=is_recurrent),
        starts_at=START,
        ends_at=None if ends_at is None else _at(ends_at),
        step_count=3,
    )
    assert found == (None if end is None else _at(end))


def test_a_moved_start_keeps_what_was_claimed_in_the_first_round() -> None:
    assert _states(_chain(starts_at=_at("02T00")), _claims(s1="01T09"), _at("03T00")) == "cof"


def test_an_update_in_a_later_round_keeps_what_was_claimed_in_it() -> None:
    began = chain_window(_chain(is_recurrent=True), _at("05T00")).start
    moved = _chain(is_recurrent=True, starts_at=_at("05T00"), began_at=began)
    assert _states(moved, _claims(began, s1="04T09"), _at("06T00")) == "cof"


def test_before_its_start_nothing_is_open() -> None:
    before = START - timedelta(hours=1)
    assert _states(_chain(), NOTHING_CLAIMED, before) == "fff"
    assert _states(_chain(DailyType.ROLLING), NOTHING_CLAIMED, before) == "fff"


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("step_count", [1, 7, 31])
def test_a_year_of_the_calendar(offset: str, step_count: int) -> None:
    """Each round begins exactly once, each step is open for exactly one day of it."""
    start = datetime.fromisoformat(f"2024-01-31T00:00:00{offset}")
    chain = _chain(starts_at=start, step_count=step_count, is_recurrent=True)
    rounds: list[datetime] = []
    open_hours: Counter[tuple[int, int]] = Counter()
    for hour in range(366 * 24):
        now = start + hour * HOUR
        window = chain_window(chain, now)
        if not rounds or rounds[-1] != window.start:
            rounds.append(window.start)
        (is_open,) = [day for day in _days(chain, NOTHING_CLAIMED, now) if day.state is StepState.CLAIMABLE]
        open_hours[len(rounds), is_open.step.number] += 1
    assert rounds == [FOR_EVER, *(start + days * DAY for days in range(step_count, 366, step_count))]
    assert set(open_hours.values()) == {24}
    assert len(open_hours) == 366


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_year_at_the_own_pace(offset: str) -> None:
    """Who claims whatever is open gets one step on each day, and each round begins exactly once."""
    start = datetime.fromisoformat(f"2024-02-01T00:00:00{offset}")
    chain = _chain(DailyType.ROLLING, starts_at=start, step_count=31, is_recurrent=True)
    progress = NOTHING_CLAIMED
    claimed: list[tuple[datetime, int]] = []
    rounds: list[datetime] = []
    for hour in range(366 * 24):
        now = start + hour * HOUR
        held = standing_of(chain, progress, now).progress
        if not rounds or rounds[-1] != held.window_start:
            rounds.append(held.window_start)
        for day in days_of(chain, held, now):
            if day.state is StepState.CLAIMABLE:
                progress = Progress(held.window_start, {**held.claimed, day.step.step_id: now})
                claimed.append((now, day.step.number))
    days = [start + day * DAY for day in range(366)]
    assert claimed == [(moment, place % 31 + 1) for place, moment in enumerate(days)]
    assert rounds == [FOR_EVER, *days[31::31]]

"""Which step of an offer chain is open and when it begins anew: tables, and a year walked hour by hour (R36)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haversack.catalog.records import Schedule
from haversack.chains.offer.rules import next_step, schedule_window
from haversack.chains.records import ByOrder, Chain, Progress, Step, StepState
from haversack.chains.rules import chain_window, check_claim, check_order, restarted, standing_of, step_state
from haversack.errors import CHAIN_STEP_FREE, CHAIN_STEP_NOT_OPEN, CHAIN_STEP_PAID, REWARD_CLAIMED, Refusal
from haversack.limits.records import FOR_EVER

OFFSETS = ("+00:00", "+03:00", "-08:00", "+05:30", "-03:30", "+13:45")
START = datetime(2026, 4, 1, 10, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)


def _chain(*, is_reset_on_completion: bool = False, paid: Sequence[int] = (), **changes: Any) -> Chain:
    """A chain of the steps 7, 8 and 9."""
    about: dict[str, Any] = {
        "project_id": 44001,
        "chain_id": 5001,
        "opening": ByOrder(is_reset_on_completion=is_reset_on_completion),
        "name": {"en": "Offers"},
        "is_enabled": True,
        "starts_at": START,
        "began_at": FOR_EVER,
        "steps": tuple(
            Step(step_id=step_id, number=number, rewards=(), is_free=step_id not in paid)
            for number, step_id in enumerate((7, 8, 9), start=1)
        ),
        "created_at": START,
        "updated_at": START,
    }
    return Chain(**{**about, **changes})


def _done(*step_ids: int, window_start: datetime = FOR_EVER) -> Progress:
    """Steps that were done, one after the other from the start on, an hour apart."""
    return Progress(window_start, {step_id: START + place * HOUR for place, step_id in enumerate(step_ids)})


@pytest.mark.parametrize(
    ("done", "number"),
    [((), 1), ((7,), 2), ((7, 8), 3), ((7, 8, 9), None), ((9,), 1), ((7, 9), 2), ((70, 7), 2)],
)
def test_the_first_step_that_is_not_done_is_open(done: Sequence[int], number: int | None) -> None:
    # A step that an update has put in between comes before what was done already.
    found = next_step(_chain(), _done(*done))
    assert (found.number if found else None) == number


def test_how_steps_stand() -> None:
    chain = _chain()
    standing = standing_of(chain, _done(7), START)
    assert [step_state(chain, step, standing, START) for step in chain.steps] == [
        StepState.CLAIMED,
        StepState.CLAIMABLE,
        StepState.IN_FUTURE,
    ]


@pytest.mark.parametrize(
    ("number", "claimed_as", "ordered_as"),
    [
        (1, REWARD_CLAIMED, REWARD_CLAIMED),
        (2, CHAIN_STEP_PAID, None),
        (3, CHAIN_STEP_NOT_OPEN, CHAIN_STEP_NOT_OPEN),
    ],
)
def test_what_may_be_claimed_and_ordered(number: int, claimed_as: object, ordered_as: object) -> None:
    chain = _chain(paid=(8,))
    step, standing = chain.steps[number - 1], standing_of(chain, _done(7), START)
    with pytest.raises(Refusal) as refused:
        check_claim(chain, step, standing, START)
    assert refused.value.kind is claimed_as
    if ordered_as is None:
        check_order(chain, step, standing, START)
    else:
        with pytest.raises(Refusal) as refused:
            check_order(chain, step, standing, START)
        assert refused.value.kind is ordered_as
    with pytest.raises(Refusal) as refused:
        check_order(chain, chain.steps[0], standing_of(chain, None, START), START)
    assert refused.value.kind is CHAIN_STEP_FREE


def test_a_chain_that_is_gone_through_stays_done_or_begins_anew() -> None:
    done = _done(7, 8, 9)
    assert standing_of(_chain(), done, START + 9 * HOUR).progress == done
    again = _chain(is_reset_on_completion=True)
    assert standing_of(again, done, START + 9 * HOUR).progress == Progress(START + 2 * HOUR + MOMENT)
    assert standing_of(again, _done(7, 8), START + 9 * HOUR).progress == _done(7, 8)


def test_rounds_of_a_clock_that_stands_still_are_different_ones() -> None:
    chain, progress, starts = _chain(is_reset_on_completion=True), Progress(FOR_EVER), []
    for _ in range(3):
        progress = standing_of(chain, Progress(progress.window_start, dict.fromkeys((7, 8, 9), START)), START).progress
        starts.append(progress.window_start)
    assert starts == [START + MOMENT, START + 2 * MOMENT, START + 3 * MOMENT]


@pytest.mark.parametrize(
    ("schedule", "now", "start", "following"),
    [
        (Schedule("hourly", ""), "2026-04-01T11:29:59", "2026-04-01T10:30", "2026-04-01T11:30"),
        (Schedule("hourly", ""), "2026-04-01T11:30:00", "2026-04-01T11:30", "2026-04-01T12:30"),
        (Schedule("hourly", "", interval_hours=5), "2026-04-02T06:29:59", "2026-04-02T01:30", "2026-04-02T06:30"),
        (Schedule("weekly", "08:00:00+05:30", 1), "2026-04-06T02:29:59", "2026-03-30T02:30", "2026-04-06T02:30"),
        (Schedule("weekly", "08:00:00+05:30", 1), "2026-04-06T02:30:00", "2026-04-06T02:30", "2026-04-13T02:30"),
        (Schedule("monthly", "00:00:00+00:00", None, 31), "2024-02-29T00:00", "2024-02-29T00:00", "2024-03-31T00:00"),
        (Schedule("monthly", "00:00:00+00:00", None, 29), "2026-02-28T00:00", "2026-02-28T00:00", "2026-03-29T00:00"),
    ],
)
def test_windows_of_a_schedule(schedule: Schedule, now: str, start: str, following: str) -> None:
    window = schedule_window(schedule, START, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert window.start == datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert window.next == datetime.fromisoformat(following).replace(tzinfo=UTC)


def test_a_reset_leaves_what_was_done_behind() -> None:
    schedule = restarted(Schedule("hourly", "", interval_hours=4), START, START)
    chain, held = _chain(schedule=schedule), _done(7)
    assert standing_of(chain, held, START + 3 * HOUR).progress == held
    assert standing_of(chain, held, START + 4 * HOUR).progress == Progress(START + 4 * HOUR)
    # A round of the player's own ends with the window too.
    own = _done(7, window_start=START + MOMENT)
    assert standing_of(chain, own, START + 3 * HOUR).progress == own
    assert standing_of(chain, own, START + 4 * HOUR).progress == Progress(START + 4 * HOUR)
    assert chain_window(_chain(), START).next is None


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize(
    "schedule",
    [
        Schedule("weekly", "00:00:00{}", day_of_week=7),
        Schedule("weekly", "23:00:00{}", day_of_week=1),
        Schedule("monthly", "00:00:00{}", day_of_month=31),
        Schedule("monthly", "12:00:00{}", day_of_month=29),
        Schedule("hourly", ""),
        Schedule("hourly", "", interval_hours=36),
    ],
    ids=lambda schedule: f"{schedule.interval_type} {schedule.day_of_week or schedule.day_of_month or ''}",
)
def test_each_reset_of_a_year_happens_exactly_once(schedule: Schedule, offset: str) -> None:
    """Hour by hour through a leap year, with a player who goes through the chain whenever it is open."""
    beginning = datetime.fromisoformat(f"2024-01-01T00:00:00{offset}")
    written = replace(schedule, time=schedule.time.format(offset))
    chain = _chain(starts_at=beginning, schedule=restarted(written, beginning, beginning))
    done_at: list[datetime] = []
    announced: list[datetime] = []
    progress = None
    for hour in range(366 * 24):
        now = beginning + hour * HOUR
        standing = standing_of(chain, progress, now)
        assert standing.window.next is not None
        assert standing.window.start <= now < standing.window.next
        if not announced or announced[-1] != standing.window.next:
            announced.append(standing.window.next)
        progress = standing.progress
        if next_step(chain, progress) is not None:
            done_at.append(now)
            progress = Progress(progress.window_start, dict.fromkeys((7, 8, 9), now))
    # What was announced as the next reset is when the chain was open again.
    assert done_at[1:] == announced[:-1]
    resets = {"weekly": (52, 53), "monthly": (12, 12), "hourly": (366 * 24 // written.interval_hours - 1,) * 2}
    least, most = resets[schedule.interval_type]
    assert least <= len(done_at) - 1 <= most
    if schedule.interval_type == "monthly":
        last = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        wanted = [min(schedule.day_of_month or 0, days) for days in last]
        assert [moment.astimezone(beginning.tzinfo).day for moment in done_at[1:]] == wanted

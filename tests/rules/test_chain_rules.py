"""Who sees which chains, which window runs, how steps stand, as tables of cases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from haversack.catalog.records import Schedule
from haversack.chains.drafts import reset, switched
from haversack.chains.records import (
    ByDay,
    ByOrder,
    ByPoints,
    Chain,
    DailyType,
    Opening,
    Progress,
    Reward,
    Step,
    StepState,
)
from haversack.chains.rules import (
    chain_window,
    check_claim,
    claimable_steps,
    is_running,
    restarted,
    rewards_for,
    standing_of,
    step_state,
    visible_chains,
)
from haversack.errors import REWARD_CLAIMED, VALUE_POINTS_TOO_FEW, Refusal
from haversack.limits.records import FOR_EVER
from haversack.personalization.records import AttributeCondition, Attributes, AttributeType

# A Monday.
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GOLD = AttributeCondition(attribute="league", type=AttributeType.STRING, operator="eq", value="gold")
GOLD_OR_NONE = replace(GOLD, can_be_missing=True)
WEEKLY = Schedule("weekly", "00:00:00+00:00", day_of_week=1)


def make_chain(chain_id: int = 1, **changes: object) -> Chain:
    chain = Chain(
        project_id=1,
        chain_id=chain_id,
        opening=ByPoints(value_point_id=9),
        name={"en": "Road"},
        is_enabled=True,
        starts_at=NOW - 100 * DAY,
        began_at=FOR_EVER,
        steps=tuple(Step(step_id=70 + n, number=n, rewards=(Reward(5, n),), points=n * 10) for n in (1, 2, 3)),
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(chain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"is_enabled": False}, False),
        ({"starts_at": NOW}, True),
        ({"starts_at": NOW + timedelta(seconds=1)}, False),
        ({"ends_at": NOW}, False),
        ({"ends_at": NOW + timedelta(seconds=1)}, True),
    ],
)
def test_running(changes: dict[str, object], expected: bool) -> None:
    assert is_running(make_chain(**changes), NOW) is expected


PLAIN, FILLER = make_chain(1), make_chain(2, is_always_visible=False)
GOLDEN, LENIENT = make_chain(3, conditions=(GOLD,)), make_chain(4, conditions=(GOLD_OR_NONE,))
OFF = make_chain(5, conditions=(GOLD,), is_enabled=False)


@pytest.mark.parametrize(
    ("chains", "attributes", "expected"),
    [
        ([PLAIN, FILLER], {}, [1, 2]),
        ([PLAIN, FILLER], None, [1, 2]),
        ([PLAIN, FILLER, GOLDEN], {}, [1, 2]),
        ([PLAIN, FILLER, GOLDEN], {"league": "tin"}, [1, 2]),
        ([PLAIN, FILLER, GOLDEN], {"league": "gold"}, [1, 3]),
        ([PLAIN, FILLER, GOLDEN], None, [1, 2]),
        # Who lacks the attribute meets this one, and so does who is not signed in.
        ([PLAIN, FILLER, LENIENT], {}, [1, 4]),
        ([PLAIN, FILLER, LENIENT], None, [1, 4]),
        # A chain that is switched off is for nobody.
        ([FILLER, OFF], {"league": "gold"}, [2]),
        ([replace(PLAIN, sort_order=2), replace(GOLDEN, sort_order=1)], {"league": "gold"}, [3, 1]),
    ],
)
def test_visible(chains: list[Chain], attributes: Attributes | None, expected: list[int]) -> None:
    assert [chain.chain_id for chain in visible_chains(chains, attributes, NOW)] == expected


def test_offer_chains_are_all_shown_to_who_is_not_signed_in() -> None:
    golden = make_chain(3, opening=ByOrder(), conditions=(GOLD,))
    assert visible_chains([golden], None, NOW) == [golden]
    assert visible_chains([golden], {}, NOW) == []


MONDAY = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "start", "following"),
    [
        # Without a schedule there is one window, unless somebody resets.
        ({}, FOR_EVER, None),
        ({"began_at": NOW - DAY}, NOW - DAY, None),
        ({"schedule": replace(WEEKLY, started_at=MONDAY - 70 * DAY)}, MONDAY, MONDAY + 7 * DAY),
        # Before the first reset after the schedule was written nothing begins anew.
        ({"schedule": replace(WEEKLY, started_at=MONDAY + 7 * DAY)}, FOR_EVER, MONDAY + 7 * DAY),
        ({"schedule": replace(WEEKLY, started_at=MONDAY)}, MONDAY, MONDAY + 7 * DAY),
        # Nor before the chain begins, nor after it has ended.
        ({"schedule": WEEKLY, "starts_at": MONDAY + timedelta(hours=1)}, FOR_EVER, MONDAY + 7 * DAY),
        ({"schedule": WEEKLY, "ends_at": MONDAY - DAY}, MONDAY - 7 * DAY, None),
        ({"schedule": WEEKLY, "ends_at": MONDAY + DAY}, MONDAY, None),
        # A reset by hand begins a window within the one of the schedule.
        ({"schedule": WEEKLY, "began_at": MONDAY + timedelta(hours=3)}, MONDAY + timedelta(hours=3), MONDAY + 7 * DAY),
        ({"schedule": WEEKLY, "began_at": MONDAY - DAY}, MONDAY, MONDAY + 7 * DAY),
        # While it is switched off it does not reset.
        ({"schedule": WEEKLY, "began_at": MONDAY - 20 * DAY, "is_enabled": False}, MONDAY - 20 * DAY, None),
    ],
)
def test_window(changes: dict[str, object], start: datetime, following: datetime | None) -> None:
    found = chain_window(make_chain(**changes), NOW)
    assert (found.start, found.next) == (start, following)


def test_switching_keeps_players_in_their_window() -> None:
    chain = make_chain(schedule=restarted(WEEKLY, NOW, NOW - 30 * DAY))
    off = switched(chain, is_enabled=False, now=NOW)
    assert chain_window(off, NOW + 50 * DAY).start == MONDAY
    on = switched(off, is_enabled=True, now=NOW + 15 * DAY)
    assert chain_window(on, NOW + 15 * DAY).start == MONDAY
    assert chain_window(on, NOW + 21 * DAY).start == MONDAY + 21 * DAY


def test_resets_on_a_clock_that_stands_still_are_windows_of_their_own() -> None:
    first = reset(make_chain(), now=NOW)
    second = reset(first, now=NOW)
    assert FOR_EVER < chain_window(first, NOW).start < chain_window(second, NOW).start


@pytest.mark.parametrize(
    ("points", "claimed", "expected"),
    [
        (0, [], ["claim_in_future"] * 3),
        (9, [], ["claim_in_future"] * 3),
        (10, [], ["claimable", "claim_in_future", "claim_in_future"]),
        # Points are a threshold; steps are taken in any order.
        (30, [73], ["claimable", "claimable", "claimed"]),
        (0, [71], ["claimed", "claim_in_future", "claim_in_future"]),
    ],
)
def test_steps_open_by_points(points: int, claimed: list[int], expected: list[str]) -> None:
    chain = make_chain()
    standing = standing_of(chain, Progress(FOR_EVER, dict.fromkeys(claimed, NOW)), NOW, points=points)
    assert [step_state(chain, step, standing, NOW).value for step in chain.steps] == expected


@pytest.mark.parametrize(
    "opening",
    [
        ByPoints(value_point_id=9),
        ByPoints(value_point_id=9, is_clan=True),
        ByDay(type=DailyType.CALENDAR_HARD),
        ByDay(type=DailyType.CALENDAR_HARD, is_recurrent=True),
        ByDay(type=DailyType.ROLLING),
        ByOrder(),
    ],
)
@pytest.mark.parametrize("clan", [None, "a"])
@pytest.mark.parametrize("claimed", [(), (71,), (71, 72), (73,), (71, 72, 73)])
@pytest.mark.parametrize("day", [-1, 0, 1, 2, 3, 7])
@pytest.mark.parametrize("ends", [None, 2])
def test_claimable_steps_are_those_that_stand_so(
    opening: Opening, clan: str | None, claimed: tuple[int, ...], day: int, ends: int | None
) -> None:
    ends_at, now = None if ends is None else NOW + ends * DAY, NOW + day * DAY
    chain = make_chain(opening=opening, starts_at=NOW, ends_at=ends_at)
    standing = standing_of(chain, Progress(FOR_EVER, dict.fromkeys(claimed, NOW)), now, points=20, clan=clan)
    expected = [step for step in chain.steps if step_state(chain, step, standing, now) is StepState.CLAIMABLE]
    assert claimable_steps(chain, standing, now) == expected


def test_what_was_taken_in_an_earlier_window_does_not_count() -> None:
    chain = make_chain(began_at=NOW - DAY)
    standing = standing_of(chain, Progress(FOR_EVER, {71: NOW - 2 * DAY}), NOW, points=10)
    assert step_state(chain, chain.steps[0], standing, NOW) is StepState.CLAIMABLE


def test_claims_are_refused_with_their_reason() -> None:
    chain = make_chain()
    standing = standing_of(chain, Progress(FOR_EVER, {71: NOW}), NOW, points=20)
    check_claim(chain, chain.steps[1], standing, NOW)
    for step, kind in ((chain.steps[0], REWARD_CLAIMED), (chain.steps[2], VALUE_POINTS_TOO_FEW)):
        with pytest.raises(Refusal) as refusal:
            check_claim(chain, step, standing, NOW)
        assert refusal.value.kind is kind


def test_rewards_have_conditions_of_their_own() -> None:
    step = Step(step_id=1, number=1, rewards=(Reward(5, 1), Reward(6, 2, (GOLD,))))
    assert rewards_for(step, {}) == [(5, 1)]
    assert rewards_for(step, {"league": "gold"}) == [(5, 1), (6, 2)]


OFFSETS = ("+00:00", "-11:00", "+03:00", "+05:30", "-03:30", "+13:45")
# Two years with a 29 February in them.
FIRST = datetime(2027, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize(
    ("when", "resets"),
    [
        ({"interval_type": "weekly", "day_of_week": 7}, range(104, 106)),
        ({"interval_type": "monthly", "day_of_month": 31}, range(24, 26)),
        ({"interval_type": "monthly", "day_of_month": 29}, range(24, 26)),
    ],
)
def test_windows_of_two_years_follow_each_other(offset: str, when: dict[str, object], resets: range) -> None:
    schedule = Schedule(time=f"23:00:00{offset}", **when)  # type: ignore[arg-type]
    chain = make_chain(schedule=restarted(schedule, FIRST, FIRST), starts_at=FIRST)
    found = [chain_window(chain, FIRST)]
    while (following := found[-1].next) is not None and following < FIRST + 731 * DAY:
        # To the last moment before the reset it is one window, from the reset on the next.
        assert chain_window(chain, following - timedelta(microseconds=1)) == found[-1]
        found.append(chain_window(chain, following))
        assert found[-1].start == following
    assert found[0].start == FOR_EVER
    assert len(found) - 1 in resets
    if when["interval_type"] == "monthly":
        zone = datetime.fromisoformat(f"2027-01-01T00:00:00{offset}").tzinfo
        assert {window.start.astimezone(zone).hour for window in found[1:]} == {23}
        february = [window.start.astimezone(zone) for window in found[1:] if window.start.astimezone(zone).month == 2]
        assert [each.day for each in february] == [29, 28]

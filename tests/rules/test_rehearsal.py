"""A tiny season whose numbers are reckoned on paper; what a rehearsal says of it; that chance comes out alike."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from haversack.catalog.read_model.records import PointReward, Stocks
from haversack.catalog.records import ItemLimits, Period, Schedule
from haversack.chains.records import DailyType
from haversack.personalization.records import AttributeCondition, AttributeType
from haversack.promotions.records import BonusItems, HasCode, PromotionKind, PromotionLimits, RevealedItems
from haversack.rehearsal import temperaments
from haversack.rehearsal.playing import Party, play, trace
from haversack.rehearsal.records import DAY
from haversack.rehearsal.report import Report, report_of
from haversack.rehearsal.rules import stops_of
from haversack.rehearsal.season import Season
from haversack.rehearsal.temperaments import TEMPERAMENTS, draw_attributes, random_of, values_of
from haversack.rehearsal.text import lines_of_report
from make import rehearsal as make
from make.rehearsal import CERTAIN, CLAN_STAR, GEM, LAMP, STAR, START, SWORD

DOCUMENT = Path(__file__).parents[2] / "docs" / "rehearsal.md"
FIVE_STARS = {LAMP: (PointReward(STAR, 5),)}
GOLD = AttributeCondition(attribute="league", type=AttributeType.STRING, operator="eq", value="gold")


def played(season: Season, *players: Any) -> Report:
    """What is reported of players who know each other."""
    tally = Party(season, players or [make.player()]).play()
    return report_of(season, tally, seed=1)


def dead(report: Report) -> dict[tuple[int, int], str]:
    return {(each.chain_id, each.number): each.why for each in report.dead_steps}


def tiny() -> Season:
    """Lamps at 10.00 less 10 %, two for each player, with five stars each; a road, three days, and an offer."""
    return make.season(
        make.gem(),
        make.lamp(limits=ItemLimits(per_user=2)),
        make.sword(),
        make.star(),
        chains=[
            make.road(1, 5, 10, 15),
            make.days(2, 3),
            make.offer(3, make.step(1, (GEM, 1)), make.step(2, (SWORD, 1), is_free=False), make.step(3, (GEM, 5))),
        ],
        promotions=[make.sale(1, "10", LAMP), make.sale(2, "50", SWORD)],
        points=FIVE_STARS,
    )


def test_a_tiny_season() -> None:
    report = played(tiny())
    # Lamps on the first two days for 9.00 each, the sword of the offer for 3.00: promotions mean nothing to it.
    assert report.sales.paid == {"USD": Decimal("21.00")}
    assert report.sales.before == {"USD": Decimal("23.00")}
    assert report.sales.taken_off == {"USD": Decimal("2.00")}
    assert report.sales.sold == {"lamp": 2, "sword": 1}
    # 1 + 2 of the road, 1 + 2 + 3 of the days, 1 + 5 of the offer, at ten cents each.
    assert [(each.sku, each.units, each.value) for each in report.rewards] == [("gem", 15, {"USD": Decimal("1.50")})]
    assert report.rewards_value == {"USD": Decimal("1.50")}
    assert dead(report) == {(1, 3): "It opens at 15 points; the most that there were in a window is 10."}
    # On the third, fourth and fifth day the player wants a lamp more.
    assert [(each.what, each.name, each.players, each.times) for each in report.limits] == [("item", "lamp", 1, 3)]
    used, unused = report.promotions
    assert (used.uses, used.taken_off, used.why_unused) == (2, {"USD": Decimal("2.00")}, None)
    assert unused.why_unused == "Nothing was bought that it is about."
    assert [(each.chain_id, each.number, each.players, each.of) for each in report.stops] == [(1, 3, 1, 1)]
    assert report.groups[0].visits == 5


def test_the_same_as_text_and_json() -> None:
    report = played(tiny())
    lines = list(lines_of_report(report))
    assert lines[0] == "Project 1 rehearsed with 1 player for 5 days from 2026-12-01T00:00+00:00, seed 1"
    assert "Given away by steps, 1.50 USD at list price" in lines
    assert "  money   21.00 USD paid, 2.00 USD taken off" in lines
    assert "  item  lamp  1 player  3 times" in lines
    form = orjson.loads(orjson.dumps(report, default=str))
    assert form["sales"]["paid"] == {"USD": "21.00"}
    assert form["dead_steps"][0]["number"] == 3


def test_a_trace_says_what_a_player_does() -> None:
    party = Party(tiny(), [make.player(), make.player(1)], traced=1)
    party.play()
    assert party.lines[:6] == [
        "player 1: collector, in no clan",
        "day   1  2026-12-01T00:00+00:00  buys 1 x lamp for 9.00 USD (promotions 1)",
        "day   1  2026-12-01T00:00+00:00  has 5 star-8",
        "day   1  2026-12-01T00:00+00:00  takes step 1 of chain 1 (Chain 1): 1 x gem",
        "day   1  2026-12-01T00:00+00:00  takes step 1 of chain 2 (Chain 2): 1 x gem",
        "day   1  2026-12-01T00:00+00:00  takes step 1 of chain 3 (Chain 3): 1 x gem",
    ]


# -- Dead steps -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chain", "place", "why"),
    [
        (make.road(1, 5, is_enabled=False), (1, 1), "The chain is switched off."),
        (make.road(1, 5, ends_at=START), (1, 1), "The chain is over before the first day."),
        (make.road(1, 5, starts_at=START + 5 * DAY), (1, 1), "The chain begins after the last day."),
        (make.road(1, 0, 1, point=77), (1, 2), "Nothing that is sold comes with the value point that it counts."),
        (make.days(1, 6), (1, 6), "Its day is not among these days."),
        (make.days(1, 6, DailyType.ROLLING), (1, 6), "Nobody came further than step 5."),
        (
            make.offer(1, make.step(1, (GEM, 1), is_free=False), make.step(2, (GEM, 1))),
            (1, 1),
            "It was open to 1 player, and cannot be sold: ",
        ),
        (
            make.road(1, 5, conditions=(GOLD,)),
            (1, 1),
            "Nobody sees the chain: no player met its conditions, or others are shown in its place.",
        ),
    ],
)
def test_a_dead_step_is_found(chain: Any, place: tuple[int, int], why: str) -> None:
    # The gem has no price here: it cannot be sold.
    season = make.season(
        make.entry(GEM, "gem", is_shown=False), make.lamp(), make.star(), chains=[chain], points=FIVE_STARS
    )
    assert dead(played(season))[place].startswith(why)


def test_a_step_that_nobody_wants_to_pay_is_dead() -> None:
    season = make.season(make.sword(), chains=[make.offer(1, make.step(1, (SWORD, 1), is_free=False))])
    report = played(season, make.player(temperament=replace(CERTAIN, pays=0)))
    assert dead(report) == {(1, 1): "It was open to 1 player, and none of them took it."}


def test_who_comes_on_other_days_misses_the_day() -> None:
    weekly = replace(CERTAIN, every_days=7)
    report = played(make.season(make.gem(), chains=[make.days(1, 3)]), make.player(temperament=weekly))
    assert dead(report) == {(1, 2): "Nobody came on its day.", (1, 3): "Nobody came on its day."}


# -- Chains ---------------------------------------------------------------------------------------------------------


def test_a_clan_has_what_its_members_bring() -> None:
    season = make.season(
        make.gem(),
        make.lamp(limits=ItemLimits(per_user=1)),
        make.star(CLAN_STAR, is_clan=True),
        chains=[make.road(1, 10, 15, point=CLAN_STAR, is_clan=True)],
        points={LAMP: (PointReward(CLAN_STAR, 5),)},
    )
    report = played(season, make.player(0, clan="a"), make.player(1, clan="a"), make.player(2))
    (line,) = report.chains
    # Five from each of the two members; who is in no clan brings none and takes none.
    assert (line.kind, line.most_points) == ("clan", 10)
    assert [(each.reached, each.claimers) for each in line.steps] == [(2, 2), (0, 0)]


def test_a_reset_begins_a_chain_and_its_points_anew() -> None:
    daily = Schedule("daily", "12:00:00+00:00")
    season = make.season(
        make.gem(),
        make.lamp(),
        make.star(),
        chains=[make.road(1, 5, schedule=daily)],
        points=FIVE_STARS,
        days=10,
    )
    assert [len(stops) for stops in season.by_day] == [2] * 10
    (step,) = played(season).chains[0].steps
    # One lamp a day, in the morning or after noon: each opens the step in its own window at least, and at most once.
    assert (step.claimers, step.reached) == (1, 1)
    assert 5 < step.claims <= 10


def test_a_limit_that_begins_anew_binds_in_each_window() -> None:
    limits = ItemLimits(per_user=1, schedule=Schedule("weekly", "00:00:00+00:00", day_of_week=1))
    # A Tuesday; the Mondays are the days 7 and 14.
    report = played(make.season(make.lamp(limits=limits), days=14))
    assert report.sales.sold == {"lamp": 3}
    assert [each.times for each in report.limits] == [11]


def test_who_finds_nothing_leaves_and_who_stays_is_stuck() -> None:
    season = make.season(make.gem(), make.star(), chains=[make.road(1, 0, 50)], days=30)
    leaver = make.player(0, replace(CERTAIN, patience=3))
    report = played(season, leaver, make.player(1))
    assert [each.left for each in report.groups] == [1, 0, 0, 0, 0]
    # One visit with something to take and three without, against thirty.
    assert report.groups[0].visits == 34
    (place,) = report.stuck
    assert (place.number, place.asks, place.players, place.of, place.examples) == (2, "50 points", 1, 2, (1,))


def test_nobody_is_stuck_in_days_that_come_by_themselves() -> None:
    season = make.season(make.gem(), chains=[make.days(1, 3)], days=30)
    assert played(season).stuck == ()


def test_who_buys_does_not_leave() -> None:
    report = played(make.season(make.lamp(), days=30), make.player(temperament=replace(CERTAIN, patience=3)))
    assert (report.groups[0].visits, report.groups[0].left) == (30, 0)


def test_what_an_offer_gives_may_be_gone() -> None:
    season = make.season(make.lamp(), chains=[make.offer(1, make.step(1, (404, 1), is_free=False))])
    assert dead(played(season))[1, 1].endswith("Item with Project Id = 1 and Sku = 404 not found")


# -- Promotions and limits ------------------------------------------------------------------------------------------


def test_promotions_that_were_never_used_say_why() -> None:
    promotions = [
        make.sale(1, "10", LAMP, is_enabled=False),
        make.sale(2, "10", LAMP, limits=PromotionLimits(total=0)),
    ]
    report = played(make.season(make.lamp(), promotions=promotions))
    assert [each.why_unused for each in report.promotions] == [
        "It is switched off.",
        "All of its uses have been used.",
    ]


def test_a_promotion_used_up_by_a_player_binds() -> None:
    report = played(make.season(make.lamp(), promotions=[make.sale(1, "10", LAMP, limits=PromotionLimits(per_user=2))]))
    assert report.sales.paid == {"USD": Decimal("48.00")}
    assert [(each.what, each.name, each.times) for each in report.limits] == [("promotion", "1 (Sale 1)", 3)]


def test_what_discounts_take_off_adds_up() -> None:
    promotions = [make.sale(1, "33", LAMP), make.sale(2, "33", LAMP)]
    report = played(make.season(make.lamp(), promotions=promotions, days=1))
    # 10.00 x 0.67 x 0.67 = 4.489, rounded to 4.49: 3.30 by the first, and 2.21 by the second.
    assert [each.taken_off["USD"] for each in report.promotions] == [Decimal("3.30"), Decimal("2.21")]
    assert report.sales.taken_off == {"USD": Decimal("5.51")}


def test_codes() -> None:
    coded = {"external_id": "welcome", "conditions": (HasCode(),)}
    coupon = make.sale(
        1,
        "0",
        kind=PromotionKind.COUPON,
        rewards=(BonusItems(((GEM, 4),)),),
        limits=PromotionLimits(per_user=1),
        **coded,
    )
    unique = make.sale(2, "0", kind=PromotionKind.UNIQUE_OFFER, rewards=(RevealedItems((SWORD,)),), **coded)
    season = make.season(make.gem(), make.lamp(), make.sword(is_shown=True), promotions=[coupon, unique])
    report = played(season)
    # Whoever has the code of an offer buys what it reveals.
    assert report.sales.sold == {"sword": 5}
    assert [(each.sku, each.units) for each in report.coupons] == [("gem", 4)]
    assert [each.uses for each in report.promotions] == [1, 5]
    closed = replace(
        coupon, periods=(Period(None, "2026-11-30T00:00:00+00:00"), Period("2026-12-05T23:59:59+00:00", None))
    )
    (line,) = played(make.season(make.gem(), promotions=[closed])).promotions
    assert line.why_unused == "Its codes opened nothing: it had not begun, or was not for the players who tried."
    assert [(each.what, each.times) for each in report.limits] == [("promotion", 4)]


def test_bonuses_and_contents() -> None:
    bonus = make.sale(1, "0", kind=PromotionKind.BONUS, rewards=(BonusItems(((GEM, 2),)),))
    chest = make.box(20, "chest", (GEM, 10), prices=make.usd("5.00"))
    report = played(make.season(make.gem(), chest, promotions=[bonus], days=1))
    assert (report.sales.sold, report.sales.paid) == ({"chest": 1}, {"USD": Decimal("5.00")})
    assert [(each.sku, each.units, each.value) for each in report.bonuses] == [("gem", 2, {"USD": Decimal("0.20")})]


def test_more_is_wanted_than_there_is() -> None:
    limits = ItemLimits(per_item=3)
    season = make.season(make.lamp(limits=limits), stocks=Stocks(units={LAMP: (3, 3)}))
    (line,) = played(season).stock
    assert (line.name, line.available, line.wanted, line.day) == ("lamp", 3, 5, 3)


def test_what_can_be_owned_once_is_given_once() -> None:
    lasting = make.entry(30, "crown", is_shown=False, details={"virtual_item_type": "non_consumable"})
    season = make.season(
        lasting, chains=[make.chain(1, make.days(1, 1).opening, make.step(1, (30, 1)), make.step(2, (30, 1)))]
    )
    report = played(season)
    assert [(each.sku, each.units) for each in report.rewards] == [("crown", 1)]


# -- Chance ---------------------------------------------------------------------------------------------------------


def chancy() -> Season:
    return make.season(
        make.gem(),
        make.lamp(limits=ItemLimits(per_user=3, schedule=Schedule("daily", "06:00:00+05:30"))),
        make.sword(is_shown=True),
        make.star(),
        make.star(CLAN_STAR, is_clan=True),
        chains=[
            make.road(1, 0, 5, 10, 50, conditions=(replace(GOLD, can_be_missing=True),)),
            make.road(2, 3, 9, 27, point=CLAN_STAR, is_clan=True),
            make.days(3, 7),
            make.days(4, 5, DailyType.ROLLING),
            make.offer(5, make.step(1, (GEM, 1)), make.step(2, (SWORD, 1), is_free=False), make.step(3, (GEM, 9))),
        ],
        promotions=[make.sale(1, "10", LAMP), make.sale(2, "25", SWORD, limits=PromotionLimits(per_user=1))],
        points={LAMP: (PointReward(STAR, 5), PointReward(CLAN_STAR, 2))},
        days=20,
    )


def written(report: Report) -> bytes:
    return orjson.dumps(report, default=str) + "\n".join(lines_of_report(report)).encode()


def test_the_same_seed_gives_the_same_report_whoever_plays_first() -> None:
    season = chancy()
    whole = written(report_of(season, play(season, 7, range(60)), seed=7))
    parts = [play(chancy(), 7, numbers) for numbers in (range(50, 60), range(20), range(20, 50))]
    assert written(report_of(season, make.in_all(*parts), seed=7)) == whole
    assert written(report_of(season, play(season, 8, range(60)), seed=7)) != whole


def test_a_player_plays_the_same_however_many_there_are() -> None:
    assert trace(chancy(), 7, 13, players=20) == trace(chancy(), 7, 13, players=500)


def test_temperaments_are_those_of_the_document() -> None:
    assert sum(each.share for each in TEMPERAMENTS) == 100
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in DOCUMENT.read_text().splitlines()
        if re.match(r"\| (collector|spender|casual|weekly|leaver) ", line)
    ]
    assert rows == [
        [
            each.name,
            *map(str, (each.share, each.plays, each.every_days, each.visits, each.claims, each.pays, each.buys)),
            *map(str, (each.bargains, each.codes, each.leaves)),
            "for ever" if each.patience is None else str(each.patience),
        ]
        for each in TEMPERAMENTS
    ]
    text = DOCUMENT.read_text()
    for percent, what in ((temperaments.IN_CLAN, "are in its clan"), (temperaments.NO_ATTRIBUTE, "have none")):
        assert f"{percent} % {what}" in text


def test_temperaments_come_by_their_shares() -> None:
    drawn = [temperaments.draw_temperament(random_of(1, number)).name for number in range(2_000)]
    for each in TEMPERAMENTS:
        assert abs(drawn.count(each.name) * 100 / 2_000 - each.share) < 4


def test_attributes_are_those_that_are_asked_for() -> None:
    level = AttributeCondition(attribute="level", type=AttributeType.NUMBER, operator="ge", value="10")
    since = AttributeCondition(attribute="since", type=AttributeType.DATE, operator="lt", value="2026-01-02")
    values = values_of([GOLD, level, since])
    assert values["league"] == ("gold", "not gold")
    assert values["level"] == ("10", "9", "11")
    assert values["since"] == ("2026-01-02", "2026-01-01T00:00:00+00:00", "2026-01-03T00:00:00+00:00")
    drawn = [draw_attributes(random_of(1, number), values) for number in range(200)]
    assert {each.get("league") for each in drawn} == {"gold", "not gold", None}


# -- The clock ------------------------------------------------------------------------------------------------------


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def test_the_clock_stands_at_every_reset() -> None:
    weekly = Schedule("weekly", "09:00:00+02:00", day_of_week=3)
    stops = stops_of(
        START,
        3,
        chains=[
            make.days(1, 2, starts_at=START + timedelta(hours=10)),
            make.road(2, 5, schedule=weekly, ends_at=START + timedelta(days=2, hours=1)),
            make.road(3, 5, is_enabled=False, starts_at=START + timedelta(hours=3)),
        ],
        schedules=[Schedule("daily", "20:00:00+00:00")],
        edges=[START + timedelta(hours=5), START - DAY, START + 3 * DAY],
    )
    assert stops == (
        (at("2026-12-01T00:00"), at("2026-12-01T05:00"), at("2026-12-01T10:00"), at("2026-12-01T20:00")),
        (at("2026-12-02T00:00"), at("2026-12-02T07:00"), at("2026-12-02T10:00"), at("2026-12-02T20:00")),
        (at("2026-12-03T00:00"), at("2026-12-03T01:00"), at("2026-12-03T10:00"), at("2026-12-03T20:00")),
    )

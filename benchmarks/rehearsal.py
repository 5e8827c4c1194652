"""How many days of players a rehearsal plays a second, on one core: a season with chains of every kind."""

import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from benchmarks.figures import Figure, Sample, interleave
from benchmarks.processes import EVERY_CORE, MEASURED_CORE, pin
from haversack.catalog.read_model.records import PointReward
from haversack.catalog.records import ItemLimits, Schedule
from haversack.chains.records import DailyType
from haversack.promotions.records import PromotionLimits
from haversack.rehearsal.playing import play
from haversack.rehearsal.season import Season

DAYS = 90
PLAYERS = 200
ROUNDS = 3
WANTED_RATE = 2_000
ITEMS = 200
STEPS = 30
WEEKLY = Schedule("weekly", "06:00:00+02:00", day_of_week=1)


async def run() -> list[Figure]:
    """Days of players per second, and of CPU, with a new season each time."""
    pin([0], MEASURED_CORE)
    try:
        measured = (await interleave({"rehearsal": _measure}, rounds=ROUNDS))["rehearsal"]
    finally:
        pin([0], EVERY_CORE)
    rate = measured["rate"]
    return [
        rate.figure(
            f"{PLAYERS} players, {DAYS} days",
            "player-days/s",
            wanted=f"at least {WANTED_RATE:,}",
            verdict=rate.middle >= WANTED_RATE,
        ),
        measured["cpu"].figure("the same, by a second of CPU", "player-days/s"),
        measured["visits"].figure("visits of those who came", "visits/s"),
        measured["visit_us"].figure("a visit: CPU", "us"),
    ]


async def _measure() -> Sample:
    season = make_season()
    started, cpu = time.perf_counter(), time.process_time()
    tally = play(season, 1, range(PLAYERS))
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    return {
        "rate": PLAYERS * DAYS / seconds,
        "cpu": PLAYERS * DAYS / cpu_seconds,
        "visits": tally.visits.total() / seconds,
        "visit_us": cpu_seconds * 1_000_000 / tally.visits.total(),
    }


def make_season() -> Season:
    """Two roads, one of clans; a month of the calendar and a rolling one of thirty days; two offers; 200 items, half of
    them limited; ten discounts."""
    from make import rehearsal as make

    limited = ItemLimits(per_user=2, schedule=WEEKLY)
    goods = [
        make.entry(100 + number, f"good-{number}", prices=make.usd("4.99"), limits=limited if number % 2 else None)
        for number in range(ITEMS)
    ]
    points = {each.item_id: (PointReward(make.STAR, 5), PointReward(make.CLAN_STAR, 5)) for each in goods}
    ladder = [number * 5 for number in range(STEPS)]
    tenfold = [make.step(number, (make.GEM, 1), is_free=number % 3 > 0) for number in range(1, 11)]
    return make.season(
        make.gem(),
        make.star(),
        make.star(make.CLAN_STAR, is_clan=True),
        *goods,
        chains=[
            make.road(1, *ladder, schedule=WEEKLY),
            make.road(2, *ladder, point=make.CLAN_STAR, is_clan=True),
            replace(make.days(3, STEPS), starts_at=make.START + timedelta(hours=9)),
            make.days(4, STEPS, DailyType.ROLLING),
            make.offer(5, *tenfold),
            make.offer(6, *tenfold, schedule=WEEKLY),
        ],
        promotions=[
            make.sale(number, str(Decimal(5) * number), 100 + number, limits=PromotionLimits(per_user=5))
            for number in range(1, 11)
        ],
        points=points,
        days=DAYS,
    )

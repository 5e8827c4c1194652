"""When a simulated year is lived: visits all over it, most of them beside a moment at which something begins anew."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from simulation import books as rules
from simulation.shop import Shop

YEAR = timedelta(days=365)
LEAP_DAY = datetime(2028, 2, 29, tzinfo=UTC)
# A month or so from one to the next: ends of months are crossed, and no season is left out.
VISITS = 10


def visits_of(chance: Random, begins: datetime, count: int) -> list[datetime]:
    """So many moments all over a year, the last of them at its end; one more about the leap day, where there is one."""
    gaps = [chance.uniform(0.3, 1.7) for _ in range(count)]
    hours = YEAR // timedelta(hours=1)
    visits = [begins + timedelta(hours=round(hours * sum(gaps[:number]) / sum(gaps))) for number in range(1, count)]
    if begins < LEAP_DAY < begins + YEAR:
        visits.append(LEAP_DAY + timedelta(hours=chance.randint(-24, 36)))
    return [*sorted(visits), begins + YEAR]


def beside_an_edge(shop: Shop, chance: Random, moment: datetime) -> datetime:
    """A moment shortly before, at or after an edge of time that lies about a given one."""
    edges = edges_about(shop, moment)
    if not edges:
        return moment
    beside = (timedelta(minutes=-chance.randint(1, 59)), timedelta(seconds=-1), timedelta())
    return chance.choice(edges) + chance.choice((*beside, timedelta(minutes=chance.randint(1, 59))))


def edges_about(shop: Shop, moment: datetime) -> list[datetime]:
    """The resets before and after a moment, and the beginnings and ends of promotions in the same month."""
    schedules: list[tuple[dict[str, Any], datetime]] = [
        (good.schedule, rules.EVER) for good in shop.goods.values() if good.schedule is not None
    ]
    schedules += [(each["schedule"], rules.EVER) for each in shop.discounts if each["schedule"] is not None]
    schedules += [
        (chain.schedule, chain.starts_at)
        for chain in (shop.offer, shop.road)
        if chain is not None and chain.schedule is not None
    ]
    edges = [rules.last_reset(schedule, moment, starts_at) for schedule, starts_at in schedules]
    edges += [rules.next_reset(schedule, moment, starts_at) for schedule, starts_at in schedules]
    periods = [each.period for each in shop.coded] + [each["period"] for each in (*shop.discounts, *shop.presents)]
    turns = [turn for period in periods if period is not None for turn in period]
    return edges + [turn for turn in turns if abs(turn - moment) < timedelta(days=15)]

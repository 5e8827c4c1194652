"""The simulation's own books: what each player must have by the answers that were given. It knows nothing of the
product's rules but what the documents say, and reckons them in its own, slow way."""

import calendar
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from simulation.shop import GOLD, Coded, Daily, Good, Offer, Road, Shop

PAYABLE_FOR = timedelta(hours=24)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
EVER = datetime(1, 1, 1, tzinfo=UTC)
# What an order may become, and after which the books stay as they are.
MOVES = {
    "new": {"new", "paid", "done", "expired", "canceled"},
    "expired": {"expired", "paid", "done"},
    "paid": {"paid", "done", "canceled"},
    "done": {"done", "canceled"},
    "canceled": {"canceled"},
}


def last_reset(schedule: dict[str, Any] | None, now: datetime, starts_at: datetime = EVER) -> datetime:
    """The reset at or before a moment, looked for hour by hour. starts_at: since when a chain counts its hours."""
    if schedule is None:
        return EVER
    if "interval_hours" in schedule:
        moment = starts_at
        while moment + schedule["interval_hours"] * HOUR <= now:
            moment += schedule["interval_hours"] * HOUR
        return moment
    moment = _full_hour(schedule, now)
    while not _is_reset(schedule, moment):
        moment -= HOUR
    return moment


def next_reset(schedule: dict[str, Any], now: datetime, starts_at: datetime = EVER) -> datetime:
    """The reset after a moment, looked for likewise."""
    if "interval_hours" in schedule:
        return last_reset(schedule, now, starts_at) + schedule["interval_hours"] * HOUR
    moment = _full_hour(schedule, now) + HOUR
    while not _is_reset(schedule, moment):
        moment += HOUR
    return moment.astimezone(UTC)


def _full_hour(schedule: dict[str, Any], now: datetime) -> datetime:
    text = schedule.get("time", "00:00:00+00:00")
    offset = timedelta(hours=int(text[9:11]), minutes=int(text[12:14])) * (-1 if text[8] == "-" else 1)
    return now.astimezone(timezone(offset)).replace(minute=0, second=0, microsecond=0)


def _is_reset(schedule: dict[str, Any], moment: datetime) -> bool:
    if schedule["interval_type"] == "hourly":
        return True
    return moment.hour == int(schedule["time"][:2]) and _is_day(schedule, moment)


def _is_day(schedule: dict[str, Any], moment: datetime) -> bool:
    match schedule["interval_type"]:
        case "weekly":
            return bool(moment.isoweekday() == schedule["day_of_week"])
        case "monthly":
            last = calendar.monthrange(moment.year, moment.month)[1]
            return bool(moment.day == min(schedule["day_of_month"], last))
    return True


def window_of(chain: Offer | Road, now: datetime) -> datetime:
    """Since when a chain counts: its last reset, if it has had one since it was made."""
    found = last_reset(chain.schedule, now, chain.starts_at)
    return found if chain.schedule is not None and found > chain.made_at else EVER


@dataclass(slots=True)
class Bought:
    """An order as the books know it. `uses`: of items with a limit for each player, with their windows. `counted`: its
    promotions with the windows in which they count."""

    order_id: int
    player_id: UUID
    sold_for: str
    lines: list[tuple[str, int]]
    made_at: datetime
    state: str = "new"
    token: str | None = None
    uses: list[tuple[str, datetime, int]] = field(default_factory=list)
    promotions: list[tuple[str, str]] = field(default_factory=list)
    counted: list[tuple[str, str]] = field(default_factory=list)
    step: tuple[tuple[datetime, int], int] | None = None
    presents: list[tuple[str, int]] = field(default_factory=list)
    is_held: bool = False
    given_in: datetime | None = None
    settles_at: datetime | None = None
    tried_at: datetime | None = None
    payment_id: int | None = None
    is_refunded: bool = False
    is_refund_asked: bool | None = False  # None: nobody has said so


@dataclass(slots=True)
class Purse:
    """What one player has and has done."""

    gold: int = 0
    owned: Counter[str] = field(default_factory=Counter)
    until: dict[str, datetime] = field(default_factory=dict)
    uses: Counter[tuple[str, datetime]] = field(default_factory=Counter)
    points: Counter[datetime] = field(default_factory=Counter)
    promotions: Counter[str] = field(default_factory=Counter)
    days: dict[int, datetime] = field(default_factory=dict)  # of the daily chain's round under way: number -> when
    round: int = 0
    steps: dict[tuple[datetime, int], set[int]] = field(default_factory=dict)
    taken: set[tuple[datetime, int]] = field(default_factory=set)
    backpack: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Books:
    """The books of one studio."""

    purses: dict[UUID, Purse]
    held: Counter[str] = field(default_factory=Counter)
    sold: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)
    orders: dict[int, Bought] = field(default_factory=dict)

    @classmethod
    def of(cls, shop: Shop) -> "Books":
        """Empty books."""
        return cls({buyer.player_id: Purse() for buyer in shop.buyers})


# -- What players receive -------------------------------------------------------------------------------------------


def receive(purse: Purse, shop: Shop, given: dict[str, int], now: datetime, times: int = 1) -> None:
    """Give a player so much of everything."""
    for sku, count in given.items():
        good = shop.goods.get(sku)
        if sku == GOLD:
            purse.gold += count * times
        elif good is not None and good.way == "timed":
            purse.until[sku] = max(purse.until.get(sku, now), now) + count * times * good.days * DAY
        elif good is not None and good.way == "single":
            purse.owned[sku] = 1
        else:
            purse.owned[sku] += count * times


def lose(purse: Purse, given: dict[str, int], times: int) -> None:
    """Take back so much of everything as is still there."""
    for sku, count in given.items():
        if sku == GOLD:
            purse.gold -= min(purse.gold, count * times)
        else:
            purse.owned[sku] -= min(purse.owned[sku], count * times)


# -- Limits ---------------------------------------------------------------------------------------------------------


def stock_of(shop: Shop, sku: str, count: int) -> Counter[str]:
    """The limited units that so many of an item are or hold."""
    good = shop.goods[sku]
    found: Counter[str] = Counter()
    if good.per_item is not None:
        found[sku] += count
    for inner, each in good.gives.items():
        if inner in shop.goods and shop.goods[inner].per_item is not None:
            found[inner] += count * each
    return found


def left_of(books: Books, good: Good) -> int | None:
    """How many of an item nobody has; None without a limit."""
    return None if good.per_item is None else good.per_item - books.held[good.sku] - books.sold[good.sku]


def left_for(purse: Purse, good: Good, now: datetime) -> int | None:
    """How many of an item a player may still have."""
    if good.per_user is None:
        return None
    return good.per_user - purse.uses[good.sku, last_reset(good.schedule, now)]


def may_have(books: Books, shop: Shop, player_id: UUID, sku: str, count: int, now: datetime) -> bool:
    """Whether the limits and what is owned once leave a player so many of an item."""
    good, purse = shop.goods[sku], books.purses[player_id]
    left = left_for(purse, good, now)
    if left is not None and left < count:
        return False
    for each, units in stock_of(shop, sku, count).items():
        of_all = left_of(books, shop.goods[each])
        if of_all is not None and of_all < units:
            return False
    return good.way != "single" or (purse.owned[sku] == 0 and count == 1)


def is_usable(books: Books, coded: Coded, player_id: UUID, code: str, now: datetime) -> bool:
    """Whether a code may be used once more."""
    return (
        runs(coded.period, now)
        and (coded.total is None or books.totals[coded.external_id] < coded.total)
        and (coded.per_user is None or books.purses[player_id].promotions[coded.external_id] < coded.per_user)
        and (coded.per_code is None or books.codes[code] < coded.per_code)
    )


def runs(period: tuple[datetime, datetime] | None, now: datetime) -> bool:
    """Whether a promotion's time has come and is not over."""
    return period is None or period[0] <= now < period[1]


def counted_as(shop: Shop, name: str, now: datetime) -> str:
    """The name under which a promotion's uses count at a moment: discounts may begin anew."""
    for each in shop.discounts:
        if name == f"discount {each['id']}":
            return f"{name} since {last_reset(each['schedule'], now)}"
    return name


def use_code(books: Books, player_id: UUID, external_id: str, code: str, by: int = 1) -> None:
    """Count a use of a code, or take it back."""
    books.purses[player_id].promotions[external_id] += by
    if code:
        books.codes[code] += by
        books.totals[external_id] += by


def price_of(books: Books, shop: Shop, order: Bought, coded: Coded | None) -> Decimal:
    """What an order costs with the discounts that the player may still use; it notes which it uses."""
    total = Decimal(0)
    for sku, count in order.lines:
        amount = Decimal(shop.goods[sku].price * count) / 100
        for each in shop.discounts:
            name = f"discount {each['id']}"
            used = books.purses[order.player_id].promotions[counted_as(shop, name, order.made_at)]
            is_usable = each["sku"] == sku and runs(each["period"], order.made_at)
            if is_usable and (each["per_user"] is None or used < each["per_user"]):
                amount *= Decimal(100 - each["percent"]) / 100
                if each["per_user"] is not None:
                    order.promotions.append((name, ""))
        if coded is not None and coded.percent:
            amount *= Decimal(100 - coded.percent) / 100
        total += amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return total


# -- Orders ---------------------------------------------------------------------------------------------------------


def hold(books: Books, shop: Shop, order: Bought, now: datetime) -> None:
    """Count what an order holds."""
    purse = books.purses[order.player_id]
    order.is_held = True
    order.uses = []
    if order.step is None:
        for sku, count in order.lines:
            books.held.update(stock_of(shop, sku, count))
            if shop.goods[sku].per_user is not None:
                order.uses.append((sku, last_reset(shop.goods[sku].schedule, now), count))
        for sku, window, count in order.uses:
            purse.uses[sku, window] += count
    order.counted = [(counted_as(shop, name, now), code) for name, code in order.promotions]
    for name, code in order.counted:
        use_code(books, order.player_id, name, code)


def let_go(books: Books, shop: Shop, order: Bought) -> None:
    """An unpaid order has ended: it gives back what it holds."""
    assert order.is_held, f"order {order.order_id} gives back what it does not hold"
    order.is_held = False
    if order.step is None:
        for sku, count in order.lines:
            books.held.subtract(stock_of(shop, sku, count))
        for sku, window, count in order.uses:
            books.purses[order.player_id].uses[sku, window] -= count
    for name, code in order.counted:
        use_code(books, order.player_id, name, code, -1)


def fulfil(books: Books, shop: Shop, order: Bought, now: datetime) -> None:
    """An order is paid: what it holds is sold, and the player has it."""
    assert order.given_in is None, f"order {order.order_id} is given twice"
    if not order.is_held:
        hold(books, shop, order, now)
    purse = books.purses[order.player_id]
    if order.step is None:
        for sku, count in order.lines:
            units = stock_of(shop, sku, count)
            books.held.subtract(units)
            books.sold.update(units)
    for sku, count in order.lines:
        receive(purse, shop, shop.goods[sku].content, now, count)
    for sku, count in order.presents:
        receive(purse, shop, {sku: count}, now)
    order.given_in = EVER
    if shop.road is not None and order.sold_for == "money":
        order.given_in = window_of(shop.road, now)
        purse.points[order.given_in] += sum(shop.goods[sku].points * count for sku, count in order.lines)
    if order.step is not None:
        key, number = order.step
        done = purse.steps.setdefault(key, set())
        assert number not in done, f"step {number} is done twice in {key}"
        done.add(number)


def take_back(books: Books, shop: Shop, order: Bought) -> None:
    """An order is refunded: what is still there goes, and its units are for sale again."""
    assert order.given_in is not None and order.is_refund_asked is not False and not order.is_refunded
    order.is_refunded = True
    purse = books.purses[order.player_id]
    for sku, count in order.lines:
        if order.step is None:
            books.sold.subtract(stock_of(shop, sku, count))
        lose(purse, shop.goods[sku].content, count)
    for sku, count in order.presents:
        lose(purse, {sku: count}, 1)
    for sku, window, count in order.uses:
        purse.uses[sku, window] -= count
    if shop.road is not None:
        points = sum(shop.goods[sku].points * count for sku, count in order.lines)
        purse.points[order.given_in] -= min(points, purse.points[order.given_in])


def settle(books: Books, shop: Shop, order: Bought, state: str, now: datetime) -> None:
    """Bring an order where the shop says it is; a way that there is not is a fault of the shop."""
    assert state in MOVES[order.state], f"order {order.order_id} goes from {order.state} to {state}"
    before, order.state = order.state, state
    if state in ("paid", "done") and before in ("new", "expired"):
        if before == "expired":
            assert order.tried_at is not None, f"order {order.order_id} is paid without a payment"
        elif paid_at(order, now) >= order.made_at + PAYABLE_FOR:
            # It had ended when its money came, seen by nobody: what it needs is held anew, in the windows of then.
            let_go(books, shop, order)
        fulfil(books, shop, order, paid_at(order, now))
    elif state == "expired" and before == "new":
        assert now >= order.made_at + PAYABLE_FOR, f"order {order.order_id} has ended too early"
        let_go(books, shop, order)
    elif state == "canceled" and before == "new":
        let_go(books, shop, order)


def paid_at(order: Bought, now: datetime) -> datetime:
    """When a payment whose end nobody has waited for was found."""
    if order.settles_at is not None:
        return min(order.settles_at, now)
    assert order.tried_at is not None or order.sold_for != "money"
    if order.tried_at is not None:
        return min(now, order.tried_at + PAYABLE_FOR + timedelta(microseconds=1))
    return now


# -- Chains ---------------------------------------------------------------------------------------------------------


def open_day(purse: Purse, chain: Daily, now: datetime) -> int | None:
    """The number of the day that a player may claim now."""
    count, today = len(chain.gives), (now - chain.starts_at) // DAY
    if now < chain.starts_at:
        return None
    if not chain.is_rolling:
        round_, place = divmod(today, count)
        if round_ and not chain.is_recurrent:
            return None
        if round_ != purse.round:
            return place + 1
        return None if place + 1 in purse.days else place + 1
    if purse.days and (max(purse.days.values()) - chain.starts_at) // DAY >= today:
        return None
    if len(purse.days) == count:
        return 1 if chain.is_recurrent else None
    return len(purse.days) + 1


def claim_day(purse: Purse, chain: Daily, number: int, now: datetime) -> None:
    """Note that a day was claimed."""
    if chain.is_rolling:
        if len(purse.days) == len(chain.gives):
            purse.days = {}
    else:
        round_ = (now - chain.starts_at) // DAY // len(chain.gives)
        if round_ != purse.round:
            purse.round, purse.days = round_, {}
    assert number not in purse.days, f"day {number} is claimed twice"
    purse.days[number] = now


def open_step(purse: Purse, chain: Offer, now: datetime) -> tuple[tuple[datetime, int], int | None]:
    """The window and round in which a player is, and the step that is open."""
    window, round_ = window_of(chain, now), 0
    while len(purse.steps.get((window, round_), ())) == len(chain.gives):
        if not chain.begins_anew:
            return (window, round_), None
        round_ += 1
    done = purse.steps.get((window, round_), set())
    return (window, round_), next(number for number in range(1, len(chain.gives) + 1) if number not in done)


def may_take(purse: Purse, road: Road, step_id: int, now: datetime) -> bool:
    """Whether a player's points have opened a step that is not taken."""
    window = window_of(road, now)
    threshold = next(points for found, points, _ in road.steps if found == step_id)
    return (window, step_id) not in purse.taken and purse.points[window] >= threshold

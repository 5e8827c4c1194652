"""The studio of one seed: chance decides what it sells, to whom, under which limits, promotions and chains."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import httpx

from haversack.clock import Clock
from haversack.context import Context
from haversack.projects.actions import set_clock
from make import catalog, chains, codes, day_chains, promotions
from make.client_catalog import sell
from make.orders import Buyer
from make.projects import Studio, make_studio

GOLD = "gold"
# Years begin at any hour of two years: the 29th of February 2028 lies in half of them.
FIRST_BEGINS = datetime(2027, 1, 1, tzinfo=UTC)
BEGINS_WITHIN_HOURS = 2 * 365 * 24
OFFSETS = ("+00:00", "-08:00", "+05:30", "+12:00", "-03:30", "+09:45")


@dataclass(slots=True, kw_only=True)
class Good:
    """Something for sale. `way`: stack, single (owned once) or timed; `gives`: what is received for one, by SKU."""

    sku: str
    sold_for: str  # gold, money or nothing
    price: int = 0  # units of gold, cents
    per_item: int | None = None
    per_user: int | None = None
    schedule: dict[str, Any] | None = None
    way: str = "stack"
    days: int = 0
    points: int = 0
    gives: dict[str, int] = field(default_factory=dict)

    @property
    def content(self) -> dict[str, int]:
        """What a player receives for one."""
        return self.gives or {self.sku: 1}

    @property
    def is_limited(self) -> bool:
        """Whether there are only so many of it, for all or for each player."""
        return self.per_item is not None or self.per_user is not None


@dataclass(slots=True, kw_only=True)
class Coded:
    """A coupon, promo code or unique offer with its codes."""

    kind: str
    external_id: str
    codes: list[str]
    period: tuple[datetime, datetime] | None = None
    percent: int = 0
    gives: dict[str, int] = field(default_factory=dict)
    total: int | None = None
    per_user: int | None = None
    per_code: int | None = None


@dataclass(slots=True, kw_only=True)
class Daily:
    """A daily chain."""

    chain_id: int
    starts_at: datetime
    is_rolling: bool
    is_recurrent: bool
    gives: list[dict[str, int]]


@dataclass(slots=True, kw_only=True)
class Offer:
    """An offer chain. `paid`: the numbers of its paid steps."""

    chain_id: int
    starts_at: datetime
    made_at: datetime
    schedule: dict[str, Any] | None
    begins_anew: bool
    gives: list[dict[str, int]]
    paid: set[int]


@dataclass(slots=True, kw_only=True)
class Road:
    """A reward chain. `steps`: id, threshold and what it gives."""

    chain_id: int
    starts_at: datetime
    made_at: datetime
    schedule: dict[str, Any] | None
    steps: list[tuple[int, int, dict[str, int]]]


@dataclass(slots=True, kw_only=True)
class Shop:
    """Everything that chance has made."""

    studio: Studio
    buyers: list[Buyer]
    begins: datetime
    goods: dict[str, Good] = field(default_factory=dict)
    discounts: list[dict[str, Any]] = field(default_factory=list)
    presents: list[dict[str, Any]] = field(default_factory=list)
    coded: list[Coded] = field(default_factory=list)
    daily: Daily | None = None
    offer: Offer | None = None
    road: Road | None = None
    hidden: set[str] = field(default_factory=set)

    def sold_for(self, what: str) -> list[Good]:
        """What costs gold, money or nothing."""
        return [good for good in self.goods.values() if good.sold_for == what]


def any_schedule(chance: Random) -> dict[str, Any]:
    """A reset each hour, day, week or month, at a full hour of some offset."""
    at = f"{chance.randrange(24):02}:00:00{chance.choice(OFFSETS)}"
    return chance.choice(
        [
            {"interval_type": "hourly"},
            {"interval_type": "daily", "time": at},
            {"interval_type": "weekly", "day_of_week": chance.randint(1, 7), "time": at},
            {"interval_type": "monthly", "day_of_month": chance.choice([1, 15, 29, 30, 31]), "time": at},
            {"interval_type": "monthly", "day_of_month": 31, "time": at},
        ]
    )


def any_period(chance: Random, begins: datetime) -> tuple[datetime, datetime] | None:
    """Some weeks or months of the year, or always."""
    if chance.random() < 0.4:
        return None
    starts_at = begins + timedelta(hours=chance.randint(-24 * 30, 24 * 300))
    return starts_at, starts_at + timedelta(hours=chance.randint(24 * 5, 24 * 150))


def _dates(period: tuple[datetime, datetime] | None) -> dict[str, Any]:
    return {} if period is None else {"date_start": period[0].isoformat(), "date_end": period[1].isoformat()}


async def open_shop(client: httpx.AsyncClient, context: Context, chance: Random) -> Shop:
    """Make a studio, its players and its shop, at the beginning of a simulated year."""
    studio = await make_studio(context)
    begins = FIRST_BEGINS + timedelta(hours=chance.randrange(BEGINS_WITHIN_HOURS))
    await set_clock(context, studio.project_id, Clock(frozen_at=begins))
    buyers = []
    for _ in range(chance.randint(2, 3)):
        player_id = UUID(int=chance.getrandbits(128), version=4)
        buyers.append(Buyer(studio, player_id, await studio.player_headers(player_id)))
    shop = Shop(studio=studio, buyers=buyers, begins=begins)
    await sell(client, studio, catalog.virtual_currency(sku=GOLD), "virtual_currency")
    for good in _any_goods(chance):
        await _make(client, shop, good)
    await _make_promotions(client, shop, chance)
    await _make_chains(client, shop, chance)
    return shop


def _any_goods(chance: Random) -> list[Good]:
    def limited(likely: float = 0.7) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if chance.random() < likely:
            found["per_user"] = chance.randint(1, 3)
            if chance.random() < 0.7:
                found["schedule"] = any_schedule(chance)
        # What is used up for all has no windows any more, so that few of what has windows are limited so.
        if chance.random() < (0.2 if "schedule" in found else likely):
            found["per_item"] = chance.randint(2, 8)
        return found

    made = [
        Good(sku="trinket", sold_for="gold", price=chance.randint(1, 4)),
        Good(sku="lamp", sold_for="gold", price=chance.randint(1, 9), **limited()),
        Good(sku="potion", sold_for="gold", price=chance.randint(1, 5), **limited(0.5)),
        Good(sku="crown", sold_for="gold", price=chance.randint(5, 20), way="single"),
        Good(sku="pass", sold_for="gold", price=chance.randint(1, 6), way="timed", days=chance.randint(1, 20)),
        Good(sku="gift", sold_for="nothing", **limited(0.9)),
        Good(sku="hat", sold_for="money", price=chance.randint(99, 1999), points=chance.randint(1, 9), **limited()),
        Good(sku="sabre", sold_for="money", price=chance.randint(99, 2999), points=chance.randint(1, 9)),
    ]
    optional = {"lamp", "potion", "crown", "pass", "gift"}
    made = [good for good in made if good.sku not in optional or chance.random() < 0.75]
    skus = {good.sku for good in made}
    if chance.random() < 0.7:
        content = {"trinket": chance.randint(1, 3), GOLD: chance.randint(1, 40)}
        if "lamp" in skus:
            content["lamp"] = 1
        made.append(Good(sku="crate", sold_for="money", price=chance.randint(199, 4999), gives=content, **limited(0.4)))
    if chance.random() < 0.5:
        made.append(Good(sku="secret", sold_for="money", price=chance.randint(199, 999)))
    return made


async def _make(client: httpx.AsyncClient, shop: Shop, good: Good) -> None:
    body: dict[str, Any] = {"sku": good.sku, "prices": []}
    match good.sold_for:
        case "gold":
            body["vc_prices"] = [{"sku": GOLD, "amount": good.price, "is_default": True, "is_enabled": True}]
        case "money":
            body["prices"] = [catalog.price(good.price / 100)]
        case _:
            body["is_free"] = True
    limits: dict[str, Any] = {}
    if good.per_item is not None:
        limits["per_item"] = good.per_item
    if good.per_user is not None:
        limits["per_user"] = good.per_user
    if good.schedule is not None:
        limits["recurrent_schedule"] = {"per_user": good.schedule}
    if limits:
        body["limits"] = limits
    shop.goods[good.sku] = good
    if good.gives:
        content = [{"sku": sku, "quantity": count} for sku, count in good.gives.items()]
        await sell(client, shop.studio, catalog.bundle(*content, is_show_in_store=True, **body), "bundle")
        return
    options: dict[str, Any] = {"consumable": {"usages_count": 1}}
    if good.way == "single":
        options = {"consumable": None}
    elif good.way == "timed":
        options = {"expiration_period": {"type": "day", "value": good.days}}
    await sell(client, shop.studio, catalog.virtual_item(inventory_options=options, **body))


async def _make_promotions(client: httpx.AsyncClient, shop: Shop, chance: Random) -> None:
    studio = shop.studio
    for sku in ("hat", "crate"):
        if sku in shop.goods and chance.random() < 0.6:
            found: dict[str, Any] = {"sku": sku, "percent": chance.choice([5, 10, 25, 33, 50]), "per_user": None}
            found |= {"schedule": None, "period": any_period(chance, shop.begins)}
            body: dict[str, Any] = {"discount": {"percent": f"{found['percent']}.00"}, **_dates(found["period"])}
            if chance.random() < 0.5:
                found["per_user"] = chance.randint(1, 3)
                body["limits"] = {"per_user": found["per_user"]}
                if chance.random() < 0.6:
                    found["schedule"] = any_schedule(chance)
                    body["limits"]["recurrent_schedule"] = {"per_user": found["schedule"]}
            found["id"] = await promotions.make_promotion(client, studio, "item", promotions.discount(sku, **body))
            shop.discounts.append(found)
    if chance.random() < 0.5:
        condition, period = [{"sku": "hat"}], any_period(chance, shop.begins)
        body = promotions.bonus("trinket", condition=condition, **_dates(period))
        await promotions.make_promotion(client, studio, "bonus", body)
        shop.presents.append({"sku": "hat", "gives": {"trinket": 2}, "period": period})

    def limits() -> dict[str, int]:
        names = {"redeem_total_limit": 12, "redeem_user_limit": 4, "redeem_code_limit": 6}
        return {name: chance.randint(1, most) for name, most in names.items() if chance.random() < 0.5}

    for kind in codes.KINDS:
        if chance.random() < 0.3 and not (kind == codes.UNIQUE_OFFER and "secret" in shop.goods):
            continue
        if kind == codes.UNIQUE_OFFER and "secret" not in shop.goods:
            continue
        await _make_coded(client, shop, kind, limits(), chance)


async def _make_coded(client: httpx.AsyncClient, shop: Shop, kind: str, limits: dict[str, Any], chance: Random) -> None:
    named = [f"{kind.upper()[:5]}{number}" for number in range(chance.randint(1, 2))]
    made = Coded(
        kind=kind,
        external_id=f"the-{kind.replace('_', '-')}",
        codes=named,
        total=limits.get("redeem_total_limit"),
        per_user=limits.get("redeem_user_limit"),
        per_code=limits.get("redeem_code_limit"),
    )
    # The items of an offer stay hidden when it is over: those of a year would then be hidden for most of it.
    made.period = None if kind == codes.UNIQUE_OFFER else any_period(chance, shop.begins)
    limits = {**limits, **_dates(made.period)}
    match kind:
        case codes.COUPON:
            made.gives = {"trinket": chance.randint(1, 3), GOLD: chance.randint(1, 9)}
            bonus = [{"sku": sku, "quantity": count} for sku, count in made.gives.items()]
            body = codes.coupon(external_id=made.external_id, bonus=bonus, **limits)
        case codes.PROMO_CODE:
            made.percent = chance.choice([10, 15, 40])
            discount = {"percent": f"{made.percent}.00"}
            body = codes.promo_code(external_id=made.external_id, discount=discount, **limits)
        case _:
            body = codes.unique_offer("secret", external_id=made.external_id, **limits)
            shop.hidden.add("secret")
    await codes.make_coded(client, shop.studio, kind, body, *named)
    shop.coded.append(made)


async def _make_chains(client: httpx.AsyncClient, shop: Shop, chance: Random) -> None:
    studio = shop.studio
    if chance.random() < 0.6:
        starts_at = shop.begins + timedelta(hours=chance.randint(-30, 30))
        gives = [{"trinket": chance.randint(1, 3)} for _ in range(chance.randint(2, 5))]
        is_rolling, is_recurrent = chance.random() < 0.5, chance.random() < 0.7
        steps = [
            day_chains.daily_step(number, *(day_chains.gives(*each) for each in given.items()))
            for number, given in enumerate(gives, start=1)
        ]
        body = day_chains.daily_chain(
            *steps,
            date_start=starts_at.isoformat(),
            type="rolling" if is_rolling else "calendar_hard",
            is_recurrent=is_recurrent,
        )
        chain_id = await day_chains.make_chain(client, studio, "daily", body)
        shop.daily = Daily(
            chain_id=chain_id, starts_at=starts_at, is_rolling=is_rolling, is_recurrent=is_recurrent, gives=gives
        )
    if chance.random() < 0.6:
        await _make_offer(client, shop, chance)
    if chance.random() < 0.6:
        await _make_road(client, shop, chance)


async def _make_offer(client: httpx.AsyncClient, shop: Shop, chance: Random) -> None:
    count = chance.randint(2, 4)
    paid = {number for number in range(1, count + 1) if chance.random() < 0.4}
    gives = [{"sabre" if number in paid else "trinket": 1} for number in range(1, count + 1)]
    steps = [
        day_chains.offer_step(number, next(iter(given)), is_free=number not in paid)
        for number, given in enumerate(gives, start=1)
    ]
    schedule = any_schedule(chance) if chance.random() < 0.6 else None
    if schedule is not None and schedule["interval_type"] in ("hourly", "daily"):
        schedule = {"interval_type": "hourly", "interval_hours": chance.choice([1, 7, 24, 100, 1000])}
    begins_anew = chance.random() < 0.5
    starts_at = shop.begins - timedelta(days=1)
    body = day_chains.offer_chain(
        *steps,
        date_start=starts_at.isoformat(),
        recurrent_schedule=schedule,
        is_reset_on_completion=begins_anew,
    )
    chain_id = await day_chains.make_chain(client, shop.studio, "offer", body)
    shop.offer = Offer(
        chain_id=chain_id,
        starts_at=starts_at,
        made_at=shop.begins,
        schedule=schedule,
        begins_anew=begins_anew,
        gives=gives,
        paid=paid,
    )


async def _make_road(client: httpx.AsyncClient, shop: Shop, chance: Random) -> None:
    studio = shop.studio
    point, _ = await chains.make_value_point(client, studio, sku="stars")
    await chains.set_rewards(
        client, studio, point, {good.sku: good.points for good in shop.goods.values() if good.points}
    )
    schedule = any_schedule(chance) if chance.random() < 0.6 else None
    if schedule is not None and schedule["interval_type"] in ("hourly", "daily"):
        schedule = {"interval_type": "weekly", "day_of_week": 3, "time": "05:00:00+05:30"}
    thresholds = [chance.randint(0, 25) for _ in range(chance.randint(1, 3))]
    body = chains.reward_chain(
        point, *(chains.step("trinket", points) for points in thresholds), recurrent_schedule=schedule
    )
    chain_id = await chains.make_reward_chain(client, studio, body)
    found = await chains.get_chain(client, studio, chain_id)
    steps = [(step["step_id"], step["price"]["amount"], {"trinket": 1}) for step in found["steps"]]
    shop.road = Road(chain_id=chain_id, starts_at=shop.begins, made_at=shop.begins, schedule=schedule, steps=steps)

"""What a rehearsal reports: dead steps, where many stop, what is given away, sold and taken off, which limits bind."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from haversack.chains.records import ByPoints, Chain, Step
from haversack.promotions.records import Promotion, PromotionKind
from haversack.promotions.rules import is_in_period, title
from haversack.rehearsal.dead_steps import why_dead
from haversack.rehearsal.records import Tally
from haversack.rehearsal.season import Season
from haversack.rehearsal.temperaments import TEMPERAMENTS
from haversack.text import reading

# Many stop at a step where so many percent of those stop who came so far.
MANY = 25
Money = Mapping[str, Decimal]
WORDS = {
    PromotionKind.DISCOUNT: "discount",
    PromotionKind.BONUS: "bonus",
    PromotionKind.COUPON: "coupon",
    PromotionKind.PROMO_CODE: "promo code",
    PromotionKind.UNIQUE_OFFER: "unique offer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The players of a temperament."""

    name: str
    players: int
    visits: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """What became of a step: players to whom it was open and who took it, how often, and who came no further than the
    step before it."""

    number: int
    reached: int
    claimers: int
    claims: int
    stopped_before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainLine:
    """What became of a chain; kind: reward, clan, daily or offer."""

    chain_id: int
    kind: str
    name: str
    seen_by: int
    most_points: int | None
    steps: tuple[StepLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadStep:
    """A step that nobody took, and why."""

    chain_id: int
    chain: str
    number: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A step before which players stand, and what it asks for; of: those who came so far. examples: numbers of players
    to look at."""

    chain_id: int
    chain: str
    number: int
    asks: str
    players: int
    of: int
    examples: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """So many of something; value: at its list price, None where it has none."""

    sku: str
    units: int
    value: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sales:
    """What was sold: orders by how they were paid, units by SKU, money by currency before and after what promotions
    took off, and what was spent of virtual currencies."""

    orders: Mapping[str, int]
    sold: Mapping[str, int]
    before: Money
    taken_off: Money
    paid: Money
    spent: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionLine:
    """What became of a promotion; why_unused: None where it was used."""

    promotion_id: int
    kind: str
    name: str
    uses: int
    taken_off: Money
    why_unused: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundLimit:
    """A limit for each player that kept somebody back: so many players, so often."""

    what: str
    name: str
    players: int
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLine:
    """What there is only so much of for all, where more was wanted; day: on which it was gone."""

    what: str
    name: str
    available: int
    wanted: int
    day: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it."""

    project_id: int
    seed: int
    starts_at: datetime
    ends_at: datetime
    days: int
    players: int
    groups: tuple[Group, ...]
    chains: tuple[ChainLine, ...]
    dead_steps: tuple[DeadStep, ...]
    stops: tuple[Place, ...]
    stuck: tuple[Place, ...]
    rewards: tuple[Given, ...]
    rewards_value: Money
    bonuses: tuple[Given, ...]
    coupons: tuple[Given, ...]
    sales: Sales
    promotions: tuple[PromotionLine, ...]
    limits: tuple[BoundLimit, ...]
    stock: tuple[StockLine, ...]


def report_of(season: Season, tally: Tally, *, seed: int) -> Report:
    """The report of a rehearsal that has been played."""
    rewards = _given(season, tally.rewarded)
    return Report(
        project_id=season.catalog.project_id,
        seed=seed,
        starts_at=season.start,
        ends_at=season.ends_at,
        days=season.days,
        players=tally.players.total(),
        groups=tuple(
            Group(name=each.name, players=tally.players[each.name], visits=tally.visits[each.name], left=left)
            for each in TEMPERAMENTS
            for left in [tally.left[each.name]]
        ),
        chains=tuple(_chain_line(chain, tally) for chain in season.chains),
        dead_steps=tuple(
            DeadStep(chain_id=chain.chain_id, chain=_name(chain), number=step.number, why=why)
            for chain in season.chains
            for step in chain.steps
            if (why := why_dead(season, chain, step, tally)) is not None
        ),
        stops=tuple(place for chain in season.chains for place in _stops(chain, tally)),
        stuck=tuple(_stuck(season, tally)),
        rewards=rewards,
        rewards_value=_sum(each.value or {} for each in rewards),
        bonuses=_given(season, tally.bonuses),
        coupons=_given(season, tally.coupons),
        sales=Sales(
            orders=_ordered(tally.orders),
            sold=_ordered(tally.sold),
            before=_ordered(tally.before),
            taken_off={currency: tally.before[currency] - tally.paid[currency] for currency in sorted(tally.paid)},
            paid=_ordered(tally.paid),
            spent=_ordered(tally.spent),
        ),
        promotions=tuple(_promotion_line(season, promotion, tally) for promotion in season.promotions),
        limits=tuple(_bound_limits(season, tally)),
        stock=tuple(_stock(season, tally)),
    )


def _name(chain: Chain) -> str:
    return reading(chain.name, "en")


def _ordered(counted: Mapping[str, int] | Mapping[str, Decimal]) -> dict:  # type: ignore[type-arg]
    return dict(sorted(counted.items()))


def _sum(amounts: Iterable[Money]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for each in amounts:
        for currency, amount in each.items():
            total[currency] = total.get(currency, Decimal(0)) + amount
    return dict(sorted(total.items()))


# -- Chains ---------------------------------------------------------------------------------------------------------


def _chain_line(chain: Chain, tally: Tally) -> ChainLine:
    opening = chain.opening
    is_counting = isinstance(opening, ByPoints)
    return ChainLine(
        chain_id=chain.chain_id,
        kind="clan" if isinstance(opening, ByPoints) and opening.is_clan else chain.kind.value,
        name=_name(chain),
        seen_by=tally.seen[chain.chain_id],
        most_points=tally.most_points.get(chain.chain_id, 0) if is_counting else None,
        steps=tuple(_step_line(chain, step, tally) for step in chain.steps),
    )


def _step_line(chain: Chain, step: Step, tally: Tally) -> StepLine:
    key = (chain.chain_id, step.step_id)
    return StepLine(
        number=step.number,
        reached=tally.reached[key],
        claimers=tally.claimers[key],
        claims=tally.claims[key],
        stopped_before=tally.furthest[chain.chain_id, step.number - 1],
    )


def _came_to(chain: Chain, number: int, tally: Tally) -> int:
    """Players who came as far as to have a step before them."""
    return sum(tally.furthest[chain.chain_id, each] for each in range(number - 1, len(chain.steps) + 1))


def _asks(chain: Chain, number: int) -> str:
    """What a step asks of a player who stands before it."""
    step = chain.find_step(number=number)
    assert step is not None, "players stand before steps"
    if isinstance(chain.opening, ByPoints):
        return f"{step.points} points"
    return "a visit" if step.is_free else "money"


def _stops(chain: Chain, tally: Tally) -> Iterator[Place]:
    for step in chain.steps:
        players = tally.furthest[chain.chain_id, step.number - 1]
        of = _came_to(chain, step.number, tally)
        if players and players * 100 >= of * MANY:
            yield Place(
                chain_id=chain.chain_id,
                chain=_name(chain),
                number=step.number,
                asks=_asks(chain, step.number),
                players=players,
                of=of,
            )


def _stuck(season: Season, tally: Tally) -> Iterator[Place]:
    chains = {chain.chain_id: chain for chain in season.chains}
    for (chain_id, number), players in sorted(tally.stuck.items()):
        yield Place(
            chain_id=chain_id,
            chain=_name(chains[chain_id]),
            number=number,
            asks=_asks(chains[chain_id], number),
            players=players,
            of=tally.seen[chain_id],
            examples=tally.examples[chain_id, number],
        )


# -- What is given, sold and taken off ------------------------------------------------------------------------------


def _given(season: Season, counted: Counter[str]) -> tuple[Given, ...]:
    found = []
    for sku, units in sorted(counted.items()):
        item = season.shop.find_by_sku(sku)
        price = None if item is None else season.shop.price_of(item, country=None)
        value = None if price is None else {price.currency: price.amount * units}
        found.append(Given(sku=sku, units=units, value=value))
    return tuple(found)


def _promotion_line(season: Season, promotion: Promotion, tally: Tally) -> PromotionLine:
    number = promotion.promotion_id
    uses = tally.promotion_uses[number]
    return PromotionLine(
        promotion_id=number,
        kind=WORDS[promotion.kind],
        name=title(promotion),
        uses=uses,
        taken_off={currency: amount for (each, currency), amount in sorted(tally.taken_off.items()) if each == number},
        why_unused=None if uses else _why_unused(season, promotion, tally),
    )


def _why_unused(season: Season, promotion: Promotion, tally: Tally) -> str:
    """The reason that was met most often, of equal ones the first by its words."""
    if not promotion.is_enabled:
        return "It is switched off."
    moments = (stop.now for stops in season.by_day for stop in stops)
    if not any(is_in_period(promotion.periods, moment) for moment in moments):
        return "None of its periods lies in these days."
    whys = [(-times, why) for (number, why), times in tally.not_applied.items() if number == promotion.promotion_id]
    if whys:
        return min(whys)[1]
    return "Nobody gave one of its codes." if promotion.kind.has_codes else "Nothing was bought that it is about."


# -- Limits ---------------------------------------------------------------------------------------------------------


def _bound_limits(season: Season, tally: Tally) -> Iterator[BoundLimit]:
    for (what, number), times in sorted(tally.bound.items()):
        yield BoundLimit(
            what=what,
            name=_name_of(season, what, number),
            players=tally.bound_players[what, number],
            times=times,
        )


def _name_of(season: Season, what: str, number: int) -> str:
    if what == "item":
        return season.catalog.entries[number].sku
    promotion = season.catalog.promotions.by_id[number]
    return f"{number} ({title(promotion)})"


def _stock(season: Season, tally: Tally) -> Iterator[StockLine]:
    """What is limited for all: players are apart and none takes from another, so that more can be wanted than there
    is."""
    wanted: Counter[int] = Counter()
    for (item_id, _), units in tally.stock_sold.items():
        wanted[item_id] += units
    for item_id, units in sorted(wanted.items()):
        entry = season.catalog.entries[item_id]
        total = 0 if entry.limits is None or entry.limits.per_item is None else entry.limits.per_item
        available = season.shop.stocks.units.get(item_id, (total, total))[1]
        if units > available:
            day = _day_gone(item_id, available, tally)
            yield StockLine(what="item", name=entry.sku, available=available, wanted=units, day=day)
    for promotion in season.promotions:
        most, uses = promotion.limits.total, tally.promotion_uses[promotion.promotion_id]
        if most is not None and uses > most:
            name = f"{promotion.promotion_id} ({title(promotion)})"
            yield StockLine(what="promotion", name=name, available=most, wanted=uses, day=None)


def _day_gone(item_id: int, available: int, tally: Tally) -> int | None:
    left = available
    for day, units in sorted((day, units) for (each, day), units in tally.stock_sold.items() if each == item_id):
        left -= units
        if left <= 0:
            return day + 1
    return None

"""What is rehearsed: a project's shop, chains and promotions, and the moments at which the clock stands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain as joined
from typing import NamedTuple

from haversack.catalog.read_model.compiled import Catalog
from haversack.catalog.read_model.records import Entry, Shelf, Stocks
from haversack.catalog.read_model.rules import interval_at
from haversack.catalog.records import Schedule
from haversack.catalog.selling import SellableItem, Shop
from haversack.chains.claiming import content_of
from haversack.chains.held import HeldChains
from haversack.chains.records import ByPoints, Chain, ChainKind, Step
from haversack.chains.rules import chain_window, points_window, visible_chains
from haversack.inventory.records import Granted
from haversack.limits.records import Window
from haversack.personalization.records import AttributeCondition, Attributes
from haversack.promotions.records import Promotion, PromotionKind, UserAttributes
from haversack.promotions.rules import is_in_period
from haversack.rehearsal.records import DAY
from haversack.rehearsal.rules import stops_of
from haversack.rehearsal.temperaments import values_of

# A catalog lists what is sold out as it lists everything else: players are apart, and none takes from another.
ALL_IN_STOCK = Stocks()

# Of so many kinds of players it is remembered what they see at a stop.
SEEN_KEPT_MAX = 64


class Goods(NamedTuple):
    """What the shop sells for a time: for money, of that what a promotion names, for a currency, for nothing."""

    for_money: tuple[SellableItem, ...] = ()
    promoted: tuple[SellableItem, ...] = ()
    for_currency: tuple[SellableItem, ...] = ()
    free: tuple[SellableItem, ...] = ()


@dataclass(slots=True, eq=False)
class Stop:
    """A moment at which the clock stands, with what is the same for all players then."""

    now: datetime
    day: int
    windows: dict[int, Window] = field(default_factory=dict)
    points_since: dict[int, datetime] = field(default_factory=dict)
    # By those attributes of who looks that chains ask for.
    seen: dict[tuple[str | None, ...], list[Chain]] = field(default_factory=dict)


@dataclass(slots=True, eq=False, kw_only=True)
class Season:
    """A project as it was read once, and a number of days from a moment on.

    promotions: those that are switched off too. item_resets, promotion_resets: when uses were last reset by hand for
    everybody. stock: what there is of items that are limited for all.
    """

    shop: Shop
    held: HeldChains
    promotions: Sequence[Promotion]
    start: datetime
    days: int
    item_resets: Mapping[int, datetime] = field(default_factory=dict)
    promotion_resets: Mapping[int, datetime] = field(default_factory=dict)
    by_day: tuple[tuple[Stop, ...], ...] = ()
    attribute_values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    with_codes: tuple[Promotion, ...] = ()
    _asked_by_chains: tuple[str, ...] = ()
    _goods: dict[datetime, Goods] = field(default_factory=dict)
    # What steps give, to whom it is the same.
    _contents: dict[tuple[object, ...], tuple[Granted, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        moments = stops_of(
            self.start,
            self.days,
            chains=self.held.chains,
            schedules=self._schedules(),
            edges=self.catalog.edges,
        )
        self.by_day = tuple(tuple(Stop(now, day) for now in of_day) for day, of_day in enumerate(moments))
        self.attribute_values = values_of(list(self._conditions()))
        asked = {condition.attribute for chain in self.chains for condition in chain.conditions}
        self._asked_by_chains = tuple(sorted(asked))
        self.with_codes = tuple(each for each in self.catalog.promotions.by_id.values() if each.kind.has_codes)

    @property
    def catalog(self) -> Catalog:
        """The compiled catalog."""
        return self.shop.catalog

    @property
    def chains(self) -> Sequence[Chain]:
        """All chains, switched off ones too."""
        return self.held.chains

    @property
    def ends_at(self) -> datetime:
        """When it is over."""
        return self.start + self.days * DAY

    def window_of(self, chain: Chain, stop: Stop) -> Window:
        """A chain's window at a stop."""
        found = stop.windows.get(chain.chain_id)
        if found is None:
            found = stop.windows[chain.chain_id] = chain_window(chain, stop.now)
        return found

    def points_since(self, value_point_id: int, stop: Stop) -> datetime:
        """Since when the balance of a value point counts at a stop."""
        found = stop.points_since.get(value_point_id)
        if found is None:
            found = stop.points_since[value_point_id] = points_window(
                value_point_id, self.chains, self.held.resets, stop.now
            )
        return found

    def chains_seen(self, attributes: Attributes, stop: Stop) -> list[Chain]:
        """The chains that a player sees at a stop."""
        key = tuple(map(attributes.get, self._asked_by_chains))
        found = stop.seen.get(key)
        if found is None:
            if len(stop.seen) >= SEEN_KEPT_MAX:
                stop.seen.clear()
            found = stop.seen[key] = [
                chain for kind in ChainKind for chain in visible_chains(self.held.of_kind(kind), attributes, stop.now)
            ]
        return found

    def content_of(self, chain: Chain, step: Step, attributes: Attributes) -> tuple[Granted, ...]:
        """What a step gives to a player."""
        is_personal = chain.chain_id in self.held.with_personal_rewards
        key = (chain.chain_id, step.step_id, *(attributes.items() if is_personal else ()))
        found = self._contents.get(key)
        if found is None:
            found = self._contents[key] = content_of(self.shop, step, attributes)
        return found

    def goods_at(self, stop: Stop) -> Goods:
        """What the shop sells at a stop to who has no code."""
        since, _ = interval_at(self.catalog.edges, stop.now)
        found = self._goods.get(since)
        if found is None:
            found = self._goods[since] = self._goods_of(stop.now)
        return found

    def _goods_of(self, now: datetime) -> Goods:
        view = self.catalog.view(Shelf.SELLABLE, None, country="", now=now, with_inactive=False, stocks=ALL_IN_STOCK)
        shown = [
            item
            for entry in view.entries
            if entry.item_id not in self.catalog.kept_back and (item := self.shop.find_by_id(entry.item_id)) is not None
        ]
        for_money = [item for item in shown if self.shop.price_of(item, country=None) is not None]
        return Goods(
            for_money=tuple(for_money),
            promoted=tuple(item for item in for_money if self._is_promoted(item.entry, now)),
            for_currency=tuple(item for item in shown if any(price.is_enabled for price in item.virtual_prices)),
            free=tuple(item for item in shown if item.is_free),
        )

    def _is_promoted(self, entry: Entry, now: datetime) -> bool:
        promotions = self.catalog.promotions
        named = joined(promotions.by_item.get(entry.item_id, ()), promotions.by_item.get(entry.parent_id or 0, ()))
        return any(is_in_period(promotions.by_id[each].periods, now) for each in named)

    def _schedules(self) -> Iterator[Schedule]:
        for entry in self.catalog.entries.values():
            if entry.limits is not None and entry.limits.schedule is not None:
                yield entry.limits.schedule
        for promotion in self.catalog.promotions.by_id.values():
            if promotion.limits.schedule is not None:
                yield promotion.limits.schedule

    def _conditions(self) -> Iterator[AttributeCondition]:
        for chain in self.chains:
            yield from chain.conditions
            for reward in joined.from_iterable(step.rewards for step in chain.steps):
                yield from reward.conditions
        for promotion in self.promotions:
            for condition in promotion.conditions:
                if isinstance(condition, UserAttributes):
                    yield from condition.conditions
        for rule in self.catalog.filter_rules:
            yield from rule.conditions


def is_earnable(season: Season, chain: Chain) -> bool:
    """Whether anything that is sold comes with the value point that a chain counts."""
    opening = chain.opening
    if not isinstance(opening, ByPoints):
        return False
    rewards = joined.from_iterable(season.catalog.value_points.values())
    return any(reward.value_point_id == opening.value_point_id and reward.amount > 0 for reward in rewards)


COUPONS = (PromotionKind.COUPON,)
# Codes that are given with a purchase.
WITH_PURCHASE = (PromotionKind.PROMO_CODE, PromotionKind.UNIQUE_OFFER)

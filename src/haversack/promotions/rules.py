"""Which promotions apply to a purchase, and what they give. Pure.

The order is total: promotions are looked at by their ids. Discounts multiply, so that their order does not matter; what
excludes each other is settled for the better of the player; `docs/pricing.md` has every rule with an example.
"""

import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain, combinations
from typing import Self, assert_never

from haversack.catalog.records import Period
from haversack.limits.records import FOR_EVER, Uses
from haversack.limits.rules import since_reset, used_in
from haversack.limits.schedule import window_of
from haversack.personalization.rules import meets_all
from haversack.pricing.records import Discount, Line
from haversack.pricing.rules import price_cart
from haversack.promotions.records import (
    Bonus,
    BonusItems,
    CartPercent,
    CartPrice,
    Comparison,
    Condition,
    HasCode,
    HasItems,
    ItemPercent,
    ItemPrice,
    Promotion,
    RevealedItems,
    Situation,
    UserAttributes,
    Verdict,
)

# Of more promotions that exclude each other than this, not every combination is tried: the best one is taken first,
# then the best of those that it leaves, and so on.
COMBINED_MAX = 10
COMPARE: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
    "eq": operator.eq,
    "ne": operator.ne,
}
ALWAYS_SINCE = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Applied:
    """What promotions do to a purchase: discounts in the order of their ids, bonuses, a verdict on each of them, and
    those that apply."""

    discounts: tuple[Discount, ...] = ()
    bonuses: tuple[Bonus, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    kept: tuple[Promotion, ...] = ()


NOTHING_APPLIED = Applied()


@dataclass(frozen=True, slots=True, eq=False)
class _Effect:
    promotion: Promotion
    discounts: tuple[Discount, ...]
    bonuses: tuple[Bonus, ...]


@dataclass(slots=True, eq=False)
class _Bought:
    """A purchase as conditions and rewards look at it, each thing found out once."""

    lines: Sequence[Line]
    total: Decimal | None
    # What is bought, by itself or by its game; bonuses are not.
    names: frozenset[int | None]
    # What has a price in the cart's currency.
    priced: frozenset[int]
    # A name -> the priced items that it stands for.
    named: Mapping[int, frozenset[int]]
    fitting: dict[tuple[Comparison, ...], frozenset[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Sequence[Line], total: Decimal | None) -> Self:
        """What lines and their sum say."""
        named: dict[int, set[int]] = {}
        for line in lines:
            if line.unit_amount is not None:
                named.setdefault(line.item_id, set()).add(line.item_id)
                if line.game_id is not None:
                    named.setdefault(line.game_id, set()).add(line.item_id)
        return cls(
            lines,
            total,
            frozenset(name for line in lines if not line.is_bonus for name in (line.item_id, line.game_id)),
            frozenset(line.item_id for line in lines if line.unit_amount is not None),
            {name: frozenset(item_ids) for name, item_ids in named.items()},
        )

    def chosen_by(self, promotion: Promotion) -> frozenset[int]:
        """The items whose unit price the promotion's conditions on prices choose; all without any."""
        found = self.priced
        for condition in promotion.conditions:
            if isinstance(condition, ItemPrice):
                found = found & self._fitting(condition.comparisons)
        return found

    def _fitting(self, comparisons: tuple[Comparison, ...]) -> frozenset[int]:
        if comparisons not in self.fitting:
            self.fitting[comparisons] = frozenset(
                line.item_id
                for line in self.lines
                if line.unit_amount is not None and fits(comparisons, line.unit_amount)
            )
        return self.fitting[comparisons]

    def among(self, item_ids: frozenset[int]) -> frozenset[int]:
        """The priced items that are named, by themselves or by their game."""
        found = [items for name, items in self.named.items() if name in item_ids]
        return frozenset().union(*found) if found else frozenset()


def apply_promotions(
    promotions: Iterable[Promotion], lines: Sequence[Line], situation: Situation, *, currency: str | None
) -> Applied:
    """What the promotions do to lines of one currency."""
    bought = _Bought.of(lines, price_cart(lines, currency=currency).amount)
    verdicts: list[Verdict] = []
    effects: list[_Effect] = []
    for promotion in sorted(promotions, key=_by_id):
        why_not = _hindrance(promotion, situation, bought)
        effect = None if why_not else _effect(promotion, bought)
        if effect is None:
            verdicts.append(_dropped(promotion, why_not or "It does nothing for what is bought."))
        else:
            effects.append(effect)
    kept, losers = _settle_exclusions(effects, lines, currency)
    verdicts += [Verdict(each.promotion.promotion_id, title(each.promotion), True, "It applies.") for each in kept]
    for effect in losers:
        winners = [each.promotion.promotion_id for each in kept if _exclude(effect.promotion, each.promotion)]
        named = ", ".join(map(str, winners))
        why = f"Promotion {named} excludes it, and is better for the player."
        verdicts.append(_dropped(effect.promotion, why))
    return Applied(
        discounts=tuple(discount for effect in kept for discount in effect.discounts),
        bonuses=tuple(bonus for effect in kept for bonus in effect.bonuses),
        verdicts=tuple(sorted(verdicts, key=lambda verdict: verdict.promotion_id)),
        kept=tuple(effect.promotion for effect in kept),
    )


def _by_id(promotion: Promotion) -> int:
    return promotion.promotion_id


def hindrance(
    promotion: Promotion, situation: Situation, lines: Sequence[Line], *, total: Decimal | None
) -> str | None:
    """Why a promotion does not apply to a purchase, in words; None where nothing stands in its way."""
    return _hindrance(promotion, situation, _Bought.of(lines, total))


def _hindrance(promotion: Promotion, situation: Situation, bought: _Bought) -> str | None:
    if not promotion.is_enabled:
        return "It is switched off."
    if not is_in_period(promotion.periods, situation.now):
        return "It is not in one of its periods."
    for condition in promotion.conditions:
        why_not = _unmet(condition, promotion, situation, bought)
        if why_not is not None:
            return why_not
    return used_up(promotion, situation)


def needs_attributes(promotion: Promotion) -> bool:
    """Whether a player's attributes decide about it."""
    return any(isinstance(condition, UserAttributes) for condition in promotion.conditions)


def is_in_period(periods: Sequence[Period], now: datetime) -> bool:
    """Whether a moment lies in a period, from its start up to but without its end. Without periods: always."""
    return not periods or any(
        (period.starts_at is None or period.starts_at <= now) and (period.ends_at is None or now < period.ends_at)
        for period in periods
    )


def shown_period(periods: Sequence[Period], now: datetime) -> Period:
    """The period that runs, else the one that starts next, else the one that ended last; without any an open one."""
    if not periods:
        return Period(None, None)
    ahead = [period for period in periods if period.ends_at is None or now < period.ends_at]
    # Only what v2 has written is open at its start, and that is a single period.
    return min(ahead, key=_starts_at) if ahead else max(periods, key=_starts_at)


def _starts_at(period: Period) -> datetime:
    return period.starts_at or ALWAYS_SINCE


def used_up(promotion: Promotion, situation: Situation) -> str | None:
    """Which limit of the promotion leaves nothing; None where it may be used once more."""
    limits = promotion.limits
    if limits.total is not None and situation.totals.get(promotion.promotion_id, 0) >= limits.total:
        return "All of its uses have been used."
    if situation.attributes is not None and left_to_player(promotion, situation) == 0:
        return "The player has used it as often as it may be."
    return None


def left_to_player(promotion: Promotion, situation: Situation) -> int | None:
    """How often the player may still use it in the window of now; None where it has no such limit."""
    if promotion.limits.per_user is None:
        return None
    window = since_reset(
        window_of(promotion.limits.schedule, situation.now),
        situation.now,
        reset_at=situation.resets.get(promotion.promotion_id),
    )
    uses = situation.uses.get(promotion.promotion_id) or Uses(FOR_EVER, 0)
    return max(0, promotion.limits.per_user - used_in(uses, window))


def fits(comparisons: Sequence[Comparison], amount: Decimal) -> bool:
    """Whether an amount fits every comparison."""
    return all(COMPARE[each.operator](amount, each.value) for each in comparisons)


def chosen_items(promotion: Promotion, lines: Sequence[Line]) -> frozenset[int]:
    """The items of a purchase whose unit price the promotion's conditions on prices choose; all without any."""
    return _Bought.of(lines, None).chosen_by(promotion)


def named_in(item_ids: Collection[int], lines: Sequence[Line]) -> frozenset[int]:
    """The items of a purchase that are named, by themselves or by their game."""
    return frozenset(line.item_id for line in lines if line.item_id in item_ids or line.game_id in item_ids)


def title(promotion: Promotion) -> str:
    """What a promotion is called where one name must do: in English, else in the first language it has."""
    return promotion.name.get("en-US") or next(iter(promotion.name.values()), f"promotion {promotion.promotion_id}")


def name_in(promotion: Promotion, language: str) -> str:
    """What a promotion is called in a language of two letters, else as `title` says."""
    found = next((text for code, text in promotion.name.items() if text and code.startswith(f"{language}-")), None)
    return found or title(promotion)


def _unmet(condition: Condition, promotion: Promotion, situation: Situation, bought: _Bought) -> str | None:
    match condition:
        case HasItems(item_ids):
            # Any of its keys will do for a game.
            return None if bought.names.issuperset(item_ids) else "Not all items that it asks for are bought."
        case ItemPrice():
            return None if bought.chosen_by(promotion) else "No item has a price that it asks for."
        case CartPrice(comparisons):
            if bought.total is None or not fits(comparisons, bought.total):
                return "The price of the cart is not what it asks for."
            return None
        case UserAttributes(conditions):
            return None if meets_all(conditions, situation.attributes) else "The player's attributes do not meet it."
        case HasCode():
            return None if promotion.promotion_id in situation.code_promotion_ids else "None of its codes was given."
        case _:
            assert_never(condition)


def _effect(promotion: Promotion, bought: _Bought) -> _Effect | None:
    """What a promotion that applies does to a purchase; None: nothing."""
    chosen = bought.chosen_by(promotion)
    discounts: list[Discount] = []
    bonuses: list[Bonus] = []
    for reward in promotion.rewards:
        match reward:
            case ItemPercent(percent):
                touched = chosen if reward.items is None else chosen & bought.among(reward.items)
                if touched:
                    discounts.append(_discount(promotion, percent, touched))
            case CartPercent(percent):
                if chosen:
                    discounts.append(_discount(promotion, percent, None))
            case BonusItems(items):
                bonuses.extend(Bonus(promotion.promotion_id, item_id, quantity) for item_id, quantity in items)
            case RevealedItems():
                # They are shown and sold by it; their prices stay.
                pass
            case _:
                assert_never(reward)
    return _Effect(promotion, tuple(discounts), tuple(bonuses)) if discounts or bonuses else None


def _discount(promotion: Promotion, percent: Decimal, item_ids: frozenset[int] | None) -> Discount:
    return Discount(promotion_id=promotion.promotion_id, name=title(promotion), percent=percent, item_ids=item_ids)


def _dropped(promotion: Promotion, why: str) -> Verdict:
    return Verdict(promotion.promotion_id, title(promotion), False, why)


def _exclude(one: Promotion, other: Promotion) -> bool:
    """Whether two promotions exclude each other; one of them saying so is enough."""
    return one.promotion_id in other.excluded_promotion_ids or other.promotion_id in one.excluded_promotion_ids


def _settle_exclusions(
    effects: Sequence[_Effect], lines: Sequence[Line], currency: str | None
) -> tuple[list[_Effect], list[_Effect]]:
    """The effects that stay and those that do not, by promotion id: of each knot of promotions that exclude each other
    the combination stays that is best for the player."""
    kept: list[_Effect] = []
    losers: list[_Effect] = []
    for knot in _knots(effects):
        best = knot if len(knot) == 1 else _best_combination(knot, _touched_by(knot, lines), currency)
        kept += best
        losers += [effect for effect in knot if effect not in best]
    return (
        sorted(kept, key=lambda effect: effect.promotion.promotion_id),
        sorted(losers, key=lambda effect: effect.promotion.promotion_id),
    )


def _touched_by(knot: Sequence[_Effect], lines: Sequence[Line]) -> Sequence[Line]:
    """The lines that any of the promotions makes cheaper: what the others cost is the same whichever of them stay."""
    items: set[int] = set()
    for effect in knot:
        for discount in effect.discounts:
            if discount.item_ids is None:
                return lines
            items |= discount.item_ids
    return [line for line in lines if line.item_id in items]


def _knots(effects: Sequence[_Effect]) -> Iterator[list[_Effect]]:
    """Promotions that hang together by exclusions, directly or through others."""
    by_id = {effect.promotion.promotion_id: effect for effect in effects}
    neighbours: dict[int, set[int]] = {promotion_id: set() for promotion_id in by_id}
    for promotion_id, effect in by_id.items():
        for other in effect.promotion.excluded_promotion_ids:
            if other in by_id:
                neighbours[promotion_id].add(other)
                neighbours[other].add(promotion_id)
    seen: set[int] = set()
    for promotion_id in by_id:
        knot, pending = [], [promotion_id]
        while pending:
            each = pending.pop()
            if each not in seen:
                seen.add(each)
                knot.append(by_id[each])
                pending.extend(neighbours[each])
        if knot:
            yield knot


def _best_combination(knot: Sequence[_Effect], lines: Sequence[Line], currency: str | None) -> Sequence[_Effect]:
    ordered = sorted(knot, key=lambda effect: effect.promotion.promotion_id)
    if len(ordered) <= COMBINED_MAX:
        possible = chain.from_iterable(combinations(ordered, size) for size in range(len(ordered), 0, -1))
        return min((each for each in possible if _agree(each)), key=lambda each: _standing(each, lines, currency))
    best: list[_Effect] = []
    for effect in sorted(ordered, key=lambda each: _standing([each], lines, currency)):
        if _agree([*best, effect]):
            best.append(effect)
    return best


def _agree(effects: Sequence[_Effect]) -> bool:
    return not any(_exclude(one.promotion, other.promotion) for one, other in combinations(effects, 2))


def _standing(effects: Sequence[_Effect], lines: Sequence[Line], currency: str | None) -> tuple[object, ...]:
    """What the player has of a combination, the better the smaller: what is to be paid, then how many bonuses there
    are, then the ids."""
    discounts = [discount for effect in effects for discount in effect.discounts]
    amount = price_cart(lines, currency=currency, discounts=discounts).amount or Decimal(0)
    bonuses = sum(bonus.quantity for effect in effects for bonus in effect.bonuses)
    return amount, -bonuses, tuple(effect.promotion.promotion_id for effect in effects)

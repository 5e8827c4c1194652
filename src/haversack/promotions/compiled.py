"""A project's promotions as catalog, carts and orders look them up: by what is bought, however many there are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import assert_never

from haversack.pricing.records import Line
from haversack.promotions.records import (
    BonusItems,
    CartPercent,
    HasItems,
    ItemPercent,
    Promotion,
    RevealedItems,
)
from haversack.promotions.rules import needs_attributes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Promotions:
    """The promotions that are switched on, and what brings each of them in.

    by_item: those that name an item as bought or discounted; unbound: those that any purchase may meet. What has codes
    is in neither: it comes in by its code. personal: those with conditions on attributes; limited: those that each
    player may use only so often. kept_back: what is revealed by each unique offer, switched on or not. edges: when
    periods begin and end.
    """

    by_id: Mapping[int, Promotion] = field(default_factory=dict)
    by_item: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    unbound: tuple[int, ...] = ()
    personal: frozenset[int] = frozenset()
    limited: frozenset[int] = frozenset()
    kept_back: Mapping[int, frozenset[int]] = field(default_factory=dict)
    edges: frozenset[datetime] = frozenset()

    @property
    def depends_on_player(self) -> bool:
        """Whether what applies depends on who buys, beside the codes that they give."""
        return bool(self.personal or self.limited)

    def touch(self, item_id: int, game_id: int | None = None) -> bool:
        """Whether a promotion without codes may touch an item, named by itself or by its game."""
        return bool(self.unbound) or item_id in self.by_item or game_id in self.by_item

    def of_item(self, item_id: int, game_id: int | None = None) -> tuple[int, ...]:
        """The promotions without codes that may touch an item, by id."""
        named = (*self.by_item.get(item_id, ()), *(() if game_id is None else self.by_item.get(game_id, ())))
        return tuple(sorted({*named, *self.unbound}))

    def of_lines(self, lines: Iterable[Line], codes: Iterable[int] = ()) -> list[Promotion]:
        """Those that may touch a purchase, by id; codes: the promotions whose codes were given."""
        found = {promotion_id for line in lines for promotion_id in self._naming(line)}
        found.update(self.unbound, codes)
        return [self.by_id[promotion_id] for promotion_id in sorted(found) if promotion_id in self.by_id]

    def _naming(self, line: Line) -> Iterable[int]:
        by_game = () if line.game_id is None else self.by_item.get(line.game_id, ())
        return chain(self.by_item.get(line.item_id, ()), by_game)


NO_PROMOTIONS = Promotions()


def compile_promotions(promotions: Sequence[Promotion]) -> Promotions:
    """Promotions of a project, by id, as they are looked up."""
    enabled = [promotion for promotion in promotions if promotion.is_enabled]
    by_item: dict[int, list[int]] = {}
    unbound: list[int] = []
    for promotion in enabled:
        if promotion.kind.has_codes:
            continue
        named = _items_that_bring_in(promotion)
        if named is None:
            unbound.append(promotion.promotion_id)
        for item_id in named or ():
            by_item.setdefault(item_id, []).append(promotion.promotion_id)
    return Promotions(
        by_id={promotion.promotion_id: promotion for promotion in enabled},
        by_item={item_id: tuple(ids) for item_id, ids in by_item.items()},
        unbound=tuple(unbound),
        personal=frozenset(promotion.promotion_id for promotion in enabled if needs_attributes(promotion)),
        limited=frozenset(each.promotion_id for each in enabled if each.limits.per_user is not None),
        kept_back={each.promotion_id: revealed for each in promotions if (revealed := revealed_items(each))},
        edges=frozenset(
            moment
            for promotion in enabled
            for period in promotion.periods
            for moment in (period.starts_at, period.ends_at)
            if moment is not None
        ),
    )


def revealed_items(promotion: Promotion) -> frozenset[int]:
    """The items that a promotion's codes reveal."""
    return frozenset(
        item_id for reward in promotion.rewards if isinstance(reward, RevealedItems) for item_id in reward.item_ids
    )


def _items_that_bring_in(promotion: Promotion) -> frozenset[int] | None:
    """The items of which a purchase holds one where the promotion does something; None where that may be any."""
    needed = [frozenset(each.item_ids) for each in promotion.conditions if isinstance(each, HasItems)]
    if needed:
        return min(needed, key=len)
    found: set[int] = set()
    for reward in promotion.rewards:
        match reward:
            case ItemPercent(_, item_ids):
                if item_ids is None:
                    return None
                found.update(item_ids)
            case CartPercent() | BonusItems():
                return None
            case RevealedItems():
                pass
            case _:
                assert_never(reward)
    return frozenset(found)

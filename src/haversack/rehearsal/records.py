"""What a rehearsal keeps while it plays: where a player stands, and what is counted of all of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from haversack.catalog.read_model.records import PlayerUses
from haversack.chains.records import Progress
from haversack.personalization.records import Attributes

if TYPE_CHECKING:
    from haversack.rehearsal.temperaments import Temperament

DAY = timedelta(days=1)
EXAMPLES_MAX = 3


@dataclass(slots=True)
class Path:
    """A player's way through a chain over all its windows: steps (ids) that were open, and those that were taken; the
    highest number of the latter; visits without taking one since then, and the step (number) that was next at these."""

    reached: set[int] = field(default_factory=set)
    claimed: set[int] = field(default_factory=set)
    furthest: int = 0
    idle: int = 0
    waits_for: int = 0


@dataclass(slots=True)
class Balance:
    """Value points since a moment."""

    window_start: datetime
    amount: int


@dataclass(slots=True, eq=False, kw_only=True)
class Player:
    """A player of the rehearsal; all that would stand in the database of a real one."""

    number: int
    temperament: "Temperament"
    rng: Random
    attributes: Attributes
    clan: str | None
    # The first day on which who comes every so many days comes.
    first_day: int
    has_left: bool = False
    idle: int = 0
    progress: dict[int, Progress] = field(default_factory=dict)
    points: dict[int, Balance] = field(default_factory=dict)
    item_uses: dict[int, PlayerUses] = field(default_factory=dict)
    promotion_uses: dict[int, PlayerUses] = field(default_factory=dict)
    owned: set[int] = field(default_factory=set)
    balances: Counter[str] = field(default_factory=Counter)
    paths: dict[int, Path] = field(default_factory=dict)
    last_step: tuple[int, int] | None = None
    bound: set[tuple[str, int]] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Tally:
    """What is counted. Two tallies add up to that of both, in any order: so it does not matter who plays first.

    Keys: chains, steps, items and promotions by their ids, steps as (chain, step) and places as (chain, number).
    """

    players: Counter[str] = field(default_factory=Counter)
    visits: Counter[str] = field(default_factory=Counter)
    # By temperament: who left for good, and the place of the last step that was taken before.
    left: Counter[str] = field(default_factory=Counter)
    left_at: Counter[tuple[int, int]] = field(default_factory=Counter)
    seen: Counter[int] = field(default_factory=Counter)
    reached: Counter[tuple[int, int]] = field(default_factory=Counter)
    claimers: Counter[tuple[int, int]] = field(default_factory=Counter)
    claims: Counter[tuple[int, int]] = field(default_factory=Counter)
    furthest: Counter[tuple[int, int]] = field(default_factory=Counter)
    stuck: Counter[tuple[int, int]] = field(default_factory=Counter)
    refused_steps: Counter[tuple[int, int, str]] = field(default_factory=Counter)
    # By SKU: what steps gave, promotions gave on top, coupons gave, and what was sold.
    rewarded: Counter[str] = field(default_factory=Counter)
    bonuses: Counter[str] = field(default_factory=Counter)
    coupons: Counter[str] = field(default_factory=Counter)
    sold: Counter[str] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    # By currency; what was taken off by (promotion, currency) too.
    paid: dict[str, Decimal] = field(default_factory=dict)
    before: dict[str, Decimal] = field(default_factory=dict)
    taken_off: dict[tuple[int, str], Decimal] = field(default_factory=dict)
    promotion_uses: Counter[int] = field(default_factory=Counter)
    not_applied: Counter[tuple[int, str]] = field(default_factory=Counter)
    # ("item" or "promotion", id): how often a limit kept somebody back, and how many it kept back.
    bound: Counter[tuple[str, int]] = field(default_factory=Counter)
    bound_players: Counter[tuple[str, int]] = field(default_factory=Counter)
    # (item, day): units that were sold of what there is only so much of.
    stock_sold: Counter[tuple[int, int]] = field(default_factory=Counter)
    # The most value points that anybody had for a chain; the first players who got stuck at a place.
    most_points: dict[int, int] = field(default_factory=dict)
    examples: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Count what another tally has counted too."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, Counter):
                mine.update(theirs)
        for name in ("paid", "before", "taken_off"):
            _add_money(getattr(self, name), getattr(other, name))
        for chain_id, most in other.most_points.items():
            self.note_points(chain_id, most)
        for place, numbers in other.examples.items():
            self.note_examples(place, numbers)

    def note_points(self, chain_id: int, points: int) -> None:
        """Remember the most points that anybody had."""
        self.most_points[chain_id] = max(points, self.most_points.get(chain_id, 0))

    def note_examples(self, place: tuple[int, int], numbers: tuple[int, ...]) -> None:
        """Remember the first players, by number, who got stuck at a place."""
        self.examples[place] = tuple(sorted({*self.examples.get(place, ()), *numbers})[:EXAMPLES_MAX])


def _add_money(mine: dict[object, Decimal], theirs: Mapping[object, Decimal]) -> None:
    for key, amount in theirs.items():
        mine[key] = mine.get(key, Decimal(0)) + amount

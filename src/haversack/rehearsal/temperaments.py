"""Who the players of a rehearsal are: a few temperaments, and how a player is drawn. Pure: the randomness is passed in.

docs/rehearsal.md has the same table; a test holds the two together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from haversack.personalization.records import AttributeCondition, Attributes, AttributeType
from haversack.personalization.rules import moment_of, number_of
from haversack.rehearsal.records import DAY

# So many players know each other: they are one clan, or in none.
PARTY_SIZE = 10
IN_CLAN = 60
NO_ATTRIBUTE = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Temperament:
    """How a kind of player plays; all but the names and numbers of times are percents.

    share: of all players; plays: of the days, or with `every_days` of those that lie so far apart; visits: the most on
    a day; claims: of open free steps; pays: of open steps that cost money; buys: of visits; bargains: of purchases that
    look for a promotion; codes: of purchases that come with a code, and of days on which a coupon is used; leaves:
    after each step that was taken, for good; patience: visits without anything to take before leaving for good.
    """

    name: str
    share: int
    plays: int
    every_days: int = 1
    visits: int = 1
    claims: int
    pays: int
    buys: int
    bargains: int
    codes: int
    leaves: int = 0
    patience: int | None = None


TEMPERAMENTS = (
    Temperament(name="collector", share=20, plays=95, visits=3, claims=100, pays=10, buys=5, bargains=50, codes=20),
    Temperament(
        name="spender",
        share=10,
        plays=80,
        visits=2,
        claims=90,
        pays=60,
        buys=30,
        bargains=30,
        codes=30,
        leaves=1,
        patience=60,
    ),
    Temperament(
        name="casual", share=35, plays=50, claims=70, pays=2, buys=2, bargains=80, codes=10, leaves=1, patience=30
    ),
    Temperament(
        name="weekly", share=20, plays=100, every_days=7, claims=90, pays=5, buys=8, bargains=50, codes=10, leaves=1
    ),
    Temperament(
        name="leaver", share=15, plays=85, claims=80, pays=2, buys=2, bargains=50, codes=5, leaves=15, patience=7
    ),
)


def happens(rng: Random, percent: int) -> bool:
    """Whether something of so many percent happens."""
    return rng.random() * 100 < percent


def draw_temperament(rng: Random) -> Temperament:
    """A temperament, by their shares."""
    left = rng.random() * 100
    for temperament in TEMPERAMENTS:
        left -= temperament.share
        if left < 0:
            return temperament
    return TEMPERAMENTS[-1]


def random_of(seed: int, number: int) -> Random:
    """The randomness of one player, which no other player shares."""
    return Random(f"{seed}:{number}")  # noqa: S311  (a rehearsal is to come out alike each time)


def values_of(conditions: Sequence[AttributeCondition]) -> dict[str, tuple[str, ...]]:
    """What players may have in the attributes that a project asks for: the values asked for and those beside them."""
    found: dict[str, dict[str, None]] = {}
    for condition in conditions:
        found.setdefault(condition.attribute, {}).update(dict.fromkeys(_around(condition)))
    return {name: tuple(found[name]) for name in sorted(found)}


def _around(condition: AttributeCondition) -> tuple[str, ...]:
    value = condition.value
    match condition.type:
        case AttributeType.NUMBER if (number := number_of(value)) is not None:
            return value, str(number - 1), str(number + 1)
        case AttributeType.DATE if (moment := moment_of(value)) is not None:
            return value, (moment - DAY).isoformat(), (moment + DAY).isoformat()
        case _:
            return value, f"not {value}"


def draw_attributes(rng: Random, values: Mapping[str, Sequence[str]]) -> Attributes:
    """A player's attributes: of each one of its values, or none."""
    return {name: rng.choice(of_it) for name, of_it in values.items() if not happens(rng, NO_ATTRIBUTE)}

"""What a chain is: steps, a schedule, conditions of visibility, and one of three ways in which its steps open."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, TypeAlias

from haversack.catalog.records import Schedule
from haversack.limits.records import Window
from haversack.personalization.records import AttributeCondition
from haversack.text import Translations


class ChainKind(StrEnum):
    """The kinds. A clan chain is a reward chain whose value point belongs to clans."""

    REWARD = "reward"
    DAILY = "daily"
    OFFER = "offer"


class DailyType(StrEnum):
    """How the days of a daily chain are counted: by the calendar, or each player's own."""

    CALENDAR_HARD = "calendar_hard"
    ROLLING = "rolling"


# -- How steps open -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ByPoints:
    """A step opens at a number of value points (`Step.points`), a player's own or those of a clan.

    is_clan is that of the value point, which keeps it for good. The clan's texts stand here, since it alone has them.
    """

    kind: ClassVar[ChainKind] = ChainKind.REWARD

    value_point_id: int
    is_clan: bool = False
    clan_type: str | None = None
    popup_header: Translations | None = None
    popup_instruction: Translations | None = None
    popup_image_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ByDay:
    """A step opens on a day."""

    kind: ClassVar[ChainKind] = ChainKind.DAILY

    type: DailyType
    is_recurrent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ByOrder:
    """A step opens when the one before it is taken, and is taken for free or for money (`Step.is_free`)."""

    kind: ClassVar[ChainKind] = ChainKind.OFFER

    is_reset_on_completion: bool = False


Opening: TypeAlias = ByPoints | ByDay | ByOrder

# -- Chains ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reward:
    """An item that a step gives, to players who meet its own conditions."""

    item_id: int
    quantity: int
    conditions: tuple[AttributeCondition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step. Numbers begin at 1; the id stays when steps are moved. `points` are the total that opens it in a reward
    chain, `is_free` is of offer chains."""

    step_id: int
    number: int
    rewards: tuple[Reward, ...]
    name: Translations | None = None
    image_url: str | None = None
    points: int = 0
    is_free: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain of any kind with its steps by number.

    conditions personalise it; `is_always_visible` false shows one without conditions only to those for whom no
    personalised chain of the kind is. began_at: when the window began that ran as the chain was made, written, switched
    or reset by hand; later windows follow from the schedule.
    """

    project_id: int
    chain_id: int
    opening: Opening
    name: Translations
    description: Translations | None = None
    long_description: Translations | None = None
    image_url: str | None = None
    sort_order: int = 1
    is_enabled: bool
    starts_at: datetime
    ends_at: datetime | None = None
    is_always_visible: bool = True
    conditions: tuple[AttributeCondition, ...] = ()
    schedule: Schedule | None = None
    began_at: datetime
    steps: tuple[Step, ...] = ()
    created_at: datetime
    updated_at: datetime

    @property
    def kind(self) -> ChainKind:
        """Its kind, which follows from how its steps open."""
        return self.opening.kind

    @property
    def item_ids(self) -> list[int]:
        """The items that its steps give."""
        return sorted({reward.item_id for step in self.steps for reward in step.rewards})

    def find_step(self, *, step_id: int | None = None, number: int | None = None) -> Step | None:
        """The step of an id or of a number."""
        return next((step for step in self.steps if step_id == step.step_id or number == step.number), None)


def by_points(chain: Chain) -> ByPoints:
    """How the steps of a reward chain open."""
    assert isinstance(chain.opening, ByPoints), "only reward chains open by points"
    return chain.opening


def by_day(chain: Chain) -> ByDay:
    """How the steps of a daily chain open."""
    assert isinstance(chain.opening, ByDay), "only daily chains open by days"
    return chain.opening


def by_order(chain: Chain) -> ByOrder:
    """How the steps of an offer chain open."""
    assert isinstance(chain.opening, ByOrder), "only offer chains open one after the other"
    return chain.opening


# -- A player on a chain --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """What a player has taken: step id -> when, in the player's newest window, which is the chain's or a later one."""

    window_start: datetime
    claimed: Mapping[int, datetime] = field(default_factory=dict)


class StepState(StrEnum):
    """How a step stands for a player, in the words of the wire."""

    CLAIMED = "claimed"
    CLAIMABLE = "claimable"
    IN_FUTURE = "claim_in_future"
    # Its day has passed.
    MISSED = "blocked"


@dataclass(frozen=True, slots=True)
class Standing:
    """All that decides what a player may take: the chain's window, what was taken in it, the points there are, and the
    clan that the player is in."""

    window: Window
    progress: Progress
    points: int = 0
    clan: str | None = None


@dataclass(frozen=True, slots=True)
class Contributor:
    """A member of a clan, by the name that others see, and what they brought."""

    name: str
    amount: int

"""Reward chains on the wire: what a studio writes and reads of them, and what a player sees."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from haversack.catalog.items.wire.parts import Count, Flag, MediaView, MomentText, Sku, StrictBody, Whole
from haversack.catalog.records import Item, Schedule
from haversack.catalog.taxonomy.wire import Link, OptionalTranslationsBody, TranslationsBody, TranslationsView
from haversack.chains.drafts import RewardDraft, StepDraft
from haversack.chains.records import ByPoints, Chain, Step
from haversack.chains.reward.drafts import ClanTexts, RewardChainDraft
from haversack.clock import wire_time
from haversack.http.wire import WireModel
from haversack.limits.schedule import window_of
from haversack.limits.wire import MonthlyBody, WeeklyBody
from haversack.promotions.wire.parts import (
    AttributeConditionsBody,
    AttributeConditionsView,
    AttributeConditionView,
    attribute_conditions,
    is_none,
)

INT32_MAX = 2**31 - 1
STEPS_MAX = 31
REWARDS_MAX = 10

ClanType = Literal[
    "clan",
    "guild",
    "faction",
    "community",
    "team",
    "squad",
    "alliance",
    "association",
    "coalition",
    "union",
    "group",
    "civilizations",
    "dynasty",
    "order",
    "league",
    "brotherhood",
    "kingdom",
    "organization",
    "house",
    "empire",
    "tribe",
    "cartel",
]

# -- What a studio writes -------------------------------------------------------------------------------------------


class RewardBody(StrictBody):
    """So many of an item, for players who meet the conditions."""

    sku: Sku
    quantity: Count
    attribute_conditions: AttributeConditionsBody | None = None


class PriceBody(StrictBody):
    """How many value points open a step."""

    amount: Annotated[int, Field(strict=True, ge=0, le=INT32_MAX)]


class StepBody(StrictBody):
    """A step."""

    name: TranslationsBody
    price: PriceBody
    image_url: Link | None = None
    reward: Annotated[list[RewardBody], Field(min_length=1, max_length=REWARDS_MAX)]


class StepUpdateBody(StepBody):
    """A step in place of the one with its id, or a new one (null)."""

    step_id: Annotated[int, Field(strict=True, ge=1, le=INT32_MAX)] | None


class ValuePointRefBody(StrictBody):
    """A value point, by its SKU."""

    sku: Sku


ScheduleBody = Annotated[WeeklyBody | MonthlyBody, Field(discriminator="interval_type")]


class _RewardChainBody(StrictBody):
    name: TranslationsBody
    description: OptionalTranslationsBody = None
    long_description: OptionalTranslationsBody = None
    image_url: Link | None = None
    order: Whole = 1
    date_start: MomentText
    date_end: MomentText | None = None
    is_enabled: Flag
    recurrent_schedule: ScheduleBody | None = None
    attribute_conditions: AttributeConditionsBody | None = None
    is_always_visible: Flag = True
    # Of chains that count the points of clans.
    popup_header: OptionalTranslationsBody = None
    popup_instruction: OptionalTranslationsBody = None
    popup_image_url: Link | None = None
    clan_type: ClanType | None = None

    def _draft(self, value_point: str | None, steps: "Sequence[StepBody | StepUpdateBody]") -> RewardChainDraft:
        return RewardChainDraft(
            value_point=value_point,
            clan=ClanTexts(
                clan_type=self.clan_type,
                popup_header=self.popup_header,
                popup_instruction=self.popup_instruction,
                popup_image_url=self.popup_image_url,
            ),
            says_clan_type="clan_type" in self.model_fields_set,
            name=self.name,
            description=self.description,
            long_description=self.long_description,
            image_url=self.image_url,
            sort_order=self.order,
            is_enabled=self.is_enabled,
            starts_at=datetime.fromisoformat(self.date_start),
            ends_at=None if self.date_end is None else datetime.fromisoformat(self.date_end),
            is_always_visible=self.is_always_visible,
            conditions=attribute_conditions(self.attribute_conditions),
            schedule=None if self.recurrent_schedule is None else _schedule(self.recurrent_schedule),
            steps=tuple(_step_draft(place, step) for place, step in enumerate(steps)),
        )


class RewardChainBody(_RewardChainBody):
    """A reward chain. One that counts the points of clans has a header and an instruction for its popup."""

    value_point: ValuePointRefBody
    steps: Annotated[list[StepBody], Field(min_length=1, max_length=STEPS_MAX)]

    def draft(self) -> RewardChainDraft:
        """The chain as it is given."""
        return self._draft(self.value_point.sku, self.steps)


class RewardChainUpdateBody(_RewardChainBody):
    """A reward chain in place of what it was. Value point and clan type stay; they may be repeated."""

    value_point: ValuePointRefBody | None = None
    steps: Annotated[list[StepUpdateBody], Field(min_length=1, max_length=STEPS_MAX)]

    def draft(self) -> RewardChainDraft:
        """The chain as it is given."""
        return self._draft(None if self.value_point is None else self.value_point.sku, self.steps)


def _schedule(body: WeeklyBody | MonthlyBody) -> Schedule:
    return Schedule(
        interval_type=body.interval_type,
        time=body.time,
        day_of_week=body.day_of_week if isinstance(body, WeeklyBody) else None,
        day_of_month=body.day_of_month if isinstance(body, MonthlyBody) else None,
    )


def _step_draft(place: int, body: StepBody | StepUpdateBody) -> StepDraft:
    return StepDraft(
        property=f"steps.{place}",
        step_id=body.step_id if isinstance(body, StepUpdateBody) else None,
        number=place + 1,
        rewards=tuple(
            RewardDraft(
                f"steps.{place}.reward.{index}.sku",
                reward.sku,
                reward.quantity,
                attribute_conditions(reward.attribute_conditions),
            )
            for index, reward in enumerate(body.reward)
        ),
        name=body.name,
        image_url=body.image_url,
        points=body.price.amount,
    )


# -- What a studio reads --------------------------------------------------------------------------------------------


class RewardChainIdView(WireModel):
    """The id of a new chain."""

    reward_chain_id: int


class ChainScheduleView(WireModel):
    """When a chain begins anew; the next reset in milliseconds."""

    interval_type: str
    day_of_week: Annotated[int | None, Field(exclude_if=is_none)]
    day_of_month: Annotated[int | None, Field(exclude_if=is_none)]
    time: str
    reset_next_date: int
    displayable_reset_start_date: str
    displayable_reset_next_date: str

    @classmethod
    def of(cls, schedule: Schedule | None, now: datetime) -> Self | None:
        """The view of a schedule; None without one."""
        if schedule is None:
            return None
        following = window_of(schedule, now).next
        assert following is not None, "a schedule goes on"
        return cls(
            interval_type=schedule.interval_type,
            day_of_week=schedule.day_of_week,
            day_of_month=schedule.day_of_month,
            time=schedule.time,
            reset_next_date=milliseconds(following),
            displayable_reset_start_date=wire_time(schedule.started_at or following),
            displayable_reset_next_date=wire_time(following),
        )


def milliseconds(moment: datetime) -> int:
    """A moment as reward chains give the next reset."""
    return int(moment.timestamp()) * 1_000


# Left out where there is none: these answers have no null there.
Description = Annotated[TranslationsView | None, Field(exclude_if=is_none)]


class PointView(WireModel):
    """The value point that a chain counts."""

    sku: str
    name: TranslationsView
    type: str
    description: Description
    long_description: TranslationsView | None
    image_url: str | None
    media_list: list[MediaView]
    is_enabled: bool
    order: int
    is_clan: bool

    @classmethod
    def of(cls, point: Item) -> Self:
        """The view of a value point."""
        return cls(**_point_fields(point))


class CountedPointView(PointView):
    """The same in a list; the amount is that of a player, and a studio has none."""

    amount: int

    @classmethod
    def of(cls, point: Item) -> Self:
        """The view of a value point."""
        return cls(amount=0, **_point_fields(point))


def _point_fields(point: Item) -> dict[str, Any]:
    return {
        "sku": point.sku,
        "name": dict(point.name),
        "type": point.kind.wire_type,
        "description": point.description,
        "long_description": point.long_description,
        "image_url": point.image_url,
        "media_list": [MediaView.of(media) for media in point.media_list],
        "is_enabled": point.is_enabled,
        "order": point.sort_order,
        "is_clan": point.details.is_clan,
    }


class PriceView(WireModel):
    """How many value points open a step."""

    amount: int


class RewardView(WireModel):
    """So many of an item, for players who meet the conditions."""

    sku: str
    quantity: int
    attribute_conditions: AttributeConditionsView


class StepView(WireModel):
    """A step; items that have been deleted since are left out."""

    step_id: int
    name: TranslationsView
    price: PriceView
    image_url: str | None
    reward: list[RewardView]

    @classmethod
    def of(cls, step: Step, skus: Mapping[int, str]) -> Self:
        """The view of a step; `skus` are those of its items, by id."""
        return cls(
            step_id=step.step_id,
            name=dict(step.name or {}),
            price=PriceView(amount=step.points),
            image_url=step.image_url,
            reward=[
                RewardView(
                    sku=skus[reward.item_id],
                    quantity=reward.quantity,
                    attribute_conditions=[AttributeConditionView.of(each) for each in reward.conditions] or None,
                )
                for reward in step.rewards
                if reward.item_id in skus
            ],
        )


class _AnyChainView(WireModel):
    reward_chain_id: int
    name: TranslationsView
    description: Description
    long_description: TranslationsView | None
    image_url: str | None
    order: int
    date_start: str
    date_end: str | None
    is_enabled: bool
    # Left out where there is none; lists alone have null there.
    recurrent_schedule: Annotated[ChainScheduleView | None, Field(exclude_if=is_none)]
    attribute_conditions: AttributeConditionsView
    is_always_visible: bool


def _chain_fields(chain: Chain, now: datetime) -> dict[str, Any]:
    return {
        "reward_chain_id": chain.chain_id,
        "name": dict(chain.name),
        "description": chain.description,
        "long_description": chain.long_description,
        "image_url": chain.image_url,
        "order": chain.sort_order,
        "date_start": wire_time(chain.starts_at),
        "date_end": None if chain.ends_at is None else wire_time(chain.ends_at),
        "is_enabled": chain.is_enabled,
        "recurrent_schedule": ChainScheduleView.of(chain.schedule, now),
        "attribute_conditions": [AttributeConditionView.of(each) for each in chain.conditions] or None,
        "is_always_visible": chain.is_always_visible,
    }


def _clan_fields(opening: ByPoints) -> dict[str, Any]:
    return {
        "popup_header": opening.popup_header,
        "popup_instruction": opening.popup_instruction,
        "popup_image_url": opening.popup_image_url,
        "clan_type": opening.clan_type,
    }


class ListedChainView(_AnyChainView):
    """A reward chain in a list, without its steps."""

    recurrent_schedule: ChainScheduleView | None
    value_point: CountedPointView


class ListedClanChainView(ListedChainView):
    """A chain of clans in a list."""

    popup_header: TranslationsView | None
    popup_instruction: TranslationsView | None
    popup_image_url: str | None
    clan_type: str | None


class RewardChainView(_AnyChainView):
    """A reward chain with its steps."""

    value_point: PointView
    steps: list[StepView]


class ContributorView(WireModel):
    """A member of a clan and what they brought."""

    name: str
    contributed_amount: int


class ClanChainView(RewardChainView):
    """A chain of clans with its steps. A studio has no clan, so nobody stands at the top."""

    popup_header: TranslationsView | None
    popup_instruction: TranslationsView | None
    popup_image_url: str | None
    clan_type: str | None
    top_contributors: ContributorView | None


class RewardChainPageView(WireModel):
    """A page of reward chains."""

    has_more: bool
    items: list[ListedChainView | ListedClanChainView]


def listed_view(chain: Chain, point: Item, now: datetime) -> ListedChainView | ListedClanChainView:
    """The view of a chain in a list."""
    assert isinstance(chain.opening, ByPoints), "only reward chains are shown as such"
    fields = {**_chain_fields(chain, now), "value_point": CountedPointView.of(point)}
    return (
        ListedClanChainView(**fields, **_clan_fields(chain.opening))
        if chain.opening.is_clan
        else (ListedChainView(**fields))
    )


def chain_view(chain: Chain, point: Item, skus: Mapping[int, str], now: datetime) -> RewardChainView | ClanChainView:
    """The view of a chain; `skus` are those of the items that its steps give, by id."""
    assert isinstance(chain.opening, ByPoints), "only reward chains are shown as such"
    fields = {
        **_chain_fields(chain, now),
        "value_point": PointView.of(point),
        "steps": [StepView.of(step, skus) for step in chain.steps],
    }
    if not chain.opening.is_clan:
        return RewardChainView(**fields)
    return ClanChainView(**fields, **_clan_fields(chain.opening), top_contributors=None)


# -- What a player sees ---------------------------------------------------------------------------------------------


class BalanceView(WireModel):
    """A value point and how many of it a player, or the player's clan, has."""

    sku: str
    name: str
    image_url: str | None
    description: str | None
    long_description: str | None
    amount: int
    is_clan: bool


class ClientRewardView(WireModel):
    """So many of an item that a step gives."""

    sku: str
    name: str
    type: str
    description: str
    image_url: str | None
    quantity: int


class ClientStepView(WireModel):
    """A step, and whether the player has taken it."""

    step_id: int
    name: str
    is_claimed: bool
    image_url: str | None
    price: PriceView
    reward: list[ClientRewardView]


class ClientScheduleView(WireModel):
    """When a chain begins anew; the next reset in milliseconds."""

    interval_type: str
    reset_next_date: int


class ClientRewardChainView(WireModel):
    """A reward chain as a player sees it; `clan_type`, contributors and the popup are those of a chain of clans."""

    reward_chain_id: int
    name: str
    description: str | None
    long_description: str | None
    image_url: str | None
    order: int
    date_start: str
    date_end: str | None
    clan_type: str | None
    top_contributors: list[ContributorView]
    value_point: BalanceView
    steps: list[ClientStepView]
    recurrent_schedule: ClientScheduleView | None
    popup_header: TranslationsView | None
    popup_instruction: TranslationsView | None
    popup_image_url: str | None


class ClientRewardChainPageView(WireModel):
    """A page of reward chains. Each has its own schedule: that of the page is null."""

    has_more: bool
    total_items_count: int
    items: list[ClientRewardChainView]
    recurrent_schedule: ClientScheduleView | None


class LeftRewardView(ClientRewardView):
    """So many of an item that a player's old clan had left."""

    bundle_type: Annotated[str | None, Field(exclude_if=is_none)]


class LeftRewardsView(WireModel):
    """What a player received of what the old clan had left."""

    reward: list[LeftRewardView]

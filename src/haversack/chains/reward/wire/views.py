"""What a studio reads of reward chains."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from haversack.catalog.items.wire.parts import MediaView
from haversack.catalog.records import Item, Schedule
from haversack.catalog.taxonomy.wire import TranslationsView
from haversack.chains.records import ByPoints, Chain, Step, by_points
from haversack.chains.wire import milliseconds
from haversack.clock import wire_time
from haversack.http.wire import WireModel
from haversack.limits.schedule import window_of
from haversack.promotions.wire.parts import (
    AttributeConditionsView,
    AttributeConditionView,
    is_none,
)


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
    opening = by_points(chain)
    fields = {**_chain_fields(chain, now), "value_point": CountedPointView.of(point)}
    return ListedClanChainView(**fields, **_clan_fields(opening)) if opening.is_clan else ListedChainView(**fields)


def chain_view(chain: Chain, point: Item, skus: Mapping[int, str], now: datetime) -> RewardChainView | ClanChainView:
    """The view of a chain; `skus` are those of the items that its steps give, by id."""
    opening = by_points(chain)
    fields = {
        **_chain_fields(chain, now),
        "value_point": PointView.of(point),
        "steps": [StepView.of(step, skus) for step in chain.steps],
    }
    if not opening.is_clan:
        return RewardChainView(**fields)
    return ClanChainView(**fields, **_clan_fields(opening), top_contributors=None)

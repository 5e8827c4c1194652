"""What a player sees of reward chains."""

from typing import Annotated

from pydantic import Field

from haversack.catalog.taxonomy.wire import TranslationsView
from haversack.chains.reward.wire.views import ContributorView, PriceView
from haversack.http.wire import WireModel
from haversack.promotions.wire.parts import (
    is_none,
)


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

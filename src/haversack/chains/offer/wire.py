"""Offer chains on the wire: what a studio writes and reads of them, and what a player sees."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from haversack.catalog.items.wire.parts import Count, Flag, StrictBody
from haversack.catalog.records import Item, Price, Schedule
from haversack.chains.drafts import ChainDraft
from haversack.chains.offer.rules import next_reset
from haversack.chains.records import ByOrder, Chain, Step, by_order
from haversack.chains.wire import (
    AdminItemView,
    AnyChainBody,
    AnyChainView,
    ClientItemView,
    StepItemBody,
    any_chain,
    id_faults,
    milliseconds,
    step_draft,
)
from haversack.clock import wire_time
from haversack.errors import Fault
from haversack.http.wire import WireModel
from haversack.limits.wire import MonthlyBody, WeeklyBody
from haversack.money import NumberOnWire
from haversack.promotions.wire.parts import (
    AttributeConditionsBody,
    AttributeConditionView,
    attribute_conditions,
    is_none,
)

STEPS_MAX = 30
# A leap year of hours.
INTERVAL_HOURS_MAX = 8_784

# -- What a studio writes -------------------------------------------------------------------------------------------


class HourlyBody(StrictBody):
    """Anew after so many hours, counted from the chain's start."""

    interval_type: Literal["hourly"]
    interval_hours: Annotated[int, Field(strict=True, ge=1, le=INTERVAL_HOURS_MAX)] = 1

    def record(self) -> Schedule:
        """The schedule, without its first reset."""
        return Schedule(self.interval_type, "", interval_hours=self.interval_hours)


ScheduleBody = Annotated[WeeklyBody | MonthlyBody | HourlyBody, Field(discriminator="interval_type")]


class OfferStepBody(StrictBody):
    """A step: one item, free or for its price."""

    step_number: Count
    is_free: Flag
    items: Annotated[list[StepItemBody], Field(min_length=1, max_length=1)]


class OfferStepUpdateBody(OfferStepBody):
    """The same; with the id of a step that is there, players who have done it stay done with it."""

    step_id: Count | None = None


class _OfferChainBody(AnyChainBody):
    is_always_visible: Flag = True
    is_reset_on_completion: Flag = False
    attribute_conditions: AttributeConditionsBody | None = None
    recurrent_schedule: ScheduleBody | None = None

    def _draft(
        self, steps: "Sequence[OfferStepBody | OfferStepUpdateBody]", faults: Sequence[Fault] = ()
    ) -> ChainDraft:
        return ChainDraft(
            opening=ByOrder(is_reset_on_completion=self.is_reset_on_completion),
            name=self.name,
            description=self.description,
            sort_order=self.order,
            is_enabled=self.is_enabled,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            is_always_visible=self.is_always_visible,
            conditions=attribute_conditions(self.attribute_conditions),
            schedule=None if self.recurrent_schedule is None else self.recurrent_schedule.record(),
            steps=tuple(
                step_draft(
                    place,
                    step_id=step.step_id if isinstance(step, OfferStepUpdateBody) else None,
                    number=step.step_number,
                    items=step.items,
                    is_free=step.is_free,
                )
                for place, step in enumerate(steps)
            ),
            faults=tuple(faults),
        )


class OfferChainBody(_OfferChainBody):
    """An offer chain."""

    steps: Annotated[list[OfferStepBody], Field(min_length=1, max_length=STEPS_MAX)]

    def draft(self) -> ChainDraft:
        """The chain as it is given."""
        return self._draft(self.steps)


class OfferChainUpdateBody(_OfferChainBody):
    """An offer chain in place of what it was."""

    id: Count | None = None
    steps: Annotated[list[OfferStepUpdateBody], Field(min_length=1, max_length=STEPS_MAX)]

    def draft(self, chain_id: int) -> ChainDraft:
        """The chain as it is given in the place of the one of an id."""
        return self._draft(self.steps, id_faults(self.id, chain_id))


# -- Prices and schedules -------------------------------------------------------------------------------------------


class StepPriceView(WireModel):
    """What a paid step costs: the price of its item, times its quantity."""

    amount: NumberOnWire
    currency: str

    @classmethod
    def of(cls, unit_amount: Decimal, currency: str, quantity: int) -> Self:
        """The view of a price."""
        return cls(amount=unit_amount * quantity, currency=currency)


class ScheduleView(WireModel):
    """When a chain begins anew; what the other intervals have is left out. `reset_next_date` is in milliseconds."""

    interval_type: str
    day_of_week: Annotated[int | None, Field(exclude_if=is_none)]
    day_of_month: Annotated[int | None, Field(exclude_if=is_none)]
    time: Annotated[str | None, Field(exclude_if=is_none)]
    interval_hours: Annotated[int | None, Field(exclude_if=is_none)]
    reset_next_date: int
    displayable_reset_start_date: str
    displayable_reset_next_date: str

    @classmethod
    def of(cls, chain: Chain, now: datetime) -> Self | None:
        """The view of a chain's schedule; None without one."""
        schedule = chain.schedule
        if schedule is None:
            return None
        following = next_reset(schedule, chain.starts_at, now)
        is_hourly = schedule.interval_type == "hourly"
        return cls(
            interval_type=schedule.interval_type,
            day_of_week=schedule.day_of_week,
            day_of_month=schedule.day_of_month,
            time=None if is_hourly else schedule.time,
            interval_hours=schedule.interval_hours if is_hourly else None,
            reset_next_date=milliseconds(following),
            displayable_reset_start_date=wire_time(schedule.started_at or following),
            displayable_reset_next_date=wire_time(following),
        )


class ClientScheduleView(WireModel):
    """When a chain begins anew; the date is in milliseconds."""

    interval_type: str
    reset_next_date: int


# -- What a studio reads --------------------------------------------------------------------------------------------


class OfferStepView(WireModel):
    """A step as a studio reads it; `step_price` is the item's default one, null for free steps."""

    step_id: int
    step_number: int
    is_free: bool
    step_price: StepPriceView | None
    items: list[AdminItemView]

    @classmethod
    def of(cls, step: Step, items: Mapping[int, Item]) -> Self:
        """The view of a step; `items` are by id."""
        return cls(
            step_id=step.step_id,
            step_number=step.number,
            is_free=step.is_free,
            step_price=_default_price(step, items),
            items=AdminItemView.of_rewards(step.rewards, items),
        )


def _default_price(step: Step, items: Mapping[int, Item]) -> StepPriceView | None:
    reward = step.rewards[0]
    item = items.get(reward.item_id)
    if step.is_free or item is None or item.is_free:
        return None
    price = next((each for each in item.prices if _is_default(each)), None)
    return None if price is None else StepPriceView.of(price.amount, price.currency, reward.quantity)


def _is_default(price: Price) -> bool:
    return price.is_enabled and price.is_default


class OfferChainShortView(AnyChainView):
    """An offer chain in a list."""

    is_always_visible: bool
    is_reset_on_completion: bool
    attribute_conditions: list[AttributeConditionView] | None
    recurrent_schedule: ScheduleView | None
    number_of_steps: int

    @classmethod
    def members(cls, chain: Chain, now: datetime) -> dict[str, Any]:
        """What the list and the chain alone have in common."""
        return {
            **any_chain(chain),
            "is_always_visible": chain.is_always_visible,
            "is_reset_on_completion": by_order(chain).is_reset_on_completion,
            "attribute_conditions": [AttributeConditionView.of(each) for each in chain.conditions] or None,
            "recurrent_schedule": ScheduleView.of(chain, now),
            "number_of_steps": len(chain.steps),
        }

    @classmethod
    def of(cls, chain: Chain, now: datetime) -> Self:
        """The view of a chain."""
        return cls(**cls.members(chain, now))


class OfferChainView(OfferChainShortView):
    """An offer chain with its steps."""

    steps: list[OfferStepView]

    @classmethod
    def of_whole(cls, chain: Chain, items: Mapping[int, Item], now: datetime) -> Self:
        """The view of a chain; `items` are by id."""
        return cls(**cls.members(chain, now), steps=[OfferStepView.of(step, items) for step in chain.steps])


class OfferChainPageView(WireModel):
    """A page of offer chains."""

    has_more: bool
    items: list[OfferChainShortView]


# -- What a player sees ---------------------------------------------------------------------------------------------


class ValuePointRewardView(WireModel):
    """Value points that come with the payment of a step."""

    item_id: int
    sku: str
    amount: int
    name: str
    image_url: str | None
    is_clan: bool


class LoyaltyRewardView(WireModel):
    """Loyalty points that come with a step."""

    name: str
    sku: str
    description: str | None
    image_url: str | None
    amount: int


class ClientOfferStepView(WireModel):
    """A step as it stands with a player. This server has no loyalty points."""

    step_number: int
    is_free: bool
    is_claimed: bool
    step_price: StepPriceView | None
    items: list[ClientItemView]
    step_vp_rewards: list[ValuePointRewardView]
    step_loyalty_rewards: list[LoyaltyRewardView]


class ClientOfferChainView(WireModel):
    """An offer chain as a player sees it; `next_step_number` is null when it is gone through."""

    id: int
    name: str
    description: str | None
    order: int
    date_start: str
    date_end: str | None
    steps: list[ClientOfferStepView]
    recurrent_schedule: ClientScheduleView | None
    next_step_number: int | None


class ClientOfferChainPageView(WireModel):
    """A page of offer chains as a player sees them."""

    has_more: bool
    total_items_count: int
    items: list[ClientOfferChainView]

"""What a studio writes of reward chains. Unknown members are refused."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from haversack.catalog.items.wire.parts import Count, Flag, MomentText, Sku, StrictBody, Whole
from haversack.catalog.taxonomy.wire import Link, OptionalTranslationsBody, TranslationsBody
from haversack.chains.drafts import ChainDraft, RewardDraft, StepDraft
from haversack.chains.records import ByPoints
from haversack.chains.reward.drafts import POINT_NOT_KNOWN_YET, RewardChainDraft
from haversack.limits.wire import MonthlyBody, WeeklyBody
from haversack.promotions.wire.parts import (
    AttributeConditionsBody,
    attribute_conditions,
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
            says_clan_type="clan_type" in self.model_fields_set,
            chain=ChainDraft(
                opening=ByPoints(
                    value_point_id=POINT_NOT_KNOWN_YET,
                    clan_type=self.clan_type,
                    popup_header=self.popup_header,
                    popup_instruction=self.popup_instruction,
                    popup_image_url=self.popup_image_url,
                ),
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
                schedule=None if self.recurrent_schedule is None else self.recurrent_schedule.record(),
                steps=tuple(_step_draft(place, step) for place, step in enumerate(steps)),
            ),
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

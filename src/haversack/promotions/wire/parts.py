"""Parts that promotions of several kinds have on the wire: names, conditions, rewards, limits (dates: dates.py).

Bodies refuse members that they do not know, and name every faulty field.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from haversack.catalog.items.wire.parts import Count, Sku, StrictBody
from haversack.http.wire import WireModel
from haversack.limits.wire import AdminRecurrentScheduleView, LimitsBody, RecurrentScheduleBody, admin_schedule
from haversack.limits.wire import Count as LimitCount
from haversack.personalization.records import AttributeCondition, AttributeType
from haversack.personalization.rules import moment_of, number_of
from haversack.promotions.records import (
    BonusItems,
    CartPrice,
    Comparison,
    ItemPrice,
    Promotion,
    PromotionLimits,
    UserAttributes,
)

INT32_MAX = 2**31 - 1
NAME_LENGTH_MAX = 10_000
ITEMS_MAX = 10_000
BONUS_MAX = 1_000
COMPARISONS_MAX = 100
EXCLUDED_MAX = 1_000
CONDITIONS_MAX = 100

PromotionId = Annotated[int, Field(strict=True, ge=1, le=INT32_MAX)]
ExternalId = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[a-zA-Z0-9_.-]+$")]

_LANGUAGE = re.compile(r"[a-z]{2}-[A-Z]{2}")
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,4})?")


def is_none(value: object) -> bool:
    """For members that are left out where there is nothing to say."""
    return value is None


# -- Names ----------------------------------------------------------------------------------------------------------


def _name(given: Any) -> dict[str, str]:
    if not isinstance(given, dict):
        raise ValueError('must be an object of texts by five-letter language, such as {"en-US": "Summer sale"}')
    faults = {str(code): fault for code, text in given.items() if (fault := _fault_of_name(code, text))}
    if faults:
        raise ValidationError.from_exception_data(
            "name",
            [
                InitErrorDetails(type=PydanticCustomError("text", "{fault}", {"fault": fault}), loc=(code,), input=None)
                for code, fault in faults.items()
            ],
        )
    if not any(text.strip() for text in given.values()):
        raise ValueError("must have a text in one language at least")
    return dict(given)


def _fault_of_name(code: Any, text: Any) -> str | None:
    if not _LANGUAGE.fullmatch(str(code)):
        return "must be a language with a country, such as en-US"
    if not isinstance(text, str):
        return "must be a text"
    if len(text) > NAME_LENGTH_MAX:
        return f"must have at most {NAME_LENGTH_MAX} characters"
    return None


# Promotions alone keep five-letter codes, and have them in their answers.
NameBody = Annotated[
    dict[str, str],
    BeforeValidator(_name),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}, "example": {"en-US": "Summer sale"}}),
]

# -- Conditions on attributes ---------------------------------------------------------------------------------------

AttributeName = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[-_.\d\w]+$")]
AttributeText = Annotated[str, Field(max_length=255)]


def _number(value: str) -> str:
    if number_of(value) is None:
        raise ValueError("must be a number as text, such as 42 or 0.5")
    return value


def _date(value: str) -> str:
    if moment_of(value) is None:
        raise ValueError("must be a date of ISO 8601, such as 2026-11-21 or 2026-11-21T10:00:00+03:00")
    return value


class _AttributeConditionBody(StrictBody):
    attribute: AttributeName
    can_be_missing: Annotated[bool, Field(strict=True)] = False


class StringConditionBody(_AttributeConditionBody):
    """An attribute compared as text."""

    type: Literal["string"]
    operator: Literal["eq", "ne"]
    value: AttributeText


class NumberConditionBody(_AttributeConditionBody):
    """An attribute compared as a number."""

    type: Literal["number"]
    operator: Literal["eq", "ne", "gt", "ge", "lt", "le"]
    value: Annotated[AttributeText, AfterValidator(_number)]


class DateConditionBody(_AttributeConditionBody):
    """An attribute compared as a date: `er` earlier, `ee` earlier or equal, `lt` later, `le` later or equal."""

    type: Literal["date"]
    operator: Literal["eq", "ne", "er", "ee", "lt", "le"]
    value: Annotated[AttributeText, AfterValidator(_date)]


AttributeConditionBody = Annotated[
    StringConditionBody | NumberConditionBody | DateConditionBody, Field(discriminator="type")
]
# All of them must hold. Without any, it is for everybody: leave the member out, or null.
AttributeConditionsBody = Annotated[list[AttributeConditionBody], Field(min_length=1, max_length=CONDITIONS_MAX)]


def _flattened(given: Any) -> Any:
    if not isinstance(given, list):
        return given
    return [condition for entry in given for condition in (entry if isinstance(entry, list) else [entry])]


# Discounts of v2 have lists of conditions in a list.
NestedAttributeConditionsBody = Annotated[
    AttributeConditionsBody,
    BeforeValidator(_flattened, json_schema_input_type=list[AttributeConditionBody | list[AttributeConditionBody]]),
]


def attribute_conditions(
    given: Sequence[StringConditionBody | NumberConditionBody | DateConditionBody] | None,
) -> tuple[AttributeCondition, ...]:
    """The conditions of a body; none where the member is null or missing."""
    return tuple(
        AttributeCondition(
            attribute=body.attribute,
            type=AttributeType(body.type),
            operator=body.operator,
            value=body.value,
            can_be_missing=body.can_be_missing,
        )
        for body in given or ()
    )


class AttributeConditionView(WireModel):
    """A comparison with an attribute of the player."""

    attribute: str
    type: str
    operator: str
    value: str
    can_be_missing: bool

    @classmethod
    def of(cls, condition: AttributeCondition) -> Self:
        """The view of a condition."""
        return cls(
            attribute=condition.attribute,
            type=condition.type.value,
            operator=condition.operator,
            value=condition.value,
            can_be_missing=condition.can_be_missing,
        )

    @classmethod
    def of_promotion(cls, promotion: Promotion) -> list[Self] | None:
        """The conditions of a promotion; None where it is for everybody."""
        found = [
            cls.of(each)
            for condition in promotion.conditions
            if isinstance(condition, UserAttributes)
            for each in condition.conditions
        ]
        return found or None


# Left out where the promotion is for everybody.
AttributeConditionsView = Annotated[list[AttributeConditionView] | None, Field(exclude_if=is_none)]

# -- Conditions on prices -------------------------------------------------------------------------------------------


class PriceConditionBody(StrictBody):
    """A comparison with a price."""

    operator: Literal["ge", "gt", "le", "lt", "eq", "ne"]
    value: Annotated[str, Field(max_length=20, pattern=r"^[0-9]+(\.[0-9]{1,4})?$")]


PriceConditionsBody = Annotated[list[PriceConditionBody], Field(max_length=COMPARISONS_MAX)]


def comparisons(given: Sequence[PriceConditionBody] | None) -> tuple[Comparison, ...]:
    """The comparisons of a body, all of which must hold; an empty list and null are none."""
    return tuple(Comparison(body.operator, Decimal(body.value)) for body in given or ())


class PriceConditionView(WireModel):
    """A comparison with a price."""

    operator: str
    value: str

    @classmethod
    def of_items(cls, promotion: Promotion) -> list[Self] | None:
        """The comparisons that choose items; None where there are none."""
        found = [each for each in promotion.conditions if isinstance(each, ItemPrice)]
        return cls._of(found[0].comparisons) if found else None

    @classmethod
    def of_cart(cls, promotion: Promotion) -> list[Self] | None:
        """The comparisons with the sum of the cart; None where there are none."""
        found = [each for each in promotion.conditions if isinstance(each, CartPrice)]
        return cls._of(found[0].comparisons) if found else None

    @classmethod
    def _of(cls, found: Iterable[Comparison]) -> list[Self]:
        return [cls(operator=each.operator, value=f"{each.value:f}") for each in found]


# -- Rewards --------------------------------------------------------------------------------------------------------


def _percent(value: str) -> str:
    if not _PERCENT.fullmatch(value) or not 0 < Decimal(value) <= 100:
        raise ValueError("must be percents as text, above 0 and up to 100 with at most four decimals, such as 12.50")
    return value


Percent = Annotated[str, AfterValidator(_percent)]


class DiscountBody(StrictBody):
    """Percents off."""

    percent: Percent

    @property
    def value(self) -> Decimal:
        """The percents as a number."""
        return Decimal(self.percent)


class DiscountView(WireModel):
    """Percents off, with two decimals or as many as they need."""

    percent: str

    @classmethod
    def of(cls, percent: Decimal) -> Self:
        """The view of percents."""
        return cls(percent=f"{percent:.2f}" if percent == round(percent, 2) else f"{percent.normalize():f}")


class ItemRefBody(StrictBody):
    """An item, by its SKU."""

    sku: Sku


class ItemRefView(WireModel):
    """An item, by its SKU."""

    sku: str


class BonusBody(StrictBody):
    """An item that is given on top."""

    sku: Sku
    quantity: Count = 1


class BonusView(WireModel):
    """An item that is given on top."""

    sku: str
    quantity: int

    @classmethod
    def of_promotion(cls, promotion: Promotion, skus: Mapping[int, str]) -> list[Self] | None:
        """The bonuses of a promotion, without items that are deleted; None where it has none. `skus` are by id."""
        found = [entry for reward in promotion.rewards if isinstance(reward, BonusItems) for entry in reward.items]
        if not found:
            return None
        return [cls(sku=skus[item_id], quantity=quantity) for item_id, quantity in found if item_id in skus]


BonusesBody = Annotated[list[BonusBody], Field(max_length=BONUS_MAX)]
ExcludedBody = Annotated[list[PromotionId], Field(max_length=EXCLUDED_MAX)]


# -- Limits ---------------------------------------------------------------------------------------------------------


class PromotionLimitsBody(StrictBody):
    """How often each player may use it, and when that begins anew."""

    per_user: LimitCount | None = None
    recurrent_schedule: RecurrentScheduleBody | None = None

    def record(self, now: datetime) -> PromotionLimits:
        """The limits. A schedule written again begins at its next reset after now."""
        found = LimitsBody(per_user=self.per_user, recurrent_schedule=self.recurrent_schedule).record(now)
        return PromotionLimits() if found is None else PromotionLimits(per_user=found.per_user, schedule=found.schedule)


class RedeemLimitsBody(StrictBody):
    """How often a coupon, promo code or unique offer may be used; null is without a limit."""

    redeem_total_limit: LimitCount | None = None
    redeem_user_limit: LimitCount | None = None
    redeem_code_limit: LimitCount | None = None

    @property
    def limits(self) -> PromotionLimits:
        """The limits."""
        return PromotionLimits(
            per_user=self.redeem_user_limit, total=self.redeem_total_limit, per_code=self.redeem_code_limit
        )


class PerUserLimitView(WireModel):
    """How often each player may use it."""

    total: int


class PromotionLimitsView(WireModel):
    """The limits of a promotion. `per_item` is always null: promotions have none."""

    per_user: PerUserLimitView | None
    per_item: int | None
    recurrent_schedule: AdminRecurrentScheduleView | None

    @classmethod
    def of(cls, limits: PromotionLimits, now: datetime) -> Self:
        """The view of limits."""
        return cls(
            per_user=None if limits.per_user is None else PerUserLimitView(total=limits.per_user),
            per_item=None,
            recurrent_schedule=admin_schedule(limits.schedule, now),
        )


class TotalLimitStateView(WireModel):
    """What is left of the uses by everybody; `reserved` are those that unpaid orders hold."""

    available: int
    reserved: int
    used: int

    @classmethod
    def of(cls, limit: int | None, used: int, reserved: int) -> Self | None:
        """The view of a limit with its counts; None where nothing is limited."""
        if limit is None:
            return None
        return cls(available=max(0, limit - used - reserved), reserved=reserved, used=used)


# -- Pages ----------------------------------------------------------------------------------------------------------

View = TypeVar("View", bound=WireModel)


class PromotionPageView(WireModel, Generic[View]):
    """A page of promotions, and how many there are in all; active are those that are enabled and in a period."""

    promotions: list[View]
    total_promotions_count: int
    active_promotions_count: int
    inactive_promotions_count: int


class PromotionIdView(WireModel):
    """The id of a new promotion."""

    promotion_id: int

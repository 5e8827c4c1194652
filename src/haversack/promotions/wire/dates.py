"""When promotions run, on the wire: v2 has one pair of dates, v3 periods. What one writes the other reads."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from haversack.catalog.items.wire.parts import MomentText, StrictBody
from haversack.catalog.records import Period
from haversack.http.wire import WireModel
from haversack.promotions.records import Promotion
from haversack.promotions.rules import shown_period

PERIODS_MAX = 1_000
# The start of a period that v2 has left open there.
BEGINNING = "1970-01-01T00:00:00+00:00"


def _wrong(property_: str, message: str) -> ValidationError:
    problem = PydanticCustomError("period", "{message}", {"message": message})
    return ValidationError.from_exception_data("period", [InitErrorDetails(type=problem, loc=(property_,), input=None)])


def _is_backwards(start: str | None, end: str | None) -> bool:
    return start is not None and end is not None and datetime.fromisoformat(end) <= datetime.fromisoformat(start)


class DatesBody(StrictBody):
    """When a promotion of v2 runs. A null start has begun, a null end never comes."""

    date_start: MomentText | None = None
    date_end: MomentText | None = None

    @model_validator(mode="after")
    def _is_forwards(self) -> Self:
        if _is_backwards(self.date_start, self.date_end):
            raise _wrong("date_end", "must be later than date_start")
        return self

    @property
    def periods(self) -> tuple[Period, ...]:
        """The period; none, if it is open on both sides."""
        if self.date_start is None and self.date_end is None:
            return ()
        return (Period(self.date_start, self.date_end),)


class PromotionPeriodBody(StrictBody):
    """A time in which a promotion of v3 runs."""

    date_from: MomentText
    date_until: MomentText | None = None

    @model_validator(mode="after")
    def _is_forwards(self) -> Self:
        if _is_backwards(self.date_from, self.date_until):
            raise _wrong("date_until", "must be later than date_from")
        return self


def _ended(periods: list[PromotionPeriodBody]) -> list[PromotionPeriodBody]:
    endless = [index for index, period in enumerate(periods) if period.date_until is None]
    if len(periods) > 1 and endless:
        message = "must be given where there are several periods: only a single one may be endless"
        problem = PydanticCustomError("period", "{message}", {"message": message})
        raise ValidationError.from_exception_data(
            "periods", [InitErrorDetails(type=problem, loc=(index, "date_until"), input=None) for index in endless]
        )
    return periods


class PeriodsBody(StrictBody):
    """When a promotion of v3 runs: in any of its periods, always without one. Only a single one may be endless."""

    promotion_periods: Annotated[list[PromotionPeriodBody], Field(max_length=PERIODS_MAX), AfterValidator(_ended)] = (
        Field(default_factory=list)
    )

    @property
    def periods(self) -> tuple[Period, ...]:
        """The periods in the order in which they were given."""
        return tuple(Period(period.date_from, period.date_until) for period in self.promotion_periods)


class DatesView(WireModel):
    """When a promotion runs, as v2 has it: of several periods the one that runs or comes next, else the last."""

    date_start: str | None
    date_end: str | None

    @classmethod
    def members(cls, promotion: Promotion, now: datetime) -> dict[str, Any]:
        """The two members."""
        period = shown_period(promotion.periods, now)
        return {"date_start": period.date_from, "date_end": period.date_until}


class PromotionPeriodView(WireModel):
    """A period, with the offsets as they were given. An open start is the beginning of 1970."""

    date_from: str
    date_until: str | None


class PeriodsView(WireModel):
    """When a promotion runs, as v3 has it."""

    promotion_periods: list[PromotionPeriodView]

    @classmethod
    def members(cls, promotion: Promotion, now: datetime) -> dict[str, Any]:
        """The one member."""
        periods = [
            PromotionPeriodView(date_from=period.date_from or BEGINNING, date_until=period.date_until)
            for period in promotion.periods
        ]
        return {"promotion_periods": periods}

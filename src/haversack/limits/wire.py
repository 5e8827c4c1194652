"""The three forms of limits on the wire: what a studio writes, what it reads, what a client reads."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from haversack.catalog.records import ItemLimits, Schedule
from haversack.clock import wire_time
from haversack.http.wire import WireModel, without
from haversack.limits.records import Stock
from haversack.limits.schedule import TIME_PATTERN, window_of

LIMIT_MAX = 2**31 - 1

Count = Annotated[int, Field(ge=1, le=LIMIT_MAX)]
Time = Annotated[str, Field(pattern=TIME_PATTERN, description="whole hours with an offset, such as 08:00:00+03:00")]
ExternalId = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^\S+$")]


class _Strict(WireModel):
    """A write: members that it does not know are refused."""

    model_config = ConfigDict(extra="forbid")


class HourlyBody(_Strict):
    """Anew at each full hour."""

    interval_type: Literal["hourly"]

    def record(self) -> Schedule:
        """The schedule, without its first reset."""
        return Schedule(self.interval_type, "00:00:00+00:00")


class DailyBody(_Strict):
    """Anew each day at a time."""

    interval_type: Literal["daily"]
    time: Time

    def record(self) -> Schedule:
        """The schedule, without its first reset."""
        return Schedule(self.interval_type, self.time)


class WeeklyBody(_Strict):
    """Anew each week, on a day from 1 (Monday) to 7."""

    interval_type: Literal["weekly"]
    day_of_week: Annotated[int, Field(ge=1, le=7)]
    time: Time

    def record(self) -> Schedule:
        """The schedule, without its first reset."""
        return Schedule(self.interval_type, self.time, day_of_week=self.day_of_week)


class MonthlyBody(_Strict):
    """Anew each month; a day that the month does not have means its last."""

    interval_type: Literal["monthly"]
    day_of_month: Annotated[int, Field(ge=1, le=31)]
    time: Time

    def record(self) -> Schedule:
        """The schedule, without its first reset."""
        return Schedule(self.interval_type, self.time, day_of_month=self.day_of_month)


ScheduleBody = Annotated[HourlyBody | DailyBody | WeeklyBody | MonthlyBody, Field(discriminator="interval_type")]


class RecurrentScheduleBody(_Strict):
    """What begins anew by a schedule."""

    per_user: ScheduleBody | None = None


class PerUserBody(_Strict):
    """How many each player may have, and what becomes of the item afterwards."""

    total: Count
    limit_exceeded_visibility: Literal["show", "hide"] = "show"

    @model_validator(mode="before")
    @classmethod
    def pass_over(cls, given: Any) -> Any:
        """Back ends send what they read, with what is left and the schedule, which stands beside it too."""
        return without(given, frozenset({"available", "recurrent_schedule"}))


def _total_read(given: Any) -> Any:
    """Of a limit for all as answers say it, what a studio sets: not what is left, held and gone."""
    is_read = isinstance(given, dict) and set(given) == {"total", "available", "reserved", "sold"}
    return given["total"] if is_read else given


class LimitsBody(_Strict):
    """How many there are for all, and for each player."""

    per_user: Count | PerUserBody | None = None
    per_item: Annotated[Count | None, BeforeValidator(_total_read)] = None
    recurrent_schedule: RecurrentScheduleBody | None = None

    def record(self, now: datetime) -> ItemLimits | None:
        """The limits; None where nothing is limited. A schedule written again begins at its next reset after now."""
        schedule = self.recurrent_schedule.per_user if self.recurrent_schedule else None
        if self.per_user is None and self.per_item is None:
            return None
        per_user = self.per_user if isinstance(self.per_user, PerUserBody) else None
        return ItemLimits(
            per_item=self.per_item,
            per_user=per_user.total if per_user else self._total(),
            limit_exceeded_visibility=per_user.limit_exceeded_visibility if per_user else "show",
            schedule=_schedule(schedule, now) if schedule is not None and self.per_user is not None else None,
        )

    def _total(self) -> int | None:
        return self.per_user if isinstance(self.per_user, int) else None


def _schedule(body: HourlyBody | DailyBody | WeeklyBody | MonthlyBody, now: datetime) -> Schedule:
    schedule = body.record()
    return replace(schedule, started_at=window_of(schedule, now).next)


class RecurrenceView(WireModel):
    """When a limit begins anew; the date is in seconds."""

    interval_type: str
    reset_next_date: int

    @classmethod
    def of(cls, limits: ItemLimits, now: datetime) -> Self | None:
        """The view of a limit's schedule; None without one."""
        if limits.schedule is None:
            return None
        following = window_of(limits.schedule, now).next
        assert following is not None
        return cls(interval_type=limits.schedule.interval_type, reset_next_date=int(following.timestamp()))


class AdminPerUserView(WireModel):
    """A limit for each player, as a studio reads it."""

    total: int
    available: int
    limit_exceeded_visibility: str
    recurrent_schedule: RecurrenceView | None


class AdminPerItemView(WireModel):
    """A limit for all: what is left, held by unpaid orders, and gone."""

    total: int
    available: int
    reserved: int
    sold: int


class AdminScheduleView(WireModel):
    """A schedule as a studio reads it."""

    interval_type: str
    day_of_week: int | None
    day_of_month: int | None
    time: str
    reset_next_date: int
    displayable_reset_start_date: str
    displayable_reset_next_date: str


class AdminRecurrentScheduleView(WireModel):
    """What begins anew by a schedule."""

    per_user: AdminScheduleView


class AdminLimitsView(WireModel):
    """The limits of an item as a studio reads them: three nulls where there are none."""

    per_user: AdminPerUserView | None
    per_item: AdminPerItemView | None
    recurrent_schedule: AdminRecurrentScheduleView | None

    @classmethod
    def of(cls, limits: ItemLimits | None, stock: Stock | None, now: datetime) -> Self:
        """The view of an item's limits."""
        if limits is None:
            return cls(per_user=None, per_item=None, recurrent_schedule=None)
        return cls(
            per_user=_admin_per_user(limits, now),
            per_item=_admin_per_item(limits, stock),
            recurrent_schedule=admin_schedule(limits.schedule, now),
        )


def _admin_per_user(limits: ItemLimits, now: datetime) -> AdminPerUserView | None:
    if limits.per_user is None:
        return None
    return AdminPerUserView(
        total=limits.per_user,
        available=limits.per_user,
        limit_exceeded_visibility=limits.limit_exceeded_visibility,
        recurrent_schedule=RecurrenceView.of(limits, now),
    )


def _admin_per_item(limits: ItemLimits, stock: Stock | None) -> AdminPerItemView | None:
    if limits.per_item is None:
        return None
    known = stock or Stock(limits.per_item, limits.per_item, 0, 0)
    return AdminPerItemView(total=known.total, available=known.available, reserved=known.reserved, sold=known.sold)


def admin_schedule(schedule: Schedule | None, now: datetime) -> AdminRecurrentScheduleView | None:
    """The view of a schedule; None without one."""
    if schedule is None:
        return None
    following = window_of(schedule, now).next
    assert following is not None
    return AdminRecurrentScheduleView(
        per_user=AdminScheduleView(
            interval_type=schedule.interval_type,
            day_of_week=schedule.day_of_week,
            day_of_month=schedule.day_of_month,
            time=schedule.time,
            reset_next_date=int(following.timestamp()),
            displayable_reset_start_date=wire_time(schedule.started_at or following),
            displayable_reset_next_date=wire_time(following),
        )
    )


# -- The calls that change what players have left ------------------------------------------------------------------


class UserBody(_Strict):
    """A player, by the id that the game knows."""

    user_external_id: ExternalId


class ResetAllBody(_Strict):
    """Whose limits begin anew."""

    user: UserBody


class ResetItemBody(_Strict):
    """Whose limit begins anew; null: everybody's."""

    user: UserBody | None


class AddBody(_Strict):
    """How many a player may have more."""

    user: UserBody
    available: Count


class SetBody(_Strict):
    """How many a player may still have."""

    user: UserBody
    available: Annotated[int, Field(ge=0, le=LIMIT_MAX)]


class LeftView(WireModel):
    """What a player may still have."""

    total: int
    available: int


class UserLimitView(WireModel):
    """A player's limit of an item."""

    per_user: LeftView

    @classmethod
    def of(cls, left: tuple[int, int]) -> Self:
        """The view of a limit: its total and what is left of it."""
        total, available = left
        return cls(per_user=LeftView(total=total, available=available))

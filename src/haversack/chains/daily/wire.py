"""Daily chains on the wire: what a studio writes and reads of them, and what a player sees."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from haversack.catalog.items.wire.parts import Count, Flag, StrictBody
from haversack.catalog.records import Item
from haversack.chains.daily.rules import end_of, round_of
from haversack.chains.drafts import ChainDraft
from haversack.chains.records import ByDay, Chain, DailyType, by_day
from haversack.chains.wire import (
    AdminItemView,
    AnyChainBody,
    AnyChainView,
    ClientItemView,
    ItemBodies,
    any_chain,
    id_faults,
    step_draft,
)
from haversack.clock import wire_time
from haversack.errors import Fault
from haversack.http.wire import WireModel

# A step for each day of a leap year.
STEPS_MAX = 366


class DailyStepBody(StrictBody):
    """A day and what it gives."""

    step_number: Count
    items: ItemBodies


class DailyStepUpdateBody(DailyStepBody):
    """The same; with the id of a step that is there, players keep what they have claimed of it."""

    step_id: Count | None = None


class _DailyChainBody(AnyChainBody):
    is_recurrent: Flag = False
    type: Literal["calendar_hard", "rolling"]

    def _draft(
        self, steps: "Sequence[DailyStepBody | DailyStepUpdateBody]", faults: Sequence[Fault] = ()
    ) -> ChainDraft:
        opening = ByDay(type=DailyType(self.type), is_recurrent=self.is_recurrent)
        return ChainDraft(
            opening=opening,
            name=self.name,
            description=self.description,
            sort_order=self.order,
            is_enabled=self.is_enabled,
            starts_at=self.starts_at,
            ends_at=end_of(opening, starts_at=self.starts_at, ends_at=self.ends_at, step_count=len(steps)),
            steps=tuple(
                step_draft(
                    place,
                    step_id=step.step_id if isinstance(step, DailyStepUpdateBody) else None,
                    number=step.step_number,
                    items=step.items,
                )
                for place, step in enumerate(steps)
            ),
            faults=tuple(faults),
        )


class DailyChainBody(_DailyChainBody):
    """A daily chain. `date_end` is that of a rolling one; a `calendar_hard` one ends after its last step."""

    steps: Annotated[list[DailyStepBody], Field(min_length=1, max_length=STEPS_MAX)]

    def draft(self) -> ChainDraft:
        """The chain as it is given."""
        return self._draft(self.steps)


class DailyChainUpdateBody(_DailyChainBody):
    """A daily chain in place of what it was."""

    id: Count | None = None
    steps: Annotated[list[DailyStepUpdateBody], Field(min_length=1, max_length=STEPS_MAX)]

    def draft(self, chain_id: int) -> ChainDraft:
        """The chain as it is given in the place of the one of an id."""
        return self._draft(self.steps, id_faults(self.id, chain_id))


class DailyStepView(WireModel):
    """A day and what it gives; items that have been deleted since are left out."""

    step_id: int
    step_number: int
    items: list[AdminItemView]


def _last_second(ends_at: datetime | None) -> str | None:
    # The last day of a chain ends with its last second: three days from 1 April end on the 3rd.
    return None if ends_at is None else wire_time(ends_at - timedelta(seconds=1))


def _end_text(chain: Chain) -> str | None:
    """When a chain ends: a rolling one as it was written, one of the calendar on its last day."""
    if chain.ends_at is None or by_day(chain).type is DailyType.ROLLING:
        return None if chain.ends_at is None else wire_time(chain.ends_at)
    return _last_second(chain.ends_at)


def shown_dates(chain: Chain, now: datetime) -> tuple[str, str | None]:
    """When a chain begins and ends for players: of one that recurs by the calendar, the round that is under way."""
    if by_day(chain).type is DailyType.ROLLING:
        return wire_time(chain.starts_at), _end_text(chain)
    start, end = round_of(chain, now)
    return wire_time(start), _last_second(end)


class DailyChainShortView(AnyChainView):
    """A daily chain in a list."""

    is_recurrent: bool
    number_of_steps: int
    type: str

    @classmethod
    def members(cls, chain: Chain) -> dict[str, Any]:
        """What the list and the chain alone have in common."""
        return {
            **any_chain(chain),
            "date_end": _end_text(chain),
            "is_recurrent": by_day(chain).is_recurrent,
            "number_of_steps": len(chain.steps),
            "type": by_day(chain).type.value,
        }

    @classmethod
    def of(cls, chain: Chain) -> Self:
        """The view of a chain."""
        return cls(**cls.members(chain))


class DailyChainView(DailyChainShortView):
    """A daily chain with its steps."""

    steps: list[DailyStepView]

    @classmethod
    def of_whole(cls, chain: Chain, items: Mapping[int, Item]) -> Self:
        """The view of a chain; `items` are by id."""
        steps = [
            DailyStepView(
                step_id=step.step_id, step_number=step.number, items=AdminItemView.of_rewards(step.rewards, items)
            )
            for step in chain.steps
        ]
        return cls(**cls.members(chain), steps=steps)


class DailyChainPageView(WireModel):
    """A page of daily chains."""

    has_more: bool
    items: list[DailyChainShortView]


class ClientDailyStepView(WireModel):
    """A day as it stands with a player; `unlocked_date` is in seconds."""

    step_number: int
    status: str
    unlocked_date: int
    items: list[ClientItemView]


class ClientDailyChainView(WireModel):
    """A daily chain as a player sees it."""

    id: int
    name: str
    description: str | None
    order: int
    date_start: str
    date_end: str | None
    type: str
    steps: list[ClientDailyStepView]


class ClientDailyChainPageView(WireModel):
    """A page of daily chains as a player sees them."""

    has_more: bool
    total_items_count: int
    items: list[ClientDailyChainView]

"""What a channel has told: the changes of a player's orders, numbered so that every process counts alike.

An offset is the sum, over the player's orders, of how far each has come. So it follows from the orders alone, each
change raises it, and states that nobody saw leave gaps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from haversack.orders.records import OrderState

# How far an order has come. An order only ever moves to what stands further on: an expired one may be paid after all.
PROGRESS = {
    OrderState.NEW: 1,
    OrderState.EXPIRED: 2,
    OrderState.PAID: 3,
    OrderState.DONE: 4,
    OrderState.CANCELED: 5,
}
OPEN_STATES = (OrderState.NEW, OrderState.PAID)


@dataclass(frozen=True, slots=True)
class TrackedOrder:
    """An order as a channel needs it. Times are the project's."""

    order_id: int
    state: OrderState
    created_at: datetime
    paid_at: datetime | None
    ended_at: datetime | None

    @property
    def moved_at(self) -> datetime:
        """When it came to its state."""
        return self.ended_at or self.paid_at or self.created_at


@dataclass(frozen=True, slots=True)
class Publication:
    """A state that an order has come to, with its place in the channel."""

    order_id: int
    state: OrderState
    offset: int


@dataclass(frozen=True, slots=True)
class Since:
    """Which publications a client asks for: after an offset, or before it where the newest come first."""

    offset: int | None = None
    limit: int | None = None
    is_reverse: bool = False


def channel_name(project_id: int, player_id: UUID) -> str:
    """The channel of a player in a project. What stands after `#` is the one who may hear it."""
    return f"orders:{project_id}#{player_id}"


def publications_of(orders: Sequence[TrackedOrder], offset: int) -> list[Publication]:
    """Every state that these orders are known to have had, oldest first. `offset`: the channel's, which the newest
    one gets.

    Only the last end of an order is kept: one that was refunded does not show `done`, and what happened between the
    two stands one place lower than when it was pushed.
    """
    moved = sorted((at, order.order_id, PROGRESS[state], state) for order in orders for state, at in _states_of(order))
    number = offset - sum(PROGRESS[order.state] for order in orders)
    reached: dict[int, int] = {}
    publications = []
    for _, order_id, progress, state in moved:
        number += progress - reached.get(order_id, 0)
        reached[order_id] = progress
        publications.append(Publication(order_id, state, number))
    return publications


def _states_of(order: TrackedOrder) -> list[tuple[OrderState, datetime]]:
    states = [(OrderState.NEW, order.created_at)]
    if order.paid_at is not None:
        states.append((OrderState.PAID, max(order.paid_at, order.created_at)))
    if order.state not in OPEN_STATES:
        states.append((order.state, max(order.ended_at or order.created_at, states[-1][1])))
    return states


def chosen(publications: Sequence[Publication], since: Since) -> list[Publication]:
    """What a client asks for of a channel's publications, which come oldest first."""
    listed = list(publications)
    if since.is_reverse:
        listed.reverse()
    if since.offset is not None:
        wanted = since.offset
        listed = [each for each in listed if (each.offset < wanted if since.is_reverse else each.offset > wanted)]
    return listed if since.limit is None else listed[: since.limit]

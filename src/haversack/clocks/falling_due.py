"""What falls due by itself in a project: each kind says when it is due next, and does what is due.

A feature that does something at a moment of the project's time belongs into `SOURCES`. What is reckoned when it is read
(periods, resets of limits, ends of items) needs no place here.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from haversack.clocks.records import Due
from haversack.context import Context
from haversack.database.engine import Session
from haversack.orders.actions import expire_due_orders
from haversack.orders.codes import find_next_release, hand_out_owed_codes
from haversack.orders.overviews import find_next_end as find_next_end_of_order
from haversack.payments.queries.falling_due import find_next_end as find_next_end_of_payment
from haversack.payments.sweeping import end_due_payments
from haversack.projects.records import Project
from haversack.webhooks.queries.falling_due import find_next_delivery
from haversack.webhooks.sending_due import send_due


@dataclass(frozen=True, slots=True)
class Errand:
    """A project whose clock stands still while what is due is done, until a deadline of the monotonic clock."""

    context: Context
    project: Project
    deadline: float

    @property
    def project_id(self) -> int:
        """Whose time it is."""
        return self.project.project_id


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of thing that falls due. `find_next(db, project_id, after)` says when, later than a moment; `do_due` does
    what is due and says whether there was anything."""

    what: Due
    find_next: Callable[[Session, int, datetime], Awaitable[datetime | None]]
    do_due: Callable[[Errand], Awaitable[bool]]


async def _end_orders(errand: Errand) -> bool:
    return await expire_due_orders(errand.context, errand.project_id) > 0


async def _end_payments(errand: Errand) -> bool:
    return await end_due_payments(errand.context, errand.project) > 0


async def _hand_out_codes(errand: Errand) -> bool:
    return await hand_out_owed_codes(errand.context, errand.project_id) > 0


async def _send_webhooks(errand: Errand) -> bool:
    now = errand.project.clock.now()
    return await send_due(errand.context, errand.project_id, now=now, deadline=errand.deadline)


# In the order in which things of one moment are done. Webhooks come last: the others cause some.
SOURCES: tuple[Source, ...] = (
    Source(Due.ORDERS, lambda db, project_id, at: find_next_end_of_order(db, project_id, after=at), _end_orders),
    Source(Due.PAYMENTS, lambda db, project_id, at: find_next_end_of_payment(db, project_id, after=at), _end_payments),
    Source(Due.CODES, lambda db, project_id, at: find_next_release(db, project_id, after=at), _hand_out_codes),
    Source(Due.WEBHOOKS, lambda db, project_id, at: find_next_delivery(db, project_id, after=at), _send_webhooks),
)


async def find_next_due(db: Session, project_id: int, *, after: datetime) -> datetime | None:
    """When anything falls due next in a project, later than a moment of its time."""
    found = [await source.find_next(db, project_id, after) for source in SOURCES]
    return min((moment for moment in found if moment is not None), default=None)

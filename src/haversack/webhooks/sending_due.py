"""Sends what of one project is due, and comes back when nothing is: for jumps of the project's clock."""

import asyncio
import time
from datetime import datetime
from typing import TYPE_CHECKING

from haversack.webhooks.leases import LeaseLost
from haversack.webhooks.queries.falling_due import DueHead, list_due_heads

if TYPE_CHECKING:
    from haversack.context import Context

# A lane that a worker has is looked at again after so long, then after twice as long: nobody tells when it is free.
# Mostly that is at once, but the lease of a worker that has died takes seconds to end.
LOOK_SECONDS = 0.01
LOOK_SECONDS_MAX = 0.2


async def send_due(context: "Context", project_id: int, *, now: datetime, deadline: float) -> bool:
    """Send what is due at a moment of the project's time, until nothing is or the deadline (of the monotonic clock) has
    come. Whether there was anything. Workers may send of it meanwhile: each delivery is sent by one of us."""
    before: list[DueHead] = []
    look_seconds = LOOK_SECONDS
    while time.monotonic() < deadline:
        due = await list_due_heads(context.database.session(), project_id, now=now)
        if not due or due == before:
            return bool(before)
        held = await context.deliverer.claim([due[0].lane])
        if not held:
            await asyncio.sleep(look_seconds)
            look_seconds = min(look_seconds * 2, LOOK_SECONDS_MAX)
            continue
        before, look_seconds = due, LOOK_SECONDS
        try:
            await context.deliverer.work(held[0], must_stop=lambda: time.monotonic() >= deadline)
        except LeaseLost:
            # Another worker has it now, and what it sends is sent.
            before = []
    return True

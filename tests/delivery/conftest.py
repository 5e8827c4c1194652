"""Fixtures of the delivery tests: a receiver, and delivery in steps that a test takes itself."""

from collections.abc import AsyncIterator

import pytest

from haversack.context import Context
from haversack.webhooks.delivery import Deliverer
from haversack.webhooks.queries.lanes import list_due_lanes
from make.deliveries import Drain, Told, make_deliverer
from make.receiver import Receiver
from make.webhooks import Sender


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that accepts everything until it is told otherwise."""
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
def told() -> Told:
    """What the outcome handler was told."""
    return Told()


@pytest.fixture
async def deliverer(context: Context, told: Told) -> AsyncIterator[Deliverer]:
    """Delivers like a process of its own."""
    deliverer = make_deliverer(context, told)
    yield deliverer
    await deliverer.close()


@pytest.fixture
def drain(deliverer: Deliverer) -> Drain:
    """Works everything that is due in the senders' projects now, lane after lane, until nothing is."""

    async def drain(*senders: Sender) -> None:
        project_ids = [sender.project_id for sender in senders]
        while due := await list_due_lanes(deliverer.database.session(), project_ids):
            held = await deliverer.claim([each.lane for each in due])
            assert len(held) == len(due), "somebody else works these lanes"
            for each in held:
                await deliverer.work(each, must_stop=lambda: False)

    return drain

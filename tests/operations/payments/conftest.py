"""Who pays, and for what, where a test does not say otherwise."""

from collections.abc import AsyncIterator

import httpx
import pytest

from make.backpack import connect_game
from make.orders import Buyer, make_buyer
from make.payments import Purchase, make_payable
from make.projects import Studio
from make.receiver import Receiver


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    """A player of the studio."""
    return await make_buyer(studio)


@pytest.fixture
async def purchase(client: httpx.AsyncClient, buyer: Buyer) -> Purchase:
    """An unpaid order of one item for 9.99 USD."""
    return await make_payable(client, buyer)


@pytest.fixture
async def game(studio: Studio) -> AsyncIterator[Receiver]:
    """The studio's game, which knows everybody until told otherwise."""
    async with Receiver() as receiver:
        await connect_game(studio, receiver.url)
        yield receiver

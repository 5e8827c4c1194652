"""Who pays, and for what, where a test does not say otherwise."""

import httpx
import pytest

from make.orders import Buyer, make_buyer
from make.payments import Purchase, make_payable
from make.projects import Studio


@pytest.fixture
async def buyer(studio: Studio) -> Buyer:
    """A player of the studio."""
    return await make_buyer(studio)


@pytest.fixture
async def purchase(client: httpx.AsyncClient, buyer: Buyer) -> Purchase:
    """An unpaid order of one item for 9.99 USD."""
    return await make_payable(client, buyer)

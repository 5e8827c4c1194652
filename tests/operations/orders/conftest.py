"""A server of sockets for the tests of orders."""

from collections.abc import AsyncIterator

import pytest

from haversack.context import Context
from make.projects import Studio
from make.sockets import Follower, make_follower, serve_sockets


@pytest.fixture(scope="session")
async def socket_url(context: Context) -> AsyncIterator[str]:
    """The address of the order-status socket of a running server."""
    async with serve_sockets(context) as url:
        yield url


@pytest.fixture
async def follower(studio: Studio) -> Follower:
    """A player of the studio."""
    return await make_follower(studio)

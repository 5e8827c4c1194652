"""Fixtures of the tests of clocks."""

from collections.abc import AsyncIterator

import pytest

from make.receiver import Receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that accepts everything until it is told otherwise."""
    async with Receiver() as receiver:
        yield receiver

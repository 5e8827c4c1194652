"""Fixtures of imports: a server on this machine that has the files."""

from collections.abc import AsyncIterator

import pytest

from haversack.context import Context
from make.receiver import Receiver


@pytest.fixture
async def receiver(context: Context) -> AsyncIterator[Receiver]:
    """A server that answers as a test says. No import is under way when the test ends."""
    async with Receiver() as receiver:
        yield receiver
        await context.imports.wait()

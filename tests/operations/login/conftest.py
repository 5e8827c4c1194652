"""What the tests of Login share."""

import pytest

from make.login import make_public_client
from make.projects import Studio


@pytest.fixture
async def client_id(studio: Studio) -> int:
    """A public client of the studio's login project."""
    return await make_public_client(studio)

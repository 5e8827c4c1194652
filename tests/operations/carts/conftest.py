"""What the tests of carts share."""

import pytest

from make.catalog import any_sku, save_virtual_item
from make.projects import Studio

MANY = 201


@pytest.fixture
async def many(studio: Studio) -> list[str]:
    """The SKUs of more items than a cart holds. They are there before anybody has read the catalog."""
    skus = [any_sku(f"many-{number}") for number in range(MANY)]
    for sku in skus:
        await save_virtual_item(studio, sku)
    return skus

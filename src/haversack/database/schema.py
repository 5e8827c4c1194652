"""Every table of every feature, gathered for migrations."""

from sqlalchemy import MetaData

import haversack.backpack.tables
import haversack.carts.tables
import haversack.catalog.tables
import haversack.chains.tables
import haversack.clocks.tables
import haversack.http.tables
import haversack.inventory.tables
import haversack.limits.tables
import haversack.login.tables
import haversack.orders.tables
import haversack.payments.tables
import haversack.personalization.tables
import haversack.projects.tables
import haversack.promotions.tables
import haversack.upsell.tables
import haversack.webhooks.tables  # noqa: F401  (each module adds its tables to the metadata)
from haversack.database.tables import metadata


def whole_metadata() -> MetaData:
    """The metadata with all tables in it."""
    return metadata

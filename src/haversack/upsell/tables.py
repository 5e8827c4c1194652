"""The table of upsells."""

from sqlalchemy import Boolean, Column, Integer, Table
from sqlalchemy.dialects.postgresql import ARRAY

from haversack.database.tables import metadata, moment, one_of, project_key, text

upsells = Table(
    "upsells",
    metadata,
    project_key(),
    text("type"),
    Column("is_enabled", Boolean, nullable=False),
    # In the order in which clients see them. An item that is deleted stays here and is passed over.
    Column("item_ids", ARRAY(Integer), nullable=False),
    moment("updated_at"),
    one_of("type", "fixed_list", "most_sellable", "only_promotions"),
)

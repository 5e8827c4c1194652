"""Tables of personalization."""

from sqlalchemy import Boolean, Column, Identity, Integer, Table
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from haversack.database.tables import metadata, moment, project_key, text

filter_rules = Table(
    "filter_rules",
    metadata,
    project_key(),
    Column("rule_id", Integer, Identity(start=3_001), primary_key=True),
    text("name"),
    Column("is_enabled", Boolean, nullable=False),
    Column("conditions", JSONB, nullable=False),
    Column("item_ids", ARRAY(Integer), nullable=False),
    Column("is_satisfied_for_unauth", Boolean, nullable=False),
    moment("created_at"),
    moment("updated_at"),
)

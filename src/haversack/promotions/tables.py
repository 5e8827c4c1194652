"""Tables of promotions, their codes and their uses."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from haversack.database.tables import metadata, moment, one_of, project_key, text

promotions = Table(
    "promotions",
    metadata,
    project_key(),
    Column("promotion_id", Integer, Identity(start=200_001), primary_key=True),
    text("kind"),
    text("external_id", nullable=True),
    # Under five-letter codes.
    Column("name", JSONB, nullable=False),
    Column("is_enabled", Boolean, nullable=False),
    Column("periods", JSONB, nullable=False, server_default="[]"),
    # [{"condition": "item_price", "comparisons": [{"operator": "ge", "value": "9.99"}]}]
    Column("conditions", JSONB, nullable=False, server_default="[]"),
    # [{"reward": "item_percent", "percent": "10.00", "item_ids": [1]}]
    Column("rewards", JSONB, nullable=False, server_default="[]"),
    # {"per_user": 1, "schedule": {...}, "total": null, "per_code": null}
    Column("limits", JSONB, nullable=False, server_default="{}"),
    Column("excluded_promotion_ids", ARRAY(Integer), nullable=False, server_default="{}"),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", nullable=True),
    one_of("kind", "item_discount", "item_bonus", "coupon_bonus", "promo_code", "unique_catalog_offer"),
    Index("ix_promotions_kind", "project_id", "kind", "promotion_id"),
)
Index(
    "uq_promotions_external_id",
    promotions.c.project_id,
    promotions.c.external_id,
    unique=True,
    postgresql_where=promotions.c.deleted_at.is_(None),
)

# A deleted promotion's codes are deleted with it: they may be given to another one.
promotion_codes = Table(
    "promotion_codes",
    metadata,
    project_key(is_implied=True),
    Column("code", Text, primary_key=True),
    Column("promotion_id", Integer, nullable=False),
    Column("code_no", BigInteger, Identity(), nullable=False),
    Column("used", Integer, nullable=False, server_default="0"),
    Column("reserved", Integer, nullable=False, server_default="0"),
    moment("created_at"),
    CheckConstraint("used >= 0 AND reserved >= 0", name="counts_not_negative"),
    ForeignKeyConstraint(["project_id", "promotion_id"], ["promotions.project_id", "promotions.promotion_id"]),
    Index("ix_promotion_codes_promotion", "project_id", "promotion_id", "code_no"),
)

# No foreign keys: each check would lock the promotion's row, for all who redeem it the same one. Who counts a use has
# the promotion at hand, and promotions are only marked as deleted.
promotion_uses = Table(
    "promotion_uses",
    metadata,
    project_key(is_hot=True),
    Column("promotion_id", Integer, primary_key=True, autoincrement=False),
    Column("player_id", UUID(as_uuid=True), primary_key=True),
    # The epoch without a schedule.
    moment("window_start"),
    Column("used", Integer, nullable=False),
    CheckConstraint("used >= 0", name="used_not_negative"),
    Index("ix_promotion_uses_player", "project_id", "player_id"),
)

# Uses by everybody (`reserved`: by unpaid orders), and when a studio last let all players begin anew.
promotion_totals = Table(
    "promotion_totals",
    metadata,
    project_key(),
    Column("promotion_id", Integer, primary_key=True, autoincrement=False),
    Column("used", Integer, nullable=False, server_default="0"),
    Column("reserved", Integer, nullable=False, server_default="0"),
    moment("reset_at", nullable=True),
    CheckConstraint("used >= 0 AND reserved >= 0", name="counts_not_negative"),
    ForeignKeyConstraint(["project_id", "promotion_id"], ["promotions.project_id", "promotions.promotion_id"]),
)

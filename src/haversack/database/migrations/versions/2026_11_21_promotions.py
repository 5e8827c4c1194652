"""Promotions with their codes and uses, and the rules of personalization."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "promotions"
down_revision = "buying"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward. There is no way back: a removal waits for the release after next."""
    op.create_table(
        "filter_rules",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rule_id", sa.Integer(), sa.Identity(always=False, start=3001), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("conditions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("item_ids", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("is_satisfied_for_unauth", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_filter_rules_project_id")),
        sa.PrimaryKeyConstraint("project_id", "rule_id", name=op.f("pk_filter_rules")),
    )
    op.create_table(
        "promotions",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("promotion_id", sa.Integer(), sa.Identity(always=False, start=200001), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("periods", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("conditions", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("rewards", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("excluded_promotion_ids", postgresql.ARRAY(sa.Integer()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('item_discount', 'item_bonus', 'coupon_bonus', 'promo_code', 'unique_catalog_offer')",
            name=op.f("ck_promotions_kind_known"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_promotions_project_id")),
        sa.PrimaryKeyConstraint("project_id", "promotion_id", name=op.f("pk_promotions")),
    )
    op.create_index("ix_promotions_kind", "promotions", ["project_id", "kind", "promotion_id"], unique=False)
    op.create_index(
        "uq_promotions_external_id",
        "promotions",
        ["project_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "promotion_codes",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("promotion_id", sa.Integer(), nullable=False),
        sa.Column("code_no", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("used >= 0 AND reserved >= 0", name=op.f("ck_promotion_codes_counts_not_negative")),
        sa.ForeignKeyConstraint(
            ["project_id", "promotion_id"],
            ["promotions.project_id", "promotions.promotion_id"],
            name=op.f("fk_promotion_codes_project_id_promotion_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_promotion_codes_project_id")),
        sa.PrimaryKeyConstraint("project_id", "code", name=op.f("pk_promotion_codes")),
    )
    op.create_index(
        "ix_promotion_codes_promotion", "promotion_codes", ["project_id", "promotion_id", "code_no"], unique=False
    )
    op.create_table(
        "promotion_totals",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("promotion_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reset_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("used >= 0 AND reserved >= 0", name=op.f("ck_promotion_totals_counts_not_negative")),
        sa.ForeignKeyConstraint(
            ["project_id", "promotion_id"],
            ["promotions.project_id", "promotions.promotion_id"],
            name=op.f("fk_promotion_totals_project_id_promotion_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_promotion_totals_project_id")),
        sa.PrimaryKeyConstraint("project_id", "promotion_id", name=op.f("pk_promotion_totals")),
    )
    op.create_table(
        "promotion_uses",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("promotion_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_promotion_uses_used_not_negative")),
        sa.ForeignKeyConstraint(
            ["project_id", "promotion_id"],
            ["promotions.project_id", "promotions.promotion_id"],
            name=op.f("fk_promotion_uses_project_id_promotion_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_promotion_uses_project_id")),
        sa.PrimaryKeyConstraint("project_id", "promotion_id", "player_id", name=op.f("pk_promotion_uses")),
    )
    op.create_index("ix_promotion_uses_player", "promotion_uses", ["project_id", "player_id"], unique=False)

"""The catalog: items, groups, attributes, regions, keys, stock and limits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "catalog"
down_revision = "first_tables"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward. There is no way back: a removal waits for the release after next."""
    op.create_table(
        "attributes",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attribute_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_attributes_project_id")),
        sa.PrimaryKeyConstraint("project_id", "attribute_id", name=op.f("pk_attributes")),
        sa.UniqueConstraint("project_id", "external_id", name=op.f("uq_attributes_project_id_external_id")),
    )
    op.create_table(
        "catalogs",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_catalogs_project_id")),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_catalogs")),
    )
    op.create_table(
        "imports",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("import_id", sa.UUID(), nullable=False),
        sa.Column("file_url", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("progress", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('create', 'create_and_update', 'sync')", name=op.f("ck_imports_mode_known")),
        sa.CheckConstraint(
            "status IN ('initialized', 'process', 'done', 'error')", name=op.f("ck_imports_status_known")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_imports_project_id")),
        sa.PrimaryKeyConstraint("project_id", "import_id", name=op.f("pk_imports")),
    )
    op.create_table(
        "item_groups",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("group_id", sa.Integer(), sa.Identity(always=False, start=1001), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("parent_group_id", sa.Integer(), nullable=True),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("description", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("sort_order", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_item_groups_project_id")),
        sa.PrimaryKeyConstraint("project_id", "group_id", name=op.f("pk_item_groups")),
        sa.UniqueConstraint("project_id", "external_id", name=op.f("uq_item_groups_project_id_external_id")),
    )
    op.create_table(
        "items",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item_id", sa.Integer(), sa.Identity(always=False, start=100001), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent_item_id", sa.Integer(), nullable=True),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("description", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("long_description", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("media_list", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("custom_attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("prices", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("virtual_prices", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("is_free", sa.Boolean(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_show_in_store", sa.Boolean(), nullable=False),
        sa.Column("sort_order", sa.Integer(), nullable=False),
        sa.Column("region_ids", postgresql.ARRAY(sa.Integer()), server_default="{}", nullable=False),
        sa.Column("periods", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("pre_order", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'game_key') = (parent_item_id IS NOT NULL)", name=op.f("ck_items_keys_belong_to_games")
        ),
        sa.CheckConstraint(
            "kind IN ('virtual_good', 'virtual_currency', 'virtual_currency_package', 'bundle', 'game', 'game_key', 'physical_good', 'value_point')",
            name=op.f("ck_items_kind_known"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_items_project_id")),
        sa.PrimaryKeyConstraint("project_id", "item_id", name=op.f("pk_items")),
        sa.UniqueConstraint("project_id", "sku", name=op.f("uq_items_project_id_sku")),
    )
    op.create_index("ix_items_kind", "items", ["project_id", "kind", "sort_order", "item_id"], unique=False)
    op.create_index("ix_items_parent", "items", ["project_id", "parent_item_id"], unique=False)
    op.create_table(
        "key_uploads",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.UUID(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("count_total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_uploaded", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count_skipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('processing', 'done', 'error')", name=op.f("ck_key_uploads_status_known")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_key_uploads_project_id")),
        sa.PrimaryKeyConstraint("project_id", "session_id", name=op.f("pk_key_uploads")),
    )
    op.create_table(
        "regions",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("region_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("countries", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_regions_project_id")),
        sa.PrimaryKeyConstraint("project_id", "region_id", name=op.f("pk_regions")),
    )
    op.create_table(
        "attribute_values",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attribute_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "attribute_id"],
            ["attributes.project_id", "attributes.attribute_id"],
            name=op.f("fk_attribute_values_project_id_attribute_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_attribute_values_project_id")),
        sa.PrimaryKeyConstraint("project_id", "attribute_id", "value_id", name=op.f("pk_attribute_values")),
        sa.UniqueConstraint(
            "project_id",
            "attribute_id",
            "external_id",
            name=op.f("uq_attribute_values_project_id_attribute_id_external_id"),
        ),
    )
    op.create_table(
        "entitlements",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entitlement_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("code_id", sa.BigInteger(), nullable=True),
        sa.Column("mode", sa.Text(), server_default="default", nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('default', 'sandbox')", name=op.f("ck_entitlements_mode_known")),
        sa.ForeignKeyConstraint(
            ["project_id", "item_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_entitlements_project_id_item_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_entitlements_project_id")),
        sa.PrimaryKeyConstraint("project_id", "entitlement_id", name=op.f("pk_entitlements")),
    )
    op.create_index(
        "uq_entitlements_held",
        "entitlements",
        ["project_id", "player_id", "item_id", "mode"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "item_group_members",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("group_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id", "group_id"],
            ["item_groups.project_id", "item_groups.group_id"],
            name=op.f("fk_item_group_members_project_id_group_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "item_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_item_group_members_project_id_item_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_item_group_members_project_id")),
        sa.PrimaryKeyConstraint("project_id", "group_id", "item_id", name=op.f("pk_item_group_members")),
    )
    op.create_index("ix_item_group_members_item", "item_group_members", ["project_id", "item_id"], unique=False)
    op.create_table(
        "item_limit_resets",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reset_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "item_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_item_limit_resets_project_id_item_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_item_limit_resets_project_id")),
        sa.PrimaryKeyConstraint("project_id", "item_id", name=op.f("pk_item_limit_resets")),
    )
    op.create_table(
        "item_stocks",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("available", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sold", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("available + reserved + sold = total", name=op.f("ck_item_stocks_adds_up")),
        sa.CheckConstraint(
            "available >= 0 AND reserved >= 0 AND sold >= 0", name=op.f("ck_item_stocks_counts_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "item_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_item_stocks_project_id_item_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_item_stocks_project_id")),
        sa.PrimaryKeyConstraint("project_id", "item_id", name=op.f("pk_item_stocks")),
    )
    op.create_table(
        "key_codes",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region_id", sa.Integer(), nullable=True),
        sa.Column("code_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default="available", nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('available', 'reserved', 'used', 'requested', 'deleted')", name=op.f("ck_key_codes_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "item_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_key_codes_project_id_item_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_key_codes_project_id")),
        sa.PrimaryKeyConstraint("project_id", "item_id", "code_id", name=op.f("pk_key_codes")),
        sa.UniqueConstraint(
            "project_id", "item_id", "code_hash", name=op.f("uq_key_codes_project_id_item_id_code_hash")
        ),
    )
    op.create_index(
        "ix_key_codes_available",
        "key_codes",
        ["project_id", "item_id", "region_id", "code_id"],
        unique=False,
        postgresql_where=sa.text("state = 'available'"),
    )
    op.create_table(
        "pre_order_limits",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_enabled", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("available", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sold", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "available >= 0 AND reserved >= 0 AND sold >= 0", name=op.f("ck_pre_order_limits_counts_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "item_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_pre_order_limits_project_id_item_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_pre_order_limits_project_id")),
        sa.PrimaryKeyConstraint("project_id", "item_id", name=op.f("pk_pre_order_limits")),
    )
    op.create_table(
        "user_item_uses",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("item_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_user_item_uses_used_not_negative")),
        sa.ForeignKeyConstraint(
            ["project_id", "item_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_user_item_uses_project_id_item_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_user_item_uses_project_id")),
        sa.PrimaryKeyConstraint("project_id", "player_id", "item_id", name=op.f("pk_user_item_uses")),
    )

"""Chains with their steps, what players have taken of them, value points and clans."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "chains"
down_revision = "personalization"
branch_labels = None
depends_on = None

LEDGER_KINDS = (
    "'balance', 'item', 'instance', 'expiry', 'stock', 'key', 'uses', 'entitlement', 'promotion', 'promotion_code', "
    "'promotion_total', 'chain', 'points'"
)


def upgrade() -> None:
    """Bring the schema forward. There is no way back: a removal waits for the release after next."""
    op.create_table(
        "clan_members",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("clan", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("clan <> ''", name=op.f("ck_clan_members_clan_named")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_clan_members_project_id")),
        sa.PrimaryKeyConstraint("project_id", "player_id", name=op.f("pk_clan_members")),
    )
    op.create_table(
        "chains",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("chain_id", sa.Integer(), sa.Identity(always=False, start=5001), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("description", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("long_description", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("sort_order", sa.Integer(), server_default="1", nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_always_visible", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("conditions", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("schedule", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value_point_id", sa.Integer(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'reward') = (value_point_id IS NOT NULL)", name=op.f("ck_chains_points_of_kind")),
        sa.CheckConstraint("kind IN ('reward', 'daily', 'offer')", name=op.f("ck_chains_kind_known")),
        sa.ForeignKeyConstraint(
            ["project_id", "value_point_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_chains_project_id_value_point_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_chains_project_id")),
        sa.PrimaryKeyConstraint("project_id", "chain_id", name=op.f("pk_chains")),
    )
    op.create_index("ix_chains_kind", "chains", ["project_id", "kind", "sort_order", "chain_id"], unique=False)
    op.create_index("ix_chains_value_point", "chains", ["project_id", "value_point_id"], unique=False)
    op.create_table(
        "clan_balances",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value_point_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("clan", sa.Text(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_clan_balances_amount_not_negative")),
        sa.ForeignKeyConstraint(
            ["project_id", "value_point_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_clan_balances_project_id_value_point_id"),
        ),
        sa.PrimaryKeyConstraint("project_id", "value_point_id", "clan", name=op.f("pk_clan_balances")),
    )
    op.create_table(
        "value_point_balances",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("value_point_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("clan", sa.Text(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_value_point_balances_amount_not_negative")),
        sa.ForeignKeyConstraint(
            ["project_id", "value_point_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_value_point_balances_project_id_value_point_id"),
        ),
        sa.PrimaryKeyConstraint(
            "project_id", "player_id", "value_point_id", "clan", name=op.f("pk_value_point_balances")
        ),
    )
    op.create_index(
        "ix_value_point_balances_clan",
        "value_point_balances",
        ["project_id", "value_point_id", "clan", "window_start", sa.literal_column("amount DESC"), "player_id"],
        unique=False,
        postgresql_where=sa.text("clan != ''"),
    )
    op.create_table(
        "value_point_resets",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value_point_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reset_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "value_point_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_value_point_resets_project_id_value_point_id"),
        ),
        sa.PrimaryKeyConstraint("project_id", "value_point_id", name=op.f("pk_value_point_resets")),
    )
    op.create_table(
        "value_point_rewards",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value_point_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_value_point_rewards_amount_positive")),
        sa.ForeignKeyConstraint(
            ["project_id", "item_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_value_point_rewards_project_id_item_id"),
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "value_point_id"],
            ["items.project_id", "items.item_id"],
            name=op.f("fk_value_point_rewards_project_id_value_point_id"),
        ),
        sa.PrimaryKeyConstraint("project_id", "value_point_id", "item_id", name=op.f("pk_value_point_rewards")),
    )
    op.create_index("ix_value_point_rewards_item", "value_point_rewards", ["project_id", "item_id"], unique=False)
    op.create_table(
        "chain_claims",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("chain_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id", "chain_id"],
            ["chains.project_id", "chains.chain_id"],
            name=op.f("fk_chain_claims_project_id_chain_id"),
        ),
        sa.PrimaryKeyConstraint(
            "project_id", "player_id", "chain_id", "window_start", "step_id", name=op.f("pk_chain_claims")
        ),
    )
    op.create_table(
        "chain_steps",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step_id", sa.Integer(), sa.Identity(always=False, start=7001), nullable=False),
        sa.Column("chain_id", sa.Integer(), nullable=False),
        sa.Column("step_number", sa.Integer(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("rewards", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("points", sa.Integer(), server_default="0", nullable=False),
        sa.Column("is_free", sa.Boolean(), server_default="true", nullable=False),
        sa.CheckConstraint("step_number > 0 AND points >= 0", name=op.f("ck_chain_steps_counts")),
        sa.ForeignKeyConstraint(
            ["project_id", "chain_id"],
            ["chains.project_id", "chains.chain_id"],
            name=op.f("fk_chain_steps_project_id_chain_id"),
        ),
        sa.PrimaryKeyConstraint("project_id", "step_id", name=op.f("pk_chain_steps")),
        sa.UniqueConstraint(
            "project_id",
            "chain_id",
            "step_number",
            deferrable=True,
            initially="DEFERRED",
            name=op.f("uq_chain_steps_project_id_chain_id_step_number"),
        ),
    )
    op.drop_constraint(op.f("ck_ledger_kind_known"), "ledger", type_="check")
    op.create_check_constraint(op.f("ck_ledger_kind_known"), "ledger", f"kind IN ({LEDGER_KINDS})")

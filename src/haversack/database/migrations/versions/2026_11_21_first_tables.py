"""The first tables: merchants and projects, login, Backpack, webhooks, balances."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "first_tables"
down_revision = None
branch_labels = None
depends_on = None

# A row of the ledger is never changed: what was wrong is set right by an opposite row.
APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$
"""


def upgrade() -> None:
    """Bring the schema forward. There is no way back: a removal waits for the release after next."""
    op.execute("CREATE SEQUENCE order_ids START 1000001 MAXVALUE 2147483647")
    op.create_table(
        "idempotency_keys",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("answer_status", sa.Integer(), nullable=True),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", "idempotency_key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "merchants",
        sa.Column("merchant_id", sa.Integer(), sa.Identity(always=False, start=1001), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_merchants")),
    )
    op.create_table(
        "login_projects",
        sa.Column("login_project_id", sa.UUID(), nullable=False),
        sa.Column("merchant_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), server_default="HS256", nullable=False),
        sa.Column("hs256_secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("token_seconds", sa.Integer(), server_default="86400", nullable=False),
        sa.Column("requires_confirmation", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("outside_issuer", sa.Text(), nullable=True),
        sa.Column("outside_audience", sa.Text(), nullable=True),
        sa.Column("outside_jwks_url", sa.Text(), nullable=True),
        sa.Column("outside_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("algorithm IN ('HS256', 'RS256')", name=op.f("ck_login_projects_algorithm_known")),
        sa.CheckConstraint(
            "(outside_issuer IS NULL AND outside_jwks_url IS NULL AND outside_secret_sealed IS NULL) OR (outside_issuer IS NOT NULL AND (outside_jwks_url IS NULL) <> (outside_secret_sealed IS NULL))",
            name=op.f("ck_login_projects_outside_issuer_has_one_kind_of_key"),
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.merchant_id"], name=op.f("fk_login_projects_merchant_id")),
        sa.PrimaryKeyConstraint("login_project_id", name=op.f("pk_login_projects")),
    )
    op.create_index("ix_login_projects_outside_issuer", "login_projects", ["outside_issuer"], unique=False)
    op.create_table(
        "login_attempts",
        sa.Column("login_project_id", sa.UUID(), nullable=False),
        sa.Column("subject_hash", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("window_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["login_project_id"], ["login_projects.login_project_id"], name=op.f("fk_login_attempts_login_project_id")
        ),
        sa.PrimaryKeyConstraint("login_project_id", "subject_hash", name=op.f("pk_login_attempts")),
    )
    op.create_index("ix_login_attempts_window_ends_at", "login_attempts", ["window_ends_at"], unique=False)
    op.create_table(
        "login_clients",
        sa.Column("login_project_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.Integer(), sa.Identity(always=False, start=57001), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("redirect_uris", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind = 'public') = (secret_hash IS NULL)", name=op.f("ck_login_clients_secret_of_kind")),
        sa.CheckConstraint("kind IN ('public', 'confidential', 'server')", name=op.f("ck_login_clients_kind_known")),
        sa.ForeignKeyConstraint(
            ["login_project_id"], ["login_projects.login_project_id"], name=op.f("fk_login_clients_login_project_id")
        ),
        sa.PrimaryKeyConstraint("login_project_id", "client_id", name=op.f("pk_login_clients")),
        sa.UniqueConstraint("client_id", name=op.f("uq_login_clients_client_id")),
    )
    op.create_table(
        "players",
        sa.Column("login_project_id", sa.UUID(), nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("login_type", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("username_key", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("is_confirmed", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("phone_number", sa.Text(), nullable=True),
        sa.Column("is_phone_verified", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("external_account_id", sa.Text(), nullable=True),
        sa.Column("server_custom_id", sa.Text(), nullable=True),
        sa.Column("outside_subject", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("nickname", sa.Text(), nullable=True),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("gender", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("picture", sa.Text(), nullable=True),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("promo_email_agreement", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token_generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("logged_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("banned_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("banned_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ban_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(banned_from IS NULL) = (banned_until IS NULL)", name=op.f("ck_players_ban_has_both_ends")),
        sa.ForeignKeyConstraint(
            ["login_project_id"], ["login_projects.login_project_id"], name=op.f("fk_players_login_project_id")
        ),
        sa.PrimaryKeyConstraint("login_project_id", "player_id", name=op.f("pk_players")),
        sa.UniqueConstraint("login_project_id", "email_key", name=op.f("uq_players_login_project_id_email_key")),
        sa.UniqueConstraint(
            "login_project_id", "external_account_id", name=op.f("uq_players_login_project_id_external_account_id")
        ),
        sa.UniqueConstraint("login_project_id", "phone_number", name=op.f("uq_players_login_project_id_phone_number")),
        sa.UniqueConstraint(
            "login_project_id", "server_custom_id", name=op.f("uq_players_login_project_id_server_custom_id")
        ),
        sa.UniqueConstraint("login_project_id", "username_key", name=op.f("uq_players_login_project_id_username_key")),
    )
    op.create_table(
        "projects",
        sa.Column("project_id", sa.Integer(), sa.Identity(always=False, start=44001), nullable=False),
        sa.Column("merchant_id", sa.Integer(), nullable=False),
        sa.Column("login_project_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("is_sandbox", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("clock_offset", sa.Interval(), server_default="0", nullable=False),
        sa.Column("clock_frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("backpack_webhooks", sa.Text(), server_default="standard", nullable=False),
        sa.Column("delivery_mode", sa.Text(), server_default="xsolla", nullable=False),
        sa.Column("order_webhooks", sa.Text(), server_default="combined", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "backpack_webhooks IN ('standard', 'deprecated')", name=op.f("ck_projects_backpack_webhooks_known")
        ),
        sa.CheckConstraint("delivery_mode IN ('xsolla', 'native')", name=op.f("ck_projects_delivery_mode_known")),
        sa.CheckConstraint("order_webhooks IN ('combined', 'separate')", name=op.f("ck_projects_order_webhooks_known")),
        sa.ForeignKeyConstraint(
            ["login_project_id"], ["login_projects.login_project_id"], name=op.f("fk_projects_login_project_id")
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.merchant_id"], name=op.f("fk_projects_merchant_id")),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_projects")),
    )
    op.create_index("ix_projects_login_project_id", "projects", ["login_project_id"], unique=False)
    op.create_index("ix_projects_merchant_id", "projects", ["merchant_id"], unique=False)
    op.create_table(
        "revoked_tokens",
        sa.Column("login_project_id", sa.UUID(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["login_project_id"], ["login_projects.login_project_id"], name=op.f("fk_revoked_tokens_login_project_id")
        ),
        sa.PrimaryKeyConstraint("login_project_id", "token_hash", name=op.f("pk_revoked_tokens")),
    )
    op.create_index("ix_revoked_tokens_expires_at", "revoked_tokens", ["expires_at"], unique=False)
    op.create_table(
        "signing_keys",
        sa.Column("login_project_id", sa.UUID(), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("private_key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("modulus", sa.Text(), nullable=False),
        sa.Column("exponent", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verifies_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["login_project_id"], ["login_projects.login_project_id"], name=op.f("fk_signing_keys_login_project_id")
        ),
        sa.PrimaryKeyConstraint("login_project_id", "kid", name=op.f("pk_signing_keys")),
    )
    op.create_index(
        "uq_signing_keys_signing",
        "signing_keys",
        ["login_project_id"],
        unique=True,
        postgresql_where=sa.text("verifies_until IS NULL"),
    )
    op.create_table(
        "api_keys",
        sa.Column("merchant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_hint", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.merchant_id"], name=op.f("fk_api_keys_merchant_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_api_keys_project_id")),
        sa.PrimaryKeyConstraint("merchant_id", "key_id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("subject", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_audit_entries_project_id")),
        sa.PrimaryKeyConstraint("project_id", "entry_id", name=op.f("pk_audit_entries")),
    )
    op.create_table(
        "authorization_codes",
        sa.Column("login_project_id", sa.UUID(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("login_type", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("code_challenge", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["login_project_id", "player_id"],
            ["players.login_project_id", "players.player_id"],
            name=op.f("fk_authorization_codes_login_project_id_player_id"),
        ),
        sa.ForeignKeyConstraint(
            ["login_project_id"],
            ["login_projects.login_project_id"],
            name=op.f("fk_authorization_codes_login_project_id"),
        ),
        sa.PrimaryKeyConstraint("login_project_id", "code_hash", name=op.f("pk_authorization_codes")),
    )
    op.create_index("ix_authorization_codes_expires_at", "authorization_codes", ["expires_at"], unique=False)
    op.create_table(
        "backpack_games",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("game_id", sa.UUID(), nullable=False),
        sa.Column("external_game_id", sa.Text(), nullable=False),
        sa.Column("game_name", sa.Text(), nullable=False),
        sa.Column("game_image_url", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_backpack_games_project_id")),
        sa.PrimaryKeyConstraint("project_id", "game_id", name=op.f("pk_backpack_games")),
        sa.UniqueConstraint(
            "project_id", "external_game_id", name=op.f("uq_backpack_games_project_id_external_game_id")
        ),
    )
    op.create_table(
        "balance_changes",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("change_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_balance_changes_project_id")),
        sa.PrimaryKeyConstraint("project_id", "change_id", name=op.f("pk_balance_changes")),
    )
    op.create_index("ix_balance_changes_player", "balance_changes", ["project_id", "player_id", "sku"], unique=False)
    op.create_table(
        "balances",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_balances_amount_not_negative")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_balances_project_id")),
        sa.PrimaryKeyConstraint("project_id", "player_id", "sku", name=op.f("pk_balances")),
    )
    op.create_table(
        "grants",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_grants_project_id")),
        sa.PrimaryKeyConstraint("project_id", "source", name=op.f("pk_grants")),
    )
    op.create_index("ix_grants_player", "grants", ["project_id", "player_id", "granted_at"], unique=False)
    op.create_table(
        "host_ids",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("host_id_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_host_ids_project_id")),
        sa.PrimaryKeyConstraint("project_id", "host_id_hash", name=op.f("pk_host_ids")),
    )
    op.create_table(
        "linking_codes",
        sa.Column("login_project_id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["login_project_id", "player_id"],
            ["players.login_project_id", "players.player_id"],
            name=op.f("fk_linking_codes_login_project_id_player_id"),
        ),
        sa.ForeignKeyConstraint(
            ["login_project_id"], ["login_projects.login_project_id"], name=op.f("fk_linking_codes_login_project_id")
        ),
        sa.PrimaryKeyConstraint("login_project_id", "code", name=op.f("pk_linking_codes")),
        sa.UniqueConstraint("login_project_id", "player_id", name=op.f("uq_linking_codes_login_project_id_player_id")),
    )
    op.create_table(
        "platform_accounts",
        sa.Column("login_project_id", sa.UUID(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("platform_user_id", sa.Text(), nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["login_project_id", "player_id"],
            ["players.login_project_id", "players.player_id"],
            name=op.f("fk_platform_accounts_login_project_id_player_id"),
        ),
        sa.ForeignKeyConstraint(
            ["login_project_id"],
            ["login_projects.login_project_id"],
            name=op.f("fk_platform_accounts_login_project_id"),
        ),
        sa.PrimaryKeyConstraint("login_project_id", "platform", "platform_user_id", name=op.f("pk_platform_accounts")),
        sa.UniqueConstraint(
            "login_project_id",
            "player_id",
            "platform",
            name=op.f("uq_platform_accounts_login_project_id_player_id_platform"),
        ),
    )
    op.create_table(
        "player_attributes",
        sa.Column("login_project_id", sa.UUID(), nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attr_type", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("data_type", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("attr_type IN ('client', 'server')", name=op.f("ck_player_attributes_attr_type_known")),
        sa.CheckConstraint(
            "data_type IN ('string', 'number', 'integer', 'boolean')", name=op.f("ck_player_attributes_data_type_known")
        ),
        sa.CheckConstraint("permission IN ('public', 'private')", name=op.f("ck_player_attributes_permission_known")),
        sa.ForeignKeyConstraint(
            ["login_project_id", "player_id"],
            ["players.login_project_id", "players.player_id"],
            name=op.f("fk_player_attributes_login_project_id_player_id"),
        ),
        sa.ForeignKeyConstraint(
            ["login_project_id"],
            ["login_projects.login_project_id"],
            name=op.f("fk_player_attributes_login_project_id"),
        ),
        sa.PrimaryKeyConstraint(
            "login_project_id", "player_id", "project_id", "attr_type", "key", name=op.f("pk_player_attributes")
        ),
    )
    op.create_index(
        "ix_player_attributes_key_value",
        "player_attributes",
        ["login_project_id", "project_id", "attr_type", "key", "value"],
        unique=False,
    )
    op.create_table(
        "player_devices",
        sa.Column("login_project_id", sa.UUID(), nullable=False),
        sa.Column("device_type", sa.Text(), nullable=False),
        sa.Column("device_id_hash", sa.LargeBinary(), nullable=False),
        sa.Column("device_number", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("device_type IN ('android', 'ios')", name=op.f("ck_player_devices_device_type_known")),
        sa.ForeignKeyConstraint(
            ["login_project_id", "player_id"],
            ["players.login_project_id", "players.player_id"],
            name=op.f("fk_player_devices_login_project_id_player_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["login_project_id"], ["login_projects.login_project_id"], name=op.f("fk_player_devices_login_project_id")
        ),
        sa.PrimaryKeyConstraint("login_project_id", "device_type", "device_id_hash", name=op.f("pk_player_devices")),
    )
    op.create_index("ix_player_devices_player_id", "player_devices", ["login_project_id", "player_id"], unique=False)
    op.create_table(
        "player_passwords",
        sa.Column("login_project_id", sa.UUID(), nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["login_project_id", "player_id"],
            ["players.login_project_id", "players.player_id"],
            name=op.f("fk_player_passwords_login_project_id_player_id"),
        ),
        sa.ForeignKeyConstraint(
            ["login_project_id"], ["login_projects.login_project_id"], name=op.f("fk_player_passwords_login_project_id")
        ),
        sa.PrimaryKeyConstraint("login_project_id", "player_id", name=op.f("pk_player_passwords")),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("login_project_id", sa.UUID(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("family_id", sa.UUID(), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=True),
        sa.Column("login_type", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["login_project_id", "player_id"],
            ["players.login_project_id", "players.player_id"],
            name=op.f("fk_refresh_tokens_login_project_id_player_id"),
        ),
        sa.ForeignKeyConstraint(
            ["login_project_id"], ["login_projects.login_project_id"], name=op.f("fk_refresh_tokens_login_project_id")
        ),
        sa.PrimaryKeyConstraint("login_project_id", "token_hash", name=op.f("pk_refresh_tokens")),
    )
    op.create_index("ix_refresh_tokens_expires_at", "refresh_tokens", ["expires_at"], unique=False)
    op.create_index("ix_refresh_tokens_family_id", "refresh_tokens", ["login_project_id", "family_id"], unique=False)
    op.create_index("ix_refresh_tokens_player_id", "refresh_tokens", ["login_project_id", "player_id"], unique=False)
    op.create_table(
        "virtual_currencies",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_virtual_currencies_project_id")),
        sa.PrimaryKeyConstraint("project_id", "sku", name=op.f("pk_virtual_currencies")),
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("previous_valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('store', 'backpack')", name=op.f("ck_webhook_endpoints_purpose_known")),
        sa.CheckConstraint("version IN (1, 2)", name=op.f("ck_webhook_endpoints_version_known")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_webhook_endpoints_project_id")),
        sa.PrimaryKeyConstraint("project_id", "purpose", name=op.f("pk_webhook_endpoints")),
    )
    op.create_table(
        "webhook_events",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("player_key", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_webhook_events_project_id")),
        sa.PrimaryKeyConstraint("project_id", "event_id", name=op.f("pk_webhook_events")),
    )
    op.create_table(
        "webhook_lanes",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("lease_token", sa.UUID(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('store', 'backpack')", name=op.f("ck_webhook_lanes_purpose_known")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_webhook_lanes_project_id")),
        sa.PrimaryKeyConstraint("project_id", "purpose", name=op.f("pk_webhook_lanes")),
    )
    op.create_table(
        "backpack_items",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item_id", sa.UUID(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("player_id", sa.UUID(), nullable=False),
        sa.Column("item_type", sa.Text(), nullable=False),
        sa.Column("item_sku", sa.Text(), nullable=False),
        sa.Column("item_name", sa.Text(), nullable=False),
        sa.Column("image_url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("code_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("price", sa.Numeric(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("game_id", sa.UUID(), nullable=True),
        sa.Column("external_game_id", sa.Text(), nullable=False),
        sa.Column("game_name", sa.Text(), nullable=False),
        sa.Column("game_image_url", sa.Text(), nullable=False),
        sa.Column("is_external_vc", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), server_default="claimed", nullable=False),
        sa.Column("busy_token", sa.UUID(), nullable=True),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("user_game_id", sa.Text(), nullable=True),
        sa.Column("delivery_id", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "item_type IN ('game_key', 'promo_code', 'virtual_item', 'virtual_currency')",
            name=op.f("ck_backpack_items_item_type_known"),
        ),
        sa.CheckConstraint(
            "state IN ('claimed', 'checking', 'delivering', 'received', 'deleted')",
            name=op.f("ck_backpack_items_state_known"),
        ),
        sa.CheckConstraint("price >= 0", name=op.f("ck_backpack_items_price_not_negative")),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_backpack_items_quantity_not_negative")),
        sa.ForeignKeyConstraint(
            ["project_id", "game_id"],
            ["backpack_games.project_id", "backpack_games.game_id"],
            name=op.f("fk_backpack_items_project_id_game_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_backpack_items_project_id")),
        sa.PrimaryKeyConstraint("project_id", "item_id", name=op.f("pk_backpack_items")),
    )
    op.create_index(
        "ix_backpack_items_held",
        "backpack_items",
        ["player_id", sa.literal_column("created_at DESC"), sa.literal_column("sequence DESC")],
        unique=False,
        postgresql_where=sa.text("state IN ('claimed', 'checking', 'delivering')"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("player_key", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts_made", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("after_delivery_id", sa.BigInteger(), nullable=True),
        sa.Column("replay_of", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (status IN ('pending', 'withheld'))",
            name=op.f("ck_webhook_deliveries_settled_fits_status"),
        ),
        sa.CheckConstraint("purpose IN ('store', 'backpack')", name=op.f("ck_webhook_deliveries_purpose_known")),
        sa.CheckConstraint(
            "reason IN ('refused', 'exhausted', 'no_endpoint', 'endpoint_disabled', 'predecessor_failed')",
            name=op.f("ck_webhook_deliveries_reason_known"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'withheld', 'succeeded', 'failed', 'cancelled')",
            name=op.f("ck_webhook_deliveries_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["project_id", "event_id"],
            ["webhook_events.project_id", "webhook_events.event_id"],
            name=op.f("fk_webhook_deliveries_project_id_event_id"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_webhook_deliveries_project_id")),
        sa.PrimaryKeyConstraint("project_id", "delivery_id", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["project_id", "purpose", "next_attempt_at", "delivery_id"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_index("ix_webhook_deliveries_event", "webhook_deliveries", ["project_id", "event_id"], unique=False)
    op.create_index(
        "ix_webhook_deliveries_followers",
        "webhook_deliveries",
        ["project_id", "after_delivery_id"],
        unique=False,
        postgresql_where=sa.text("after_delivery_id IS NOT NULL"),
    )
    op.create_index(
        "ix_webhook_deliveries_settled",
        "webhook_deliveries",
        ["project_id", "settled_at"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NOT NULL"),
    )
    op.create_index(
        "ix_webhook_deliveries_waiting",
        "webhook_deliveries",
        ["project_id", "purpose", "delivery_id"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_index(
        "ix_webhook_deliveries_waiting_by_player",
        "webhook_deliveries",
        ["project_id", "purpose", "player_key", "delivery_id"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("project_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempt_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("request_url", sa.Text(), nullable=False),
        sa.Column("request_headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reply_status", sa.Integer(), nullable=True),
        sa.Column("reply_headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("reply_body", sa.LargeBinary(), nullable=True),
        sa.Column("is_private_target", sa.Boolean(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id", "delivery_id"],
            ["webhook_deliveries.project_id", "webhook_deliveries.delivery_id"],
            name=op.f("fk_webhook_attempts_project_id_delivery_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_webhook_attempts_project_id")),
        sa.PrimaryKeyConstraint("project_id", "delivery_id", "attempt_no", name=op.f("pk_webhook_attempts")),
    )
    op.execute(APPEND_ONLY)
    for table in ("balance_changes", "grants"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()"
        )

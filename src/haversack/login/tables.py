"""Tables of players' identity."""

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    UniqueConstraint,
)
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from haversack.database.tables import login_project_key, metadata, moment, one_of, text

login_projects = Table(
    "login_projects",
    metadata,
    Column("login_project_id", UUID(as_uuid=True), primary_key=True),
    Column("merchant_id", Integer, ForeignKey("merchants.merchant_id"), nullable=False),
    text("name"),
    text("algorithm", default="HS256"),
    Column("hs256_secret_sealed", LargeBinary, nullable=False),
    Column("token_seconds", Integer, nullable=False, server_default="86400"),
    Column("requires_confirmation", Boolean, nullable=False, server_default="false"),
    # A project may trust an outside issuer instead of its own accounts.
    text("outside_issuer", nullable=True),
    text("outside_audience", nullable=True),
    text("outside_jwks_url", nullable=True),
    Column("outside_secret_sealed", LargeBinary, nullable=True),
    moment("created_at"),
    one_of("algorithm", "HS256", "RS256"),
    CheckConstraint(
        "(outside_issuer IS NULL AND outside_jwks_url IS NULL AND outside_secret_sealed IS NULL)"
        " OR (outside_issuer IS NOT NULL AND (outside_jwks_url IS NULL) <> (outside_secret_sealed IS NULL))",
        name="outside_issuer_has_one_kind_of_key",
    ),
    Index("ix_login_projects_outside_issuer", "outside_issuer"),
)

# Clients name themselves by number alone, so the number is unique over all login projects.
login_clients = Table(
    "login_clients",
    metadata,
    login_project_key(),
    # SDKs keep client ids in 32 bits.
    Column("client_id", Integer, Identity(start=57001), primary_key=True),
    text("kind"),
    text("name"),
    Column("secret_hash", LargeBinary, nullable=True),
    Column("redirect_uris", ARRAY(text("uri").type), nullable=False),
    moment("created_at"),
    one_of("kind", "public", "confidential", "server"),
    CheckConstraint("(kind = 'public') = (secret_hash IS NULL)", name="secret_of_kind"),
    UniqueConstraint("client_id"),
)

players = Table(
    "players",
    metadata,
    login_project_key(),
    Column("player_id", UUID(as_uuid=True), primary_key=True),
    # How the player first came, as the claim `type` names it; `outside` for the players of an outside issuer.
    text("login_type"),
    text("username", nullable=True),
    text("username_key", nullable=True),
    text("email", nullable=True),
    text("email_key", nullable=True),
    Column("is_confirmed", Boolean, nullable=False, server_default="true"),
    text("phone_number", nullable=True),
    Column("is_phone_verified", Boolean, nullable=False, server_default="false"),
    text("external_account_id", nullable=True),
    text("server_custom_id", nullable=True),
    text("outside_subject", nullable=True),
    text("first_name", nullable=True),
    text("last_name", nullable=True),
    text("nickname", nullable=True),
    text("tag"),
    text("gender", nullable=True),
    text("country", nullable=True),
    text("picture", nullable=True),
    Column("birthday", Date, nullable=True),
    Column("promo_email_agreement", Boolean, nullable=False, server_default="true"),
    moment("registered_at"),
    moment("last_login_at", nullable=True),
    # Tokens of an earlier generation (it stands in their `jti`) are refused: `logout` of all sessions.
    Column("token_generation", Integer, nullable=False, server_default="0"),
    # The same for tokens that others issued, which carry no generation.
    moment("logged_out_at", nullable=True),
    moment("banned_from", nullable=True),
    moment("banned_until", nullable=True),
    text("ban_reason", nullable=True),
    UniqueConstraint("login_project_id", "username_key"),
    UniqueConstraint("login_project_id", "email_key"),
    UniqueConstraint("login_project_id", "phone_number"),
    UniqueConstraint("login_project_id", "external_account_id"),
    UniqueConstraint("login_project_id", "server_custom_id"),
    CheckConstraint("(banned_from IS NULL) = (banned_until IS NULL)", name="ban_has_both_ends"),
)


def _of_player(*, deferred: bool = False) -> ForeignKeyConstraint:
    """The player that a row belongs to. `deferred`: the row is written before its player, in one transaction."""
    return ForeignKeyConstraint(
        ["login_project_id", "player_id"],
        ["players.login_project_id", "players.player_id"],
        deferrable=deferred or None,
        initially="DEFERRED" if deferred else None,
    )


def _player_column(*, primary_key: bool = False) -> Column[Any]:
    return Column("player_id", UUID(as_uuid=True), nullable=False, primary_key=primary_key)


player_passwords = Table(
    "player_passwords",
    metadata,
    login_project_key(),
    _player_column(primary_key=True),
    text("password_hash"),
    moment("changed_at"),
    _of_player(),
)

# A device id opens an account all alone, so only its hash is kept.
player_devices = Table(
    "player_devices",
    metadata,
    login_project_key(),
    Column("device_type", text("device_type").type, primary_key=True),
    Column("device_id_hash", LargeBinary, primary_key=True),
    Column("device_number", Integer, Identity(), nullable=False),
    _player_column(),
    text("device"),
    moment("last_used_at"),
    one_of("device_type", "android", "ios", "macos", "windows"),
    # Of simultaneous first sign-ins the device row decides which one makes the player.
    _of_player(deferred=True),
    Index("ix_player_devices_player_id", "login_project_id", "player_id"),
)

platform_accounts = Table(
    "platform_accounts",
    metadata,
    login_project_key(),
    Column("platform", text("platform").type, primary_key=True),
    Column("platform_user_id", text("platform_user_id").type, primary_key=True),
    _player_column(),
    moment("linked_at"),
    _of_player(),
    UniqueConstraint("login_project_id", "player_id", "platform"),
)

player_attributes = Table(
    "player_attributes",
    metadata,
    login_project_key(),
    _player_column(primary_key=True),
    # 0: attributes of no particular project.
    Column("project_id", Integer, primary_key=True, autoincrement=False),
    Column("attr_type", text("attr_type").type, primary_key=True),
    Column("key", text("key").type, primary_key=True),
    text("value"),
    text("permission"),
    text("data_type"),
    text("description", nullable=True),
    text("format", nullable=True),
    moment("changed_at"),
    one_of("attr_type", "client", "server"),
    one_of("permission", "public", "private"),
    one_of("data_type", "string", "number", "integer", "boolean"),
    _of_player(),
    Index("ix_player_attributes_key_value", "login_project_id", "project_id", "attr_type", "key", "value"),
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    login_project_key(),
    Column("code_hash", LargeBinary, primary_key=True),
    Column("client_id", Integer, nullable=False),
    _player_column(),
    text("redirect_uri"),
    text("login_type"),
    text("scope"),
    text("audience", nullable=True),
    text("payload", nullable=True),
    text("code_challenge", nullable=True),
    moment("expires_at"),
    _of_player(),
    Index("ix_authorization_codes_expires_at", "expires_at"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    login_project_key(),
    Column("token_hash", LargeBinary, primary_key=True),
    # Each refresh replaces the token by another of its family; a used one that comes back ends them all.
    Column("family_id", UUID(as_uuid=True), nullable=False),
    Column("client_id", Integer, nullable=False),
    _player_column(),
    text("redirect_uri", nullable=True),
    text("login_type"),
    text("scope"),
    text("audience", nullable=True),
    text("payload", nullable=True),
    moment("expires_at"),
    moment("used_at", nullable=True),
    _of_player(),
    Index("ix_refresh_tokens_family_id", "login_project_id", "family_id"),
    Index("ix_refresh_tokens_player_id", "login_project_id", "player_id"),
    Index("ix_refresh_tokens_expires_at", "expires_at"),
)

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    login_project_key(),
    # Of the signed part: the signature itself can be written in several ways.
    Column("token_hash", LargeBinary, primary_key=True),
    moment("expires_at"),
    Index("ix_revoked_tokens_expires_at", "expires_at"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    login_project_key(),
    Column("kid", text("kid").type, primary_key=True),
    Column("private_key_sealed", LargeBinary, nullable=False),
    # The public half as lower-case hexadecimal numbers.
    text("modulus"),
    text("exponent"),
    moment("created_at"),
    # Null for the key that signs; others verify until the tokens they signed have expired.
    moment("verifies_until", nullable=True),
    # At most one key signs.
    Index(
        "uq_signing_keys_signing",
        "login_project_id",
        unique=True,
        postgresql_where=sql_text("verifies_until IS NULL"),
    ),
)

linking_codes = Table(
    "linking_codes",
    metadata,
    login_project_key(),
    Column("code", text("code").type, primary_key=True),
    _player_column(),
    moment("expires_at"),
    _of_player(),
    UniqueConstraint("login_project_id", "player_id"),
)

# Attempts at passwords and linking codes, counted before they are tried, so that parallel ones count too.
login_attempts = Table(
    "login_attempts",
    metadata,
    login_project_key(),
    Column("subject_hash", LargeBinary, primary_key=True),
    Column("attempts", SmallInteger, nullable=False),
    moment("window_ends_at"),
    Index("ix_login_attempts_window_ends_at", "window_ends_at"),
)

"""What login projects, clients and players are to the rest of the feature."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class Algorithm(StrEnum):
    """How a login project signs its tokens."""

    HS256 = "HS256"
    RS256 = "RS256"


class ClientKind(StrEnum):
    """What a client may ask for, and whether it can keep a secret."""

    PUBLIC = "public"
    CONFIDENTIAL = "confidential"
    SERVER = "server"


class LoginType(StrEnum):
    """How a player signed in: the claim `type`."""

    PASSWORD = "xsolla_login"  # noqa: S105  (a way to sign in, not a password)
    EMAIL = "email"
    PHONE = "phone"
    DEVICE = "device"
    SERVER_CUSTOM_ID = "server_custom_id"
    OUTSIDE = "outside"


class AttributeType(StrEnum):
    """Who may change an attribute: the player's client, or servers alone (read-only for the client)."""

    CLIENT = "client"
    SERVER = "server"


class Permission(StrEnum):
    """Who may read an attribute: every player, or its owner and servers."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideIssuer:
    """An issuer whose tokens a login project trusts instead of its own accounts: by address of keys or by secret."""

    issuer: str
    audience: str | None
    jwks_url: str | None
    secret: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginProject:
    """A login project with the secrets that verifying needs, opened."""

    login_project_id: UUID
    merchant_id: int
    name: str
    algorithm: Algorithm
    secret: bytes = field(repr=False)
    token_seconds: int
    requires_confirmation: bool
    outside: OutsideIssuer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client of a login project."""

    login_project_id: UUID
    client_id: int
    kind: ClientKind
    secret_hash: bytes | None = field(repr=False)
    redirect_uris: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ban:
    """The time in which a player is kept out."""

    date_from: datetime
    date_to: datetime
    reason: str

    def holds(self, now: datetime) -> bool:
        """Whether the player is kept out at the moment."""
        return self.date_from <= now < self.date_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """A player's account."""

    login_project_id: UUID
    player_id: UUID
    login_type: LoginType
    username: str | None
    email: str | None
    is_confirmed: bool
    phone_number: str | None
    external_account_id: str | None
    server_custom_id: str | None
    first_name: str | None
    last_name: str | None
    nickname: str | None
    tag: str
    gender: str | None
    country: str | None
    picture: str | None
    birthday: date | None
    promo_email_agreement: bool
    registered_at: datetime
    last_login_at: datetime | None
    token_generation: int
    ban: Ban | None

    @property
    def is_anonymous(self) -> bool:
        """Whether only a device or a server's id opens the account, and nothing that the player could remember."""
        return self.username is None and self.email is None and self.phone_number is None

    @property
    def has_confirmed_email(self) -> bool:
        """Whether the player has an e-mail address and has shown that it is theirs."""
        return self.is_confirmed and self.email is not None

    @property
    def name(self) -> str | None:
        """What the player is called on pages."""
        full = " ".join(part for part in (self.first_name, self.last_name) if part)
        return self.nickname or full or self.username or None

    def is_active(self, now: datetime) -> bool:
        """Whether no ban keeps the player out at the moment."""
        return self.ban is None or not self.ban.holds(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlayer:
    """What a new account starts with."""

    player_id: UUID
    login_type: LoginType
    username: str | None = None
    email: str | None = None
    is_confirmed: bool = True
    phone_number: str | None = None
    is_phone_verified: bool = False
    external_account_id: str | None = None
    server_custom_id: str | None = None
    outside_subject: str | None = None
    nickname: str | None = None
    promo_email_agreement: bool = True


@dataclass(frozen=True, slots=True)
class Device:
    """A device whose id opens a player's account."""

    device_number: int
    device_type: str
    device: str
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class PlatformAccount:
    """An account of a platform that is linked to a player."""

    platform: str
    platform_user_id: str
    player_id: UUID
    email: str | None
    external_account_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A key and value that a game keeps for a player."""

    key: str
    value: str
    permission: Permission
    attr_type: AttributeType = AttributeType.CLIENT
    data_type: str = "string"
    description: str | None = None
    format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a sign-in gives: kept with its code, then with each refresh token of its family."""

    login_project_id: UUID
    client_id: int
    player_id: UUID
    login_type: LoginType
    scope: str
    audience: str | None
    payload: str | None
    redirect_uri: str | None


@dataclass(frozen=True, slots=True)
class TokenSet:
    """The answer of the token endpoint. `refresh_token` is empty where none was asked for."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)
    scope: str


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of a signing key; modulus and exponent as lower-case hexadecimal numbers.

    verifies_until: None for the key that signs; tokens of a replaced key cannot live longer than this.
    """

    kid: str
    modulus: str
    exponent: str
    verifies_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether a signed token still opens anything: read once for each token."""

    is_revoked: bool
    token_generation: int
    logged_out_at: datetime | None
    ban: Ban | None

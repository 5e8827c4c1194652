"""Bodies, queries and views of the Login calls. Unknown members are ignored; views leave nothing out."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator
from pydantic.json_schema import WithJsonSchema

from haversack.clock import wire_time
from haversack.login import rules
from haversack.login.actions.attributes import ChangedAttribute
from haversack.login.actions.sign_in import CodeRequest
from haversack.login.records import (
    Attribute,
    AttributeType,
    Ban,
    Device,
    Permission,
    PlatformAccount,
    Player,
    PublicKey,
    TokenSet,
)
from haversack.login.signing import base64_of

INT32_MAX = 2**31 - 1

ClientId = Annotated[int, Field(ge=1, le=INT32_MAX)]
ProjectNumber = Annotated[int, Field(ge=1, le=INT32_MAX)]
Payload = Annotated[str, Field(max_length=1024)]
Token = Annotated[str, Field(min_length=1, max_length=8192)]
WithLogout = Literal["0", "1"]
DeviceType = Literal["android", "ios"]
PlayerId = Annotated[UUID, PlainSerializer(str, return_type=str)]
AttributeKey = Annotated[str, Field(max_length=256, pattern=r"^[A-Za-z0-9_]+$")]
SoughtKey = Annotated[str, Field(max_length=256)]
DataType = Literal["string", "number", "integer", "boolean"]
Gender = Literal["f", "m", "other", "prefer not to answer"]
Name = Annotated[str, Field(max_length=255)]


def sample_time(moment: datetime) -> str:
    """A time as Login's answers write it: 2018-05-17T11:22:52+0000."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def _day(value: object) -> object:
    # Pydantic would also take numbers for days; the wire has texts.
    if isinstance(value, str) and len(value) == 10:
        return date.fromisoformat(value)
    raise ValueError("must be a day in the form YYYY-MM-DD")


Birthday = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]


# -- Signing in -----------------------------------------------------------------------------------------------------


class CodeQuery(BaseModel):
    """What the OAuth 2.0 sign-in calls carry in their query."""

    response_type: Literal["code"]
    client_id: ClientId
    state: str | None = Field(None, max_length=2048, description="required, at least 8 characters")
    redirect_uri: str | None = Field(None, max_length=2048)
    scope: str = Field("", max_length=255)
    audience: str | None = Field(None, max_length=255)
    payload: str | None = Field(None, max_length=1024)
    locale: str | None = Field(None, max_length=20)
    code_challenge: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{43}$", description="PKCE, S256")
    code_challenge_method: Literal["S256"] | None = None

    def request(self) -> CodeRequest:
        """What is asked for."""
        return CodeRequest(
            client_id=self.client_id,
            state=self.state,
            redirect_uri=self.redirect_uri,
            scope=self.scope,
            audience=self.audience,
            payload=self.payload,
            code_challenge=self.code_challenge,
        )


class CredentialsBody(BaseModel):
    """A name and a password."""

    username: str = Field(min_length=1, max_length=255)
    password: str = Field(min_length=1, max_length=1024)


class RegistrationBody(BaseModel):
    """A new account. `fields` and `accept_consent` are taken from all SDKs and not used."""

    username: str = Field(min_length=3, max_length=255)
    password: str = Field(min_length=6, max_length=100)
    email: str = Field(min_length=1, max_length=255)
    accept_consent: bool | None = None
    promo_email_agreement: Literal[0, 1] = 1
    fields: Any = None


class DeviceBody(BaseModel):
    """A device that signs in by its id."""

    device: str = Field(max_length=100)
    device_id: str = Field(min_length=16, max_length=36)


class SocialProfileBody(BaseModel):
    """The account of a platform that comes with a server's id."""

    user_id: str = Field(min_length=1, max_length=255)
    platform: str = Field(min_length=1, max_length=32, pattern=r"^[a-z0-9_]+$")


class CustomIdAttributeBody(BaseModel):
    """An attribute that is set with a sign-in. `read_only` makes it a server's attribute, whatever its type says."""

    key: AttributeKey
    value: Any
    attr_type: AttributeType
    permission: Permission
    read_only: bool = False

    @model_validator(mode="after")
    def check_value(self) -> Self:
        """The value becomes a text, so it must be one value."""
        found = rules.text_of_value(self.value)
        if found is None or len(found[0]) > 256:
            raise ValueError("value must be a text, a number or a boolean of at most 256 characters")
        return self

    def record(self) -> ChangedAttribute:
        """The attribute that is set."""
        found = rules.text_of_value(self.value)
        assert found is not None, "the value was checked"
        value, data_type = found
        return ChangedAttribute(
            key=self.key,
            value=value,
            permission=self.permission,
            attr_type=AttributeType.SERVER if self.read_only else self.attr_type,
            data_type=data_type,
        )


class CustomIdSignInBody(BaseModel):
    """A player whom a server knows by an id of its own."""

    server_custom_id: str = Field(min_length=1, max_length=256)
    attributes: list[CustomIdAttributeBody] = Field([], max_length=rules.ATTRIBUTES_MAX)
    social_profile: SocialProfileBody | None = None


class TokenForm(BaseModel):
    """The form of the token endpoint; each grant type needs members of its own."""

    grant_type: Literal[
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:token_exchange",
    ]
    client_id: str = Field(pattern=r"^[0-9]{1,10}$")
    client_secret: str | None = Field(None, max_length=255)
    redirect_uri: str | None = Field(None, max_length=2048)
    code: str | None = Field(None, max_length=255)
    refresh_token: str | None = Field(None, max_length=255)
    code_verifier: str | None = Field(None, pattern=r"^[A-Za-z0-9._~-]{43,128}$")
    scope: str = Field("", max_length=255, description="token_exchange: the scope of the new token")
    subject_token: str | None = Field(None, max_length=8192, description="token_exchange: the player's token")


class RevocationForm(BaseModel):
    """A token that shall open nothing any more."""

    token: Token
    client_id: str | None = Field(None, pattern=r"^[0-9]{1,10}$")
    client_secret: str | None = Field(None, max_length=255)


class TokenBody(BaseModel):
    """A token to be checked."""

    token: Token


class LoginUrlView(BaseModel):
    """Where to return to, with `code` and `state` in the query."""

    login_url: str


class TokenView(BaseModel):
    """A player's token."""

    token: str


class TokensView(BaseModel):
    """Tokens. `refresh_token` is empty unless the scope was `offline`: SDKs want the member in any case."""

    access_token: str
    expires_in: int = Field(description="seconds")
    refresh_token: str
    token_type: Literal["bearer"]
    scope: str

    @classmethod
    def of(cls, tokens: TokenSet) -> Self:
        """The answer of the token endpoint."""
        return cls(
            access_token=tokens.access_token,
            expires_in=tokens.expires_in,
            refresh_token=tokens.refresh_token,
            token_type="bearer",  # noqa: S106  (a kind of token, not a token)
            scope=tokens.scope,
        )


class KeyView(BaseModel):
    """A public key whose numbers are hexadecimal, as the Go SDK reads them; no JWK library can."""

    alg: Literal["RS256"]
    e: str = Field(pattern="^[0-9a-f]+$")
    n: str = Field(pattern="^[0-9a-f]+$")
    kid: str
    kty: Literal["RSA"]
    use: Literal["sig"]

    @classmethod
    def of(cls, key: PublicKey) -> Self:
        """A key of the list."""
        return cls(alg="RS256", e=key.exponent, n=key.modulus, kid=key.kid, kty="RSA", use="sig")


class WebKeyView(BaseModel):
    """A public key as RFC 7517 has it: numbers in base64url."""

    alg: Literal["RS256"]
    e: str
    n: str
    kid: str
    kty: Literal["RSA"]
    use: Literal["sig"]


class WebKeySetView(BaseModel):
    """A JWK Set."""

    keys: list[WebKeyView]

    @classmethod
    def of(cls, keys: Sequence[PublicKey]) -> Self:
        """The set of the keys that verify."""
        return cls(
            keys=[
                WebKeyView(
                    alg="RS256",
                    e=base64_of(key.exponent),
                    n=base64_of(key.modulus),
                    kid=key.kid,
                    kty="RSA",
                    use="sig",
                )
                for key in keys
            ]
        )


# -- Accounts -------------------------------------------------------------------------------------------------------


class NewUserBody(BaseModel):
    """A player whom a server registers by e-mail address or phone number."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["email"]}, {"required": ["phone_number"]}]}
    )

    email: str | None = Field(None, min_length=1, max_length=255)
    external_account_id: str | None = Field(None, min_length=1, max_length=255)
    phone_number: str | None = Field(None, pattern=r"^\+[0-9]{5,25}$")
    phone_number_verified: bool | None = None

    @model_validator(mode="after")
    def check_address(self) -> Self:
        """There must be a way to reach the player."""
        if self.email is None and self.phone_number is None:
            raise ValueError("email or phone_number is required")
        return self


class NewUserView(BaseModel):
    """The player that was registered."""

    user_id: PlayerId


class CustomIdBody(BaseModel):
    """A server's id for a player; null takes it away."""

    server_custom_id: Annotated[str, Field(max_length=255, pattern=r"^[A-Za-z0-9._-]+$")] | None


class LinkingCodeView(BaseModel):
    """A code to be typed in the game."""

    code: str


class LinkByCodeBody(BaseModel):
    """A platform account and the code that its owner typed."""

    code: Annotated[str, Field(min_length=1, max_length=16)] | Annotated[int, Field(ge=0, le=INT32_MAX)]
    platform: Literal["steam", "xbox", "epicgames", "psn"]
    user_id: str = Field(min_length=1, max_length=255)
    project_id: UUID | None = None
    publisher_project_id: ProjectNumber | None = None

    @property
    def code_text(self) -> str:
        """The code as it was given out: numbers have lost their zeros on the way."""
        return (
            f"{self.code:0{rules.LINKING_CODE_DIGITS}}" if isinstance(self.code, int) else self.code.strip()
        )


class ExternalIdBody(BaseModel):
    """An id of the studio's own system for a player."""

    external_account_id: str = Field(min_length=1, max_length=255)
    user_id: UUID


class SoughtAccountBody(BaseModel):
    """A platform account whose player is sought."""

    user_id: str = Field(max_length=255)
    platform: str = Field(max_length=32)


class LinkingInfoBody(BaseModel):
    """Platform accounts whose players are sought."""

    users: list[SoughtAccountBody] = Field(max_length=50)
    project_id: UUID | None = None
    publisher_project_id: ProjectNumber | None = None


class LinkingInfoView(BaseModel):
    """A platform account and the player that it is linked to, if any."""

    email: str | None
    external_account_id: str | None
    platform: str
    user_id: str
    xl_uid: str | None

    @classmethod
    def of(cls, sought: SoughtAccountBody, found: PlatformAccount | None) -> Self:
        """What is known of one of the sought."""
        return cls(
            email=None if found is None else found.email,
            external_account_id=None if found is None else found.external_account_id,
            platform=sought.platform,
            user_id=sought.user_id,
            xl_uid=None if found is None else str(found.player_id),
        )


class BanView(BaseModel):
    """The time in which a player is kept out."""

    date_from: str
    date_to: str
    reason: str

    @classmethod
    def of(cls, ban: Ban | None) -> Self | None:
        """The ban, if there is one."""
        if ban is None:
            return None
        return cls(date_from=sample_time(ban.date_from), date_to=sample_time(ban.date_to), reason=ban.reason)


class GroupView(BaseModel):
    """A group of players; there is one, and everybody is in it."""

    id: int
    name: str
    is_default: bool
    is_deletable: bool

    @classmethod
    def default(cls) -> Self:
        """The group of everybody."""
        return cls(id=rules.GROUP_ID, name=rules.GROUP_NAME, is_default=True, is_deletable=False)


class DeviceView(BaseModel):
    """A device whose id opens the account."""

    id: int
    type: DeviceType
    device: str
    last_used_at: str = Field(json_schema_extra={"format": "date-time"})

    @classmethod
    def of(cls, device: Device) -> Self:
        """A device of the list."""
        return cls.model_validate(
            {
                "id": device.device_number,
                "type": device.device_type,
                "device": device.device,
                "last_used_at": wire_time(device.last_used_at),
            }
        )


class UserView(BaseModel):
    """A player's account, as its player sees it."""

    id: PlayerId
    ban: BanView | None
    birthday: str | None
    connection_information: str | None
    country: str | None
    devices: list[DeviceView]
    email: str | None
    external_id: str | None
    first_name: str | None
    last_name: str | None
    gender: Gender | None
    groups: list[GroupView]
    is_anonymous: bool
    last_login: str
    registered: str
    name: str | None
    nickname: str | None
    phone: str | None
    phone_auth: str | None
    picture: str | None
    tag: str | None
    username: str | None
    presence: str | None

    @classmethod
    def of(cls, player: Player, devices: Sequence[Device]) -> Self:
        """The account with its devices."""
        return cls.model_validate(
            {
                "id": player.player_id,
                "ban": BanView.of(player.ban),
                "birthday": None if player.birthday is None else player.birthday.isoformat(),
                "connection_information": None,
                "country": player.country,
                "devices": [DeviceView.of(device) for device in devices],
                "email": player.email,
                "external_id": player.external_account_id,
                "first_name": player.first_name,
                "last_name": player.last_name,
                "gender": player.gender,
                "groups": [GroupView.default()],
                "is_anonymous": player.is_anonymous,
                "last_login": sample_time(player.last_login_at or player.registered_at),
                "registered": sample_time(player.registered_at),
                "name": player.name,
                "nickname": player.nickname,
                "phone": player.phone_number,
                "phone_auth": player.phone_number,
                "picture": player.picture,
                "tag": player.tag,
                "username": player.username,
                "presence": None,
            }
        )


class AdminUserView(BaseModel):
    """A player's account, as its studio's server sees it."""

    id: PlayerId
    ban: BanView | None
    email: str | None
    external_id: str | None
    first_name: str | None
    last_name: str | None
    groups: list[GroupView]
    is_anonymous: bool
    is_last_email_confirmed: bool
    is_user_active: bool
    last_login: str | None
    login_type: str
    name: str | None
    nickname: str | None
    phone_auth: str | None

    @classmethod
    def of(cls, player: Player, *, now: datetime) -> Self:
        """The account at a moment."""
        return cls(
            id=player.player_id,
            ban=BanView.of(player.ban),
            email=player.email,
            external_id=player.external_account_id,
            first_name=player.first_name,
            last_name=player.last_name,
            groups=[GroupView.default()],
            is_anonymous=player.is_anonymous,
            is_last_email_confirmed=player.is_confirmed and player.email is not None,
            is_user_active=player.ban is None or not player.ban.holds(now),
            last_login=None if player.last_login_at is None else sample_time(player.last_login_at),
            login_type=player.login_type,
            name=player.name,
            nickname=player.nickname,
            phone_auth=player.phone_number,
        )


class ProfileBody(BaseModel):
    """What a player changes; SDKs send null for what they leave as it is. An empty text clears a name."""

    birthday: Birthday | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    gender: Gender | None = None
    nickname: Name | None = None


# -- Attributes -----------------------------------------------------------------------------------------------------

Keys = Annotated[list[SoughtKey] | None, Field(max_length=rules.ATTRIBUTES_MAX)]


class AttributesQueryBody(BaseModel):
    """Which attributes a player asks for, and whose; no keys: all."""

    keys: Keys = None
    publisher_project_id: ProjectNumber | None = None
    user_id: UUID | None = None


class ServerAttributesQueryBody(BaseModel):
    """Which attributes a server asks for; no keys: all."""

    publisher_id: int | None
    keys: Keys = None
    publisher_project_id: ProjectNumber | None = None


class AttributeBody(BaseModel):
    """An attribute as it shall be; without a permission it keeps its own, and is private where it is new."""

    key: AttributeKey
    value: str = Field(max_length=256)
    permission: Permission | None = None

    def record(self, attr_type: AttributeType) -> ChangedAttribute:
        """The attribute that is set."""
        return ChangedAttribute(
            key=self.key, value=self.value, permission=self.permission, attr_type=attr_type
        )


class ServerAttributeBody(BaseModel):
    """An attribute as a server sets it: with its type, and what it is for."""

    key: AttributeKey
    value: str = Field(max_length=256)
    attr_type: AttributeType = AttributeType.CLIENT
    data_type: DataType | None = None
    description: str | None = Field(None, max_length=1024)
    format: str | None = Field(None, max_length=255)
    permission: Permission | None = None

    def record(self) -> ChangedAttribute:
        """The attribute that is set."""
        return ChangedAttribute(
            key=self.key,
            value=self.value,
            permission=self.permission,
            attr_type=self.attr_type,
            data_type=self.data_type or "string",
            description=self.description,
            format=self.format,
        )


class AttributesUpdateBody(BaseModel):
    """What a player sets and removes; a key in both lists is set."""

    attributes: list[AttributeBody] = Field([], max_length=rules.ATTRIBUTES_MAX)
    publisher_project_id: ProjectNumber | None = None
    removing_keys: Keys = None


class ServerAttributesUpdateBody(BaseModel):
    """What a server sets and removes; a key in both lists is set."""

    publisher_id: int | None
    attributes: list[ServerAttributeBody] = Field([], max_length=rules.ATTRIBUTES_MAX)
    publisher_project_id: ProjectNumber | None = None
    removing_keys: Keys = None


class ServerReadOnlyUpdateBody(BaseModel):
    """What a server sets and removes of the attributes that players can only read."""

    publisher_id: int | None
    attributes: list[AttributeBody] = Field([], max_length=rules.ATTRIBUTES_MAX)
    publisher_project_id: ProjectNumber | None = None
    removing_keys: Keys = None


class SoughtAttributeBody(BaseModel):
    """The attribute by which players are sought; a value of null: any."""

    key: AttributeKey
    value: str | None = Field(None, max_length=256)


class AttributeSearchBody(BaseModel):
    """Players sought by an attribute. `after` is the last player of the page before."""

    attribute: SoughtAttributeBody
    after: UUID | None = None
    attr_type: AttributeType = AttributeType.CLIENT
    keys: Annotated[list[SoughtKey] | None, Field(max_length=5)] = None
    limit: int = Field(20, ge=0, le=20)
    login_project_id: UUID | None = None
    publisher_id: int | None = None
    publisher_project_id: ProjectNumber | None = None
    search_type: Literal["exact"] = "exact"


class AttributeView(BaseModel):
    """An attribute."""

    key: str
    permission: Permission
    value: str

    @classmethod
    def of(cls, attribute: Attribute) -> Self:
        """An attribute of the list."""
        return cls(key=attribute.key, permission=attribute.permission, value=attribute.value)


class HolderView(BaseModel):
    """A player that was found by an attribute, with those attributes that were asked for."""

    user_id: PlayerId
    attributes: list[AttributeView]


class HoldersView(BaseModel):
    """A page of the players that were found; `after` asks for the next one, null where there is none."""

    users: list[HolderView]
    after: str | None

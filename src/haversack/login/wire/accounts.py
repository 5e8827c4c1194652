"""Bodies and views of accounts and what is linked to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self, get_args
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from haversack.clock import wire_time
from haversack.http.wire import WireModel
from haversack.login import rules
from haversack.login.records import Ban, Device, PlatformAccount, Player
from haversack.login.wire.fields import (
    INT32_MAX,
    Birthday,
    Gender,
    Name,
    PhoneType,
    PlayerId,
    ProjectNumber,
    sample_time,
)


class NewUserBody(WireModel):
    """A player whom a server registers by e-mail address or phone number."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["email"]}, {"required": ["phone_number"]}]})

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


class NewUserView(WireModel):
    """The player that was registered."""

    user_id: PlayerId


class CustomIdBody(WireModel):
    """A server's id for a player; null takes it away."""

    server_custom_id: Annotated[str, Field(max_length=255, pattern=r"^[A-Za-z0-9._-]+$")] | None


class LinkingCodeView(WireModel):
    """A code to be typed in the game."""

    code: str


class LinkByCodeBody(WireModel):
    """A platform account and the code that its owner typed."""

    code: Annotated[str, Field(min_length=1, max_length=16)] | Annotated[int, Field(ge=0, le=INT32_MAX)]
    platform: Literal["steam", "xbox", "epicgames", "psn"]
    user_id: str = Field(min_length=1, max_length=255)
    project_id: UUID | None = None
    publisher_project_id: ProjectNumber | None = None

    @property
    def code_text(self) -> str:
        """The code as it was given out: numbers have lost their zeros on the way."""
        return f"{self.code:0{rules.LINKING_CODE_DIGITS}}" if isinstance(self.code, int) else self.code.strip()


class ExternalIdBody(WireModel):
    """An id of the studio's own system for a player."""

    external_account_id: str = Field(min_length=1, max_length=255)
    user_id: UUID


class SoughtAccountBody(WireModel):
    """A platform account whose player is sought."""

    user_id: str = Field(max_length=255)
    platform: str = Field(max_length=32)


class LinkingInfoBody(WireModel):
    """Platform accounts whose players are sought."""

    users: list[SoughtAccountBody] = Field(max_length=50)
    project_id: UUID | None = None
    publisher_project_id: ProjectNumber | None = None


class LinkingInfoView(WireModel):
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


class BanView(WireModel):
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


class GroupView(WireModel):
    """A group of players; there is one, and everybody is in it."""

    id: int
    name: str
    is_default: bool
    is_deletable: bool

    @classmethod
    def default(cls) -> Self:
        """The group of everybody."""
        return cls(id=rules.GROUP_ID, name=rules.GROUP_NAME, is_default=True, is_deletable=False)


class DeviceView(WireModel):
    """A phone whose id opens the account."""

    id: int
    type: PhoneType
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


class UserView(WireModel):
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
    is_last_email_confirmed: bool
    is_user_active: bool
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
    def of(cls, player: Player, devices: Sequence[Device], *, now: datetime) -> Self:
        """The account with its phones: the list has no word for a computer."""
        return cls.model_validate(
            {
                "id": player.player_id,
                "ban": BanView.of(player.ban),
                "birthday": None if player.birthday is None else player.birthday.isoformat(),
                "connection_information": None,
                "country": player.country,
                "devices": [DeviceView.of(device) for device in devices if device.device_type in get_args(PhoneType)],
                "email": player.email,
                "external_id": player.external_account_id,
                "first_name": player.first_name,
                "last_name": player.last_name,
                "gender": player.gender,
                "groups": [GroupView.default()],
                "is_anonymous": player.is_anonymous,
                "is_last_email_confirmed": player.has_confirmed_email,
                "is_user_active": player.is_active(now),
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


class AdminUserView(WireModel):
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
            is_last_email_confirmed=player.has_confirmed_email,
            is_user_active=player.is_active(now),
            last_login=None if player.last_login_at is None else sample_time(player.last_login_at),
            login_type=player.login_type,
            name=player.name,
            nickname=player.nickname,
            phone_auth=player.phone_number,
        )


class ProfileBody(WireModel):
    """What a player changes; SDKs send null for what they leave as it is. An empty text clears a name."""

    birthday: Birthday | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    gender: Gender | None = None
    nickname: Name | None = None

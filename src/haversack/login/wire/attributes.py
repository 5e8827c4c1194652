"""Bodies and views of attributes."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from haversack.http.wire import WireModel
from haversack.login import rules
from haversack.login.actions.attributes import ChangedAttribute
from haversack.login.records import Attribute, AttributeType, Permission
from haversack.login.wire.fields import AttributeKey, PlayerId, ProjectNumber

SoughtKey = Annotated[str, Field(max_length=256)]
DataType = Literal["string", "number", "integer", "boolean"]
Keys = Annotated[list[SoughtKey] | None, Field(max_length=rules.ATTRIBUTES_MAX)]


class AttributesQueryBody(WireModel):
    """Which attributes a player asks for, and whose; no keys: all."""

    keys: Keys = None
    publisher_project_id: ProjectNumber | None = None
    user_id: UUID | None = None


class ServerAttributesQueryBody(WireModel):
    """Which attributes a server asks for; no keys: all."""

    publisher_id: int | None
    keys: Keys = None
    publisher_project_id: ProjectNumber | None = None


class AttributeBody(WireModel):
    """An attribute as it shall be; without a permission it keeps its own, and is private where it is new."""

    key: AttributeKey
    value: str = Field(max_length=256)
    permission: Permission | None = None

    def record(self, attr_type: AttributeType) -> ChangedAttribute:
        """The attribute that is set."""
        return ChangedAttribute(key=self.key, value=self.value, permission=self.permission, attr_type=attr_type)


class ServerAttributeBody(WireModel):
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


class AttributesUpdateBody(WireModel):
    """What a player sets and removes; a key in both lists is set."""

    attributes: list[AttributeBody] = Field([], max_length=rules.ATTRIBUTES_MAX)
    publisher_project_id: ProjectNumber | None = None
    removing_keys: Keys = None


class ServerAttributesUpdateBody(WireModel):
    """What a server sets and removes; a key in both lists is set."""

    publisher_id: int | None
    attributes: list[ServerAttributeBody] = Field([], max_length=rules.ATTRIBUTES_MAX)
    publisher_project_id: ProjectNumber | None = None
    removing_keys: Keys = None


class ServerReadOnlyUpdateBody(WireModel):
    """What a server sets and removes of the attributes that players can only read."""

    publisher_id: int | None
    attributes: list[AttributeBody] = Field([], max_length=rules.ATTRIBUTES_MAX)
    publisher_project_id: ProjectNumber | None = None
    removing_keys: Keys = None


class SoughtAttributeBody(WireModel):
    """The attribute by which players are sought; a value of null: any."""

    key: AttributeKey
    value: str | None = Field(None, max_length=256)


class AttributeSearchBody(WireModel):
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


class AttributeView(WireModel):
    """An attribute."""

    key: str
    permission: Permission
    value: str

    @classmethod
    def of(cls, attribute: Attribute) -> Self:
        """An attribute of the list."""
        return cls(key=attribute.key, permission=attribute.permission, value=attribute.value)


class HolderView(WireModel):
    """A player that was found by an attribute, with those attributes that were asked for."""

    user_id: PlayerId
    attributes: list[AttributeView]


class HoldersView(WireModel):
    """A page of the players that were found; `after` asks for the next one, null where there is none."""

    users: list[HolderView]
    after: str | None

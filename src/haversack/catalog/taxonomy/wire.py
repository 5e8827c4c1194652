"""Bodies and views of texts, attributes, groups and regions, as all calls of the catalog share them."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from iso3166 import countries_by_alpha2
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from typing_extensions import TypeAliasType

from haversack.catalog.records import Attribute, AttributeLink, AttributeValue, Group, Region
from haversack.catalog.taxonomy.records import GivenAttribute, GivenValue, GroupFill
from haversack.http.wire import WireModel
from haversack.text import FIVE_LETTER_CODES, LANGUAGES, language_of, normalised

INT32_MAX = 2**31 - 1
TEXT_LENGTH_MAX = 10_000
LIST_MAX = 10_000
COUNTRIES_MAX = 1_000  # there are 250; more can only be repeats

Int32 = Annotated[int, Field(ge=-INT32_MAX - 1, le=INT32_MAX)]
Link = Annotated[str, Field(max_length=2048)]
AttributeId = Annotated[str, Field(max_length=255, pattern=r"^[a-zA-Z0-9_-]+$")]
ValueId = Annotated[str, Field(max_length=255, pattern=r"^[a-zA-Z0-9_.-]+$")]
GroupId = Annotated[str, Field(max_length=255, pattern=r"^[a-zA-Z0-9_-]+$")]


def _known_country(code: str) -> str:
    country = code.upper()
    if country not in countries_by_alpha2:
        raise ValueError("must be a country of ISO 3166-1 by its two letters, such as US")
    return country


# Any case comes in, upper case comes out.
CountryCode = Annotated[str, AfterValidator(_known_country)]

# -- Texts ----------------------------------------------------------------------------------------------------------


def _texts(given: Any) -> dict[str, str]:
    if not isinstance(given, dict):
        raise ValueError('must be an object of texts by language, such as {"en": "Lamp"}')
    faults = {code: fault for code, text in given.items() if (fault := _fault_of(code, text))}
    if faults:
        found = [
            InitErrorDetails(type=PydanticCustomError("text", "{fault}", {"fault": fault}), loc=(code,), input=None)
            for code, fault in faults.items()
        ]
        # Pydantic puts the place of the texts before that of each language.
        raise ValidationError.from_exception_data("texts", found)
    return normalised(given)[0]


def _fault_of(code: str, text: Any) -> str | None:
    if language_of(code) is None:
        return "is none of the languages that the catalog has"
    if text is not None and not isinstance(text, str):
        return "must be a text or null"
    if text is not None and len(text) > TEXT_LENGTH_MAX:
        return f"must have at most {TEXT_LENGTH_MAX} characters"
    return None


def _some_texts(given: Any) -> dict[str, str]:
    texts = _texts(given)
    if not any(text.strip() for text in texts.values()):
        raise ValueError("must have a text in one language at least")
    return texts


def _texts_or_none(given: Any) -> dict[str, str] | None:
    if given == {}:
        raise ValueError("must have a language, or be null")
    return None if given is None else _texts(given) or None


def _five_letter_texts(given: Any) -> dict[str, str]:
    return {FIVE_LETTER_CODES[language]: text for language, text in _some_texts(given).items()}


def _language_map(codes: Iterable[str], *types: str) -> dict[str, Any]:
    text: dict[str, Any] = {"type": types[0]} if len(types) == 1 else {"type": list(types)}
    return {"type": "object", "properties": dict.fromkeys(codes, text), "additionalProperties": False}


_GIVEN_MAP = _language_map([*LANGUAGES, *FIVE_LETTER_CODES.values()], "string", "null") | {
    "description": "texts by two- or five-letter codes of languages; the last one of a language counts"
}

# Types of their own, so that each stands once in the document. Bodies come out under two-letter keys, without nulls.
# A text that must be there, in one language at least.
TranslationsBody = TypeAliasType(
    "TranslationsBody", Annotated[dict[str, str], BeforeValidator(_some_texts), WithJsonSchema(_GIVEN_MAP)]
)
# A text that may be missing: null, or nulls alone, come out as None. `{}` is refused, as it says neither.
OptionalTranslationsBody = TypeAliasType(
    "OptionalTranslationsBody",
    Annotated[
        dict[str, str] | None,
        BeforeValidator(_texts_or_none),
        WithJsonSchema({"anyOf": [_GIVEN_MAP, {"type": "null"}]}),
    ],
)
# A region's name: it alone comes out, and stays, under five-letter keys.
RegionNameBody = TypeAliasType(
    "RegionNameBody",
    Annotated[dict[str, str], BeforeValidator(_five_letter_texts), WithJsonSchema(_GIVEN_MAP)],
)
# Texts as a studio gets them; languages without a text are left out.
TranslationsView = TypeAliasType(
    "TranslationsView", Annotated[dict[str, str], WithJsonSchema(_language_map(LANGUAGES, "string"))]
)
RegionNameView = TypeAliasType(
    "RegionNameView",
    Annotated[dict[str, str], WithJsonSchema(_language_map(FIVE_LETTER_CODES.values(), "string"))],
)

# -- Attributes -----------------------------------------------------------------------------------------------------


class _StrictBody(WireModel):
    model_config = ConfigDict(extra="forbid")


class AttributeValueBody(_StrictBody):
    """A value that an attribute may have."""

    external_id: ValueId
    value: TranslationsBody

    def record(self) -> GivenValue:
        """The value as it is given."""
        return GivenValue(self.external_id, self.value)


class AttributeBody(_StrictBody):
    """An attribute of an item with the values it has there: at most 20 attributes of at most 6 values. What the
    project does not know yet is made, named as here or by its external_id; what it knows keeps its texts."""

    external_id: AttributeId
    name: OptionalTranslationsBody = None
    values: Annotated[list[AttributeValueBody], Field(max_length=LIST_MAX)]

    def record(self) -> GivenAttribute:
        """The attribute as it is given."""
        return GivenAttribute(self.external_id, self.name, tuple(value.record() for value in self.values))


class DefinitionBody(_StrictBody):
    """An attribute of the project. Its values have calls of their own."""

    external_id: AttributeId
    name: TranslationsBody


class AttributeValueView(WireModel):
    """A value of an attribute."""

    external_id: str
    value: TranslationsView

    @classmethod
    def of(cls, value: AttributeValue) -> Self:
        """The view of a value."""
        return cls(external_id=value.external_id, value=dict(value.value))


class AttributeView(WireModel):
    """An attribute with values: all that it may have, or those of an item."""

    external_id: str
    name: TranslationsView
    values: list[AttributeValueView]

    @classmethod
    def of(cls, attribute: Attribute) -> Self:
        """The view of an attribute with all its values."""
        return cls(
            external_id=attribute.external_id,
            name=dict(attribute.name),
            values=[AttributeValueView.of(value) for value in attribute.values],
        )

    @classmethod
    def of_links(cls, links: Iterable[AttributeLink], attributes: Mapping[int, Attribute]) -> list[Self]:
        """The attributes of an item in the order of its links, with the item's values. `attributes` are the project's,
        by their ids."""
        views = []
        for link in links:
            attribute = attributes.get(link.attribute_id)
            if attribute is None:  # deleted between the two reads
                continue
            values = {value.value_id: value for value in attribute.values}
            views.append(
                cls(
                    external_id=attribute.external_id,
                    name=dict(attribute.name),
                    values=[AttributeValueView.of(values[id_]) for id_ in link.value_ids if id_ in values],
                )
            )
        return views


class ListedAttributeView(WireModel):
    """An attribute of a list."""

    external_id: str
    name: TranslationsView


class AttributeListView(WireModel):
    """A page of the project's attributes, in the order in which they were made."""

    attributes: list[ListedAttributeView]
    total_count: int
    total_items_count: int
    has_more: bool

    @classmethod
    def of(cls, attributes: Iterable[Attribute], *, total: int, has_more: bool) -> Self:
        """The view of a page."""
        shown = [
            ListedAttributeView(external_id=attribute.external_id, name=dict(attribute.name))
            for attribute in attributes
        ]
        return cls(attributes=shown, total_count=total, total_items_count=total, has_more=has_more)


class ExternalIdView(WireModel):
    """What was made, by its external id."""

    external_id: str


# -- Groups ---------------------------------------------------------------------------------------------------------


class GroupBody(_StrictBody):
    """A group of items. What is left out has its default, on a change too."""

    external_id: GroupId
    name: TranslationsBody
    description: OptionalTranslationsBody = None
    iconUrl: Link | None = None
    isEnabled: bool = True
    order: Int32 = 1


class GroupPlaceBody(_StrictBody):
    """The place of an item inside a group; the smallest stands first."""

    item_id: Annotated[int, Field(ge=1, le=INT32_MAX)]
    order: Int32


GroupPlaces = Annotated[list[GroupPlaceBody], Field(max_length=LIST_MAX)]


class GroupRefView(WireModel):
    """A group of an item."""

    external_id: str
    name: TranslationsView

    @classmethod
    def of(cls, group: Group) -> Self:
        """The view of a group."""
        return cls(external_id=group.external_id, name=dict(group.name))


class GroupView(WireModel):
    """A group of items."""

    id: int
    external_id: str
    name: TranslationsView
    description: TranslationsView | None
    image_url: str | None
    is_enabled: bool
    items_count: int = Field(description="items in it, of every kind")
    order: int

    @classmethod
    def of(cls, group: Group, fill: GroupFill) -> Self:
        """The view of a group."""
        return cls(items_count=fill.items_count, **_group_fields(group))


class GroupOfTypeView(WireModel):
    """A group of items as one kind of them sees it."""

    id: int
    external_id: str
    name: TranslationsView
    description: TranslationsView | None
    image_url: str | None
    is_enabled: bool
    items_count: int = Field(description="items of the kind in it")
    order: int
    is_contains_any_items: bool = Field(description="whether an item of any kind is in it")

    @classmethod
    def of(cls, group: Group, fill: GroupFill) -> Self:
        """The view of a group."""
        return cls(items_count=fill.items_count, is_contains_any_items=fill.has_items, **_group_fields(group))


class GroupListView(WireModel):
    """The groups of a project, all of them."""

    groups: list[GroupView]
    total_items_count: int
    has_more: Literal[False]

    @classmethod
    def of(cls, groups: list[GroupView]) -> Self:
        """The view of all groups."""
        return cls(groups=groups, total_items_count=len(groups), has_more=False)


class GroupOfTypeListView(WireModel):
    """The groups of a project as one kind of items sees them, all of them."""

    groups: list[GroupOfTypeView]
    total_items_count: int
    has_more: Literal[False]

    @classmethod
    def of(cls, groups: list[GroupOfTypeView]) -> Self:
        """The view of all groups."""
        return cls(groups=groups, total_items_count=len(groups), has_more=False)


def _group_fields(group: Group) -> dict[str, Any]:
    return {
        "id": group.group_id,
        "external_id": group.external_id,
        "name": dict(group.name),
        "description": None if group.description is None else dict(group.description),
        "image_url": group.image_url,
        "is_enabled": group.is_enabled,
        "order": group.sort_order,
    }


# -- Regions --------------------------------------------------------------------------------------------------------


def _folded(countries: list[str]) -> list[str]:
    return list(dict.fromkeys(countries))


class RegionBody(_StrictBody):
    """Countries under a name. A country that is named twice counts once."""

    countries: Annotated[list[CountryCode], Field(min_length=1, max_length=COUNTRIES_MAX), AfterValidator(_folded)]
    name: RegionNameBody


class RegionIdView(WireModel):
    """The id of a new region."""

    region_id: int


class ListedRegionView(WireModel):
    """A region of a list."""

    id: int
    name: RegionNameView


class RegionListView(WireModel):
    """The regions of a project, in the order in which they were made."""

    regions: list[ListedRegionView]
    total_items_count: int
    has_more: Literal[False]

    @classmethod
    def of(cls, regions: Iterable[Region]) -> Self:
        """The view of all regions."""
        shown = [ListedRegionView(id=region.region_id, name=dict(region.name)) for region in regions]
        return cls(regions=shown, total_items_count=len(shown), has_more=False)


class RegionView(WireModel):
    """A region with its countries."""

    id: int
    name: RegionNameView
    countries: list[str]

    @classmethod
    def of(cls, region: Region) -> Self:
        """The view of a region."""
        return cls(id=region.region_id, name=dict(region.name), countries=list(region.countries))

"""What a writer gives of attributes and groups; `catalog/records.py` has what the catalog keeps of them."""

from dataclasses import dataclass

from haversack.text import Translations


@dataclass(frozen=True, slots=True)
class GivenValue:
    """A value of an attribute as an item's writer names it. Its text counts where the value is not known yet."""

    external_id: str
    value: Translations


@dataclass(frozen=True, slots=True)
class GivenAttribute:
    """An attribute as an item's writer names it. Its name counts where the attribute is not known yet."""

    external_id: str
    name: Translations | None
    values: tuple[GivenValue, ...]


@dataclass(frozen=True, slots=True)
class GroupFill:
    """How full a group is: items of the kinds that were asked for, and whether any item at all is in it."""

    items_count: int
    has_items: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGroup:
    """A group as a studio describes it. Its parent is not set by any call, so it is none of this."""

    external_id: str
    name: Translations
    description: Translations | None = None
    image_url: str | None = None
    is_enabled: bool = True
    sort_order: int = 1

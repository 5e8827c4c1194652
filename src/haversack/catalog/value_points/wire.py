"""What a studio gives and reads of value points."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from haversack.catalog.items.drafts import ItemDraft
from haversack.catalog.items.wire.parts import LIST_MAX, Flag, MediaBody, MediaView, Sku, StrictBody, Whole
from haversack.catalog.records import Details, Item, ItemKind
from haversack.catalog.taxonomy.wire import Link, OptionalTranslationsBody, TranslationsBody, TranslationsView
from haversack.catalog.value_points.queries import Rewarded
from haversack.http.wire import WireModel

INT32_MAX = 2**31 - 1
PATCHED_MAX = 100
REWARDED_MAX = 10_000


class ValuePointBody(StrictBody):
    """A value point. `is_clan` is said when it is made, and stays."""

    sku: Sku
    name: TranslationsBody
    description: OptionalTranslationsBody = None
    long_description: OptionalTranslationsBody = None
    image_url: Link | None = None
    media_list: Annotated[list[MediaBody], Field(max_length=LIST_MAX)] = Field(default_factory=list)
    is_enabled: Flag = True
    order: Whole = 1
    is_clan: Flag | None = None

    def draft(self, now: datetime) -> ItemDraft:
        """The value point as it is given."""
        return ItemDraft(
            kind=ItemKind.VALUE_POINT,
            sku=self.sku,
            name=self.name,
            description=self.description,
            long_description=self.long_description,
            image_url=self.image_url,
            media_list=tuple(one.record() for one in self.media_list),
            is_enabled=self.is_enabled,
            sort_order=self.order,
            details=Details(is_clan=bool(self.is_clan)),
        )


class RewardBody(StrictBody):
    """How many come with an item; 0: none."""

    sku: Sku
    amount: Annotated[int, Field(strict=True, ge=0, le=INT32_MAX)]


PatchedRewards = Annotated[list[RewardBody], Field(max_length=PATCHED_MAX)]
WholeRewards = Annotated[list[RewardBody], Field(max_length=REWARDED_MAX)]


class MadeValuePointView(WireModel):
    """What was made."""

    sku: str
    item_id: int


class ListedValuePointView(WireModel):
    """A value point in a list."""

    sku: str
    name: TranslationsView
    description: TranslationsView | None
    long_description: TranslationsView | None
    media_list: list[MediaView]
    type: str
    image_url: str | None
    is_enabled: bool
    order: int
    is_clan: bool

    @classmethod
    def of(cls, item: Item) -> Self:
        """The view of a value point."""
        return cls(**_fields(item))


class ValuePointView(ListedValuePointView):
    """A value point by itself."""

    can_delete: bool

    @classmethod
    def of_one(cls, item: Item, *, can_delete: bool) -> Self:
        """The view of a value point."""
        return cls(can_delete=can_delete, **_fields(item))


def _fields(item: Item) -> dict[str, object]:
    return {
        "sku": item.sku,
        "name": dict(item.name),
        "description": item.description,
        "long_description": item.long_description,
        "media_list": [MediaView.of(media) for media in item.media_list],
        "type": item.kind.wire_type,
        "image_url": item.image_url,
        "is_enabled": item.is_enabled,
        "order": item.sort_order,
        "is_clan": item.details.is_clan,
    }


class ValuePointListView(WireModel):
    """A page of value points."""

    items: list[ListedValuePointView]


class RewardedItemView(WireModel):
    """An item that a value point comes with."""

    item_id: int
    sku: str
    amount: int
    name: TranslationsView
    image_url: str | None

    @classmethod
    def of(cls, rewarded: Rewarded) -> Self:
        """The view of an item."""
        return cls(
            item_id=rewarded.item_id,
            sku=rewarded.sku,
            amount=rewarded.amount,
            name=dict(rewarded.name),
            image_url=rewarded.image_url,
        )


class RewardedItemListView(WireModel):
    """All items that a value point comes with."""

    items: list[RewardedItemView]
